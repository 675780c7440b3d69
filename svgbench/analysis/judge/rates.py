"""Shares of seeds that failed: exact intervals, the exact test of two shares, and how many seeds it takes."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from scipy import special, stats

from svgbench.analysis.judge.robust import difference
from svgbench.analysis.judge.statistics import Interval

MOST = 200
"""A forecast of more seeds a side than this is only reported as more."""


def share_interval(k: int, n: int, level: float = 0.95) -> Interval:
    """k of n with Clopper and Pearson's exact interval. ValueError unless 0 <= k <= n and n > 0."""
    if not (n > 0 and 0 <= k <= n):
        raise ValueError(f"{k} of {n} seeds; expected 0 to n of at least one")
    error = (1 - level) / 2
    low = float(special.betaincinv(k, n - k + 1, error)) if k else 0.0
    high = float(special.betaincinv(k + 1, n - k, 1 - error)) if k < n else 1.0
    return Interval(k / n, low, high, n)


def wilson_interval(k: int, n: int, level: float = 0.95) -> Interval:
    """k of n with Wilson's score interval (1927)."""
    z = float(special.ndtri((1 + level) / 2))
    p, square = k / n, z**2 / n
    middle = (p + square / 2) / (1 + square)
    half = z * math.sqrt(p * (1 - p) / n + square / (4 * n)) / (1 + square)
    return Interval(p, max(middle - half, 0.0), min(middle + half, 1.0), n)


def share_difference(k1: int, n1: int, k2: int, n2: int, level: float = 0.95) -> Interval:
    """k1 / n1 - k2 / n2 with Newcombe's interval (1998, method 10): Wilson's of both shares, combined."""
    return difference(wilson_interval(k1, n1, level), wilson_interval(k2, n2, level))


def rates_test(k1: int, n1: int, k2: int, n2: int) -> float:
    """The two-sided p of Fisher's exact test that both shares are equal."""
    return float(stats.fisher_exact([[k1, n1 - k1], [k2, n2 - k2]]).pvalue)


@cache
def seeds_needed(p1: float, p2: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """About how many seeds a side Fisher's test needs to tell these shares apart with this power; at most `MOST` + 1.

    The power of an exact test rises in steps with a slight fall between them, so the number is not the least one.
    """
    low, high = 1, 2
    while high <= MOST and rates_power(p1, p2, high, alpha) < power:
        low, high = high, 2 * high
    high = min(high, MOST + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if rates_power(p1, p2, middle, alpha) >= power else (middle, high)
    return high


def rates_power(p1: float, p2: float, n: int, alpha: float = 0.05) -> float:
    """The probability that Fisher's test at `alpha` tells two shares apart, with n seeds on each side."""
    k = np.arange(n + 1)
    chance = np.outer(stats.binom.pmf(k, n, p1), stats.binom.pmf(k, n, p2))
    log_ways = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    power = 0.0
    for total in range(2 * n + 1):
        first = np.arange(max(0, total - n), min(n, total) + 1)
        log_chance = log_ways[first] + log_ways[total - first]
        given = np.exp(log_chance - special.logsumexp(log_chance))
        ordered = np.sort(given)
        p = np.cumsum(ordered)[np.searchsorted(ordered, given * (1 + 1e-7), side="right") - 1]
        power += float(chance[first, total - first][p <= alpha].sum())
    return power
