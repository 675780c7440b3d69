"""Which cells fit into a time, with made costs; and what `plan --fits` prints."""

from __future__ import annotations

import shlex
from itertools import pairwise
from types import SimpleNamespace

import pytest

from svgbench import strict_json
from svgbench.commands.fitting import commands_of, print_fits, repeated
from svgbench.describe import night_sentences
from svgbench.lab.calibration import BUSY, CostEstimate
from svgbench.lab.eta import Work, makespan
from svgbench.lab.fitting import PricedCell, fitted

HOUR = 3600.0


def cell(name, *hours, run="sac-svg/table2", slots=2, unknown=False, never="", why="not calibrated"):
    """A cell "task:variant" with a block of each length."""
    task, _, variant = name.partition(":")
    own = SimpleNamespace(
        experiment=run, budget="paper", task=SimpleNamespace(id=task), variant=SimpleNamespace(id=variant), threads=1
    )
    plan = SimpleNamespace(cell=own, runs_missing=5 * len(hours), blocks=hours)
    return PricedCell(plan, slots, None if unknown else tuple(HOUR * h for h in hours), never, why * unknown)


def chosen(cells, hours):
    return {f"{c.plan.cell.task.id}:{c.plan.cell.variant.id}": None if after is None else after / HOUR
            for c, after in fitted(cells, HOUR * hours)}  # fmt: skip


CELLS = [cell("ant:sac", 9.0), cell("swimmer:random", 0.5), cell("swimmer:sac", 2.0, 2.0), cell("hopper:sac", 3.0)]


def test_cells_come_cheapest_first_each_with_the_end_of_everything_so_far():
    """Two processes. 0.5, then 3 by a command of its own; then swimmer's 2, 2 and 0.5 take 2.5, and hopper's 3."""
    found = chosen(CELLS, 5.5)
    assert list(found) == ["swimmer:random", "hopper:sac", "swimmer:sac", "ant:sac"]
    assert found == {"swimmer:random": 0.5, "hopper:sac": 3.5, "swimmer:sac": 5.5, "ant:sac": None}
    assert chosen(CELLS, 5.4)["swimmer:sac"] is None
    assert chosen(CELLS, 0.4) == dict.fromkeys(found)


def test_tasks_with_the_same_variants_share_a_command_and_its_processes():
    """Two blocks of 3 h run beside each other; with another variant on one of the tasks they are two commands."""
    cells = [cell("a:x", 3.0), cell("b:x", 3.0)]
    assert chosen(cells, 9.0) == {"a:x": 3.0, "b:x": 3.0}
    assert chosen([*cells, cell("b:y", 3.1)], 9.0) == {"a:x": 3.0, "b:x": 3.0, "b:y": 6.1}


def test_the_cells_that_fit_are_done_when_their_commands_are_done(capsys):
    """The printed commands, each as `run` would take it, one after another: no longer than the limit."""
    cells = [cell(f"task-{n}:variant-{n % 3}", 1.0 + 0.1 * n) for n in range(6)]
    lengths = {one.name[2:]: one.blocks for one in cells}
    found = [(one, after) for one, after in fitted(cells, 5 * HOUR) if after is not None]
    rows = [dict(zip(("experiment", "budget", "task", "variant"), one.name, strict=True)) for one, _ in found]
    whole = 0.0
    for command in commands_of(rows):
        words = shlex.split(command)
        named = {o: [x for w, v in pairwise(words) if w == o for x in v.split(",")] for o in ("--tasks", "--variants")}
        works = [s for t in named["--tasks"] for v in named["--variants"] for s in lengths[t, v]]
        whole += makespan((), sorted(map(Work, works), reverse=True), 2)
    assert len(found) > 3
    assert whole == pytest.approx(found[-1][1])
    assert whole <= 5 * HOUR


def test_a_cell_that_several_experiments_ask_for_counts_once():
    """Curves of a table's runs, and a figure that asks for fewer of them. The mark stands if any of them has it."""
    table, curves = cell("a:x", 1.0, 1.0, never="too wide"), cell("a:x", 1.0, 1.0)
    fewer = cell("a:x", 1.0)
    for order in ((table, curves, fewer), (fewer, curves, table)):
        ((one, after),) = fitted(order, 9 * HOUR)
        assert (after, one.plan.runs_missing, one.undecidable) == (HOUR, 10, "too wide")


def test_a_dearer_cell_may_fit_where_a_cheaper_one_does_not():
    """Three blocks of 2 h take 4 h on two processes; two of about 3 h take about 3 h."""
    cells = [cell("a:x", 2.0, 2.0, 2.0), cell("b:x", 3.0, 3.1)]
    assert chosen(cells, 3.5) == {"a:x": None, "b:x": 3.1}


def test_experiments_run_one_after_another():
    """Each has a cell of one block of 2 h, on two processes: together 4 h, although a process was idle."""
    cells = [cell("a:x", 2.0), cell("a:x", 2.0, run="maac/fig2")]
    assert [after for _, after in fitted(cells, 4 * HOUR)] == [2 * HOUR, 4 * HOUR]
    assert [after for _, after in fitted(cells, 3.9 * HOUR)] == [2 * HOUR, None]


def test_cells_of_unknown_cost_come_last_and_do_not_fit():
    assert list(chosen([cell("a:x", 1.0, unknown=True), *CELLS], 100.0).items())[-1] == ("a:x", None)


def test_the_answer_is_a_grid_and_the_commands_that_run_it(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_fits([*CELLS, cell("ant:td3", 1.0, unknown=True)], 5.5 * HOUR, False)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "3 of 5 cells with missing runs fit into 5.5 h; all are done after about 5.5 h" in out
    assert "the cheapest that does not fit, ant sac, takes 9.0 h of one process" in out
    assert "no estimate for 1 cell\nwithout --no-calibrate they are measured\n" in out
    assert out.splitlines()[0].split() == ["task", "variant", "missing", "one", "process", "all", "after"]
    assert out.endswith(
        "svgbench run sac-svg/table2 --budget paper --tasks swimmer --variants random,sac\n"
        "svgbench run sac-svg/table2 --budget paper --tasks hopper --variants sac\n"
    )


def test_cells_whose_printed_number_nothing_decides_are_marked(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_fits([*CELLS, cell("hopper:td3", 0.6, never="published spread too wide: SD 9")], 4.5 * HOUR, False)
    out = capsys.readouterr().out
    assert [line.split()[1] for line in out.splitlines() if line.endswith("none")] == ["td3"]
    assert "no runs can decide the printed number (1 of these cells)" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80


def test_commands_repeat_the_options_of_the_plan(capsys):
    given = {"--seeds": "3", "-o": ["tau=0.1", "hidden=8,8"], "--jobs": None, "--results": "my results"}
    print_fits(CELLS[:1], 10 * HOUR, False, repeated(given))
    words = shlex.split(capsys.readouterr().out.split("\n", 3)[3].replace("\\\n", " "))
    assert words[-8:] == ["--seeds", "3", "-o", "tau=0.1", "-o", "hidden=8,8", "--results", "my results"]


def test_nothing_fits_and_nothing_is_missing(capsys):
    print_fits(CELLS, 60.0, False)
    assert capsys.readouterr().out.startswith("0 of 4 cells with missing runs fit into 60 s\n")
    print_fits([], HOUR, False)
    assert capsys.readouterr().out == "no runs are missing\n"


def test_what_could_not_be_measured_is_told_with_its_reason(capsys):
    """A busy machine: --no-calibrate was not given, so that leaving it out changes nothing."""
    cells = [cell("ant:td3", 1.0, unknown=True, why=BUSY), cell("ant:sac", 1.0, unknown=True)]
    print_fits(cells, HOUR, False)
    assert capsys.readouterr().out == (
        f"no estimate for any of 2 cells with missing runs\nthe first of them, ant td3: {BUSY}\n"
    )
    print_fits([*cells, cell("ant:pets", 0.5)], HOUR, False)
    assert f"no estimate for 2 cells\nthe first of them, ant td3: {BUSY}\n" in capsys.readouterr().out


def test_json_has_every_cell_with_missing_runs(capsys):
    print_fits([*CELLS, cell("ant:td3", 1.0, unknown=True)], 5.5 * HOUR, True)
    rows = strict_json.loads(capsys.readouterr().out)
    assert [row["fits"] for row in rows] == [True, True, True, False, False]
    assert rows[2] == {
        "experiment": "sac-svg/table2", "task": "swimmer", "variant": "sac", "budget": "paper", "seeds_missing": 10,
        "blocks": 2, "seconds": 4 * HOUR, "fits": True, "after_seconds": 5.5 * HOUR, "undecidable": None,
        "unknown": None,
    }  # fmt: skip
    assert rows[4]["seconds"] is None
    assert rows[4]["unknown"] == "not calibrated"
    assert rows[4]["after_seconds"] is None


def test_many_cells_fit_on_a_screen_and_their_commands_on_its_lines(capsys, monkeypatch):
    """Forty tasks with names of 20 letters and different variants: no line is longer than 80, no screen than 40."""
    monkeypatch.setenv("COLUMNS", "80")
    cells = [cell(f"poplin/{'x' * 11}{n:02}:variant-{n % 8}", 0.1) for n in range(40)]
    print_fits(cells, 40 * HOUR, False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert "the 18 cheapest are shown; --json lists all" in lines
    (command,) = commands_of([{"experiment": "e/x", "budget": "paper", "task": f"poplin/task-{n}", "variant": "sac"}
                              for n in range(9)])  # fmt: skip
    words = shlex.split(command)
    assert [n for w, v in pairwise(words) if w == "--tasks" for n in v.split(",")] == [
        f"poplin/task-{n}" for n in range(9)
    ]


@pytest.mark.parametrize(("hours", "missing", "told"), [(900.0, 2, True), (9.9, 2, False), (900.0, 1, False)])
def test_a_plan_longer_than_a_night_says_how_to_see_what_fits(hours, missing, told):
    plan = SimpleNamespace(cells=[SimpleNamespace(blocks=(1,))] * missing + [SimpleNamespace(blocks=())])
    line = "the same command with --fits 10h says which of 2 cells fit into a night, the cheapest first"
    assert night_sentences(plan, CostEstimate(HOUR * hours, 0, True, 2)) == [line] * told


@pytest.mark.parametrize("text", ["soon", "0h", "10", "-3h"])
def test_a_wrong_duration_is_refused_in_one_line(text, capsys):
    from svgbench.terminal import parse_duration
    from svgbench.words.errors import UsageError

    with pytest.raises(UsageError, match=f"--fits {text}: expected a duration such as"):
        parse_duration(text, "--fits")
