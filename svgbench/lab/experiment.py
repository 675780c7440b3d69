"""The words of an experiment: frozen data, without behaviour beyond lookups.

`svgbench/reproduce/<work>/experiments.py` is written in these words. Nothing here imports torch, pandas or
anything else that is slow, so that `svgbench list` stays quick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Scalar = str | int | float | bool
Setting = Scalar | tuple[Scalar, ...]

BUDGETS = ("paper", "short", "smoke")
"""Every budget, the largest first."""


@dataclass(frozen=True)
class Column:
    """A column of an experiment's CSV, after `seed` and `step`."""

    name: str
    kind: Literal["float", "int", "str"]
    unit: str
    description: str


@dataclass(frozen=True)
class Task:
    """An environment with its reward, horizon and limits.

    `make` is "module:attribute"; `make(**options)` builds it. The module states `VERSION`, an integer.
    `config` are settings that a work chose for this task: fields of every variant's config, where the algorithm
    has them; a variant's own and a budget's come after. `limits` replace a budget's limits for this task, by the
    budget's name.
    """

    id: str
    make: str
    label: str
    options: Mapping[str, Setting] = field(default_factory=dict)
    published: str | None = None  # the column's name in `paper_tables`
    config: Mapping[str, Setting] = field(default_factory=dict)
    limits: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """An algorithm with its hyper-parameters and its label in the figure.

    `learner` is "module:attribute" with the signature of `svgbench.lab.learner.MakeLearner`. The module
    states `VERSION` (an integer), a dataclass `Config`, and, where readings differ, `PROFILES`.
    """

    id: str
    label: str
    learner: str
    config: Mapping[str, Setting] = field(default_factory=dict)
    profile: str | None = None
    published: str | None = None  # the row's name in `paper_tables`


@dataclass(frozen=True)
class Budget:
    """How much a run may spend.

    `limits` reach the learner as its `budget`; `config` overrides fields of every variant's config, where
    the algorithm has them. `note` says what was cut, in words that are printed on figures.
    """

    name: Literal["paper", "short", "smoke"]
    seeds: int
    note: str
    limits: Mapping[str, Setting] = field(default_factory=dict)
    config: Mapping[str, Setting] = field(default_factory=dict)
    block_size: int | None = None


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
    """One side of a comparison: a measure of one variant."""

    variant: str
    measure: Measure


@dataclass(frozen=True)
class Comparison:
    """`left relation right`, seed by seed where both sides have the seed.

    The effect is left - right, or log(left / right) with `scale="log_ratio"`. "<" asks that the effect is
    below -margin, ">" above +margin, "~" within [-margin, margin]. `number` says which number was given to
    which word of the paper.
    """

    left: Term
    relation: Literal["<", ">", "~"]
    right: Term | float
    number: str
    margin: float = 0.0
    scale: Literal["difference", "log_ratio"] = "difference"


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper as a test. It holds in a setting when every part holds.

    It is judged once per task (all of the experiment's, or `tasks`) and, where `per` names columns, once per
    combination of their values; only at `budgets`, where that is given, as for a comparison with a published
    number, which says nothing of a smaller budget.
    """

    id: str
    quote: str
    source: str
    origin: Literal["text", "table"]
    parts: tuple[Comparison, ...]
    per: tuple[str, ...] = ()
    tasks: tuple[str, ...] | None = None
    budgets: tuple[str, ...] | None = None


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
    tasks: tuple[Task, ...]
    variants: tuple[Variant, ...]
    budgets: tuple[Budget, ...]
    columns: tuple[Column, ...]
    measures: tuple[Measure, ...]  # the numbers of the experiment's table
    claims: tuple[Claim, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    figure: str | None = None  # "module:attribute"
    step_unit: str = "environment steps"
    block_size: int = 5
    threads: int = 1  # per block
    published: str | None = None  # the id of a table in `paper_tables`
    draws_from: str | None = None  # the experiment that declares the runs

    @property
    def work(self) -> str:
        return self.id.split("/", 1)[0]

    @property
    def artifact(self) -> str:
        return self.id.split("/", 1)[1]

    def budget(self, name: str) -> Budget:
        """The budget of that name; KeyError if the experiment has none."""
        return {b.name: b for b in self.budgets}[name]  # type: ignore[index]
