"""What a format that `svgbench export` writes says of itself, and the names of its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from svgbench.analysis.read.frames import Results
from svgbench.words.errors import UsageError


class Growing(Protocol):
    """A folder of exported rows that grows with a run."""

    def add(self, task: str, variant: str, rows: Sequence[Mapping[str, str]]) -> None:
        """Write rows of one cell: text by column."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Export:
    """A format. write: the results to files in a folder, and which they are. follow: the same, row by row."""

    title: str
    write: Callable[[Results, Path], list[Path]]
    follow: Callable[[Path, str, str], Growing] | None = None  # the folder, the experiment, the budget


def stem(results: Results) -> str:
    """ "sac-svg_table2_short"."""
    return f"{results.experiment.id.replace('/', '_')}_{results.budget}"


def check_any(results: Results) -> None:
    """Raise UsageError if there is nothing to write."""
    if not any(len(cell.frame) for cell in results.cells.values()):
        raise UsageError(f"nothing to export: no results of {results.experiment.id} at budget {results.budget}")
