"""Converts unfinished work in `.work` to today's identities: see `svgbench.lab.upgrade`.

A block's folder, log and policies are named after its cell's identity, and its checkpoint contains it as the owner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from svgbench import strict_json
from svgbench.lab.cells import REPLICAS, Block, block_from_job, describe_job
from svgbench.lab.files import locked, write_atomic
from svgbench.lab.pair import read_meta
from svgbench.lab.store import Store
from svgbench.lab.upgrade import (
    Factories,
    UnknownOriginError,
    Upgraded,
    cell_of,
    former_identity,
    named,
    named_identity,
)
from svgbench.words.errors import DamagedError, UsageError

NO_CELLS = ("superseded", "calibration")
"""Folders of `.work` that hold nothing to continue."""


def upgrade_blocks(store: Store, declared: Factories, dry_run: bool) -> list[Upgraded]:
    """Convert every block's folder, log and policies; return one entry for each that is renamed."""
    found: list[Upgraded] = []
    folders = [*store.work.glob("*/*/*/*"), *store.work.glob(f"*/*/*/{REPLICAS}/*/*")]
    for folder in sorted(path for path in folders if path.is_dir() and path.name != REPLICAS):
        place = folder.relative_to(store.work)
        if place.parts[0] in NO_CELLS:
            continue
        new = dict(_identities(store, folder, declared))
        if dry_run:
            found += _renamed(store, folder, new, dry_run)
        elif new:
            with locked(folder / "cell.lock", wait=1.0):
                found += _renamed(store, folder, new, dry_run)
    return found


def _identities(store: Store, folder: Path, declared: Factories) -> Iterator[tuple[str, str]]:
    """The old identity of the cell and of each of its blocks' jobs, each with today's identity."""
    try:
        meta = read_meta(store.root / folder.relative_to(store.work).with_name(f"{folder.name}.json"), old_too=True)
        if meta is not None and not meta.get("imported"):
            cell = cell_of(meta, declared)
            yield former_identity(cell), named_identity(cell)
    except (DamagedError, UnknownOriginError, UsageError):
        pass  # such a cell is left unchanged, and so are its blocks
    for path in sorted(folder.glob("block-*/job-*.json")):
        block = _block(path)
        if block is not None:
            yield former_identity(block.cell), named_identity(block.cell)


def _block(job: Path) -> Block | None:
    """The block of a job, with today's names, and the identity that it was planned with; None if it is unreadable."""
    try:
        block = block_from_job(strict_json.loads(job.read_bytes()))
        block = replace(block, cell=named(block.cell))
        known = block.cell.identity in (former_identity(block.cell), named_identity(block.cell))
        return block if known else None
    except (OSError, ValueError, KeyError, TypeError, UsageError):
        return None


def _renamed(store: Store, folder: Path, new: Mapping[str, str], dry_run: bool) -> Iterator[Upgraded]:
    """Convert what is named after an old identity: first the contents, then the name, so that it can be repeated."""
    cell = folder.relative_to(store.work).as_posix()
    for path in sorted(folder.glob("block-*-*")):
        index, _, rest = path.name.removeprefix("block-").partition("-")
        old = rest[:12]
        if old not in new or new[old] == old or path.suffix == ".lock":
            continue
        owners = [f"{cell}/block-{index}-{identity}" for identity in (old, new[old])]
        target = path.with_name(path.name.replace(old, new[old]))
        place = str(path.relative_to(store.root))
        if target.exists():
            yield Upgraded(place, "left", f"there is {target.name} already")
            continue
        if not dry_run:
            for job in path.glob("job-*.json") if path.is_dir() else ():
                _write_job(job, new[old])
            for state in [path / "checkpoint.pt"] if path.is_dir() else [path] * (path.suffix == ".pt"):
                _give(state, *owners)
            path.rename(target)
        yield Upgraded(place, "upgraded")


def _write_job(job: Path, identity: str) -> None:
    block = _block(job)
    if block is not None:
        text: Any = describe_job(replace(block, cell=replace(block.cell, identity=identity)))
        write_atomic(job, strict_json.dumps(text, indent=1).encode(), durable=False)


def _give(state: Path, old: str, new: str) -> None:
    """Write the new owner's name into a file of tensors. Any other file is kept, and is refused when it is used."""
    from svgbench.lab import checkpoint

    try:
        payload = checkpoint.load(state, old)
    except DamagedError:
        return
    if payload is not None:
        checkpoint.save(state, new, payload)
