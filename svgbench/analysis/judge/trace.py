"""The step at which two recordings of the same seed diverge: the same bits, the same within rounding, or different.

Two numbers are the same within rounding if they differ by no more than a relative 1e-5, or by no more than 1e-7 of the
largest magnitude in their column: the rounding of a few hundred operations in single precision. Whole numbers and words
must be equal.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from svgbench.analysis.judge.between import ROUNDING

OF_COLUMN = 1e-7
"""The share of a column's largest magnitude by which two of its numbers may differ."""

Kind = Literal["same", "rounding", "grown", "changed"]
"""The same bits; all within rounding; within rounding at first and beyond it later; beyond rounding at once."""

KINDS: tuple[Kind, ...] = ("same", "rounding", "grown", "changed")
NEVER = 2**62
"""A row that does not exist in any file."""


@dataclass(frozen=True)
class SeedTrace:
    """The difference of one seed.

    `first` is the first step with a different bit, `leaves` the first beyond rounding. `column` is the first column
    beyond rounding, "step" if the rows have other steps, "" if one side has no more rows.
    """

    seed: int
    kind: Kind
    first: int | None = None
    leaves: int | None = None
    column: str = ""


def read_texts(data: bytes) -> pd.DataFrame:
    """A cell's CSV with every value as text. ValueError if it is not a cell's CSV."""
    header, *lines = data.splitlines()
    uneven = [line for line in lines if line.count(b",") != header.count(b",")]
    if uneven:
        raise ValueError(f"a row with more or fewer values than columns: {uneven[0][:40]!r}")
    frame = pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False, na_filter=False)
    wrong = frame["step"][~frame["step"].map(_is_whole)]
    if len(wrong):
        raise ValueError(f"a step that is not a whole number: {wrong.iloc[0]!r}")
    return frame


def traces(a: pd.DataFrame, b: pd.DataFrame, seeds: Sequence[int]) -> list[SeedTrace]:
    """Each seed's trace, over the columns that both frames (of texts) have, row by row in their order."""
    shared = [name for name in a.columns if name in b.columns and name != "seed"]
    largest = {name: max(_largest(a[name]), _largest(b[name])) for name in shared}
    rows_a, rows_b = (dict(list(frame.groupby("seed", sort=False))) for frame in (a, b))
    return [
        _trace(seed, rows_a.get(str(seed), a.iloc[:0]), rows_b.get(str(seed), b.iloc[:0]), largest) for seed in seeds
    ]


def _trace(seed: int, a: pd.DataFrame, b: pd.DataFrame, largest: dict[str, float]) -> SeedTrace:
    rows = min(len(a), len(b))
    first, leaves, column = NEVER, NEVER, ""
    for name, scale in largest.items():
        one, other = a[name].to_numpy()[:rows], b[name].to_numpy()[:rows]
        differs = np.flatnonzero(one != other)
        if not len(differs):
            continue
        first = min(first, int(differs[0]))
        beyond = differs[~_within_rounding(one[differs], other[differs], scale)]
        if len(beyond) and beyond[0] < leaves:
            leaves, column = int(beyond[0]), name
    if len(a) != len(b):
        first = min(first, rows)
        if leaves > rows:
            leaves, column = rows, ""
    if first == NEVER:
        return SeedTrace(seed, "same")
    longer = a if len(a) > len(b) else b
    if leaves == NEVER:
        return SeedTrace(seed, "rounding", _step(longer, first))
    kind: Kind = "grown" if first < leaves else "changed"
    return SeedTrace(seed, kind, _step(longer, first), _step(longer, leaves), column)


def _step(frame: pd.DataFrame, row: int) -> int:
    return int(frame["step"].iloc[row])


def _within_rounding(one: NDArray[np.object_], other: NDArray[np.object_], scale: float) -> NDArray[np.bool_]:
    """Which of two columns' texts, all different, are the same number within rounding."""
    x, y = _numbers(one), _numbers(other)
    whole = np.array([_is_whole(p) and _is_whole(q) for p, q in zip(one, other, strict=True)], dtype=bool)
    with np.errstate(invalid="ignore"):
        tolerance = np.maximum(ROUNDING * np.maximum(np.abs(x), np.abs(y)), OF_COLUMN * scale)
        close = np.isfinite(x) & np.isfinite(y) & (np.abs(x - y) <= tolerance)
    return np.asarray(close & ~whole)


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdigit()


def _numbers(texts: NDArray[np.object_]) -> NDArray[np.float64]:
    """Texts as numbers; NaN for a word."""
    return np.asarray(pd.to_numeric(pd.Series(texts), errors="coerce"), dtype=float)


def _largest(column: pd.Series) -> float:
    """The largest finite magnitude in a column; 0 without any."""
    numbers = np.abs(_numbers(column.to_numpy(dtype=object)))
    finite = numbers[np.isfinite(numbers)]
    return float(finite.max()) if len(finite) else 0.0
