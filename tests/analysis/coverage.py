"""How often the 95 % intervals of aggregates hold the truth: `python tests/analysis/coverage.py` prints a table.

Each task's runs come from one distribution, so that the truth is the statistic of that distribution. The numbers stand
in docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from svgbench.analysis.judge import resampling
from svgbench.analysis.judge.effect_sizes import probability_of_improvement
from svgbench.analysis.judge.resampling import Stratified
from svgbench.analysis.judge.statistics import interquartile_mean

REPETITIONS = 1000
RUNS, TASKS = (3, 5, 10, 20), (1, 3, 6)
Draw = Callable[[np.random.Generator, int], np.ndarray]


def normal(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.normal(0.6, 0.2, n)


def failing(rng: np.random.Generator, n: int) -> np.ndarray:
    """A fifth of the runs learn nothing."""
    return np.where(rng.random(n) < 0.2, rng.normal(0.0, 0.02, n), rng.normal(0.8, 0.1, n))


def main() -> None:
    resampling.FEWEST_RUNS = 2  # to see why fewer than five runs are refused
    for name, draw in (("normal", normal), ("a fifth fails", failing)):
        for runs in RUNS:
            rates = [_rates(draw, runs, tasks) for tasks in TASKS]
            print(name, runs, " ".join(f"{100 * iqm:.1f}/{100 * better:.1f}" for iqm, better in rates), flush=True)


def _rates(draw: Draw, runs: int, tasks: int) -> tuple[float, float]:
    """The coverage of the interquartile mean, and of the probability of improvement of equal methods."""
    rng = np.random.default_rng(1)
    truth = float(interquartile_mean(draw(rng, 10**6)))
    held = np.zeros(2)
    for _ in range(REPETITIONS):
        x, y = ({f"{t}": draw(rng, runs) for t in range(tasks)} for _ in range(2))
        for place, (found, true) in enumerate(
            ((Stratified(x).estimate(interquartile_mean), truth), (probability_of_improvement(x, y), 0.5))
        ):
            low, high = (found.low, found.high) if found.low is not None else (found.value, found.value)
            held[place] += low <= true <= (high if high is not None else found.value)
    iqm, better = held / REPETITIONS
    return float(iqm), float(better)


if __name__ == "__main__":
    main()
