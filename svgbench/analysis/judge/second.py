"""The second look at a comparison: may its interval decide at all, and what do medians say?

Student's intervals miss the mean of seeds in two modes, and of skewed seeds, more often than they say (`coverage`). A
verdict that rests on such an end stays only if an interval for such seeds decides the same. Where the seeds of a cell
split into two modes, the comparison gets a second verdict by medians and ranks beside the one by means.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

import numpy as np

from svgbench.analysis.judge.absolute import Ruled
from svgbench.analysis.judge.cell_statistics import Spread, below_level, spread_of
from svgbench.analysis.judge.coverage import MOST_MISSED, NORMAL, NUMBER, End, covered, skewed_kind
from svgbench.analysis.judge.effects import Candidate, Effect, Values, effect_of
from svgbench.analysis.judge.failed_seeds import Read
from svgbench.analysis.judge.judgement import Evidence, Robust, with_cause
from svgbench.analysis.judge.modes import LEFT, failing
from svgbench.analysis.judge.rates import MOST, rates_test, seeds_needed
from svgbench.analysis.judge.robust import (
    FEWEST_RANKED,
    difference,
    median_interval,
    shift_interval,
    skewed_interval,
    skewness,
    two_mode_interval,
)
from svgbench.analysis.judge.seed_kinds import Kind, kinds_of, worst_of
from svgbench.analysis.judge.statistics import Interval, interval_of, summarise
from svgbench.analysis.read.naming import RANDOM_VARIANT, printed
from svgbench.words.claims import Comparison
from svgbench.words.values import Scalar

ENDS: dict[tuple[str, str], tuple[End, ...]] = {
    ("<", "SUPPORTED"): ("high",),
    (">", "SUPPORTED"): ("low",),
    ("~", "SUPPORTED"): ("low", "high"),
    ("<~", "SUPPORTED"): ("high",),
    (">~", "SUPPORTED"): ("low",),
    ("<", "REFUTED"): ("low",),
    (">", "REFUTED"): ("high",),
    ("<~", "REFUTED"): ("low",),
    (">~", "REFUTED"): ("high",),
}
"""The ends of an interval on which a word rests; of "~", REFUTED rests on the end that is nearer to 0."""

FOR_MODES, FOR_SKEWED = "two modes, where they are seen", "Hall's, where skewness is seen"
"""The simulated intervals for such seeds."""

MOST_CELLS = 6
"""Most cells with two modes that a reason describes; the best of many settings may have dozens."""

Rule = Callable[[Effect], Ruled]


@dataclass(frozen=True)
class Split:
    """One side: its candidates with failed seeds counted, and each one's cells, by name, with their seeds' modes."""

    candidates: Sequence[Candidate]
    names: Sequence[tuple[str, ...]]
    spreads: Sequence[tuple[Spread, ...]]

    @property
    def split(self) -> bool:
        """Whether the seeds of a cell have two modes."""
        return any(spread.lower for group in self.spreads for spread in group)


@dataclass(frozen=True)
class Question:
    """A comparison of two sides, or of one side with a number (`right` is then None, `number` the number)."""

    left: Split
    right: Split | None
    number: float
    relation: str
    scale: Literal["difference", "log_ratio"]
    higher_is_better: bool
    level: float
    declared: bool = False  # whether failure is a declared level on this task

    @cached_property
    def splits(self) -> bool:
        """Whether the seeds of a cell have two modes that matter here.

        Where no level of failure is declared, a seed that is apart on both sides may not be in their difference. So the
        differences of two cells that share their seeds are asked then.
        """
        if not (self.left.split or (self.right is not None and self.right.split)):
            return False
        if self.declared or self.right is None or max(len(self.left.candidates), len(self.right.candidates)) > 1:
            return True
        effects = dict(enumerate(_paired(self)))
        return len(effects) < LEFT + 1 or bool(failing(effects) or failing(effects, higher_is_better=False))


def question_of(
    evidence: Evidence,
    part: Comparison,
    place: tuple[str, str, Mapping[str, Scalar]],
    read: Sequence[Read],
    values: Sequence[Sequence[Candidate]],
    number: float | None = None,
) -> Question:
    """The comparison at a task, budget and setting, from the candidates of each side with failed seeds counted; if it
    is with a number, from those of the left side and the `number`.
    """
    made = [_side(evidence, place, one, own) for one, own in zip(read, values, strict=False)]
    right, less = (made[1], 0.0) if number is None else (None, number)
    better = part.left.measure.higher_is_better
    declared = evidence.experiment.failure_on(place[0]) is not None
    scale: Literal["difference", "log_ratio"] = "log_ratio" if part.scale == "log_ratio" else "difference"
    return Question(made[0], right, less, part.relation, scale, better, evidence.rules.level, declared)


def _side(
    evidence: Evidence, place: tuple[str, str, Mapping[str, Scalar]], read: Read, candidates: Sequence[Candidate]
) -> Split:
    """One side, with its seeds' modes.

    A random policy has one mode, and so has a measure of which more is neither better nor worse.
    """
    measure = read.side.measure
    task, budget, where = place
    groups = []
    for group, samples in zip(read.names, read.samples, strict=True):
        spreads = []
        for name, sample in zip(group, samples, strict=True):
            cell = evidence.cell(budget, task, name)
            if cell is None or not measure.ranked or name == RANDOM_VARIANT:
                spreads.append(Spread(math.nan, (), sample.n))
                continue
            if not sample.values:
                spreads.append(Spread(math.nan, sample.failed, sample.n))
                continue
            below = below_level(evidence.experiment, task, cell)
            spread = spread_of(sample, measure.higher_is_better, 0.0, below)
            if spread.apart or (below is None and spread.lower):
                spread = spread_of(sample, measure.higher_is_better, evidence.span(budget, task, measure, where), below)
            spreads.append(spread)
        groups.append(tuple(spreads))
    return Split(candidates, read.names, groups)


def guarded(asked: Question, found: Ruled, effect: Effect, rule: Rule) -> Ruled:
    """The word of an effect, or INCONCLUSIVE (coverage) if its interval misses too often on seeds of such a kind.

    The word stays if the interval for such seeds gives it too.
    """
    if found.word not in ("SUPPORTED", "REFUTED"):
        return found
    lefts, rights = len(asked.left.candidates), 1 if asked.right is None else len(asked.right.candidates)
    n = effect.interval.n
    kinds = [kind for i in range(lefts) for j in range(rights) for kind in _kinds(asked, i, j, n)]
    worst = worst_of(kinds, _ends(asked.relation, found.word, effect.interval))
    if worst is None:
        return found
    kind, end = worst
    held = 100 * covered("t", kind.data, kind.against, kind.n)
    why = f"t-intervals hold the truth in {held:.0f} % of cases on such seeds ({kind.named})"
    wide = _wide(asked)
    again = Ruled("INCONCLUSIVE") if wide is None else rule(wide)
    made = "two modes" if asked.splits else "skewed seeds"
    beyond = kind.missed(FOR_MODES if asked.splits else FOR_SKEWED, end)
    if again.word == found.word and beyond <= MOST_MISSED:
        return found
    shown = ""
    if wide is not None and math.isfinite(wide.interval.low) and math.isfinite(wide.interval.high):
        ends = (_shown(x, asked.scale) for x in (wide.interval.low, wide.interval.high))
        shown = f" ({' to '.join(map(printed, ends))})"
    other = f"the interval for {made} is open{shown}"
    if again.word == found.word:
        other = f"the interval for {made}{shown} misses too often too, on so few"
    return Ruled("INCONCLUSIVE", "coverage", f"{found.word} by means, but {why}; {other}")


def by_medians(asked: Question, rule: Rule) -> Robust | None:
    """The second verdict where seeds split into two modes, by ranks; None where they do not."""
    if not asked.splits:
        return None
    rows = [[_ranked(asked, x, y) for y in _others(asked)] for x in _numbers(asked.left, asked.scale)]
    modes, rates = _modes(asked), rates_words(asked)
    if any(pair is None for row in rows for pair in row):
        return Robust(
            "INCONCLUSIVE", math.nan, math.nan, math.nan, 0, modes, rates, "", "a ratio needs positive numbers"
        )
    effect = effect_of([[pair for pair in row if pair] for row in rows], asked.higher_is_better, asked.level)
    found = rule(effect)
    if not (math.isfinite(effect.interval.low) or math.isfinite(effect.interval.high)):
        least = FEWEST_RANKED if asked.right is not None else FEWEST_RANKED + 1
        found = Ruled("INCONCLUSIVE", "seeds", f"ranks decide nothing with {effect.interval.n} seeds, {least} at least")
    value, low, high = (
        _shown(x, asked.scale) for x in (effect.interval.value, effect.interval.low, effect.interval.high)
    )
    return Robust(found.word, value, low, high, effect.interval.n, modes, rates, found.cause, found.reason)


def told(robust: Robust) -> str:
    """The second verdict in words: the cells with two modes, the verdict by medians, and the shares that failed."""
    word = with_cause(robust.verdict, robust.cause)
    ends = "" if math.isnan(robust.low) else f" {printed(robust.value)} [{printed(robust.low)}, {printed(robust.high)}]"
    left = len(robust.modes) - MOST_CELLS
    more = [f"and {left} more cells (modes in --json)"] if left > 0 else []
    modes = "; ".join([*robust.modes[:MOST_CELLS], *more])
    return "; ".join(filter(None, [f"two modes: {modes}", f"by medians {word}{ends}", robust.why, robust.rates]))


def _ends(relation: str, word: str, interval: Interval) -> tuple[End, ...]:
    if (relation, word) == ("~", "REFUTED"):
        return ("low",) if interval.value > 0 else ("high",)
    return ENDS[relation, word]


def _kinds(asked: Question, i: int, j: int, n: int) -> list[Kind]:
    """The simulated kinds of both sides' seeds for one pair of candidates. Skewness is looked for only where each side
    has one candidate and no seed is in a second mode.
    """
    if not asked.splits:
        several = len(asked.left.candidates) > 1 or (asked.right is not None and len(asked.right.candidates) > 1)
        kind = NORMAL if several else skewed_kind(skewness(_paired(asked)))
        return [Kind(kind, NUMBER, n, named=kind)]
    plus, minus = [*asked.left.spreads[i][:1]], [*asked.left.spreads[i][1:]]
    if asked.right is not None:
        plus, minus = [*plus, *asked.right.spreads[j][1:]], [*minus, *asked.right.spreads[j][:1]]
    one_side = asked.right is None and len(asked.left.spreads[i]) == 1
    return kinds_of(plus, None if one_side else minus, n, asked.higher_is_better)


def _wide(asked: Question) -> Effect | None:
    """The effect by the intervals for seeds in two modes, or for skewed seeds; None if there is none."""
    if not asked.splits:
        effects = _paired(asked)
        return effect_of([[partial(skewed_interval, effects)]], asked.higher_is_better, asked.level)
    lefts = _means(asked.left, asked.scale)
    rights = [_constant(_scaled_number(asked))] if asked.right is None else _means(asked.right, asked.scale)
    if any(side is None for side in (*lefts, *rights)):
        return None

    rows = [[_less(x, y) for y in rights if y is not None] for x in lefts if x is not None]
    return effect_of(rows, asked.higher_is_better, asked.level)


def _means(side: Split, scale: str) -> list[Callable[[float], Interval] | None]:
    """The intervals of each candidate's mean, for two modes where its seeds show them."""
    made: list[Callable[[float], Interval] | None] = []
    for candidate, spreads in zip(side.candidates, side.spreads, strict=True):
        cells = [_scaled(values, scale) for values in candidate]
        if any(cell is None for cell in cells):
            made.append(None)
            continue
        parts = [_mean(cell, spread) for cell, spread in zip(cells, spreads, strict=True) if cell is not None]
        made.append(parts[0] if len(parts) == 1 else _less(parts[0], parts[1]))
    return made


def _less(x: Callable[[float], Interval], y: Callable[[float], Interval]) -> Callable[[float], Interval]:
    return lambda level: difference(x(level), y(level))


def _mean(values: Values, spread: Spread) -> Callable[[float], Interval]:
    if 0 < len(spread.lower) < len(values):
        return partial(two_mode_interval, values, spread.lower)
    return partial(interval_of, summarise(list(values.values())))


def _constant(x: float) -> Callable[[float], Interval]:
    return lambda level: Interval(x, x, x, 10**6)


def _numbers(side: Split, scale: str) -> list[list[float] | None]:
    """Each candidate's number per seed, on the scale; None where a ratio needs positive numbers."""
    made = [_by_seed(candidate, scale) for candidate in side.candidates]
    return [None if own is None else list(own.values()) for own in made]


def _others(asked: Question) -> list[list[float] | None]:
    """The numbers of the right side; of a number an empty list."""
    return [[]] if asked.right is None else _numbers(asked.right, asked.scale)


def _ranked(asked: Question, x: list[float] | None, y: list[float] | None) -> Callable[[float], Interval] | None:
    if x is None or y is None:
        return None
    if asked.right is None:
        return partial(median_interval, [value - _scaled_number(asked) for value in x])
    return partial(shift_interval, x, y)


def _paired(asked: Question) -> list[float]:
    """The effects of the seeds that both sides have, of the first candidates; [] where there is no pair."""
    lefts = _by_seed(asked.left.candidates[0], asked.scale) or {}
    if asked.right is None:
        return [value - _scaled_number(asked) for value in lefts.values()]
    rights = _by_seed(asked.right.candidates[0], asked.scale) or {}
    return [lefts[seed] - rights[seed] for seed in sorted(lefts.keys() & rights.keys())]


def _by_seed(candidate: Candidate, scale: str) -> dict[int, float] | None:
    """A candidate's number of each seed that all its cells have; None where a ratio needs positive numbers."""
    first, *rest = (_scaled(values, scale) for values in candidate)
    others = [cell for cell in rest if cell is not None]
    if first is None or len(others) < len(rest):
        return None
    seeds = set(first).intersection(*others)
    return {seed: first[seed] - sum(cell[seed] for cell in others) for seed in sorted(seeds)}


def _scaled(values: Values, scale: str) -> Mapping[int, float] | None:
    if scale == "difference":
        return values
    return {seed: math.log(x) for seed, x in values.items()} if min(values.values()) > 0 else None


def _scaled_number(asked: Question) -> float:
    return math.log(asked.number) if asked.scale == "log_ratio" else asked.number


def _shown(effect: float, scale: str) -> float:
    if scale == "difference" or math.isnan(effect):
        return effect
    return math.exp(effect) if effect < 700 else math.inf


def _cells(asked: Question) -> list[tuple[str, Values, Spread]]:
    """Every cell of the comparison: its name, values and modes."""
    found: list[tuple[str, Values, Spread]] = []
    for side in (asked.left, asked.right):
        for group in zip(side.names, side.candidates, side.spreads, strict=True) if side is not None else ():
            found += zip(*group, strict=True)
    return found


def _modes(asked: Question) -> tuple[str, ...]:
    """The cells with two modes: mean, median, and how many seeds failed."""
    told = []
    for name, values, spread in _cells(asked):
        if spread.lower:
            mean, median = np.mean(list(values.values())), spread.median
            told.append(f"{name} has mean {printed(float(mean))}, median {printed(median)}, {spread.words}")
    return tuple(dict.fromkeys(told))


def rates_words(asked: Question) -> str:
    """The shares that failed on both sides by Fisher's exact test, and how many seeds would tell them apart.

    Only where two single cells are compared, or two changes: then their smaller cells. A random policy does not fail.
    """
    if not asked.declared or asked.right is None or len(asked.left.candidates) > 1 or len(asked.right.candidates) > 1:
        return ""
    if RANDOM_VARIANT in (asked.left.names[0][0], asked.right.names[0][0]):
        return ""
    x, y = asked.left.spreads[0][0], asked.right.spreads[0][0]
    if not (x.failed or y.failed):
        return ""
    k, m = len(x.failed), len(y.failed)
    p = rates_test(k, x.n, m, y.n)
    said = f"{k} of {x.n} against {m} of {y.n} failed: exact p {printed(p)}"
    if p <= 1 - asked.level or k / x.n == m / y.n:
        return said
    needed = seeds_needed(k / x.n, m / y.n)
    many = f"more than {MOST}" if needed > MOST else f"about {needed}"
    return f"{said}; to tell such shares apart takes {many} seeds a side (power 80 %)"
