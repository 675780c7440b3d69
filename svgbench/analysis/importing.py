"""A user's own measurements, put beside ours: checked, hashed and stored like a run."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from svgbench.lab.block import as_csv
from svgbench.lab.cells import cell_name
from svgbench.lab.errors import UsageError, unknown
from svgbench.lab.experiment import Column, Experiment
from svgbench.lab.files import locked
from svgbench.lab.store import FORMAT, Store, read_meta

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


@dataclass(frozen=True)
class Import:
    """What to import, and as what."""

    file: Path
    variant: str
    budget: str
    task: str | None
    label: str
    replace: bool


def import_csv(store: Store, experiment: Experiment, wanted: Import) -> list[tuple[Path, int]]:
    """Store the file's rows, one cell per task; the CSVs written, with their numbers of runs.

    The file has the columns `seed`, `step` and what the experiment's first measure reads, and `task` where it holds
    several; a further measure whose column it lacks is missing in the table. A column of which only the last row of a
    seed is read may be empty in the others. Raises UsageError for anything else; nothing is written then.
    """
    _check_names(experiment, wanted)
    frame = _read(wanted.file)
    columns = _check_columns(experiment, frame, wanted.file)
    if wanted.task is not None:
        frame = frame.assign(task=wanted.task)
    elif "task" not in frame.columns and len(experiment.tasks) == 1:
        frame = frame.assign(task=experiment.tasks[0].id)
    elif "task" not in frame.columns:
        raise UsageError(f"{wanted.file} has no task column; name the task with --task")
    prepared = []
    for task, rows in frame.groupby("task", sort=False):
        if task not in {t.id for t in experiment.tasks}:
            raise unknown(f"task of {experiment.id}", str(task), [t.id for t in experiment.tasks])
        prepared.append(_prepare(store, experiment, wanted, str(task), rows, columns))
    return [_write(store, path, texts, meta) for path, texts, meta in prepared]


def _check_names(experiment: Experiment, wanted: Import) -> None:
    if not NAME.fullmatch(wanted.variant):
        raise UsageError(f"--as {wanted.variant}: expected letters, digits and ._+- only")
    if wanted.variant in {v.id for v in experiment.variants}:
        raise UsageError(f"--as {wanted.variant}: {experiment.id} has a variant of that name; choose another")
    if wanted.budget not in {b.name for b in experiment.budgets}:
        raise unknown("budget", wanted.budget, [b.name for b in experiment.budgets])


def _read(file: Path) -> pd.DataFrame:
    try:
        frame = pd.read_csv(file)
    except FileNotFoundError:
        raise UsageError(f"no file '{file}'; expected a CSV") from None
    except (ValueError, UnicodeDecodeError, IsADirectoryError) as error:
        raise UsageError(f"{file} is not a CSV: {error}") from None
    if not len(frame):
        raise UsageError(f"{file} has no rows")
    return frame


def _check_columns(experiment: Experiment, frame: pd.DataFrame, file: Path) -> list[Column]:
    """The declared columns that the file has, in declared order; an error if a needed one is absent or not a number."""
    first = experiment.measures[0]
    needed = {first.column, *first.where}
    missing = [name for name in ("seed", "step", *sorted(needed - {"seed", "step"})) if name not in frame.columns]
    if missing:
        raise UsageError(f"{file} has no column {', '.join(map(repr, missing))} (it has: {', '.join(frame.columns)})")
    present = [c for c in experiment.columns if c.name in frame.columns]
    kinds = {"seed": "int", "step": "int"} | {c.name: c.kind for c in present}
    last = frame.groupby([c for c in ("task", "seed") if c in frame.columns])["step"].transform("max") == frame["step"]
    throughout = {m.column for m in experiment.measures if m.reduce != "last" or m.where}
    read = throughout | {name for m in experiment.measures for name in m.where}
    read_last = {m.column for m in experiment.measures} - read
    for name, kind in kinds.items():
        whole = kind == "int" or name in read
        values = frame[name] if whole else frame[name][last] if name in read_last else frame[name].dropna()
        _check_kind(file, values, name, kind)
    return present


def _check_kind(file: Path, values: pd.Series, name: str, kind: str) -> None:
    numeric = pd.api.types.is_numeric_dtype(values)
    whole = numeric and bool((values == values.round()).all())
    if (kind == "int" and not whole) or (kind == "float" and not numeric):
        raise UsageError(f"{file}: column '{name}' must hold {'whole numbers' if kind == 'int' else 'numbers'}")
    if numeric and not bool(np.isfinite(values.to_numpy(dtype=float)).all()):
        raise UsageError(
            f"{file}: column '{name}' has an empty or infinite value; leave out a seed that failed, "
            "or a column that is optional"
        )
    if name in ("seed", "step") and bool((values < 0).any()):
        raise UsageError(f"{file}: column '{name}' must not be negative")


def _prepare(
    store: Store, experiment: Experiment, wanted: Import, task: str, rows: pd.DataFrame, columns: list[Column]
) -> tuple[Path, dict[int, str], dict[str, Any]]:
    folder = store.folder(experiment.draws_from or experiment.id, wanted.budget)
    path = folder / f"{cell_name(task, wanted.variant)}.csv"
    before = read_meta(path.with_suffix(".json"))
    if before is not None and not wanted.replace:
        raise UsageError(f"{path} exists; say --replace to import again")
    names = tuple(c.name for c in columns)
    casts: dict[str, Any] = {c.name: {"int": int, "float": float, "str": str}[c.kind] for c in columns}
    texts = {}
    for seed, own in rows.groupby("seed", sort=True):
        records = [
            {"seed": int(r["seed"]), "step": int(r["step"])} | {name: casts[name](r[name]) for name in names}
            for r in own.to_dict("records")
        ]
        try:
            texts[int(str(seed))] = as_csv(records, names)
        except ValueError as error:
            raise UsageError(f"{wanted.file}: {error}") from None
    digest = hashlib.sha256(wanted.file.read_bytes()).hexdigest()
    meta = {
        "format": FORMAT,
        "experiment": experiment.id,
        "budget": wanted.budget,
        "task": task,
        "variant": wanted.variant,
        "label": wanted.label,
        "imported": True,
        "source": wanted.file.name,
        "source_sha256": digest,
        "config_hash": "imported",
        "versions": {},
        "columns": list(names),
    }
    return path, texts, meta


def _write(store: Store, path: Path, texts: dict[int, str], meta: dict[str, Any]) -> tuple[Path, int]:
    header = ",".join(("seed", "step", *meta["columns"])) + "\n"
    seeds = {
        str(seed): {
            "status": "done",
            "rows": text.count("\n"),
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
        }
        for seed, text in texts.items()
    }
    with locked(store.work / meta["experiment"] / meta["budget"] / path.stem / "cell.lock", wait=1.0):
        store.adopt(path.parent, path.stem, (header + "".join(texts.values())).encode(), {**meta, "seeds": seeds})
    return path, len(texts)
