"""Progress while blocks run, on a terminal of any width and in a file."""

from __future__ import annotations

import io
import json
import re

import pytest
from harness import block_of, cell_of
from rich.console import Console

from svgbench.lab.platform import compared
from svgbench.lab.progress import (
    LINE_SECONDS,
    Bars,
    Expected,
    LastNumbers,
    Lines,
    ProgressReport,
    Watched,
    parse_report,
    reporter,
)
from svgbench.lab.store import Store


@pytest.fixture
def blocks():
    cell = cell_of(seeds=4)
    return [block_of(cell, 0), block_of(cell, 1)]


@pytest.fixture
def watched(blocks):
    return Watched(blocks, Expected(slots=2, column="position"))


def report(done, position, total=100, **more):
    return json.dumps({"done": done, "total": total, "diverged": 0, "last": {"position": position, "x": 1.0}} | more)


def two_running(hear, blocks):
    """Both blocks run for ten minutes, a report of each every second; the second one is twice as fast."""
    for block in blocks:
        hear("started", block, "", 0.0)
    for now in range(1, 601):
        hear("progress", blocks[0], report(now, 3.14159 * now, 2400), float(now))
        hear("progress", blocks[1], report(2 * now, -0.5, 2400, diverged=1), float(now))


def test_plain_lines_are_few_and_say_everything(watched, blocks):
    out = io.StringIO()
    lines = Lines(watched, out)
    lines.spoke = 0.0
    two_running(lines.hear, blocks)
    said = out.getvalue().splitlines()
    assert len(said) == 600 / LINE_SECONDS, "one a minute, whatever is reported"
    assert said[-1] == (
        "[0/2] field/calm drift seeds 0-1: 25 %, position 1885; "
        "field/calm drift seeds 2-3: 50 %, position -0.5, 1 diverged; 30 min left"
    )
    lines.hear("finished", blocks[1], "", 601.0)
    lines.hear("failed", blocks[0], "it fell over", 602.0)
    assert out.getvalue().splitlines()[-2:] == [
        "[1/2] finished field/calm drift seeds 2-3: position -0.5; 7 min left",  # between its like and itself
        "[2/2] failed field/calm drift seeds 0-1: it fell over",
    ]
    assert out.getvalue().replace("\n", "").isprintable(), "no control characters"


@pytest.mark.parametrize("width", [10, 20, 40, 80, 200])
def test_bars_fit_any_terminal(watched, blocks, width):
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=width, height=24, color_system=None)
    shown = Bars(watched, console)
    with shown as hear:
        two_running(hear, blocks)
        shown.progress.refresh()
        hear("retry", blocks[0], "", 601.0)
        hear("progress", blocks[0], report(601, 7.0, 2400), 602.0)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n", out.getvalue())
    lines = [line for line in re.split(r"[\r\n]", text) if line.strip()]
    bars = [line for line in lines if not line.startswith("retry")]
    assert bars
    assert max(map(len, bars)) <= width
    if width >= 60:
        assert any("field/calm" in line and "position -0.5" in line and "10 min left" in line for line in bars)
        assert any(line.startswith("blocks") and "0 of 2" in line and "30 min left" in line for line in bars)


def test_where_lines_go_and_where_bars(blocks, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(reporter(blocks, Expected(), io.StringIO()), Lines)
    assert isinstance(reporter(blocks, Expected(), Terminal()), Bars)
    for term in ("dumb", "unknown", ""):
        monkeypatch.setenv("TERM", term)
        assert isinstance(reporter(blocks, Expected(), Terminal()), Lines), "it cannot move its cursor"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"done": 3', "null"])
def test_a_report_that_is_torn_says_nothing(text):
    assert parse_report(text) == ProgressReport()


def test_reports_of_other_versions():
    assert parse_report('{"done": 3, "total": 5, "diverged": 0, "new": 1}') == ProgressReport(3, 5, 0)
    assert parse_report(report(2, 1.5)).last["position"] == 1.5


def test_a_finished_block_shows_what_is_stored(blocks, tmp_path):
    """Its last report may never be read: an earlier one, or none, says something else."""
    cell = blocks[0].cell
    store = Store(tmp_path)
    texts = {0: "0,1,5.0,up\n0,2,7.0,up\n", 1: "1,1,1.0,up\n1,2,nan,up\n", 2: "2,1,100.0,up\n"}
    entry = {"status": "done", "platform": compared("cpu"), "seconds": 1.0}
    store.merge(cell, texts, {seed: entry | {"rows": text.count("\n")} for seed, text in texts.items()})
    watched = Watched(blocks, Expected(column="position", store=store))
    watched.hear("started", blocks[0], "", 0.0)
    watched.hear("progress", blocks[0], report(3, -44.0), 1.0)
    assert watched.value(blocks[0]) == "position -44"
    watched.hear("finished", blocks[0], "", 2.0)
    assert watched.value(blocks[0]) == "position 4", "the mean of 7 and 1: seed 2 is another block's"
    assert LastNumbers(store, "side").of(blocks[0]) == {}, "words have no mean"
    store.csv_path(cell).unlink()
    watched.hear("finished", blocks[0], "", 3.0)
    assert watched.value(blocks[0]) == "", "nothing rather than something old"
