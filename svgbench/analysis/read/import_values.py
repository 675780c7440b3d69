"""From the texts of a column to numbers, exactly or not at all.

A number has a form that every person and program reads in the same way: ASCII digits, a sign, one point, an exponent,
and blanks around it.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["int", "float", "str"]

LARGEST = 2**63 - 1  # of a whole number: the range of 64 bits
LARGEST_EXACT = 2**53  # up to here a float is exact
LARGEST_FLOAT = 1e60  # statistics raise numbers to the fourth power

_NUMBER = re.compile(r"[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?[ \t]*")
_NOTHING = frozenset({"", "nan"})  # words for "not measured", in lower case
_UNSTORABLE = re.compile('[,"\n\r]')


@dataclass(frozen=True)
class ColumnKind:
    """The required content of a column: `whole` in every row, or blank in some of them (then "nan" is a blank too,
    unless `nan` is False)."""

    name: str
    kind: Kind
    whole: bool = True
    least: int | None = None  # of a whole number
    nan: bool = True

    @property
    def expected(self) -> str:
        if self.kind == "str":
            return "a text" if self.whole else "a text without commas, quotes or line breaks"
        if self.kind == "float":
            return "a finite number"
        return f"a whole number from {self.least} to 2^63 - 1" if self.least is not None else "a whole number"


class RowError(Exception):
    """The problem of the row at `index` of the checked rows."""

    def __init__(self, index: int, why: str) -> None:
        super().__init__(why)
        self.index = index


def bad_value(index: int, text: str, column: ColumnKind) -> RowError:
    """The text at `index` of a column does not fit the column's kind."""
    said = f"is {quoted(text)}" if text.strip() else "is blank"
    hint = _hint(text.strip(" \t"), column)
    return RowError(index, f"column '{column.name}' {said}; expected {column.expected}{hint}")


def parse(texts: Sequence[str], column: ColumnKind) -> NDArray[Any]:
    """The column as int64, float64 (NaN where it is blank) or objects (strings, without blanks around them).

    Raises RowError for the first text that does not fit the column's kind.
    """
    make = {"int": _whole_numbers, "float": _numbers, "str": _strings}[column.kind]
    return make(texts, column)


def numbers(values: NDArray[Any], column: ColumnKind) -> NDArray[Any]:
    """Numbers that a binary file holds, as int64 or float64. Raises RowError for the first that does not fit."""
    if column.kind == "str":
        raise RowError(0, f"column '{column.name}' holds numbers; expected {column.expected}")
    found = np.asarray(values, dtype=float)
    bad = (np.abs(found) > LARGEST_FLOAT) | (np.isnan(found) & column.whole)
    if column.kind == "int":
        bad |= (found != np.floor(found)) | (np.abs(found) > LARGEST_EXACT)
        bad |= False if column.least is None else found < column.least
    for index in map(int, np.flatnonzero(bad)):
        raise bad_value(index, repr(found[index].item()), column)
    return np.asarray(values).astype(np.int64) if column.kind == "int" else found


def is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def quoted(text: str) -> str:
    """A foreign text in a message: short, on one line, without control characters."""
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def _whole_numbers(texts: Sequence[str], column: ColumnKind) -> NDArray[Any]:
    joined = "".join(texts)
    if joined.isascii() and joined.isdigit() and all(texts) and max(map(len, texts)) < 19:
        return np.array(list(map(int, texts)), dtype=np.int64)
    return np.array([_whole_number(i, text, column) for i, text in enumerate(texts)], dtype=np.int64)


def _whole_number(index: int, text: str, column: ColumnKind) -> int:
    """Of "3.0", "1e3", "+3" or " 3 " as well. Never of a number that 64 bits do not hold, or only rounded."""
    if _NUMBER.fullmatch(text) and abs(float(text)) < 2.0**64:
        number = Decimal(text.strip())
        if number == number.to_integral_value() and -LARGEST <= number <= LARGEST:
            value = int(number)
            if column.least is None or value >= column.least:
                return value
    raise bad_value(index, text, column)


def _numbers(texts: Sequence[str], column: ColumnKind) -> NDArray[Any]:
    array = _plain_numbers(texts)
    if array is None:
        match = _NUMBER.fullmatch
        values = [float(text) if match(text) else _no_number(i, text, column) for i, text in enumerate(texts)]
        array = np.array(values, dtype=float)
    unheld = np.flatnonzero((np.abs(array) > LARGEST_FLOAT) | (array == 0))  # too large, or perhaps too small
    for index in map(int, unheld):
        if array[index] or re.search("[1-9]", texts[index].lower().partition("e")[0]):
            raise bad_value(index, texts[index], column)
    return array


def _plain_numbers(texts: Sequence[str]) -> NDArray[Any] | None:
    """All of them at once, or None if one may not be a number. With these characters `float` reads `_NUMBER` only."""
    joined = "".join(texts)
    if not joined.isascii() or joined.encode().translate(None, b"0123456789.eE+-"):  # a character of something else
        return None
    try:
        return np.array(list(map(float, texts)))
    except ValueError:
        return None


def _no_number(index: int, text: str, column: ColumnKind) -> float:
    if column.whole or text.strip().lower() not in _NOTHING or (text.strip() and not column.nan):
        raise bad_value(index, text, column)
    return math.nan


def _strings(texts: Sequence[str], column: ColumnKind) -> NDArray[Any]:
    values = [sys.intern(text.strip()) for text in texts]  # few different ones: tasks, phases
    for index, text in enumerate(values):
        if _UNSTORABLE.search(text) or (column.whole and not text):
            raise bad_value(index, texts[index], column)
    return np.array(values, dtype=object)


def _hint(text: str, column: ColumnKind) -> str:
    """How to correct a text that a person would read as a number."""
    if column.kind == "str":
        return ""
    optional = "" if column.whole else ", or leave the column out"
    if not text or text.lower() == "nan":
        return "" if column.least is not None else f" (leave out a row without a measurement{optional})"
    if text.lower() in ("true", "false"):
        return f", no truth value{optional}"
    if re.search(r"[^\S \t]", text):
        return f", without line breaks and foreign blanks{optional}"
    if re.fullmatch(r"[+-]?[0-9][0-9,_'’\s]*[,_'’\s][0-9.,]*", text):
        return f", digits without separators and a point before decimals{optional}"
    if re.fullmatch(r"[+-]?0[xX][0-9a-fA-F]+", text):
        return f", in decimal digits{optional}"
    if column.kind == "float" and _NUMBER.fullmatch(text):
        large = LARGEST_FLOAT < abs(float(text)) < math.inf
        return f" ({f'at most {LARGEST_FLOAT:g}' if large else '64 bits do not hold it'}){optional}"
    return optional
