"""Searches: how a setting that a paper does not publish was chosen, as data.

A search expands to an ordinary experiment whose variants are the tried settings. It is planned, run, resumed, stored
and verified like any other, and its results are committed. The chosen value is a literal in the experiment that the
search is for; `svgbench tune --check` compares the two.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from svgbench.words.claims import Measure
from svgbench.words.experiment import Budget, Deviation, Experiment, Variant
from svgbench.words.values import Setting

Limits = Mapping[str, Mapping[str, Mapping[str, Setting]]]
"""Replacements of a budget's limits, by task and then by budget."""


@dataclass(frozen=True)
class Axis:
    """A config field and the values to try. `name` is used in ids (default: the field), `label` in tables (`name`)."""

    field: str
    values: tuple[Setting, ...]
    name: str = ""
    label: str = ""


@dataclass(frozen=True)
class Grid:
    """The settings tried for one variant: every combination of the axes' values.

    The best setting is written for the variants `chosen_for`, by default the searched variant. With choice "per task"
    each task has its own best setting; with "over tasks" one setting is chosen by its mean rank over the tasks. It is
    written for the tasks that it was chosen on. A single choice is also written for the tasks of `also_on`.

    A variant may have several grids, on different tasks: where only some tasks need more values. A setting that two of
    them try has one name, on all of their tasks. `config` replaces settings of the searched variant in this grid's
    runs, as `Search.config` does in all of them.
    """

    variant: str
    axes: tuple[Axis, ...]
    tasks: tuple[str, ...] | None = None  # None: all tasks of the search that the variant runs on
    choice: Literal["per task", "over tasks"] = "per task"
    chosen_for: tuple[str, ...] = ()
    also_on: tuple[str, ...] = ()
    config: Mapping[str, Setting] = field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(axis.field for axis in self.axes)


@dataclass(frozen=True)
class Search:
    """A choice of settings for an experiment's variants, by `measure`, on seeds that no figure uses.

    `config` replaces the variants' own settings, so that the choice of a later search does not change this one's runs.
    `budgets` are the search's own, a fraction of the experiment's. `limits`, if given, replaces its tasks' limits.
    `first_seed` is a multiple of every block size, so that no block is half used.
    """

    id: str  # work/artifact: where its results are
    title: str
    description: str
    experiment: Experiment
    grids: tuple[Grid, ...]
    measure: Measure
    budgets: tuple[Budget, ...]
    first_seed: int
    tasks: tuple[str, ...] | None = None  # None: all of the experiment's
    limits: Limits | None = None
    config: Mapping[str, Setting] = field(default_factory=dict)
    block_size: int | None = None  # None: the experiment's
    figure: str | None = "svgbench.analysis.search.search_plots:settings"


@dataclass(frozen=True)
class Tried:
    """One combination of a grid's values. `variant` is the variant that runs it."""

    grid: Grid
    values: Mapping[str, Setting]
    variant: Variant


def tried(search: Search) -> list[Tried]:
    """Every setting of a search, in declared order."""
    return [setting for grid in search.grids for setting in _of_grid(search, grid)]


def tasks_of(search: Search, grid: Grid) -> tuple[str, ...]:
    """The ids of the tasks on which a grid is searched, in the experiment's order."""
    base = _variant(search, grid.variant)
    chosen = [t.id for t in search.experiment.tasks if search.tasks is None or t.id in search.tasks]
    return tuple(t for t in chosen if base.runs_on(t) and (grid.tasks is None or t in grid.tasks))


def as_experiment(search: Search) -> Experiment:
    """The experiment whose variants are the tried settings. Raises ValueError for an inconsistent search."""
    if wrong := next(_problems(search), None):
        raise ValueError(f"search {search.id}: {wrong}")
    of = search.experiment
    limits = search.limits
    tasks = [t for t in of.tasks if any(t.id in tasks_of(search, grid) for grid in search.grids)]
    if limits is not None:
        tasks = [replace(t, limits=limits.get(t.id, {})) for t in tasks]
    variants = ", ".join(dict.fromkeys(v for grid in search.grids for v in grid.chosen_for or (grid.variant,)))
    better = "largest" if search.measure.higher_is_better else "smallest"
    return Experiment(
        id=search.id,
        title=search.title,
        description=f"{search.description} Chosen for {variants} of {of.id}: the {better} {search.measure.label}.",
        tasks=tuple(tasks),
        variants=_merged(search),
        budgets=search.budgets,
        columns=of.columns,
        measures=(search.measure, *(m for m in of.measures if m != search.measure)),
        deviations=_deviations(search),
        figure=search.figure,
        step_unit=of.step_unit,
        block_size=search.block_size or of.block_size,
        threads=of.threads,
        first_seed=search.first_seed,
        question=f"Which settings of {of.id} were chosen, and by which rule?",
    )


def _deviations(search: Search) -> tuple[Deviation, ...]:
    """Those of the experiment that concern a variant of the search, about the settings tried for it."""
    found, settings = [], tried(search)
    for one in search.experiment.deviations:
        concerned = dict.fromkeys(s.variant.id for s in settings if one.concerns(s.grid.variant))
        if concerned:
            found.append(one if one.variants is None else replace(one, variants=tuple(concerned)))
    return tuple(found)


def _merged(search: Search) -> tuple[Variant, ...]:
    """The tried settings, each once, on the tasks of all grids that try it."""
    order = [task.id for task in search.experiment.tasks]
    found: list[Variant] = []
    for variant in (setting.variant for setting in tried(search)):
        same = next((i for i, one in enumerate(found) if replace(one, tasks=variant.tasks) == variant), None)
        if same is None:
            found.append(variant)
        else:
            tasks = {*(found[same].tasks or ()), *(variant.tasks or ())}
            found[same] = replace(variant, tasks=tuple(task for task in order if task in tasks))
    return tuple(found)


def _of_grid(search: Search, grid: Grid) -> Iterator[Tried]:
    base = _variant(search, grid.variant)
    alone = len({one.variant for one in search.grids}) == 1
    for combination in itertools.product(*(axis.values for axis in grid.axes)):
        named = list(zip(grid.axes, combination, strict=True))
        names = [f"{axis.name or axis.field.replace('_', '-')}-{_text(value)}" for axis, value in named]
        labels = [f"{axis.label or axis.name or axis.field} = {_text(value)}" for axis, value in named]
        values = {axis.field: value for axis, value in named}
        variant = replace(
            base,
            id=".".join(names if alone else [base.id, *names]),
            label=", ".join(labels if alone else [base.label, *labels]),
            config={**base.config, **search.config, **grid.config, **values},
            published=None,
            tasks=tasks_of(search, grid),
        )
        yield Tried(grid, values, variant)


def _problems(search: Search) -> Iterator[str]:
    of = search.experiment
    variants, tasks = {v.id: v for v in of.variants}, [t.id for t in of.tasks]
    also = [task for grid in search.grids for task in grid.also_on]
    for task in (*(search.tasks or ()), *(search.limits or {}), *also):
        if task not in tasks:
            yield f"no task '{task}' of {of.id}"
    if not search.grids:
        yield "it has no grid; expected one grid or more"
    for place, grid in enumerate(search.grids):
        for name in (grid.variant, *grid.chosen_for):
            if name not in variants:
                yield f"no variant '{name}' of {of.id}"
                return
        if not tasks_of(search, grid) or set(grid.tasks or ()) - set(tasks):
            yield f"grid {grid.variant} names a task that is not there, or none on which the variant is run"
        before = [t for other in search.grids[:place] if other.variant == grid.variant for t in tasks_of(search, other)]
        if both := [task for task in tasks_of(search, grid) if task in before]:
            yield f"two grids are for {grid.variant} on {', '.join(both)}; expected different tasks"
        if grid.also_on and grid.choice == "per task" and len(tasks_of(search, grid)) > 1:
            yield f"grid {grid.variant} has several choices; expected one for {', '.join(grid.also_on)}"
        if len(set(grid.fields)) < len(grid.fields) or any(len(set(a.values)) < 2 for a in grid.axes) or not grid.axes:
            yield f"grid {grid.variant}: expected fields that differ, each with two values or more"
        for budget in (*search.budgets, of.budgets[0]):
            if fixed := {*budget.config, *itertools.chain(*budget.config_of.values())} & set(grid.fields):
                yield f"budget {budget.name} sets {', '.join(fixed)}, which grid {grid.variant} tries"
        if fixed := {*search.config, *grid.config} & set(grid.fields):
            yield f"config sets {', '.join(fixed)}, which grid {grid.variant} tries"
    named: dict[str, Variant] = {}
    for setting in (replace(one.variant, tasks=None) for one in tried(search)):
        if named.setdefault(setting.id, setting) != setting:
            yield f"two settings have the name {setting.id} and differ in more than their tasks"
            break
    for budget in search.budgets:
        size = budget.block_size or search.block_size or of.block_size
        if search.first_seed <= 0 or search.first_seed % size:
            yield f"the first seed is {search.first_seed}; expected a multiple of {size}, the size of a block"


def _variant(search: Search, name: str) -> Variant:
    return next(v for v in search.experiment.variants if v.id == name)


def _text(value: Setting) -> str:
    """A value as written in ids and labels."""
    if isinstance(value, tuple):
        return "-".join(map(_text, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
