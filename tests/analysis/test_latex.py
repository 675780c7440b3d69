"""LaTeX tables compile: by their structure everywhere, and with pdflatex where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from harness import ROOT

from svgbench import paper_tables
from svgbench.analysis.frames import read_results
from svgbench.analysis.published import published_grids
from svgbench.analysis.summary import results_grids
from svgbench.analysis.tables import _LATEX, Grid, render
from svgbench.lab.cells import Selection
from svgbench.lab.store import Store
from svgbench.reproduce.sac_svg.experiments import TABLE2

SPECIAL = "".join(_LATEX) + "*-é'`/()!?@;:,.=+"
# of LaTeX's kernel; a single character is an escape or an end of a row
KERNEL = """begin end hline par noindent footnotesize shortstack pm times leq geq approx to textbackslash textasciitilde
textasciicircum alpha beta gamma delta epsilon eta theta lambda mu pi rho sigma tau chi omega Delta Sigma"""
COMMANDS = {*KERNEL.split(), *"\\&%$#_{}"}


def nasty():
    """Every special character first, last and doubled, in every place that a text can have."""
    rows = [(f"{c}a{c}", (f"{c}{c}", f"b{c}", None)) for c in SPECIAL]
    return Grid(f"title {SPECIAL}", "%", ("\\", "_x_", SPECIAL), rows, (f"note {SPECIAL}", "two\nlines"))


def grids():
    everything = {name: published_grids(name) for name in paper_tables.ids()}
    budgets = [budget.name for budget in TABLE2.budgets]
    for budget in budgets:
        results = read_results(Store(ROOT / "results"), TABLE2, Selection(budget), {})
        everything[f"ours, {budget}"] = results_grids(results, paper_tables.load(TABLE2.published))
    return [("nasty", nasty())] + [(name, grid) for name, several in everything.items() for grid in several]


def check_structure(text, columns):
    body = [line for line in text.split("\n") if not line.startswith("%")]
    text = "\n".join(body)
    assert set(re.findall(r"\\([A-Za-z]+|.)", text)) <= COMMANDS
    plain = re.sub(r"\\\\|\\[&%$#_{}]", "", text)  # escaped characters and ends of rows away
    assert plain.count("{") == plain.count("}")
    assert plain.count("$") % 2 == 0
    assert re.findall(r"\\(begin|end){(\w+)}", plain) == [("begin", "tabular"), ("end", "tabular")]
    assert not re.search(r"[#^~%]", plain)
    assert not re.search(r"[<>|_]", re.sub(r"\$[^$]*\$", "", plain)), "in text these print as others, or not at all"
    assert max(map(ord, text)) < 0x180, "a letter that plain LaTeX does not know"
    assert not any(re.match(r"\s*[*\[]", after) for after in text.split(r"\\")), "would belong to the end of the row"
    rows = [line for line in body if line.endswith(r" \\")]
    in_cells = [re.sub(r"\\&|\\shortstack{.*?}(?= [&\\])", "", line) for line in rows]
    assert {line.count("&") for line in in_cells} == {columns}


def test_every_table_is_sound_latex():
    found = grids()
    assert len(found) > 10
    for name, grid in found:
        text = render(grid, "latex")
        try:
            check_structure(text, len(grid.columns))
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}\n{text}") from error


@pytest.mark.parametrize("slip", ["&", "%", "_", "{", "}", "$", "\\hilne", "^", "≪", r"\\[", "<"])
def test_the_structure_check_sees_a_slip(slip):
    text = render(Grid("", "m", ("a",), (("x", ("HERE",)),)), "latex")
    check_structure(text, 1)
    with pytest.raises(AssertionError):
        check_structure(text.replace("HERE", slip), 1)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")
def test_every_table_compiles(tmp_path):
    body = "\n".join(render(grid, "latex") for _, grid in grids())
    document = f"\\documentclass{{article}}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"
    (tmp_path / "all.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in done.stdout
