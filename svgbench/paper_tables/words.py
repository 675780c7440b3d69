"""The types of published numbers. Frozen data; only the standard library is imported."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Kind = Literal["printed", "rerun", "library"]
"""Printed in the paper; measured again by its authors; another group's benchmark."""

SpreadKind = Literal["sd", "se", "ci95", "interval95", "none", "unknown"]
"""`ci95` is half the width of a symmetric 95 % interval; `interval95` is both ends of an interval of any shape."""

Statistic = Literal["last", "best", "mean_of_last", "unknown"]
PolicyMode = Literal["deterministic", "stochastic", "planning", "unknown"]


class PublishedDataError(ValueError):
    """A file of published numbers does not follow the schema. The message names file and key."""


class UnknownPublishedError(LookupError):
    """No table, row, column or cell of that name."""


@dataclass(frozen=True)
class Source:
    """Where a number is printed."""

    table: str  # the work and its table
    row: str  # as printed there
    column: str

    def __str__(self) -> str:
        return f"{self.table}, row {self.row}, column {self.column}"


@dataclass(frozen=True)
class PublishedNumber:
    """One cell of a published table, and what must be known to compare with it.

    `value`, `spread` and `interval` keep the digits of the paper. None means that it is not given: `spread` if
    `spread_kind` is "none" or "interval95" (then `interval` has low and high), `n` and `env_steps` if they are unknown.
    """

    row: str
    column: str
    value: Decimal
    spread: Decimal | None
    spread_kind: SpreadKind
    n: int | None  # seeds, or runs
    statistic: Statistic
    window: str | None  # what "mean_of_last" averages over
    policy_mode: PolicyMode
    selection: str  # how the reported runs were chosen
    measured_by: str
    env_steps: int | None  # environment steps of training
    source: Source
    interval: tuple[Decimal, Decimal] | None = None
    printed: str | None = None  # the cell as printed, if the digits alone do not reproduce it

    @property
    def text(self) -> str:
        """The cell as the paper prints it."""
        if self.printed is not None:
            return self.printed
        if self.interval is not None:
            return f"{digits(self.value)} [{digits(self.interval[0])}, {digits(self.interval[1])}]"
        return digits(self.value) if self.spread is None else f"{digits(self.value)} ± {digits(self.spread)}"


@dataclass(frozen=True)
class PublishedTable:
    """A table: names of rows and columns in the paper's order, and the cells that the paper fills."""

    id: str  # work/artifact
    title: str
    kind: Kind
    cite: str
    source: str  # which table of the work
    corner: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    row_labels: tuple[str, ...]  # as printed, one per row
    numbers: tuple[PublishedNumber, ...]
    steps_row: str | None = None  # the name of the row that gives the training steps, where there is one
    column_steps: tuple[int | None, ...] = ()  # training steps, one per column
    notes: tuple[str, ...] = ()

    def get(self, row: str, column: str) -> PublishedNumber | None:
        """The number, or None if the paper leaves the cell empty. Raises UnknownPublishedError for a wrong name."""
        for kind, name, names in (("row", row, self.rows), ("column", column, self.columns)):
            if name not in names:
                raise unknown(kind, name, names, self.id)
        return next((n for n in self.numbers if n.row == row and n.column == column), None)


def digits(value: Decimal) -> str:
    """A number with the digits it was read with.

    >>> digits(Decimal("1.07e4")), digits(Decimal("168.0")), digits(Decimal("-2511.05"))
    ('1.07e4', '168.0', '-2511.05')
    """
    return str(value).replace("E+", "e").replace("E", "e")


def unknown(kind: str, name: str, names: Iterable[str], where: str = "") -> UnknownPublishedError:
    """An error for `name` that gives the nearest of `names`."""
    known = list(names)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    meant = f"; did you mean '{near[0]}'?" if near else ""
    inside = f" in {where}" if where else ""
    return UnknownPublishedError(f"no {kind} '{name}'{inside}{meant} (there are: {', '.join(known) or 'none'})")
