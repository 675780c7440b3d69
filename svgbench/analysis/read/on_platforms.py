"""The cells of an experiment, apart by the platforms that measured them: first measurements and replicas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from svgbench.analysis.read.frames import Results, parse_rows
from svgbench.analysis.read.measures import CellData, last_step_of
from svgbench.lab import platforms
from svgbench.lab.cells import REPLICAS, cell_name
from svgbench.lab.damage import DamagedFileError, left_out
from svgbench.lab.pair import is_copy, is_finished, read_meta, read_rows
from svgbench.lab.store import Store
from svgbench.words.errors import DamagedError

FEWEST = 5
"""A cell with so many seeds on a platform is judged there, although more are asked of it elsewhere."""

Key = tuple[str, str, str]
"""A budget, a task and a variant."""


@dataclass(frozen=True)
class OnPlatform:
    """What one platform has measured, by budget, task and variant. `whole`: it is the first measurement, every seed."""

    name: str
    cells: Mapping[str, Mapping[tuple[str, str], CellData]]
    whole: bool


@dataclass(frozen=True)
class _Part:
    """Some seeds of a cell, which one record describes, and where their rows are."""

    key: Key
    record: platforms.Record
    seeds: frozenset[int]
    data: CellData
    first: bool


def on_platforms(store: Store, results: Mapping[str, Results]) -> tuple[list[OnPlatform], tuple[str, ...]]:
    """The cells of `results` (by budget) on each platform that has some of their seeds, those of most seeds first; and
    notes on the replicas that are left out.

    A cell has on a platform the seeds that it first measured there, and those of its replica there; replicas of another
    identity do not count, nor do mixed runs, imports, or replicas that are damaged. Where a platform has at least
    `FEWEST` seeds of a cell, they are the ones that are asked of it.
    """
    parts: list[_Part] = []
    notes: list[str] = []
    for budget, one in results.items():
        unfit: list[DamagedError] = []
        parts += _parts(store, budget, one, unfit)
        notes += [f"budget {budget}: {note}" for note in left_out(unfit)]
    groups = platforms.grouped([part.record for part in parts])
    names = platforms.names_of(groups)
    every = ((b, key, cell) for b, one in results.items() for key, cell in one.cells.items())
    first = {(b, *key): cell for b, key, cell in every if cell.seeds_done and not cell.foreign}
    found = [_on(name, group, parts, first, list(results)) for name, group in zip(names, groups, strict=True)]
    found.sort(key=lambda one: -sum(len(c.seeds_done) for own in one.cells.values() for c in own.values()))
    return found, tuple(notes)


def _parts(store: Store, budget: str, results: Results, unfit: list[DamagedError]) -> Iterator[_Part]:
    """Every cell of a budget and its replicas, in parts of one record. Replicas that are left out go to `unfit`."""
    where = results.experiment.draws_from or results.experiment.id
    cells = {cell_name(*key): cell for key, cell in results.cells.items() if cell.seeds_done and not cell.foreign}
    identities = {}
    for path in store.cell_files(where, budget):
        cell = cells.get(path.stem)
        meta = None if cell is None else _meta(path)
        if cell is not None and meta is not None:
            identities[path.stem] = meta["config_hash"]
            yield from _of_records(budget, cell, meta, first=True)
    for path in store.replica_files(where, budget):
        cell = cells.get(path.stem)
        if cell is None or path.stem not in identities:
            continue
        try:
            meta = read_meta(path)
            if meta is not None and not is_copy(path, meta):
                yield from _of_replica(budget, cell, path, meta, identities[path.stem])
        except DamagedError as error:
            unfit.append(error)


def _of_replica(budget: str, cell: CellData, path: Path, meta: Mapping[str, Any], identity: str) -> Iterator[_Part]:
    """The parts of a cell's replica. Raises DamagedError if it cannot be read, or is of another identity."""
    seeds = [int(seed) for seed, entry in meta["seeds"].items() if is_finished(entry)]
    if not seeds:
        return
    if meta["config_hash"] != identity:
        reason = "is stale: other settings or another version than the first measurement"
        raise DamagedFileError(path, f"{REPLICAS}/{path.parent.name} {reason}", common=True)
    done = tuple(sorted(set(seeds).intersection(cell.seeds_asked)))
    frame = parse_rows(read_rows(path.with_suffix(".csv"), meta))
    frame = frame[frame.seed.isin(done)].reset_index(drop=True)
    diverged = tuple(seed for seed in done if meta["seeds"][str(seed)]["status"] == "diverged")
    data = replace(cell, frame=frame, seeds_done=done, diverged=diverged, stored_last=last_step_of(frame))
    yield from _of_records(budget, data, meta, first=False)


def _meta(path: Path) -> dict[str, Any] | None:
    """A first measurement's JSON. The notes on the measurements say why one cannot be read."""
    try:
        meta = read_meta(path)
        return None if meta is None or is_copy(path, meta) else meta
    except DamagedError:
        return None


def _of_records(budget: str, data: CellData, meta: Mapping[str, Any], first: bool) -> Iterator[_Part]:
    """The cell's seeds by what is recorded of their platform. A mixed run has none."""
    seeds: dict[platforms.Told, set[int]] = {}
    records: dict[platforms.Told, platforms.Record] = {}
    for seed in data.seeds_done:
        entry = meta["seeds"].get(str(seed), {})
        record = entry.get("platform")
        if not record or platforms.is_mixed(entry):
            continue
        records.setdefault(platforms.told(record), record)
        seeds.setdefault(platforms.told(record), set()).add(seed)
    for told, own in seeds.items():
        yield _Part((budget, data.task, data.variant), records[told], frozenset(own), data, first)


def _on(
    name: str, group: list[platforms.Record], parts: list[_Part], first: Mapping[Key, CellData], budgets: list[str]
) -> OnPlatform:
    cells: dict[str, dict[tuple[str, str], CellData]] = {budget: {} for budget in budgets}
    members = {platforms.told(record) for record in group}
    mine = [part for part in parts if platforms.told(part.record) in members]
    for key, cell in first.items():
        own = [part for part in mine if part.key == key]
        budget, *place = key
        cells[budget][(place[0], place[1])] = _joined(cell, own)
    whole = {key: cell.seeds_done for key, cell in first.items()} == {
        key: tuple(sorted(seed for part in mine for seed in part.seeds if part.first and part.key == key))
        for key in first
    }
    return OnPlatform(name, cells, whole and all(part.first for part in mine))


def _joined(cell: CellData, parts: list[_Part]) -> CellData:
    """The cell with the seeds of these parts only."""
    taken: dict[int, CellData] = {}
    for part in parts:
        for seed in part.seeds:
            taken.setdefault(seed, part.data)
    frames = []
    for data in {id(data): data for data in taken.values()}.values():
        own = [seed for seed, of in taken.items() if of is data]
        frames.append(data.frame[data.frame.seed.isin(own)])
    done = tuple(sorted(taken))
    enough = len(done) >= FEWEST and not set(cell.seeds_asked) <= set(done)
    return replace(
        cell,
        frame=pd.concat(frames, ignore_index=True) if frames else cell.frame.iloc[:0],
        seeds_done=done,
        seeds_asked=done if enough else cell.seeds_asked,
        diverged=tuple(seed for seed in done if seed in taken[seed].diverged),
    )
