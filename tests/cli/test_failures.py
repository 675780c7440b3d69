"""Errors inside a block: only that block fails, with an error of one line."""

from __future__ import annotations

import io
import os
import pickle
import resource

import pytest
import torch
from harness import Bench, block_of, cell_of, expected_csv

from svgbench.lab import checkpoint, platform
from svgbench.lab.cells import blocks


def test_a_seed_that_diverges_does_not_affect_the_others(bench):
    words = ("-o", "nan_seed=1")
    cell = cell_of(*words[1::2], seeds=2)
    done = bench.walk("--seeds", "2", *words)
    assert done.status == 0, "a diverged seed is done"
    entries = bench.entries(cell)
    assert entries["0"]["status"] == "done"
    assert entries["1"]["status"] == "diverged"
    assert entries["1"]["reason"] == "step 10: position is nan"
    assert entries["1"]["rows"] == 10
    lines = bench.csv(cell).splitlines(keepends=True)
    calm = expected_csv(cell_of(seeds=2)).splitlines(keepends=True)
    assert lines == calm[:31] + calm[31:41], "seed 0 whole, seed 1 until it diverged"
    row = bench.status("--seeds", "2", *words)[cell.variant.id]
    assert (row["status"], row["seeds_done"]) == ("diverged", 2)
    again = bench.walk("--seeds", "2", *words)
    assert again.status == 0
    assert "0 of 2 runs missing" in again.out


TROUBLES = {"raise_at=3": "ArithmeticError: the walk fell over", "die_at=3": "", "hang_at=3": ""}


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    """Each trouble in a results folder of its own, all at once: most of the time is waiting for the one that hangs."""
    running = {}
    for trouble in TROUBLES:
        bench = Bench(tmp_path_factory.mktemp("trouble") / "results")
        bench.environment["SVGBENCH_HANG_SECONDS"] = "20"
        words = ("-o", trouble, "-o", f"once={bench.folder / 'once'}")
        running[trouble] = (bench, cell_of(*words[1::2], seeds=2), bench.start_walk("--seeds", "2", *words))
    return {trouble: (bench, cell, one.end()) for trouble, (bench, cell, one) in running.items()}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_block_is_tried_again_from_its_checkpoint(troubled, trouble):
    bench, cell, done = troubled[trouble]
    assert done.status == 0, done.err
    assert "retry" in done.err
    log = bench.log(block_of(cell))
    assert TROUBLES[trouble] in log
    assert log.count("resumed at 15 of 30") == 1
    assert bench.csv(cell) == expected_csv(cell)
    assert {e["attempts"] for e in bench.entries(cell).values()} == {2}


def test_a_block_that_fails_twice(bench, tmp_path):
    free = tmp_path / "free"
    words = ("-o", "raise_at=3", "-o", "trouble_seed=2", "-o", f"until={free}")
    cell = cell_of(*words[1::2], seeds=4)
    failed = bench.walk("--seeds", "4", *words)
    assert failed.status == 1
    log = bench.store.log_path(block_of(cell, 1))
    (at_once,) = [line for line in failed.err.splitlines() if "ArithmeticError: the walk fell over" in line]
    assert f"failed {cell.task.id} {cell.variant.id} seeds 2-3: ArithmeticError" in at_once
    (at_the_end,) = [line for line in failed.err.splitlines() if line.startswith("failed:")]
    assert at_the_end == f"failed: {cell.task.id} {cell.variant.id} seeds 2-3; log: {log}"
    assert log.read_text().count("ArithmeticError: the walk fell over") == 2
    assert "Traceback" not in failed.err
    entries = bench.entries(cell)
    assert {s: e["status"] for s, e in entries.items()} == {"0": "done", "1": "done", "2": "failed", "3": "failed"}
    assert entries["2"]["attempts"] == 2
    assert entries["2"]["error"] == "ArithmeticError: the walk fell over"
    assert bench.results / entries["2"]["log"] == log
    row = bench.status("--seeds", "4", *words)[cell.variant.id]
    assert (row["status"], row["seeds_done"], row["note"]) == ("failed", 2, entries["2"]["error"])
    assert bench.store.rows(cell) == expected_csv(cell, without=(2, 3))
    shown = bench("logs", "testkit/walk", "--budget", "smoke", "--lines", "1")
    assert str(log) not in shown.out, "the logs of declared cells only, unless -o names this one"

    free.touch()
    again = bench.walk("--seeds", "4", *words)
    assert again.status == 0, again.err
    assert "2 of 4 runs missing" in again.out
    assert bench.csv(cell) == expected_csv(cell)
    assert bench.entries(cell)["0"] == entries["0"]


def test_a_block_that_cannot_be_built_is_tried_once(bench):
    words = ("-o", "unbuilt=no such world")
    cell = cell_of(*words[1::2], seeds=2)
    failed = bench.walk("--seeds", "2", *words)
    assert failed.status == 1
    assert "retry" not in failed.err
    assert bench.log(block_of(cell)).count("ArithmeticError: no such world\n") == 1
    entries = bench.entries(cell)
    assert {(e["status"], e["attempts"], e["error"]) for e in entries.values()} == {
        ("failed", 1, "ArithmeticError: no such world")
    }


def test_a_full_disk(half_done):
    bench = half_done
    words = ("-o", "ballast=200000")
    cell, earlier = cell_of(*words[1::2], seeds=2), cell_of(seeds=2)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))

    failed = bench.walk("--seeds", "2", *words, preexec_fn=limit)
    assert failed.status == 1
    path = bench.store.block_work(block_of(cell)) / "checkpoint.pt"
    (line,) = [line for line in failed.err.splitlines() if "File too large" in line]
    assert f"failed {cell.task.id} {cell.variant.id} seeds 0-1: " in line
    assert f"'{path}'" in line
    assert not bench.litter()
    assert bench.csv(earlier) == expected_csv(earlier)
    assert bench.status("--seeds", "2")["drift"]["status"] == "done"
    assert bench.status("--seeds", "2", *words)[cell.variant.id]["status"] == "failed"

    done = bench.walk("--seeds", "2", *words)
    assert done.status == 0, done.err
    assert bench.csv(cell) == expected_csv(cell)


def _without_root(bench):
    """Root may write anywhere; without this capability it may not. No words for other users: they are refused."""
    if os.geteuid() != 0:
        return {}
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    cap_dac_override, pr_capbset_drop = 1, 24
    return {"preexec_fn": lambda: libc.prctl(pr_capbset_drop, cap_dac_override, 0, 0, 0)}


def test_a_read_only_results_folder(half_done):
    bench = half_done
    how = _without_root(bench)
    for folder, _, _ in os.walk(bench.results):
        os.chmod(folder, 0o555)
    try:
        refused = bench.walk("--seeds", "4", **how)
        status = bench("status", "testkit/walk", "--json", **how)
        checked = bench("verify", **how)
    finally:
        for folder, _, _ in os.walk(bench.results):
            os.chmod(folder, 0o755)
    assert refused.status == 1
    (line,) = refused.err.splitlines()
    assert line.startswith(f"svgbench: {bench.store.work}: Permission denied: results cannot be written there")
    assert status.status == 0
    assert status.json[0]["seeds_done"] == 2
    assert checked.status == 0
    assert bench.csv(cell_of(seeds=2)) == expected_csv(cell_of(seeds=2))


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def malicious(path):
    """Three files that create `path` when they are unpickled."""
    buffers = [io.BytesIO(), io.BytesIO()]
    content = {"format": 1, "owner": "testkit", "payload": Malicious(path)}
    torch.save(content, buffers[0])
    torch.save(content, buffers[1], _use_new_zipfile_serialization=False)
    return [b.getvalue() for b in buffers] + [pickle.dumps(content)]


def test_foreign_and_malicious_checkpoints_are_refused(bench, tmp_path):
    """Block 0 finds one that would run code, block 1 a good one of block 0 that is further than it could be."""
    from svgbench_testkit import walk

    trap = tmp_path / "trapped"
    cell = cell_of(seeds=4)
    paths = [bench.store.block_work(block) / "checkpoint.pt" for block in blocks(cell, cell.seeds)]
    for path in paths:
        path.parent.mkdir(parents=True)
    paths[0].write_bytes(malicious(str(trap))[0])
    learner = walk.make(cell.config, 0.1, [0, 1], {}, "cpu")
    rows = learner.advance() + learner.advance()
    state = {"platform": platform.compared("cpu"), "rows": rows, "seconds": 1.0, "learner": learner.state_dict()}
    checkpoint.save(paths[1], f"testkit/walk/smoke/{cell.name}/{block_of(cell, 0).name}", state)

    done = bench.walk("--seeds", "4")
    assert done.status == 0, done.err
    assert not trap.exists()
    first, second = (bench.log(block) for block in blocks(cell, cell.seeds))
    assert "is not a checkpoint that svgbench wrote" in first
    assert f"belongs to 'testkit/walk/smoke/{cell.name}/{block_of(cell, 0).name}'" in second
    for log in (first, second):
        assert "the block starts from its beginning" in log
        assert "resumed" not in log
    assert bench.csv(cell) == expected_csv(cell)
    torch.load(io.BytesIO(malicious(str(trap))[0]), weights_only=False)
    assert trap.exists(), "the trap works"


@pytest.mark.parametrize("form", [0, 1, 2])
def test_no_form_of_a_malicious_checkpoint_runs_code(tmp_path, form):
    trap, path = tmp_path / "trapped", tmp_path / "checkpoint.pt"
    path.write_bytes(malicious(str(trap))[form])
    with pytest.raises(checkpoint.DamagedError, match="is not a checkpoint that svgbench wrote"):
        checkpoint.load(path, "testkit")
    assert not trap.exists()
