"""From the store to frames: the only place that reads measurements for tables, figures and verdicts."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from svgbench.analysis.read.caveats import caveat_notes
from svgbench.analysis.read.measures import CellData, last_step_of
from svgbench.analysis.read.naming import shown
from svgbench.lab.cells import Cell, Selection, cell_name, expand_declared, named_seeds
from svgbench.lab.damage import left_out
from svgbench.lab.overrides import unchanged_id
from svgbench.lab.pair import is_copy, is_finished, read_meta, read_rows
from svgbench.lab.platforms import is_mixed
from svgbench.lab.reference import ReferredStore
from svgbench.lab.store import CellState, Store
from svgbench.words.errors import DamagedError
from svgbench.words.experiment import Experiment, Variant

IN_WORDS = {"stale": "stale, measured before a change"}
"""What a cell's status means, where a note is too short to explain the word."""


@dataclass(frozen=True)
class Results:
    """The cells of one experiment at one budget, with notes for the reader."""

    experiment: Experiment
    budget: str
    cells: Mapping[tuple[str, str], CellData]
    labels: Mapping[str, str]  # variant -> label, undeclared ones included
    notes: tuple[str, ...]
    stale: int = 0  # cells that were measured with other settings or another version
    damaged: tuple[str, ...] = ()  # the notes that say why files are left out
    caveats: tuple[str, ...] = ()  # of numbers: seeds and cells that end early, measures that lack rows
    elsewhere: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # task -> other budgets with results of it

    def frame(self) -> pd.DataFrame:
        """All rows in one frame, with `task` and `variant` in front."""
        parts = [
            cell.frame.assign(task=task, variant=variant)
            for (task, variant), cell in self.cells.items()
            if len(cell.frame)
        ]
        if not parts:
            return pd.DataFrame(columns=["task", "variant", "seed", "step"])
        whole = pd.concat(parts, ignore_index=True)
        return whole[["task", "variant", *(c for c in whole.columns if c not in ("task", "variant"))]]


def read_results(
    store: Store, experiment: Experiment, selection: Selection, extra: Mapping[str, Variant] | None = None
) -> Results:
    """Read the cells that `selection` names, checked against their hashes.

    A damaged cell is left out and noted. Undeclared cells in the folder (imported ones, and variants made with -o) are
    read too, unless the selection names other variants.
    """
    cells: dict[tuple[str, str], CellData] = {}
    labels = {variant.id: variant.label for variant in experiment.variants}
    states: dict[tuple[str, str], list[str]] = {}
    stale = 0
    notes = []
    damaged: list[DamagedError] = []
    stored = store.variants(experiment.draws_from or experiment.id, selection.budget)
    lent: list[tuple[str, str]] = []
    for cell in expand_declared(experiment, selection, extra, stored):
        labels[cell.variant.id] = cell.variant.label
        state = store.state(cell)
        stale += state.status == "stale"
        if state.damage is not None:
            damaged.append(state.damage)
        elif state.status in ("stale", "other", "failed"):
            states.setdefault((state.status, state.note), []).append(cell.name)
        try:
            cells[cell.key] = _read(store, cell, state)
            lent += [cell.key] * (bool(state.done) and _is_lent(store, cell.experiment, selection.budget, *cell.key))
        except DamagedError as error:
            damaged.append(error)
            cells[cell.key] = _read(store, cell, CellState("failed"))
    for (status, why), names in states.items():
        notes.append(f"{len(names)} cell{'s' * (len(names) > 1)} {IN_WORDS.get(status, status)}: {why}")
    if not selection.overrides:
        for data, label, note in _undeclared(store, experiment, selection, cells, damaged):
            labels[data.variant] = label
            cells[(data.task, data.variant)] = data
            notes.append(note)
            where = experiment.draws_from or experiment.id
            lent += [(data.task, data.variant)] * _is_lent(store, where, selection.budget, data.task, data.variant)
    if isinstance(store, ReferredStore) and lent:
        notes.append(_name_lent(store.words, lent, cells, labels))
    caveats = tuple(caveat_notes(experiment, selection.budget, cells.values()))
    left = tuple(left_out(damaged))
    notes = [*left, *notes]
    other = _elsewhere(store, experiment, selection.budget)
    return Results(
        experiment, selection.budget, cells, labels, tuple(dict.fromkeys(notes)), stale, left, caveats, other
    )


def _elsewhere(store: Store, experiment: Experiment, budget: str) -> dict[str, tuple[str, ...]]:
    """For each task the other budgets that have files of it, the largest first. Looks at names only."""
    found: dict[str, tuple[str, ...]] = {}
    for other in (b.name for b in experiment.budgets if b.name != budget):
        stems = {p.stem.partition("--")[0] for p in store.cell_files(experiment.draws_from or experiment.id, other)}
        for task in experiment.tasks:
            if cell_name(task.id, "").removesuffix("--") in stems:
                found[task.id] = (*found.get(task.id, ()), other)
    return found


def _is_lent(store: Store, experiment: str, budget: str, task: str, variant: str) -> bool:
    return isinstance(store, ReferredStore) and store.is_lent(experiment, budget, cell_name(task, variant))


def _name_lent(
    words: str,
    lent: Sequence[tuple[str, str]],
    cells: Mapping[tuple[str, str], CellData],
    labels: dict[str, str],
) -> str:
    """The note on reference cells. If other cells have seeds too, variants that are wholly the reference's get a label
    that says so."""
    own = {variant for (task, variant), data in cells.items() if data.seeds_done and (task, variant) not in lent}
    for variant in dict.fromkeys(variant for _, variant in lent):
        if own and variant not in own:
            labels[variant] += " (reference)"
    names = [cell_name(*key) for key in lent]
    which = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"reference results ({words}): {len(names)} cell{'s' * (len(names) > 1)}, {which}"


def _read(store: Store, cell: Cell, state: CellState) -> CellData:
    frame = parse_rows(store.rows(cell)) if state.done else _empty(cell.columns)
    return CellData(
        task=cell.task.id,
        variant=cell.variant.id,
        frame=frame[frame.seed.isin(state.done)].reset_index(drop=True),
        seeds_done=state.done,
        seeds_asked=cell.seeds,
        diverged=state.diverged,
        imported=False,
        stored_last=last_step_of(frame),
        mixed=state.mixed,
    )


def parse_rows(data: bytes) -> pd.DataFrame:
    """A cell's CSV text as a frame; every float is read exactly as written, and a text such as "None" is that text."""
    return pd.read_csv(io.BytesIO(data), keep_default_na=False, na_values=["", "nan"])


def _empty(columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in ("seed", "step", *columns)})


def _undeclared(
    store: Store,
    experiment: Experiment,
    selection: Selection,
    known: Mapping[tuple[str, str], Any],
    damaged: list[DamagedError],
) -> list[tuple[CellData, str, str]]:
    """Undeclared cells in the folder: data, label, note. Cells that cannot be read are added to `damaged`."""
    found = []
    tasks = selection.tasks or tuple(task.id for task in experiment.tasks)
    asked = named_seeds(experiment, selection)
    names, declared = {cell_name(task, "") for task in tasks}, {cell_name(*key) for key in known}
    for path in store.cell_files(experiment.draws_from or experiment.id, selection.budget):
        task, dashes, variant = path.stem.partition("--")
        if path.stem in declared or task + dashes not in names:
            continue
        if variant in experiment.leaves or (selection.variants and variant not in selection.variants):
            continue
        try:
            meta = read_meta(path)
            if meta is None or is_copy(path, meta):
                continue
            data = read_cell(path, meta)
        except DamagedError as error:
            damaged.append(error)
            continue
        if asked is not None:
            data = _narrowed(data, asked)
        note = f"{meta['variant']} is {_origin(experiment, meta)}"
        found.append((data, shown(meta.get("label", meta["variant"])), note))
    return found


def _origin(experiment: Experiment, meta: Mapping[str, Any]) -> str:
    """The origin of an undeclared cell, in words."""
    if meta.get("imported"):
        return f"imported from {shown(meta.get('source', 'another program'))}{_way_of_reading(meta.get('read', {}))}"
    if unchanged_id(meta["variant"]) in {variant.id for variant in experiment.variants}:
        return "made with -o"
    return f"a run of {meta.get('learner', 'an unknown learner')}, which {experiment.id} does not declare"


def _way_of_reading(read: Mapping[str, Any]) -> str:
    """What a reader of an imported number should know: the format, and whether the rows are training episodes."""
    words = [read["format"]] if read.get("format", "csv") != "csv" else []
    words += ["training episodes"] * bool(read.get("episodes"))
    words += [f"means over {read['every']} steps"] if read.get("every") else []
    return f" ({', '.join(words)})" if words else ""


def _narrowed(data: CellData, asked: tuple[int, ...]) -> CellData:
    """An undeclared cell with only the requested seeds."""
    used = tuple(seed for seed in data.seeds_done if seed in set(asked))
    frame = data.frame[data.frame.seed.isin(used)].reset_index(drop=True)
    diverged, mixed = (tuple(seed for seed in named if seed in used) for named in (data.diverged, data.mixed))
    return replace(
        data,
        frame=frame,
        seeds_done=used,
        seeds_asked=asked,
        diverged=diverged,
        mixed=mixed,
        stored_seeds=data.seeds_done,
    )


def read_cell(path: Path, meta: Mapping[str, Any]) -> CellData:
    """A cell as its JSON at `path` describes it, without any declaration. Raises DamagedError."""
    finished = {int(s): e for s, e in meta["seeds"].items() if is_finished(e)}
    rows = read_rows(path.with_suffix(".csv"), meta) if finished else b""
    frame = parse_rows(rows) if rows else _empty(tuple(meta["columns"]))
    return CellData(
        task=meta["task"],
        variant=meta["variant"],
        frame=frame,
        seeds_done=tuple(sorted(finished)),
        seeds_asked=tuple(sorted(int(s) for s in meta["seeds"])),
        diverged=tuple(sorted(s for s, e in finished.items() if e["status"] == "diverged")),
        mixed=tuple(sorted(s for s, e in finished.items() if is_mixed(e))),
        imported=True,
        foreign=bool(meta.get("imported")),
        stored_last=last_step_of(frame),
    )
