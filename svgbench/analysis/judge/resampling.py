"""Stratified bootstrap: the runs of each task are resampled within it, all resamples at once.

Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical precipice", section 4. The numbers are
sorted before anything is drawn, so that neither the order of seeds nor that of tasks changes a digit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from svgbench.analysis.judge.statistics import FloatArray, stratified_draws

RESAMPLES = 2000
LEVEL = 0.95
FEWEST_RUNS = 5
"""With fewer runs of a task, a bootstrap interval misses the truth too often, and none is given."""


@dataclass(frozen=True)
class Estimate:
    """A statistic of n runs, its 95 % interval, or the reason `why` there is none."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0
    why: str = ""


class Stratified:
    """The runs of one variant by task, and its resamples."""

    def __init__(self, values_by_task: Mapping[str, ArrayLike], seed: int = 0) -> None:
        self.runs = {task: np.asarray(values, dtype=float) for task, values in values_by_task.items()}
        self.pooled: FloatArray = np.concatenate([np.sort(self.runs[task]) for task in sorted(self.runs)])  # [N]
        self.refused = too_few(self.runs)
        self._seed = seed
        self._drawn: FloatArray | None = None

    @property
    def drawn(self) -> FloatArray:
        """The pooled runs, resampled [R, N]."""
        if self._drawn is None:
            self._drawn = stratified_draws(self.runs, RESAMPLES, self._seed)
        return self._drawn

    def estimate(self, statistic: Callable[[FloatArray], FloatArray]) -> Estimate:
        """A statistic [..., N] -> [...] with its percentile interval."""
        value, n = float(statistic(self.pooled)), len(self.pooled)
        if self.refused:
            return Estimate(value, n=n, why=self.refused)
        return with_interval(value, statistic(self.drawn), n)


def too_few(runs: Mapping[str, FloatArray]) -> str:
    """Why no bootstrap interval is given for these runs; "" if it is."""
    fewest = min(len(values) for values in runs.values())
    return f"no interval below {FEWEST_RUNS} runs a task (n = {fewest})" if fewest < FEWEST_RUNS else ""


def with_interval(value: float, resampled: FloatArray, n: int) -> Estimate:
    """An estimate with the percentile interval of its resamples [R]; none if the resamples are all the same."""
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    if low == high:
        return Estimate(value, n=n, why="every resample gives the same value")
    return Estimate(value, float(low), float(high), n)


def counts(n: int, resamples: int, rng: np.random.Generator) -> FloatArray:
    """How often each of n runs is drawn in every resample [R, n]."""
    drawn = rng.integers(n, size=(resamples, n)) + n * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * n).reshape(resamples, n).astype(float)
