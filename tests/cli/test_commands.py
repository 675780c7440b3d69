"""The command line as a user meets it: wrong words, quick commands, JSON, widths, exit statuses."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
from dataclasses import asdict

import pytest
from harness import block_of, cell_of, environment, expected_csv, forks

from svgbench.lab.calibration import Cost, kind
from svgbench.lab.files import locked
from svgbench.lab.store import Store

SLOW_IMPORTS = {"torch", "scipy", "seaborn", "matplotlib", "pandas", "gymnasium", "numpy"}


@pytest.fixture
def quick(tmp_path):
    """Runs a command in an empty folder; how it ended, what it imported, what it created."""
    place, modules = tmp_path / "place", tmp_path / "modules"

    def run(*words):
        place.mkdir(exist_ok=True)
        done = forks("quick")(place, *words, modules=str(modules))
        return done, set(json.loads(modules.read_text())), sorted(place.rglob("*"))

    return run


WRONG = {
    "command": (["rnu", "testkit/walk"], "'rnu'", "'run'"),
    "experiment": (["run", "testkit/wakl"], "'testkit/wakl'", "'testkit/walk'"),
    "artifact": (["run", "wakl"], "'wakl'", "'walk'"),
    "task": (["run", "testkit/walk", "--tasks", "field/clam"], "'field/clam'", "'field/calm'"),
    "variant": (["run", "testkit/walk", "--variants", "still,drfit"], "'drfit'", "'drift'"),
    "budget": (["run", "testkit/walk", "--budget", "smoek"], "'smoek'", "'smoke'"),
    "seeds": (["run", "testkit/walk", "--seeds", "1..3"], "1..3", "a range such as 3-5"),
    "no seeds": (["run", "testkit/walk", "--seeds", "0"], "0", "a count such as 10"),
    "key": (["run", "testkit/walk", "-o", "drfit=1"], "'drfit'", "'drift'"),
    "value": (["run", "testkit/walk", "-o", "slices=many"], "slices=many", "type int"),
    "no value": (["run", "testkit/walk", "-o", "slices"], "slices", "key=value"),
    "executor": (["run", "testkit/walk", "--executor", "loacl"], "'loacl'", "'local'"),
    "device": (["run", "testkit/walk", "--device", "gpu"], "gpu", "cuda"),
    "absent device": (["plan", "testkit/walk", "--device", "cuda:99"], "cuda:99", "expected cpu"),
    "time limit": (["run", "testkit/walk", "--time-limit", "soon"], "soon", "90s"),
    "option": (["run", "testkit/walk", "--budgte", "smoke"], "--budgte", "--budget"),
    "jobs": (["run", "testkit/walk", "--jobs", "0"], "--jobs", "1"),
    "nothing": (["run"], "EXP", ""),
    "format": (["table", "testkit/walk", "--format", "latx"], "'latx'", "'latex'"),
    "compare": (["compare", "testkit/wakl"], "'testkit/wakl'", "'testkit/walk'"),
    "plot": (["plot", "testkit/walk", "--budget", "smoek"], "'smoek'", "'smoke'"),
    "diff": (["diff", "nowhere", "elsewhere"], "'nowhere'", "results folder"),
    "compare variant": (["compare", "testkit/walk", "--budget", "smoke", "--variants", "drfit"], "'drfit'", "'drift'"),
    "table": (["table", "testkit/walk", "--budget", "smoke", "-o", "slices=x"], "slices=x", "type int"),
    "import task": (["import", "x", "--experiment", "testkit/walk", "--as", "a", "--task", "clam"], "'clam'", "calm"),
    "diff budget": (["diff", ".", ".", "--budget", "smoek"], "'smoek'", "'smoke'"),
    "diff experiment": (["diff", ".", ".", "--experiment", "maac/fig33"], "maac/fig33", "maac/fig3"),
    "diff task": (["diff", ".", ".", "--tasks", "field/clam"], "'field/clam'", "'field/calm'"),
    "diff variant": (["diff", ".", ".", "--experiment", "testkit/walk", "--variants", "drfit"], "'drfit'", "'drift'"),
    "diff seeds": (["diff", ".", ".", "--seeds", "1..3"], "1..3", "a range such as 3-5"),
    "import": (["import", "x.csv", "--experiment", "wakl", "--as", "mine"], "'wakl'", "'walk'"),
    "status": (["status", "testkit/wakl"], "'testkit/wakl'", "'testkit/walk'"),
    "plan": (["plan", "testkit/walk", "--tasks", "field/clam"], "'field/clam'", "'field/calm'"),
    "search": (["tune", "testkit/walk-serach"], "'testkit/walk-serach'", "'testkit/walk-search'"),
    "range": (["run", "testkit/walk", "-o", "steps=0"], "steps=0", "at least 1"),
    "range of a plan": (["plan", "testkit/walk", "-o", "steps=-1"], "steps=-1", "at least 1"),
    "not a number": (["run", "testkit/walk", "-o", "drift=nan"], "drift=nan", "finite"),
    "infinite": (["plan", "testkit/walk", "-o", "slice_seconds=1e400"], "slice_seconds=1e400", "finite"),
    "range of ours": (["run", "trpo/fig4", "--variants", "vine", "-o", "gamma=1.5"], "gamma=1.5", "from 0 to 1"),
    "rule": (
        ["run", "sac-svg/table2", "--variants", "sac-svg-2", "-o", "learning_starts=3"],
        "H is 2 and learning_starts is 3",
        "learning_starts > H + 1",
    ),
    "limit": (["run", "sac-svg/table2", "-o", "total_steps=0"], "total_steps=0", "at least 1"),
    "no search": (["tune"], "SEARCH", "testkit/walk-search"),
    "not searched": (["tune", "maac/fig3"], "maac/fig3", "testkit/walk"),
    "search variant": (
        ["tune", "testkit/walk-search", "--variants", "drift.drift-5"],
        "'drift.drift-5'",
        "'drift.drift-0.5'",
    ),
    "search seeds": (["tune", "testkit/walk-search", "--seeds", "0-1"], "--seeds 0", "600-602"),
    "search budget": (["tune", "testkit/walk-search", "--budget", "papr"], "'papr'", "short"),
}


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_word_is_named_with_the_right_one_and_creates_nothing(quick, words):
    command, value, right = WRONG[words]
    done, modules, created = quick(*command)
    assert done.status == 2, done.err
    assert done.out == ""
    (line,) = done.err.splitlines()
    assert line.startswith("svgbench: ")
    assert value in line
    assert right in line
    assert created == []
    assert not modules & SLOW_IMPORTS, "an error must come at once"


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["tune", "--help"],
        ["show", "testkit/walk-search"],
        ["list"],
        ["list", "--json"],
        ["show", "walk"],
        ["show", "maac/fig3", "--json"],
        ["status"],
        ["status", "testkit/walk", "--json"],
        ["deviations", "testkit/walk"],
        ["verify"],
        ["clean"],
    ],
)
def test_quick_commands_import_nothing_slow_and_create_nothing(quick, words):
    done, modules, created = quick(*words)
    assert done.status == 0, done.err
    assert done.out
    assert not modules & SLOW_IMPORTS
    assert created == []


def flat(rows, *keys):
    """Whether these are flat JSON objects with at least the documented keys, first and in their order."""
    assert rows
    for row in rows:
        assert tuple(row)[: len(keys)] == keys or set(keys) <= set(row)
        assert not any(isinstance(value, dict | list) for value in row.values())
    return rows


def test_json_of_the_reading_commands(half_done):
    bench = half_done
    listed = bench("list", "--json")
    rows = {row["id"]: row for row in flat(listed.json, "id", "title", "cells", "runs_done", "runs_total")}
    assert rows["testkit/walk"]["runs_done"] == 2
    assert rows["testkit/walk"]["runs_total"] == 16
    keys = ("experiment", "task", "variant", "budget", "seeds_done", "seeds_total", "status")
    stated = bench("status", "walk", "--json")
    assert "walk means testkit/walk" in stated.err
    assert "budget smoke (the largest with results)" in stated.err, "what only reads says which budget it reads"
    rows = flat(stated.json, *keys)
    assert [(r["variant"], r["seeds_done"], r["status"]) for r in rows[:2]] == [
        ("drift", 2, "partial"),
        ("still", 0, "missing"),
    ]
    shown = flat(_without_results(bench)("show", "testkit/walk", "--json").json, "experiment", "kind")
    assert {row["kind"] for row in shown} == {"experiment", "task", "variant", "budget", "column", "claim", "setting"}
    planned = bench("plan", "testkit/walk", "--budget", "smoke", "--no-calibrate", "--json")
    rows = flat(planned.json, "experiment", "task", "variant", "budget", "status", "seeds_total", "seeds_missing")
    assert [row["seeds_missing"] for row in rows] == [2, 4, 4, 4]
    assert {(row["seconds"], row["basis"], row["plan_seconds"]) for row in rows} == {(None, None, None)}
    (row,) = flat(bench("verify", "--json").json, "file", "seeds", "status")
    assert (row["file"], row["seeds"], row["status"]) == ("testkit/walk/smoke/field-calm--drift.csv", 2, "ok")


def test_doctor(bench):
    done = bench("doctor", "--json")
    checks = {row["check"]: row for row in flat(done.json, "check", "ok", "detail")}
    assert done.status == (0 if all(row["ok"] for row in checks.values()) else 1)
    assert checks["torch computes"]["ok"], checks
    assert checks["experiments expand"]["ok"], checks
    assert not bench.results.exists()


def _without_results(bench):
    """For commands that take no --results."""
    return functools.partial(forks(), bench.folder)


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["list"],
        ["show", "fig3"],
        ["show", "walk"],
        ["status"],
        ["plan", "testkit/walk", "--no-calibrate"],
        ["plan", "maac/fig3", "--no-calibrate"],
        ["deviations", "maac/fig3"],
        ["verify"],
        ["doctor"],
    ],
)
def test_no_line_is_longer_than_the_terminal(half_done, words):
    takes_results = words[0] in ("list", "status", "plan", "verify", "doctor")
    done = (half_done if takes_results else _without_results(half_done))(*words)
    assert done.status == 0, done.err
    long = [line for line in done.out.splitlines() if len(line) > 80]
    assert not long, "\n".join(long)
    assert len(done.out.splitlines()) >= 1


def test_more_than_an_hour_needs_yes(bench):
    """The estimate of an hour and more is one that this machine has measured before."""
    words = ("--seeds", "2", "--budget", "paper")
    cell = cell_of(seeds=2, budget="paper")
    known = bench.store.work / "calibration" / f"{kind(cell)}.json"
    known.parent.mkdir(parents=True)
    known.write_text(json.dumps(asdict(Cost(7200.0, 1.0, 1000, 500))))
    asked = bench.walk(*words)
    assert asked.status == 2
    assert "about 2.0 h" in asked.out, "the plan is printed first"
    assert asked.err.splitlines()[-1] == (
        "svgbench: this takes about 2.0 h; say --yes to run it, or --time-limit 1h to run a part of it"
    )
    assert not list(bench.results.rglob("block-*"))
    done = bench.walk(*words, "--yes")
    assert done.status == 0, done.err
    assert bench.csv(cell) == expected_csv(cell)
    known.unlink()
    assert bench.walk(*words).status == 0, "what is done needs no yes"


def test_a_plan_measures_and_remembers(bench):
    words = ("plan", "testkit/walk", "--seeds", "4", "--tasks", "field/calm", "--variants", "drift")
    first, again = bench(*words), bench(*words)
    assert first.status == again.status == 0, first.err
    assert "calibrating 1 kind of block" in first.err
    assert "calibrating" not in again.err
    assert re.search(r"about \d+ s with 2 processes on this machine, [\d.]+ kB of disk", first.out)
    assert first.out == again.out
    assert "4 of 4 runs missing, in 2 blocks" in first.out
    assert not list(bench.results.rglob("*.csv"))


def test_a_plan_of_a_learner_that_fails_says_so(bench):
    done = bench(
        "plan", "testkit/walk", "--seeds", "2", "--tasks", "field/calm", "--variants", "drift", "-o", "raise_at=0"
    )
    assert done.status == 0
    assert "ArithmeticError: the walk fell over" in done.out


def test_clean_while_a_block_runs_is_busy(half_done):
    with locked(half_done.store.block_lock(block_of(cell_of(seeds=4), 1))):
        busy = half_done("clean")
    assert busy.status == 75
    (line,) = busy.err.splitlines()
    assert "a run is at work" in line


def test_a_run_reports_its_work_and_a_second_one_does_nothing(bench):
    first = bench.walk("--seeds", "2")
    assert first.status == 0
    assert "2 of 2 runs missing, in 1 block" in first.out
    assert re.search(r"2 of 2 runs done in \d+ s", first.out)
    assert "next: svgbench compare testkit/walk --budget smoke" in first.out
    assert not re.search("\x1b", first.err), "plain lines where there is no terminal"
    again = bench.walk("--seeds", "2")
    assert again.status == 0
    assert "0 of 2 runs missing" in again.out
    assert again.err == ""


def test_a_foreign_algorithm_takes_part(bench):
    done = bench.walk("--seeds", "1", "--variants", "foreign-walk")
    assert done.status == 0, done.err
    assert Store(bench.results).state(cell_of(seeds=1)).status == "missing"
    rows = bench.status("--seeds", "1", "--variants", "foreign-walk")
    assert rows["foreign-walk"]["status"] == "done"


def test_the_console_script_is_the_same_program():
    script = os.path.join(os.path.dirname(sys.executable), "svgbench")
    if not os.path.exists(script):
        pytest.skip("svgbench is not installed as a script")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, env=environment())
    assert done.returncode == 0
    assert re.fullmatch(r"svgbench \d+\.\d+\.\d+ \(torch [\d.]+, mujoco [\d.]+\)\n", done.stdout)


def test_a_run_says_the_last_value_of_every_block(bench):
    """The mean over the block's seeds in the column of the experiment's first measure."""
    done = bench.walk("--seeds", "4", "--jobs", "1")
    assert done.status == 0, done.err
    last = {}
    for line in expected_csv(cell_of(seeds=4)).decode().splitlines()[1:]:
        seed, _, position, _ = line.split(",")
        last[int(seed)] = float(position)
    means = [(last[0] + last[1]) / 2, (last[2] + last[3]) / 2]
    first, second = (line for line in done.err.splitlines() if "finished" in line)
    assert re.fullmatch(rf"\[1/2\] finished field/calm drift seeds 0-1: position {means[0]:.4g}; \d+ s left", first)
    assert second == f"[2/2] finished field/calm drift seeds 2-3: position {means[1]:.4g}"
