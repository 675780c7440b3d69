"""Every experiment in a terminal of 80 columns: within its width, and within a screen without --verbose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_cells import by_key, cell, experiment

from svgbench import paper_tables, reproduce
from svgbench.analysis.judge.aggregating import aggregates_of
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import CellData
from svgbench.analysis.show.aggregate_text import aggregate_lines
from svgbench.analysis.show.plots import learning_curves
from svgbench.analysis.show.screens import exchanged, means_only, screenful, whole_text
from svgbench.analysis.show.summary import results_grids, results_rows
from svgbench.analysis.show.tables import DisplayTable, Measured
from svgbench.overview import list_lines, overview_lines, several_overviews
from svgbench.words.experiment import Experiment

EXPERIMENTS = reproduce.experiments()
WIDTHS = (40, 80, 120)
SCREEN = 40
SEEDS = (0, 1, 2, 3, 4)


def made(of: Experiment) -> Results:
    """Every cell of an experiment with five seeds, and rows for every measure."""
    cells = {}
    for place, task in enumerate(of.tasks):
        for number, variant in enumerate(v for v in of.variants if v.runs_on(task.id)):
            frame = _frame(of, 1000.0 * place - 7.25 * number)
            cells[task.id, variant.id] = CellData(task.id, variant.id, frame, SEEDS, SEEDS)
    labels = {variant.id: variant.label for variant in of.variants}
    return Results(of, of.budgets[0].name, cells, labels, ())


def _frame(of: Experiment, level: float) -> pd.DataFrame:
    rows = []
    for seed in SEEDS:
        for step, measure in enumerate(of.measures):
            row: dict[str, Any] = {"seed": seed, "step": step + 1}
            row |= {c.name: "" if c.kind == "str" else level + np.exp(seed) for c in of.columns}
            row |= {column: value for column, value in measure.where.items() if value != "last"}
            rows.append(row | {measure.column: level + np.exp(seed)} if measure.column not in measure.where else row)
    return pd.DataFrame(rows)


def fits(lines: list[str], width: int) -> bool:
    return max(map(len, lines)) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_what_an_experiment_is_fits_a_screen(width):
    for one in EXPERIMENTS.values():
        lines = overview_lines(one, width)
        assert fits(lines, width), one.id
        assert width < 80 or len(lines) <= SCREEN, one.id
        assert lines[0].startswith(f"{one.id}: ")
        assert " ".join(" ".join(lines).split()).endswith(f"svgbench show {one.id} --verbose")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_work_has_a_paragraph_for_each_of_its_experiments(width):
    for work in {one.work for one in EXPERIMENTS.values()}:
        own = [one for one in EXPERIMENTS.values() if one.work == work]
        lines = several_overviews(work, own, width)
        assert fits(lines, width)
        assert sum(line.startswith(f"{work}/") for line in lines) == len(own)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("verbose", [False, True])
def test_the_list_fits_a_screen_and_says_what_is_hidden(width, verbose):
    done = {"cells": 100, "runs_done": 1743, "runs_stale": 2, "runs_total": 1800, "budget": "short"}
    done |= {"cells_replicated": 3}
    rows = [{"id": one.id, "title": one.title, **done} for one in EXPERIMENTS.values()]
    lines = list_lines(rows, width, {} if verbose else reproduce.spare(), verbose)
    assert fits(lines, width)
    assert verbose or width < 80 or len(lines) <= SCREEN
    assert lines[0] == f"{len(rows)} experiments: {len(rows)} in part"
    text = " ".join(" ".join(lines).split())
    spare = reproduce.spare()
    assert (
        text.endswith(f"; and {len(spare['search'])} searches and {len(spare['of our own'])} of our own: --verbose")
        != verbose
    )
    shown = len(rows) if verbose else len(rows) - sum(map(len, spare.values()))
    assert " ".join(" ".join(lines).split()).count("1743/1800 short!+") == shown
    assert "! partly stale; + several platforms" in text


def test_the_list_counts_what_is_done_at_which_budget():
    kinds = ((5, "paper"), (5, "short"), (2, "paper"), (0, "paper"))
    rows = [
        {
            "id": f"w/{n}{b}",
            "title": "t",
            "cells": 1,
            "runs_done": n,
            "runs_stale": 0,
            "runs_total": 5,
            "budget": b,
            "cells_replicated": 0,
        }
        for n, b in kinds
    ]
    rows = [{**row, "budget_origin": "our choice"} for row in rows]
    lines = list_lines(rows, 80, {}, verbose=False)
    assert lines[0] == "4 experiments: 1 done, 1 done at a smaller budget, 1 in part, 1 not begun"
    assert lines[-2].split() == ["w/0paper", "0/5", "paper*", "t"]
    assert lines[-1] == "* size: our choice"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_tables_and_aggregates_fit_a_screen(name):
    one = EXPERIMENTS[name]
    results = made(one)
    published = paper_tables.load(one.published) if one.published else None
    grids = results_grids(results, published, whole=False)
    aggregates = aggregates_of(results, published)
    for width in (80, 120):
        text = screenful(grids, width, SCREEN)
        assert fits(text.splitlines(), width)
        assert text.count("\n") <= SCREEN + 6, "a table with a line per published number may be a little longer"
        lines = aggregate_lines(aggregates, width)
        assert fits(lines, width)
        assert len(lines) <= SCREEN + 6
    assert fits(whole_text(results_grids(results, published), 80).splitlines(), 80)
    assert fits(aggregate_lines(aggregates, 80, verbose=True), 80)


def test_all_of_table2_stands_on_a_screen_with_the_printed_number_under_each_row():
    one = EXPERIMENTS["sac-svg/table2"]
    results = replace(made(one), caveats=tuple(f"cell {i} ends at 1000 steps" for i in range(90)))
    lines = screenful(results_grids(results, paper_tables.load(one.published), whole=False), 80, SCREEN).splitlines()
    assert fits(lines, 80)
    assert len(lines) <= SCREEN + 6
    assert "86 more such cells: --verbose" in lines
    for variant in one.variants:
        (place,) = (i for i, line in enumerate(lines) if line.startswith(f"{variant.label}  "))
        assert len([word for word in lines[place].removeprefix(variant.label).split() if word != "*"]) == len(one.tasks)
        assert lines[place + 1].startswith("  published") == (variant.published is not None)


def test_a_printed_row_without_runs_is_in_the_whole_table_and_named_on_a_screen():
    """A printed row that several variants stand beside is not named if one of them has run."""
    one = EXPERIMENTS["sac-svg/table2"]
    ran, every = {"sac", "td3", "poplin-p-bc", "random"}, made(one)
    none = {key: CellData(*key, pd.DataFrame(), (), SEEDS) for key in every.cells if key[1] not in ran}
    results, published = replace(every, cells=every.cells | none), paper_tables.load(one.published)
    (short,), (whole,) = (results_grids(results, published, whole=whole) for whole in (False, True))
    horizons = ", ".join(f"SAC-SVG({H})" for H in (1, 2, 3, 4, 5, 10))
    assert f"printed rows that are not here: {horizons}, SAC*, PETS*, METRPO*: --verbose" in short.notes
    assert not any("printed rows" in note for note in whole.notes)
    labels = [label for label, _ in whole.rows]
    assert labels[-1] == "SAC*, published (4)"
    assert labels[labels.index("PETS") + 1] == "  published (4)"


def table(columns: int, rows: int, label: str = "row") -> DisplayTable:
    body = [(f"{label} {i}", [Measured(i + j / 7, 0.5, 5) for j in range(columns)]) for i in range(rows)]
    return DisplayTable("a table", "", [f"column {j}" for j in range(columns)], body, ("a note",), "the best", "m")


def test_a_long_table_exchanges_rows_and_columns():
    tall = screenful([table(20, 3)], 60, 30)
    assert tall.splitlines()[2].split() == ["row", "0", "row", "1", "row", "2"]
    assert screenful([table(3, 3)], 60, 30) == whole_text([table(3, 3)], 60)
    indented = screenful([table(20, 3, "  published")], 60, 30)
    assert "column 19" in indented
    assert "published 0" in indented.splitlines()[4]


def test_exchanging_twice_changes_nothing():
    grid = table(4, 3)
    again = exchanged(exchanged(grid))
    assert [(label, tuple(cells)) for label, cells in grid.rows] == list(again.rows)
    assert tuple(grid.columns) == again.columns


def test_further_measures_are_named_if_they_do_not_fit():
    grids = [table(2, 10), replace(table(2, 10), measure="n")]
    assert "also measured: n: --verbose" in screenful(grids, 80, 20)
    assert screenful(grids, 80, 60) == whole_text(grids, 80)


def test_a_table_that_fits_in_no_other_shape_shows_means_only():
    numbers = (Measured(1234.56, 78.9, 5, best=True), Measured(-0.25, 0.5, 5), "–")
    columns = tuple(f"PETS column {j}" for j in range(6))
    rows = [(f"{'  ' * (i % 2)}row {i}", tuple(numbers[(i + j) % 3] for j in range(6))) for i in range(16)]
    grid = DisplayTable("t", "", columns, tuple(rows), ("a note",), mark="the best")
    text = screenful([grid], 80, SCREEN)
    assert text.count("\n") <= SCREEN
    assert "means only; spreads and n: --verbose" in text
    assert "1235 *" in text
    assert "±" not in text
    few = replace(grid, rows=grid.rows[:4])
    assert "1235 ± 79" in screenful([few], 80, SCREEN)
    assert "means only" not in screenful([few], 80, SCREEN)
    lost = DisplayTable("", "", ("x",), (("a", (Measured(-3.14, 0.5, 4, diverged=1),)), ("b", (None,))))
    assert [str(cells[0]) for _, cells in means_only(lost).rows] == ["-3.14 +1 diverged", "None"]


def test_a_list_and_a_figure_say_whose_choice_the_largest_budget_is():
    printed = [name for name, one in EXPERIMENTS.items() if one.budgets[0].printed]
    assert printed == ["sac-svg/table2", "sac-svg/fig5"], "where a paper prints steps and runs"
    row = {"id": "a/b", "title": "A title", "cells": 1, "runs_done": 1, "runs_total": 2, "runs_stale": 0}
    row |= {"cells_replicated": 0}
    ours, smaller = ({**row, "budget": b, "budget_origin": "our choice"} for b in ("paper", "short"))
    lines = list_lines([ours, smaller], 80, {}, False)
    assert any("1/2  paper* " in line for line in lines)
    assert any("1/2  short  " in line for line in lines)
    assert lines[-1] == "* size: our choice"
    figure = learning_curves(made(EXPERIMENTS["trpo/remarks"]))
    assert "trpo/remarks, budget paper (our choice)" in " ".join(figure.get_supxlabel().split())


def test_a_cell_whose_seeds_all_diverged_before_their_first_row_was_run():
    lost = CellData("t", "a", cell("a", [0.0]).frame.iloc[:0], (0, 1), (0, 1), diverged=(0, 1))
    results = Results(experiment(), "short", by_key(lost, cell("b", [1.0, 2.0])), {}, ())
    for whole in (True, False):
        rows = {label: cells for grid in results_grids(results, whole=whole) for label, cells in grid.rows}
        assert rows["a"] == ("all 2 diverged",)
    (row,) = [row for row in results_rows(results) if row["variant"] == "a"]
    assert (row["diverged"], row["n"], row["mean"]) == (2, 0, None)
