"""The statistics of an experiment's runs over its tasks: everything is computed before it is drawn.

Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical precipice", recommend the interquartile
mean, the optimality gap, performance profiles and the probability of improvement, each with an interval from a
stratified bootstrap. docs/statistics.md explains each number here.

They stand beside the verdicts and never change one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import combinations

import numpy as np

from svgbench.analysis.judge.aggregates import Aggregates, PairOnTask, PairStatistics, VariantScores
from svgbench.analysis.judge.cell_statistics import cells_of
from svgbench.analysis.judge.effect_sizes import hedges_g, probability_of_improvement, vargha_delaney
from svgbench.analysis.judge.profiles import profiles_of
from svgbench.analysis.judge.resampling import Stratified
from svgbench.analysis.judge.scales import Scale, scale_of
from svgbench.analysis.judge.statistics import FloatArray, interquartile_mean
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import read_sample, worst
from svgbench.analysis.read.naming import RANDOM_VARIANT
from svgbench.paper_tables.words import PublishedTable
from svgbench.words.claims import Measure

MOST_PAIRED = 12
"""With more variants than this, each is compared with the best one only."""

MOST_NAMED = 5

Runs = Mapping[str, FloatArray]
"""Values [S] of one variant by task; a failed seed counts as the worst value of its task."""


@np.errstate(over="ignore", invalid="ignore")  # numbers near the end of a float's range: infinite, without a warning
def aggregates_of(
    results: Results, published: PublishedTable | None = None, measure: Measure | None = None
) -> Aggregates:
    """The statistics of a measure, by default the experiment's first."""
    wanted = measure or results.experiment.measures[0]
    board = _Board(results, wanted)
    scale = scale_of(results, wanted, board.tasks, published) if board.tasks else Scale(refused="nothing is measured")
    scored = board.scored(scale)
    return Aggregates(
        results.experiment.id,
        results.budget,
        wanted.label,
        wanted.higher_is_better,
        scale,
        tuple(board.tasks),
        tuple(_scores(variant, results.labels.get(variant, variant), runs, scale) for variant, runs in scored.items()),
        profiles_of(scored),
        _pairs(board.compared, wanted),
        cells_of(results, wanted, board.samples, scale),
        tuple(board.notes),
        results.labels,
    )


class _Board:
    """The runs of a measure, and the tasks over which its variants can be compared.

    A failed run counts as the worst value of its task. The tasks are those of the variant whose tasks, times the
    variants that have all of them, give the most cells. A variant that lacks one of them is left out and noted: a mean
    over fewer tasks is a mean of something else.
    """

    def __init__(self, results: Results, measure: Measure) -> None:
        self.results, self.measure = results, measure
        read = {key: read_sample(cell, measure) for key, cell in results.cells.items() if cell.seeds}
        known = {task for (task, _), sample in read.items() if sample.values}
        self.runs = {key: sample for key, sample in read.items() if sample.n and key[0] in known}
        self.samples = {key: sample for key, sample in self.runs.items() if sample.values}
        order = [task.id for task in results.experiment.tasks]
        self.of: dict[str, set[str]] = {}
        for task, variant in self.runs:
            if variant != RANDOM_VARIANT:
                self.of.setdefault(variant, set()).add(task)
        sets = sorted(
            {frozenset(tasks) for tasks in self.of.values()}, key=lambda s: [order.index(t) for t in sorted(s)]
        )
        best = max(
            sets, key=lambda s: (len(s) * sum(s <= own for own in self.of.values()), len(s)), default=frozenset()
        )
        self.tasks = [task for task in order if task in best]

    @cached_property
    def compared(self) -> dict[str, Runs]:
        """The values of every variant that has all the tasks."""
        floors = {task: self._floor(task) for task in self.tasks}
        return {
            variant: {t: np.array(list(self.runs[t, variant].counted(floors[t]).values())) for t in self.tasks}
            for variant, own in self.of.items()
            if set(self.tasks) <= own
        }

    def scored(self, scale: Scale) -> dict[str, Runs]:
        """The same as scores; the values themselves for a single task without a scale; nothing for several."""
        if scale.ends:
            return {v: {t: scale.score(t, x) for t, x in runs.items()} for v, runs in self.compared.items()}
        return self.compared if len(self.tasks) == 1 else {}

    @property
    def notes(self) -> list[str]:
        named = {task.id: task.label for task in self.results.experiment.tasks}
        left = {v: [named[t] for t in self.tasks if t not in own] for v, own in self.of.items()}
        without: dict[str, list[str]] = {}
        for variant, lacking in left.items():
            if lacking:
                without.setdefault(", ".join(lacking), []).append(self.results.labels.get(variant, variant))
        found = [f"left out, without runs on {tasks}: {_some(names)}" for tasks, names in without.items()]
        lost = [key for key in self.runs if key not in self.samples]
        found += [
            f"every run of {self.results.labels.get(v, v)} on {named[t]} failed, and counts as the worst value there"
            for t, v in lost
            if v in self.compared
        ]
        others = [named[t] for t in dict.fromkeys(task for task, _ in self.samples) if t not in self.tasks]
        found += [f"not among the tasks, since too few variants have them: {', '.join(others)}"] if others else []
        n = {len(values) for runs in self.compared.values() for values in runs.values()}
        if len(n) > 1 and len(self.tasks) > 1:
            found.append(
                f"cells have {min(n)} to {max(n)} runs: one with more of them counts more in a pooled statistic"
            )
        return found

    def _floor(self, task: str) -> float:
        values = (x for (t, _), sample in self.samples.items() if t == task for x in sample.values.values())
        found = worst(values, self.measure.higher_is_better)
        assert found is not None, task  # a task without any value has no runs here
        return found


def _some(names: Sequence[str]) -> str:
    """The names, or the first few and how many more."""
    more = [f"and {len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    return "; ".join([*names[:MOST_NAMED], *more])


def _scores(variant: str, label: str, runs: Runs, scale: Scale) -> VariantScores:
    drawn = Stratified(runs)
    sizes = [len(runs[task]) for task in sorted(runs)]
    return VariantScores(
        variant,
        label,
        len(drawn.pooled),
        drawn.estimate(interquartile_mean),
        drawn.estimate(lambda scores: scores.mean(axis=-1)),
        drawn.estimate(lambda scores: median_of_tasks(scores, sizes)),
        drawn.estimate(optimality_gap) if scale.ends else None,
    )


def optimality_gap(scores: FloatArray) -> FloatArray:
    """How far scores [..., N] stay below 1 on average [...]; a score above 1 counts as 1. Agarwal 2021, section 4.3."""
    return np.asarray(1 - np.minimum(scores, 1.0).mean(axis=-1))


def median_of_tasks(scores: FloatArray, sizes: Sequence[int]) -> FloatArray:
    """The median over tasks of each task's mean; of a single task, the median of its runs."""
    if len(sizes) == 1:
        return np.asarray(np.median(scores, axis=-1))
    parts = np.split(scores, np.cumsum(sizes)[:-1], axis=-1)
    return np.asarray(np.median(np.stack([part.mean(axis=-1) for part in parts]), axis=0))


def _pairs(compared: Mapping[str, Runs], measure: Measure) -> tuple[PairStatistics, ...]:
    """Every pair of variants, the better one first; of many variants, the best one against each other."""
    if not measure.ranked:
        return ()
    sign = 1.0 if measure.higher_is_better else -1.0
    better = {v: {t: sign * values for t, values in runs.items()} for v, runs in compared.items()}
    if len(better) > MOST_PAIRED:
        best = max(better, key=lambda v: _rank(better, v))
        return tuple(_pair(better, best, other) for other in better if other != best)
    return tuple(_pair(better, *_ordered(better, *pair)) for pair in combinations(better, 2))


def _rank(better: Mapping[str, Runs], variant: str) -> float:
    """How many of the other variants this one has a larger mean than, summed over the tasks."""
    return sum(
        float(runs.mean() > other[task].mean()) for task, runs in better[variant].items() for other in better.values()
    )


def _ordered(better: Mapping[str, Runs], one: str, two: str) -> tuple[str, str]:
    """The two variants, the one that is more likely to be better first."""
    lead = sum(vargha_delaney(better[one][task], better[two][task]) - 0.5 for task in better[one])
    return (two, one) if lead < 0 else (one, two)


def _pair(better: Mapping[str, Runs], one: str, two: str) -> PairStatistics:
    x, y = better[one], better[two]
    on_tasks = []
    for task in x:
        g = hedges_g(x[task], y[task])
        n = (len(x[task]), len(y[task]))
        on_tasks.append(PairOnTask(task, vargha_delaney(x[task], y[task]), None if np.isnan(g) else g, n))
    return PairStatistics(one, two, probability_of_improvement(x, y), tuple(on_tasks))
