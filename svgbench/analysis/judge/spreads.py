"""The SD between seeds divided by |mean|, with an interval that also holds for seeds in two modes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from svgbench.analysis.judge.statistics import FloatArray, Interval, summarise, unit_of

SHARES = 64
"""Number of shares for the spread of two modes, from the least to the largest that the seeds allow."""


def vangel_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """SD over |mean| of values [S], with Vangel's interval for normal values; the upper end may be infinite.

    From a third upwards the interval is wider than necessary. If its upper end would lie below the estimate it is
    infinite, because the approximation ends there. One value, and values that are all 0, give NaN and (0, inf). Vangel
    1996, The American Statistician 50, eq. (8): McKay's interval, modified.
    """
    array = np.asarray(values, dtype=float)
    summary = summarise(array / unit_of(array))
    if summary.n == 1 or summary.mean == summary.sd == 0:
        return Interval(math.nan, 0.0, math.inf, summary.n)
    if summary.sd == 0:
        return Interval(0.0, 0.0, 0.0, summary.n)
    mean, sd, n = abs(summary.mean), summary.sd, summary.n
    ends = []
    for p in ((1 + level) / 2, (1 - level) / 2):
        u = float(special.chdtri(n - 1, 1 - p))
        squared = ((u + 2) / n - 1) * sd**2 + u / (n - 1) * mean**2
        ends.append(sd / math.sqrt(squared) if squared > 0 else math.inf)
    value = sd / mean if mean else math.inf
    return Interval(value, ends[0], ends[1] if ends[1] > value else math.inf, n)


def relative_sd_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """SD over |mean| of values [S], for normal values and for values in two modes; the upper end may be infinite.

    The hull of Vangel's interval and the interval for two modes. For every cut of the seeds in two, the share of the
    lower part has an exact interval (Clopper and Pearson), and a mixture with such a share has a spread. There may also
    be a mode that no seed has shown: at 0, with the largest share that this number of seeds would miss with probability
    (1 - level) / 2. docs/verdicts.md has the error rates of both intervals. Where all are 0, and for one
    value, it is as in `vangel_interval`.
    """
    normal = vangel_interval(values, level)
    array = np.sort(np.asarray(values, dtype=float))
    array = array / unit_of(array)
    if normal.n == 1 or not array.any():
        return normal
    error = (1 - level) / 2
    ordered = array if array.mean() >= 0 else np.sort(-array)
    lows, highs = [normal.low], [normal.high, _unseen(ordered, error)]
    for cut in range(1, normal.n):
        low, high = _two_modes(ordered[:cut], ordered[cut:], error)
        lows.append(low)
        highs.append(high)
    return Interval(normal.value, min(lows), max(highs), normal.n)


def unseen_share(n: int, error: float = 0.025) -> float:
    """The largest share of failures that all n seeds miss with probability `error`."""
    return float(1 - error ** (1 / n))


def seeds_to_see(spread: float, error: float = 0.025) -> int:
    """How many seeds without a failure show that failures at 0 do not bring the relative SD to `spread`.

    A share p of them makes it sqrt(p / (1 - p)). ValueError unless the spread is positive.
    """
    if not spread > 0:
        raise ValueError(f"the spread is {spread}; expected a positive number")
    share = spread**2 / (1 + spread**2)
    return math.ceil(math.log(error) / math.log1p(-share))


def _unseen(values: FloatArray, error: float) -> float:
    """The largest spread if a mode at 0 has been missed."""
    mean, within = float(values.mean()), float(values.var(ddof=1))
    return float(_spread(np.linspace(0.0, unseen_share(len(values), error), SHARES), mean, mean, within).max())


def _two_modes(below: FloatArray, above: FloatArray, error: float) -> tuple[float, float]:
    """The least and the largest spread of a mixture of two modes, given its seeds."""
    k, n = len(below), len(below) + len(above)
    least = float(special.betaincinv(k, n - k + 1, error))
    most = float(special.betaincinv(k + 1, n - k, 1 - error))
    squares = float(((below - below.mean()) ** 2).sum() + ((above - above.mean()) ** 2).sum())
    degrees = max(n - 2, 1)
    narrow = squares / float(special.chdtri(degrees, error))
    high, apart = float(above.mean()), float(above.mean() - below.mean())
    shares = np.linspace(least, most, SHARES)
    return (
        float(_spread(shares, high, apart, narrow).min()),
        float(_spread(shares, high, apart, squares / degrees).max()),
    )


def _spread(shares: FloatArray, high: float, apart: float, within: float) -> FloatArray:
    """SD divided by |mean| of mixtures: a share [P] lies `apart` below the others' mean `high`; infinite at a mean of
    0.
    """
    mean = high - shares * apart
    if mean.min() <= 0 <= mean.max():
        shares, mean = np.append(shares, high / apart if apart else 0.0), np.append(mean, 0.0)
    with np.errstate(divide="ignore"):
        return np.sqrt(shares * (1 - shares) * apart**2 + within) / abs(mean)
