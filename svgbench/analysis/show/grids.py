"""A table of strings, and the numbers in it taken apart so that every format can align them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

MISSING = "missing"
_NUMBER = r"[-+−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?|[-+−]?inf"
_AMOUNT = re.compile(rf"({_NUMBER})(?: ± ({_NUMBER}))?(?: (\(\d+\)))?(?: (\+?\d+ diverged))?( \*)?")


@dataclass(frozen=True)
class Amount:
    """A number as text, with its spread, its n in brackets, and what else is said of it.

    `best` marks what no other number of its column is shown to beat.
    """

    mean: str
    spread: str = ""
    n: str = ""
    more: str = ""
    best: bool = False

    def __str__(self) -> str:
        spread = f"± {self.spread}" if self.spread else ""
        return " ".join(filter(None, (self.mean, spread, self.n, self.more)))


@dataclass(frozen=True)
class Measured:
    """A mean over seeds as numbers, for a renderer to format: its SD and n, where they are shown, and seeds that
    diverged. `best` is as in `Amount`."""

    mean: float
    sd: float | None = None
    n: int | None = None
    diverged: int = 0
    best: bool = False

    def __str__(self) -> str:
        return str(self.amount())

    def amount(self) -> Amount:
        """As a person reads it, rounded by `format_mean_spread`'s rule."""
        mean, spread = _rounded(self.mean, self.sd)
        n = "" if self.n is None else f"({self.n})"
        return Amount(mean, spread, n, f"+{self.diverged} diverged" if self.diverged else "", self.best)


Entry = str | Amount | Measured | None
"""What a cell of a table holds; None is a missing cell and prints as "missing"."""


@dataclass(frozen=True)
class DisplayTable:
    """A table. A cell that is a string may hold several lines."""

    title: str
    corner: str  # above the row labels
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Entry]]]  # label and cells, one cell per column
    notes: Sequence[str] = ()
    mark: str = ""  # what the mark of the best means, where there is one
    measure: str = ""  # what the table shows, where its title says more

    def __post_init__(self) -> None:
        for label, cells in self.rows:
            if len(cells) != len(self.columns):
                raise ValueError(f"row '{label}' has {len(cells)} cells, the table {len(self.columns)} columns")


def amount_of(entry: Entry) -> Amount | None:
    """The number that a cell holds, taken apart; None for words and several lines.

    >>> amount_of("-84 ± 93 (5)"), amount_of("n = 5")
    (Amount(mean='-84', spread='93', n='(5)', more='', best=False), None)
    """
    if isinstance(entry, Measured):
        return entry.amount()
    if isinstance(entry, Amount) or entry is None:
        return entry
    found = _AMOUNT.fullmatch(entry)
    return Amount(found[1], found[2] or "", found[3] or "", found[4] or "", bool(found[5])) if found else None


def lines_of(entry: Entry) -> list[str]:
    """A cell's lines. White space that would break a layout is a blank, and a control character "?"."""
    text = MISSING if entry is None else str(entry)
    return ["".join(map(_printable, line)).rstrip() for line in text.split("\n")]


def one_line(entry: Entry) -> str:
    """The same on one line."""
    return " ".join(lines_of(entry))


def _printable(character: str) -> str:
    if character == " " or not (character.isspace() or unicodedata.category(character) == "Cc"):
        return character
    return " " if character.isspace() else "?"


def format_mean_spread(mean: float | None, spread: float | None = None, n: int | None = None) -> str:
    """Mean, spread and n, the spread to two significant digits and the mean to the same decimal.

    What is None or NaN is left out; without a mean the cell is missing.

    >>> format_mean_spread(123.4321, 5.62, 10), format_mean_spread(4473.36, 893.44), format_mean_spread(None)
    ('123.4 ± 5.6 (10)', '4473 ± 893', 'missing')
    """
    if mean is None or math.isnan(mean):
        return MISSING
    return str(Measured(mean, spread, n))


def _rounded(mean: float, spread: float | None) -> tuple[str, str]:
    """Mean and spread in digits; no spread where there is none."""
    if math.isinf(mean):
        return f"{mean:g}", ""
    if spread is not None and math.isinf(spread):
        return _rounded(mean, None)[0], "inf"
    if spread is not None and math.isnan(spread):
        spread = None
    # The power of ten of the last digit shown. Rounding may carry: a spread of 9.96 is 10.
    last = _exponent(float(f"{spread:.1e}")) - 1 if spread else _exponent(mean) - 3
    finest = _exponent(mean) - 9 if mean else last  # ten digits of a mean are enough
    largest = max(abs(mean), spread or 0.0)
    scientific = largest != 0 and not 1e-3 <= largest < 1e9
    text = _digits(mean, max(last, finest), scientific)
    if spread is None:
        return text, ""
    return text, f"{spread:.1e}" if last < finest else _digits(spread, last, scientific)


def _digits(x: float, last: int, scientific: bool) -> str:
    """`x` to the digit worth 10**last, never coarser than units unless scientific."""
    if scientific:
        return f"{x:.{max(_exponent(x) - last, 0)}e}" if x else "0"
    text = f"{x:.{max(-last, 0)}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _exponent(x: float) -> int:
    return math.floor(math.log10(abs(x))) if x else 0
