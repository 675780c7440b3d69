"""Small experiments and cells with chosen numbers, for the tests of verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from svgbench.analysis.judge.outlook import Open
from svgbench.analysis.read.measures import CellData
from svgbench.words.claims import Claim, Comparison, Measure, Term
from svgbench.words.experiment import Budget, Column, Experiment, TaskSpec, Variant

SCORE = Measure("score", "final score", {"step": "last"})
ERROR = Measure("score", "final error", {"step": "last"}, higher_is_better=False)


def sample(mean: float, sd: float, n: int) -> list[float]:
    """n values with exactly that mean and that SD (to rounding), at the quantiles of a normal."""
    z = stats.norm.ppf((np.arange(n) + 0.5) / n)
    return (mean + sd * (z - z.mean()) / z.std(ddof=1)).tolist()


def cell(variant: str, values: Sequence[float] | Mapping[int, float], task: str = "t", **about: Any) -> CellData:
    """A cell whose seeds have two rows: a 0 at step 1, the value at step 2. `about` goes to CellData."""
    by_seed = dict(values) if isinstance(values, Mapping) else dict(enumerate(values))
    rows = [(seed, step, value if step == 2 else 0.0) for seed, value in by_seed.items() for step in (1, 2)]
    seeds = tuple(by_seed)
    frame = pd.DataFrame(rows, columns=["seed", "step", "score"])
    return CellData(task, variant, frame, **{"seeds_done": seeds, "seeds_asked": seeds, **about})


def by_key(*cells: CellData) -> dict[tuple[str, str], CellData]:
    return {(c.task, c.variant): c for c in cells}


def experiment(claims: tuple[Claim, ...] = (), measure: Measure = SCORE, **about: Any) -> Experiment:
    """Tasks t and u, variants a and b, all three budgets."""
    declared: dict[str, Any] = {
        "tasks": tuple(TaskSpec(t, "m:make", t, published=t.upper()) for t in ("t", "u")),
        "variants": tuple(Variant(v, v, "m:make", published=v.upper()) for v in ("a", "b")),
        "budgets": (Budget("paper", 5, ""), Budget("short", 3, ""), Budget("smoke", 2, "")),
        "columns": (Column("score", "float", "", ""),),
        "measures": (measure,),
        "claims": claims,
    }
    return Experiment("w/x", "title", "description", **{**declared, **about})


def claim(*parts: Comparison, per: tuple[str, ...] = (), tasks: tuple[str, ...] | None = ("t",)) -> Claim:
    return Claim("c", "quote", "source", "text", parts, per, tasks)


def compared(
    relation: str, right: str | float = "b", margin: float = 0.0, scale: str = "difference", measure: Measure = SCORE
) -> Comparison:
    """`a relation right`."""
    other = Term(right, measure) if isinstance(right, str) else right
    return Comparison(Term("a", measure), relation, other, "number", margin, scale)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Printed:
    value: float
    spread: float | None
    spread_kind: str | None = "sd"
    n: int | None = 10


@dataclass(frozen=True)
class Table:
    numbers: Mapping[tuple[str, str], Printed]

    def get(self, row: str, column: str) -> Printed | None:
        return self.numbers.get((row, column))


class Outlook:
    """An outlook in which two cells are measured at paper and nothing is open."""

    budgets = ("paper",)

    def measured(self, budget: str) -> int:
        return 2

    asked_cells = measured

    def of_claim(self, claim: Claim, verdicts: object) -> None:
        return None

    def not_run(self, budget: str) -> tuple[int, Open]:
        return 0, Open(budget, 0, None)


OUTLOOK: Any = Outlook()
