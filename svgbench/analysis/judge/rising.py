"""Claims that a difference rises from task to task: "the gap increases as the environments increase in complexity".

Returns of different tasks have no common unit. So each task's difference is divided by the distance from the random
policy's mean to the better of both sides' means, which is taken as exact: 1 is a rival that does not learn, 0 is no
gap. The tasks' seeds are independent of each other, so that the interval of a rise is made of the tasks' own intervals
(Zou and Donner 2008, "Construction of confidence limits about effect measures: a general approach", MOVER).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from svgbench.analysis.judge.comparisons import Place
from svgbench.analysis.judge.effects import Effect, effect_interval
from svgbench.analysis.judge.judgement import Evidence, PartResult
from svgbench.analysis.judge.relations import clearance, relation_holds
from svgbench.analysis.judge.statistics import Interval, summarise
from svgbench.analysis.read.measures import Sample, read_sample, worst
from svgbench.analysis.read.naming import RANDOM_VARIANT, printed
from svgbench.words.claims import Comparison, Term
from svgbench.words.values import on_task


def rise(before: Interval, after: Interval) -> Interval:
    """after - before, for two independent estimates with intervals at one level."""
    value = after.value - before.value
    low = value - math.hypot(after.value - after.low, before.high - before.value)
    high = value + math.hypot(after.high - after.value, before.value - before.low)
    return Interval(value, low, high, min(before.n, after.n))


def rising_part(evidence: Evidence, part: Comparison, tasks: Sequence[str], budget: str) -> PartResult:
    """Whether the part's difference, as a share, is larger on each task than on the task before it.

    All pairs of neighbours must rise, so no pair's interval is widened (intersection-union). The result is that of the
    first pair that is refuted, else of the first that is undecided, else of the one nearest to no rise.
    """
    blank = PartResult(f"{_name(part.left)} less {_name(part.right)}", "INCOMPLETE", "share", "", threshold=0.0)
    found = []
    for task in tasks:
        share = _share(evidence, part, Place(task, budget, {}))
        if isinstance(share, str):
            return replace(blank, verdict="INCONCLUSIVE", reason=f"{task}: {share}")
        found.append(share)
    listed = ", ".join(f"{task} {printed(x.value)}" for task, x in zip(tasks, found, strict=True))
    results = []
    for (one, before), (other, after) in pairwise(zip(tasks, found, strict=True)):
        step = rise(before, after)
        said = f"{printed(step.value)} [{printed(step.low)}, {printed(step.high)}]"
        results.append(
            replace(
                blank,
                verdict=relation_holds(step, ">", 0.0),
                reason=f"{blank.text}, as a share of the distance from a random policy: {listed}; "
                f"from {one} to {other} {said}, needs > 0",
                n=step.n,
                value=step.value,
                low=step.low,
                high=step.high,
                clearance=clearance(">", 0.0, step),
            )
        )
    for word in ("REFUTED", "INCONCLUSIVE"):
        for result in results:
            if result.verdict == word:
                return result
    return min(results, key=lambda result: result.clearance)


def _share(evidence: Evidence, part: Comparison, place: Place) -> Interval | str:
    """The difference on one task as a share, with its interval; or why there is none."""
    random = evidence.random_level(place.budget, place.task, part.left.measure)
    samples = [_sample(evidence, side, place) for side in (part.left, part.right)]
    if random is None or not all(sample.values for sample in samples):
        return f"{RANDOM_VARIANT} or a side has no finite value"
    better = part.left.measure.higher_is_better
    floor = worst([x for sample in samples for x in sample.values.values()], better)
    values = [sample.counted(math.nan if floor is None else floor) for sample in samples]
    effect = effect_interval([(values[0],)], [(values[1],)], "difference", better, evidence.rules.level)
    means = [summarise(list(one.values())).mean for one in values]
    distance = abs((max(means) if better else min(means)) - random)
    if not isinstance(effect, Effect) or distance == 0:
        return effect if isinstance(effect, str) else "neither side's mean differs from the random policy's"
    x = effect.interval
    return Interval(x.value / distance, x.low / distance, x.high / distance, x.n)


def _sample(evidence: Evidence, side: object, place: Place) -> Sample:
    """The measure of one side's cell on a task."""
    if not isinstance(side, Term):
        raise TypeError(f"a side of a rising claim is {side!r}; expected the mean of one variant")
    cell = evidence.cell(place.budget, place.task, on_task(side.variant, place.task))
    return Sample({}) if cell is None else read_sample(cell, side.measure)


def _name(side: object) -> str:
    return str(side.variant) if isinstance(side, Term) else str(side)
