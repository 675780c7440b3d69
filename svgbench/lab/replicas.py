"""Replication: the same identity measured again on the machine at hand, beside the first measurement.

Repeated are stored runs that were made on another platform (`svgbench.lab.platforms`), or on several. The second
measurement of a cell is `<work>/<artifact>/<budget>/replicas/<platform>/<task>--<variant>.csv` and `.json`. Nothing
that reads a budget's folder sees it, and its unfinished work lies apart under `.work`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from svgbench.lab import platforms
from svgbench.lab.cells import REPLICAS, Cell, Selection, blocks, expand
from svgbench.lab.pair import has_size, is_copy, is_finished, read_meta
from svgbench.lab.plan import CellPlan, Plan
from svgbench.lab.store import Store
from svgbench.words.errors import DamagedError
from svgbench.words.experiment import Experiment, Variant


@dataclass
class _Found:
    """What the first measurements of a selection are, counted in runs."""

    elsewhere: Counter[platforms.Told] = field(default_factory=Counter)  # by what is recorded of the platform
    records: dict[platforms.Told, platforms.Record] = field(default_factory=dict)  # of `elsewhere`
    here: int = 0
    untold: Counter[str] = field(default_factory=Counter)  # by the parts that are not recorded
    mixed: int = 0
    missing: int = 0
    unfit: list[str] = field(default_factory=list)  # cells that cannot be repeated, with the reason

    def notes(self, here: platforms.Record) -> tuple[str, ...]:
        groups = platforms.grouped(self.records.values())
        name, *names = platforms.names_of([[here], *groups])
        counts = [sum(self.elsewhere[platforms.told(record)] for record in group) for group in groups]
        told = [f"here is {name}: {REPLICAS}/{platforms.key(here)}", f"its arithmetic: {here['kernels']}"]
        most_first = sorted(zip(counts, names, strict=True), key=lambda one: -one[0])
        told += [f"{_runs(n)} first made on {where}" for n, where in most_first]
        told += [f"{_runs(self.mixed)} first made on several platforms"] * bool(self.mixed)
        told += [f"{_runs(self.here)} first made on this platform: not repeated"] * bool(self.here)
        for parts, n in self.untold.items():
            told.append(f"{_runs(n)} may be of this platform (not recorded: {parts}): not repeated")
        if self.missing:
            told.append(f"{_runs(self.missing)} not there to repeat: `svgbench run` without --replicate makes them")
        if self.unfit:
            told.append(f"{len(self.unfit)} cells cannot be repeated, such as {self.unfit[0]}")
        return tuple(told)


def replication(
    first: Store,
    store: Store,
    experiment: Experiment,
    selection: Selection,
    extra: Mapping[str, Variant] | None = None,
    thorough: bool = False,
) -> Plan:
    """What `selection` still needs on this machine's platform. `first` has the first measurements; replicas are in
    `store`. Runs nothing, writes nothing. Raises UsageError as `expand` does, and if torch fails here.

    Seeds that were made on this platform are not repeated, in whichever of both places they are stored, and neither are
    those of which the record does not tell that they were made elsewhere. A cell that is stale is not repeated, because
    its identity is not the present one any more.
    """
    here = platforms.here(selection.device, selection.precision)
    found = _Found()
    cells = []
    for cell in expand(experiment, selection, extra):
        wanted = _elsewhere(first, cell, here, found, thorough)
        if wanted:
            own = replace(cell, replica=platforms.key(here), seeds=wanted)
            state = store.state(own, thorough)
            missing = [seed for seed in wanted if seed not in state.usable]
            cells.append(CellPlan(own, state, tuple(blocks(own, missing))))
    return Plan(experiment, selection, tuple(cells), found.notes(here))


def platforms_of(store: Store, plan: Plan) -> dict[tuple[str, str], list[str]]:
    """`measured_on` of each cell of a plan, by task and variant."""
    return {c.cell.key: measured_on(store, replace(c.cell, replica="")) for c in plan.cells}


def replicated_on(store: Store, cells: Sequence[Cell]) -> dict[tuple[str, str], list[str]]:
    """`measured_on` of the cells that have replicas, if it is more than one platform; by task and variant. Of the
    others, no file is read."""
    names: dict[tuple[str, str], set[str]] = {}
    found = {}
    for cell in cells:
        place = cell.experiment, cell.budget
        if place not in names:
            names[place] = {path.stem for path in store.replica_files(*place)}
        if cell.name in names[place] and len(on := measured_on(store, cell)) > 1:
            found[cell.key] = on
    return found


def measured_on(store: Store, cell: Cell) -> list[str]:
    """The names of the platforms that have seeds of the cell, requested or not; a mixed run has none. Reads JSONs, and
    the sizes of CSVs: pairs that are stale, damaged or in a wrong place do not count."""
    paths = [store.json_path(cell)]
    paths += [path for path in store.replica_files(cell.experiment, cell.budget) if path.stem == cell.name]
    records = []
    for path in paths:
        try:
            meta = read_meta(path)
            if meta is None or is_copy(path, meta) or not has_size(path.with_suffix(".csv"), meta):
                continue
        except DamagedError:
            continue
        if meta["config_hash"] == cell.identity:
            entries = [entry for entry in meta["seeds"].values() if is_finished(entry)]
            records += [
                entry["platform"] for entry in entries if entry.get("platform") and not platforms.is_mixed(entry)
            ]
    return platforms.names_of(platforms.grouped(records))


def _elsewhere(first: Store, cell: Cell, here: platforms.Record, found: _Found, thorough: bool) -> tuple[int, ...]:
    """The cell's requested seeds that were first made on another platform than `here`; all are counted in `found`."""
    state = first.state(cell, thorough)
    if state.status == "stale" or state.damage is not None:
        found.unfit.append(f"{cell.name}: {state.status}: {state.note}")
        return ()
    found.missing += len(cell.seeds) - len(state.done)
    entries = _entries(first, cell) if state.done else {}
    wanted = []
    for seed in state.done:
        entry = entries[str(seed)]
        record = entry.get("platform", {})
        if platforms.is_mixed(entry):
            found.mixed += 1
        elif platforms.differing(record, here):
            found.elsewhere[platforms.told(record)] += 1
            found.records[platforms.told(record)] = record
        else:
            parts = platforms.untold(record, here)
            found.here += not parts
            found.untold.update([", ".join(parts)] * bool(parts))
            continue
        wanted.append(seed)
    return tuple(wanted)


def _entries(store: Store, cell: Cell) -> Mapping[str, Any]:
    meta = store.meta(cell)
    if meta is None:
        raise DamagedError(f"{store.json_path(cell)} was removed meanwhile")
    entries: Mapping[str, Any] = meta["seeds"]
    return entries


def _runs(count: int) -> str:
    return f"{count} run{'s' * (count != 1)}"
