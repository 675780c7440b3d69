"""Tables whose cells are words or numbers. A number keeps its parts, so that every format can align them."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from svgbench.paper_tables.words import digits

MISSING = "missing"
BLANKS = ("", "–", MISSING)


@dataclass(frozen=True)
class Amount:
    """The digits of a number, those of its spread, its n in brackets, and a remark behind it.

    `best` marks a number that no other number of its column is shown to beat.
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
    """A mean over seeds for a renderer to format, with its SD and n, if they are shown, and the number of diverged
    seeds. `best` is as in `Amount`.
    """

    mean: float
    sd: float | None = None
    n: int | None = None
    diverged: int = 0
    best: bool = False

    def __str__(self) -> str:
        return str(self.amount())

    def amount(self) -> Amount:
        """Its digits: the spread has two significant digits, the mean the same decimals.

        >>> str(Measured(123.4321, 5.62, 10)), str(Measured(4473.36, 893.44))
        ('123.4 ± 5.6 (10)', '4473 ± 893')
        """
        mean, spread = _rounded(self.mean, self.sd)
        n = "" if self.n is None else f"({self.n})"
        return Amount(mean, spread, n, f"+{self.diverged} diverged" if self.diverged else "", self.best)


@dataclass(frozen=True)
class Quoted:
    """A published number in the digits of its paper: its spread or interval, and its n, if they are printed."""

    value: Decimal
    spread: Decimal | None = None
    interval: tuple[Decimal, Decimal] | None = None
    n: int | None = None

    def __str__(self) -> str:
        return str(self.amount())

    def amount(self) -> Amount:
        spread = "" if self.spread is None else digits(self.spread)
        interval = "" if self.interval is None else f"[{digits(self.interval[0])}, {digits(self.interval[1])}]"
        return Amount(digits(self.value), spread, "" if self.n is None else f"({self.n})", interval)


@dataclass(frozen=True)
class Rounded:
    """A number by itself, for a renderer to print with so many decimals.

    Without `decimals`: three significant digits, or all digits before the point of a large number. An unknown value
    (None, NaN, an infinity) prints as nothing. `best` is as in `Amount`.
    """

    value: float | None
    decimals: int | None = None
    best: bool = False

    def __str__(self) -> str:
        if self.value is None or not math.isfinite(self.value):
            return ""
        if self.decimals is not None:
            return f"{round(self.value, self.decimals) + 0.0:.{self.decimals}f}"  # never "-0"
        return f"{self.value:.0f}" if 1000 <= abs(self.value) < 1e7 else f"{self.value:#.3g}".rstrip(".")

    def amount(self) -> Amount | None:
        """None for an unknown value."""
        text = str(self)
        return Amount(text, best=self.best) if text else None


@dataclass(frozen=True)
class RoundedInterval:
    """Two ends of an interval, printed as "[low, high]" with the decimals of `Rounded`."""

    low: float
    high: float
    decimals: int | None = None

    def __str__(self) -> str:
        return f"[{Rounded(self.low, self.decimals)}, {Rounded(self.high, self.decimals)}]"


Entry = str | Amount | Measured | Quoted | Rounded | RoundedInterval | None
"""What a cell of a table holds: words, a number, an interval. None is a missing cell and prints as "missing"."""


@dataclass(frozen=True)
class DisplayTable:
    """A table. A string is words, never read as a number; it may hold several lines."""

    title: str
    corner: str  # above the row labels
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Entry]]]  # label and cells, one cell per column
    notes: Sequence[str] = ()
    mark: str = ""  # meaning of the mark of the best, if there is one
    measure: str = ""  # the shown measure, if the title says more

    def __post_init__(self) -> None:
        for label, cells in self.rows:
            if len(cells) != len(self.columns):
                raise ValueError(f"row '{label}' has {len(cells)} cells, the table {len(self.columns)} columns")


def amount_of(entry: Entry) -> Amount | None:
    """The parts of the number that a cell holds; None for words, an interval and a missing cell.

    >>> amount_of(Measured(-84.2, 93.1, 5)), amount_of("-84")
    (Amount(mean='-84', spread='93', n='(5)', more='', best=False), None)
    """
    if isinstance(entry, Measured | Quoted | Rounded):
        return entry.amount()
    return entry if isinstance(entry, Amount) else None


def is_blank(entry: Entry) -> bool:
    """Whether a cell shows no value. Such cells may stand among plain numbers."""
    return entry is None or str(entry) in BLANKS


def lines_of(entry: Entry) -> list[str]:
    """A cell's lines. White space that would break a layout becomes a blank, and a control character becomes "?"."""
    text = MISSING if entry is None else str(entry)
    return ["".join(map(_printable, line)).rstrip() for line in text.split("\n")]


def one_line(entry: Entry) -> str:
    """The same on one line."""
    return " ".join(lines_of(entry))


def _printable(character: str) -> str:
    if character == " " or not (character.isspace() or unicodedata.category(character) == "Cc"):
        return character
    return " " if character.isspace() else "?"


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
