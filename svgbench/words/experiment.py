"""The types that describe an experiment: frozen data, without behaviour except lookups. Its claims are in `claims`.

`svgbench/reproduce/<work>/experiments.py` uses these types. Nothing here imports torch, pandas or another slow module,
so that `svgbench list` stays quick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from svgbench import moved
from svgbench.words.claims import Claim, FailureLevel, Measure, Reached
from svgbench.words.values import PerTask, Setting

__getattr__ = moved.contents(__name__)

BUDGETS = ("paper", "short", "smoke")
"""Every budget, the largest first."""

OURS = "our choice"  # of a budget's size, where the paper prints none

STEP_LIMITS = {"environment steps": "total_steps", "iterations": "iterations", "episodes": "episodes"}
"""The budget limit that counts an experiment's steps, by the experiment's `step_unit`."""


@dataclass(frozen=True)
class Column:
    """A column of an experiment's CSV, after `seed` and `step`."""

    name: str
    kind: Literal["float", "int", "str"]
    unit: str
    description: str


@dataclass(frozen=True)
class TaskSpec:
    """An environment with its reward, horizon and limits.

    `make` is the name of one of our tasks ("svg/cart-pole", see `svgbench.factories`), or "module:attribute" in another
    package; it builds the task from `options`. The module defines `VERSION`, an integer.
    `config` holds settings that a work chose for this task. They set fields of every variant's config, if the algorithm
    has them; a variant's own settings and a budget's override them. `limits` replaces a budget's limits for this task,
    by the budget's name. `best` is, by column, a value that no policy can exceed, because the reward of a step and the
    number of steps are bounded. It changes no number of a run.
    """

    id: str
    make: str
    label: str
    options: Mapping[str, Setting] = field(default_factory=dict)
    published: str | None = None  # the column's name in `paper_tables`
    config: Mapping[str, Setting] = field(default_factory=dict)
    limits: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    best: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """An algorithm with its hyper-parameters and its label in the figure.

    `learner` is the name of one of our algorithms, the stem of its file ("svg_one"), or "module:attribute" in another
    package; it has the signature of `svgbench.words.learner.MakeLearner`. The module defines `VERSION` (an integer), a
    dataclass `Config`, and, if readings differ, `PROFILES`. If a `PerTask` in `config` has no value for a task, the
    layers below it decide.
    """

    id: str
    label: str
    learner: str
    config: Mapping[str, Setting | PerTask[Setting]] = field(default_factory=dict)
    profile: str | None = None
    published: str | None = None  # the row's name in `paper_tables`
    tasks: tuple[str, ...] | None = None  # ids of the tasks to run it on; None means all

    def runs_on(self, task: str) -> bool:
        return self.tasks is None or task in self.tasks


def _names_of(task: str, variant: str) -> tuple[str, str, str]:
    """The names under which a budget lists exceptions that concern a cell, the narrowest first."""
    return f"{task}--{variant}", variant, task


def _narrowest(exceptions: Mapping[str, int], task: str, variant: str, usual: int) -> int:
    """The exception with the narrowest name that concerns a cell, or else the usual number."""
    return next((exceptions[name] for name in _names_of(task, variant) if name in exceptions), usual)


@dataclass(frozen=True)
class Budget:
    """How much a run may spend.

    `limits` are passed to the learner. `config` overrides fields of every variant's config, if the algorithm has them.
    `note` says what was cut, in words that are printed on figures. `printed` says that the paper prints its steps and
    its number of runs (`seeds_of` may have fewer of some cells). Otherwise the budget is our choice.

    `seeds_of`, `block_size_of`, `threads_of` and `config_of` list exceptions for a cell ("task--variant"), a variant,
    or a task. Of numbers of seeds, sizes of blocks and threads of a block, the first of these that exists counts.
    Settings are merged: those of a cell override those of a variant, these override those of a task, and all of them
    override `config`. `limits_of` lists limits of a cell or a variant in the same way. They override the task's own
    limits.
    """

    name: Literal["paper", "short", "smoke"]
    seeds: int
    note: str
    limits: Mapping[str, Setting] = field(default_factory=dict)
    config: Mapping[str, Setting] = field(default_factory=dict)
    block_size: int | None = None
    seeds_of: Mapping[str, int] = field(default_factory=dict)
    block_size_of: Mapping[str, int] = field(default_factory=dict)
    threads_of: Mapping[str, int] = field(default_factory=dict)
    config_of: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    limits_of: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    printed: bool = False

    @property
    def origin(self) -> str:
        """ "as printed" or "our choice"."""
        return "as printed" if self.printed else OURS

    def limits_on(self, task: TaskSpec, variant: str) -> dict[str, Setting]:
        """The limits of a variant on a task."""
        cell, of_variant, _ = _names_of(task.id, variant)
        own = self.limits_of.get(of_variant, {}), self.limits_of.get(cell, {})
        return {**self.limits, **task.limits.get(self.name, {}), **own[0], **own[1]}

    def settings(self, task: str, variant: str) -> dict[str, Setting]:
        """What the budget sets on that task for that variant."""
        found = dict(self.config)
        for name in reversed(_names_of(task, variant)):
            found |= self.config_of.get(name, {})
        return found


@dataclass(frozen=True)
class Deviation:
    """A known difference between our runs and the paper's.

    `changes_metric` makes level verdicts NOT_COMPARABLE: the number itself means something else. `variants` are the ids
    of the variants that it concerns; None means all.
    """

    id: str
    paper: str
    ours: str
    reason: str
    source: str
    changes_metric: bool = False
    variants: tuple[str, ...] | None = None

    def concerns(self, variant: str) -> bool:
        """Whether it is about the variant with this id, also where its settings were changed (`id+hash`)."""
        return self.variants is None or variant.partition("+")[0] in self.variants


@dataclass(frozen=True)
class Experiment:
    """One figure or table of one work."""

    id: str  # work/artifact
    title: str
    description: str
    tasks: tuple[TaskSpec, ...]
    variants: tuple[Variant, ...]
    budgets: tuple[Budget, ...]
    columns: tuple[Column, ...]
    measures: tuple[Measure, ...]  # the numbers of the experiment's table
    claims: tuple[Claim, ...] = ()
    reached: tuple[Reached, ...] = ()  # evidence that the claims' levels can be reached
    failures: tuple[FailureLevel, ...] = ()  # one a task
    deviations: tuple[Deviation, ...] = ()
    figure: str | None = None  # "module:attribute"
    step_unit: str = "environment steps"
    block_size: int = 5
    threads: int = 1  # per block
    published: str | None = None  # the id of a table in `paper_tables`
    draws_from: str | None = None  # the experiment that declares the runs
    leaves: tuple[str, ...] = ()  # ids of variants which that experiment declares, and this one leaves out
    first_seed: int = 0  # a count of seeds starts here
    question: str = ""  # what `compare` answers with yes, no or in part; by default "Does Figure 3 hold?"
    headline: str = ""  # the id of the claim that the answer names; by default the first
    ours: bool = False  # no paper has it: a list that must fit a screen leaves it out

    @property
    def work(self) -> str:
        return self.id.split("/", 1)[0]

    @property
    def artifact(self) -> str:
        return self.id.split("/", 1)[1]

    def tasks_of(self, claim: Claim) -> tuple[str, ...]:
        """The ids of the tasks that a claim is about."""
        return tuple(task.id for task in self.tasks) if claim.tasks is None else claim.tasks

    def failure_on(self, task: str) -> FailureLevel | None:
        """The level of failure that is declared for a task, or None."""
        return next((level for level in self.failures if level.task == task), None)

    def budget(self, name: str) -> Budget:
        """The budget of that name; KeyError if the experiment has none."""
        return {b.name: b for b in self.budgets}[name]  # type: ignore[index]

    @property
    def needed_columns(self) -> tuple[str, ...]:
        """The columns that all measurements of the experiment must have: those that its first measure reads."""
        first = self.measures[0]
        return ("seed", "step", *sorted({first.column, *first.where} - {"seed", "step"}))

    def last_step(self, budget: str, task: str, variant: str = "") -> int | None:
        """The step at which a whole run on that task ends; None if no limit counts the experiment's steps.

        variant: its id; one that the experiment does not declare has the limits that most variants have. KeyError if
        the experiment has no such budget.
        """
        declared = self.budget(budget)
        asked = variant.partition("+")[0]  # changed settings leave the limits
        limits = next((declared.limits_on(t, asked) for t in self.tasks if t.id == task), declared.limits)
        found = limits.get(STEP_LIMITS.get(self.step_unit, ""))
        return found if isinstance(found, int) else None

    def seeds(self, budget: str, task: str, variant: str) -> tuple[int, ...]:
        """The seeds that a budget asks of a cell; KeyError if the experiment has no such budget."""
        declared = self.budget(budget)
        return self.counted(_narrowest(declared.seeds_of, task, variant, declared.seeds))

    def size_of_blocks(self, budget: str, task: str, variant: str) -> int:
        """How many seeds of a cell train together; KeyError if the experiment has no such budget."""
        declared = self.budget(budget)
        usual = self.block_size if declared.block_size is None else declared.block_size
        return _narrowest(declared.block_size_of, task, variant, usual)

    def threads_of_block(self, budget: str, task: str, variant: str) -> int:
        """How many threads a block of a cell has; KeyError if the experiment has no such budget."""
        return _narrowest(self.budget(budget).threads_of, task, variant, self.threads)

    def counted(self, n: int) -> tuple[int, ...]:
        """The first n seeds."""
        return tuple(range(self.first_seed, self.first_seed + n))
