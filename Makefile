# make demo   a figure of a paper, redrawn from ten seeds, with verdicts, in minutes
# make coverage   which lines the tests run
# make test   lint, format, types, import rules, tests in two processes (WORKERS=1 for one)
PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
DEMO := demo
WORKERS ?= 2

.PHONY: demo test coverage lint clean

# torch first and pinned: any other order may bring a build for GPUs, several gigabytes of it.
$(VENV)/.base: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	grep -v '^torch==' constraints.txt > $(VENV)/constraints.txt
	$(PIP) install '$(TORCH)'
	$(PIP) install -c $(VENV)/constraints.txt -e .
	touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) install -c $(VENV)/constraints.txt -e '.[dev]'
	touch $@

demo: $(VENV)/.base
	$(BIN)/svgbench run maac/fig3 --budget paper --seeds 10 --results $(DEMO)/results --yes
	$(BIN)/svgbench plot maac/fig3 --budget paper --results $(DEMO)/results --output $(DEMO)/figures
	$(BIN)/svgbench table maac/fig3 --budget paper --results $(DEMO)/results
	$(BIN)/svgbench compare maac/fig3 --budget paper --results $(DEMO)/results
	$(BIN)/svgbench diff results $(DEMO)/results --experiment maac/fig3 --budget paper
	@echo
	@echo "CSV and JSON  $(DEMO)/results/maac/fig3/paper/"
	@echo "Figures       $(DEMO)/figures/"

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

coverage: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=term:skip-covered

clean:
	rm -rf $(VENV) $(DEMO) figures .mypy_cache .ruff_cache .pytest_cache .hypothesis
