"""An experiment that draws from the runs of another one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TypeVar

from svgbench.words.experiment import Budget, Experiment

V = TypeVar("V")


def part_of(whole: Experiment, variants: Collection[str], tasks: Collection[str] | None = None) -> Experiment:
    """`whole` with only these variants and tasks (None: all its tasks). It draws from the runs of `whole`.

    Exceptions of budgets for other tasks and variants are left out.
    """
    kept_tasks = tuple(task for task in whole.tasks if tasks is None or task.id in tasks)
    named = {*variants, *(task.id for task in kept_tasks)}
    return replace(
        whole,
        tasks=kept_tasks,
        variants=tuple(v for v in whole.variants if v.id in variants),
        leaves=tuple(v.id for v in whole.variants if v.id not in variants),
        budgets=tuple(_of_named(budget, named) for budget in whole.budgets),
        draws_from=whole.id,
    )


def _of_named(budget: Budget, named: set[str]) -> Budget:
    def kept(exceptions: Mapping[str, V]) -> dict[str, V]:
        return {name: own for name, own in exceptions.items() if {*name.split("--")} <= named}

    return replace(
        budget,
        seeds_of=kept(budget.seeds_of),
        block_size_of=kept(budget.block_size_of),
        threads_of=kept(budget.threads_of),
        config_of=kept(budget.config_of),
        limits_of=kept(budget.limits_of),
    )
