"""Two samples that share their seeds: tests of the differences, seed by seed.

The same seed has the same initial weights and the same noise on both sides, so their difference often varies far less
than either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from scipy import special

from svgbench.analysis.judge.statistics import Welch, interval_of, summarise


def paired_seeds(a: Mapping[int, float], b: Mapping[int, float], shared: bool) -> list[int]:
    """The common seeds that pair two samples, increasing; none if Welch's test applies.

    That is the case if another program measured one of them (`shared` is false: the same seed means nothing on both
    sides), or if fewer than two seeds are common.
    """
    both = sorted(a.keys() & b.keys()) if shared else []
    return both if len(both) >= 2 else []


def paired(differences: Sequence[float], level: float = 0.95) -> Welch:
    """Student's test that the mean of differences [S] is 0, two-sided, and its interval.

    As in `welch`: one seed gives no test (p 1, interval (-inf, inf), df 0), and differences that are all equal give a
    point, and p 1 or 0. ValueError without seeds.
    """
    summary = summarise(differences)
    interval = interval_of(summary, level)
    if summary.n == 1:
        return Welch(summary.mean, interval.low, interval.high, 1.0, 0.0)
    df = summary.n - 1.0
    if summary.sd == 0:
        return Welch(summary.mean, summary.mean, summary.mean, float(summary.mean == 0), df)
    p = 2 * float(special.stdtr(df, -abs(summary.mean) / (summary.sd / math.sqrt(summary.n))))
    return Welch(summary.mean, interval.low, interval.high, p, df)


def paired_tost(differences: Sequence[float], margin: float) -> float:
    """p of two one-sided tests that the mean of differences [S] lies within +-margin: the larger of the two.

    p is 1 with one seed, and 0 or 1 where the differences are all equal. ValueError for a negative margin.
    """
    if margin < 0:
        raise ValueError(f"margin is {margin}; expected a number that is not negative")
    summary = summarise(differences)
    if summary.n < 2:
        return 1.0
    if summary.sd == 0:
        return float(abs(summary.mean) >= margin)
    error = summary.sd / math.sqrt(summary.n)
    return float(special.stdtr(summary.n - 1.0, (abs(summary.mean) - margin) / error))
