"""Verdicts of our runs on claims, published numbers, rivals and other results.

Claims are judged in `claims`, published numbers in `levels`, rivals in `rivals` and other results in `difference`
(both by the rules of `between`), in the words of `judgement`. What is fixed before a run is in
`judgement.JudgementRules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from svgbench.analysis.judge.claims import claim_verdicts
from svgbench.analysis.judge.judgement import (
    DEFAULT_RULES,
    Cells,
    Evidence,
    FailedSeeds,
    JudgementRules,
    PartResult,
    PrintedNumber,
    PublishedNumbers,
    Verdict,
)
from svgbench.analysis.judge.levels import level_verdicts
from svgbench.analysis.judge.rivals import rival_verdicts
from svgbench.analysis.read.caveats import caveats
from svgbench.analysis.read.measures import read_sample
from svgbench.lab.cells import Selection
from svgbench.words.experiment import Experiment

__all__ = [
    "DEFAULT_RULES",
    "Cells",
    "Evidence",
    "JudgementRules",
    "PartResult",
    "PrintedNumber",
    "PublishedNumbers",
    "Verdict",
    "claim_verdicts",
    "compare",
    "level_verdicts",
    "rival_verdicts",
]


def compare(
    experiment: Experiment,
    cells_by_budget: Mapping[str, Cells],
    published: PublishedNumbers | None = None,
    asked_seeds: Mapping[str, tuple[int, ...]] | None = None,
    rules: JudgementRules = DEFAULT_RULES,
    asked: Selection | None = None,
    shown: Mapping[str, Cells] | None = None,
) -> list[Verdict]:
    """Claims, then levels (where there are published numbers), then rivals at every budget that has one.

    The caveats of a verdict with a number say of each cell behind it which seeds end before the others, and whether
    the cell ends where its budget does.

    `cells_by_budget` has the cells by task and variant; leave a budget out and nothing is judged there. `asked_seeds`,
    by budget, are the seeds asked of a cell that has no data at all; without it a budget asks for the seeds that it
    declares. `asked` narrows the rivals, and nothing else, by task and variant. `shown` are cells that show which
    levels can be reached; by default the same cells. ValueError for a claim that does not fit the experiment (a name
    that does not exist, a published number without `published`), and for a column that a frame does not have.
    """
    evidence = Evidence(experiment, cells_by_budget, asked_seeds or {}, rules, published, shown)
    verdicts = claim_verdicts(evidence)
    if published is not None:
        verdicts += level_verdicts(evidence, published)
    for budget in evidence.budgets:
        verdicts += rival_verdicts(evidence, budget, asked or Selection())
    return [replace(_with_caveats(evidence, verdict), failed=_failed(evidence, verdict)) for verdict in verdicts]


def _with_caveats(evidence: Evidence, verdict: Verdict) -> Verdict:
    if verdict.value is None:
        return verdict
    names = [*verdict.variants, verdict.rival]
    cells = [cell for name in names if (cell := evidence.cell(verdict.budget, verdict.task, name)) is not None]
    said = [f"{c.variant}: {text}" for c in cells for text in caveats(evidence.experiment, verdict.budget, c)]
    return replace(verdict, caveats=tuple(said))


def _failed(evidence: Evidence, verdict: Verdict) -> tuple[FailedSeeds, ...]:
    """The failed seeds of the cells behind a verdict; none of a claim counted over its tasks: those have them."""
    over = [verdict.task] if verdict.task else [task.id for task in evidence.experiment.tasks if verdict.details]
    compared: dict[str, set[int]] = {}
    for variant, seeds in (lost for part in verdict.details for lost in part.lost):
        compared.setdefault(variant, set()).update(seeds)
    found = []
    for task in over:
        for variant in filter(None, (*verdict.variants, verdict.rival)):
            cell = evidence.cell(verdict.budget, task, variant)
            if cell is None or not cell.seeds:
                continue
            measures = evidence.experiment.measures[:1] if verdict.kind == "level" else ()
            lost = {*compared.get(variant, ()), *(set(cell.diverged) & set(cell.seeds))}
            lost.update(*(read_sample(cell, measure).failed for measure in measures))
            found += [FailedSeeds(task, variant, tuple(sorted(lost)))] * bool(lost)
    return tuple(found)
