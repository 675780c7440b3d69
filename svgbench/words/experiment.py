"""The types that describe an experiment: frozen data, without behaviour except lookups.

`svgbench/reproduce/<work>/experiments.py` uses these types. Nothing here imports torch, pandas or another slow module,
so that `svgbench list` stays quick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, TypeVar

T = TypeVar("T")
Scalar = str | int | float | bool
Setting = Scalar | tuple[Scalar, ...]

BUDGETS = ("paper", "short", "smoke")
OURS = "our choice"  # of a budget's size, where the paper prints none
"""Every budget, the largest first."""

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
class PerTask(Generic[T]):
    """A value that differs between tasks, in a claim or a variant, by the task's id."""

    values: Mapping[str, T]


def on_task(value: T | PerTask[T], task: str) -> T:
    """The value on one task. Raises KeyError if a `PerTask` has no value for it."""
    return value.values[task] if isinstance(value, PerTask) else value


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
class Measure:
    """One number per seed, computed from a cell's rows.

    It uses the rows whose columns equal `where` (for `step`, "last" means a seed's last step). With `until`, it uses
    only rows up to this share of a seed's last step, and at least those of its first step. `reduce` turns their values
    of `column` into one number, in the order of the file. "mean_change" is the mean absolute difference between
    successive rows. "best_mean" is the best mean of k successive rows (the lowest, if higher is not better). "fall" is
    the highest mean of k successive rows minus the mean of the last k. `k` is also used by "mean_of_last". If a seed
    has fewer rows than k, k is their number. `higher_is_better` is about the measure: less of a fall is better.

    `scale` and `ranked` are for tables. With "log_ratio" the best cells are found by the values' logarithms, as in a
    comparison with that scale. A measure that is not `ranked` has no best cells, because more or less of it is neither
    better nor worse.
    """

    column: str
    label: str
    where: Mapping[str, Scalar] = field(default_factory=dict)
    reduce: Literal["last", "mean", "min", "max", "mean_of_last", "mean_change", "best_mean", "fall"] = "last"
    k: int = 1
    until: float = 1.0
    higher_is_better: bool = True
    scale: Literal["difference", "log_ratio"] = "difference"
    ranked: bool = True


@dataclass(frozen=True)
class Term:
    """One side of a comparison: the mean of a variant's measure."""

    variant: str | PerTask[str]
    measure: Measure


@dataclass(frozen=True)
class Change:
    """One side of a comparison: the mean with `after` minus the mean with `before`."""

    before: str
    after: str
    measure: Measure


@dataclass(frozen=True)
class BestOf:
    """One side of a comparison: the best mean among several variants, the largest if higher is better."""

    variants: tuple[str, ...]
    measure: Measure


@dataclass(frozen=True)
class RelativeSD:
    """The left side of a comparison with a number: the SD between seeds divided by the absolute mean.

    With `of_gain` it is divided by the distance of the mean from that of the variant "random", taken as exact. A return
    has no natural zero, and near an arbitrary zero every relative spread is large.
    """

    variant: str | PerTask[str]
    measure: Measure
    of_gain: bool = False


Side = Term | Change | BestOf | RelativeSD


@dataclass(frozen=True)
class Published:
    """The mean in a row of the experiment's published table, in the task's column; taken as exact."""

    row: str


@dataclass(frozen=True)
class OfDistance:
    """A margin as a share of the measured distance from a random policy's mean to the right side's mean.

    It needs the runs of the variant "random" on the task and at the budget that are judged.
    """

    share: float


@dataclass(frozen=True)
class Comparison:
    """`left relation right`, paired by the seeds that every cell has.

    The effect is left - right, or log(left / right) with `scale="log_ratio"`. "<" requires an effect below -margin, ">"
    above +margin, "~" within [-margin, margin]. "<~" requires at most +margin (not larger), ">~" at least -margin (not
    smaller: non-inferiority). `number` says which number stands for which word of the paper.

    With `scale="failed_share"` each side is the share of seeds that failed, by the experiment's `FailureLevel` of the
    task, whose measure both sides name: of a `Term` its share, of a `Change` the share with `after` minus that with
    `before`. The effect is left - right.
    """

    left: Side
    relation: Literal["<", ">", "~", "<~", ">~"]
    right: Side | Published | float | PerTask[float]
    number: str
    margin: float | PerTask[float] | OfDistance = 0.0
    scale: Literal["difference", "log_ratio", "failed_share"] = "difference"
    no_level: str = ""


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper as a test. It holds in a setting if every part holds.

    It is judged once per task (all of the experiment's, or `tasks`). If `per` names columns, it is judged once per
    combination of their values. If `budgets` is given, it is judged only there: a published number, for example, says
    nothing about a smaller budget. With `at_least`, the claim is that it holds on at least this many of its tasks; it
    then has its own verdict in addition to the tasks' verdicts. With `rising`, the claim is that each part's
    difference, as a share of the distance from a random policy to the better side, is larger on each of `tasks` than on
    the one before; it has this one verdict, over all its tasks.
    With `across`, each part's left side is read on the first of its two tasks and its right side on the second, which
    only shares of failed seeds allow; it has this one verdict.
    """

    id: str
    quote: str
    source: str
    origin: Literal["text", "table", "ours"]  # "ours": a question that no paper asks
    parts: tuple[Comparison, ...]
    per: tuple[str, ...] = ()
    tasks: tuple[str, ...] | None = None
    budgets: tuple[str, ...] | None = None
    at_least: int | None = None
    rising: bool = False
    across: bool = False

    @property
    def over_tasks(self) -> bool:
        """Whether it has one verdict, over all its tasks."""
        return self.rising or self.across


@dataclass(frozen=True)
class Reached:
    """A value of a measure that a policy reached on a task. It shows that claims' levels up to it can be reached.

    `by` names the policy or the run, and `command` prints the value. For a policy written by hand it is the lower end
    of the mean's 95 % interval over episodes; for a run it is the value of one seed.
    """

    task: str
    measure: Measure
    value: float
    by: str
    command: str

    def shows(self, task: str, measure: Measure) -> bool:
        """Whether it is a value of this measure, whatever its label, on this task."""
        return self.task == task and replace(self.measure, label=measure.label) == measure


@dataclass(frozen=True)
class FailureLevel:
    """A seed has failed on the task if this measure is worse than the level, fixed before new seeds are run."""

    task: str
    measure: Measure
    level: float
    source: str  # never results that were learned

    def failed(self, value: float) -> bool:
        return value < self.level if self.measure.higher_is_better else value > self.level


@dataclass(frozen=True)
class Deviation:
    """A known difference between our runs and the paper's.

    `changes_metric` makes level verdicts NOT_COMPARABLE: the number itself means something else.
    """

    id: str
    paper: str
    ours: str
    reason: str
    source: str
    changes_metric: bool = False


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
