"""A name may mean several experiments: a work, or an artifact of several works. Commands are called in this process."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import signal
import sys

import pytest
import typer
from harness import PLUGIN

from svgbench import reproduce
from svgbench.commands import judging, reading, running, tuning
from svgbench.commands.asking import asked
from svgbench.commands.options import studies_of
from svgbench.lab.names import meant, with_short_names
from svgbench.study import studies
from svgbench.terminal import notice
from svgbench.words.errors import UsageError

BOTH = ["testkit/walk", "testkit/walk-search"]
IDS = ["svg/fig3", "svg/fig4", "trpo/fig4", "mine/svg", "mine/trpo"]


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("svg/fig4", ["svg/fig4"]),
        ("fig4", ["svg/fig4", "trpo/fig4"]),
        ("mine", ["mine/svg", "mine/trpo"]),
        ("svg", ["svg/fig3", "svg/fig4"]),  # the work, not the artifact of the same name
        ("mine/svg", ["mine/svg"]),
        ("fig", []),
        ("", []),
    ],
)
def test_a_name_means_an_id_a_work_or_an_artifact_in_this_order(name, ids):
    assert meant(name, IDS) == ids


def test_short_names_are_known_once():
    assert with_short_names(["a/x", "a/y", "b/x"]) == ["a/x", "a/y", "b/x", "a", "b", "x", "y"]


@pytest.mark.parametrize(
    ("name", "right"), [("tetskit", "testkit"), ("TESTKIT", "testkit"), ("sac_svg", "sac-svg"), ("Table2", "table2")]
)
def test_an_unknown_name_gives_the_nearest_right_one(name, right):
    with pytest.raises(UsageError, match=f"did you mean '{right}'"):
        reproduce.resolve(name)


@pytest.fixture
def results(half_done, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    return half_done.results


def test_list_takes_a_work(results, capsys):
    reading.list_("testkit", results, as_json=True)
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == BOTH
    reading.list_("walk-search", results)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[4:]] == BOTH[1:]
    reading.list_(None, results, as_json=True)
    assert {e.id for e in reproduce.experiments().values()} == {r["id"] for r in json.loads(capsys.readouterr().out)}
    with pytest.raises(UsageError, match="did you mean 'testkit'"):
        reading.list_("testkti", results)


@pytest.mark.parametrize("command", [reading.show, reading.deviations, reading.status, judging.table, judging.compare])
def test_reading_commands_take_a_work(command, results, capsys):
    where = {} if command in (reading.show, reading.deviations) else {"results": results}
    command("testkit", as_json=True, **where)
    rows = json.loads(capsys.readouterr().out)
    about = {row["experiment"] if "experiment" in row else row["id"].partition(":")[0] for row in rows}
    assert about == ({"testkit/walk"} if command is judging.compare else set(BOTH))  # a search claims nothing
    command("testkit", **where)
    text = capsys.readouterr()
    assert text.out
    assert "testkit means testkit/walk, testkit/walk-search" in text.err


def test_a_deviation_of_several_experiments_is_printed_once(capsys):
    reading.deviations("testkit", verbose=True)
    assert [line for line in capsys.readouterr().out.splitlines() if line[:1].strip()] == [
        "noise (testkit/walk, testkit/walk-search)"
    ]


def test_a_deviation_says_which_variants_it_concerns(capsys):
    """ME-TRPO's printed row is of collected paths. Every other row of Table 2 keeps its verdicts."""
    reading.deviations("table2")
    said = " ".join(capsys.readouterr().out.split())
    assert "; the first may change what a number of metrpo means metrpo-statistic" in said
    reading.deviations("table2", verbose=True)
    said = capsys.readouterr().out
    assert "metrpo-statistic\n  variants: metrpo\n  paper: the row METRPO*" in said
    assert said.startswith("horizon\n  paper: ")
    reading.deviations("table2", as_json=True)
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert (rows["metrpo-statistic"]["variants"], rows["horizon"]["variants"]) == ("metrpo", "")
    assert [name for name, row in rows.items() if row["changes_metric"]] == ["metrpo-statistic"]
    reading.show("table2")
    assert "1 of them may change what a number of metrpo means" in " ".join(capsys.readouterr().out.split())


def test_plot_draws_experiments_with_data_and_names_those_without(results, capsys, tmp_path):
    judging.plot("testkit", results=results, output=tmp_path / "figures")
    said = capsys.readouterr()
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"testkit-walk.png", "testkit-walk.pdf"}
    assert [line for line in said.err.splitlines() if "nothing" in line] == ["nothing to draw of testkit/walk-search"]
    with pytest.raises(UsageError, match="nothing to draw: no results of testkit/walk, testkit/walk-search"):
        judging.plot("testkit", results=tmp_path / "empty", output=tmp_path / "none")
    with pytest.raises(UsageError, match="svgbench run testkit/walk-search"):
        judging.plot("walk-search", results=results, output=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_each_experiment_takes_the_words_that_it_knows(results, capsys):
    studies = studies_of("testkit", results, quiet=True)
    words = (["field/calm"], ["drift,drift.drift-0.25"])
    chosen = asked(studies, "smoke", None, *words)
    assert [(s.experiment.id, chosen.tasks, chosen.variants) for s, chosen in chosen] == [
        (BOTH[0], ("field/calm",), ("drift",)),
        (BOTH[1], ("field/calm",), ("drift.drift-0.25",)),
    ]
    assert capsys.readouterr().err == ""
    (only,) = asked(studies, None, None, None, ["still"])
    assert only[0].experiment.id == BOTH[0]
    assert capsys.readouterr().err == "left out, without --variants still: testkit/walk-search\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((None, None, ["field/clam"]), "no task 'field/clam'; did you mean 'field/calm'"),
        ((None, None, None, ["drift.drift-0.26"]), "no variant 'drift.drift-0.26'; did you mean 'drift.drift-0.25'"),
        ((None, None, None, ["still,stil"]), "no variant 'stil'; did you mean 'still'"),
        (("papre",), "did you mean 'paper'"),
        ((None, "x"), "--seeds x"),
        ((None, None, None, None, ["drfit=1"]), "did you mean 'drift'"),
    ],
)
def test_a_word_that_no_experiment_knows_is_an_error(words, said, results):
    with pytest.raises(UsageError, match=said):
        asked(studies_of("testkit", results, quiet=True), *words)


def test_plan_leaves_out_experiments_without_that_budget(results, capsys):
    running.plan("testkit", budget="short", results=results, calibrate=False, as_json=True)
    said = capsys.readouterr()
    assert {row["experiment"] for row in json.loads(said.out)} == {"testkit/walk-search"}
    assert "left out, without --budget short: testkit/walk\n" in said.err


def test_run_takes_a_work(half_done):
    words = ("--budget", "smoke", "--seeds", "1", "--tasks", "field/calm", "--variants", "still,drift.drift-0.25")
    done = half_done("run", "testkit", *words)
    assert done.status == 0, done.err
    names = {path.relative_to(half_done.results).as_posix() for path in half_done.results.rglob("*.csv")}
    assert names >= {f"{BOTH[0]}/smoke/field-calm--still.csv", f"{BOTH[1]}/smoke/field-calm--drift.drift-0.25.csv"}


def test_an_experiment_that_draws_from_another_finds_what_that_one_has_just_run(tmp_path, capsys, monkeypatch):
    """Its plan would say that all is missing, and ask again for hours that nobody spends."""
    walk = reproduce.resolve(BOTH[0])[0]
    curves = dataclasses.replace(walk, id="testkit/curves", draws_from=walk.id)
    monkeypatch.setenv("PYTHONPATH", str(PLUGIN), prepend=os.pathsep)  # for the block's process
    monkeypatch.setattr(running, "studies_of", lambda *_, **__: studies([walk, curves], tmp_path))
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with pytest.raises(typer.Exit) as done:
            running.run("both", "smoke", "1", ["field/calm"], ["still"], results=tmp_path)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert done.value.exit_code == 0
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if "runs missing" in line or "1 cell (" in line] == [
        "testkit/walk, budget smoke: 1 cell (1 missing)",
        "1 of 1 runs missing, in 1 block",
        "testkit/curves, budget smoke: 1 cell (1 done)",
        "0 of 1 runs missing, in 0 blocks",
    ]


def test_tune_takes_a_work(results, capsys):
    with pytest.raises(typer.Exit) as done:
        tuning.tune("testkit", budget="smoke", results=results, check=True)
    assert done.value.exit_code == 4, "nothing is chosen yet"
    assert "testkit means testkit/walk-search" in capsys.readouterr().err
    with pytest.raises(UsageError, match="nothing is searched for maac"):
        tuning.tune("maac", results=results, check=True)


def test_variants_that_exist_only_in_a_folder_can_be_read_but_not_run(results):
    (study,) = studies_of("walk", results, quiet=True)
    path = study.store.folder("testkit/walk", "smoke")
    for suffix in ("json", "csv"):
        source = path / f"field-calm--drift.{suffix}"
        text = source.read_text().replace('"variant": "drift"', '"variant": "mine"')
        (path / f"field-calm--mine.{suffix}").write_text(text)
    (one,) = asked([study], "smoke", None, None, ["mine"])
    assert one[1].variants == ("mine",)
    with pytest.raises(UsageError, match="no variant 'mine'"):
        asked([study], "smoke", None, None, ["mine"], running=True)
    assert dataclasses.asdict(one[1])["budget"] == "smoke"


def test_list_is_one_table_of_a_terminals_width(results, capsys, monkeypatch):
    """Also where a long id, a stale run and a long title meet."""
    rows = [
        {"id": "w/" + "x" * 25, "title": "a long title " * 9, "cells": 126, "runs_done": 75, "runs_stale": stale,
         "runs_total": 1240, "budget": "short", "cells_replicated": 0}
        for stale in (0, 75)
    ]  # fmt: skip
    monkeypatch.setattr("svgbench.overview.summaries", lambda studies: [dict(row) for row in rows])
    monkeypatch.setattr("svgbench.terminal.width", lambda: 80)
    reading.list_(None, results)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 4 + 1, "what is done, a blank line, the table, and what a mark means"
    assert max(map(len, lines)) <= 80


def test_a_difference_of_many_experiments_has_a_heading_within_the_screen(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    reading.deviations("scg")
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_a_budget_says_its_number_of_seeds_once(capsys):
    reading.show("scg/fig11")
    assert "smoke: 3 seeds; 1000 of 1000000 samples\n" in capsys.readouterr().out


def test_notices_are_wrapped_on_a_terminal_and_one_line_elsewhere(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "80")
    sentence = f"svg means {', '.join(f'svg/fig{i}' for i in range(30))}"
    for stream, lines in ((Terminal(), 5), (io.StringIO(), 1)):
        monkeypatch.setattr(sys, "stderr", stream)
        notice(sentence)
        said = stream.getvalue().splitlines()
        assert len(said) == lines
        assert " ".join(" ".join(said).split()) == sentence
        assert lines == 1 or max(map(len, said)) <= 80
