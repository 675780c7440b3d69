"""One comparison of a claim on one task, judged from its cells, with failed seeds counted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from svgbench.analysis.judge.absolute import Levels, Ruled, levels_of
from svgbench.analysis.judge.comparison_words import text_of
from svgbench.analysis.judge.counterexamples import by_cases, cases_of
from svgbench.analysis.judge.effects import (
    FEWEST,
    Beside,
    Candidate,
    Effect,
    candidates,
    effect_interval,
    is_of_gain,
    sides,
    spread_effect,
)
from svgbench.analysis.judge.failed_seeds import (
    Read,
    cells_of,
    counted_words,
    floors_of,
    left_open,
    listed,
    lost,
    uncounted,
)
from svgbench.analysis.judge.judgement import Evidence, JudgementRules, PartResult, Unit, with_cause
from svgbench.analysis.judge.relations import clearance, relation_holds
from svgbench.analysis.judge.second import Question, by_medians, guarded, question_of, rates_words, told
from svgbench.analysis.judge.spreads import seeds_to_see, unseen_share, vangel_interval
from svgbench.analysis.judge.statistics import Interval, summarise
from svgbench.analysis.read.measures import Sample, read_sample
from svgbench.analysis.read.naming import RANDOM_VARIANT, name_seeds, printed
from svgbench.words.claims import BestOf, Comparison, OfDistance, Published, RelativeSD, Side
from svgbench.words.values import Scalar, on_task

ROUNDING = 1e-6
"""A relative difference that rounding in single precision may cause."""


@dataclass(frozen=True)
class Place:
    """The place of a verdict: the task, the budget, and the values of the claim's `per` columns."""

    task: str
    budget: str
    setting: Mapping[str, Scalar]


def incomplete(part: Comparison, reason: str) -> PartResult:
    """The result of a comparison that cannot be made yet."""
    unit: Unit = "failed share" if part.scale == "failed_share" else _unit(part)
    return PartResult("", "INCOMPLETE", unit, reason)


def judge_part(evidence: Evidence, part: Comparison, place: Place) -> PartResult:
    """The comparison at one place. INCOMPLETE if a cell lacks rows, INCONCLUSIVE if there is no interval."""
    right = _right_number(evidence, part, place.task)
    blank = replace(
        incomplete(part, ""),
        text=text_of(part, place.task, right),
        published=right if isinstance(part.right, Published) else None,
    )
    read = read_sides(evidence, part, place)
    if isinstance(read, str):
        return replace(blank, reason=read)
    zero = 0.0
    if is_of_gain(part):
        random = evidence.random_level(place.budget, place.task, part.left.measure, place.setting)
        if random is None:
            return replace(blank, reason=f"{RANDOM_VARIANT} has no row of {part.left.measure.label} at all")
        zero = random
    top = _best_there_is(evidence, part, place, read)
    case = _Case(part, read, right, _floors(evidence, place, read, right), evidence.rules, zero, top)
    blank = replace(blank, n=min(sample.n for _, sample in cells_of(read)), lost=lost(read, part.every))
    if not part.every and (why := uncounted(read, evidence.rules.floors)):
        asked = _question(evidence, case, place)
        words = [listed(blank.lost), rates_words(asked) if asked else ""]
        failed = f"failed seeds: {'; '.join(filter(None, words))}"
        return replace(blank, verdict="INCONCLUSIVE", cause="failed", reason=f"{why}; {failed}", lost_words=failed)
    margin, how = _margin(evidence, case, place)
    if margin is None:
        return replace(blank, n=0, reason=how)
    blank = replace(blank, threshold=_threshold(part, margin), margin=_shown(margin, part))
    if part.every and not case.has_a_mean:
        return _without_a_mean(blank, case, margin)
    effect = case.effect(counted=True)
    if isinstance(effect, str):
        return replace(blank, verdict="INCONCLUSIVE", reason=effect)
    levels = levels_of(evidence, part, place.task, place.budget, place.setting)
    return _judged(blank, case, effect, margin, how, levels, _question(evidence, case, place))


@dataclass(frozen=True)
class _Case:
    """A comparison with everything read; `floors`, one a side, are what failed seeds count as."""

    part: Comparison
    read: Sequence[Read]
    right: float | None
    floors: Sequence[float | None]
    rules: JudgementRules
    zero: float  # what a relative SD's mean is counted from
    top: float | None  # a value that no policy betters, of both sides

    def values(self, counted: bool) -> list[list[Candidate]]:
        """The candidates of left and right, with failed seeds at the floor or left out; a number is a constant.

        In a comparison of every problem they are always left out: what has no value is no counterexample.
        """
        counted = counted and not self.part.every
        made: list[list[Candidate]] = [
            [
                tuple(s.counted(math.nan if floor is None else floor) if counted else s.values for s in group)
                for group in read.samples
            ]
            for read, floor in zip(self.read, self.floors, strict=True)
        ]
        if self.right is not None:
            seeds = {seed for candidate in made[0] for values in candidate for seed in values}
            made.append([(dict.fromkeys(sorted(seeds), self.right),)])
        return made

    def effect(self, counted: bool) -> Effect | str:
        left, right = self.values(counted)
        if isinstance(self.part.left, RelativeSD) and self.right is not None:
            return spread_effect(left[0][0], self.zero, self.right, self.rules.level)
        better = self.part.left.measure.higher_is_better
        failed = [[sample.failed for sample, *_ in read.samples] for read in self.read]
        beside = Beside(self.top, failed[0], failed[1] if len(failed) > 1 else ())
        return effect_interval(left, right, self.part.scale, better, self.rules.level, beside)

    def ruled(self, effect: Effect, margin: float, levels: Levels | None) -> Ruled:
        """The word for the effect's interval, after the rules for levels and for spreads."""
        word = relation_holds(effect.interval, self.part.relation, margin)
        if levels is not None:
            return levels.ruled(word, effect.interval, margin)
        if word != "INCONCLUSIVE" and self._has_a_choice and effect.interval.n < FEWEST:
            why = f"too few seeds: a best among several takes {FEWEST}, {word} by intervals of {effect.interval.n}"
            return Ruled("INCONCLUSIVE", "seeds", why)
        if isinstance(self.part.left, RelativeSD) and self.right is not None and word == "INCONCLUSIVE":
            return self._ruled_spread(effect.interval, margin)
        return Ruled(word)

    @property
    def _has_a_choice(self) -> bool:
        """Whether a side is the best of several."""
        return any(len(read.names) > 1 for read in self.read)

    def cases(self) -> tuple[Mapping[int, float], Mapping[int, float]]:
        """Left and right seed by seed. A seed without a number is no case; an infinite number is one."""
        left, *right = ({**sample.values, **sample.infinite} for _, sample in cells_of(self.read))
        return left, right[0] if right else dict.fromkeys(left, self.right or 0.0)

    @property
    def has_a_mean(self) -> bool:
        """Whether its cases have a mean: one infinite case has none."""
        effects = cases_of(*self.cases())
        return bool(effects) and all(map(math.isfinite, effects.values()))

    def by_cases(self, margin: float) -> Ruled | None:
        """The word problem by problem; None for a comparison of means."""
        return by_cases(*self.cases(), self.part.relation, margin) if self.part.every else None

    def left_open(self, found: Ruled, effect: Effect) -> Ruled:
        """The word, or INCONCLUSIVE where it says "not worse" and too many seeds failed to say that."""
        best = effect.left, effect.right
        why = left_open(self.read, best, self.part.relation, found.word, self.rules.floors)
        return Ruled("INCONCLUSIVE", "failed", why) if why else found

    def _ruled_spread(self, effect: Interval, margin: float) -> Ruled:
        """Whether more seeds would decide an undecided spread, which normal values would have decided."""
        (values,) = self.values(counted=True)[0][0]
        right = self.right or 0.0
        normal = vangel_interval([value - self.zero for value in values.values()], self.rules.level)
        alone = Interval(effect.value, normal.low - right, normal.high - right, effect.n)
        word = relation_holds(alone, self.part.relation, margin)
        if word == "INCONCLUSIVE":
            return Ruled(word)
        error, n = (1 - self.rules.level) / 2, effect.n
        if alone.value > 0:
            why = f"two modes that {n} seeds show in these shares by chance would spread less"
        else:
            share, needed = 100 * unseen_share(n, error), seeds_to_see(right, error)
            why = f"{n} seeds can all miss a mode at 0 of up to {share:.0f} % of the runs, to exclude it takes {needed}"
        return Ruled("INCONCLUSIVE", "seeds", f"too few seeds: {word} if they are normal, but {why}")

    def failures(self, n: int, margin: float, levels: Levels | None) -> str:
        """Which seeds failed, the value that they counted as, and the verdict without them."""
        if self.part.every:
            failed = lost(self.read, every=True)
            return f"failed seeds are no cases ({listed(failed)})" if failed else ""
        if not lost(self.read):
            return ""
        reason = f"failed seeds count ({counted_words(self.read, self.floors)})"
        if not all(sample.values for _, sample in cells_of(self.read)):
            reason += ", without them nothing is left"
        elif isinstance(effect := self.effect(counted=False), Effect):
            shown = " to ".join(printed(_shown(x, self.part)) for x in (effect.interval.low, effect.interval.high))
            found = self.ruled(effect, margin, levels)
            reason += f", without them {with_cause(found.word, found.cause)} ({shown})"
        return reason + (": below ten seeds no interval is honest, look at the seeds" if n < 10 else "")

    def best(self, effect: Effect) -> str:
        """The best candidates, if there was a choice."""
        chosen = [
            read.names[index][0]
            for read, index in zip(self.read, (effect.left, effect.right), strict=False)
            if isinstance(read.side, BestOf)
        ]
        return f"; best: {' against '.join(chosen)}" if chosen else ""

    def bounded(self, effect: Effect) -> str:
        """The bounds that determine an end of the interval, besides the seeds' spread: failures of a candidate, the
        task's best.
        """
        said = ""
        for read, found in zip(self.read, (effect.left_bound, effect.right_bound), strict=False):
            if found is not None:
                name = read.names[found.candidate][0]
                if found.bound == "best":
                    said += f"; no policy betters {printed(self.top or 0.0)}, so {name} does not"
                else:
                    said += f"; {name} is apart in {name_seeds(found.failed)}, and no better than its other seeds"
        return said


def _best_there_is(evidence: Evidence, part: Comparison, place: Place, read: Sequence[Read]) -> float | None:
    """An upper bound of any policy's value, if both sides are cells compared by one column.

    It is also None if one of their values exceeds it: an imported cell may have another unit.
    """
    measure = part.left.measure
    if not isinstance(part.right, Side) or part.right.measure.column != measure.column:
        return None
    best = evidence.best(place.task, measure)
    if best is None:
        return None
    values = [value for one in read for group in one.samples for sample in group for value in sample.values.values()]
    slack = ROUNDING * abs(best)
    beyond = any(value > best + slack if measure.higher_is_better else value < best - slack for value in values)
    return None if beyond else best


def _right_number(evidence: Evidence, part: Comparison, task: str) -> float | None:
    if isinstance(part.right, Side):
        return None
    if isinstance(part.right, Published):
        return evidence.published_mean(part.right.row, task)
    return float(on_task(part.right, task))


def read_sides(evidence: Evidence, part: Comparison, place: Place) -> list[Read] | str:
    """Every side with its samples, or the gaps of a cell."""
    read = []
    for side in sides(part):
        samples = _samples(evidence, side, place)
        if isinstance(samples, str):
            return samples
        read.append(Read(side, candidates(side, place.task), samples))
    return read


def _samples(evidence: Evidence, side: Side, place: Place) -> list[tuple[Sample, ...]] | str:
    """The samples of each candidate, or the gaps of a cell."""
    found = []
    for names in candidates(side, place.task):
        group = []
        for name in names:
            cell = evidence.cell(place.budget, place.task, name)
            sample = read_sample(cell, side.measure, place.setting) if cell else Sample({})
            if sample.absent or not sample.n:
                which = f"for {name_seeds(sample.absent)}" if sample.absent else "at all"
                return f"{name} has no row of {side.measure.label} {which}"
            group.append(sample)
        found.append(tuple(group))
    return found


def _floors(evidence: Evidence, place: Place, read: Sequence[Read], number: float | None) -> list[float | None]:
    """What failed seeds count as on each side. A random policy is read only if a seed failed."""
    random: list[float | None] = [None] * len(read)
    if lost(read):
        where = place.budget, place.task
        random = [evidence.random_level(*where, one.side.measure, place.setting) for one in read]
    return floors_of(read, evidence.rules.floors, random, number)


def _margin(evidence: Evidence, case: _Case, place: Place) -> tuple[float | None, str]:
    """The margin of the effect and its derivation; or None, and what is missing."""
    declared = case.part.margin
    if not isinstance(declared, OfDistance):
        return on_task(declared, place.task), ""
    measure = case.part.left.measure
    random = evidence.random_level(place.budget, place.task, measure, place.setting)
    if random is None:
        return None, f"{RANDOM_VARIANT} has no row of {measure.label} at all"
    means = [summarise(list(values.values())).mean for (values,) in case.values(counted=True)[1]]
    reference = max(means) if measure.higher_is_better else min(means)
    share = f"{100 * declared.share:g} % of the distance from {printed(random)} (random) to {printed(reference)}"
    return declared.share * abs(reference - random), f"; the margin is {share}"


def _question(evidence: Evidence, case: _Case, place: Place) -> Question | None:
    """The comparison as `second` asks it; None for a spread, whose own interval is made for two modes, and for a
    comparison of every problem.
    """
    part = case.part
    if isinstance(part.left, RelativeSD) or part.every:
        return None
    where = place.task, place.budget, place.setting
    return question_of(evidence, part, where, case.read, case.values(counted=True), case.right)


def _judged(
    blank: PartResult,
    case: _Case,
    effect: Effect,
    margin: float,
    how: str,
    levels: Levels | None,
    asked: Question | None,
) -> PartResult:
    part, interval = case.part, effect.interval
    value, low, high = (_shown(x, part) for x in (interval.value, interval.low, interval.high))
    needs = f"{part.relation.replace('~', '=')} {printed(_threshold(part, margin))}"
    if part.relation == "~":
        needs = f"from {printed(_shown(-margin, part))} to {printed(_threshold(part, margin))}"
    reason = f"{blank.text}: {blank.unit} {printed(value)} [{printed(low)}, {printed(high)}], needs {needs}"
    if is_of_gain(part):
        reason += f"; the gain is that upon {printed(case.zero)} (random)"
    rule = partial(case.ruled, margin=margin, levels=levels)
    cases = case.by_cases(margin)
    found, robust = cases or rule(effect), None
    if asked is not None:
        found = guarded(asked, case.left_open(found, effect), effect, rule)
        robust = by_medians(asked, rule)
    failures = case.failures(interval.n, margin, levels)
    reason += how + case.best(effect) + case.bounded(effect)
    reason += "".join(f"; {words}" for words in (failures, found.reason) if words)
    reason += f"; {told(robust)}" if robust else ""
    return replace(
        blank,
        robust=robust,
        lost_words=failures,
        verdict=found.word,
        cause=found.cause,
        why="" if cases and cases.word != "REFUTED" else found.reason,
        exact=cases is not None and cases.word != "INCONCLUSIVE",
        reason=reason + ("; one seed has no spread" if interval.n == 1 else ""),
        n=interval.n,
        value=value,
        low=low,
        high=high,
        clearance=clearance(part.relation, margin, interval),
    )


def _without_a_mean(blank: PartResult, case: _Case, margin: float) -> PartResult:
    """The result of a comparison of every problem without a case, or with an infinite one: cases have no mean then."""
    found, failures = case.by_cases(margin) or Ruled("INCONCLUSIVE"), case.failures(0, margin, None)
    words = "; ".join(filter(None, [blank.text, failures, found.reason]))
    return replace(
        blank,
        verdict=found.word,
        why=found.reason if found.word == "REFUTED" else "",
        exact=found.word != "INCONCLUSIVE",
        reason=words,
        lost_words=failures,
        n=len(cases_of(*case.cases())),
        clearance=math.inf,
    )


def _threshold(part: Comparison, margin: float) -> float:
    return _shown(0.0 - margin if part.relation in ("<", ">~") else margin, part)


def _unit(part: Comparison) -> Unit:
    return "ratio" if part.scale == "log_ratio" else "difference"


def _shown(effect: float, part: Comparison) -> float:
    """An effect in the reported unit: a log ratio becomes a ratio."""
    if part.scale == "difference":
        return effect
    return math.exp(effect) if effect < 700 else math.inf
