"""Several runs of the same command on one results folder, killed and restarted: no block runs twice at once, nothing is
started without need, and the CSVs are byte for byte the undisturbed ones."""

from __future__ import annotations

import itertools
import random
import signal
import time

import pytest
from harness import alive, block_of, cell_of, expected_csv, wait_until

from svgbench.lab.cells import blocks

VARIANTS = ("drift", "still")


class Grid:
    """Two variants of the walk, and runs of both."""

    def __init__(self, bench, seeds, *overrides):
        self.bench, self.trace = bench, bench.folder / "trace"
        bench.environment["TESTKIT_TRACE"] = str(self.trace)
        words = [word for one in overrides for word in ("-o", one)]
        self.words = ("--seeds", str(seeds), "--variants", ",".join(VARIANTS), *words)
        self.cells = [cell_of(*overrides, seeds=seeds, variant=variant) for variant in VARIANTS]
        self.blocks = [block for cell in self.cells for block in blocks(cell, cell.seeds)]

    def start(self, jobs):
        return self.bench.start_walk(*self.words, "--jobs", str(jobs))

    def starts(self):
        """How many processes of blocks were started."""
        logs = [self.bench.store.log_path(block) for block in self.blocks]
        return sum(path.read_text().count("started on") for path in logs if path.exists())

    def check(self):
        """The CSVs; and that whoever worked on a block began after the one before had ended."""
        for cell in self.cells:
            assert self.bench.csv(cell) == expected_csv(cell)
        spans = {}
        for line in self.trace.read_text().splitlines():
            moment, process, *block = line.split()
            span = spans.setdefault(tuple(block), {}).setdefault(process, [int(moment)] * 2)
            span[1] = int(moment)
        assert len(spans) == len(self.blocks)
        for own in spans.values():
            ordered = sorted(own.values())
            assert all(before[1] < after[0] for before, after in itertools.pairwise(ordered)), own


def test_runs_that_share_a_folder_start_each_block_once(bench):
    grid = Grid(bench, 4)
    runs = [grid.start(jobs=1) for _ in range(3)]
    ended = [one.end() for one in runs]
    assert [one.status for one in ended] == [0, 0, 0], [one.err for one in ended]
    grid.check()
    assert grid.starts() == len(grid.blocks)
    assert not list(bench.store.work.rglob("job-*")) + list(bench.store.work.rglob("delivery-*")) + bench.litter()
    assert not list((bench.store.work / "supervisors").iterdir())


def killed_at_random(bench, seeds, runs, jobs, kills):
    grid = Grid(bench, seeds, "slice_seconds=0.1")
    running = [grid.start(jobs) for _ in range(runs)]
    started = runs
    for _ in range(kills):
        before = grid.starts()
        deadline = time.monotonic() + random.uniform(0.0, 3.0)
        wait_until(lambda n=before, d=deadline: grid.starts() > n or time.monotonic() > d, "a moment")
        victim = random.randrange(runs)
        running[victim].kill()
        running[victim] = grid.start(jobs)
        started += 1
    ended = [one.end() for one in running]
    assert [one.status for one in ended] == [0] * runs, [one.err for one in ended]
    grid.check()
    assert grid.starts() <= len(grid.blocks) + started + kills * jobs
    assert bench("verify").status == 0
    assert not list(bench.store.work.rglob("delivery-*"))


def test_runs_that_are_killed_and_restarted(bench):
    killed_at_random(bench, seeds=4, runs=2, jobs=1, kills=2)


@pytest.mark.slow
def test_many_runs_that_are_killed_and_restarted(bench):
    killed_at_random(bench, seeds=16, runs=4, jobs=2, kills=8)


def test_a_block_whose_supervisor_is_gone_ends_with_its_lease(bench):
    """Nothing but the lease can end it: its input stays open, and its slice takes an hour."""
    bench.environment["SVGBENCH_LEASE_SECONDS"] = "2"
    free = bench.folder / "free"
    words = ("-o", "hang_at=3", "-o", f"until={free}")
    cell = cell_of(*words[1::2], seeds=2)
    running = bench.start_walk("--seeds", "2", "--executor", "detached", *words)
    wait_until(lambda: bench.done_slices(block_of(cell)) >= 3, "three slices; the fourth sleeps for an hour")
    (pid,) = running.blocks()
    running.kill()
    wait_until(lambda: not alive(pid), "the end of its lease")
    assert "has not been seen for 2 s" in bench.log(block_of(cell))
    free.touch()
    done = bench.walk("--seeds", "2", *words)
    assert done.status == 0, done.err
    assert bench.log(block_of(cell)).count("resumed at 15 of 30") == 1
    assert bench.csv(cell) == expected_csv(cell)


def test_a_block_stops_because_the_record_says_so(bench):
    """The executor cannot reach it."""
    bench.environment["SVGBENCH_LEASE_SECONDS"] = "4"
    words = ("-o", "slices=400", "-o", "slice_seconds=0.1")
    cell = cell_of(*words[1::2], seeds=2)
    stopped = bench.start_walk("--seeds", "2", "--executor", "detached:somewhere", "--time-limit", "3s", *words).end()
    assert stopped.status == 4, stopped.err
    assert (bench.store.block_work(block_of(cell)) / "checkpoint.pt").exists()
    assert bench.status("--seeds", "2", *words)[cell.variant.id]["status"] == "partial"


def test_a_supervisor_that_slept_goes_on(bench):
    """A suspended machine: its blocks have ended meanwhile, which is no attempt of theirs."""
    bench.environment["SVGBENCH_LEASE_SECONDS"] = "2"
    words = ("-o", "slices=12", "-o", "slice_seconds=0.1", "-o", "hang_at=3", "-o", f"once={bench.folder / 'once'}")
    cell = cell_of(*words[1::2], seeds=2)
    block = block_of(cell)
    running = bench.start_walk("--seeds", "2", *words)
    wait_until(lambda: bench.done_slices(block) >= 3, "three slices; the fourth sleeps for an hour")
    (pid,) = running.blocks()
    running.send(signal.SIGSTOP)
    wait_until(lambda: not alive(pid), "the end of its lease")
    running.send(signal.SIGCONT)
    done = running.end()
    assert done.status == 0, done.err
    assert bench.csv(cell) == expected_csv(cell)
    assert {entry["attempts"] for entry in bench.entries(cell).values()} == {1}
