"""The effect of one comparison on one task: the cells it reads, and the interval of left minus right.

Cells are paired by seed where all have the seed, and the mean of the effect has a t-interval at every n: over three
to thirty seeds it covers better than a bootstrap. Without a common seed the two sides are compared by Welch.
The interval of a best mean is made of those, candidate by candidate (`effect_interval`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from svgbench.analysis.judgement import RANDOM_VARIANT, number
from svgbench.analysis.statistics import Interval, interval_of, relative_sd_interval, summarise, welch
from svgbench.lab.experiment import BestOf, Change, Comparison, OfDistance, RelativeSD, Side, on_task

Values = Mapping[int, float]
"""A number per seed."""

Candidate = tuple[Values, ...]
"""A mean, or with two entries the mean of the first less that of the second."""


@dataclass(frozen=True)
class Effect:
    """An effect with its interval, and which candidates of left and right were the best."""

    interval: Interval
    left: int = 0
    right: int = 0


def sides(part: Comparison) -> list[Side]:
    """Left, and right where it is not a number."""
    return [part.left, part.right] if isinstance(part.right, Side) else [part.left]


def candidates(side: Side, task: str) -> list[tuple[str, ...]]:
    """The variants behind each candidate of a side, in the order of `Candidate`; only `BestOf` has several."""
    match side:
        case BestOf(variants=variants):
            return [(variant,) for variant in variants]
        case Change(before=before, after=after):
            return [(after, before)]
        case _:
            return [(on_task(side.variant, task),)]


def is_of_gain(part: Comparison) -> bool:
    """Whether the left side is counted from a random policy's mean."""
    return isinstance(part.left, RelativeSD) and part.left.of_gain


def variants_of(parts: Sequence[Comparison], task: str) -> list[str]:
    """Every variant that the comparisons read on a task, each once."""
    found = []
    for part in parts:
        found += [v for side in sides(part) for candidate in candidates(side, task) for v in candidate]
        found += [RANDOM_VARIANT] if is_of_gain(part) or isinstance(part.margin, OfDistance) else []
    return list(dict.fromkeys(found))


def effect_interval(
    left: Sequence[Candidate], right: Sequence[Candidate], scale: str, higher_is_better: bool, level: float
) -> Effect | str:
    """The best of left minus the best of right, or why there is no interval.

    Every pair of candidates has its own interval; with one on each side that is all. The largest of I means is above
    the largest of J if one of the I is above all of the J: the lower end is the largest over I of the least over J
    of the pairs' lower ends. Choosing among I can be wrong in I ways, so these are at error (1 - level) / I
    (Bonferroni); the J need no correction, for all of them must hold (intersection-union). The upper end is the
    mirror image. `value`, the difference of the best means, is not corrected: see docs/verdicts.md on its bias.
    """
    seeds = sorted(set.intersection(*(set(values) for candidate in (*left, *right) for values in candidate)))
    pairs: list[list[Callable[[float], Interval]]] = []
    for a in left:
        pairs.append([])
        for b in right:
            pair = _paired(a, b, seeds, scale) if seeds else _unpaired(a, b, scale)
            if isinstance(pair, str):
                return pair
            pairs[-1].append(pair)
    if not higher_is_better:  # the least of I is below the least of J if one of the J is above all of the I
        pairs = [list(column) for column in zip(*pairs, strict=True)]
    rows, columns = len(pairs), len(pairs[0])
    lows = [[pair(1 - (1 - level) / rows) for pair in row] for row in pairs]
    highs = [[pair(1 - (1 - level) / columns) for pair in row] for row in pairs]
    low = max(min(x.low for x in row) for row in lows)
    high = min(max(row[j].high for row in highs) for j in range(columns))
    i = max(range(rows), key=lambda i: min(x.value for x in lows[i]))
    j = min(range(columns), key=lambda j: lows[i][j].value)
    interval = Interval(lows[i][j].value, low, high, min(x.n for row in lows for x in row))
    return Effect(interval, i, j) if higher_is_better else Effect(interval, j, i)


def spread_effect(values: Values, zero: float, threshold: float, level: float) -> Effect | str:
    """The relative SD of the values above `zero` minus a number."""
    if len(values) == 1:
        return "one seed has no spread"
    spread = relative_sd_interval([value - zero for value in values.values()], level)
    low, high = spread.low - threshold, spread.high - threshold
    return Effect(Interval(spread.value - threshold, low, high, spread.n))


def _paired(a: Candidate, b: Candidate, seeds: Sequence[int], scale: str) -> Callable[[float], Interval] | str:
    effects = []
    for seed in seeds:
        plus, minus = _signed([values[seed] for values in a], [values[seed] for values in b])
        if scale == "difference" or not any((*plus, *minus)):
            effects.append(sum(plus) - sum(minus))
        elif min(*plus, *minus) <= 0:
            found = " against ".join(number(values[seed]) for values in (*a, *b))
            return f"seed {seed} has {found}: a ratio needs positive numbers"
        else:
            effects.append(sum(map(math.log, plus)) - sum(map(math.log, minus)))
    summary = summarise(effects)
    return lambda level: interval_of(summary, level)


def _signed(a: Sequence[float], b: Sequence[float]) -> tuple[list[float], list[float]]:
    """a[0] - a[1] - (b[0] - b[1]) as what is added and what is subtracted; the second entries may be absent."""
    return [a[0], *b[1:]], [b[0], *a[1:]]


def _unpaired(a: Candidate, b: Candidate, scale: str) -> Callable[[float], Interval] | str:
    if len(a) + len(b) > 2:
        return "no seed is common to all of its cells"
    left, right = list(a[0].values()), list(b[0].values())
    if scale == "log_ratio":
        if min(left + right) <= 0:
            return f"the least value is {number(min(left + right))}: a ratio needs positive numbers"
        left, right = [math.log(x) for x in left], [math.log(y) for y in right]
    n = min(len(left), len(right))
    one, other = summarise(left), summarise(right)

    def interval(level: float) -> Interval:
        test = welch(one, other, level)
        return Interval(test.difference, test.low, test.high, n)

    return interval
