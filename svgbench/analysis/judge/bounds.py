"""What is known of a mean beside its seeds' t-interval: failures can only lower it, and nothing is above the ceiling.

A method that fails in one seed of five has a low mean and a wide interval, which reaches above any rival. Yet its mean
is at most that of its seeds that did not fail, and at most the best value that the task has. docs/verdicts.md has the
simulation by which these bounds were chosen, and what they err (`tests/analysis/error_rates.py`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from svgbench.analysis.judge.modes import failing
from svgbench.analysis.judge.statistics import interval_of, summarise, welch

Bound = Literal["", "failures", "best"]
"""What bounds an end of an interval: the seeds' spread alone, the seeds that did not fail, or the task's best value."""


@dataclass(frozen=True)
class Known:
    """An end of an interval, and what it is known by."""

    value: float
    bound: Bound = ""
    failed: tuple[int, ...] = ()  # seeds

    def negated(self) -> Known:
        return replace(self, value=-self.value)


@dataclass(frozen=True)
class Seeds:
    """Values by seed, the larger the better; the seeds that are known to have failed; a value that none is above."""

    values: Mapping[int, float]
    failed: Collection[int] = ()
    best: float | None = None


def least_difference(x: Seeds, y: Seeds, error: float) -> Known:
    """A lower bound of the mean of x less that of y, by what bounds y from above; each is wrong in `error` of cases.

    -inf where nothing does. The seeds of x and y are taken as independent.
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
