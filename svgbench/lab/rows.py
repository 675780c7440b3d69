"""The rows of a block that runs: a CSV beside its checkpoint, for those who watch it. Nothing resumes from it.

`rows.csv` has the header and the columns of the cell's CSV, and the rows of all seeds of the block, in the learner's
order. It grows by whole rows. A block that resumes writes the file anew from its checkpoint, so it can
become shorter; on the CPU the same rows then come again. A kill can leave a part of a line at the end, which a
reader skips.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svgbench import strict_json
from svgbench.lab.cells import Cell, blocks
from svgbench.lab.files import is_locked, remove_temporaries, write_atomic
from svgbench.lab.store import CHECKPOINT, Store
from svgbench.words.learner import Row

NAME = "rows.csv"
WRITE_SECONDS = 1.0
"""The least time between two additions, except at a checkpoint. A shorter block writes no file."""


def as_csv(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """The rows as CSV lines: floats by `repr`, no quotes. Raises ValueError for a missing column or a value that would
    need quoting."""
    lines = []
    for row in rows:
        try:
            values = [row["seed"], row["step"], *(row[name] for name in columns)]
        except KeyError as error:
            raise ValueError(f"a row has no column {error}; it has {', '.join(row)}") from None
        lines.append(",".join(_text(value) for value in values) + "\n")
    return "".join(lines)


def _text(value: Any) -> str:
    if not isinstance(value, str | int | float):
        raise ValueError(f"a value of type {type(value).__name__}; expected a number or a string")
    text = repr(float(value)) if isinstance(value, float) else str(value)
    if any(c in text for c in ',"\n\r'):
        raise ValueError(f"a value that a plain CSV cannot hold: {text!r}")
    return text


def header(columns: Sequence[str]) -> str:
    """The first line of a cell's CSV."""
    return ",".join(("seed", "step", *columns)) + "\n"


class RowsFile:
    """Writes the rows of a running block. Only what is new is written, in one call."""

    def __init__(self, folder: Path, columns: Sequence[str]) -> None:
        self.path, self.columns = folder / NAME, columns
        self.count = 0  # rows in the file, if this process has written it
        self.wrote = time.monotonic()

    def restart(self, rows: Sequence[Row]) -> None:
        """Replace what an earlier process left by the rows of its checkpoint."""
        remove_temporaries(self.path)
        if rows or self.path.exists():
            self._replace(rows)

    def update(self, rows: Sequence[Row], at_once: bool) -> None:
        """Add those of the block's rows that the file lacks, if there are any; unless `at_once`, not too often."""
        now = time.monotonic()
        if len(rows) == self.count or not (at_once or now - self.wrote >= WRITE_SECONDS):
            return
        if not self.count or not self.path.exists():
            return self._replace(rows)
        new = as_csv(rows[self.count :], self.columns).encode()
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            while new:  # a full disk takes a part and then raises
                new = new[os.write(handle, new) :]
        finally:
            os.close(handle)
        self.count, self.wrote = len(rows), now

    def _replace(self, rows: Sequence[Row]) -> None:
        text = header(self.columns) + as_csv(rows, self.columns)
        write_atomic(self.path, text.encode(), durable=False)
        self.count, self.wrote = len(rows), time.monotonic()


class Tail:
    """Reads a file of rows as it grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset, self.file = 0, (0, 0)

    def read(self) -> tuple[bool, list[bytes]]:
        """Whether the file began anew since the last call, and its whole lines since then. The header is the first.

        Without a file: no lines. What came before a new beginning comes again.
        """
        try:
            with self.path.open("rb") as file:
                found = os.fstat(file.fileno())
                same = self.file == (found.st_dev, found.st_ino) and found.st_size >= self.offset
                if not same:
                    self.file, self.offset = (found.st_dev, found.st_ino), 0
                file.seek(self.offset)
                data = file.read()
        except OSError:
            return False, []
        whole = data[: data.rfind(b"\n") + 1]
        self.offset += len(whole)
        return not same, whole.splitlines(keepends=True)


@dataclass(frozen=True)
class Unfinished:
    """A block that has begun and not delivered. `running`: a process holds it."""

    folder: Path
    seeds: tuple[int, ...]  # those that the store lacks
    running: bool

    @property
    def path(self) -> Path:
        """Its rows so far."""
        return self.folder / NAME

    def progress(self) -> dict[str, Any]:
        """Its last report: done, total, seconds, diverged, last, rows. Empty if there is none."""
        try:
            report = strict_json.loads((self.folder / "progress.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return report if isinstance(report, dict) else {}

    def rows(self, columns: Sequence[str]) -> list[dict[str, str]]:
        """Its rows so far, those of `seeds`: text by column. Empty if the file has other columns."""
        return parsed(Tail(self.path).read()[1], columns, self.seeds)


def parsed(lines: Sequence[bytes], columns: Sequence[str], seeds: Collection[int]) -> list[dict[str, str]]:
    """The rows of these seeds among the lines of a file of rows, which begin with its header: text by column.

    Empty if the header is another one. A line that is not a row, in a file that others changed, is skipped.
    """
    first = header(columns)
    if not lines or lines[0] != first.encode():
        return []
    names, wanted = first.strip().split(","), {str(seed) for seed in seeds}
    values = (line.decode("utf-8", "replace").rstrip("\n").split(",") for line in lines[1:])
    return [dict(zip(names, row, strict=True)) for row in values if len(row) == len(names) and row[0] in wanted]


def unfinished(store: Store, cell: Cell) -> list[Unfinished]:
    """The cell's blocks that have begun and have requested seeds that the store lacks, in order.

    Only work of the cell's own identity counts. Reads no checkpoint and no rows.
    """
    if not store.cell_work(cell).is_dir():
        return []
    lacking = sorted(set(cell.seeds) - set(store.state(cell).usable))
    found = []
    for block in blocks(cell, lacking):
        folder = store.block_work(block)
        running = is_locked(store.block_lock(block))
        if running or any((folder / name).exists() for name in (NAME, CHECKPOINT)):
            found.append(Unfinished(folder, block.wanted, running))
    return found
