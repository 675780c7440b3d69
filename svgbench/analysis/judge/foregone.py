"""Published numbers that no runs of ours can decide, found before anything is run."""

from __future__ import annotations

from dataclasses import dataclass

from svgbench.analysis.judge.judgement import Evidence, PublishedNumbers
from svgbench.analysis.judge.levels import never_decided, printed_number
from svgbench.analysis.read.frames import read_results
from svgbench.analysis.read.naming import RANDOM_VARIANT
from svgbench.lab.cells import Selection
from svgbench.lab.store import Store
from svgbench.words.experiment import Experiment


@dataclass(frozen=True)
class Undecidable:
    """A cell whose published number no runs can decide, by the rules of `level_verdicts`, and why."""

    task: str
    variant: str
    reason: str


def undecidable(evidence: Evidence, table: PublishedNumbers) -> tuple[list[Undecidable], list[str]]:
    """The cells at the budget `paper` that can only be NOT_COMPARABLE or INCONCLUSIVE, whatever is run.

    Also the ids of the tasks whose random policy was measured at no budget: the margins there are not known yet. A
    random policy spends nothing, so its mean at any budget is used.
    """
    found, unknown = [], []
    measure = evidence.experiment.measures[0]
    for task in evidence.experiment.tasks:
        levels = (evidence.random_level(budget, task.id, measure) for budget in evidence.budgets)
        random = next((level for level in levels if level is not None), None)
        numbers = {v.id: printed_number(table, task, v) for v in evidence.experiment.variants if v.runs_on(task.id)}
        unknown += [task.id] * (random is None and any(numbers.values()))
        for variant, number in numbers.items():
            reason = "" if number is None else never_decided(evidence.experiment, variant, number, random)
            found += [Undecidable(task.id, variant, reason)] * bool(reason)
    return found, unknown


def undecidable_here(
    store: Store, experiment: Experiment, table: PublishedNumbers | None
) -> tuple[list[Undecidable], list[str]]:
    """`undecidable` with the random policies that the store has, at any budget."""
    if table is None:
        return [], []
    cells = {}
    if any(variant.id == RANDOM_VARIANT for variant in experiment.variants):
        selections = [Selection(budget.name, variants=(RANDOM_VARIANT,)) for budget in experiment.budgets]
        cells = {one.budget: read_results(store, experiment, one).cells for one in selections}
    return undecidable(Evidence(experiment, cells), table)
