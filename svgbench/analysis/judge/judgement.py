"""The data of judging: rules, evidence, verdicts and their words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, SupportsFloat

from svgbench.analysis.read.measures import CellData, read_sample
from svgbench.analysis.read.naming import RANDOM_VARIANT, name_seeds
from svgbench.words.claims import Measure
from svgbench.words.experiment import BUDGETS, Experiment
from svgbench.words.values import Scalar

LevelWord = Literal[
    "NOT_COMPARABLE",
    "INCOMPLETE",
    "REPRODUCED",
    "WORSE",
    "BETTER",
    "CONSISTENT",
    "INCONCLUSIVE",
]
"""What our runs say about a published number."""

MeasuredWord = Literal[
    "IDENTICAL",
    "EQUIVALENT",
    "HIGHER",
    "LOWER",
    "INCONCLUSIVE",
    "INCOMPLETE",
    "ONLY_IN_A",
    "ONLY_IN_B",
]
"""What one measurement says about another. IDENTICAL means the same bits."""

ClaimWord = Literal["SUPPORTED", "REFUTED", "INCONCLUSIVE", "INCOMPLETE"]
Cause = Literal["", "premise", "threshold", "budget", "failed", "seeds", "coverage"]
"""Why a claim is INCONCLUSIVE where more of the same seeds would not help; the first of them that holds is named."""
CAUSES: dict[Cause, str] = {
    "premise": "premise",
    "threshold": "threshold not shown to be reachable",
    "budget": "budget",
    "failed": "failed seeds",
    "seeds": "too few seeds",
    "coverage": "coverage",
}
"""The causes in words, in the order in which they are checked."""
Unit = Literal["mean", "difference", "ratio", "tasks", "share", "failed share"]
"""What `value`, `low` and `high` are: our mean, left minus right, left divided by right, a number of tasks, by how much
a share rises from a task to the next, or the share of seeds that failed on the left minus that on the right."""


class PrintedNumber(Protocol):
    """The parts of a published number that a verdict uses."""

    @property
    def value(self) -> SupportsFloat: ...
    @property
    def spread(self) -> SupportsFloat | None: ...
    @property
    def spread_kind(self) -> str | None: ...  # one of `statistics.SPREAD_KINDS`
    @property
    def n(self) -> int | None: ...


class PublishedNumbers(Protocol):
    """A published table: the number in a row (a variant's `published`) and a column (a task's), if printed."""

    def get(self, row: str, column: str, /) -> PrintedNumber | None: ...


@dataclass(frozen=True)
class JudgementRules:
    """Rules that are fixed before a run.

    `alpha` is the level of every test; intervals are at 1 - alpha. `floors` has the value of a failed seed by a
    measure's label (without an entry: the worst finite value of the comparison, of a random policy's mean and of the
    number on the right). `random_levels` has the mean of a random policy by task id and measure label; without an entry
    it is read from the cell of the variant "random", if there is one.
    """

    alpha: float = 0.05
    floors: Mapping[str, float] = field(default_factory=dict)
    random_levels: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def level(self) -> float:
        return 1 - self.alpha


DEFAULT_RULES = JudgementRules()


@dataclass(frozen=True)
class Robust:
    """A second verdict on a comparison whose seeds split into two modes, by medians and ranks.

    `value`, `low` and `high` are in the unit of the part's. `modes` names the cells with their medians and failed
    seeds; `rates` compares the shares that failed ("" if there are not two of them).
    """

    verdict: ClaimWord
    value: float
    low: float
    high: float
    n: int
    modes: tuple[str, ...]
    rates: str = ""
    cause: Cause = ""
    why: str = ""


@dataclass(frozen=True)
class PartResult:
    """One comparison of a claim; `threshold` and `margin` are in the unit of `value`."""

    text: str
    verdict: ClaimWord
    unit: Unit
    reason: str
    n: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None
    threshold: float | None = None
    margin: float | None = None
    published: float | None = None  # the number on the right, if a paper prints it
    clearance: float = math.nan  # from the interval to the threshold, in half-widths of the interval
    cause: Cause = ""
    why: str = ""  # a sentence on the cause, which `reason` ends with
    robust: Robust | None = None  # the second verdict, where seeds split into two modes
    p: float | None = None  # of an exact test that both sides are equal, where there is one
    seeds: int | None = None  # about how many a side would decide it, where shares of failed seeds are compared
    failed: str = ""  # how many seeds failed on both sides, in words, where their shares are compared
    exact: bool = False  # decided problem by problem, so that the word has no error rate
    lost: tuple[tuple[str, tuple[int, ...]], ...] = ()  # the seeds that failed, by variant
    lost_words: str = ""  # the same in words, with what they count as and the verdict without them

    @property
    def short(self) -> str:
        """The word and what it rests on, as "SUPPORTED 0.4 [0.1, 0.7]"."""
        value = "" if self.value is None else f" {self.value:.6g}"
        interval = "" if self.low is None or self.high is None else f" [{self.low:.6g}, {self.high:.6g}]"
        return f"{self.verdict}{value}{interval}"


@dataclass(frozen=True)
class PlatformWord:
    """A verdict's word on one platform, from the cells that were measured there."""

    platform: str
    verdict: LevelWord | ClaimWord | MeasuredWord
    budget: str
    n: int


@dataclass(frozen=True)
class FailedSeeds:
    """The seeds of a cell behind a verdict that failed: they diverged, or a compared value is not finite."""

    task: str
    variant: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Verdict:
    """What our runs say about a published number, a claim, or two results about each other.

    `id` is unique: experiment, then claim or variant, task and setting, with ":" between. `variant` lists a
    claim's variants. `published` is the published mean; `margin` is in the unit of `value`. `rival` names the
    measurement that the variant is compared with, unless that is a paper's. A claim that is counted over its tasks has
    no task: `value` is the number of tasks on which it is SUPPORTED, `n` the number of complete ones; their own
    verdicts name it in `part_of`.
    """

    id: str
    kind: Literal["level", "claim"]
    verdict: LevelWord | ClaimWord | MeasuredWord
    budget: str
    task: str
    variant: str
    setting: str
    n: int
    value: float | None
    low: float | None
    high: float | None
    published: float | None
    margin: float | None
    reason: str
    unit: Unit
    details: tuple[PartResult, ...] = ()
    part_of: str = ""  # the id of the claim's verdict over its tasks, if it has one
    rival: str = ""
    caveats: tuple[str, ...] = ()  # caveats about the cells behind `value`
    cause: Cause = ""
    claim: str = ""  # the claim's id, if it is about a claim
    claim_variants: tuple[str, ...] = ()  # the claim's variants, one by one
    setting_values: tuple[Scalar, ...] = ()  # values of the claim's `per` columns, in its order
    platforms: tuple[PlatformWord, ...] = ()  # those that have all its cells, at its budget
    failed: tuple[FailedSeeds, ...] = ()  # whatever the word

    @property
    def variants(self) -> tuple[str, ...]:
        """Our variants that the verdict is about, without the rival."""
        return self.claim_variants or (self.variant,)

    @property
    def words(self) -> str:
        """The verdict with its cause, as "INCONCLUSIVE (budget)"."""
        return with_cause(self.verdict, self.cause)

    @property
    def robust(self) -> ClaimWord | None:
        """The second verdict, by medians where a part's seeds split into two modes; None if no part's do."""
        if all(part.robust is None for part in self.details):
            return None
        second = [part if part.robust is None else part.robust for part in self.details]
        words: list[ClaimWord] = [one.verdict for one in second]
        if "INCOMPLETE" not in words and any(one.cause == "premise" for one in second):
            return "INCONCLUSIVE"
        worst: tuple[ClaimWord, ...] = ("INCOMPLETE", "REFUTED", "INCONCLUSIVE")
        return next((word for word in worst if word in words), "SUPPORTED")

    @property
    def disagreement(self) -> str:
        """Both verdicts in words where they are not the same; else ""."""
        if self.robust in (None, self.verdict):
            return ""
        return f"{self.words} by means, {self.robust} by medians"

    def as_row(self) -> dict[str, str | int | float | None]:
        """One flat row, fit for JSON: a number that is not finite (a bound from one seed) is None."""
        return {
            "id": self.id,
            "kind": self.kind,
            "verdict": self.verdict,
            "budget": self.budget,
            "n": self.n,
            "value": _finite(self.value),
            "low": _finite(self.low),
            "high": _finite(self.high),
            "published": _finite(self.published),
            "task": self.task,
            "variant": self.variant,
            "setting": self.setting,
            "margin": _finite(self.margin),
            "reason": self.reason,
            "unit": self.unit,
            "part_of": self.part_of,
            "rival": self.rival,
            "note": "; ".join(self.caveats),
            "cause": self.cause,
            "platforms": len(self.platforms),
            "platforms_same": sum(word.verdict == self.verdict for word in self.platforms),
            "by_platform": "; ".join(
                f"{word.platform}: {word.verdict}" + (f" (n {word.n})" if self.unit != "tasks" else "")
                for word in self.platforms
            ),
            "robust": self.robust,
            "disagreement": self.disagreement,
            "modes": "; ".join(dict.fromkeys("; ".join(part.robust.modes) for part in self.details if part.robust)),
            "failed": "; ".join(f"{cell.variant} on {cell.task}: {name_seeds(cell.seeds)}" for cell in self.failed),
            "parts": "; ".join(part.short for part in self.details) if len(self.details) > 1 else "",
        }


Cells = Mapping[tuple[str, str], CellData]
"""Cells of one budget by task and variant."""


@dataclass(frozen=True)
class Evidence:
    """Everything that is known of an experiment's runs.

    `asked_seeds` are, by budget, the seeds asked of a cell that has no `CellData`; a budget without an entry asks for
    as many as it declares. `published` is the experiment's published table. `shown` are the cells whose runs show that
    a level can be reached, if others than those that are judged.
    """

    experiment: Experiment
    cells_by_budget: Mapping[str, Cells]
    asked_seeds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    rules: JudgementRules = DEFAULT_RULES
    published: PublishedNumbers | None = None
    shown: Mapping[str, Cells] | None = None
    _spans: dict[tuple[str, str, str, str], float] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def budgets(self) -> list[str]:
        """The budgets that were read, the largest first."""
        return [b for b in BUDGETS if b in self.cells_by_budget] or [self.experiment.budgets[0].name]

    def cell(self, budget: str, task: str, variant: str) -> CellData | None:
        return self.cells_by_budget.get(budget, {}).get((task, variant))

    def missing(self, budget: str, task: str, variant: str) -> tuple[int, ...]:
        """The requested seeds that this cell does not have."""
        cell = self.cell(budget, task, variant)
        if cell is not None:
            return cell.missing
        return self.asked_seeds.get(budget) or self.experiment.seeds(budget, task, variant)

    def published_mean(self, row: str, task: str) -> float:
        """The mean printed in that row for that task. ValueError where there is none."""
        column = {t.id: t.published for t in self.experiment.tasks}[task]
        found = self.published.get(row, column) if self.published is not None and column is not None else None
        if found is None:
            raise ValueError(f"no published number is known in row {row!r} for {task}; expected one to compare with")
        return float(found.value)

    def has_any(self, budget: str, task: str, variants: Iterable[str]) -> bool:
        """Whether one of these cells has a seed."""
        return any((c := self.cell(budget, task, v)) is not None and bool(c.seeds) for v in variants)

    def best(self, task: str, measure: Measure) -> float | None:
        """An upper bound of the measure for any policy on the task, if one is known."""
        return {t.id: t.best for t in self.experiment.tasks}[task].get(measure.column)

    def span(self, budget: str, task: str, measure: Measure, where: Mapping[str, Scalar]) -> float:
        """The distance from the least to the largest value of the measure in any cell of the task."""
        key = budget, task, repr(measure), repr(where)  # reads every cell of the task, and each comparison asks it
        if key not in self._spans:
            cells = self.cells_by_budget.get(budget, {})
            own = (read_sample(c, measure, where).values for (of, _), c in cells.items() if of == task and c.seeds)
            values = [value for sample in own for value in sample.values()]
            self._spans[key] = max(values) - min(values) if values else 0.0
        return self._spans[key]

    def known_values(self, budget: str, task: str, measure: Measure, where: Mapping[str, Scalar]) -> dict[str, float]:
        """Values that policies reached on a task, by their source: all runs at this budget and larger ones, and
        declared values.

        For a run it is the value of one seed. Runs of a smaller budget do not count: the measure may mean another
        number there.
        """
        known: dict[str, float] = {}
        for larger in self.budgets[: self.budgets.index(budget) + 1] if budget in self.budgets else []:
            cells = self.cells_by_budget if self.shown is None else self.shown
            for (of, variant), cell in cells.get(larger, {}).items():
                if of == task and cell.seeds:
                    for seed, value in read_sample(cell, measure, where).values.items():
                        known[f"{variant}, seed {seed}, budget {larger}"] = value
        if not where:
            known |= {found.by: found.value for found in self.experiment.reached if found.shows(task, measure)}
        return known

    def random_level(
        self, budget: str, task: str, measure: Measure, where: Mapping[str, Scalar] | None = None
    ) -> float | None:
        """The mean of a random policy over the rows in which the columns have the values of `where`, or None if it is
        not known.
        """
        declared = self.rules.random_levels.get((task, measure.label))
        cell = self.cell(budget, task, RANDOM_VARIANT)
        if declared is not None or cell is None:
            return declared
        values = read_sample(cell, measure, where).values
        return math.fsum(values.values()) / len(values) if values else None


def with_cause(word: str, cause: Cause) -> str:
    """A claim's word with its cause in brackets, if it has one."""
    return f"{word} ({CAUSES[cause]})" if cause else word


def join_id(*words: str) -> str:
    """A verdict's id: its words with ":" between, without spaces or empty words."""
    return ":".join("-".join(word.split()) for word in words if word)


def _finite(x: float | None) -> float | None:
    return x if x is not None and math.isfinite(x) else None
