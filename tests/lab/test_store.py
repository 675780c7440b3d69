"""The store in process: merges, damage, statuses, what is moved aside. Real processes are in `tests/cli`."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from harness import block_of, cell_of
from hypothesis import given, settings
from hypothesis import strategies as st

from svgbench.lab import platform, source
from svgbench.lab.files import locked
from svgbench.lab.pair import read_meta, read_rows
from svgbench.lab.store import Store
from svgbench.words.errors import DamagedError

TEXTS = {seed: "".join(f"{seed},{step},{seed + step / 8},up\n" for step in range(3)) for seed in range(6)}
HEADER = "seed,step,position,side\n"


def entry(status="done", rows=3, **more):
    return {"status": status, "rows": rows, "seconds": 1.0, "platform": platform.compared("cpu"), **more}


def merge(store, cell, seeds, **more):
    store.merge(cell, {s: TEXTS[s] for s in seeds}, {s: entry(**more) for s in seeds})


@pytest.fixture
def cell():
    return cell_of(seeds=2)


@pytest.fixture
def store(tmp_path, cell):
    """A store with seeds 0 and 1 of `cell`."""
    store = Store(tmp_path / "results")
    merge(store, cell, (0, 1))
    return store


# -- merging ------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(6)), st.lists(st.integers(1, 6), min_size=6, max_size=6))
def test_any_order_and_grouping_of_merges_gives_the_same_bytes(order, sizes):
    cell = cell_of(seeds=6)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        left = list(order)
        for size in sizes:
            merge(store, cell, left[:size])
            left = left[size:]
        assert store.csv_path(cell).read_text() == HEADER + "".join(TEXTS[s] for s in range(6))
        meta = store.meta(cell)
        assert list(meta["seeds"]) == [str(s) for s in range(6)]
        assert store.state(cell, thorough=True).status == "done"


def test_a_finished_seed_is_never_replaced(store, cell):
    before = store.csv_path(cell).read_bytes(), store.json_path(cell).read_bytes()
    store.merge(cell, {0: "0,0,9.0,up\n"}, {0: entry(rows=1)})
    assert (store.csv_path(cell).read_bytes(), store.json_path(cell).read_bytes()) == before


def test_a_failure_is_recorded_beside_results_and_replaced_by_one(store):
    cell = cell_of(seeds=4)
    store.record_failure(block_of(cell, 1), "it fell", 2, store.log_path(block_of(cell, 1)))
    state = store.state(cell)
    assert (state.status, state.done, state.usable) == ("failed", (0, 1), (0, 1))
    assert state.failed == {2: "it fell", 3: "it fell"}
    assert state.note == "it fell"
    store.record_failure(block_of(cell, 0), "never", 2, Path("/elsewhere/log"))
    assert store.state(cell).done == (0, 1), "a failure does not replace a result"
    merge(store, cell, (2, 3))
    assert store.state(cell).status == "done"


def test_a_seed_without_rows_is_kept_through_merges(tmp_path):
    """It diverged in its first step."""
    store, cell = Store(tmp_path), cell_of(seeds=3)
    store.merge(cell, {0: "", 1: TEXTS[1]}, {0: entry("diverged", 0, reason="step 0"), 1: entry()})
    merge(store, cell, (2,))
    state = store.state(cell, thorough=True)
    assert (state.status, state.done, state.diverged) == ("diverged", (0, 1, 2), (0,))
    assert store.rows(cell).decode() == HEADER + TEXTS[1] + TEXTS[2]


def test_rows_of_seeds_that_the_json_does_not_list_do_not_exist(store, cell):
    path = store.csv_path(cell)
    path.write_text(HEADER + TEXTS[0] + TEXTS[1] + TEXTS[2])
    four = cell_of(seeds=4)
    assert store.state(four).done == (0, 1)
    assert store.rows(four).decode() == HEADER + TEXTS[0] + TEXTS[1]
    merge(store, four, (3,))
    assert path.read_text() == HEADER + TEXTS[0] + TEXTS[1] + TEXTS[3]


def test_a_merge_takes_away_what_its_own_cell_left_and_nothing_of_others(store, cell):
    """Another cell's write may be under way in the same folder: taking its file would fail that block."""
    names = [f".{name}.{kind}.tmp" for name in (cell.name, "field-calm--still") for kind in ("csv", "json")]
    for name in names:
        (store.csv_path(cell).parent / name).write_text("a part of a longer text " * 1000)
    merge(store, cell_of(seeds=4), (2,))
    assert sorted(path.name for path in store.root.rglob("*.tmp")) == names[2:]
    assert store.state(cell_of(seeds=4), thorough=True).usable == (0, 1, 2)


def test_a_merge_lists_no_folder_of_cells(store, cell, monkeypatch):
    """A grid has thousands of cells in one folder."""
    listed = []
    for name in ("scandir", "listdir"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda path=".", real=real: listed.append(os.fspath(path)) or real(path))
    merge(store, cell_of(seeds=4), (2,))
    store.state(cell)
    assert str(store.csv_path(cell).parent) not in listed
    assert str(store.cell_work(cell)) in listed, "the patch sees what is listed"


# -- damage -------------------------------------------------------------------------------------------------


def test_a_csv_cut_at_every_byte_is_detected(store, cell):
    path, meta = store.csv_path(cell), store.meta(cell)
    whole = path.read_bytes()
    assert store.state(cell).status == "done"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedError, match=path.name):
            read_rows(path, meta)
        state = store.state(cell)
        assert (state.status, state.done, state.usable) == ("failed", (), ()), length
        assert str(path) in state.note
    path.unlink()
    assert store.state(cell).status == "failed"
    path.write_bytes(whole)
    assert store.state(cell).status == "done"


def test_every_changed_byte_is_detected_by_reading(store, cell):
    path, meta = store.csv_path(cell), store.meta(cell)
    whole = path.read_bytes()
    for place in range(len(whole)):
        for flip in (1, 32):
            changed = bytearray(whole)
            changed[place] ^= flip
            path.write_bytes(changed)
            with pytest.raises(DamagedError, match=path.name):
                read_rows(path, meta)
            assert store.state(cell, thorough=True).status == "failed"
            assert store.state(cell).status == "done", "equal sizes are believed by commands that must be quick"


def test_a_merge_into_an_edited_file_moves_it_aside(store, cell):
    path = store.csv_path(cell)
    edited = path.read_bytes().replace(b"0,2,0.25", b"0,2,0.52")
    path.write_bytes(edited)
    four = cell_of(seeds=4)
    merge(store, four, (2, 3))
    assert store.state(four, thorough=True).done == (2, 3)
    (aside,) = (store.work / "superseded").rglob("*.csv")
    assert aside.read_bytes() == edited


def test_a_torn_file_of_a_cell_with_failures_only_does_no_harm(tmp_path):
    store, cell = Store(tmp_path), cell_of(seeds=2)
    store.record_failure(block_of(cell), "it fell", 2, tmp_path / "log")
    store.csv_path(cell).write_bytes(b"seed,st")
    merge(store, cell, (0, 1))
    assert store.state(cell, thorough=True).status == "done"


def test_a_json_cut_anywhere_is_detected(store, cell):
    path = store.json_path(cell)
    whole = path.read_bytes()
    for length in [*range(40), *range(40, len(whole.rstrip()), 7), len(whole.rstrip()) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedError, match=path.name):
            read_meta(path)
        assert store.state(cell).status == "failed"


@pytest.mark.parametrize(
    "edit",
    [
        {"format": 3},
        {"seeds": []},
        {"seeds": {"zero": {"status": "done"}}},
        {"seeds": {"0": "done"}},
        {"seeds": {"0": {}}},
        {"bytes": None},
        {"columns": None},
        {"config_hash": None},
        {"label": 3},
        {"source": None, "read": []},
    ],
)
def test_a_json_that_is_no_cell(store, cell, edit):
    path = store.json_path(cell)
    meta = json.loads(path.read_bytes()) | edit
    path.write_text(json.dumps({k: v for k, v in meta.items() if v is not None}))
    with pytest.raises(DamagedError, match=path.name):
        read_meta(path)
    assert store.state(cell).status == "failed"


# -- statuses -----------------------------------------------------------------------------------------------


def test_statuses(tmp_path):
    store, cell = Store(tmp_path / "results"), cell_of(seeds=4)
    assert store.state(cell).status == "missing"
    assert not store.root.exists(), "looking creates nothing"
    work = store.block_work(block_of(cell))
    work.mkdir(parents=True)
    assert store.state(cell).status == "missing"
    (work / "checkpoint.pt").touch()
    assert store.state(cell).status == "partial"
    assert store.state(replace(cell, identity="of another source")).status == "missing", "it would not be resumed"
    with locked(store.block_lock(block_of(cell))):
        assert store.state(cell).status == "running"
    merge(store, cell, (0,))
    assert store.state(cell).status == "partial"
    assert store.state(replace(cell, seeds=(0,))).status == "done"
    assert store.state(replace(cell, seeds=(3,))).status == "missing"
    merge(store, cell, (1, 2, 3))
    assert store.state(cell).status == "done"
    with locked(store.block_lock(block_of(cell))):
        assert store.state(cell).status == "done", "of a block that is stored nobody needs to ask"
        assert store.state(replace(cell, identity="of another source")).status == "running"
    with locked(store.placed_lock(block_of(cell_of(seeds=6), 2))):
        assert store.state(cell).status == "running", "a run that was asked for more seeds"


@pytest.mark.parametrize(
    ("changed", "status", "note"),
    [
        ({"torch": "1.0.0"}, "other", "measured with torch 1.0.0"),
        ({"mujoco": "3.0.0"}, "other", "measured with mujoco 3.0.0"),
        ({"device": "cuda"}, "other", "measured with device cuda (here cpu)"),
        ({"precision": "bf16"}, "other", "measured with precision bf16 (here float32)"),
        ({"processor": "abacus", "python": "3.99"}, "done", ""),
    ],
)
def test_which_parts_of_a_platform_are_compared(tmp_path, changed, status, note):
    store, cell = Store(tmp_path), cell_of(seeds=2)
    merge(store, cell, (0, 1), platform=platform.describe("cpu") | changed)
    state = store.state(cell)
    assert state.status == status
    assert state.note.startswith(note)
    assert state.done == (0, 1)
    assert state.usable == (() if status == "other" else (0, 1))


def test_a_later_setting_is_not_named_as_the_cause_of_staleness(store, cell, monkeypatch):
    path = store.json_path(cell)
    meta = json.loads(path.read_bytes())
    del meta["config"]["drift"]
    path.write_text(json.dumps(meta | {"config_hash": "0" * 12}))
    assert store.state(cell).note == "drift = 0.5 is a new setting"
    declared = source.declared(cell.variant.learner)
    monkeypatch.setattr(source, "declared", lambda _: replace(declared, added={"drift": 0.5}))
    assert store.state(cell).note == "columns, block size, threads or learner differ"


def test_a_version_that_rose_with_a_new_setting_is_named_first(store, cell):
    path = store.json_path(cell)
    meta = json.loads(path.read_bytes())
    del meta["config"]["drift"]
    path.write_text(json.dumps(meta | {"config_hash": "0" * 12, "versions": {"algorithm": 7, "task": 1}}))
    assert store.state(cell).note == "algorithm version was 7, is now 1"


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"config": {"drift": 9.0}}, "drift was 9.0, is now 0.5"),
        ({"config": {"gone": 1}}, "gone was 1, is now None"),
        ({"task_options": {"scale": 2}}, "scale was 2, is now 0.1"),
        ({"versions": {"algorithm": 7, "task": 1}}, "algorithm version was 7, is now 1"),
        ({}, "columns, block size, threads or learner differ"),
    ],
)
def test_stale_says_what_changed_and_a_merge_moves_the_pair_aside(store, cell, change, note):
    path = store.json_path(cell)
    meta = json.loads(path.read_bytes())
    for part, values in change.items():
        meta[part] |= values
    path.write_text(json.dumps(meta | {"config_hash": "0" * 12}))
    state = store.state(cell)
    assert (state.status, state.note, state.done, state.usable) == ("stale", note, (0, 1), ())
    for number in (1, 2):
        merge(store, cell, (0,))
        state = store.state(cell)
        assert (state.status, state.done) == ("partial", (0,))
        assert len(list((store.work / "superseded").rglob("*.csv"))) == number, "an earlier one is not overwritten"
        path.write_text(json.dumps(store.meta(cell) | {"config_hash": "0" * 12}))
