"""What a format of another program's results says of itself, and the reading that formats share."""

from __future__ import annotations

import csv
import hashlib
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from svgbench import strict_json
from svgbench.analysis.read.import_source import MOST_BYTES, open_source, storable
from svgbench.analysis.read.import_table import Choose, Table, read_table
from svgbench.analysis.read.import_values import LARGEST, ColumnKind, RowError, numbers
from svgbench.words.errors import UsageError

HEAD = 1 << 16  # bytes by which a file's format is known
BAD_ARCHIVE = (OSError, ValueError, KeyError, EOFError, RuntimeError, struct.error, zlib.error, zipfile.BadZipFile)
"""What zipfile and NumPy raise for an archive that is damaged, encrypted, or packed in a way that they do not know."""


@dataclass(frozen=True)
class Stated:
    """What a run's files say of it: its seed, and its environment and algorithm in words."""

    seed: int | None = None
    about: str = ""


@dataclass(frozen=True)
class Format:
    """A format of results.

    expected: the files that it consists of, in words. detect: whether a file is one of them, by its content; or by its
    name if no other program uses that name, so that a damaged one is refused and not taken for another file.
    read: a run's files and the choice of columns, by their own names, to one table; a UsageError names the file, the
    row and the value that is wrong. states: what a file and its neighbours say of the run.
    steps: the column that counts each unit of steps ("environment steps", "iterations", "episodes").
    meanings: columns of ours, and what they are called in this format.
    episodes: rows are training episodes; several may end at one step.
    joins: the files of one folder that have the same seed are one run. refines: a format whose files it arranges.
    onward: a program wrote a run's rows as it went, so that steps which go back are those of another attempt.
    """

    title: str
    expected: str
    detect: Callable[[Path], bool]
    read: Callable[[Sequence[Path], Choose], Table]
    states: Callable[[Path], Stated] = lambda _: Stated()
    steps: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)
    episodes: bool = False
    joins: bool = False
    refines: str = ""
    onward: bool = True


def read_text(file: Path, choose: Choose, separator: str = ",") -> Table:
    """A text file with a header and rows."""
    with open_source(file) as source:
        return read_table(source, choose, separator)


def read_with_blanks(file: Path, choose: Choose) -> Table:
    """A CSV that has one row per moment at which anything was measured: cells that were not measured are blank.

    A row without any of the chosen measurements is none of this import. In the others, every chosen column must be
    full if its kind says so. The word nan is a measurement that failed, not a blank.
    """
    kinds: list[ColumnKind] = []

    def relaxed(header: Sequence[str]) -> list[ColumnKind]:
        kinds.extend(choose(header))
        return [ColumnKind(k.name, "str" if k.kind == "str" else "float", whole=False, nan=False) for k in kinds]

    table = read_text(file, relaxed)
    measured = [k.name for k in kinds if k.least is None and k.kind != "str"]
    return checked(without_blanks(table, measured), kinds)


def without_blanks(table: Table, measured: Sequence[str]) -> Table:
    """The rows that hold at least one of the measured columns."""
    there = ~np.logical_and.reduce([np.isnan(table.columns[name]) for name in measured])
    if not there.any():
        raise UsageError(f"{table.file} has no value in {', '.join(map(repr, measured))}")
    return table if there.all() else table.take(np.flatnonzero(there))


def checked(table: Table, kinds: Sequence[ColumnKind]) -> Table:
    """The table with numbers of the requested kinds. Raises UsageError for the first that does not fit."""
    columns = dict(table.columns)
    for kind in kinds:
        try:
            if kind.kind != "str":
                columns[kind.name] = numbers(columns[kind.name], kind)
        except RowError as error:
            raise table.refuse(error.index, str(error)) from None
    return replace(table, columns=columns)


def read_bytes(file: Path) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """A binary file, and its name and hash. Raises UsageError if it cannot be read or is too large."""
    try:
        if (size := file.stat().st_size) > MOST_BYTES:
            raise UsageError(f"{file} has {size} bytes; expected at most {MOST_BYTES}")
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    return data, ((storable(file.name), hashlib.sha256(data).hexdigest()),)


def head_of(file: Path) -> bytes:
    """The first bytes of a file; none if it cannot be read."""
    try:
        with file.open("rb") as stream:
            return stream.read(HEAD)
    except OSError:
        return b""


def header_of(file: Path, separator: str = ",") -> list[str]:
    """The fields of a file's first line; none if it is not text."""
    line = head_of(file).partition(b"\n")[0]
    try:
        return next(csv.reader([line.decode("utf-8-sig").rstrip("\r")], delimiter=separator), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def json_of(file: Path) -> Mapping[str, object]:
    """The object in a JSON file beside a run's rows; empty if there is no such file, or nothing of the kind in it."""
    try:
        found = strict_json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def whole_seed(value: object) -> int | None:
    """A value of a settings file as a seed; None if it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST else None
