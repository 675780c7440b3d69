"""The kinds of seeds on which `coverage_study` makes intervals, a row of the study, and the truths."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from error_rates import normal, skewed_down, skewed_up

from svgbench.analysis.judge import resampling
from svgbench.analysis.judge.statistics import interquartile_mean

FAR = 100.0
MANY, REPETITIONS, FEWER = 5_000, 1_000, 150
"""Of Student's intervals, on which verdicts depend, of others by formula, and of those by resampling."""

Draw = Callable[[np.random.Generator, int], np.ndarray]
Ends = tuple[float, float] | None
"""An interval, or None where it is not given or not used."""
Once = Callable[..., Any]


def fails(share: float) -> Draw:
    return lambda rng, n: rng.normal(0, 1, n) - FAR * (rng.random(n) < share) + FAR * share


DATA: dict[str, Draw] = {
    "normal": normal,
    "skewed, a tail above": skewed_up,
    "skewed, a tail below": skewed_down,
    **{f"{share} % fail": fails(share / 100) for share in (10, 20, 40)},
}
FAILING = [name for name in DATA if name.endswith("fail")]


@dataclass(frozen=True)
class Row:
    """One interval on one kind of data. `once` makes it from fresh seeds; `truth` is what it should hold."""

    interval: str
    data: str
    against: str
    once: Once
    truth: float
    repetitions: int = REPETITIONS
    least: int = 3  # fewer seeds give no interval
    at_once: bool = False  # `once` makes the ends of many, from a shape [seeds, repetitions]

    def rates(self, n: int, repetitions: int, seed: int = 0) -> tuple[float, float, int]:
        """The shares below and above the truth, and the number of intervals that were given."""
        rng = np.random.default_rng([seed, n, *self.interval.encode(), *self.data.encode(), *self.against.encode()])
        if self.at_once:
            lows, highs = self.once(rng, (n, repetitions))
            return float((highs < self.truth).mean()), float((lows > self.truth).mean()), repetitions
        below = above = given = 0
        for _ in range(repetitions):
            ends = self.once(rng, n)
            if ends is not None:
                given += 1
                below += ends[1] < self.truth
                above += ends[0] > self.truth
        return (below / given, above / given, given) if given else (math.nan, math.nan, 0)


@cache
def many(name: str) -> np.ndarray:
    return DATA[name](np.random.default_rng(0), 10**6)


def median_of(name: str) -> float:
    return float(np.median(many(name)))


def iqm_of(name: str) -> float:
    return float(interquartile_mean(many(name)))


def above_of(name: str) -> float:
    return float((many(name) > LEVEL).mean())


LEVEL = 0.5  # of the share above a level


@cache
def shift_of(name: str, other: str) -> float:
    """The median difference between a value of one kind and one of another."""
    rng = np.random.default_rng(1)
    return 0.0 if name == other else float(np.median(many(name) - rng.permutation(many(other))))


def ends(interval) -> Ends:
    return None if interval.low is None else (interval.low, interval.high)


def unrefused(make):
    """With intervals below five runs too, to see why they are refused."""
    fewest, resampling.FEWEST_RUNS = resampling.FEWEST_RUNS, 2
    try:
        return make()
    finally:
        resampling.FEWEST_RUNS = fewest
