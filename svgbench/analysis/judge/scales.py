"""One scale for the scores of several tasks: 0 is a random policy, 1 a level that is named.

Scores of different tasks have no common unit, so that a mean over tasks needs a scale. Nothing is guessed: without the
runs of a random policy there is no scale, and the reason is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from svgbench.analysis.judge.statistics import FloatArray, summarise
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import read_sample
from svgbench.analysis.read.naming import RANDOM_VARIANT, printed
from svgbench.paper_tables.words import PublishedTable
from svgbench.words.claims import Measure
from svgbench.words.experiment import TaskSpec

Ends = tuple[float, float]
"""The values of a measure that become 0 and 1."""


@dataclass(frozen=True)
class Scale:
    """How values become scores: (value - zero) / (one - zero), with a pair `ends` for each task.

    `one` says in words what 1 is. Without `ends` there is no scale, for the reason `refused`.
    """

    ends: Mapping[str, Ends] = field(default_factory=dict)
    one: str = ""
    refused: str = ""

    def score(self, task: str, values: FloatArray) -> FloatArray:
        """Values [S] of one task as scores [S]. KeyError for a task without ends."""
        zero, one = self.ends[task]
        return (values - zero) / (one - zero)

    @property
    def words(self) -> str:
        return self.refused or f"0 is the random policy's mean, 1 {self.one}"


def scale_of(
    results: Results, measure: Measure, tasks: Sequence[str], published: PublishedTable | None = None
) -> Scale:
    """The scale of a measure over tasks: from a random policy's mean to a level that all the tasks have.

    The levels are tried in this order: the best number that the paper prints for the task (only for the experiment's
    first measure), an upper bound of the task, the best mean of these results. Refused without runs of the variant
    "random" on a task, for a measure without a better and a worse, and where no level is better than random.
    """
    if not measure.ranked:
        return Scale(refused=f"more of {measure.label} is neither better nor worse")
    zeros = {task: _random(results, measure, task) for task in tasks}
    lacking = [task for task, zero in zeros.items() if zero is None]
    if lacking:
        if RANDOM_VARIANT not in {variant.id for variant in results.experiment.variants}:
            return Scale(refused="the experiment has no random policy, so that its tasks have no common zero")
        return Scale(refused=f"the random policy is not measured on {', '.join(lacking)} at {results.budget}")
    specs = [spec for spec in results.experiment.tasks if spec.id in set(tasks)]
    problems = []
    for words, level in _levels(results, measure, published):
        ones = {spec.id: level(spec) for spec in specs}
        ends = {task: (zero, ones[task]) for task, zero in zeros.items() if zero is not None}
        bad = [task for task, (zero, one) in ends.items() if one is None or not _better(one, zero, measure)]
        if not bad:
            return Scale({task: (zero, one) for task, (zero, one) in ends.items() if one is not None}, words)
        known = [f"{printed(one)} on {task}" for task in bad if (one := ones[task]) is not None]
        problems += [f"{words} ({', '.join(known)})"] if known else []
    return Scale(refused=f"no level is better than a random policy on every task: {'; '.join(problems)}")


Level = Callable[[TaskSpec], float | None]


def _levels(results: Results, measure: Measure, published: PublishedTable | None) -> list[tuple[str, Level]]:
    """What 1 may be, in words and as a function of the task."""
    first = measure is results.experiment.measures[0]
    found: list[tuple[str, Level]] = []
    if first and published is not None:
        found.append(("the paper's best number on the task", lambda spec: _best_printed(published, spec, measure)))
    found.append(("the best value that the task allows", lambda spec: spec.best.get(measure.column)))
    found.append(("the best mean measured here", lambda spec: _best_mean(results, measure, spec.id)))
    return found


def _random(results: Results, measure: Measure, task: str) -> float | None:
    return _mean(results, measure, (task, RANDOM_VARIANT))


def _mean(results: Results, measure: Measure, key: tuple[str, str]) -> float | None:
    cell = results.cells.get(key)
    if cell is None or not len(cell.frame):
        return None
    values = list(read_sample(cell, measure).values.values())
    return summarise(values).mean if values else None


def _best_mean(results: Results, measure: Measure, task: str) -> float | None:
    keys = [key for key in results.cells if key[0] == task and key[1] != RANDOM_VARIANT]
    means = [mean for key in keys if (mean := _mean(results, measure, key)) is not None]
    return (max if measure.higher_is_better else min)(means, default=None)


def _best_printed(published: PublishedTable, spec: TaskSpec, measure: Measure) -> float | None:
    if spec.published is None:
        return None
    numbers = [published.get(row, spec.published) for row in published.rows]
    values = [float(number.value) for number in numbers if number is not None]
    return (max if measure.higher_is_better else min)(values, default=None)


def _better(one: float, zero: float, measure: Measure) -> bool:
    return math.isfinite(one) and (one > zero if measure.higher_is_better else one < zero)
