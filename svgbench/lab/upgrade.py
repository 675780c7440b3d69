"""Converts results of an older svgbench: names replace module paths, and hashes are updated.

In format 1 a cell's JSON has the path of the learner's module, and its identity hashes that path and the path of the
task's factory. Format 2 has names. Only the JSON is rewritten, atomically, after its CSV is checked against its hashes
and its identity against the old rule. Nothing in a CSV changes. Unfinished work in `.work` gets the new identity too.
A stale cell stays stale, because its new identity follows from its JSON and not from today's declarations.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from svgbench import factories, moved
from svgbench.lab import registry
from svgbench.lab.cells import Cell, identity, identity_with
from svgbench.lab.files import locked, remove_temporaries, write_atomic
from svgbench.lab.pair import FORMAT, OLD_FORMAT, cell_files, dump_meta, is_finished, read_meta, read_rows
from svgbench.lab.store import Store
from svgbench.words.errors import DamagedError, UsageError
from svgbench.words.experiment import TaskSpec, Variant

Factories = Mapping[str, Sequence[str]]
"""The factories of declared tasks by the tasks' ids, as names or "module:attribute"."""

BLOCK_SIZES = range(1, 65)
THREADS = (1, 2, 4, 8)
"""If no seed of a cell has finished, its JSON does not have these; the hash then shows which they were."""


class UnknownOriginError(Exception):
    """A JSON whose identity does not follow from its contents."""


@dataclass(frozen=True)
class Upgraded:
    """What happened, or would happen, to a file or a block's folder: its place in the results folder, and why."""

    file: str
    status: Literal["upgraded", "as it is", "left"]
    note: str = ""


def upgrade_cells(store: Store, declared: Factories, dry_run: bool = False) -> list[Upgraded]:
    """Convert every cell in the folder; return one entry for each JSON.

    A cell whose CSV, hash or identity is wrong is left unchanged. If killed, call it again to continue.
    """
    found = []
    for path in cell_files(store.root):
        place = path.relative_to(store.root)
        seen = _cell(path, str(place), declared, dry_run=True)
        if seen.status == "upgraded" and not dry_run:
            with locked(store.work / place.with_suffix("") / "cell.lock", wait=1.0):
                remove_temporaries(path)
                seen = _cell(path, str(place), declared, dry_run)
        found.append(seen)
    return found


def _cell(path: Path, place: str, declared: Factories, dry_run: bool) -> Upgraded:
    """Convert one JSON, or say why not."""
    try:
        meta = read_meta(path, old_too=True)
        if meta is None or meta["format"] == FORMAT:
            return Upgraded(place, "as it is")
        if any(map(is_finished, meta["seeds"].values())):
            read_rows(path.with_suffix(".csv"), meta)
        data = dump_meta(renewed(meta, declared))
    except (DamagedError, UnknownOriginError) as error:
        return Upgraded(place, "left", str(error))
    if not dry_run:
        write_atomic(path, data)
    return Upgraded(place, "upgraded")


def renewed(meta: Mapping[str, Any], declared: Factories) -> dict[str, Any]:
    """A JSON of the old format in the new format. Raises UnknownOriginError."""
    if meta.get("imported"):
        return {**meta, "format": FORMAT}
    cell = cell_of(meta, declared)
    old, new = str(meta["config_hash"]), named_identity(cell)
    seeds = {}
    for seed, entry in meta["seeds"].items():
        if entry.get("config_hash", old) != old:
            raise UnknownOriginError(f"the hash of seed {seed} is not that of its cell")
        seeds[seed] = {**entry, "config_hash": new} if "config_hash" in entry else entry
    whole: dict[str, Any] = {}
    for key, value in meta.items():
        whole[key] = value
        if key == "learner":
            whole |= {"learner": cell.variant.learner, "factory": cell.task.make}
        elif key == "columns":
            whole["block_size"] = cell.block_size
    return whole | {"format": FORMAT, "config_hash": new, "seeds": seeds}


def cell_of(meta: Mapping[str, Any], declared: Factories) -> Cell:
    """The cell that a JSON describes, with today's names, and the identity that it was stored under.

    The JSON does not contain the task's factory, and sometimes lacks more. Candidates are tried until one gives the
    stored hash by the rule of the JSON's format. Raises UnknownOriginError if none does.
    """
    rule = former_identity if meta["format"] == OLD_FORMAT else named_identity
    for make, size, threads in itertools.product(_makes(meta, declared), _sizes(meta), _threads(meta)):
        try:
            cell = named(_described(meta, make, size, threads))
            if rule(cell) == cell.identity:
                return cell
        except (UsageError, KeyError, TypeError, ValueError) as error:
            raise UnknownOriginError(f"its identity cannot be checked: {error}") from None
    raise UnknownOriginError(f"its identity {meta['config_hash']} does not follow from what its JSON says")


def named(cell: Cell) -> Cell:
    """The cell with today's names for its algorithm and its task."""
    learner, make = registry.name_of(cell.variant.learner), registry.name_of(cell.task.make)
    return replace(cell, variant=replace(cell.variant, learner=learner), task=replace(cell.task, make=make))


def former_identity(cell: Cell) -> str:
    """The cell's identity by the rule of format 1: the original module paths, and the whole config."""
    learner, make = (moved.former(registry.reference_of(name)) for name in (cell.variant.learner, cell.task.make))
    before = replace(cell, variant=replace(cell.variant, learner=learner), task=replace(cell.task, make=make))
    return identity_with(before, cell.config)


def named_identity(cell: Cell) -> str:
    """The cell's identity by today's rule. If the learner is not installed, the whole config counts."""
    try:
        return identity(cell)
    except UsageError:
        return identity_with(cell, cell.config)


def _described(meta: Mapping[str, Any], make: str, block_size: int, threads: int) -> Cell:
    return Cell(
        experiment=meta["experiment"],
        budget=meta["budget"],
        task=TaskSpec(meta["task"], make, "", meta["task_options"]),
        variant=Variant(meta["variant"], "", meta["learner"]),
        config=meta["config"],
        limits=meta["limits"],
        versions=meta["versions"],
        columns=tuple(meta["columns"]),
        seeds=(),
        block_size=block_size,
        threads=threads,
        device="cpu",
        identity=meta["config_hash"],
        sources=meta.get("sources", {}),
    )


def _makes(meta: Mapping[str, Any], declared: Factories) -> Iterator[str]:
    """The factories that the task may have, the most likely first."""
    if "factory" in meta:
        return iter([str(meta["factory"])])
    others = (make for makes in declared.values() for make in makes)
    return iter(dict.fromkeys([*declared.get(meta["task"], ()), *factories.tasks(), *others]))


def _sizes(meta: Mapping[str, Any]) -> Sequence[int]:
    """The sizes that the blocks may have. A finished seed's entry has the first and the last seed of its block."""
    if "block_size" in meta:
        return [int(meta["block_size"])]
    blocks = [str(e["block"]).partition("-") for e in meta["seeds"].values() if "block" in e]
    return [int(last) - int(first) + 1 for first, _, last in blocks[:1]] or BLOCK_SIZES


def _threads(meta: Mapping[str, Any]) -> Sequence[int]:
    return [int(entry["threads"]) for entry in meta["seeds"].values() if "threads" in entry][:1] or THREADS
