"""The words of an import: what is asked of it, what it finds, and what it stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Import:
    """The files and folders to import, how to read them, and their place in the results."""

    files: Path | tuple[Path, ...]  # "-" is standard input
    variant: str
    budget: str
    task: str | None = None
    label: str = ""
    replace: bool = False
    seeds: tuple[int, ...] | int | None = None  # only these
    budget_named: bool = True  # by the user: then the rows may end at another step than the budget's
    format: str = "auto"
    map: Mapping[str, str] = field(default_factory=dict)  # a column of ours -> the files' own; "": leave it out
    seed_from: str = ""  # a pattern whose group finds the seed in a run's name, or "order"
    every: int | None = None  # average the rows of so many steps
    dry_run: bool = False  # check everything, and write nothing

    @property
    def paths(self) -> tuple[Path, ...]:
        return self.files if isinstance(self.files, tuple) else (self.files,)


@dataclass
class Preview:
    """What an import finds, filled as it goes: also of one that is refused.

    runs: one row per run. columns: each column of the files, and the column of ours that it becomes, or "".
    """

    format: str = ""
    title: str = ""
    episodes: bool = False  # the rows are training episodes
    runs: list[dict[str, Any]] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    unread: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Stored:
    """A cell that was written, with notes for the reader."""

    path: Path
    seeds: tuple[int, ...]
    rows: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Imported:
    """The cells that were written, one per task, and what happened to the rest of the files."""

    cells: tuple[Stored, ...]
    notes: tuple[str, ...]
    preview: Preview = field(default_factory=Preview)
