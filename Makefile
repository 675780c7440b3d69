# make demo   a figure of a paper, redrawn from ten seeds, with verdicts, in minutes
# make docs   the documentation as a site, with pages generated from the code and the results
# make report   one page with every answer, figure and table of the committed results: report.html
# make coverage   which lines the tests run
# make test   lint, format, types, import rules, tests in two processes (WORKERS=1 for one)
PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
DEMO := demo
# Half of the figure, and of its curves those in which the paper's picture appears: five minutes on two cores. The other
# curves take as long again: `svgbench run maac/fig3 --results demo/results`, a quarter of an hour for the whole figure.
DEMO_FIGURE := maac/fig3 --budget paper --tasks double-integrator/gamma0.9-far,double-integrator/gamma0.9-near
DEMO_CURVES := --variants early-f-learned-q,true-f-learned-q,early-f-exact-q
WORKERS ?= 2

.PHONY: demo docs report test coverage lint clean

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
	$(BIN)/svgbench run $(DEMO_FIGURE) $(DEMO_CURVES) --seeds 10 --results $(DEMO)/results --yes
	$(BIN)/svgbench compare $(DEMO_FIGURE) --results $(DEMO)/results --with-reference
	$(BIN)/svgbench diff results $(DEMO)/results --experiment $(DEMO_FIGURE) $(DEMO_CURVES)
	$(BIN)/svgbench report --experiment maac/fig3 --budget paper --results $(DEMO)/results --with-reference \
	  --output $(DEMO)/report.html
	@echo
	@echo "CSV and JSON  $(DEMO)/results/maac/fig3/paper/"
	@echo "To look at    $(DEMO)/report.html"

report: $(VENV)/.base
	$(BIN)/svgbench report --results results --output report.html

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py build/docs
	$(BIN)/zensical build -f build/docs/zensical.toml --strict
	@echo "build/docs/site/index.html"

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
	rm -rf $(VENV) $(DEMO) build figures .mypy_cache .ruff_cache .pytest_cache .hypothesis
