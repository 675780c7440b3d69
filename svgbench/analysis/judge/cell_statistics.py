"""The statistics of single cells: mean and median, failed seeds, the area under the curve, the time to a level."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from svgbench.analysis.judge.absolute import level_of, number_of
from svgbench.analysis.judge.curve_statistics import Curve, TimeToLevel, area, curves_of, time_to_level
from svgbench.analysis.judge.modes import failing
from svgbench.analysis.judge.resampling import FEWEST_RUNS, Estimate
from svgbench.analysis.judge.scales import Scale
from svgbench.analysis.judge.statistics import summarise, t_interval
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import CellData, Sample, read_sample, worst
from svgbench.analysis.read.naming import RANDOM_VARIANT
from svgbench.words.claims import FailureLevel, Measure
from svgbench.words.experiment import Experiment

MATERIAL = 0.1
"""The least gap between two modes, as a share of the span of a task's values."""
HALFWAY = 0.5
"""The score that a run must reach where no claim names a level."""


@dataclass(frozen=True)
class CellStatistics:
    """One cell: mean and SD over seeds with a value, median over all, and the seeds that failed.

    Where some failed, or lie apart, the cell has two modes, and its mean describes neither: show the median and the
    share that failed.
    `area` is the mean height of the curves up to a step that all the task's cells reach. `area` and `time` are None
    without a curve, or without a level.
    """

    task: str
    variant: str
    n: int
    mean: float
    sd: float
    median: float
    failed: tuple[int, ...]
    apart: tuple[int, ...]
    area: Estimate | None
    area_until: float | None
    time: TimeToLevel | None

    @property
    def two_modes(self) -> bool:
        return 0 < len(self.failed) + len(self.apart) < self.n

    @property
    def in_words(self) -> str:
        """ "1 of 5 seeds failed", or "1 of 10 seeds lie apart"."""
        return f"{len(self.failed or self.apart)} of {self.n} seeds {'failed' if self.failed else 'lie apart'}"


@dataclass(frozen=True)
class Spread:
    """The middle of a cell's n seeds, those that failed, and those that lie apart from the others without having failed
    by the task's declared level.
    """

    median: float
    failed: tuple[int, ...]
    n: int
    apart: tuple[int, ...] = ()

    @property
    def lower(self) -> tuple[int, ...]:
        """The seeds of the worse mode; none if the seeds have one mode."""
        both = (*self.failed, *self.apart)
        return both if len(both) < self.n else ()

    @property
    def words(self) -> str:
        """ "1 of 5 failed", or "1 of 10 apart"."""
        named = {"failed": self.failed, "apart": self.apart}
        return ", ".join(f"{len(seeds)} of {self.n} {what}" for what, seeds in named.items() if seeds)


def spread_of(
    sample: Sample, higher_is_better: bool, span: float = 0.0, below: Collection[int] | None = None
) -> Spread:
    """The median of a sample with values, and the seeds that failed; a diverged seed is the worst.

    A seed failed if it is among `below`, the seeds that are worse than the task's declared level. Where none is
    declared (None) it failed if `modes.failing` says so. A gap between seeds of less than `MATERIAL` of the `span` of
    all the task's values is no failure: seeds that all solve the task may fall into two groups that differ little.
    """
    floor = worst(sample.values.values(), higher_is_better)
    counted = sample.counted(math.nan if floor is None else floor)
    found = failing(counted, higher_is_better, sample.failed) or sample.failed
    apart = [x for seed, x in counted.items() if seed in found], [x for s, x in counted.items() if s not in found]
    if len(found) > len(sample.failed) and min(abs(x - y) for x in apart[0] for y in apart[1]) <= MATERIAL * span:
        found = sample.failed
    failed = found if below is None else tuple(s for s in counted if s in below or s in sample.failed)
    middle = float(np.median(list(counted.values())))
    return Spread(middle, failed, len(counted), tuple(seed for seed in found if seed not in failed))


def below_level(experiment: Experiment, task: str, cell: CellData) -> tuple[int, ...] | None:
    """The seeds of a cell that failed by the task's declared level; None if none is declared."""
    level = experiment.failure_on(task)
    return None if level is None else failed_by(level, read_sample(cell, level.measure))


def failed_by(level: FailureLevel, sample: Sample) -> tuple[int, ...]:
    """The seeds that failed by a level, whose measure the sample has: those that are worse, and those without a finite
    value, such as diverged ones.
    """
    return (*(seed for seed, value in sample.values.items() if level.failed(value)), *sample.failed)


def span_of(samples: Iterable[Sample]) -> float:
    """The distance from the least to the largest value of all these samples."""
    values = [value for sample in samples for value in sample.values.values()]
    return max(values) - min(values) if values else 0.0


def cells_of(
    results: Results, measure: Measure, samples: Mapping[tuple[str, str], Sample], scale: Scale
) -> tuple[CellStatistics, ...]:
    """The statistics of every sampled cell, task by task."""
    found = []
    for task in dict.fromkeys(task for task, _ in samples):
        own = {variant: sample for (t, variant), sample in samples.items() if t == task}
        found += _on_task(results, measure, task, own, scale)
    return tuple(found)


def level_on(experiment: Experiment, task: str, measure: Measure, scale: Scale) -> tuple[float, Measure, str] | None:
    """The level that runs of a task should reach, the measure whose window it is about, and where it comes from.

    The first claim that names a level of the measure's column to be reached; else half of the way from 0 to 1 on the
    scale; else None.
    """
    for claim in experiment.claims:
        for part in claim.parts if task in experiment.tasks_of(claim) else ():
            level, number = level_of(part, task), number_of(part, task)
            if level is None or number is None or level.relation not in (">", ">~"):
                continue
            about = level.side.measure
            if (about.column, _free(about)) == (measure.column, _free(measure)):
                return number, about, f"claim {claim.id}"
    if task in scale.ends:
        zero, one = scale.ends[task]
        return zero + HALFWAY * (one - zero), measure, f"score {HALFWAY:g}"
    return None


def _free(measure: Measure) -> tuple[object, ...]:
    """The conditions of a measure on other columns than the step, and its direction."""
    where = {column: value for column, value in measure.where.items() if column != "step"}
    return (tuple(sorted(where.items())), measure.higher_is_better)


def _on_task(
    results: Results, measure: Measure, task: str, samples: Mapping[str, Sample], scale: Scale
) -> list[CellStatistics]:
    curves: dict[str, dict[int, Curve]] = {}
    for variant in samples:
        read = curves_of(results.cells[task, variant], measure)
        if not isinstance(read, str) and variant != RANDOM_VARIANT:
            seeds = results.cells[task, variant].seeds
            curves[variant] = {seed: curve for seed, curve in read.items() if seed in seeds}
    whole = [
        float(steps[-1])
        for variant, own in curves.items()
        for seed, (steps, _) in own.items()
        if seed not in samples[variant].failed
    ]
    until = min(whole, default=None)
    level = level_on(results.experiment, task, measure, scale)
    areas, span = _areas(curves, samples, until, measure), span_of(samples.values())
    found = []
    for variant, sample in samples.items():
        values = summarise(list(sample.values.values()))
        cell = results.cells[task, variant]
        below = below_level(results.experiment, task, cell) if len(cell.frame) else None
        spread = spread_of(sample, measure.higher_is_better, span, below)
        time = None
        if level is not None and until is not None and variant in curves:
            number, about, source = level
            window = about.k if about.reduce == "mean_of_last" else 1
            better = measure.higher_is_better
            time = time_to_level(curves[variant], number, source, until, sample.failed, better, window)
        found.append(
            CellStatistics(
                task,
                variant,
                spread.n,
                values.mean,
                values.sd,
                spread.median,
                spread.failed,
                spread.apart,
                areas.get(variant),
                until if variant in areas else None,
                time,
            )
        )
    return found


def _areas(
    curves: Mapping[str, Mapping[int, Curve]], samples: Mapping[str, Sample], until: float | None, measure: Measure
) -> dict[str, Estimate]:
    """The areas of the variants' curves up to a common step; a failed seed has the worst area of its task."""
    if until is None:
        return {}
    each = {
        variant: {seed: area(curve, until) for seed, curve in own.items() if seed not in samples[variant].failed}
        for variant, own in curves.items()
    }
    floor = worst((x for own in each.values() for x in own.values()), measure.higher_is_better)
    found = {}
    for variant, own in each.items():
        values = [x for x in own.values() if math.isfinite(x)]
        if floor is None or not values or len(values) < len(own):
            continue
        values += [floor] * len(samples[variant].failed)
        interval = t_interval(values)
        estimate = Estimate(interval.value, interval.low, interval.high, interval.n)
        if interval.n < FEWEST_RUNS:
            why = f"no interval below {FEWEST_RUNS} runs (n = {interval.n})"
            estimate = replace(estimate, low=None, high=None, why=why)
        found[variant] = estimate
    return found
