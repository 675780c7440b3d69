"""What the lab does per block must not grow with the grid: files, locks, merges and calls are counted, not seconds.

`python -m benchmarks growth` measures the same on a larger grid. Rows come from its executor, without processes.
"""

from __future__ import annotations

import cProfile
import fcntl
import importlib
import io
import os
import pstats
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from svgbench.lab import merging
from svgbench.lab import supervisor as module
from svgbench.lab.cells import Selection, blocks, expand
from svgbench.lab.executor import executors, make_executor
from svgbench.lab.files import take
from svgbench.lab.plan import make_plan
from svgbench.lab.progress import Expected, Lines, Watched
from svgbench.lab.store import Store
from svgbench.lab.supervisor import Supervisor

PLUGIN = Path(__file__).resolve().parents[2] / "benchmarks" / "grid_plugin"
SLOTS = 16


class Clock:
    now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    for one in (module, merging):
        monkeypatch.setattr(one, "time", clock)
    return clock


@pytest.fixture
def made_up(monkeypatch):
    """The module of the executor, with two rows a seed."""
    monkeypatch.syspath_prepend(str(PLUGIN))
    found = importlib.import_module("svgbench_made_up")
    monkeypatch.setattr(found, "ROWS", 2)
    yield found
    for name in ("svgbench_made_up", "svgbench_grid"):
        sys.modules.pop(name, None)


class Operations(Counter):
    """Counts the calls that ask the file system something, and the folders that are listed."""

    PATCHED = ((os, "open"), (io, "open"), (os, "stat"), (os, "scandir"), (os, "listdir"), (os, "mkdir"),
               (os, "replace"), (os, "unlink"), (fcntl, "flock"))  # fmt: skip

    def watch(self, monkeypatch):
        for place, name in self.PATCHED:
            monkeypatch.setattr(place, name, self.counting(f"{place.__name__}.{name}", getattr(place, name)))
        return self

    def counting(self, name, real):
        def call(*words, **how):
            self[name] += 1
            return real(*words, **how)

        return call


@dataclass(frozen=True)
class Measured:
    """Of one block: operations on files, lock attempts, merges, and calls of functions."""

    operations: float
    locks: float
    merges: float
    calls: float


def selection_of(cells, seeds):
    """The first cells of the grid, up to a hundred."""
    return Selection("smoke", seeds, ("task-000",), tuple(f"variant-{i:03d}" for i in range(cells)))


def run(root, made_up, cells, seeds, slots=SLOTS):
    """Run the grid's first cells; what it took per block, without the made-up rows themselves."""
    store = Store(root)
    grid = importlib.import_module("svgbench_grid")
    executor = made_up.Executor(slots, seconds=0.0)
    counted, profile, merges = Operations(), cProfile.Profile(), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "collect", lambda *words, real=merging.collect: merges.append(words) or real(*words))
        counted.watch(patch)
        profile.enable()
        plan = make_plan(store, grid.EXPERIMENTS[1], selection_of(cells, seeds), thorough=True)
        many = plan.blocks
        lines = Lines(Watched(many, Expected(slots, "score", {}, store)), io.StringIO())
        outcome = Supervisor(store, executor, lines.hear).run(many)
        profile.disable()
    assert len(outcome.finished) == len(many)
    assert all(store.state(cell.cell, thorough=True).status == "done" for cell in plan.cells)
    calls = sum(own[0] for key, own in pstats.Stats(profile).stats.items() if "<genexpr>" not in key[2])
    return Measured(counted.total() / len(many), counted["fcntl.flock"] / len(many), len(merges) / len(many),
                    calls / len(many))  # fmt: skip


@pytest.mark.usefixtures("clock")
def test_a_block_costs_the_same_in_a_large_grid(tmp_path, made_up):
    small = run(tmp_path / "small", made_up, cells=20, seeds=20)
    large = run(tmp_path / "large", made_up, cells=100, seeds=20)
    assert large.operations <= min(1.02 * small.operations, 60)
    assert large.locks <= 1.5, "one for the block, one for the merge of the cell's two"
    assert large.merges <= 0.5
    assert large.calls <= 1.05 * small.calls


@pytest.mark.usefixtures("clock")
def test_a_block_costs_about_the_same_in_a_large_cell(tmp_path, made_up):
    small = run(tmp_path / "small", made_up, cells=1, seeds=400, slots=2)
    large = run(tmp_path / "large", made_up, cells=1, seeds=1600, slots=2)
    assert large.merges < small.merges
    assert large.operations < small.operations
    assert large.calls < 1.6 * small.calls, "a merge a block would be four times as many"


def test_a_stored_grid_is_looked_at_without_locks(tmp_path, made_up, clock, monkeypatch):
    """`status` and `plan` read a JSON, list a folder and look at a CSV's size, whatever the number of blocks."""
    run(tmp_path, made_up, cells=10, seeds=40)
    store = Store(tmp_path)
    cells = expand(importlib.import_module("svgbench_grid").EXPERIMENTS[1], selection_of(10, 40))
    counted = Operations().watch(monkeypatch)
    assert {store.state(cell).status for cell in cells} == {"done"}
    assert counted["fcntl.flock"] == 0
    assert counted.total() <= 4 * len(cells)


def test_blocks_that_run_elsewhere_are_looked_at_rarely(tmp_path, made_up, clock, monkeypatch):
    """Another supervisor has 500 blocks for an hour. Each look asks the disk several times."""
    store = Store(tmp_path)
    grid = importlib.import_module("svgbench_grid").EXPERIMENTS[1]
    many = [block for cell in expand(grid, selection_of(50, 100)) for block in blocks(cell, cell.seeds)]
    held = [take(store.placed_lock(block), "another") for block in many]
    counted = Operations().watch(monkeypatch)
    one = Supervisor(store, made_up.Executor(SLOTS, seconds=0.0))
    outcome = one.run(many, deadline=3600.0)
    assert sorted(map(many.index, outcome.unfinished)) == list(range(len(many)))
    assert len(held) < counted["fcntl.flock"] < 20 * len(many), "not one a second, and not only the first"


def test_a_line_costs_the_same_in_a_large_grid(made_up):
    """What remains is forecast rarely if many blocks wait."""
    grid = importlib.import_module("svgbench_grid").EXPERIMENTS[1]
    many = [block for cell in expand(grid, selection_of(100, 400)) for block in blocks(cell, cell.seeds)]

    def calls(many):
        lines, profile = Lines(Watched(many, Expected(SLOTS, "score")), io.StringIO()), cProfile.Profile()
        profile.enable()
        for number, block in enumerate(many[:300]):
            lines.hear("started", block, "", 0.1 * number)
            lines.hear("finished", block, "", 0.1 * number + 5.0)
        profile.disable()
        return sum(own[0] for own in pstats.Stats(profile).stats.values())

    assert calls(many) < 1.5 * calls(many[:400])


def test_the_executor_is_found_by_its_entry_point(made_up):
    assert "made-up" in executors()
    assert make_executor("made-up", 3).slots == 3
