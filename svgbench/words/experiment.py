"""The words of an experiment: frozen data, without behaviour beyond lookups.

`svgbench/reproduce/<work>/experiments.py` is written in these words. Nothing here imports torch, pandas or
anything else that is slow, so that `svgbench list` stays quick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, TypeVar

T = TypeVar("T")
Scalar = str | int | float | bool
Setting = Scalar | tuple[Scalar, ...]

BUDGETS = ("paper", "short", "smoke")
"""Every budget, the largest first."""

STEP_LIMITS = {"environment steps": "total_steps", "iterations": "iterations", "episodes": "episodes"}
"""Which of a budget's limits counts the steps of an experiment, by its `step_unit`."""


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
    package; what it names builds the task, given `options`. The module states `VERSION`, an integer.
    `config` are settings that a work chose for this task: fields of every variant's config, where the algorithm
    has them; a variant's own and a budget's come after. `limits` replace a budget's limits for this task, by the
    budget's name. `best` is, by column, a value that no policy can better: the reward of a step is bounded, and so are
    the steps. It decides no number of a run.
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
    """What differs between tasks, of a claim or of a variant: a value by the task's id."""

    values: Mapping[str, T]


def on_task(value: T | PerTask[T], task: str) -> T:
    """The value on one task. KeyError where a `PerTask` has none for it."""
    return value.values[task] if isinstance(value, PerTask) else value


@dataclass(frozen=True)
class Variant:
    """An algorithm with its hyper-parameters and its label in the figure.

    `learner` is the name of one of our algorithms, the stem of its file ("svg_one"), or "module:attribute" in another
    package; what it names has the signature of `svgbench.words.learner.MakeLearner`. The module states `VERSION` (an
    integer), a dataclass `Config`, and, where readings differ, `PROFILES`. Where `config` has a `PerTask` without a
    value for a task, the layers below it decide.
    """

    id: str
    label: str
    learner: str
    config: Mapping[str, Setting | PerTask[Setting]] = field(default_factory=dict)
    profile: str | None = None
    published: str | None = None  # the row's name in `paper_tables`
    tasks: tuple[str, ...] | None = None  # where it is run, by id; None is on all of the experiment's

    def runs_on(self, task: str) -> bool:
        return self.tasks is None or task in self.tasks


@dataclass(frozen=True)
class Budget:
    """How much a run may spend.

    `limits` reach the learner as its `budget`; `config` overrides fields of every variant's config, where
    the algorithm has them. `note` says what was cut, in words that are printed on figures. `seeds_of` names what
    has another number of seeds: a cell as "task--variant", a variant, or a task; the first of these decides.
    """

    name: Literal["paper", "short", "smoke"]
    seeds: int
    note: str
    limits: Mapping[str, Setting] = field(default_factory=dict)
    config: Mapping[str, Setting] = field(default_factory=dict)
    block_size: int | None = None
    seeds_of: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Measure:
    """One number per seed, read off a cell's rows.

    Rows are those whose columns equal `where` (for `step`, "last" stands for a seed's last step); `reduce`
    makes one number of `column` over them, in the order of the file; `k` counts for "mean_of_last".
    """

    column: str
    label: str
    where: Mapping[str, Scalar] = field(default_factory=dict)
    reduce: Literal["last", "mean", "min", "max", "mean_of_last"] = "last"
    k: int = 1
    higher_is_better: bool = True


@dataclass(frozen=True)
class Term:
    """One side of a comparison: the mean of a variant's measure."""

    variant: str | PerTask[str]
    measure: Measure


@dataclass(frozen=True)
class Change:
    """One side of a comparison: by how much the mean is larger with `after` than with `before`."""

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
    """The left side of a comparison with a number: the SD between seeds over the size of the mean.

    With `of_gain` over the distance of that mean from the variant "random"'s, which is taken as exact: a return has
    no natural zero, and near an arbitrary one no spread is small.
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
    """A margin as a share of the distance from a random policy's mean to the right side's, both as measured.

    It asks for the runs of the variant "random" at the task and the budget that are judged.
    """

    share: float


@dataclass(frozen=True)
class Comparison:
    """`left relation right`, seed by seed where every cell has the seed.

    The effect is left - right, or log(left / right) with `scale="log_ratio"`. "<" asks that the effect is
    below -margin, ">" above +margin, "~" within [-margin, margin]; "<~" that it is at most +margin (not larger
    than), ">~" at least -margin (not smaller than: non-inferiority). `number` says which number was given to
    which word of the paper.
    """

    left: Side
    relation: Literal["<", ">", "~", "<~", ">~"]
    right: Side | Published | float | PerTask[float]
    number: str
    margin: float | PerTask[float] | OfDistance = 0.0
    scale: Literal["difference", "log_ratio"] = "difference"
    no_level: str = ""


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper as a test. It holds in a setting when every part holds.

    It is judged once per task (all of the experiment's, or `tasks`) and, where `per` names columns, once per
    combination of their values; only at `budgets`, where that is given, as for a comparison with a published
    number, which says nothing of a smaller budget. With `at_least` the claim itself is that it holds on so many
    of its tasks, and has a verdict of its own beside theirs.
    """

    id: str
    quote: str
    source: str
    origin: Literal["text", "table"]
    parts: tuple[Comparison, ...]
    per: tuple[str, ...] = ()
    tasks: tuple[str, ...] | None = None
    budgets: tuple[str, ...] | None = None
    at_least: int | None = None


@dataclass(frozen=True)
class Reached:
    """A value of a measure that some policy reached on a task: a claim's number up to there can be reached.

    `by` names the policy or the run, `command` prints the value. Of a policy written by hand it is the lower end of
    the mean's 95 % interval over episodes, of a run the value of one seed.
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
class Deviation:
    """A known difference between what we run and what the paper ran.

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
    reached: tuple[Reached, ...] = ()  # what shows that the claims' levels can be reached
    deviations: tuple[Deviation, ...] = ()
    figure: str | None = None  # "module:attribute"
    step_unit: str = "environment steps"
    block_size: int = 5
    threads: int = 1  # per block
    published: str | None = None  # the id of a table in `paper_tables`
    draws_from: str | None = None  # the experiment that declares the runs
    first_seed: int = 0  # a count of seeds starts here
    question: str = ""  # what `compare` answers with yes, no or in part; by default "Does Figure 3 hold?"
    headline: str = ""  # the id of the claim that the answer names; by default the first

    @property
    def work(self) -> str:
        return self.id.split("/", 1)[0]

    @property
    def artifact(self) -> str:
        return self.id.split("/", 1)[1]

    def tasks_of(self, claim: Claim) -> tuple[str, ...]:
        """The ids of the tasks that a claim is about."""
        return tuple(task.id for task in self.tasks) if claim.tasks is None else claim.tasks

    def budget(self, name: str) -> Budget:
        """The budget of that name; KeyError if the experiment has none."""
        return {b.name: b for b in self.budgets}[name]  # type: ignore[index]

    @property
    def needed_columns(self) -> tuple[str, ...]:
        """The columns that any measurements of the experiment must have: what its first measure reads."""
        first = self.measures[0]
        return ("seed", "step", *sorted({first.column, *first.where} - {"seed", "step"}))

    def last_step(self, budget: str, task: str) -> int | None:
        """The step at which a whole run on that task ends; None where no limit counts the experiment's steps.

        KeyError if the experiment has no such budget.
        """
        declared = self.budget(budget)
        own = {t.id: t.limits.get(budget, {}) for t in self.tasks}.get(task, {})
        found = {**declared.limits, **own}.get(STEP_LIMITS.get(self.step_unit, ""))
        return found if isinstance(found, int) else None

    def seeds(self, budget: str, task: str, variant: str) -> tuple[int, ...]:
        """The seeds that a budget asks of a cell; KeyError if the experiment has no such budget."""
        declared = self.budget(budget)
        numbers = (declared.seeds_of.get(name) for name in (f"{task}--{variant}", variant, task))
        return self.counted(next((n for n in numbers if n is not None), declared.seeds))

    def counted(self, n: int) -> tuple[int, ...]:
        """The first n seeds."""
        return tuple(range(self.first_seed, self.first_seed + n))
