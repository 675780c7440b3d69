"""Claims that a difference rises from task to task: "the gap increases as the environments increase in complexity".

Returns of different tasks have no common unit. So each task's difference is divided by the distance from the random
policy's mean to the better of both sides' means, which is taken as exact: 1 is a rival that does not learn, 0 is no
gap. The tasks' seeds are independent of each other, so that the interval of a rise is made of the tasks' own intervals
(Zou and Donner 2008, "Construction of confidence limits about effect measures: a general approach", MOVER).

A word that rests on an end of a task's interval which misses too often on seeds of that kind stays only if the interval
for such seeds gives it too (`second.guarded`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from svgbench.analysis.judge.absolute import Ruled
from svgbench.analysis.judge.comparisons import Place, read_sides
from svgbench.analysis.judge.effects import Effect, effect_interval
from svgbench.analysis.judge.failed_seeds import cells_of, counted_words, floors_of, too_many, uncounted
from svgbench.analysis.judge.judgement import Evidence, PartResult, with_cause
from svgbench.analysis.judge.relations import clearance, relation_holds
from svgbench.analysis.judge.second import Question, guarded, question_of
from svgbench.analysis.judge.statistics import Interval, interval_of, summarise
from svgbench.analysis.read.naming import RANDOM_VARIANT, printed
from svgbench.words.claims import Comparison, Term


@dataclass(frozen=True)
class _Gap:
    """A task's difference, in the measure's unit, and the `distance` that makes it a share. `failed` names its failed
    seeds and what they count as; the others say why so many of a side's seeds failed that its mean may be lower than it
    looks.
    """

    task: str
    effect: Effect
    distance: float
    asked: Question
    failed: str
    left_open: str
    right_open: str

    def share(self, effect: Effect) -> Interval:
        """An effect on this task as a share."""
        x = effect.interval
        return Interval(x.value / self.distance, x.low / self.distance, x.high / self.distance, x.n)


def rise(before: Interval, after: Interval) -> Interval:
    """after - before, for two independent estimates with intervals at one level."""
    value = after.value - before.value
    low = value - math.hypot(after.value - after.low, before.high - before.value)
    high = value + math.hypot(after.high - after.value, before.value - before.low)
    return Interval(value, low, high, min(before.n, after.n))


def rising_part(evidence: Evidence, part: Comparison, tasks: Sequence[str], budget: str) -> PartResult:
    """Whether the part's difference, as a share, is larger on each task than on the task before it.

    All pairs of neighbours must rise, so no pair's interval is widened (intersection-union). The result is that of the
    first pair that is refuted, else of the first that is undecided, else of the one nearest to no rise. A task without
    a share leaves its pairs undecided. Failed seeds count as in other claims (`failed_seeds`). INCOMPLETE if a cell
    lacks rows.
    """
    found = _rising(evidence, part, tasks, budget, counted=True)
    if not found.lost_words:
        return found
    alone = _rising(evidence, part, tasks, budget, counted=False)
    failed = f"failed seeds count ({found.lost_words}), without them {with_cause(alone.verdict, alone.cause)}"
    return replace(found, reason=f"{found.reason}; {failed}", lost_words=failed)


def _rising(evidence: Evidence, part: Comparison, tasks: Sequence[str], budget: str, counted: bool) -> PartResult:
    """The result with failed seeds counted, or left out; `lost_words` has the failed seeds."""
    blank = PartResult(f"{_name(part.left)} less {_name(part.right)}", "INCOMPLETE", "share", "", threshold=0.0)
    found = {task: _gap(evidence, part, Place(task, budget, {}), counted) for task in tasks}
    open_ = [
        replace(blank, verdict=gap.word, cause=gap.cause, reason=f"{task}: {gap.reason}")
        for task, gap in found.items()
        if isinstance(gap, Ruled)
    ]
    if lacking := [result for result in open_ if result.verdict == "INCOMPLETE"]:
        return lacking[0]
    known = [gap for gap in found.values() if isinstance(gap, _Gap)]
    listed = ", ".join(f"{gap.task} {printed(gap.share(gap.effect).value)}" for gap in known)
    text = f"{blank.text}, as a share of the distance from a random policy: {listed}"
    blank = replace(blank, reason=text, lost_words=", ".join(filter(None, (gap.failed for gap in known))))
    steps = [
        _step(blank, before, after)
        for before, after in pairwise(found.values())
        if isinstance(before, _Gap) and isinstance(after, _Gap)
    ]
    results = [result for result in steps if result.verdict == "REFUTED"] or open_ or steps
    for result in results:
        if result.verdict != "SUPPORTED":
            return result
    return min(results, key=lambda result: result.clearance)


def _step(blank: PartResult, before: _Gap, after: _Gap) -> PartResult:
    """Whether the share rises from one task to the next.

    Whoever says that it does not takes for granted that the left side is not worse before, nor the right side after,
    than it looks.
    """

    def ruled(first: Effect, second: Effect) -> Ruled:
        return Ruled(relation_holds(rise(before.share(first), after.share(second)), ">", 0.0))

    step = rise(before.share(before.effect), after.share(after.effect))
    found = ruled(before.effect, after.effect)
    if found.word == "REFUTED" and (why := before.left_open or after.right_open):
        found = Ruled("INCONCLUSIVE", "failed", f"REFUTED if they counted as the worst value seen, but {why}")
    found = guarded(after.asked, found, after.effect, lambda effect: ruled(before.effect, effect))
    opposite = replace(before.asked, relation="<")  # of the task before, the other end counts
    found = guarded(opposite, found, before.effect, lambda effect: ruled(effect, after.effect))
    said = f"{printed(step.value)} [{printed(step.low)}, {printed(step.high)}]"
    reason = f"{blank.reason}; from {before.task} to {after.task} {said}, needs > 0"
    return replace(
        blank,
        verdict=found.word,
        cause=found.cause,
        why=found.reason,
        reason="; ".join(filter(None, (reason, found.reason))),
        n=step.n,
        value=step.value,
        low=step.low,
        high=step.high,
        clearance=clearance(">", 0.0, step),
    )


def _gap(evidence: Evidence, part: Comparison, place: Place, counted: bool) -> _Gap | Ruled:
    """The difference on one task; or the word, where there is none."""
    measure, rules = part.left.measure, evidence.rules
    random = evidence.random_level(place.budget, place.task, measure)
    if random is None:
        return Ruled("INCONCLUSIVE", reason=f"{RANDOM_VARIANT} has no finite value")
    read = read_sides(evidence, part, place)
    if isinstance(read, str):
        return Ruled("INCOMPLETE", reason=read)
    if why := uncounted(read, rules.floors):
        return Ruled("INCONCLUSIVE", "failed", why)
    floors = floors_of(read, rules.floors, [random, random], None)
    samples = [one.samples[0][0] for one in read]
    left, right = (
        sample.counted(math.nan if floor is None else floor) if counted else sample.values
        for sample, floor in zip(samples, floors, strict=True)
    )
    if not (left and right):
        return Ruled("INCONCLUSIVE", reason="nothing is left")
    effect = effect_interval([(left,)], [(right,)], part.scale, measure.higher_is_better, rules.level)
    if not isinstance(effect, Effect):
        return Ruled("INCONCLUSIVE", reason=effect)
    sign = 1.0 if measure.higher_is_better else -1.0
    best = max((summarise([sign * x for x in one.values()]) for one in (left, right)), key=lambda one: one.mean)
    distance = best.mean - sign * random
    if distance <= 0:
        return Ruled("INCONCLUSIVE", reason="neither side's mean is better than the random policy's")
    if interval_of(best, rules.level).low <= sign * random:
        why = "that the better side betters the random policy is not sure, and without a distance there is no share"
        return Ruled("INCONCLUSIVE", reason=why)
    declared = measure.label in rules.floors
    opened = ["" if declared else too_many(sample, f" of {name}") for name, sample in cells_of(read)]
    told = [counted_words([one], [floor]) for one, floor in zip(read, floors, strict=True)]
    failed = f"{place.task}: {', '.join(filter(None, told))}" if any(told) else ""
    asked = question_of(evidence, part, (place.task, place.budget, place.setting), read, [[(left,)], [(right,)]])
    return _Gap(place.task, effect, distance, asked, failed, opened[0], opened[1])


def _name(side: object) -> str:
    if not isinstance(side, Term):
        raise TypeError(f"a side of a rising claim is {side!r}; expected the mean of one variant")
    return str(side.variant)
