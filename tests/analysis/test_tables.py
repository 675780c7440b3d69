"""Rendering of grids: nothing is lost, nothing is too wide, every format can be read back."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections import Counter
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.cells import cell_len

from svgbench import paper_tables
from svgbench.analysis.show.published import published_grid, published_grids, published_rows
from svgbench.analysis.show.tables import (
    Amount,
    DisplayTable,
    Entry,
    Measured,
    Quoted,
    Rounded,
    RoundedInterval,
    amount_of,
    csv_of,
    render,
)
from svgbench.words.errors import UsageError

CELLS = st.text("abc 01.\n±", max_size=60)
HEADS = st.text("ABC ", max_size=30)


@st.composite
def grids(draw: st.DrawFn) -> DisplayTable:
    columns = draw(st.lists(HEADS, max_size=6))
    cells = st.lists(CELLS, min_size=len(columns), max_size=len(columns))
    rows = draw(st.lists(st.tuples(HEADS, cells), max_size=5))
    return DisplayTable(
        draw(HEADS), draw(HEADS), columns, [(la, tuple(c)) for la, c in rows], tuple(draw(st.lists(HEADS, max_size=2)))
    )


SMALL = DisplayTable(
    title="A_title",
    corner="Method",
    columns=("Ant", "Hop|per"),
    rows=(
        ("SAC*", (Quoted(Decimal("-1.0"), Decimal("2.0")), "50 %\nof 3")),
        ("*TRPO_1 & co", (None, "<b> \\ {x}^2 ~ #$")),
    ),
    notes=("A note",),
)


@given(grids(), st.integers(5, 120))
def test_no_text_line_is_wider_and_no_cell_is_lost(grid: DisplayTable, width: int) -> None:
    text = render(grid, "text", width)
    assert max(len(line) for line in text.split("\n")) <= width
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert text == render(grid, "text", width)
    alphabet = set("abc01.±")
    put_in = Counter(c for _, cells in grid.rows for cell in cells for c in cell if c in alphabet)
    assert Counter(c for c in text if c in alphabet) == put_in


@given(grids())
def test_lines_that_fit_are_not_wrapped(grid: DisplayTable) -> None:
    lines = render(grid, "text", 200).split("\n")
    for label, cells in grid.rows:
        for part in [label, *(p for cell in cells for p in cell.split("\n"))]:
            assert any(part.rstrip() in line for line in lines)


@given(grids())
def test_markdown_has_the_same_columns_in_every_line(grid: DisplayTable) -> None:
    bars = [len(re.findall(r"(?<!\\)\|", line)) for line in render(grid, "markdown").split("\n") if line[:1] == "|"]
    assert bars == [len(grid.columns) + 2] * (len(grid.rows) + 2)


def test_columns_that_do_not_fit_go_below() -> None:
    grid = DisplayTable(
        "", "m", ("first", "second", "third"), (("row", tuple(Quoted(Decimal(c * 12)) for c in "123")),)
    )
    assert render(grid, "text", 32) == (
        "m           first        second\n"
        "-------------------------------\n"
        "row  111111111111  222222222222\n"
        "\n"
        "m           third\n"
        "-----------------\n"
        "row  333333333333\n"
    )


def test_a_column_too_wide_alone_wraps_at_blanks() -> None:
    grid = DisplayTable(
        "", "m", ("verdict",), (("row", ("one two three four",)), ("next", ("five",))), ("a note of words",)
    )
    assert render(grid, "text", 16) == (
        "m     verdict\n----------------\nrow   one two\n      three four\n\nnext  five\n\na note of words\n"
    )


def body(grid: DisplayTable) -> list[str]:
    """The rows of a text without its head and notes."""
    return render(grid, "text").rstrip("\n").split("\n\n")[0].split("\n")[2:]


def column(*cells: Entry, mark: str = "") -> DisplayTable:
    return DisplayTable("", "", ("c",), tuple((f"r{i}", (cell,)) for i, cell in enumerate(cells)), mark=mark)


def test_text_aligns_numbers_at_the_point_and_words_left() -> None:
    grid = DisplayTable(
        "",
        "",
        ("n", "w"),
        (
            ("a", (Rounded(1, 1), "yes")),
            ("b", (Rounded(-10.25, 2), "no")),
            ("c", (None, "")),
            ("d", (Rounded(7, 0), "x")),
        ),
    )
    assert body(grid) == ["a    1.0    yes", "b  -10.25   no", "c  missing", "d    7      x"]


def test_text_aligns_spreads_at_their_sign() -> None:
    rows = (
        Measured(-573.2, 312.3, 5),
        Quoted(Decimal("317.25"), Decimal("8.2"), n=10),
        "–",
        None,
        Amount("1.5e-05", "2.0e-06", "(5)"),
        Measured(5.0, None, 1),
        Measured(70.2, 11.4, 5, diverged=2),
    )
    lines = body(column(*rows))
    assert lines == [
        "r0     -573 ± 312      (5)",
        "r1   317.25 ± 8.2     (10)",
        "r2        –",
        "r3  missing",
        "r4  1.5e-05 ± 2.0e-06  (5)",
        "r5    5.000            (1)",
        "r6       70 ± 11       (5) +2 diverged",
    ]
    assert {line.index("±") for line in lines if "±" in line} == {lines[0].index("±")}


def test_the_best_has_a_star_whose_meaning_stands_below() -> None:
    grid = column(Amount("10", "2", best=True), Amount("9.5", "1.25"), Amount("3", "4", best=True), mark="the best")
    assert body(grid) == ["r0   10 ± 2    *", "r1  9.5 ± 1.25", "r2    3 ± 4    *"]
    assert render(grid, "text").endswith("\n\n*: the best\n")
    assert "*" not in render(column(Amount("1", "2")), "text")
    assert "| **10** ± 2 |" in render(grid, "markdown")
    assert "Bold: the best" in render(grid, "markdown")


def test_wide_letters_take_two_columns_and_accents_none() -> None:
    grid = DisplayTable(
        "", "", ("c",), (("深度学习", (Rounded(1, 0),)), ("abc", (Rounded(22, 0),)), ("e\u0301a", (Rounded(3, 0),)))
    )
    assert body(grid) == ["深度学习   1", "abc       22", "e\u0301a         3"]
    for width in (8, 12, 14):
        assert all(cell_len(line) <= width for line in render(grid, "text", width).split("\n"))


def test_control_characters_do_not_reach_a_terminal() -> None:
    text = render(DisplayTable("a\x1b[31mb", "", ("c\tc",), (("l\x07", ("x\r",)),)), "text")
    assert not {c for c in text if ord(c) < 32} - {"\n"}
    assert "a?[31mb" in text


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_label_can_be_rendered(label: str, title: str) -> None:
    grid = DisplayTable(title, label, (label,), ((label, (Amount("1", "2"),)), (label, (label,))), (label,), mark=label)
    for name in ("text", "markdown", "latex"):
        assert render(grid, name).endswith("\n")
    assert render(grid, "latex").count(r"\begin{tabular}") == 1


def test_markdown_escapes() -> None:
    assert render(SMALL, "markdown") == (
        "**A_title**\n"
        "\n"
        "| Method            | Ant        | Hop\\|per               |\n"
        "| ----------------- | ---------: | ---------------------- |\n"
        "| SAC\\*             | -1.0 ± 2.0 | 50 %<br>of 3           |\n"
        "| \\*TRPO_1 &amp; co | missing    | &lt;b> \\\\ {x}^2 \\~ #\\$ |\n"
        "\n"
        "- A note\n"
    )


LABELS = ("_mine_", "cost $5 and $6", "Ba$$in", "50%", "a&b &amp; c", "#1", "~~x~~", "^", "\\|", "a|b", "*x*", "`c`")
LABELS += ("<b>", "[a](b)", "![x](y)", "深度", "שלום", "__init__", "a_b_c", "-", "1.", "> q", "=1+1", "\\", "&copy;")


def test_github_shows_every_label_as_it_is() -> None:
    """Read by another's Markdown, with tables and strikethrough as GitHub has them."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    grid = DisplayTable("t", "", ("c",), tuple((label, (label,)) for label in LABELS))
    tokens = parser.parse(render(grid, "markdown"))
    cells = [token for before, token in itertools.pairwise(tokens) if before.type == "td_open"]
    shown = ["".join(child.content for child in cell.children or ()) for cell in cells]
    assert shown == [text for label in LABELS for text in (label, label)]
    assert {child.type for cell in cells for child in cell.children or ()} <= {"text", "text_special"}
    dollars = [line for line in render(grid, "markdown").splitlines() if re.search(r"(?<!\\)\$", line)]
    assert not dollars, "GitHub would set it as mathematics"


def test_a_markdown_row_is_indented_where_it_is_in_text() -> None:
    text = render(DisplayTable("", "", ("c",), (("a", ("1",)), ("  published", ("2",)))), "markdown")
    assert "| &emsp;published | 2   |" in text


@given(grids())
def test_latex_rows_have_the_columns_they_announce(grid: DisplayTable) -> None:
    text = render(grid, "latex")
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") >= 1
    assert "±" not in text
    for block in text.split(r"\begin{tabular}{")[1:]:
        spec = re.sub(r"@{.*?}|{.*?}", "", block.split("\n")[0].removesuffix("}"))
        for row in (line for line in block.split("\n") if line.endswith(r" \\")):
            spans = [int(k) for k in re.findall(r"multicolumn{(\d)}", row)]
            assert len(re.findall(r"(?<!\\)&", row)) + 1 + sum(spans) - len(spans) == len(spec)


ROW = {"task": "t", "variant": "v", "mean": 1.5, "sd": None, "n": 3, "best": True, "verdict": None, "label": "=1+1"}


def test_a_csv_has_numbers_that_pandas_reads() -> None:
    rows = [
        ROW,
        ROW | {"mean": None, "n": 0, "best": False, "label": 'a "b", c\nd'},
        ROW | {"mean": -1e-300, "sd": 0.1 + 0.2},
    ]
    read = pd.read_csv(io.StringIO(csv_of(rows)))
    assert list(read.columns) == list(ROW)
    kinds = {name: str(read[name].dtype) for name in ("mean", "sd", "n", "best")}
    assert kinds == {"mean": "float64", "sd": "float64", "n": "int64", "best": "bool"}
    assert read["mean"].tolist()[2] == -1e-300
    assert read["sd"].tolist()[2] == 0.1 + 0.2, "every digit"
    assert read["mean"].isna().tolist() == [False, True, False]
    assert csv_of([]) == ""


@pytest.mark.parametrize(
    ("label", "written"),
    [("=1+1", "'=1+1"), ("+x", "'+x"), ("-x", "'-x"), ("@x", "'@x"), ("x=1", "x=1"), ("'x", "'x"), ("5", "5")],
)
def test_a_text_that_a_spreadsheet_would_compute_gets_an_apostrophe(label: str, written: str) -> None:
    (_, row) = csv.reader(io.StringIO(csv_of([{"label": label, "mean": -1.0}])))
    assert row == [written, "-1.0"], "a number stays one"


@given(grids())
def test_a_string_is_words_whatever_it_looks_like(grid: DisplayTable) -> None:
    assert [amount_of(cell) for _, cells in grid.rows for cell in cells] == [None for _, c in grid.rows for _ in c]
    assert amount_of("1") is amount_of("-1.5 ± 2.0 (5)") is amount_of(None) is None
    assert body(column("1", "22"))[0] == "r0  1", "flush left"


def test_numbers_keep_their_parts_until_they_are_printed() -> None:
    assert amount_of(Measured(7.12, 1.23, 3, 2, best=True)) == Amount("7.1", "1.2", "(3)", "+2 diverged", best=True)
    paper = Quoted(Decimal("1.07e4"), interval=(Decimal("9.8e3"), Decimal("1.20e4")), n=80)
    assert str(paper) == "1.07e4 (80) [9.8e3, 1.20e4]"
    assert [str(Rounded(x)) for x in (0.0, 1.0, -0.012345, 123.4, 1234.5, 1.5e7)] == [
        "0.00",
        "1.00",
        "-0.0123",
        "123",
        "1234",
        "1.50e+07",
    ]
    assert [str(Rounded(x)) for x in (None, float("nan"), float("inf"))] == ["", "", ""]
    assert str(Rounded(-0.004, 2)) == "0.00", "never -0"
    assert str(RoundedInterval(-0.004, 2.25, 1)) == "[0.0, 2.2]"
    assert body(column(Rounded(2.5, 1, best=True), Rounded(13, 0), Rounded(None))) == ["r0   2.5 *", "r1  13", "r2"]


def test_a_row_of_the_wrong_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="row 'a' has 1 cells, the table 2 columns"):
        DisplayTable("", "", ("x", "y"), (("a", ("1",)),))


@pytest.mark.parametrize(("format", "width"), [("html", 80), ("csv", 80), ("text", 4)])
def test_the_output_says_what_cannot_be_rendered(format: str, width: int) -> None:
    with pytest.raises(ValueError, match=r"html|csv|width 4"):
        render(SMALL, format, width)


@pytest.mark.parametrize(
    ("mean", "spread", "n", "text"),
    [
        (123.4321, 5.62, 10, "123.4 ± 5.6 (10)"),
        (4473.36, 1096.77, 10, "4473 ± 1097 (10)"),
        (-2511.05, 881.26, None, "-2511 ± 881"),
        (12.3, 9.96, 3, "12 ± 10 (3)"),  # 9.96 to two digits is 10, not 10.0
        (-0.04, 1.2, 3, "0.0 ± 1.2 (3)"),
        (0.5, 0.00123, 3, "0.5000 ± 0.0012 (3)"),
        (1.23e-5, 4.5e-6, 5, "1.23e-05 ± 4.5e-06 (5)"),
        (2.5e12, 3.1e11, 5, "2.50e+12 ± 3.1e+11 (5)"),
        (1e6, 1e-5, 3, "1000000.000 ± 1.0e-05 (3)"),
        (0.0, 0.0, 2, "0.000 ± 0.000 (2)"),
        (5.0, float("nan"), 1, "5.000 (1)"),
        (5.0, None, 1, "5.000 (1)"),
        (float("-inf"), None, 2, "-inf (2)"),
        (12.0, float("inf"), 2, "12.00 ± inf (2)"),
    ],
)
def test_a_mean_has_the_decimals_of_its_spread(mean: float, spread: float | None, n: int | None, text: str) -> None:
    assert str(Measured(mean, spread, n)) == text


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15),
    st.floats(min_value=0, max_value=1e15),
)
def test_rounding_does_not_distort(mean: float, spread: float) -> None:
    shown_mean, shown_spread = (float(x) for x in str(Measured(mean, spread)).split(" ± "))
    assert abs(shown_mean - mean) <= max(0.06 * spread, 1e-3 * abs(mean))
    assert abs(shown_spread - spread) <= 0.06 * spread


@pytest.mark.parametrize("table_id", paper_tables.ids())
def test_a_published_table_prints_every_cell(table_id: str) -> None:
    table = paper_tables.load(table_id)
    grid = published_grid(table)
    text = render(grid, "text", 100)
    assert max(len(line) for line in text.split("\n")) <= 100
    aligned = re.sub(" +", " ", text)
    assert all(n.text in aligned for n in table.numbers)
    assert len(grid.rows) == len(table.rows) + (table.steps_row is not None)


def test_table2_says_who_measured_what() -> None:
    grid = published_grid(paper_tables.load("sac-svg/table2"))
    steps = [str(cell) for cell in dict(grid.rows)["Training Timesteps"]]
    assert steps == ["200000", "200000", "50000", "200000", "200000", "50000"]
    assert len([n for n in grid.notes if "measured by the authors; n = 10" in n]) == 1
    assert len([n for n in grid.notes if "measured by Wang and Ba (2019); n = 4" in n]) == 3


def test_a_published_table_is_named_in_full_or_by_its_artifact() -> None:
    assert [g.title for g in published_grids("table1")] == [
        paper_tables.load(i).title for i in ("maac/table1", "trpo/table1")
    ]
    with pytest.raises(UsageError, match="did you mean 'sac-svg/table2'"):
        published_grids("sac-svg/table22")


def test_published_rows_are_flat_and_become_json() -> None:
    rows = json.loads(json.dumps(published_rows("sac-svg/table2")))
    assert len(rows) == 72
    row = rows[0]
    assert (row["row"], row["column"], row["value"], row["printed"]) == (
        "SAC-SVG(1)",
        "Ant",
        3691.0,
        "3691.00 ± 1096.77",
    )
    assert not any(isinstance(v, dict | list) for r in rows for v in r.values())
