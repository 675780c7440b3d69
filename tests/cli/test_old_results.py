"""`svgbench upgrade`: a folder of an older svgbench, as a user meets it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from harness import Bench, cell_of, expected_csv

from svgbench.lab import upgrade
from svgbench.lab.block import BlockProcess
from svgbench.lab.cells import blocks, describe_job


def make_old(bench, cell):
    path = bench.store.json_path(cell)
    meta = json.loads(path.read_bytes())
    text = json.dumps({k: v for k, v in meta.items() if k not in ("factory", "block_size")} | {"format": 1})
    path.write_text(text.replace(cell.identity, upgrade.former_identity(cell)))


def test_an_old_folder_is_named_carried_over_and_gone_on_with(bench):
    cell = cell_of(seeds=4)
    assert bench.walk("--seeds", "2").status == 0
    whole = bench.store.json_path(cell).read_bytes()
    make_old(bench, cell)
    remedy = f"svgbench upgrade --results {bench.store.root}"
    refused = bench.walk("--seeds", "4")
    assert (refused.status, remedy in " ".join(refused.err.split())) == (1, True)
    assert bench.status("--seeds", "2")["drift"]["note"].endswith(remedy)
    would = bench("upgrade", "--dry-run", "--json")
    assert [row["status"] for row in would.json] == ["upgraded"]
    assert bench.store.json_path(cell).read_bytes() != whole
    done = bench("upgrade")
    assert (done.status, done.out) == (0, "1 upgraded, 0 were so already, 0 left\n")
    assert bench.store.json_path(cell).read_bytes() == whole
    again = bench.walk("--seeds", "4")
    assert (again.status, "2 of 4 runs missing" in again.out) == (0, True)


def test_results_that_cannot_be_upgraded_are_named(bench, tmp_path):
    cell = cell_of(seeds=2)
    assert bench.walk("--seeds", "2").status == 0
    make_old(bench, cell)
    path = bench.store.csv_path(cell)
    path.write_bytes(path.read_bytes().replace(b"up", b"UP", 1))
    done = bench("upgrade")
    assert done.status == 1
    assert done.out.startswith(f"left as it is: testkit/walk/smoke/{cell.name}.json:")
    nowhere = Bench(tmp_path / "nowhere")("upgrade")
    assert (nowhere.status, "no results folder" in nowhere.err) == (2, True)


def leave_work(store, block, slices):
    """What a killed block left before there were deliveries: a checkpoint, its rows, a job named after a process."""
    process = BlockProcess(store, block, 1)
    learner = process.make()
    for _ in range(slices):
        process.rows += learner.advance()
    process.save(learner)
    process.shown.update(process.rows, at_once=True)
    (store.block_work(block) / "job-77.json").write_text(json.dumps(describe_job(block)))
    store.block_lock(block).touch()
    store.log_path(block).write_text("2026-11-01 12:00:00 process 77, attempt 1\n")
    return learner


@pytest.mark.parametrize("named", [True, False], ids=["today's names", "names of format 1"])
def test_work_from_before_deliveries_is_continued(bench, named):
    """One block was killed in its middle, one between its last checkpoint and its merge, one after its merge."""
    cell, store = cell_of(seeds=6), bench.store
    assert bench.walk("--seeds", "4-5").status == 0
    store.log_path(blocks(cell, cell.seeds)[2]).unlink()
    before = cell if named else replace(cell, identity=upgrade.former_identity(cell))
    half, whole, stored = blocks(before, cell.seeds)
    assert not leave_work(store, half, slices=3).finished
    assert leave_work(store, whole, slices=6).finished
    leave_work(store, stored, slices=6)
    if not named:
        make_old(bench, cell)
        assert bench("upgrade").status == 0
    done = bench.walk("--seeds", "6")
    assert (done.status, "4 of 6 runs missing" in done.out) == (0, True), done.err
    assert bench.csv(cell) == expected_csv(cell)
    for block, resumed in zip(blocks(cell, cell.seeds), (15, 30, None), strict=True):
        log = bench.log(block)
        assert log.startswith("2026-11-01"), "the same log goes on"
        assert log.count("started on") == (resumed is not None)
        assert resumed is None or f"resumed at {resumed} of 30" in log
    assert not list(store.work.rglob("delivery-*"))
    assert [path.name for path in store.work.rglob("checkpoint.pt")] == ["checkpoint.pt"], "of the stored block"
    assert bench("clean").status == 0
    assert not list(store.work.rglob("checkpoint.pt"))
