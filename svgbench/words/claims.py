"""What is read from an experiment's runs, and what a paper says of it, as data: measures, comparisons and claims."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from svgbench.words.values import PerTask, Scalar

TWICE = math.log(2)
"""A margin of a comparison with `scale="log_ratio"`: a factor of 2."""


@dataclass(frozen=True)
class Measure:
    """One number per seed, computed from a cell's rows.

    It uses the rows whose columns equal `where` (for `step`, "last" means a seed's last step). With `until`, it uses
    only rows up to this share of a seed's last step, and at least those of its first step. `reduce` turns their values
    of `column` into one number, in the order of the file. "mean_change" is the mean absolute difference between
    successive rows. "best_mean" is the best mean of k successive rows (the lowest, if higher is not better). "fall" is
    the highest mean of k successive rows minus the mean of the last k. "share_lost" is this fall divided by the rise
    before it, from the lowest row up to there: from 0, nothing is lost, to 1, everything is, or nothing was gained.
    "rank_correlation" is Spearman's of `column` and `beside` over the rows after the highest mean of k rows of
    `beside`; 0 if there are fewer than 3, or one of the two is constant. `k` is also used by "mean_of_last". If a seed
    has fewer rows than k, k is their number. `higher_is_better` is about the measure: less of a fall is better.

    `scale` and `ranked` are for tables. With "log_ratio" the best cells are found by the values' logarithms, as in a
    comparison with that scale. A measure that is not `ranked` has no best cells, because more or less of it is neither
    better nor worse.
    """

    column: str
    label: str
    where: Mapping[str, Scalar] = field(default_factory=dict)
    reduce: Literal[
        "last", "mean", "min", "max", "mean_of_last", "mean_change", "best_mean", "fall", "share_lost",
        "rank_correlation",
    ] = "last"  # fmt: skip
    k: int = 1
    until: float = 1.0
    higher_is_better: bool = True
    scale: Literal["difference", "log_ratio"] = "difference"
    ranked: bool = True
    beside: str = ""  # the other column of a rank correlation

    def over_the_curve(self) -> Measure | None:
        """The mean over all rows, if this reads a seed's last row of a curve; else None."""
        if self.reduce != "last" or "step" in self.where:
            return None
        return replace(self, label=f"mean of {self.column} over all rows", reduce="mean")


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

    A `premise` is no part of the sentence, but what it takes for granted: where it does not hold, the claim is
    INCONCLUSIVE (premise), whatever its other parts say.

    With `every`, the sentence is about every problem, and the measures are computed exactly: one seed whose
    left - right breaks the relation refutes it. Without such a counterexample it is SUPPORTED, from two seeds on.
    """

    left: Side
    relation: Literal["<", ">", "~", "<~", ">~"]
    right: Side | Published | float | PerTask[float]
    number: str
    margin: float | PerTask[float] | OfDistance = 0.0
    scale: Literal["difference", "log_ratio", "failed_share"] = "difference"
    no_level: str = ""
    every: bool = False
    premise: bool = False


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
