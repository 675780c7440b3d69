"""A published table as printed in its paper, with notes for the reader."""

from __future__ import annotations

from typing import Any

from svgbench import paper_tables
from svgbench.analysis.show.tables import DisplayTable, Entry, Quoted, Rounded
from svgbench.lab.names import meant, with_short_names
from svgbench.paper_tables import PublishedNumber, PublishedTable
from svgbench.words.errors import unknown

SPREADS = {
    "sd": "± is a standard deviation",
    "se": "± is a standard error",
    "ci95": "± is half of a 95 % interval",
    "interval95": "[low, high] is a 95 % interval",
    "none": "no spread",
    "unknown": "what ± means is not said",
}
STATISTICS = {
    "last": "last evaluation",
    "best": "best evaluation",
    "mean_of_last": "mean of the last {window}",
    "unknown": "which evaluation is not said",
}
POLICIES = {
    "deterministic": "deterministic policy",
    "stochastic": "stochastic policy",
    "planning": "planning at test time",
    "unknown": "how actions were chosen is not said",
}
KINDS = {
    "printed": "printed in {source}",
    "rerun": "a later rerun by the authors, not printed in the paper: {source}",
    "library": "somebody else's benchmark: {source}",
}


def published_grid(table: PublishedTable) -> DisplayTable:
    """The table in the paper's digits; the notes say who measured what, and how.

    If the paper has a row of training steps, the grid ends with it.
    """
    rows: list[tuple[str, tuple[Entry, ...]]] = []
    for row, label in zip(table.rows, table.row_labels, strict=True):
        found = [table.get(row, column) for column in table.columns]
        rows.append((label, tuple(quoted(n) if n is not None else None for n in found)))
    if table.steps_row is not None:
        rows.append((table.steps_row, tuple(Rounded(s, 0) if s is not None else None for s in table.column_steps)))
    source = KINDS[table.kind].format(source=table.source)
    return DisplayTable(
        title=table.title,
        corner=table.corner,
        columns=table.columns,
        rows=tuple(rows),
        notes=(f"{table.cite}: {source}.", *_protocols(table), *table.notes),
    )


def quoted(number: PublishedNumber, with_n: bool = False) -> Entry:
    """The number in the paper's digits; words if its printed form is not just these digits."""
    if number.printed is not None:
        return number.printed
    return Quoted(number.value, number.spread, number.interval, number.n if with_n else None)


def published_grids(name: str) -> list[DisplayTable]:
    """The grids of the tables that `name` refers to: an id, a work ("sac-svg"), or the part after the work ("table1").

    UsageError if there is none.
    """
    return [published_grid(table) for table in _named(name)]


def published_rows(name: str) -> list[dict[str, Any]]:
    """The numbers of the tables that `name` refers to, as flat objects. UsageError if there is none."""
    return [
        {
            "table": table.id,
            "row": n.row,
            "column": n.column,
            "value": float(n.value),
            "spread": float(n.spread) if n.spread is not None else None,
            "printed": n.text,
            "low": float(n.interval[0]) if n.interval is not None else None,
            "high": float(n.interval[1]) if n.interval is not None else None,
            "spread_kind": n.spread_kind,
            "n": n.n,
            "statistic": n.statistic,
            "window": n.window,
            "policy_mode": n.policy_mode,
            "selection": n.selection,
            "measured_by": n.measured_by,
            "env_steps": n.env_steps,
            "kind": table.kind,
            "source": str(n.source),
        }
        for table in _named(name)
        for n in table.numbers
    ]


def _named(name: str) -> list[PublishedTable]:
    known = paper_tables.ids()
    found = meant(name, known)
    if not found:
        raise unknown("published table", name, with_short_names(known))
    return [paper_tables.load(i) for i in found]


def _protocols(table: PublishedTable) -> list[str]:
    """A line for every protocol in the table."""
    groups: dict[str, list[PublishedNumber]] = {}
    for number in table.numbers:
        groups.setdefault(_protocol(number), []).append(number)
    return [f"{_which(table, numbers)}: {protocol}." for protocol, numbers in groups.items()]


def _protocol(number: PublishedNumber) -> str:
    who = "who measured is not said" if number.measured_by == "unknown" else f"measured by {number.measured_by}"
    selection = "not said" if number.selection == "unknown" else number.selection
    return "; ".join(
        [
            who,
            "n is not said" if number.n is None else f"n = {number.n}",
            SPREADS[number.spread_kind],
            STATISTICS[number.statistic].format(window=number.window),
            POLICIES[number.policy_mode],
            f"selection: {selection}",
        ]
    )


def _which(table: PublishedTable, numbers: list[PublishedNumber]) -> str:
    """The rows of these numbers, with the columns if it is not a whole row."""
    names = []
    for row in table.rows:
        columns = [n.column for n in numbers if n.row == row]
        whole = len(columns) == sum(n.row == row for n in table.numbers)
        if columns:
            names.append(row if whole else f"{row} ({', '.join(columns)})")
    return ", ".join(names)
