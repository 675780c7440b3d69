"""What a learning curve says besides its end: the area under it, and the time to a threshold with censoring."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from svgbench.analysis.judge.resampling import FEWEST_RUNS, LEVEL, Estimate
from svgbench.analysis.judge.statistics import FloatArray
from svgbench.analysis.read.measures import CellData, rows_where
from svgbench.words.claims import Measure

ROUNDING = 1e-9
"""Of a product of shares: half of 24 runs may come out as 0.5000000000000001."""

Curve = tuple[FloatArray, FloatArray]
"""Steps [T], increasing, and values [T] of one seed."""


def curves_of(cell: CellData, measure: Measure) -> dict[int, Curve] | str:
    """The curve behind a measure, by seed, or why there is none.

    It has the measure's column at every step, in the rows that the measure's other conditions select.
    """
    where = {column: value for column, value in measure.where.items() if column != "step"}
    if not {measure.column, *where} <= {*cell.frame.columns}:
        return f"there is no column {measure.column}"
    rows = rows_where(cell.frame, where)
    seeds, steps = rows["seed"].to_numpy(), rows["step"].to_numpy(dtype=float)
    order = np.lexsort((steps, seeds))
    seeds, steps, values = seeds[order], steps[order], rows[measure.column].to_numpy(dtype=float)[order]
    if ((np.diff(seeds) == 0) & (np.diff(steps) == 0)).any():
        return "there are several rows a step"
    names, starts = np.unique(seeds, return_index=True)
    parts = zip(names, np.split(steps, starts[1:]), np.split(values, starts[1:]), strict=True)
    found: dict[int, Curve] = {int(seed): (own, heights) for seed, own, heights in parts}
    if not any(len(steps) > 1 for steps, _ in found.values()):
        return "there is one step"
    return found


def area(curve: Curve, until: float) -> float:
    """The area under a curve from its first step to `until`, over that distance: the mean height, by trapezoids.

    A step between two rows is interpolated. NaN where the curve does not reach `until` or has no finite value.
    """
    steps, values = curve
    inside = steps < until
    if not len(steps) or steps[-1] < until or not inside.any():
        return math.nan
    x = np.append(steps[inside], until)
    y = np.append(values[inside], np.interp(until, steps, values))
    return float(np.trapezoid(y, x) / (until - steps[0]))


def first_time(curve: Curve, level: float, higher_is_better: bool = True, window: int = 1) -> float | None:
    """The first step at which the mean of the last `window` values is at the level or better; None if never."""
    steps, values = curve
    if len(values) < window:
        return None
    smooth = np.lib.stride_tricks.sliding_window_view(values, window).mean(axis=-1)
    reached = smooth >= level if higher_is_better else smooth <= level
    return float(steps[window - 1 + np.argmax(reached)]) if reached.any() else None


@dataclass(frozen=True)
class Survival:
    """The share of runs that have not reached a level by a step: steps [K], increasing, and shares [K] from each on.

    Kaplan and Meier 1958. Before the first step the share is 1. `variance` has Greenwood's terms d / (n (n - d)) [K].
    """

    steps: FloatArray
    shares: FloatArray
    terms: FloatArray
    n: int

    def median(self) -> float | None:
        """The first step at which at most half of the runs are left; None if it is not reached by half of them."""
        below = self.shares <= 0.5 + ROUNDING
        return float(self.steps[np.argmax(below)]) if below.any() else None

    def restricted_mean(self, until: float) -> Estimate:
        """The mean of min(time, until): the area under the shares up to `until`, with an interval from 5 runs on.

        The variance is Greenwood's times n / (n - 1), and the interval is Student's: without runs that end before
        `until` it is the t-interval of the times themselves.
        """
        inside = self.steps < until
        edges = np.concatenate([[0.0], self.steps[inside], [until]])
        heights = np.concatenate([[1.0], self.shares[inside]])
        pieces = np.diff(edges) * heights
        value = float(pieces.sum())
        if self.n < FEWEST_RUNS:
            return Estimate(value, n=self.n, why=f"no interval below {FEWEST_RUNS} runs (n = {self.n})")
        left = pieces[::-1].cumsum()[::-1][1:]  # the area behind each step
        variance = float((left**2 * np.where(left > 0, self.terms[inside], 0.0)).sum()) * self.n / (self.n - 1)
        if not variance:
            return Estimate(value, n=self.n, why="every run has the same time")
        half = math.sqrt(variance) * float(special.stdtrit(self.n - 1, (1 + LEVEL) / 2))
        return Estimate(value, max(value - half, 0.0), min(value + half, until), self.n)


def kaplan_meier(times: ArrayLike, reached: Sequence[bool]) -> Survival:
    """The survival function of times [S]: of the step at which each run reached the level, or else of its last step.

    ValueError without runs.
    """
    t, events = np.asarray(times, dtype=float), np.asarray(reached, dtype=bool)
    if not len(t) or len(t) != len(events):
        raise ValueError(f"{len(t)} times and {len(events)} marks were given; expected as many, and at least one")
    steps = np.unique(t[events])
    at_risk = (t[None, :] >= steps[:, None]).sum(axis=1)
    failed = ((t[None, :] == steps[:, None]) & events).sum(axis=1)
    terms = np.divide(failed, at_risk * (at_risk - failed), out=np.zeros(len(steps)), where=at_risk > failed)
    return Survival(steps, np.cumprod(1 - failed / at_risk), terms, len(t))


@dataclass(frozen=True)
class TimeToLevel:
    """When the runs of a cell reach a level: how many of them do, the median step, and the restricted mean up to
    `until`.

    `source` says where the level comes from. `median` is None where fewer than half reach it: the median is censored.
    """

    level: float
    source: str
    reached: int
    n: int
    median: float | None
    mean: Estimate
    until: float


def time_to_level(
    curves: Mapping[int, Curve],
    level: float,
    source: str,
    until: float,
    failed: Sequence[int] = (),
    higher_is_better: bool = True,
    window: int = 1,
) -> TimeToLevel:
    """The time to a level from curves by seed; a run that does not reach it is censored at its last step.

    A `failed` run that has not reached it never will, and counts as censored at `until`, also if it has no curve: to
    leave it out, or to censor it where it broke, would make a method that breaks look quick.
    """
    times, marks = [], []
    for seed, curve in curves.items():
        time = first_time(curve, level, higher_is_better, window)
        marks.append(time is not None)
        last = until if seed in failed else float(curve[0][-1])
        times.append(last if time is None else time)
    without = [seed for seed in failed if seed not in curves]
    times, marks = [*times, *(until for _ in without)], [*marks, *(False for _ in without)]
    found = kaplan_meier(times, marks)
    return TimeToLevel(level, source, sum(marks), len(times), found.median(), found.restricted_mean(until), until)
