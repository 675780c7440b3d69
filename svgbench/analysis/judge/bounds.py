"""Bounds of a mean besides its seeds' t-interval: failures can only lower it, and nothing is above the ceiling.

A method that fails in one seed of five has a low mean and a wide interval, which reaches above any rival. Yet its mean
is at most the mean of the seeds that did not fail, and at most the best value of the task. docs/verdicts.md describes
the simulation that chose these bounds, and their error rates (`tests/analysis/error_rates.py`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from svgbench.analysis.judge.modes import failing
from svgbench.analysis.judge.statistics import interval_of, summarise, welch

Bound = Literal["", "failures", "best"]
"""The bound of an interval's end: the seeds' spread alone, the seeds that did not fail, or the task's best value."""


@dataclass(frozen=True)
class Known:
    """An end of an interval, and its bound."""

    value: float
    bound: Bound = ""
    failed: tuple[int, ...] = ()  # seeds

    def negated(self) -> Known:
        return replace(self, value=-self.value)


@dataclass(frozen=True)
class Seeds:
    """Values by seed (larger is better), the seeds known to have failed, and an upper bound of the values."""

    values: Mapping[int, float]
    failed: Collection[int] = ()
    best: float | None = None


def least_difference(x: Seeds, y: Seeds, error: float) -> Known:
    """Lower bounds of mean(x) - mean(y), by the upper bound of y that they use.

    Each is wrong with probability `error`; -inf if y has no upper bound. The seeds of x and y are assumed to be
    independent.
    """
    known = [Known(-math.inf)]
    if len(x.values) < 2:
        return known[0]
    of_x = summarise(list(x.values.values()))
    if failed := failing(y.values, known=y.failed):
        rest = summarise([value for seed, value in y.values.items() if seed not in failed])
        known.append(Known(welch(of_x, rest, 1 - 2 * error).low, "failures", failed))
    if y.best is not None:
        known.append(Known(interval_of(of_x, 1 - 2 * error).low - y.best, "best"))
    return max(known, key=lambda one: one.value)
