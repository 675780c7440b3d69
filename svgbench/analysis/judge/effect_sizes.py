"""Effect sizes of two samples whose larger values are better: the probability of improvement (A12), Hedges' g."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from svgbench.analysis.judge.resampling import RESAMPLES, Estimate, counts, too_few, with_interval
from svgbench.analysis.judge.statistics import FloatArray, summarise


def vargha_delaney(x: ArrayLike, y: ArrayLike) -> float:
    """A12: the probability that a run of x [S] is better than one of y [S']; a tie counts one half.

    0.5 is no effect. Vargha and Delaney 2000, eq. (1): the statistic of Mann and Whitney over both numbers of runs.
    """
    return float(_wins(x, y).mean())


def hedges_g(x: ArrayLike, y: ArrayLike) -> float:
    """The difference of the means of x [S] and y [S'] in pooled SDs, corrected for few runs.

    Hedges 1981, with the factor 1 - 3 / (4 n - 9) for n runs together. NaN with fewer than two runs on a side, and
    where neither side has any spread.
    """
    a, b = summarise(x), summarise(y)
    if min(a.n, b.n) < 2:
        return math.nan
    pooled = math.hypot(math.sqrt(a.n - 1) * a.sd, math.sqrt(b.n - 1) * b.sd) / math.sqrt(a.n + b.n - 2)
    if pooled == 0:
        return math.nan
    return (a.mean - b.mean) / pooled * (1 - 3 / (4 * (a.n + b.n) - 9))


def probability_of_improvement(x: Mapping[str, ArrayLike], y: Mapping[str, ArrayLike], seed: int = 0) -> Estimate:
    """The mean over tasks of A12 of x over y, with a stratified bootstrap interval; each maps tasks to values [S].

    The ranks are within a task, so that no common scale is needed. Agarwal 2021, section 4.3. n is the number of runs
    of both sides. ValueError unless both have the same tasks.
    """
    if set(x) != set(y) or not x:
        raise ValueError(f"the tasks are {', '.join(sorted(x))} and {', '.join(sorted(y))}; expected the same ones")
    ours = {task: np.sort(np.asarray(x[task], dtype=float)) for task in sorted(x)}
    theirs = {task: np.sort(np.asarray(y[task], dtype=float)) for task in sorted(y)}
    wins = {task: _wins(ours[task], theirs[task]) for task in ours}
    value = float(np.mean([won.mean() for won in wins.values()]))
    n = sum(sum(won.shape) for won in wins.values())
    why = too_few(ours) or too_few(theirs)
    if why:
        return Estimate(value, n=n, why=why)
    rng = np.random.default_rng(seed)
    resampled = np.zeros(RESAMPLES)
    for won in wins.values():  # [S, S']
        of_x, of_y = counts(won.shape[0], RESAMPLES, rng), counts(won.shape[1], RESAMPLES, rng)
        resampled += ((of_x @ won) * of_y).sum(axis=1) / won.size
    return with_interval(value, resampled / len(wins), n)


def _wins(x: ArrayLike, y: ArrayLike) -> FloatArray:
    """Whether each value of x is better than each of y [S, S']: 1, 0, or 0.5 for a tie."""
    a, b = np.asarray(x, dtype=float)[:, None], np.asarray(y, dtype=float)[None, :]
    return np.asarray((a > b) + 0.5 * (a == b))
