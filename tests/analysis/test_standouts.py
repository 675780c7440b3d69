"""The best of a column and the means that a test cannot tell apart from it; and tables that fit a screen."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_cells import sample
from scipy import stats
from toy import EXPERIMENT, fill

from svgbench.analysis.judge.standouts import standouts
from svgbench.analysis.read.frames import read_results
from svgbench.analysis.read.measures import Sample
from svgbench.analysis.show.grids import Measured
from svgbench.analysis.show.summary import MOST_ROWS, SHOWN_ROWS, results_grids, results_rows
from svgbench.analysis.show.tables import csv_of, render
from svgbench.commands import judging
from svgbench.lab.cells import Selection, expand
from svgbench.lab.store import Store
from svgbench.study import Study
from svgbench.words.experiment import Variant

PAPER = Selection("paper")


def of(values, **about):
    return Sample(dict(enumerate(values)), **about)


def test_a_clearly_worse_mean_is_not_marked():
    samples = {"a": of(sample(10, 1, 8)), "b": of(sample(9.8, 1, 8)[::-1]), "c": of(sample(3, 1, 8))}
    assert standouts(samples, higher_is_better=True) == {"a", "b"}
    assert standouts(samples, higher_is_better=False) == {"c"}


def test_the_same_seeds_are_compared_seed_by_seed():
    """A small gap in every seed is seen although the seeds are far apart; of other seeds it is not."""
    wide = np.array(sample(0, 100, 6))
    gap = wide - 1 - 0.1 * np.arange(6)
    assert standouts({"a": of(wide), "b": of(gap)}, True) == {"a"}
    assert standouts({"a": of(wide), "b": Sample(dict(enumerate(gap, start=9)))}, True) == {"a", "b"}


def test_another_programs_seeds_are_not_ours():
    """As in `compare`: an import is judged by Welch's test, although its seeds have the same numbers."""
    wide = np.array(sample(0, 100, 6))
    samples = {"a": of(wide), "b": of(wide - 1 - 0.1 * np.arange(6))}
    assert standouts(samples, True) == {"a"}
    assert standouts(samples, True, foreign=("b",)) == standouts(samples, True, foreign=("a",)) == {"a", "b"}


def test_common_seeds_are_compared_as_compare_does():
    """Five common seeds decide, beside one that only one side has; what is better in these is not told apart."""
    wide, gap = np.array(sample(0, 100, 6)), 1 + 0.1 * np.arange(6)
    assert standouts({"a": of(wide), "b": of((wide - gap)[:5])}, True) == {"a"}
    lucky = Sample({**dict(enumerate((wide - gap)[:5])), 5: 1e6})
    assert standouts({"a": of(wide[:5]), "b": lucky}, True) == {"a", "b"}


def test_holm_corrects_over_the_column():
    """One rival at p = 0.03 is told apart alone, and not among nineteen others."""
    shift = next(
        d for d in np.linspace(0.1, 3, 400) if stats.ttest_1samp(d + np.array(sample(0, 1, 5)), 0).pvalue < 0.03
    )
    best = np.array(sample(10, 1, 5))
    rival = best - shift - np.array(sample(0, 1, 5))
    assert standouts({"a": of(best), "b": of(rival)}, True) == {"a"}
    crowd = {
        f"c{i}": of(best - 0.01 * np.array(sample(0.1, 1, 5)[i % 5 :] + sample(0.1, 1, 5)[: i % 5])) for i in range(19)
    }
    assert "b" in standouts({"a": of(best), "b": of(rival), **crowd}, True)


def test_a_failed_seed_counts_as_the_worst():
    """A variant that lost half of its seeds is not the best because of the other half."""
    lucky = Sample({0: 100.0, 1: 101.0, 2: 99.0}, failed=(3, 4, 5))
    steady = of(sample(80, 1, 6))
    worse = of(sample(-300, 1, 6))
    assert standouts({"lucky": lucky, "steady": steady, "worse": worse}, True) >= {"steady"}
    best = max(
        ("lucky", "steady"), key=lambda n: np.mean(list({"lucky": lucky, "steady": steady}[n].counted(-301).values()))
    )
    assert best == "steady"


@pytest.mark.parametrize(
    "samples",
    [{}, {"a": of([1.0, 2.0])}, {"a": of([2.0]), "b": of([1.0, 1.1])}, {"a": Sample({}), "b": of([1.0, 2.0])},
     {"a": Sample({}, failed=(0, 1)), "b": Sample({}, failed=(0, 1))}],
)  # fmt: skip
def test_nothing_stands_out_without_a_test(samples):
    assert standouts(samples, True) == set()


def test_as_logarithms_a_wide_spread_does_not_hide_a_ratio():
    sizes = np.array([1.0, 3.0, 10.0, 40.0, 150.0])
    samples = {"a": of(sizes), "b": of(sizes * np.array([2.0, 2.2, 1.9, 2.1, 2.0]))}
    assert standouts(samples, False) == {"a", "b"}
    assert standouts(samples, False, scale="log_ratio") == {"a"}
    assert standouts(samples, True, scale="log_ratio") == {"b"}
    assert standouts({**samples, "c": of([0.0, 1.0, 2.0])}, False, scale="log_ratio") == set()


def test_a_measure_that_is_not_ranked_has_no_best(tmp_path):
    store = made(tmp_path)
    shown = replace(EXPERIMENT.measures[0], ranked=False)
    for measure, best in ((EXPERIMENT.measures[0], True), (shown, False)):
        experiment = replace(EXPERIMENT, measures=(measure,))
        results = read_results(store, experiment, PAPER)
        assert any(row["best"] for row in results_rows(results)) == best
        grid = results_grids(results)[0]
        assert bool(grid.mark) == best
        assert any("is better" in note for note in grid.notes) == best


def test_equal_numbers_all_stand_out():
    same = of([1.0, 1.0, 1.0])
    assert standouts({"a": same, "b": same, "c": of([0.5, 0.5, 0.5])}, True) == {"a", "b"}


# ---- tables


def made(tmp_path, experiment=EXPERIMENT, without=()):
    store = Store(tmp_path / "results")
    for cell in expand(experiment, PAPER):
        if cell.key not in without:
            lead = 10.0 if cell.variant.id == "ours" else 0.0
            fill(store, cell, lambda seed, step, lead=lead: lead + 0.1 * seed + step)
    return store


def test_the_best_of_each_column_is_marked_in_every_format(tmp_path):
    results = read_results(made(tmp_path), EXPERIMENT, PAPER)
    grid = results_grids(results)[0]
    marks = {label: [cell.best for cell in cells] for label, cells in grid.rows}
    assert marks == {"ours": [True, True], "theirs": [False, False]}
    assert "t-test" in grid.mark
    assert "12.20 ± 0.16 *" in render(grid, "text")
    assert "**12.20** ± 0.16" in render(grid, "markdown")
    assert r"\textbf{12.20} & $\pm$ & 0.16" in render(grid, "latex")
    best = {(row["task"], row["variant"], row["measure"]) for row in results_rows(results) if row["best"]}
    assert best == {(t, "ours", m) for t in ("toy/easy", "toy/hard") for m in ("final score", "mean score")}


def test_n_stands_once_where_it_is_the_same_and_in_each_cell_where_not(tmp_path):
    store = made(tmp_path)
    same = results_grids(read_results(store, EXPERIMENT, PAPER))[0]
    assert {cell.n for _, cells in same.rows for cell in cells} == {None}
    assert any("over 5 seeds" in note for note in same.notes)
    fewer = replace(EXPERIMENT, budgets=(replace(EXPERIMENT.budgets[0], seeds_of={"theirs": 3}),))
    other = results_grids(read_results(store, fewer, PAPER))[0]
    assert {cell.n for _, cells in other.rows for cell in cells} == {5, 3}
    assert any("(n seeds)" in note for note in other.notes)


def test_cells_not_run_are_one_note_on_a_screen_and_rows_in_a_full_table(tmp_path):
    lacking = [("toy/hard", "ours"), ("toy/hard", "theirs"), ("toy/easy", "theirs")]
    results = read_results(made(tmp_path, without=lacking), EXPERIMENT, PAPER)
    short = results_grids(results, whole=False)[0]
    assert (short.columns, [label for label, _ in short.rows]) == (("easy",), ["ours"])
    assert "not run: hard; theirs" in short.notes
    whole = render(results_grids(results)[0], "text")
    assert whole.count("missing") == 3
    nothing = read_results(Store(tmp_path / "none"), EXPERIMENT, PAPER)
    (only,) = results_grids(nothing, whole=False)
    assert "toy/fig1 has no results at budget paper" in render(only, "text")
    assert len(render(only, "text").splitlines()) <= 3


def test_verdicts_that_say_nothing_have_no_row(tmp_path):
    from svgbench import paper_tables

    results = read_results(made(tmp_path), EXPERIMENT, PAPER)
    published = paper_tables.load("sac-svg/table2")
    for word, row in (("NOT_COMPARABLE", False), ("WORSE", True)):
        grid = results_grids(results, published, dict.fromkeys(results.cells, word), whole=False)[0]
        assert ("  verdict" in dict(grid.rows)) is row
        assert any(word in note for note in grid.notes) is not row


def test_a_long_table_shows_its_best_rows(tmp_path):
    learner = EXPERIMENT.variants[0].learner
    many = tuple(Variant(f"v{i}", f"v{i}", learner, {"model_lr": 1e-4 * (i + 1)}) for i in range(MOST_ROWS + 5))
    one = replace(EXPERIMENT, variants=many, tasks=EXPERIMENT.tasks[:1], claims=(), published=None)
    store = Store(tmp_path / "results")
    for cell in expand(one, PAPER):
        fill(store, cell, lambda seed, step, lead=int(cell.variant.id[1:]): float(lead) + 0.01 * seed)
    results = read_results(store, one, PAPER)
    short = results_grids(results, whole=False)[0]
    assert [label for label, _ in short.rows] == [f"v{i}" for i in range(MOST_ROWS + 5)][-SHOWN_ROWS:]
    assert f"the {SHOWN_ROWS} best of {MOST_ROWS + 5} rows by mean rank; all: --verbose" in short.notes
    assert len(results_grids(results)[0].rows) == MOST_ROWS + 5


def test_the_command_prints_notes_once_and_measures_as_fit(tmp_path, capsys, monkeypatch):
    store = made(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(judging, "studies_of", lambda *_, **__: [Study(EXPERIMENT, store.root)])
    judging.table("toy/fig1")
    text = capsys.readouterr().out
    assert text.count("higher is better") == 1
    assert (text.count("final score"), text.count("mean score")) == (1, 1)
    monkeypatch.setattr(judging, "SCREEN", 5)
    judging.table("toy/fig1")
    cut = capsys.readouterr().out
    assert "also measured: mean score: --verbose" in cut
    assert cut.count("budget paper") == 1
    judging.table("toy/fig1", verbose=True)
    assert capsys.readouterr().out.count("budget paper") == 2
    judging.table("toy/fig1", format_="latex")
    assert capsys.readouterr().out.count("igher is better") == 2, "each table of a paper has its own notes"


def test_the_csv_is_tidy(tmp_path, capsys, monkeypatch):
    store = made(tmp_path, without=[("toy/hard", "theirs")])
    monkeypatch.setattr(judging, "studies_of", lambda *_, **__: [Study(EXPERIMENT, store.root)])
    judging.table("toy/fig1", format_="csv")
    read = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert len(read) == 4 * 2, "a row per cell and measure"
    numbers = (
        "mean",
        "sd",
        "n",
        "low",
        "high",
        "seeds_asked",
        "diverged",
        "published",
        "published_spread",
        "published_n",
    )
    assert all(read[name].dtype.kind in "if" for name in numbers)
    assert {"task", "variant", "measure", "verdict", "best", "label"} <= set(read.columns)
    whole = read[(read.task == "toy/easy") & (read.variant == "ours") & (read.measure == "final score")]
    assert whole["mean"].tolist() == pytest.approx([12.2])
    assert (whole.n.item(), whole.published.item(), whole.verdict.item()) == (5, 5799.59, "WORSE")
    missing = read[(read.task == "toy/hard") & (read.variant == "theirs")]
    assert missing["mean"].isna().all()
    assert missing.n.tolist() == [0, 0]
    judging.table("sac-svg/table2", format_="csv", published=True)
    printed = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert (len(printed), printed.value.dtype.kind, printed.spread.dtype.kind) == (72, "f", "f")
    assert csv_of(Study(EXPERIMENT, store.root).table_rows(PAPER)).count("\n") == 9


def test_an_amount_with_failed_seeds_says_so(tmp_path):
    store = made(tmp_path)
    cell = expand(EXPERIMENT, PAPER)[0]
    results = read_results(store, EXPERIMENT, PAPER)
    data = replace(results.cells[cell.key], diverged=(0, 1))
    lost = replace(results, cells={**results.cells, cell.key: data})
    (_, (first, *_)), *_ = results_grids(lost)[0].rows
    assert isinstance(first, Measured)
    assert (first.n, first.diverged) == (3, 2)
