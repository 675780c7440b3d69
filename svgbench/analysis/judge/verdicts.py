"""Verdicts of our runs on claims, published numbers, rivals and other results.

Claims are judged in `claims`, published numbers in `levels`, rivals in `rivals` and other results in `difference`
(both by the rules of `between`), in the words of `judgement`. What is fixed before a run is in
`judgement.JudgementRules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from svgbench.analysis.judge.claims import claim_verdicts
from svgbench.analysis.judge.effects import candidates, sides, variants_of_claim
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
from svgbench.analysis.read.measures import CellData, read_sample
from svgbench.lab.cells import Selection
from svgbench.words.claims import Measure
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
    several = not verdict.task
    said = [
        f"{cell.variant}{f' on {cell.task}' * several}: {text}"
        for cell in _cells_behind(evidence, verdict)
        for text in caveats(evidence.experiment, verdict.budget, cell)
    ]
    return replace(verdict, caveats=tuple(said))


def _cells_behind(evidence: Evidence, verdict: Verdict) -> list[CellData]:
    """The cells that a verdict rests on; none for a claim counted over its tasks, whose own verdicts have them."""
    if verdict.task:
        names = [(verdict.task, variant) for variant in filter(None, (*verdict.variants, verdict.rival))]
    else:
        names = _names_over(evidence.experiment, verdict)
    return [cell for name in names if (cell := evidence.cell(verdict.budget, *name)) is not None and cell.seeds]


def _names_over(experiment: Experiment, verdict: Verdict) -> list[tuple[str, str]]:
    """The tasks and variants of a claim with one verdict over its tasks. If it is read across two tasks, a side is read
    on one of them.
    """
    claim = next(claim for claim in experiment.claims if claim.id == verdict.claim)
    tasks = experiment.tasks_of(claim) if claim.over_tasks else ()
    if not claim.across:
        return [(task, variant) for task in tasks for variant in variants_of_claim(claim, task)]
    read = [(task, side) for part in claim.parts for task, side in zip(tasks, sides(part), strict=True)]
    return list(dict.fromkeys((task, v) for task, side in read for group in candidates(side, task) for v in group))


def _failed(evidence: Evidence, verdict: Verdict) -> tuple[FailedSeeds, ...]:
    """The failed seeds of the cells behind a verdict."""
    compared: dict[str, set[int]] = {}
    for variant, seeds in (lost for part in verdict.details for lost in part.lost):
        compared.setdefault(variant, set()).update(seeds)
    measures = _measures_of_failures(evidence.experiment, verdict)
    found = []
    for cell in _cells_behind(evidence, verdict):
        lost = {*compared.get(cell.variant, ()), *(set(cell.diverged) & set(cell.seeds))}
        lost.update(*(read_sample(cell, measure).failed for measure in measures))
        found += [FailedSeeds(cell.task, cell.variant, tuple(sorted(lost)))] * bool(lost)
    return tuple(found)


def _measures_of_failures(experiment: Experiment, verdict: Verdict) -> list[Measure]:
    """The measures of which a seed of a verdict's cells may lack a value, unless the parts name such seeds."""
    if verdict.kind == "level":
        return [*experiment.measures[:1]]
    rising = [claim for claim in experiment.claims if claim.id == verdict.claim and claim.rising]
    return [side.measure for claim in rising for part in claim.parts for side in sides(part)]
