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
    JudgementRules,
    PartResult,
    PrintedNumber,
    PublishedNumbers,
    Verdict,
)
from svgbench.analysis.judge.levels import level_verdicts
from svgbench.analysis.judge.rivals import rival_verdicts
from svgbench.analysis.read.caveats import caveats
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
    return [_with_caveats(evidence, verdict) for verdict in verdicts]


def _with_caveats(evidence: Evidence, verdict: Verdict) -> Verdict:
    if verdict.value is None:
        return verdict
    names = [*verdict.variants, verdict.rival]
    cells = [cell for name in names if (cell := evidence.cell(verdict.budget, verdict.task, name)) is not None]
    said = [f"{c.variant}: {text}" for c in cells for text in caveats(evidence.experiment, verdict.budget, c)]
    return replace(verdict, caveats=tuple(said))
