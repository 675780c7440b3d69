"""Intervals for seeds that are not normal: by ranks, for a mean in two modes, and for a mean of skewed seeds.

`coverage` says where Student's interval must not decide; these are used instead or beside it. How often each holds the
truth is in `coverage.toml`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from functools import cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from svgbench.analysis.judge.statistics import FloatArray, Interval, interval_of, summarise, unit_of

FEWEST_RANKED = 5
"""Least number of seeds a side for a verdict by ranks: of three against three no order is rarer than one in ten."""


def shift_interval(x: ArrayLike, y: ArrayLike, level: float = 0.95) -> Interval:
    """The median difference between a value of x [S] and one of y [R], with the interval of Mann and Whitney's exact
    test.

    Hodges and Lehmann 1963. With fewer than `FEWEST_RANKED` values on a side, or too few for the level, the interval is
    (-inf, inf). Its coverage is exact if the two distributions differ by a shift.
    """
    differences = np.sort(np.subtract.outer(np.asarray(x, dtype=float), np.asarray(y, dtype=float)).ravel())
    n, m = len(np.atleast_1d(x)), len(np.atleast_1d(y))
    value = float(np.median(differences))
    cut = _cut(_wins(n, m), level) if min(n, m) >= FEWEST_RANKED else -1
    if cut < 0:
        return Interval(value, -math.inf, math.inf, min(n, m))
    return Interval(value, float(differences[cut]), float(differences[-1 - cut]), min(n, m))


def median_interval(x: ArrayLike, level: float = 0.95) -> Interval:
    """The median of x [S] with the interval of the sign test; (-inf, inf) with too few values for the level.

    It is exact for every continuous distribution: five values allow 93.75 %, six 96.9 %.
    """
    ordered = np.sort(np.asarray(x, dtype=float))
    n, value = len(ordered), float(np.median(ordered))
    cut = _cut(np.array([math.comb(n, k) for k in range(n + 1)], dtype=float), level) if n >= FEWEST_RANKED else -1
    if cut < 0:
        return Interval(value, -math.inf, math.inf, n)
    return Interval(value, float(ordered[cut]), float(ordered[-1 - cut]), n)


def two_mode_interval(values: Mapping[int, float], failed: Collection[int], level: float = 0.95) -> Interval:
    """The mean of values by seed of which the `failed` seeds are one mode, and the others the other.

    The share of the failed has an exact interval (Clopper and Pearson): both its ends give a mean of such a mixture.
    Around that the modes' own means are uncertain, with their pooled standard deviation. ValueError unless both modes
    have a seed.
    """
    unit = unit_of(list(values.values()))
    low_mode = [value / unit for seed, value in values.items() if seed in failed]
    others = [value / unit for seed, value in values.items() if seed not in failed]
    k, n = len(low_mode), len(values)
    if not k or not others:
        raise ValueError(f"{k} of {n} seeds are in the first mode; expected one at least in either")
    one, other = summarise(low_mode), summarise(others)
    squares = math.fsum((mode.n - 1) * mode.sd**2 for mode in (one, other) if mode.n > 1)
    degrees = max(n - 2, 1)
    error, ends = (1 - level) / 2, []
    for share in (float(special.betaincinv(k, n - k + 1, error)), float(special.betaincinv(k + 1, n - k, 1 - error))):
        mean = (1 - share) * other.mean + share * one.mean
        noise = math.sqrt(squares / degrees * (share**2 / k + (1 - share) ** 2 / (n - k)))
        half = noise * float(special.stdtrit(degrees, 1 - error))
        ends += [mean - half, mean + half]
    return Interval(summarise(list(values.values())).mean, min(ends) * unit, max(ends) * unit, n)


def skewed_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Student's interval for the mean of values [S], corrected for their skewness; Hall 1992, "On the removal of
    skewness by transformation", the cubic transformation. As in `t_interval` for one value and for equal ones.
    """
    summary = summarise(values)
    plain = interval_of(summary, level)
    if summary.n < 3 or not summary.sd:
        return plain
    n = summary.n
    centred = _centred(values)
    third = float((centred**3).mean() / (centred**2).mean() ** 1.5)
    quantile = float(special.stdtrit(n - 1, (1 + level) / 2)) / math.sqrt(n)
    high, low = (
        summary.mean - summary.sd * _untransformed(q, third / 3, third / (6 * n)) for q in (-quantile, quantile)
    )
    return Interval(summary.mean, low, high, n)


def skewness(values: ArrayLike) -> float:
    """The skewness of values [S] in units of its critical value for normal ones: beyond +-1 in one case of twenty.

    0 with fewer than five values, or without any spread. The standard error is that of Fisher's G1.
    """
    x = np.asarray(values, dtype=float)
    n = len(x)
    if n < 5 or x.min() == x.max():
        return 0.0
    centred = _centred(x)
    spread = float((centred**2).mean())
    g1 = float((centred**3).mean()) / (spread * math.sqrt(spread)) * math.sqrt(n * (n - 1)) / (n - 2)
    return g1 / (1.96 * math.sqrt(6 * n * (n - 1) / ((n - 2) * (n + 1) * (n + 3))))


def difference(x: Interval, y: Interval) -> Interval:
    """x - y for two independent estimates with intervals at one level (Zou and Donner 2008, MOVER)."""
    value = x.value - y.value
    low = value - math.hypot(x.value - x.low, y.high - y.value)
    high = value + math.hypot(x.high - x.value, y.value - y.low)
    return Interval(value, low, high, min(x.n, y.n))


def _centred(values: ArrayLike) -> FloatArray:
    """Values [S] less their mean, in a unit in which cubes stay within the range of a float. The largest is near 1."""
    x = np.asarray(values, dtype=float)
    x = x / unit_of(x)
    centred = x - summarise(x).mean
    return np.ldexp(centred, -int(np.frexp(np.abs(centred).max())[1]))


def _untransformed(y: float, a: float, b: float) -> float:
    """The z with z + a z^2 + a^2 z^3 / 3 + b = y."""
    return y if abs(a) < 1e-8 else (math.cbrt(1 + 3 * a * (y - b)) - 1) / a


def _cut(ways: FloatArray, level: float) -> int:
    """How many of the sorted values to leave out at each end; -1 if there are too few for the level."""
    tail = np.cumsum(ways) / ways.sum()
    return int((tail <= (1 - level) / 2 * (1 + 1e-12)).sum()) - 1


@cache
def _wins(n: int, m: int) -> FloatArray:
    """The number of orders in which n values have 0, 1, ... wins against m others, by the place of the largest."""
    if not (n and m):
        return np.ones(1)
    ways = np.zeros(n * m + 1)
    ways[m:] += _wins(n - 1, m)
    ways[: n * (m - 1) + 1] += _wins(n, m - 1)
    return ways
