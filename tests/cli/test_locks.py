"""Folders whose locks are missing, or exclude nobody: they take one run."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager

import pytest
from harness import SABOTAGE, alive, block_of, cell_of, expected_csv, wait_until

SLOW = ("-o", "slices=30", "-o", "slice_seconds=0.2")
QUICK_LEASE = {"SVGBENCH_LEASE_SECONDS": "2"}


@contextmanager
def frozen(running):
    """The run's only block waits meanwhile, however slow the machine is. Its process."""
    (pid,) = running.blocks()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def unlocked(bench):
    """A folder without locks."""
    bench.path.insert(0, SABOTAGE)
    bench.environment |= QUICK_LEASE | {"LOCKS": "ENOLCK"}
    return bench


def test_a_folder_without_locks_takes_one_run(unlocked):
    """The second one is refused. When the first one is killed, the next one waits until its blocks have ended."""
    bench, cell = unlocked, cell_of(*SLOW[1::2], seeds=2)
    first = bench.start_walk("--seeds", "2", *SLOW)
    wait_until(lambda: bench.done_slices(block_of(cell)) >= 2, "two slices")
    with frozen(first) as pid:
        second = bench.walk("--seeds", "2", *SLOW)
        assert second.status == 75, second.err
        assert second.err.splitlines()[-1].startswith(f"svgbench: {bench.results} takes one run at a time")
        cleaned = bench("clean", "--checkpoints")
        assert cleaned.status == 75, cleaned.err
        first.kill()
    wait_until(lambda: not alive(pid), "the end of its block")
    third = bench.walk("--seeds", "2", *SLOW)
    assert third.status == 0, third.err
    assert "no locks on this file system (No locks available): this folder takes one run at a time" in third.err
    assert "looking for 4 s whether" in third.err
    assert "Traceback" not in third.err
    assert "resumed at" in bench.log(block_of(cell))
    assert bench.csv(cell) == expected_csv(cell)
    assert bench.walk("--seeds", "2", *SLOW).status == 0, "one that ended well leaves no record"


def test_a_run_without_locks(unlocked):
    unlocked.environment["LOCKS"] = "ENOSYS"
    done = unlocked.walk("--seeds", "2")
    assert done.status == 0, done.err
    assert unlocked.csv(cell_of(seeds=2)) == expected_csv(cell_of(seeds=2))
    assert len([line for line in done.err.splitlines() if "no locks on this file system" in line]) == 1


def test_a_stale_handle_is_one_line(unlocked):
    unlocked.environment["LOCKS"] = "ESTALE"
    refused = unlocked.walk("--seeds", "2")
    assert refused.status == 1
    (line,) = [line for line in refused.err.splitlines() if "calibrat" not in line]
    assert line.endswith("Stale file handle")
    assert str(unlocked.store.work) in line


def test_locks_that_each_machine_has_for_itself(bench):
    """A mount with `nolock`, or a file system of which every machine keeps its own locks."""
    bench.path.insert(0, SABOTAGE)
    bench.environment |= QUICK_LEASE | {"LOCKS": "own", "HOST": "node1"}
    cell = cell_of(*SLOW[1::2], seeds=2)
    first = bench.start_walk("--seeds", "2", *SLOW)
    wait_until(lambda: bench.done_slices(block_of(cell)) >= 2, "two slices")
    bench.environment["HOST"] = "node2"
    with frozen(first):
        second = bench.walk("--seeds", "2", *SLOW)
    assert second.status == 75, second.err
    assert "because locks fail there: node1-" in second.err
    ended = first.end()
    assert ended.status == 0, ended.err
    assert bench.csv(cell) == expected_csv(cell)
