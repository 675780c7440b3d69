"""`svgbench tune` as a user runs it, on the test kit's search: run, table, winners, JSON, check."""

from __future__ import annotations

import hashlib

import matplotlib.pyplot as plt
import pytest
from svgbench_testkit import walk

from svgbench import reproduce
from svgbench.analysis.search.search_plots import settings
from svgbench.lab import platform
from svgbench.lab.cells import Selection, blocks, expand
from svgbench.lab.rows import as_csv
from svgbench.study import Study

SEARCH = "testkit/walk-search"
KEYS = ("search", "experiment", "budget", "task", "variant", "setting", "values", "measure", "mean", "sd", "n",
        "failed", "rank", "winner")  # fmt: skip


@pytest.fixture
def searched(bench):
    """A results folder in which the whole search is done at the budget smoke, as its blocks would have left it."""
    for cell in expand(reproduce.experiments()[SEARCH], Selection(budget="smoke")):
        (block,) = blocks(cell, cell.seeds)
        learner = walk.make(cell.config, cell.task.options["scale"], block.seeds, {}, "cpu")
        rows = learner.advance()
        assert learner.finished
        texts = {seed: as_csv([row for row in rows if row["seed"] == seed], cell.columns) for seed in cell.seeds}
        entry = {"status": "done", "platform": platform.describe("cpu"), "seconds": 1.0}
        bench.store.merge(cell, texts, {seed: entry | {"rows": text.count("\n")} for seed, text in texts.items()})
    return bench


def test_it_runs_missing_cells_and_shows_the_winner(bench):
    done = bench("tune", SEARCH, "--budget", "smoke", "--tasks", "field/calm", "--variants", "drift")
    assert done.status == 0, done.err
    assert "4 of 4 runs done" in done.err, "the run's progress is not part of the answer"
    assert "drift = 0.5" in done.out
    assert "(2) *" in done.out
    assert "drift on field/calm: drift = 0.5" in done.out
    assert "testkit/walk-search, for testkit/walk: 1 setting written as chosen" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    stored = sorted(bench.results.glob("testkit/walk-search/smoke/*.csv"))
    assert [path.stem for path in stored] == ["field-calm--drift.drift-0.25", "field-calm--drift.drift-0.5"]
    assert {line.partition(",")[0] for line in stored[0].read_text().splitlines()[1:]} == {"600", "601"}


def test_finished_searches_are_shown_again_and_checked(searched):
    before = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in searched.results.rglob("*.csv")}
    again = searched("tune", SEARCH, "--budget", "smoke", "--json")
    assert again.status == 0, again.err
    assert "0 of 16 runs missing" in again.err
    assert [tuple(row) for row in again.json] == [KEYS] * 8
    winners = [(row["task"], row["setting"]) for row in again.json if row["winner"]]
    assert winners == [
        ("field/calm", "drift.drift-0.5"),
        ("field/windy", "drift.drift-0.5"),
        ("field/calm", "still.pace-6"),
        ("field/windy", "still.pace-6"),
    ]
    wrong = searched("tune", "testkit/walk", "--budget", "smoke", "--check")
    assert wrong.status == 3
    assert "testkit/walk means testkit/walk-search" in wrong.err
    said = " ".join(wrong.out.split())
    assert "testkit/walk-search: testkit/walk has steps = 5 of still on field/calm, field/windy; 6 was chosen" in said
    assert "2 settings written as chosen, 2 settings written otherwise" in said
    plan = searched("plan", "testkit/walk", "--no-calibrate")
    assert "4 settings are not as a search here chose: svgbench tune testkit/walk --check" in " ".join(plan.out.split())
    right = searched("tune", SEARCH, "--budget", "smoke", "--variants", "drift", "--check", "--json")
    assert right.status == 0
    assert [row["verdict"] for row in right.json] == ["CHOSEN", "CHOSEN"]
    assert before == {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in before}


def test_a_check_reads_reference_results_when_asked(searched, tmp_path):
    reference = searched.results.rename(tmp_path / "reference")
    searched.environment |= {"SVGBENCH_REFERENCE": str(reference)}
    words = ("tune", SEARCH, "--budget", "smoke", "--variants", "drift", "--check")
    assert searched(*words).status == 4, "nothing has been searched in the results folder"
    done = searched(*words, "--with-reference")
    assert (done.status, "2 settings written as chosen" in done.out) == (0, True), done.out
    refused = searched(*words[:-1], "--with-reference")
    assert (refused.status, "it needs --check" in refused.err) == (2, True)
    assert not searched.results.exists()


def test_every_search_is_checked_where_none_is_named(bench):
    done = bench("tune", "--check", "--json")
    assert done.status == 4, "nothing has been searched here"
    assert {row["search"] for row in done.json} >= {SEARCH, "trpo/natural-gradient-sweep"}
    assert {row["verdict"] for row in done.json} == {"INCOMPLETE"}
    assert not bench.results.exists()


def test_its_figure_has_a_row_for_every_setting(searched):
    study = Study(reproduce.experiments()[SEARCH], searched.results)
    pages = settings(study.results())
    calm, windy = pages[""].axes
    assert [label.get_text() for label in calm.get_yticklabels()] == [
        "drift, drift = 0.25", "drift, drift = 0.5", "still, pace = 5", "still, pace = 6",
    ]  # fmt: skip
    assert len(windy.lines) == 3 * 4  # seeds, interval and mean of each
    plt.close("all")
