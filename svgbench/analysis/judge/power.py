"""The power of a number of seeds, before any is run.

Gaps, margins and effects are in standard deviations between seeds; seeds are assumed to be normal, with the same
standard deviation on both sides. `svgbench plan` calls these functions, so nothing here imports `scipy.stats`, which
takes half a second.

Given the sample variances, the estimated difference of a t-test is normal, so a test's power is an
expectation over independent chi-squared variables. A Gauss-Legendre grid over their quantiles gives it to
better than 0.005, for Welch's test too, whose power has no closed form.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

_NODES = 64


@cache
def _variances(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sample variances of n standard normals at the grid's quantiles, and their weights: [G], [G]."""
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    quantile = (node + 1) / 2
    return 2 * special.gammaincinv((n - 1) / 2, quantile) / (n - 1), weight / 2


def _welch_grid(n1: int, n2: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Estimated standard errors, Welch's degrees of freedom, and weights over the grid: each [G, G]."""
    s1, w1 = _variances(n1)
    s2, w2 = _variances(n2)
    v1, v2 = s1[:, None] / n1, s2[None, :] / n2
    df = (v1 + v2) ** 2 / (v1**2 / (n1 - 1) + v2**2 / (n2 - 1))
    return np.sqrt(v1 + v2), df, w1[:, None] * w2[None, :]


def power_welch(gap_sd: float, n1: int, n2: int, alpha: float = 0.05) -> float:
    """Probability that Welch's two-sided test at `alpha` sees a true gap of `gap_sd`.

    0 where a side has fewer than two seeds: there is no test.
    """
    if min(n1, n2) < 2:
        return 0.0
    se, df, weight = _welch_grid(n1, n2)
    critical = special.stdtrit(df, 1 - alpha / 2) * se
    sigma = np.sqrt(1 / n1 + 1 / n2)
    seen = special.ndtr((gap_sd - critical) / sigma) + special.ndtr((-gap_sd - critical) / sigma)
    return float(np.sum(weight * seen))


def power_tost(gap_sd: float, margin_sd: float, n1: int, n2: int, alpha: float = 0.05) -> float:
    """Probability that two one-sided Welch tests at `alpha` show equivalence within `margin_sd`.

    `gap_sd` is the true gap. 0 where a side has fewer than two seeds.
    """
    if min(n1, n2) < 2:
        return 0.0
    se, df, weight = _welch_grid(n1, n2)
    room = margin_sd - special.stdtrit(df, 1 - alpha) * se  # the estimate must lie in [-room, room]
    sigma = np.sqrt(1 / n1 + 1 / n2)
    shown = special.ndtr((room - gap_sd) / sigma) - special.ndtr((-room - gap_sd) / sigma)
    return float(np.sum(weight * np.maximum(shown, 0.0)))


def power_paired(effect_sd: float, n: int, alpha: float = 0.05) -> float:
    """Probability that a two-sided paired t-test at `alpha` sees a mean difference of `effect_sd`.

    `effect_sd` is in standard deviations of the `n` differences. 0 for n < 2.
    """
    if n < 2:
        return 0.0
    variance, weight = _variances(n)  # scipy's noncentral t is NaN in the tails that this reaches
    critical = special.stdtrit(n - 1, 1 - alpha / 2) * np.sqrt(variance)
    shift = abs(effect_sd) * np.sqrt(n)
    return float(np.sum(weight * (special.ndtr(shift - critical) + special.ndtr(-shift - critical))))


def detectable_effect(n: int, power: float = 0.8, alpha: float = 0.05) -> float:
    """The smallest paired effect, in standard deviations of the differences, seen with that power.

    Infinite for n < 2. ValueError unless alpha < power < 1.
    """
    if not alpha < power < 1:
        raise ValueError(f"power is {power}; expected a number between alpha, {alpha}, and 1")
    if n < 2:
        return float("inf")
    low, high = 0.0, 1.0
    while power_paired(high, n, alpha) < power:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if power_paired(middle, n, alpha) < power else (low, middle)
    return high
