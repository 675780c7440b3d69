"""CSVs of Weights & Biases: the export of a line plot, and a run's history from the API.

Sources: the documentation's pages on line plots ("Point aggregation", export as CSV) and on `Run.history` and
`Run.scan_history`. A plot's export has a first column, the x axis ("Step" or another metric), and for each run and
metric the columns "RUN - METRIC", "RUN - METRIC__MIN" and "RUN - METRIC__MAX"; a blank cell is a step at which that run
has no value. Here METRIC is the column's name, and `--seed-from` finds the seed in RUN. Where MIN and MAX differ, the
value is a mean over a bucket of steps, not a measurement, and the file is refused. A plot may also be a random sample
of 1500 points, which the file does not say: prefer the history. A history has `_step`, `_runtime` and a column per
metric.
"Step" and `_step` count calls of `wandb.log`, not steps of an environment, so the column of steps must be named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svgbench.analysis.read.foreign import Format, checked, header_of, read_text, read_with_blanks
from svgbench.analysis.read.import_table import Choose, Table, join_tables
from svgbench.analysis.read.import_values import ColumnKind
from svgbench.words.errors import UsageError

DASH, LEAST, MOST = " - ", "__MIN", "__MAX"
HISTORY = frozenset({"_step", "_runtime"})


def _is_plot(header: Sequence[str]) -> bool:
    return any(DASH in name and f"{name}{LEAST}" in header and f"{name}{MOST}" in header for name in header)


def _detect(file: Path) -> bool:
    header = header_of(file)
    return _is_plot(header) or set(header) >= HISTORY


def _read(files: Sequence[Path], choose: Choose) -> Table:
    if set(header_of(files[0])) >= HISTORY:
        return read_with_blanks(files[0], choose)
    kinds: list[ColumnKind] = []
    header: list[str] = []

    def all_runs(found: Sequence[str]) -> list[ColumnKind]:
        header.extend(found)
        kinds.extend(choose([*dict.fromkeys(map(_metric, _lines(found))), found[0]]))
        wanted = {kind.name for kind in kinds}
        lines = [name for name in _lines(found) if _metric(name) in wanted]
        asked = [name for line in lines for name in (line, f"{line}{LEAST}", f"{line}{MOST}") if name in found]
        names = dict.fromkeys([found[0], *asked])
        return [ColumnKind(name, "float", whole=name == found[0], nan=False) for name in names]

    table = read_text(files[0], all_runs)
    metrics = [kind.name for kind in kinds if kind.name != header[0]]
    if not metrics:
        raise UsageError(f"{table.file}: no metric is chosen; name one with --map")
    runs = dict.fromkeys(_run(line) for line in _lines(header) if _metric(line) in metrics)
    tables = [_of_run(table, run, metrics, header) for run in runs]
    whole = join_tables(tables, table.file)
    names = np.repeat(np.array(list(runs), dtype=object), [len(part) for part in tables])
    ignored = tuple(name for name in map(_metric, _lines(header)) if name not in metrics)
    found = replace(
        whole, names=names, ignored=tuple(dict.fromkeys(ignored)), sources=table.sources, unended=table.unended
    )
    return checked(found, kinds)


def _lines(header: Sequence[str]) -> list[str]:
    """The columns that hold a run's metric."""
    return [name for name in header if DASH in name and not name.endswith((LEAST, MOST))]


def _run(line: str) -> str:
    return line.rpartition(DASH)[0]


def _metric(line: str) -> str:
    return line.rpartition(DASH)[2]


def _of_run(table: Table, run: str, metrics: Sequence[str], header: Sequence[str]) -> Table:
    """The rows in which a run has a value."""
    step = header[0]
    columns: dict[str, NDArray[Any]] = {step: table.columns[step]}
    for metric in metrics:
        line = f"{run}{DASH}{metric}"
        columns[metric] = table.columns.get(line, np.full(len(table), np.nan))
        for bound in (f"{line}{LEAST}", f"{line}{MOST}"):
            apart = np.flatnonzero(
                ~np.isnan(columns[metric]) & (table.columns.get(bound, columns[metric]) != columns[metric])
            )
            for row in map(int, apart[:1]):
                value, other = columns[metric][row], table.columns[bound][row]
                why = f"'{line}' is {value:g} and '{bound}' {other:g}: a mean over steps; export the run's history"
                raise table.refuse(row, why)
    there = ~np.logical_and.reduce([np.isnan(columns[metric]) for metric in metrics])
    return replace(table, columns=columns).take(np.flatnonzero(there))


FORMAT = Format(
    title="CSVs of Weights & Biases: a line plot's export, a run's history",
    expected="*.csv with the columns RUN - METRIC, or with _step and _runtime",
    detect=_detect,
    read=_read,
)
