"""The cells of a results folder as their JSONs describe them, independent of today's declarations. Quick to import."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svgbench.lab.cells import REPLICAS
from svgbench.lab.pair import OLD_FORMAT, cell_files, is_cell_file, is_copy, is_finished, read_meta, read_rows
from svgbench.lab.upgrade import Factories, UnknownOriginError, renewed
from svgbench.words.experiment import BUDGETS

Key = tuple[str, str, str, str]
"""Experiment, budget, task, variant."""


@dataclass(frozen=True)
class StoredCell:
    """A cell described by its JSON. `seeds` are its finished seeds, or the requested ones among them."""

    path: Path
    experiment: str
    budget: str
    meta: Mapping[str, Any]
    seeds: tuple[int, ...]

    @property
    def task(self) -> str:
        return str(self.meta["task"])

    @property
    def variant(self) -> str:
        return str(self.meta["variant"])

    @property
    def key(self) -> Key:
        return self.experiment, self.budget, self.task, self.variant

    def entry(self, seed: int) -> Mapping[str, Any]:
        """The JSON's entry for a finished seed."""
        return dict(self.meta["seeds"][str(seed)])

    def rows(self) -> bytes:
        """The text of the CSV, header and finished seeds, each checked against its hash. Raises DamagedError."""
        return read_rows(self.path.with_suffix(".csv"), self.meta)


def stored_cells(
    root: Path, budgets: Collection[str] = BUDGETS, declared: Factories | None = None, replica: str = ""
) -> dict[Key, StoredCell]:
    """Every cell under `root` at these budgets. Raises DamagedError for a cell that cannot be read or was renamed.

    With `replica`, a platform's key, the second measurements on that platform instead of the first ones. A cell of the
    old format is read as `upgrade` would write it, with the factories of `declared` tasks.
    """
    found = {}
    for path in cell_files(root):
        work, artifact, budget, *between, _ = path.relative_to(root).parts
        if budget not in budgets or artifact.startswith(".") or between != ([REPLICAS, replica] if replica else []):
            continue
        meta = read_meta(path, old_too=declared is not None)
        if meta is None or is_copy(path, meta):
            continue
        if meta["format"] == OLD_FORMAT:
            meta = _renewed(meta, declared or {})
        seeds = tuple(sorted(int(seed) for seed, entry in meta["seeds"].items() if is_finished(entry)))
        cell = StoredCell(path, f"{work}/{artifact}", budget, meta, seeds)
        found[cell.key] = cell
    return found


def replicas_in(
    root: Path, experiments: Collection[str] | None = None, budgets: Collection[str] = BUDGETS
) -> list[str]:
    """The keys of the platforms on which cells of these experiments (all by default) at these budgets were measured a
    second time."""
    found = set()
    for path in cell_files(root):
        parts = path.relative_to(root).parts
        if len(parts) == 6 and parts[2] in budgets and (experiments is None or "/".join(parts[:2]) in experiments):
            found.add(parts[4])
    return sorted(found)


def folder_around(folder: Path) -> Path | None:
    """The results folder in which `folder` is a work, an experiment or a budget; None where it is none of them."""
    inside = Path(os.path.abspath(folder))
    for up, root in enumerate(list(inside.parents)[:3]):
        found = filter(is_cell_file, inside.glob("*/" * (2 - up) + "*--*.json"))
        if any(path.relative_to(root).parts[2] in BUDGETS for path in found):
            return root if folder.is_absolute() else Path(os.path.relpath(root))
    return None


def _renewed(meta: dict[str, Any], declared: Factories) -> dict[str, Any]:
    """The JSON in the new format, or unchanged if its identity does not follow from its contents."""
    try:
        return renewed(meta, declared)
    except UnknownOriginError:
        return meta
