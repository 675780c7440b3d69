"""A foreign CSV as columns: every row is read whole, or the file is refused with the row's number and the reason."""

from __future__ import annotations

import csv
import difflib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svgbench.analysis.read.import_source import TextFile, line_ends
from svgbench.analysis.read.import_values import ColumnKind, RowError, is_number, parse, quoted
from svgbench.words.errors import UsageError

CHUNK = 10_000  # rows that are held as strings at one time
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}
_HOW_TO_READ = {";": "sep=';', decimal=','", "\t": r"sep='\t'", "|": "sep='|'", " ": r"sep=r'\s+'"}

Choose = Callable[[Sequence[str]], Sequence[ColumnKind]]


@dataclass(frozen=True)
class Table:
    """The requested columns, one value per row, of one file or of several. Rows count from 0, and from 1 in messages.

    file: the file, or what stands for several, in messages.
    lines: where a row begins in its own file; `place` says in words what `row` and `line` count there.
    ignored: columns that were not requested. unended: the last value of a file that does not end with a newline.
    sources: the name and the hash of each file. names: the name of each row's run, if one file holds several runs.
    rows, part, files: of joined tables, each row's number in its own file, and which of `files` that is.
    notes: what the reader did that a user should know, in sentences.
    """

    file: str
    columns: Mapping[str, NDArray[Any]]
    lines: NDArray[np.int64]
    ignored: tuple[str, ...]
    unended: str = ""
    sources: tuple[tuple[str, str], ...] = ()
    place: str = "row {row} (line {line})"
    names: NDArray[Any] | None = None
    rows: NDArray[np.int64] | None = None
    part: NDArray[np.int32] | None = None
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def file_of(self, index: int) -> str:
        """The file of a row."""
        return self.file if self.part is None else self.files[self.part[index]]

    def row(self, index: int) -> str:
        """ "row 4 (line 5)"."""
        number = index if self.rows is None else int(self.rows[index])
        return self.place.format(row=number + 1, line=self.lines[index])

    def refuse(self, index: int, why: str) -> UsageError:
        """The error that names a row and what is wrong with it."""
        return UsageError(f"{self.file_of(index)}: {self.row(index)}: {why}")

    def take(self, rows: NDArray[Any]) -> Table:
        """The table of these rows, in this order."""
        numbers = np.arange(len(self)) if self.rows is None else self.rows
        return replace(
            self,
            columns={name: values[rows] for name, values in self.columns.items()},
            lines=self.lines[rows],
            names=None if self.names is None else self.names[rows],
            rows=numbers[rows],
            part=None if self.part is None else self.part[rows],
        )


def join_tables(tables: Sequence[Table], file: str) -> Table:
    """One table of several that have the same columns; `file` stands for all of them in messages."""
    if len(tables) == 1:
        return tables[0]
    counts = [len(table) for table in tables]
    return Table(
        file,
        {name: np.concatenate([t.columns[name] for t in tables]) for name in tables[0].columns},
        np.concatenate([t.lines for t in tables]),
        tuple(dict.fromkeys(name for t in tables for name in t.ignored)),
        next((t.unended for t in tables if t.unended), ""),
        tuple(source for t in tables for source in t.sources),
        tables[0].place,
        rows=np.concatenate([np.arange(len(t)) if t.rows is None else t.rows for t in tables]),
        part=np.repeat(np.arange(len(tables), dtype=np.int32), counts),
        files=tuple(t.file for t in tables),
        notes=tuple(note for t in tables for note in t.notes),
    )


def read_table(source: TextFile, choose: Choose, separator: str = ",", first: int = 1) -> Table:
    """Read the file to its end. `choose` gets the header's names and returns the columns to read, with their kinds.

    `first` is the line of the header; the caller has read what stands above it from `source`.

    Raises UsageError for the first row that has another number of fields than the header, repeats the header, or holds
    a value that does not fit its column's kind. Blank lines are skipped.
    """
    rows = _Rows(source, separator, first)
    header = rows.header()
    if not header:
        raise UsageError(f"{source.name} is blank; expected a CSV with a header and rows")
    kinds = choose(header)
    parts: list[list[NDArray[Any]]] = [[] for _ in kinds]
    lines = array("q")
    last = ""
    for chunk_lines, chunk in rows.chunks():
        try:
            for part, values in zip(parts, _parsed(chunk, header, kinds), strict=True):
                part.append(values)
        except RowError as error:
            at_end = error.index + 1 == len(chunk) and not source.ends_with_newline
            row = f"row {len(lines) + error.index + 1} (line {chunk_lines[error.index]})"
            cut = "; the file ends there without a newline: was it cut?" if at_end else ""
            raise UsageError(f"{source.name}: {row}: {error}{cut}") from None
        lines.extend(chunk_lines)
        last = chunk[-1][-1]
    if not lines:
        raise UsageError(f"{source.name} has a header and no rows; expected at least one")
    return Table(
        file=source.name,
        columns={kind.name: _joined(part) for kind, part in zip(kinds, parts, strict=True)},
        lines=np.frombuffer(lines, dtype=np.int64),
        ignored=tuple(name for name in header if name not in {kind.name for kind in kinds}),
        unended="" if source.ends_with_newline else last,
        sources=((source.kept_name, source.sha256),),
    )


def _joined(part: list[NDArray[Any]]) -> NDArray[Any]:
    """One array from a column's pieces. The pieces are released, because memory may not hold both."""
    whole = np.concatenate(part)
    part.clear()
    return whole


def check_header(file: str, header: Sequence[str], needed: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a header that lacks one of the `needed` names, or has one of the `known` names twice. The message says
    what helps.
    """
    twice = [name for name in known if header.count(name) > 1]
    if twice:
        raise UsageError(f"{file}: the header has column '{twice[0]}' {header.count(twice[0])} times; expected it once")
    missing = [name for name in needed if name not in header]
    if not missing:
        return
    expected = ",".join(needed)
    first = header[0]
    separator = _separator(header)
    if first.startswith("#{"):
        raise UsageError(f"{file}: line 1 is a monitor file's; say --format sb3-monitor")
    if first.startswith(("#", "sep=")):
        raise UsageError(f"{file}: line 1 is not a header, {quoted(first)}; remove it, expected one with {expected}")
    if separator and (separator != " " or set(needed) & set(first.casefold().split())):  # a blank alone is text
        how = f"in pandas: read_csv(OLD, {_HOW_TO_READ[separator]}).to_csv(NEW, index=False)"
        raise UsageError(
            f"{file} is separated by {_SEPARATORS[separator]}; save it with commas between columns ({how})"
        )
    if all(is_number(name) for name in header):
        raise UsageError(f"{file}: line 1 is data, {quoted(','.join(header))}; put a header above it, with {expected}")
    near = {name: found for name in missing if (found := _near(name, [h for h in header if h not in known]))}
    rename = "; rename " + " and ".join(f"{quoted(h)} to '{n}'" for n, h in near.items()) if near else ""
    rename += f", or say --map {next(iter(near))}={quoted(next(iter(near.values())))}" if near else ""
    rename += "; or see --seed-from" if missing == ["seed"] and not near else ""
    shown = ", ".join(quoted(name) for name in header[:12]) + (", ..." if len(header) > 12 else "")
    raise UsageError(f"{file} has no column {', '.join(map(repr, missing))}{rename} (it has: {shown})")


def _separator(fields: Sequence[str]) -> str:
    """The separator of a line without commas; "" if there is none."""
    return next((s for s in _SEPARATORS if len(fields) == 1 and s in fields[0].strip()), "")


def _near(name: str, header: Sequence[str]) -> str:
    """The header's name that is probably meant; "" if there is none."""
    plain = {"".join(c for c in found.casefold() if c.isalnum()): found for found in reversed(header)}
    wanted = "".join(c for c in name.casefold() if c.isalnum())
    near = difflib.get_close_matches(wanted, plain, n=1, cutoff=0.7)
    return plain[near[0]] if near else ""


class _Rows:
    """The rows of a file in chunks, with the line on which each begins. Blank lines are no rows."""

    def __init__(self, source: TextFile, separator: str, first: int) -> None:
        self._name, self._first = source.name, first
        self._reader = csv.reader(source.lines(), strict=True, delimiter=separator)
        self._count = 0  # number of rows so far, including the header

    def header(self) -> list[str]:
        for _, rows in iter(lambda: self._next(1), None):
            if rows:
                return rows[0]
        return []

    def chunks(self) -> Iterator[tuple[list[int], list[list[str]]]]:
        for lines, rows in iter(lambda: self._next(CHUNK), None):
            if rows:
                yield lines, rows

    def _next(self, most: int) -> tuple[list[int], list[list[str]]] | None:
        """The next rows, blank lines left out; None at the end."""
        before = self._reader.line_num
        rows: list[list[str]] = []
        error = None
        try:
            for row in self._reader:
                rows.append(row)
                if len(rows) == most:
                    break
        except csv.Error as found:
            error = "a quote opens there and never closes" if "unexpected end" in str(found) else str(found)
        begin = before + self._first
        lines = list(range(begin, begin + len(rows)))
        if error or self._reader.line_num - before != len(rows):  # a field holds a line break
            lengths = [1 + sum(map(line_ends, row)) for row in rows]
            lines = [begin + sum_ for sum_ in accumulate(lengths, initial=0)]
        if error:
            number = self._count + sum(map(bool, rows))
            where = f"row {number} (line {lines[-1]})" if number else f"line {lines[-1]}"
            raise UsageError(f"{self._name}: {where}: {error}")
        if not rows:
            return None
        if [] in rows:
            lines, rows = [n for n, row in zip(lines, rows, strict=False) if row], [row for row in rows if row]
        self._count += len(rows)
        return lines[: len(rows)], rows


def _parsed(chunk: list[list[str]], header: list[str], kinds: Sequence[ColumnKind]) -> list[NDArray[Any]]:
    """The columns of some rows. Raises RowError for the first row that cannot be read."""
    errors = []
    if set(map(len, chunk)) != {len(header)}:
        index = next(i for i, row in enumerate(chunk) if len(row) != len(header))
        errors.append(RowError(index, _width_problem(chunk[index], len(header))))
        chunk = chunk[:index]
    columns = list(zip(*chunk, strict=True)) or [()] * len(header)
    found = []
    for kind in kinds:
        try:
            found.append(parse(columns[header.index(kind.name)], kind))
        except RowError as error:
            errors.append(error)
    if not errors:
        return found
    first = min(errors, key=lambda error: error.index)
    if first.index < len(chunk) and _is_header(chunk[first.index], header):
        raise RowError(first.index, "it repeats the header; import one file at a time, or remove the line")
    raise first


def _is_header(row: list[str], header: list[str]) -> bool:
    return [name.strip("\ufeff \t") for name in row] == [name.strip() for name in header]


def _width_problem(row: list[str], width: int) -> str:
    fields = f"it has {len(row)} field{'s' * (len(row) != 1)}, the header has {width}"
    if row[0].lstrip().startswith("#"):
        return f"it is a comment, {quoted(row[0])}; remove it"
    if separator := _separator(row):
        return f"{fields}; it is separated by {_SEPARATORS[separator]}, expected commas"
    if len(row) > width and not any(row[width:]):
        return f"{fields}; remove the comma at its end"
    return f"{fields}; is a comma inside a number, or are two lines in one?" if len(row) > width else fields
