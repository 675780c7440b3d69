"""The choice of a search: its settings in order, the best, and whether the experiment is written with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.stats import rankdata

from svgbench.analysis.judge.judgement import Cells
from svgbench.analysis.judge.statistics import Summary, summarise, t_interval
from svgbench.analysis.read.measures import CellData, Sample, read_sample, worst
from svgbench.analysis.read.naming import name_seeds
from svgbench.lab.cells import Selection, expand
from svgbench.words.claims import Measure
from svgbench.words.search import Grid, Search, Tried, tasks_of, tried
from svgbench.words.values import Setting

Word = Literal["CHOSEN", "NOT_CHOSEN", "INCOMPLETE"]


@dataclass(frozen=True)
class Score:
    """A setting on one task. A failed seed counts as the worst seed of any setting there."""

    summary: Summary
    values: Mapping[int, float]  # by seed
    failed: int


@dataclass(frozen=True)
class Choice:
    """The result of a search for one variant on a task, or over several.

    `scores` are by the setting's id and the task, `ranks` (the mean over the tasks, 1 for the best) by the setting's
    id; both without settings that lack a seed, which `missing` names. There is no `winner` while anything is missing,
    or if every seed failed.
    """

    grid: Grid
    tasks: tuple[str, ...]
    settings: tuple[Tried, ...]
    scores: Mapping[tuple[str, str], Score]
    ranks: Mapping[str, float]
    missing: tuple[str, ...]
    winner: Tried | None


@dataclass(frozen=True)
class Written:
    """A field of a variant of the experiment on one task: the written value and the winner's."""

    task: str
    variant: str
    field: str
    written: Setting
    winner: Setting | None
    word: Word


def choices(search: Search, cells: Cells) -> list[Choice]:
    """The choices of a search from all its cells at one budget: a grid's on each task, or one for all of them."""
    found = []
    for grid in search.grids:
        settings = tuple(setting for setting in tried(search) if setting.grid == grid)
        tasks = tasks_of(search, grid)
        groups = [(task,) for task in tasks] if grid.choice == "per task" else [tasks]
        found += [_choose(search.measure, grid, group, settings, cells) for group in groups]
    return found


def not_told_apart(choice: Choice) -> list[Tried]:
    """The settings whose difference from the winner, seed by seed, may be 0 on every task (95 % t-interval)."""
    if choice.winner is None:
        return []
    best = choice.winner.variant.id
    return [
        setting
        for setting in choice.settings
        if setting is not choice.winner
        and all(_may_be_equal(choice.scores[best, t], choice.scores[setting.variant.id, t]) for t in choice.tasks)
    ]


def at_an_end(choice: Choice) -> list[str]:
    """ "the largest policy_lr": the fields with three numbers or more where the winner has the first or last."""
    found = []
    for axis in choice.grid.axes if choice.winner else ():
        numbers = [v for v in axis.values if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(numbers) == len(axis.values) > 2 and choice.winner is not None:
            best = choice.winner.values[axis.field]
            ends = {min(numbers): "smallest", max(numbers): "largest"}
            found += [f"the {word} {axis.field}" for end, word in ends.items() if end == best]
    return found


def written(search: Search, found: Sequence[Choice]) -> list[Written]:
    """Every field that a search decides: the value at the experiment's largest budget, and the winner's."""
    of = search.experiment
    configs = {cell.key: cell.config for cell in expand(of, Selection(budget=of.budgets[0].name))}
    return [
        row
        for choice in found
        for variant in choice.grid.chosen_for or (choice.grid.variant,)
        for task in (*choice.tasks, *choice.grid.also_on)
        if (task, variant) in configs
        for row in _fields(choice, task, variant, configs[task, variant])
    ]


def _choose(measure: Measure, grid: Grid, tasks: tuple[str, ...], settings: tuple[Tried, ...], cells: Cells) -> Choice:
    scores: dict[tuple[str, str], Score] = {}
    missing = []
    for task in tasks:
        samples: dict[str, Sample] = {}
        for name in (s.variant.id for s in settings):
            cell = cells.get((task, name))
            sample = Sample({}) if cell is None or not cell.seeds else read_sample(cell, measure)
            if lack := _lack(cell, sample):
                missing.append(f"{name} on {task} {lack}")
            else:
                samples[name] = sample
        floor = worst((v for s in samples.values() for v in s.values.values()), measure.higher_is_better)
        for name, sample in samples.items():
            if floor is not None:
                values = sample.counted(floor)
                scores[name, task] = Score(summarise(list(values.values())), values, len(sample.failed))
    ranks = _ranks(measure, tasks, [s.variant.id for s in settings], scores)
    best = None
    if len(ranks) == len(settings):
        best = min(settings, key=lambda setting: ranks[setting.variant.id])  # the first declared among equal ones
    return Choice(grid, tasks, settings, scores, ranks, tuple(missing), best)


def _lack(cell: CellData | None, sample: Sample) -> str:
    if cell is None or not sample.n:
        return "was not run"
    lacking = (*cell.missing, *sample.absent)
    return f"lacks {name_seeds(lacking)}" if lacking else ""


def _ranks(
    measure: Measure, tasks: Sequence[str], names: Sequence[str], scores: Mapping[tuple[str, str], Score]
) -> dict[str, float]:
    """The mean rank of every setting that has a score on all tasks; equal ones share theirs."""
    whole = [name for name in names if all((name, task) in scores for task in tasks)]
    if not whole:
        return {}
    sign = -1.0 if measure.higher_is_better else 1.0
    per_task = [rankdata([sign * scores[name, task].summary.mean for name in whole]) for task in tasks]
    return dict(zip(whole, np.mean(per_task, axis=0).tolist(), strict=True))


def _may_be_equal(a: Score, b: Score) -> bool:
    both = sorted(a.values.keys() & b.values.keys())
    if len(both) < 2:
        return True
    interval = t_interval([a.values[seed] - b.values[seed] for seed in both])
    return interval.low <= 0.0 <= interval.high


def _fields(choice: Choice, task: str, variant: str, config: Mapping[str, Any]) -> Iterator[Written]:
    for name in choice.grid.fields:
        now, best = config[name], choice.winner.values[name] if choice.winner else None
        word: Word = "INCOMPLETE" if choice.winner is None else "CHOSEN" if now == best else "NOT_CHOSEN"
        yield Written(task, variant, name, now, best, word)
