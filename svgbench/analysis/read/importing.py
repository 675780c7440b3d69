"""Measurements of other programs, put beside ours: checked, hashed and stored like a run.

Every row that is read is stored, or the file is refused and nothing is written. docs/importing.md says what a file must
be.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from svgbench.analysis.read.caveats import absences, caveats
from svgbench.analysis.read.gathering import SHOWN, gather, selecting
from svgbench.analysis.read.import_source import storable
from svgbench.analysis.read.import_table import CHUNK, Table
from svgbench.analysis.read.import_values import quoted
from svgbench.analysis.read.import_words import Import, Imported, Preview, Stored
from svgbench.analysis.read.measures import CellData, measure_values
from svgbench.analysis.read.naming import RANDOM_VARIANT, name_seeds
from svgbench.lab.cells import MOST_SEEDS, Selection, cell_name, named_seeds
from svgbench.lab.files import locked
from svgbench.lab.overrides import unchanged_id
from svgbench.lab.pair import FORMAT, read_meta
from svgbench.lab.store import Store
from svgbench.words.errors import DamagedError, UsageError, unknown
from svgbench.words.experiment import Experiment

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
NEAR_ENOUGH = 0.1  # share of a budget's steps: the last evaluation may come a little before its end


def import_results(
    store: Store,
    experiment: Experiment,
    wanted: Import,
    installed: Collection[str] = (),
    preview: Preview | None = None,
) -> Imported:
    """Store the rows of the files, one cell per task, sorted by seed and step.

    The files have columns for `step` and what the experiment's first measure reads, a seed in a column, in their names
    or in their settings, and `task` where they hold several; a further measure whose column they lack is missing in the
    table. `installed` are variants of other packages. `preview` is filled as far as the files can be read. Raises
    UsageError for anything else; nothing is written then.
    """
    preview = Preview() if preview is None else preview
    _check_names(store, experiment, wanted, installed)
    table, note = gather(experiment, wanted, preview)
    parts = [_prepare(store, experiment, wanted, table, *part) for part in _by_task(experiment, wanted, table)]
    about = _about(wanted, table, preview)
    write = _described if wanted.dry_run else _write
    cells = tuple(write(store, table, part, about) for part in parts)
    return Imported(cells, (*filter(None, [note]), *_notes(table, preview)), preview)


def _notes(table: Table, preview: Preview) -> Iterator[str]:
    """What became of the rest of the files, and what is strange about them."""
    yield from table.notes
    if preview.episodes:
        yield "the rows come from training episodes, with exploration"
    if table.ignored:
        names = [quoted(name) if name.strip() else "without a name" for name in table.ignored]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        yield f"not stored: column{'s' * (len(names) > 1)} {', '.join(names[:SHOWN])}{more}"
    if preview.unread:
        others = f"{len(preview.unread)} other file{'s' * (len(preview.unread) > 1)}"
        yield f"not read: {others}, such as {preview.unread[0]}"
    if table.unended:
        yield f"the file does not end with a newline; if it was cut, {quoted(table.unended)} at its end may be, too"


def _about(wanted: Import, table: Table, preview: Preview) -> dict[str, Any]:
    """Where the rows come from, for the cell's JSON. The hash of several files is that of their hashes and names."""
    map_ = {ours: storable(theirs) for ours, theirs in wanted.map.items()}
    how = {"format": preview.format, "map": map_, "seed_from": storable(wanted.seed_from), "every": wanted.every}
    how["episodes"] = preview.episodes
    if len(table.sources) == 1:
        return dict(zip(("source", "source_sha256"), table.sources[0], strict=True)) | {"read": how}
    listed = "".join(f"{digest}  {name}\n" for name, digest in table.sources)
    names = [storable(path.name or str(path)) for path in wanted.paths]
    name = f"{len(table.sources)} files of {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"
    digest = hashlib.sha256(listed.encode()).hexdigest()
    each = [{"name": name, "sha256": digest} for name, digest in table.sources]
    return {"source": name, "source_sha256": digest, "sources": each, "read": how}


def _check_names(store: Store, experiment: Experiment, wanted: Import, installed: Collection[str]) -> None:
    if not NAME.fullmatch(wanted.variant):
        raise UsageError(f"--as {wanted.variant}: expected at most 100 letters, digits and ._+- only")
    labels = {v.id: v.label for v in experiment.variants}
    for taken in (*labels, *installed, RANDOM_VARIANT):
        if taken.casefold() == wanted.variant.casefold():
            raise UsageError(f"--as {wanted.variant}: {experiment.id} has a variant of that name; choose another")
    if wanted.budget not in {b.name for b in experiment.budgets}:
        raise unknown("budget", wanted.budget, [b.name for b in experiment.budgets])
    if wanted.task is not None and wanted.task not in {t.id for t in experiment.tasks}:
        raise unknown(f"task of {experiment.id}", wanted.task, [t.id for t in experiment.tasks])
    label = wanted.label or wanted.variant
    if not label.isprintable():
        raise UsageError(f"--label {quoted(label)}: expected text on one line, without control characters")
    for path in store.cell_files(experiment.draws_from or experiment.id, wanted.budget):
        meta = _meta_or_none(path)
        if meta and meta.get("variant") not in (wanted.variant, None):
            labels.setdefault(meta["variant"], meta.get("label", meta["variant"]))
    for variant, other in labels.items():
        if other == label:
            raise UsageError(f"--label {label}: that is how {variant} is called; choose another with --label")


def _meta_or_none(path: Path) -> dict[str, Any] | None:
    try:
        return read_meta(path, old_too=True)
    except DamagedError:
        return None


# ---- rows


def _by_task(experiment: Experiment, wanted: Import, table: Table) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Each task of the file with its rows, in the file's order."""
    everything = np.arange(len(table))
    if "variant" in table.columns:
        others = np.flatnonzero(table.columns["variant"] != table.columns["variant"][0])
        if len(others):
            one, other = (table.columns["variant"][i] for i in (0, others[0]))
            raise table.refuse(int(others[0]), f"variant {quoted(other)} after {quoted(one)}; import one at a time")
    known = [t.id for t in experiment.tasks]
    if "task" not in table.columns:
        if wanted.task is None and len(known) > 1:
            raise UsageError(f"{table.file} has no task column; name the task with --task")
        yield wanted.task or known[0], everything
        return
    codes, names = pd.factorize(table.columns["task"])
    for code, name in enumerate(map(str, names)):
        rows = np.flatnonzero(codes == code)
        if name not in known:
            raise table.refuse(int(rows[0]), str(unknown(f"task of {experiment.id}", name, known)))
        if wanted.task not in (None, name):
            raise table.refuse(int(rows[0]), f"task '{name}'; expected --task {wanted.task} in every row")
        yield name, rows


@dataclass(frozen=True)
class _Part:
    """The rows of one task, ready to be written."""

    path: Path
    meta: dict[str, Any]
    rows: NDArray[np.int64]  # of the table, in the order in which they are stored
    seeds: tuple[int, ...]
    notes: tuple[str, ...]


def _prepare(
    store: Store, experiment: Experiment, wanted: Import, table: Table, task: str, rows: NDArray[np.int64]
) -> _Part:
    work = experiment.draws_from or experiment.id
    path = store.folder(work, wanted.budget) / f"{cell_name(task, wanted.variant)}.csv"
    _check_absent(path, wanted)
    changed = unchanged_id(wanted.variant).casefold()
    if changed in {variant.id.casefold() for variant in experiment.variants}:
        raise UsageError(f"--as {wanted.variant}: {changed}+... is the name of runs made with -o; choose another")
    notes = []
    if (asked := named_seeds(experiment, Selection(wanted.budget, wanted.seeds))) is not None:
        rows, said = _with_seeds(table, rows, asked)
        notes.append(said)
    names = tuple(c.name for c in experiment.columns if c.name in table.columns)
    _check_keys(table, rows, ["seed", "step", *(n for n in names if n in selecting(experiment))])
    order = np.lexsort((table.columns["step"][rows], table.columns["seed"][rows]))
    if (np.diff(order) < 0).any():
        notes.append("rows were sorted by seed and step")
    rows = rows[order]
    read = {name for measure in experiment.measures for name in (measure.column, *measure.where)} - {"seed", "step"}
    checked = ("seed", "step", *(name for name in names if name in read))
    frame = pd.DataFrame({name: table.columns[name][rows] for name in checked}, copy=False)
    _check_last(experiment, table, frame, rows)
    seeds = tuple(frame["seed"].unique().tolist())
    if len(seeds) > MOST_SEEDS:
        raise UsageError(
            f"{table.file} has {len(seeds)} seeds; expected at most {MOST_SEEDS}: is 'seed' another column?"
        )
    cell = CellData(task, wanted.variant, frame, seeds, seeds, imported=True, foreign=True)
    _check_budget(experiment, wanted, table, cell)
    _check_measured(experiment, table, cell)
    notes += [*caveats(experiment, wanted.budget, cell), *absences(cell, experiment.measures[0])]
    meta = {
        "format": FORMAT,
        "experiment": work,
        "budget": wanted.budget,
        "task": task,
        "variant": wanted.variant,
        "label": wanted.label or wanted.variant,
        "imported": True,
        "config_hash": "imported",
        "versions": {},
        "columns": list(names),
    }
    return _Part(path, meta, rows, seeds, tuple(notes))


def _check_absent(path: Path, wanted: Import) -> None:
    """Refuse to overwrite a cell, unless it is an import (or damaged) and may be replaced."""
    if not path.with_suffix(".json").exists():
        return
    before = _meta_or_none(path.with_suffix(".json"))
    if before is not None and not before.get("imported"):
        raise UsageError(f"--as {wanted.variant}: {path} holds runs that svgbench made; choose another name")
    if not wanted.replace:
        raise UsageError(f"{path} exists; say --replace to import again")


def _with_seeds(table: Table, rows: NDArray[np.int64], asked: tuple[int, ...]) -> tuple[NDArray[np.int64], str]:
    """The rows of the requested seeds, and what happened to the others, in words."""
    seeds = table.columns["seed"][rows]
    there = set(np.unique(seeds).tolist())
    used, left, lacking = (sorted(some) for some in (there & set(asked), there - set(asked), set(asked) - there))
    if not used:
        raise UsageError(f"{table.file} has none of the seeds that --seeds names; it has {name_seeds(there)}")
    said = f"--seeds uses {name_seeds(used)}" + (f", leaves out {name_seeds(left)}" if left else "")
    return rows[np.isin(seeds, used)], said + (f", finds no {name_seeds(lacking)}" if lacking else "")


def _check_keys(table: Table, rows: NDArray[np.int64], keys: Sequence[str]) -> None:
    """Refuse a second row with the same seed, step and selecting columns: it is unclear which counts."""
    codes = [
        values if values.dtype.kind == "i" else pd.factorize(values)[0]
        for values in (table.columns[n][rows] for n in keys)
    ]
    order = np.lexsort(codes)  # stable: of equal rows the file's first comes first
    equal = np.logical_and.reduce([np.diff(code[order]) == 0 for code in codes])
    if not equal.any():
        return
    place = np.flatnonzero(equal)[np.argmin(order[1:][equal])]
    first, second = int(rows[order[place]]), int(rows[order[place + 1]])
    what = ", ".join(f"{name} {table.columns[name][second]}" for name in keys)
    same = all(_equal(values[first], values[second]) for values in table.columns.values())
    how = "the same values" if same else "different values"
    where = "" if table.file_of(first) == table.file_of(second) else f" of {table.file_of(first)}"
    twice = f"{what} stands twice with {how}, first in {table.row(first)}{where}"
    raise table.refuse(second, f"{twice}; keep one of the rows")


def _equal(a: Any, b: Any) -> bool:
    return bool(a == b or (a != a and b != b))


def _check_last(experiment: Experiment, table: Table, frame: pd.DataFrame, rows: NDArray[np.int64]) -> None:
    """Refuse a blank in a seed's last row where a measure reads that row."""
    last = frame["step"] == frame.groupby("seed")["step"].transform("max")
    for name in dict.fromkeys(m.column for m in experiment.measures if m.column in frame.columns):
        blank = np.flatnonzero(last & frame[name].isna())
        if len(blank):
            seed = frame["seed"].iloc[blank[0]]
            why = f"column '{name}' is blank in the last row of seed {seed}; expected a number, or leave the column out"
            raise table.refuse(int(rows[blank[0]]), why)


def _check_budget(experiment: Experiment, wanted: Import, table: Table, cell: CellData) -> None:
    """Refuse rows that end at another step than the budget, unless the user named it."""
    declared, last = experiment.last_step(wanted.budget, cell.task), cell.last_step
    if wanted.budget_named or last is None or declared is None or _is_near(last, declared):
        return
    ends = {b.name: end for b in experiment.budgets if (end := experiment.last_step(b.name, cell.task)) is not None}
    fits = next((name for name, end in ends.items() if _is_near(last, end)), None)
    how = f"say --budget {fits}" if fits else f"name the one that they belong to with --budget ({', '.join(ends)})"
    where = f"runs at budget {wanted.budget} end at {declared} {experiment.step_unit}"
    raise UsageError(f"{table.file}: the rows of {cell.task} end at step {last}, and {where}; {how}")


def _is_near(last: int, declared: int) -> bool:
    return abs(last - declared) <= max(1.0, NEAR_ENOUGH * declared)


def _check_measured(experiment: Experiment, table: Table, cell: CellData) -> None:
    """Refuse rows without a value of the experiment's first measure."""
    first = experiment.measures[0]
    if not len(measure_values(cell.frame, first)):
        asked = ", ".join(f"{name} {value}" for name, value in first.where.items())
        raise UsageError(f"{table.file}: no row of {cell.task} has {asked}, which '{first.label}' reads")


# ---- writing


def _described(_store: Store, _table: Table, part: _Part, _about: dict[str, Any]) -> Stored:
    return Stored(part.path, part.seeds, len(part.rows), part.notes)


def _write(store: Store, table: Table, part: _Part, about: dict[str, Any]) -> Stored:
    meta = {**part.meta, **about}
    columns = [table.columns[name] for name in ("seed", "step", *meta["columns"])]
    with locked(store.work / meta["experiment"] / meta["budget"] / part.path.stem / "cell.lock", wait=1.0):
        store.adopt(part.path.parent, part.path.stem, _lines(columns, part.rows), meta)
    return Stored(part.path, part.seeds, len(part.rows), part.notes)


def _lines(columns: Sequence[NDArray[Any]], rows: NDArray[np.int64]) -> Iterator[tuple[int, str]]:
    """The CSV's lines in pieces of one seed (the first column); floats by `repr`, which is read back exactly."""
    for start in range(0, len(rows), CHUNK):
        pieces = [values[rows[start : start + CHUNK]] for values in columns]
        texts = [map(repr if piece.dtype.kind == "f" else str, piece.tolist()) for piece in pieces]
        lines = [f"{line}\n" for line in map(",".join, zip(*texts, strict=True))]
        seeds = pieces[0]
        for first, end in pairwise([0, *(np.flatnonzero(np.diff(seeds)) + 1).tolist(), len(seeds)]):
            yield int(seeds[first]), "".join(lines[first:end])
