"""Reference results: what others measured, read beside one's own and never written.

`svgbench fetch` puts them into the user's data folder: a folder for each archive, named by its hash.
`SVGBENCH_REFERENCE` names another place: one that `fetch` fills, or any results folder. In a checkout of svgbench they
are its `results/`, unless others were fetched.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from svgbench import strict_json
from svgbench.lab.cells import Cell
from svgbench.lab.pair import is_cell_file
from svgbench.lab.store import CellState, Store
from svgbench.words.errors import DamagedError

FETCHED = "fetched.json"
"""For each work that was fetched: the `sha256` of its archive, and `svgbench`, the version that bundled it."""

VARIABLE = "SVGBENCH_REFERENCE"


@dataclass(frozen=True)
class Reference:
    """A folder with reference results, and where they come from."""

    folder: Path
    words: str


def reference_root() -> Path:
    """Where fetched results lie: SVGBENCH_REFERENCE, or a folder of the user's data."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path(platformdirs.user_data_dir("svgbench", appauthor=False)) / "results"


def fetched(root: Path) -> dict[str, dict[str, Any]]:
    """What was fetched into `root`, by work. Raises DamagedError for a list that cannot be read."""
    path = root / FETCHED
    try:
        found = strict_json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DamagedError(f"{path} is damaged: {error}; remove it and fetch again") from None
    if not isinstance(found, dict) or not all(map(_is_entry, found.values())):
        raise DamagedError(f"{path} is damaged: it is no list of fetched works; remove it and fetch again")
    return found


def _is_entry(entry: Any) -> bool:
    texts = isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in ("sha256", "svgbench"))
    return texts and re.fullmatch(r"[0-9a-f]{64}", entry["sha256"]) is not None  # it names a folder


def is_plain(root: Path) -> bool:
    """Whether `root` is an ordinary results folder, into which `fetch` must not write."""
    return not (root / FETCHED).exists() and any(is_cell_file(path) for path in root.glob("*/*/*/*--*.json"))


def reference_of(work: str) -> Reference | None:
    """The reference results of a work, or None."""
    root = reference_root()
    if one := fetched(root).get(work):
        return Reference(root / one["sha256"], f"fetched, svgbench {one['svgbench']}")
    if os.environ.get(VARIABLE):
        return Reference(root, str(root)) if is_plain(root) else None
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").exists() and (checkout / "results" / work).is_dir():
        return Reference(checkout / "results", "committed with svgbench")
    return None


class ReferredStore(Store):
    """A results folder, and reference results for the cells that it lacks. What is written goes to the folder."""

    def __init__(self, root: Path | str, reference: Reference) -> None:
        super().__init__(root)
        self.reference, self.words = Store(reference.folder), reference.words

    def is_lent(self, experiment: str, budget: str, name: str) -> bool:
        """Whether the cell of that name is the reference's: one's own files come first, also damaged ones."""
        own, other = (store.folder(experiment, budget) / f"{name}.json" for store in (self, self.reference))
        return _only_there(own, other)

    def _lends(self, cell: Cell) -> bool:
        return _only_there(self.json_path(cell), self.reference.json_path(cell))

    def meta(self, cell: Cell) -> dict[str, Any] | None:
        return self.reference.meta(cell) if self._lends(cell) else super().meta(cell)

    def state(self, cell: Cell, thorough: bool = False) -> CellState:
        return self.reference.state(cell, thorough) if self._lends(cell) else super().state(cell, thorough)

    def rows(self, cell: Cell) -> bytes:
        return self.reference.rows(cell) if self._lends(cell) else super().rows(cell)

    def cell_files(self, experiment: str, budget: str) -> list[Path]:
        own = super().cell_files(experiment, budget)
        names = {path.name for path in own}
        lent = [path for path in self.reference.cell_files(experiment, budget) if path.name not in names]
        return sorted([*own, *lent], key=lambda path: path.name)

    def replica_files(self, experiment: str, budget: str) -> list[Path]:
        own = super().replica_files(experiment, budget)
        there = {path.parts[-2:] for path in own}
        lent = [p for p in self.reference.replica_files(experiment, budget) if p.parts[-2:] not in there]
        return [*own, *lent]


def _only_there(own: Path, other: Path) -> bool:
    return not (own.exists() or own.is_symlink()) and other.exists()
