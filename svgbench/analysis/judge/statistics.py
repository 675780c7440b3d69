"""Statistics as pure functions of arrays and of summary numbers; drawing and judging compute nothing.

scipy does quantiles, Welch's test and the one-sample bootstrap. The interquartile mean, the stratified
bootstrap, two one-sided tests and Holm's correction are ours, and a golden file made with statsmodels and
scipy checks them (`tests/analysis/golden.py`).

For the mean of a cell use `t_interval`: with three to thirty seeds it covers better than a bootstrap of the
same seeds. Bootstrap intervals are for aggregates that have no t-interval, such as the interquartile mean
over tasks. `S` is the axis of seeds, `T` of time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, SupportsFloat

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

SPREAD_KINDS = ("sd", "se", "ci95", "unknown")
"""Kinds of a published spread."""

LARGE = 1e100
"""Larger values, and values whose largest is below its inverse, are scaled before they are squared."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Summary:
    """Mean, sample standard deviation (ddof=1; NaN for n=1) and number of seeds."""

    mean: float
    sd: float
    n: int


@dataclass(frozen=True)
class Interval:
    """An estimate, its interval, and the number of values behind it."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Welch:
    """a - b with its interval, the two-sided p, and Welch's degrees of freedom."""

    difference: float
    low: float
    high: float
    p: float
    df: float


@dataclass(frozen=True)
class Band:
    """A curve over T steps: mean, pointwise interval and the number of seeds behind each step, all [T]."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray
    n: NDArray[np.int64]


def unit_of(values: ArrayLike) -> float:
    """A power of two to divide values by before they are squared: 1 unless squares could leave the range of a float.

    Statistics are then multiplied by it again. Dividing by a power of two changes no digit. A result that is itself
    beyond the range becomes infinite.
    """
    array = np.abs(np.asarray(values, dtype=float))
    largest = float(np.max(array, initial=0.0, where=np.isfinite(array)))
    if largest == 0 or 1 / LARGE < largest < LARGE:
        return 1.0
    return math.ldexp(1.0, max(min(math.frexp(largest)[1], 1023), -1021))


def summarise(values: ArrayLike) -> Summary:
    """Mean, SD and n of values [S].

    Sums are exact, so that the order of the seeds cannot change a digit. ValueError on an empty array.
    """
    numbers = _one_dimension(values).tolist()
    n = len(numbers)
    if len(set(numbers)) == 1:
        return Summary(numbers[0], 0.0 if n > 1 else math.nan, n)
    unit = unit_of(numbers)
    if unit != 1.0:
        found = summarise([x / unit for x in numbers])
        return Summary(found.mean * unit, found.sd * unit, n)
    mean = math.fsum(numbers) / n
    return Summary(mean, math.sqrt(math.fsum((x - mean) ** 2 for x in numbers) / (n - 1)), n)


def t_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Student's interval for the mean of values [S].

    One value says nothing about spread: its interval is (-inf, inf). Values that are all equal have no
    spread: the interval is the point itself.
    """
    return interval_of(summarise(values), level)


def interval_of(summary: Summary, level: float = 0.95) -> Interval:
    """`t_interval` from summary numbers."""
    if summary.n == 1:
        return Interval(summary.mean, -math.inf, math.inf, 1)
    half = summary.sd / math.sqrt(summary.n) * float(special.stdtrit(summary.n - 1, (1 + level) / 2))
    return Interval(summary.mean, summary.mean - half, summary.mean + half, summary.n)


def welch(a: Summary, b: Summary, level: float = 0.95) -> Welch:
    """Welch's test of equal means, two-sided, and the interval of the difference a - b.

    With fewer than two values on a side there is no test: p is 1, the interval (-inf, inf), df 0. Without any
    spread on either side the difference is exact: the interval is a point, and p is 1 or 0.
    """
    difference = a.mean - b.mean
    if min(a.n, b.n) < 2:
        return Welch(difference, -math.inf, math.inf, 1.0, 0.0)
    if a.sd == b.sd == 0:
        return Welch(difference, difference, difference, float(difference == 0), a.n + b.n - 2.0)
    p = float(stats.ttest_ind_from_stats(*_six(*_in_units(a, b)[0]), equal_var=False).pvalue)
    scale = max(a.sd, b.sd)  # squares of tiny or huge SDs must not leave the range of a float
    va, vb = (a.sd / scale) ** 2 / a.n, (b.sd / scale) ** 2 / b.n
    df = (va + vb) ** 2 / (va**2 / (a.n - 1) + vb**2 / (b.n - 1))
    half = scale * math.sqrt(va + vb) * float(special.stdtrit(df, (1 + level) / 2))
    return Welch(difference, difference - half, difference + half, p, df)


def tost(a: Summary, b: Summary, margin: float) -> float:
    """p of two one-sided Welch tests that the means differ by less than `margin`: the larger of the two.

    p is 1 with fewer than two values on a side, and 0 or 1 where neither side has any spread. ValueError for
    a negative margin. Lakens 2017.
    """
    if margin < 0:
        raise ValueError(f"margin is {margin}; expected a number that is not negative")
    if min(a.n, b.n) < 2:
        return 1.0
    if a.sd == b.sd == 0:
        return float(abs(a.mean - b.mean) >= margin)
    (a, b), unit = _in_units(a, b)
    margin /= unit
    above = stats.ttest_ind_from_stats(
        a.mean + margin, a.sd, a.n, b.mean, b.sd, b.n, equal_var=False, alternative="greater"
    )
    below = stats.ttest_ind_from_stats(
        a.mean - margin, a.sd, a.n, b.mean, b.sd, b.n, equal_var=False, alternative="less"
    )
    return float(max(above.pvalue, below.pvalue))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values, in the order given. ValueError for a p outside [0, 1] or NaN."""
    p = np.asarray(p_values, dtype=float)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"p-values are {list(p_values)}; expected numbers between 0 and 1")
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    adjusted = np.empty_like(p)
    adjusted[order] = stepped
    return [float(x) for x in adjusted]


def interquartile_mean(values: ArrayLike) -> FloatArray:
    """Mean of the middle half along the last axis: [..., N] -> [...].

    floor(N / 4) values are cut at either end, as scipy's `trim_mean(values, 0.25)` does.
    """
    ordered = np.sort(np.asarray(values, dtype=float), axis=-1)
    n = ordered.shape[-1]
    return np.asarray(ordered[..., n // 4 : n - n // 4].mean(axis=-1))


def stratified_bootstrap_interval(
    values_by_task: Mapping[str, ArrayLike],
    statistic: Callable[[FloatArray], FloatArray],
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Percentile interval of `statistic` over all tasks' values; each task's seeds are resampled within it.

    `values_by_task` maps a task to its (normalised) values [S]; S may differ between tasks. `statistic` takes
    [..., N], N being all tasks' values together, to [...]. The order of the tasks and of their seeds does not
    matter. `seed` is the whole randomness. Agarwal 2021. ValueError without tasks, or for an empty one.
    """
    if not values_by_task:
        raise ValueError("no task was given; expected at least one")
    drawn = stratified_draws(values_by_task, resamples, seed)
    low, high = np.quantile(statistic(drawn), [(1 - level) / 2, (1 + level) / 2])
    whole = np.concatenate([np.sort(_one_dimension(values_by_task[task])) for task in sorted(values_by_task)])
    return Interval(float(statistic(whole)), float(low), float(high), len(whole))


def stratified_draws(values_by_task: Mapping[str, ArrayLike], resamples: int, seed: int = 0) -> FloatArray:
    """All tasks' values, each task's [S] resampled within it: [R, N], N being the number of all values.

    The values are sorted first and the tasks are taken by name, so that the order of neither changes a draw.
    """
    rng = np.random.default_rng(seed)
    tasks = [np.sort(_one_dimension(values_by_task[task])) for task in sorted(values_by_task)]
    drawn = [values[rng.integers(len(values), size=(resamples, len(values)))] for values in tasks]
    return np.concatenate(drawn, axis=-1)


def bootstrap_interval(
    values: ArrayLike,
    statistic: Callable[..., FloatArray] = np.mean,
    method: Literal["BCa", "percentile"] = "BCa",
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """scipy's bootstrap interval of `statistic`, which takes values [..., S] and `axis`.

    One value gives (-inf, inf), equal values a point, as in `t_interval`.
    """
    ordered = np.sort(_one_dimension(values))
    n = len(ordered)
    if n == 1 or ordered[0] == ordered[-1]:
        value = float(ordered[0])
        return Interval(value, *((-math.inf, math.inf) if n == 1 else (value, value)), n)
    low, high = stats.bootstrap(
        (ordered,),
        statistic,
        n_resamples=resamples,
        confidence_level=level,
        method=method,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(float(statistic(ordered, axis=-1)), float(low), float(high), n)


def to_sd(spread: SupportsFloat, kind: str, n: int) -> tuple[float, ...]:
    """The standard deviations between seeds that a published spread can mean.

    One for "sd", "se" (standard error) and "ci95" (half the width of a 95 % t-interval); for "unknown" two:
    as if it were an SD, and as if it were an SE. ValueError for another kind, or for n < 2 where n is needed.
    """
    number = float(spread)
    if kind not in SPREAD_KINDS:
        raise ValueError(f"spread kind is {kind!r}; expected one of {', '.join(SPREAD_KINDS)}")
    if kind == "sd":
        return (number,)
    if n < 2:
        raise ValueError(f"n is {n}; a spread of kind {kind!r} needs at least 2")
    as_se = number * math.sqrt(n)
    if kind == "ci95":
        return (as_se / float(special.stdtrit(n - 1, 0.975)),)
    return (as_se,) if kind == "se" else (number, as_se)


def seed_grid(
    seeds: ArrayLike, steps: ArrayLike, values: ArrayLike
) -> tuple[NDArray[np.generic], NDArray[np.generic], FloatArray]:
    """Rows (seed, step, value), each [R], as seeds [S], steps [T] and values [S, T].

    The grid is every step that a seed has; NaN where another has none. Nothing is interpolated. ValueError
    where a seed has two values at one step.
    """
    unique_seeds, row = np.unique(np.asarray(seeds), return_inverse=True)
    unique_steps, column = np.unique(np.asarray(steps), return_inverse=True)
    flat = row * len(unique_steps) + column
    if len(np.unique(flat)) < len(flat):
        raise ValueError("a seed has two values at one step; select by the other columns first")
    grid = np.full((len(unique_seeds), len(unique_steps)), np.nan)
    grid[row, column] = np.asarray(values, dtype=float)
    return unique_seeds, unique_steps, grid


def curve_band(values: ArrayLike, level: float = 0.95) -> Band:
    """Mean and pointwise t-interval of curves [S, T] on a common grid of steps.

    A step uses the seeds that have a value there, and `n` is their number. Print it: the seeds that remain after a
    divergence are the lucky ones. NaN is never filled from neighbours. Without values the mean is NaN; with one value
    the interval is.
    """
    array = np.asarray(values, dtype=float)
    if array.ndim != 2:
        raise ValueError(f"values have shape {array.shape}; expected [S, T]")
    unit = unit_of(array)
    if unit != 1.0:
        found = curve_band(array / unit, level)
        with np.errstate(over="ignore"):
            return Band(found.mean * unit, found.low * unit, found.high * unit, found.n)
    there = ~np.isnan(array)
    n = there.sum(axis=0)
    some, several = np.maximum(n, 1), np.maximum(n, 2)
    mean = np.where(n > 0, np.where(there, array, 0.0).sum(axis=0) / some, np.nan)
    squares = (np.where(there, array - mean, 0.0) ** 2).sum(axis=0)
    standard_error = np.sqrt(squares / (several - 1) / several)
    half = np.where(n > 1, standard_error * special.stdtrit(several - 1, (1 + level) / 2), np.nan)
    return Band(mean, mean - half, mean + half, n)


def _one_dimension(values: ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"values have shape {array.shape}; expected [S] with at least one value")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"values are {array.tolist()}; expected finite numbers: count failures first")
    return array


def _in_units(a: Summary, b: Summary) -> tuple[tuple[Summary, Summary], float]:
    """Both summaries, divided by a common unit whose squares a float can hold; and the unit."""
    unit = unit_of([a.mean, a.sd, b.mean, b.sd])
    return (Summary(a.mean / unit, a.sd / unit, a.n), Summary(b.mean / unit, b.sd / unit, b.n)), unit


def _six(a: Summary, b: Summary) -> tuple[float, float, int, float, float, int]:
    return a.mean, a.sd, a.n, b.mean, b.sd, b.n
