"""Performance profiles: the share of runs whose score is above each level, with a pointwise interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from svgbench.analysis.judge.resampling import LEVEL, RESAMPLES, Stratified, counts
from svgbench.analysis.judge.statistics import FloatArray

POINTS = 51


@dataclass(frozen=True)
class Profile:
    """Shares [K] of one variant's runs with a score above each of the `levels` [K]. Agarwal 2021, section 4.2.

    Without an interval (`low` and `high` are None) `why` has the reason.
    """

    variant: str
    levels: FloatArray
    shares: FloatArray
    low: FloatArray | None
    high: FloatArray | None
    n: int
    why: str = ""


def profiles_of(scored: Mapping[str, Mapping[str, ArrayLike]]) -> tuple[Profile, ...]:
    """The profiles of all variants on the same levels, from their scores by task [S]; the tasks are pooled."""
    runs = {variant: Stratified(scores) for variant, scores in scored.items()}
    if not runs:
        return ()
    pooled = np.concatenate([one.pooled for one in runs.values()])
    levels = levels_for(float(pooled.min()), float(pooled.max()))
    return tuple(profile_on(variant, one, levels) for variant, one in runs.items())


def levels_for(low: float, high: float) -> FloatArray:
    """`POINTS` levels from at most `low` to at least `high`, rounded outwards to a hundredth of their distance."""
    unit = 10.0 ** (math.floor(math.log10(high - low)) - 1) if high > low else max(abs(high), 1.0) / 100
    return np.linspace(math.floor(low / unit) * unit, math.ceil(high / unit) * unit, POINTS)


def shares_above(scores: FloatArray, levels: FloatArray) -> FloatArray:
    """The share of scores [N] above each of the levels [K]."""
    return np.asarray((scores[:, None] > levels).mean(axis=0))


def profile_on(variant: str, runs: Stratified, levels: FloatArray) -> Profile:
    """The profile of one variant on the given levels [K]."""
    shares, n = shares_above(runs.pooled, levels), len(runs.pooled)
    if runs.refused:
        return Profile(variant, levels, shares, None, None, n, runs.refused)
    rng = np.random.default_rng(0)
    above = {task: np.sort(values)[:, None] > levels for task, values in sorted(runs.runs.items())}  # [S, K]
    resampled = sum(counts(len(over), RESAMPLES, rng) @ over for over in above.values()) / n  # [R, K]
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Profile(variant, levels, shares, low, high, n)
