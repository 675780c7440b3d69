"""LaTeX tables compile: by their structure everywhere, and with pdflatex where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from harness import ROOT

from svgbench import paper_tables
from svgbench.analysis.read.frames import read_results
from svgbench.analysis.show.published import published_grids
from svgbench.analysis.show.summary import results_grids
from svgbench.analysis.show.table_markup import _LATEX, LATEX_ROWS
from svgbench.analysis.show.tables import Amount, DisplayTable, render
from svgbench.lab.cells import Selection
from svgbench.lab.store import Store
from svgbench.reproduce.sac_svg.experiments import TABLE2

LABELS = (
    "_mine",
    "cost $5",
    "Ba$$in",
    "50%",
    "a&b",
    "#1",
    "~",
    "^",
    "\\",
    "\\\\",
    "\\end{table}",
    "--",
    "''",
    "{",
    "=1+1",
)
SPECIAL = "".join(_LATEX) + "*-é'`/()!?@;:,.=+"
# of LaTeX's kernel, and of booktabs; a single character is an escape or an end of a row
KERNEL = """begin end par noindent centering raggedright footnotesize smallskip medskip caption label setlength
tabcolsep columnwidth multicolumn textbf quad shortstack pm times leq geq approx to infty textbackslash textendash
textemdash textasciitilde textasciicircum alpha beta gamma delta epsilon eta theta lambda mu pi rho sigma tau chi omega
Delta Sigma"""
BOOKTABS = "toprule midrule bottomrule"
COMMANDS = {*KERNEL.split(), *BOOKTABS.split(), *"\\&%$#_{},"}


def nasty():
    """Every special character first, last and doubled, in every place that a text can have."""
    rows = [(f"{c}a{c}", (f"{c}{c}", f"b{c}", None)) for c in SPECIAL]
    rows += [
        (label, ("", Amount("1", "2", "(3)"), Amount("-1.5", "0.2", more="+1 diverged", best=True))) for label in LABELS
    ]
    return DisplayTable(
        f"title {SPECIAL}", "%", ("\\", "_x_", SPECIAL), rows, (f"note {SPECIAL}", "two\nlines"), "the best"
    )


def grids():
    everything = {name: published_grids(name) for name in paper_tables.ids()}
    budgets = [budget.name for budget in TABLE2.budgets]
    for budget in budgets:
        results = read_results(Store(ROOT / "results"), TABLE2, Selection(budget), {})
        everything[f"ours, {budget}"] = results_grids(results, paper_tables.load(TABLE2.published))
    return [("nasty", nasty())] + [(name, grid) for name, several in everything.items() for grid in several]


def check_structure(text, columns):
    """Of a grid whose columns have so many columns of LaTeX each: one of words, three of numbers with a spread."""
    body = [line for line in text.split("\n") if not line.startswith("%")]
    text = "\n".join(body)
    assert set(re.findall(r"\\([A-Za-z]+|.)", text)) <= COMMANDS
    plain = re.sub(r"\\\\|\\[&%$#_{}]", "", text)  # escaped characters and ends of rows away
    assert plain.count("{") == plain.count("}")
    assert plain.count("$") % 2 == 0
    tables = re.findall(r"\\begin{table}.*?\\end{table}", plain, flags=re.S)
    for table in tables:
        inside = re.findall(r"\\(begin|end){(\w+)}", table)[1:-1]
        assert inside
        assert inside == [("begin", "tabular"), ("end", "tabular")] * (len(inside) // 2)
        rules = re.findall(r"\\(toprule|midrule|bottomrule)", table)
        assert rules == ["toprule", "midrule", "bottomrule"] * (len(inside) // 2)
        assert table.count(r"\caption{") <= 1
    assert plain.count("{tabular}") == 2 * sum(table.count(r"\begin{tabular}") for table in tables)
    assert not re.search(r"[#^~%]", plain)
    assert not re.search(r"[<>|_]", re.sub(r"\$[^$]*\$", "", plain)), "in text these print as others, or not at all"
    assert max(map(ord, text)) < 0x180, "a letter that plain LaTeX does not know"
    assert not any(re.match(r"\s*[*\[]", after) for after in text.split(r"\\")), "would belong to the end of the row"
    assert "--" not in text, "would print as a dash"
    for block in re.findall(r"\\begin{tabular}.*?\\end{tabular}", text, flags=re.S):
        spec = re.match(r"\\begin{tabular}{(.*)}", block)[1]
        wanted = len(re.sub(r"@{.*?}|{.*?}", "", spec))
        assert set(re.sub(r"@{.*?}|{.*?}", "", spec)) <= set("lrcp")
        for line in (line for line in block.split("\n") if line.endswith(r" \\")):
            cells = re.sub(r"\\&|\\shortstack{.*?}(?= [&\\])", "", line).split("&")
            several = [int(number) for cell in cells for number in re.findall(r"\\multicolumn{(\d+)}", cell)]
            assert len(cells) + sum(several) - len(several) == wanted, line
        assert wanted >= 1
    spans = [len(re.sub(r"@{.*?}|{.*?}", "", spec)) for spec in re.findall(r"\\begin{tabular}{(.*)}", text)]
    assert sum(spans) >= columns + len(spans)


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
    text = render(DisplayTable("t", "m", ("a",), (("x", ("HERE",)),)), "latex")
    check_structure(text, 1)
    with pytest.raises(AssertionError):
        check_structure(text.replace("HERE", slip), 1)


def test_a_table_is_no_longer_than_a_page_and_no_wider_than_a_column():
    rows = tuple((f"a label of {i}", (Amount("1234.56", "789.01"),) * 6) for i in range(2 * LATEX_ROWS))
    text = render(DisplayTable("long", "", [f"column {j}" for j in range(6)], rows), "latex")
    tables = text.split(r"\begin{table}")[1:]
    assert len(tables) > 2
    assert all(table.count(r" \\") <= LATEX_ROWS + 2 for table in tables)
    captions = re.findall(r"\\caption{(.*?)}", text)
    assert captions == [f"long ({i + 1} of {len(tables)})." for i in range(len(tables))]
    assert text.count("a label of 7 ") * 2 == text.count("a label of 7 ") + text.count(r"\begin{tabular}") // 2
    assert len(set(re.findall(r"\\label{(.*?)}", text))) == len(tables)


def test_the_best_is_bold_and_numbers_are_aligned_at_their_sign():
    amounts = (Amount("-84", "93", best=True), Amount("317.2", "8.2"))
    text = render(
        DisplayTable("t", "", ("c",), (("a", amounts[:1]), ("b", amounts[1:])), mark="what bold means"), "latex"
    )
    assert r"\begin{tabular}{lr@{\,}c@{\,}l}" in text
    assert r" & \multicolumn{3}{c}{c} \\" in text
    assert r"a & \textbf{$-$84} & $\pm$ & 93 \\" in text
    assert r"b & 317.2 & $\pm$ & 8.2 \\" in text
    assert "Bold: what bold means." in text


def test_letters_that_plain_latex_lacks_are_named():
    text = render(DisplayTable("t", "", ("c",), (("深度 שלום\u200f", ("1",)),)), "latex")
    assert text.startswith("% \\usepackage{booktabs}\n% xelatex or lualatex, and a font that has ו ל ם ש 度 深\n")
    assert "深度 שלום & 1" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")
def test_every_table_compiles(tmp_path):
    for nasty_ones in (True, False):
        chosen = [grid for name, grid in grids() if (name == "nasty") is nasty_ones]
        done = compiled(tmp_path, "\n".join(render(grid, "latex") for grid in chosen))
        assert done.returncode == 0, done.stdout[-2000:]
        assert "Missing character" not in done.stdout
        assert "Float too large" not in done.stdout
        wide = [line for line in done.stdout.splitlines() if line.startswith("Overfull \\hbox")]
        assert nasty_ones or not wide, "wider than a column"


def compiled(folder, body):
    """Two columns; a page for each table, so that none waits for another."""
    head = "\\documentclass[twocolumn]{article}\n\\usepackage{booktabs}\n\\begin{document}\n"
    paged = body.replace(r"\end{table}", r"\end{table}\clearpage")
    (folder / "all.tex").write_text(f"{head}{paged}\n\\end{{document}}\n", encoding="utf-8")
    command = ["pdflatex", "-draftmode", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=120)
