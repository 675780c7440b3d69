"""Kill anything at any moment and run the same command again: nothing finished is lost or run twice, and the CSV is
byte for byte the undisturbed one."""

from __future__ import annotations

import fcntl
import json
import random
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from harness import SABOTAGE, Bench, Done, alive, block_of, cell_of, expected_csv, kill, wait_until

from svgbench.lab.files import is_locked

SLOW = ("-o", "slices=10", "-o", "slice_seconds=0.15")


def finished_lines(bench, cell):
    """Who finished what, over all logs of the cell."""
    logs = sorted(bench.store.cell_work(cell).glob("block-*.log"))
    lines = [line for log in logs for line in log.read_text().splitlines()]
    return [line.partition("finished seeds ")[2] for line in lines if "finished seeds" in line]


def test_an_undisturbed_run_writes_what_the_learner_says(bench):
    done = bench.start_walk("--seeds", "4").end()
    assert done.status == 0, done.err
    cell = cell_of(seeds=4)
    assert bench.csv(cell) == expected_csv(cell)
    assert {s: e["status"] for s, e in bench.entries(cell).items()} == dict.fromkeys("0123", "done")
    assert finished_lines(bench, cell) == ["0, 1", "2, 3"]
    assert not list(bench.store.work.rglob("*.pt")), "the work of finished blocks is removed"
    assert bench("verify").out == "1 of 1 files are as they were written\n"


def test_a_block_killed_again_and_again(bench):
    cell = cell_of(*SLOW[1::2], seeds=2)
    block = block_of(cell)
    moments = []
    for attempts_killed, status in ((2, 1), (1, 0)):  # a block is tried twice; then the command is given again
        running = bench.start_walk("--seeds", "2", *SLOW)
        for attempt in range(attempts_killed):
            seen = bench.log(block).count("resumed") if attempt else 0
            before = bench.done_slices(block)
            wait_until(running.blocks, "a block")
            (pid,) = running.blocks()
            wait_until(lambda n=before: bench.done_slices(block) > n, "a slice")
            wait_until((bench.store.block_work(block) / "checkpoint.pt").exists, "its checkpoint")
            time.sleep(random.uniform(0.0, 0.2))
            moments.append((before, seen, bench.done_slices(block)))
            kill(pid)
            wait_until(lambda p=pid, r=running: p not in r.blocks(), "its end")
        done = running.end()
        assert done.status == status, (moments, done.err)
    assert "ended by signal 9" in "".join(p.read_text() for p in bench.folder.glob("err-*"))
    assert bench.log(block).count("resumed at") == 3, moments
    assert bench.csv(cell) == expected_csv(cell), moments


def test_the_supervisor_killed_in_the_middle_of_a_grid(bench):
    words = ("--seeds", "2", "--jobs", "2", *SLOW, "--variants", "drift,still")
    cells = {variant: cell_of(*SLOW[1::2], seeds=2, variant=variant) for variant in ("drift", "still")}
    first = bench.walk(*words[:-1], "drift")
    assert first.status == 0, first.err
    before = bench.store.json_path(cells["drift"]).stat().st_mtime_ns

    running = bench.start_walk(*words)
    block = block_of(cells["still"])
    wait_until(lambda: bench.done_slices(block) >= 3, "three slices")
    pids = running.blocks()
    assert len(pids) == 1, "the finished cell must not be run again"
    running.kill()
    killed = time.monotonic()
    wait_until(lambda: not any(map(alive, pids)), "the end of its blocks")
    assert time.monotonic() - killed < 2.0
    wait_until(lambda: not is_locked(bench.store.block_lock(block)), "the end of their other threads, which hold files")

    done = bench.walk(*words)
    assert done.status == 0, done.err
    assert "resumed at" in bench.log(block)
    for cell in cells.values():
        assert bench.csv(cell) == expected_csv(cell)
        assert finished_lines(bench, cell) == ["0, 1"]
    assert bench.store.json_path(cells["drift"]).stat().st_mtime_ns == before


def test_a_plan_killed_while_it_calibrates(bench):
    running = bench.start("plan", "testkit/walk", "--variants", "drift", "--tasks", "field/calm", "-o", "steps=9999")
    wait_until(lambda: running.children("svgbench.lab.calibration"), "a calibration")
    pids = running.children("svgbench.lab.calibration")
    running.kill()
    killed = time.monotonic()
    wait_until(lambda: not any(map(alive, pids)), "its end")
    assert time.monotonic() - killed < 2.0


MOMENTS = {
    "half a checkpoint is written": {"who": "block", "call": "fsync", "path": r"/\.checkpoint\.pt\.", "nth": 3},
    "a checkpoint was replaced": {
        "who": "block",
        "call": "replace",
        "path": r"/checkpoint\.pt$",
        "nth": 3,
        "after": True,
    },
    "half a delivery is written": {"who": "block", "call": "fsync", "path": r"/\.delivery-\w+\.csv\."},
    "a delivery has no JSON": {"who": "block", "call": "replace", "path": r"/delivery-\w+\.csv$", "after": True},
    "it was delivered": {"who": "block", "call": "replace", "path": r"/delivery-\w+\.json$", "after": True},
    "half a CSV is written": {"who": "supervisor", "call": "fsync", "path": r"drift\.csv\."},
    "the CSV was replaced, the JSON not": {
        "who": "supervisor",
        "call": "replace",
        "path": r"drift\.csv$",
        "after": True,
    },
    "half a JSON is written": {"who": "supervisor", "call": "fsync", "path": r"drift\.json\."},
    "both were replaced": {"who": "supervisor", "call": "replace", "path": r"drift\.json$", "after": True},
    "the delivery is being removed": {
        "who": "supervisor",
        "call": "unlink",
        "path": r"/delivery-\w+\.json$",
        "after": True,
    },
    "the checkpoint is being removed": {
        "who": "supervisor",
        "call": "rmdir",
        "path": r"^block-001|/block-001[^/]*$",
    },
}
STORED = ("both were replaced", "the delivery is being removed", "the checkpoint is being removed")
DELIVERED = (
    "it was delivered",
    "half a CSV is written",
    "the CSV was replaced, the JSON not",
    "half a JSON is written",
)


@dataclass
class Killed:
    """A results folder in which seeds 0 and 1 were done, everything was killed while 2 and 3 ran, and run again."""

    bench: Bench
    before: dict
    killed: Done
    left: bytes  # the rows that the store vouched for after the kill
    again: Done


@pytest.fixture(scope="module")
def killed(two_seeds, tmp_path_factory):
    """Every moment, two at a time."""

    def kill_while(moment):
        bench = Bench(tmp_path_factory.mktemp("moment") / "results")
        shutil.copytree(two_seeds, bench.results)
        cell = cell_of(seeds=4)
        before = bench.entries(cell)
        bench.environment["SABOTAGE"] = json.dumps(MOMENTS[moment])
        bench.path.insert(0, SABOTAGE)
        ended = bench.walk("--seeds", "4")
        left = bench.store.rows(cell)
        del bench.environment["SABOTAGE"]
        return Killed(bench, before, ended, left, bench.walk("--seeds", "4"))

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(MOMENTS, pool.map(kill_while, MOMENTS), strict=True))


@pytest.mark.parametrize("moment", MOMENTS)
def test_everything_killed_while(killed, moment):
    found, cell = killed[moment], cell_of(seeds=4)
    bench = found.bench
    assert found.killed.status == -signal.SIGKILL, found.killed.err
    finished = moment in STORED
    assert found.left == expected_csv(cell_of(seeds=4 if finished else 2))
    assert found.again.status == 0, found.again.err
    assert ("0 of 4 runs missing" if finished else "2 of 4 runs missing") in found.again.out
    assert bench.csv(cell) == expected_csv(cell)
    entries = bench.entries(cell)
    assert {e["status"] for e in entries.values()} == {"done"}
    assert {s: entries[s] for s in found.before} == found.before, "finished seeds are not touched"
    log = bench.log(block_of(cell, 1))
    if "checkpoint was replaced" in moment:
        assert "resumed at 15 of 30" in log
    if "checkpoint is written" in moment:
        assert "resumed at 10 of 30" in log
    once = finished or moment in DELIVERED
    assert log.count("started on") == (1 if once else 2), "a delivery is merged by the next supervisor; nothing is run"
    said = 0 if moment == "it was delivered" else 1
    assert log.count("finished seeds 2, 3") == said, "killed before it could say so, or once"
    assert not bench.litter()


def test_a_kill_in_the_first_merge_of_a_cell(bench):
    """There is a CSV and no JSON yet: its rows do not exist."""
    cell = cell_of(seeds=2)
    sabotage = {"who": "supervisor", "call": "replace", "path": r"drift\.csv$", "after": True}
    bench.environment["SABOTAGE"] = json.dumps(sabotage)
    bench.path.insert(0, SABOTAGE)
    assert bench.walk("--seeds", "2").status == -signal.SIGKILL
    assert bench.csv(cell) == expected_csv(cell)
    assert not bench.store.json_path(cell).exists()
    row = bench.status("--seeds", "2")["drift"]
    assert (row["status"], row["seeds_done"]) == ("partial", 0)
    assert [r["status"] for r in bench("verify", "--json").json] == ["orphan"]
    del bench.environment["SABOTAGE"]
    assert bench.walk("--seeds", "2").status == 0
    assert bench.csv(cell) == expected_csv(cell)


def test_two_runs_at_once_do_each_run_once(bench):
    cell = cell_of("slice_seconds=0.1", seeds=4)
    words = ("--seeds", "4", "--jobs", "1", "-o", "slice_seconds=0.1")
    both = [bench.start_walk(*words), bench.start_walk(*words)]
    ended = [one.end() for one in both]
    assert [one.status for one in ended] == [0, 0], [one.err for one in ended]
    assert bench.csv(cell) == expected_csv(cell)
    assert sorted(finished_lines(bench, cell)) == ["0, 1", "2, 3"]
    assert not list(bench.store.work.rglob("job-*"))


def test_two_runs_that_want_different_seeds_of_one_block(bench):
    cell = cell_of("slice_seconds=0.1", seeds=2)
    both = [bench.start_walk("--seeds", seed, "-o", "slice_seconds=0.1") for seed in ("0-0", "1-1")]
    ended = [one.end() for one in both]
    assert [one.status for one in ended] == [0, 0], [one.err for one in ended]
    assert bench.csv(cell) == expected_csv(cell)
    assert sorted(finished_lines(bench, cell)) == ["0", "1"]
    assert "resumed at 30 of 30" in bench.log(block_of(cell)), "the second one found the block trained"


def test_a_lock_that_a_dead_process_left(bench):
    cell = cell_of(seeds=2)
    for path in (bench.store.block_lock(block_of(cell)), bench.store.cell_lock(cell)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("99999999")
    assert bench.status("--seeds", "2")["drift"]["status"] == "missing"
    with bench.store.block_lock(block_of(cell)).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert bench.status("--seeds", "2")["drift"]["status"] == "running"
    assert bench.walk("--seeds", "2").status == 0
    assert bench.csv(cell) == expected_csv(cell)
