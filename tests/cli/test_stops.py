"""Ctrl-C once and twice, SIGTERM, and a time limit."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor

from harness import Bench, alive, block_of, cell_of, expected_csv, wait_until

SLOW = ("-o", "slices=60", "-o", "slice_seconds=0.1")


def stopped_at_a_checkpoint(bench, number, status):
    bench.environment["SVGBENCH_CHECKPOINT_SECONDS"] = "1000"  # so that the only checkpoint is the one it asks for
    cell = cell_of(*SLOW[1::2], seeds=2)
    block = block_of(cell)
    running = bench.start_walk("--seeds", "2", *SLOW)
    wait_until(lambda: bench.done_slices(block) >= 3, "three slices")
    pids = running.blocks()
    running.send(number)
    stopped = running.end()
    assert stopped.status == status
    assert "the same command continues from there" in stopped.err
    assert not any(map(alive, pids))
    at = bench.done_slices(block)
    assert 3 <= at < 60
    assert bench.status("--seeds", "2", *SLOW)[cell.variant.id]["status"] == "partial"

    done = bench.walk("--seeds", "2", *SLOW)
    assert done.status == 0, done.err
    assert f"resumed at {5 * at} of 300" in bench.log(block)
    assert bench.csv(cell) == expected_csv(cell)


def test_a_signal_stops_at_a_checkpoint(tmp_path):
    signals = {signal.SIGINT: 130, signal.SIGTERM: 4}
    with ThreadPoolExecutor(2) as pool:
        tests = []
        for number, status in signals.items():
            (tmp_path / number.name).mkdir()
            bench = Bench(tmp_path / number.name / "results")
            tests.append(pool.submit(stopped_at_a_checkpoint, bench, number, status))
        for test in tests:
            test.result()


def test_ctrl_c_twice_does_not_wait_for_the_slice(bench, tmp_path):
    free = tmp_path / "free"
    words = ("-o", "hang_at=3", "-o", f"until={free}")
    cell = cell_of(*words[1::2], seeds=2)
    block = block_of(cell)
    running = bench.start_walk("--seeds", "2", *words)
    wait_until(lambda: bench.done_slices(block) >= 3, "three slices; the fourth sleeps for an hour")
    pids = running.blocks()
    running.send(signal.SIGINT)
    time.sleep(0.3)
    assert running.process.poll() is None, "the first one waits for the slice"
    running.send(signal.SIGINT)
    assert running.end().status == 130
    assert not any(map(alive, pids))

    free.touch()
    assert bench.walk("--seeds", "2", *words).status == 0
    assert "resumed at 15 of 30" in bench.log(block)
    assert bench.csv(cell) == expected_csv(cell)


def test_a_time_limit_stops_at_a_checkpoint(bench):
    words = ("-o", "slices=60", "-o", "slice_seconds=0.1")
    cell = cell_of(*words[1::2], seeds=2)
    stopped = bench.walk("--seeds", "2", "--time-limit", "3s", *words)
    assert stopped.status == 4, stopped.err
    assert "0 of 2 runs done" in stopped.out
    done = bench.walk("--seeds", "2", "--time-limit", "1h", *words)
    assert done.status == 0, done.err
    assert bench.csv(cell) == expected_csv(cell)
