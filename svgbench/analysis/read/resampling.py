"""Rows at fixed steps: the means of the rows in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svgbench.analysis.read.import_table import Table
from svgbench.words.errors import UsageError


def resampled(table: Table, every: int, without_mean: Sequence[str] = ()) -> tuple[Table, str]:
    """One row per seed at every multiple of `every` steps: the mean of the rows after the multiple before, up to it.

    Values that are absent do not count. Rows after a seed's last multiple are left out, and the note says how many.
    Raises UsageError for a seed without a row in one of its intervals, and for columns that have no mean.
    """
    if without_mean:
        name = without_mean[0]
        raise UsageError(f"--every: column '{name}' has no mean; leave --every out, or the column with --map {name}=")
    seeds, steps = table.columns["seed"], table.columns["step"]
    order = np.lexsort((steps, seeds))
    table = table.take(order)
    seeds, steps = table.columns["seed"], table.columns["step"]
    interval = np.maximum(-(-steps // every), 1)
    last = np.zeros_like(steps)
    for seed in np.unique(seeds):
        last[seeds == seed] = steps[seeds == seed].max() // every
    before = len(table)
    table = table.take(np.flatnonzero(interval <= last))
    if not len(table):
        raise UsageError(f"--every {every}: no seed has rows up to step {every}")
    kept = interval[interval <= last]
    starts = np.flatnonzero(np.diff(kept, prepend=-1) | np.diff(table.columns["seed"], prepend=-1))
    _check_gaps(table, kept, starts, every)
    columns = {name: _means(values, starts) for name, values in table.columns.items()}
    columns |= {"seed": table.columns["seed"][starts], "step": kept[starts] * every}
    left = before - len(table)
    note = f"--every {every}: {before} rows became {len(starts)}, each the mean of the rows of {every} steps"
    note += f"; {left} after a seed's last multiple of {every} are left out" if left else ""
    return replace(table.take(starts), columns=columns), note


def _means(values: NDArray[Any], starts: NDArray[np.int64]) -> NDArray[Any]:
    there = ~np.isnan(values.astype(float))
    sums = np.add.reduceat(np.where(there, values, 0.0), starts)
    numbers = np.add.reduceat(there.astype(np.int64), starts)
    return np.where(numbers > 0, sums / np.maximum(numbers, 1), np.nan)


def _check_gaps(table: Table, interval: NDArray[np.int64], starts: NDArray[np.int64], every: int) -> None:
    seeds = table.columns["seed"][starts]
    places = interval[starts]
    for index in range(len(starts)):
        before = places[index - 1] if index and seeds[index] == seeds[index - 1] else 0
        if places[index] != before + 1:
            low, high = before * every, (before + 1) * every
            raise UsageError(
                f"--every {every}: seed {seeds[index]} has no row after step {low}, up to {high}; choose a larger one"
            )
