"""The effect of one comparison on one task: the cells it reads, and the interval of left minus right.

Cells are paired by seed where all have the seed, and the mean of the effect has a t-interval at every n: over three
to thirty seeds it covers better than a bootstrap. Without a common seed the two sides are compared by Welch.
Failures that widen an interval are bounded in `bounds`. The interval of a best mean is made of those of all pairs,
candidate by candidate (`effect_interval`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from svgbench.analysis.judge.bounds import Bound, Known, Seeds, least_difference
from svgbench.analysis.judge.spreads import relative_sd_interval
from svgbench.analysis.judge.statistics import Interval, interval_of, summarise, welch
from svgbench.analysis.read.naming import RANDOM_VARIANT, printed
from svgbench.words.claims import BestOf, Change, Claim, Comparison, OfDistance, RelativeSD, Side
from svgbench.words.values import on_task

FEWEST = 4
"""Least number of seeds for the best of several; with three seeds, intervals err too often if seeds fail."""

Values = Mapping[int, float]
"""A number per seed."""

Candidate = tuple[Values, ...]
"""A mean; with two entries, the first mean minus the second."""


@dataclass(frozen=True)
class Beside:
    """Knowledge besides the values of both sides' candidates.

    `best` is an upper bound of any policy's value; `left_failed` and `right_failed` are, by candidate, the seeds known
    to have failed, whatever their counted value.
    """

    best: float | None = None
    left_failed: Sequence[Collection[int]] = ()
    right_failed: Sequence[Collection[int]] = ()


NOTHING = Beside()


@dataclass(frozen=True)
class Bounded:
    """Which candidate of a side was bounded, by what, and the seeds that failed."""

    candidate: int
    bound: Bound
    failed: tuple[int, ...]


@dataclass(frozen=True)
class Effect:
    """An effect with its interval, and which candidates of left and right were the best.

    `left_bound` and `right_bound` say how a candidate of a side was bounded, if that determines an end of the interval.
    """

    interval: Interval
    left: int = 0
    right: int = 0
    left_bound: Bounded | None = None
    right_bound: Bounded | None = None


def sides(part: Comparison) -> list[Side]:
    """Left, and right if it is not a number."""
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


def variants_of_claim(claim: Claim, task: str) -> list[str]:
    """Every variant that a claim reads on a task, each once."""
    return list(dict.fromkeys([*variants_of(claim.parts, task), *([RANDOM_VARIANT] if claim.rising else [])]))


def effect_interval(
    left: Sequence[Candidate],
    right: Sequence[Candidate],
    scale: str,
    higher_is_better: bool,
    level: float,
    beside: Beside = NOTHING,
) -> Effect | str:
    """The best of left minus the best of right, or the reason why there is no interval.

    Every pair of candidates has its own interval; with one on each side that is all. The largest of I means is above
    the largest of J if one of the I is above all of the J: the lower end is the largest over I of the least over J
    of the pairs' lower ends. Choosing among I can be wrong in I ways, so these are at error (1 - level) / I
    (Bonferroni); the J need no correction, for all of them must hold (intersection-union). The upper end is the
    mirror image. `value`, the difference of the best means, is not corrected: see docs/verdicts.md on its bias.
    """
    seeds = sorted(set.intersection(*(set(values) for candidate in (*left, *right) for values in candidate)))
    pairs: list[list[_Pair]] = []
    sign = 1.0 if higher_is_better else -1.0
    lefts = _seeds_of(left, beside.left_failed, beside.best, seeds, scale, sign)
    rights = _seeds_of(right, beside.right_failed, beside.best, seeds, scale, sign)
    for a, x in zip(left, lefts, strict=True):
        pairs.append([])
        for b, y in zip(right, rights, strict=True):
            pair = _paired(a, b, seeds, scale) if seeds else _unpaired(a, b, scale)
            if isinstance(pair, str):
                return pair
            pairs[-1].append(_Pair(pair, x, y) if higher_is_better else _Pair(pair, y, x))
    return _of_pairs(pairs, higher_is_better, level)


def effect_of(
    intervals: Sequence[Sequence[Callable[[float], Interval]]], higher_is_better: bool, level: float
) -> Effect:
    """The same from the intervals of all pairs [I][J] of candidates, each a function of the level, without bounds."""
    nothing = Seeds({})
    pairs = [[_Pair(interval, nothing, nothing) for interval in row] for row in intervals]
    return _of_pairs(pairs, higher_is_better, level)


def _of_pairs(pairs: list[list[_Pair]], higher_is_better: bool, level: float) -> Effect:
    if not higher_is_better:  # the least of I is below the least of J if one of the J is above all of the I
        pairs = [list(column) for column in zip(*pairs, strict=True)]
    effect = _best_of_pairs(pairs, level)
    if higher_is_better:
        return effect
    return replace(
        effect, left=effect.right, right=effect.left, left_bound=effect.right_bound, right_bound=effect.left_bound
    )


def spread_effect(values: Values, zero: float, threshold: float, level: float) -> Effect | str:
    """The relative SD of the values above `zero` minus a number."""
    if len(values) == 1:
        return "one seed has no spread"
    gains = [value - zero for value in values.values()]
    if not any(gains):
        return f"each seed has {printed(zero)}, so that the spread is 0 / 0"
    spread = relative_sd_interval(gains, level)
    low, high = spread.low - threshold, spread.high - threshold
    return Effect(Interval(spread.value - threshold, low, high, spread.n))


@dataclass(frozen=True)
class _Pair:
    """The interval of one candidate minus another at a level, and the seeds whose means bound its ends.

    An effect is `more` minus `less`; larger values are better. Each end has half of the interval's error rate, and its
    bounds half of that in addition.
    """

    interval: Callable[[float], Interval]
    more: Seeds
    less: Seeds

    def low(self, error: float) -> Known:
        bound = least_difference(self.more, self.less, error / 4)
        return max(Known(self.interval(1 - error).low), bound, key=lambda known: known.value)

    def high(self, error: float) -> Known:
        bound = least_difference(self.less, self.more, error / 4).negated()
        return min(Known(self.interval(1 - error).high), bound, key=lambda known: known.value)


def _best_of_pairs(pairs: Sequence[Sequence[_Pair]], level: float) -> Effect:
    rows, columns = len(pairs), len(pairs[0])
    plain = [[pair.interval(level) for pair in row] for row in pairs]
    lows = [[pair.low((1 - level) / rows) for pair in row] for row in pairs]
    highs = [[pair.high((1 - level) / columns) for pair in row] for row in pairs]
    weakest = [_lowest(row) for row in lows]
    low_i = _highest([row[j] for row, j in zip(lows, weakest, strict=True)])
    leaders = [_highest([row[j] for row in highs]) for j in range(columns)]
    high_j = _lowest([highs[i][j] for j, i in enumerate(leaders)])
    low, high = lows[low_i][weakest[low_i]], highs[leaders[high_j]][high_j]
    i = max(range(rows), key=lambda i: min(x.value for x in plain[i]))
    j = min(range(columns), key=lambda j: plain[i][j].value)
    return Effect(
        Interval(plain[i][j].value, low.value, high.value, min(x.n for row in plain for x in row)),
        i,
        j,
        left_bound=Bounded(leaders[high_j], high.bound, high.failed) if high.bound else None,
        right_bound=Bounded(weakest[low_i], low.bound, low.failed) if low.bound else None,
    )


def _lowest(ends: Sequence[Known]) -> int:
    return min(range(len(ends)), key=lambda place: ends[place].value)


def _highest(ends: Sequence[Known]) -> int:
    return max(range(len(ends)), key=lambda place: ends[place].value)


def _seeds_of(
    side: Sequence[Candidate],
    failed: Sequence[Collection[int]],
    best: float | None,
    seeds: Sequence[int],
    scale: str,
    sign: float,
) -> list[Seeds]:
    """The compared values of each candidate's seeds on the scale, larger is better; empty for a change."""
    top = None if best is None else _scaled(best, scale, sign)
    made = []
    for place, candidate in enumerate(side):
        scaled = {seed: _scaled(candidate[0][seed], scale, sign) for seed in (seeds or candidate[0])}
        values = {seed: x for seed, x in scaled.items() if x is not None}
        whole = len(candidate) == 1 and len(values) == len(scaled)
        made.append(Seeds(values if whole else {}, failed[place] if failed else (), top if whole else None))
    return made


def _scaled(value: float, scale: str, sign: float) -> float | None:
    if scale == "difference":
        return sign * value
    return sign * math.log(value) if value > 0 else None


def _paired(a: Candidate, b: Candidate, seeds: Sequence[int], scale: str) -> Callable[[float], Interval] | str:
    effects = []
    for seed in seeds:
        plus, minus = _signed([values[seed] for values in a], [values[seed] for values in b])
        if scale == "difference" or not any((*plus, *minus)):
            effects.append(sum(plus) - sum(minus))
        elif min(*plus, *minus) <= 0:
            found = " against ".join(printed(values[seed]) for values in (*a, *b))
            return f"seed {seed} has {found}: a ratio needs positive numbers"
        else:
            effects.append(sum(map(math.log, plus)) - sum(map(math.log, minus)))
    summary = summarise(effects)
    return lambda level: interval_of(summary, level)


def _signed(a: Sequence[float], b: Sequence[float]) -> tuple[list[float], list[float]]:
    """a[0] - a[1] - (b[0] - b[1]) as the added and the subtracted terms; the second entries may be absent."""
    return [a[0], *b[1:]], [b[0], *a[1:]]


def _unpaired(a: Candidate, b: Candidate, scale: str) -> Callable[[float], Interval] | str:
    if len(a) + len(b) > 2:
        return "no seed is common to all of its cells"
    left, right = list(a[0].values()), list(b[0].values())
    if scale == "log_ratio":
        if min(left + right) <= 0:
            return f"the least value is {printed(min(left + right))}: a ratio needs positive numbers"
        left, right = [math.log(x) for x in left], [math.log(y) for y in right]
    n = min(len(left), len(right))
    one, other = summarise(left), summarise(right)

    def interval(level: float) -> Interval:
        test = welch(one, other, level)
        return Interval(test.difference, test.low, test.high, n)

    return interval
