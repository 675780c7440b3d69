"""`clean` removes unusable files, and keeps those that a run would continue from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from harness import block_of, cell_of

from svgbench.lab.cells import Block, describe_job
from svgbench.lab.files import locked
from svgbench.lab.platform import compared
from svgbench.lab.store import Store
from svgbench.maintenance import clean
from svgbench.words.errors import BusyError


def started(store: Store, block: Block) -> Path:
    """The folder and log of a block that was interrupted."""
    folder = store.block_work(block)
    folder.mkdir(parents=True)
    (folder / "job-1.json").write_text(json.dumps(describe_job(block)))
    (folder / "checkpoint.pt").write_bytes(b"weights")
    store.log_path(block).write_text("a log\n")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_an_unfinished_block_stays_unless_checkpoints_are_named(store: Store) -> None:
    folder = started(store, block_of(cell_of(seeds=2)))
    assert clean(store, None, checkpoints=False, dry_run=False) == []
    assert folder.is_dir()
    clean(store, None, checkpoints=True, dry_run=False)
    assert not folder.exists()


def test_a_block_whose_seeds_are_stored_goes(store: Store) -> None:
    block = block_of(cell_of(seeds=2))
    folder = started(store, block)
    entry = {"status": "done", "rows": 1, "seconds": 1.0, "platform": compared("cpu")}
    store.merge(block.cell, {s: f"{s},0,1.0,up\n" for s in block.seeds}, {s: dict(entry) for s in block.seeds})
    gone = clean(store, None, checkpoints=False, dry_run=False)
    assert gone == sorted([folder, store.log_path(block)])
    assert store.state(block.cell).status == "done"


def test_a_block_of_another_declaration_goes(store: Store) -> None:
    block = block_of(cell_of(seeds=2))
    old = replace(block, cell=replace(block.cell, identity="0" * 12))
    folder = started(store, old)
    assert folder in clean(store, None, checkpoints=False, dry_run=True)
    assert folder.is_dir()


def test_clean_keeps_off_a_running_block(store: Store) -> None:
    block = block_of(cell_of(seeds=2))
    started(store, block)
    with locked(store.block_lock(block)), pytest.raises(BusyError):
        clean(store, None, checkpoints=True, dry_run=False)
