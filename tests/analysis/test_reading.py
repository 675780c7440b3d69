"""From a results folder to frames, tables, figures, verdicts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib import pyplot as plt
from toy_imports import an_import

from svgbench import paper_tables
from svgbench.analysis.judge.verdicts import compare
from svgbench.analysis.read.frames import parse_rows, read_results
from svgbench.analysis.read.importing import import_results
from svgbench.analysis.show.plots import draw, learning_curves
from svgbench.analysis.show.summary import results_grids, results_rows
from svgbench.analysis.show.tables import render
from svgbench.analysis.show.verdict_text import verdict_lines
from svgbench.lab.cells import Selection, expand
from svgbench.lab.store import Store
from svgbench.study import Study
from svgbench.words.errors import UsageError
from svgbench.words.experiment import Experiment

PAPER = Selection(budget="paper")


def test_frame_has_every_row_with_its_cell(store: Store, experiment: Experiment) -> None:
    frame = read_results(store, experiment, PAPER).frame()
    assert list(frame.columns) == ["task", "variant", "seed", "step", "score", "phase"]
    assert len(frame) == 2 * 2 * 5 * 3
    last = frame[(frame.variant == "ours") & (frame.seed == 4) & (frame.step == 2)]
    assert last.score.tolist() == [10.0 + 0.1 * 4 + 2] * 2  # exactly: repr there and back


def test_a_selection_of_seeds_reads_only_those(store: Store, experiment: Experiment) -> None:
    results = read_results(store, experiment, replace(PAPER, seeds=(1, 3)))
    assert sorted(results.frame().seed.unique()) == [1, 3]
    assert results.cells[("toy/easy", "ours")].seeds_asked == (1, 3)


def test_a_variant_that_a_figure_leaves_out_is_not_read_and_cannot_be_named(
    store: Store, experiment: Experiment, my_csv: Path
) -> None:
    """The other experiment declares its runs, so they are not undeclared here. An imported variant still is."""
    import_results(store, experiment, an_import(my_csv))
    ours = tuple(v for v in experiment.variants if v.id == "ours")
    whole = replace(experiment, id="toy/fig2", draws_from="toy/fig1", variants=ours)
    drawn = replace(whole, leaves=("theirs",))
    read, without = (read_results(store, one, PAPER) for one in (drawn, whole))
    assert {variant for _, variant in read.cells} == {"ours", "mine"}
    assert not any("theirs" in note for note in read.notes)
    assert {variant for _, variant in without.cells} == {"ours", "mine", "theirs"}
    assert any("theirs" in note for note in without.notes)
    assert Study(drawn, store.root).variants() & {"ours", "theirs", "mine"} == {"ours", "mine"}
    assert "theirs" in Study(whole, store.root).variants()


def test_budgets_do_not_mix(store: Store, experiment: Experiment) -> None:
    assert len(read_results(store, experiment, Selection(budget="smoke")).frame()) == 2 * 2 * 3 * 3


def test_a_damaged_cell_is_left_out_and_noted(store: Store, experiment: Experiment) -> None:
    cell = expand(experiment, PAPER)[0]
    path = store.csv_path(cell)
    path.write_bytes(path.read_bytes()[:-7])
    results = read_results(store, experiment, PAPER)
    assert not len(results.cells[cell.key].frame)
    assert results.cells[cell.key].missing == (0, 1, 2, 3, 4)
    assert any(path.name in note for note in results.notes)


def test_stale_results_are_noted(store: Store, experiment: Experiment) -> None:
    cell = expand(experiment, PAPER)[0]
    path = store.json_path(cell)
    meta = json.loads(path.read_bytes())
    meta["config"]["tau"] = 0.5
    path.write_text(json.dumps(meta | {"config_hash": "0" * 12}))
    notes = read_results(store, experiment, PAPER).notes
    assert any("stale" in note and "tau was 0.5" in note for note in notes)


def test_table_has_mean_sd_n_and_the_published_number(store: Store, experiment: Experiment) -> None:
    published = paper_tables.load("sac-svg/table2")
    grids = results_grids(read_results(store, experiment, PAPER), published)
    text = "".join(render(grid, "text", 80) for grid in grids)
    assert "12.20 ± 0.16 " in text  # 10 + 2 + mean of 0.0 to 0.4; SD of 0.1 * (0..4)
    assert "350.22 ± 3.63" in text
    assert "Mean ± SD over 5 seeds; higher is better" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_the_verdict_stands_under_the_published_number_and_other_rows_follow(store, experiment) -> None:
    published = paper_tables.load("sac-svg/table2")
    results = read_results(store, experiment, PAPER)
    keys = [key for key in results.cells if key[1] == "ours"]
    words = {key: f"WORD_{i}" for i, key in enumerate(keys)}

    grid = results_grids(results, published, words)[0]
    labels = [label for label, _ in grid.rows]
    first = labels.index("  published (10)")
    assert labels[first + 1] == "  verdict"
    assert set(grid.rows[first + 1][1]) <= {*words.values(), ""}
    assert any(grid.rows[first + 1][1])
    assert "POPLIN-P, published (4)" in labels
    for less in ({"others": False}, {"whole": False}):
        assert "POPLIN-P, published (4)" not in dict(results_grids(results, published, words, **less)[0].rows)

    rows = {(r["task"], r["variant"]): r for r in results_rows(results, published, words) if r["published"] is not None}
    assert {key: row["verdict"] for key, row in rows.items()} == {key: words.get(key) for key in rows}


def test_table_rows_are_flat_and_missing_is_null(store: Store, experiment: Experiment) -> None:
    cell = expand(experiment, PAPER)[0]
    store.csv_path(cell).unlink()
    store.json_path(cell).unlink()
    rows = results_rows(read_results(store, experiment, PAPER))
    missing = [r for r in rows if (r["task"], r["variant"]) == cell.key]
    assert [r["mean"] for r in missing] == [None, None]
    assert [r["n"] for r in missing] == [0, 0]
    whole = next(r for r in rows if (r["task"], r["variant"], r["measure"]) == ("toy/hard", "ours", "final score"))
    assert whole["mean"] == pytest.approx(12.2)
    assert whole["low"] < whole["mean"] < whole["high"]


def test_missing_cells_print_as_missing(store: Store, experiment: Experiment) -> None:
    cell = expand(experiment, PAPER)[0]
    store.csv_path(cell).unlink()
    store.json_path(cell).unlink()
    text = "".join(render(g, "text", 80) for g in results_grids(read_results(store, experiment, PAPER)))
    assert text.count("missing") == 2  # one a measure


def test_figure_is_drawn_as_png_and_pdf_and_twice_the_same(
    store: Store, experiment: Experiment, tmp_path: Path
) -> None:
    results = read_results(store, experiment, PAPER)
    first, _ = draw(results, tmp_path / "a")
    second, _ = draw(results, tmp_path / "b")
    assert [p.name for p in first] == ["toy-fig1.png", "toy-fig1.pdf"]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_a_figure_of_a_cut_budget_says_so_on_its_face(store: Store, experiment: Experiment) -> None:
    for budget, said in (("smoke", True), ("paper", False)):
        figure = learning_curves(read_results(store, experiment, Selection(budget=budget)))
        text = " ".join(figure.get_supxlabel().split())
        assert ("three seeds" in text) is said
        assert f"budget {budget}" in text
        plt.close(figure)


def test_nothing_to_draw_is_an_error_that_says_what_to_run(experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="svgbench run toy/fig1"):
        draw(read_results(Store(tmp_path), experiment, PAPER), tmp_path)
    assert not list(tmp_path.iterdir())


def test_verdicts_in_words(store: Store, experiment: Experiment) -> None:
    cells = {b: read_results(store, experiment, Selection(budget=b)).cells for b in ("paper", "smoke")}
    verdicts = compare(experiment, cells, paper_tables.load("sac-svg/table2"))
    claims = [v for v in verdicts if v.kind == "claim"]
    assert [(v.verdict, v.budget, v.n) for v in claims] == [("SUPPORTED", "paper", 5)] * 2
    assert {v.verdict for v in verdicts if v.kind == "level"} == {"WORSE"}  # 12 against 350 and 5800
    lines = verdict_lines(experiment, verdicts, 80)
    assert all(len(line) <= 80 for line in lines)
    assert '"ours wins"' in lines[0]
    assert lines[-1] == "toy/fig1, 6 verdicts: 4 WORSE, 2 SUPPORTED"


def test_texts_that_look_like_nothing_stay_texts() -> None:
    frame = parse_rows(b"seed,step,start,score\n0,0,None,nan\n0,1,NA,1.5\n0,2,null,\n")
    assert frame["start"].tolist() == ["None", "NA", "null"]
    assert frame["score"].isna().tolist() == [True, False, True]
