"""Deliveries of blocks, and who merges them when."""

from __future__ import annotations

import json

import pytest
from harness import block_of, cell_of, deliver_made_up

from svgbench.lab import merging as module
from svgbench.lab.cells import blocks
from svgbench.lab.delivery import collect, deliver, delivered
from svgbench.lab.merging import VISIBLE_SECONDS, Merging
from svgbench.lab.platform import compared
from svgbench.lab.store import Store


class Clock:
    now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(module, "time", Clock())
    return module.time


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def test_a_delivery_waits_until_it_is_merged_and_then_is_gone(store):
    cell = cell_of(seeds=4)
    first, second = blocks(cell, cell.seeds)
    for block in (second, first):
        deliver_made_up(store, block)
    assert delivered(store, first) == {0, 1}
    assert store.state(cell).done == ()
    collect(store, cell)
    assert (
        store.csv_path(cell).read_bytes()
        == b"seed,step,position,side\n0,1,0.5,up\n1,1,0.5,up\n2,1,0.5,up\n3,1,0.5,up\n"
    )
    assert store.state(cell, thorough=True).usable == (0, 1, 2, 3)
    assert delivered(store, first) == set()
    assert not store.block_work(first).exists()


def test_a_part_of_a_block_leaves_its_checkpoint(store):
    block = block_of(cell_of(seeds=[1]))
    deliver_made_up(store, block)
    (store.block_work(block) / "checkpoint.pt").touch()
    collect(store, block.cell)
    assert store.state(block.cell).done == (1,)
    assert [path.name for path in store.block_work(block).iterdir()] == ["checkpoint.pt"]


def test_stored_seeds_are_not_replaced(store):
    """A merge was killed before it removed the delivery; or another run was quicker."""
    cell = cell_of(seeds=2)
    deliver_made_up(store, block_of(cell))
    collect(store, cell)
    before = store.json_path(cell).read_bytes(), store.json_path(cell).stat().st_mtime_ns
    entry = {"status": "done", "platform": compared("cpu"), "seconds": 9.0, "rows": 1}
    deliver(store, block_of(cell), "again", {0: "0,1,7.0,up\n", 1: "1,1,7.0,up\n"}, {0: entry, 1: dict(entry)})
    collect(store, cell)
    assert (store.json_path(cell).read_bytes(), store.json_path(cell).stat().st_mtime_ns) == before
    assert not store.block_work(block_of(cell)).exists()


def break_rows(folder):
    path = next(folder.glob("delivery-*.csv"))
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.6", 1))


def break_json(folder):
    next(folder.glob("delivery-*.json")).write_text("{")


def drop_key(folder):
    path = next(folder.glob("delivery-*.json"))
    path.write_text(json.dumps({"seeds": json.loads(path.read_text())["seeds"]}))


@pytest.mark.parametrize("spoil", [break_rows, break_json, drop_key])
def test_a_damaged_delivery_counts_for_nothing(store, spoil):
    cell = cell_of(seeds=4)
    first, second = blocks(cell, cell.seeds)
    for block in (first, second):
        deliver_made_up(store, block)
    spoil(store.block_work(first))
    assert delivered(store, first) == set()
    collect(store, cell)
    assert store.state(cell, thorough=True).usable == (2, 3)
    assert list(store.block_work(first).glob("*.refused"))


def test_a_delivery_of_another_platform_is_left_to_it(store):
    block = block_of(cell_of(seeds=2))
    there = {"status": "done", "platform": compared("cpu") | {"torch": "1.0"}, "seconds": 1.0, "rows": 1}
    deliver(store, block, "theirs", {0: "0,1,0.5,up\n", 1: "1,1,0.5,up\n"}, {0: there, 1: dict(there)})
    assert delivered(store, block) == set()
    collect(store, block.cell)
    assert store.meta(block.cell) is None
    assert len(list(store.block_work(block).glob("delivery-theirs.*"))) == 2


def test_many_blocks_are_merged_in_few_merges(store, clock, monkeypatch):
    cell = cell_of(seeds=400)  # 200 blocks
    merges = []
    monkeypatch.setattr(module, "collect", lambda *words: merges.append(clock.now) or collect(*words))
    merging, finished = Merging(store), 0
    for block in blocks(cell, cell.seeds):
        deliver_made_up(store, block)
        merging.add(block)
        finished += len(list(merging.merge([cell])))
    finished += len(list(merging.merge([])))
    assert finished == 200
    assert not merging
    assert 10 < len(merges) < 60, "all 200 would be quadratic"


def test_a_delivery_does_not_wait_for_long(store, clock):
    cell = cell_of(seeds=100)
    several = blocks(cell, cell.seeds)
    merging = Merging(store)
    for block in several[:40]:
        deliver_made_up(store, block)
        merging.add(block)
    assert len(list(merging.merge([]))) == 40
    deliver_made_up(store, several[40])
    merging.add(several[40])
    assert not list(merging.merge([cell])), "one is less than an eighth of forty"
    clock.now = module.MERGE_SECONDS + 0.1
    assert list(merging.merge([cell])) == [(several[40], "")]


def test_rows_that_are_never_seen(store, clock):
    """On a network file system they may come late; after a minute something is wrong."""
    late, never = blocks(cell := cell_of(seeds=4), cell.seeds)
    merging = Merging(store)
    merging.add(late)
    merging.add(never)
    assert not list(merging.merge([]))
    deliver_made_up(store, late)
    clock.now = 1.1
    assert list(merging.merge([])) == [(late, "")]
    clock.now = VISIBLE_SECONDS + 2.3
    ((block, error),) = merging.merge([])
    assert block is never
    assert "its rows are not there after 60 s" in error
    assert not merging


def test_a_merge_that_fails_keeps_the_delivery(store, clock):
    """A folder is in the CSV's place, so that even root cannot write it."""
    block = block_of(cell_of(seeds=2))
    deliver_made_up(store, block)
    store.csv_path(block.cell).mkdir(parents=True)
    merging = Merging(store)
    merging.add(block)
    ((failed, error),) = merging.merge([])
    assert failed is block
    assert error.startswith("its rows are delivered, but they could not be merged: ")
    assert store.csv_path(block.cell).name in error
    assert delivered(store, block) == {0, 1}
