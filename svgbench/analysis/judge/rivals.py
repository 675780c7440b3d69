"""An imported or own method, or a variant made with -o, against each variant that the experiment declares."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from svgbench.analysis.judge.between import Meeting, judge
from svgbench.analysis.judge.judgement import Evidence, MeasuredWord, Verdict
from svgbench.analysis.read.measures import CellData, read_sample
from svgbench.analysis.read.naming import RANDOM_VARIANT, name_seeds
from svgbench.lab.cells import Selection
from svgbench.lab.overrides import unchanged_id
from svgbench.words.claims import Measure


def rival_verdicts(evidence: Evidence, budget: str, asked: Selection) -> list[Verdict]:
    """Every undeclared variant against every declared one, on the experiment's first measure, per task.

    `value` is the undeclared variant's mean minus the declared one's; `rival` names the declared one. `asked` narrows
    the tasks, and the variants on each side: if it names any variant of a side, the others of that side are left out.
    With overrides it names the variants that these make, and each is compared with the one that it was made from.
    Holm's correction runs over the rest. INCOMPLETE if a side lacks seeds; no verdict if the declared one has none.
    """
    measure = evidence.experiment.measures[0]
    pairs = _changed(evidence, budget, asked) if asked.overrides else _rivals(evidence, budget, asked)
    return judge([_meeting(evidence, budget, mine, theirs, measure) for mine, theirs in pairs], evidence.rules)


Pair = tuple[CellData, CellData]


def _rivals(evidence: Evidence, budget: str, asked: Selection) -> Iterator[Pair]:
    cells = evidence.cells_by_budget.get(budget, {})
    declared = _narrowed([v.id for v in evidence.experiment.variants], asked.variants)
    undeclared = _narrowed(list(dict.fromkeys(v for (_, v), cell in cells.items() if cell.imported)), asked.variants)
    for task in _tasks(evidence, asked):
        for name in undeclared:
            for rival in declared:
                mine, theirs = cells.get((task, name)), cells.get((task, rival))
                if mine is not None and theirs is not None and theirs.seeds:
                    yield mine, theirs


def _changed(evidence: Evidence, budget: str, asked: Selection) -> Iterator[Pair]:
    cells = evidence.cells_by_budget.get(budget, {})
    for task in _tasks(evidence, asked):
        for name in asked.variants:
            theirs = cells.get((task, unchanged_id(name)))
            if theirs is not None and theirs.seeds:
                nothing = CellData(task, name, theirs.frame.iloc[:0], (), theirs.seeds_asked, imported=True)
                yield cells.get((task, name), nothing), theirs


def _tasks(evidence: Evidence, asked: Selection) -> list[str]:
    return [task.id for task in evidence.experiment.tasks if not asked.tasks or task.id in asked.tasks]


def _narrowed(names: list[str], asked: Collection[str]) -> list[str]:
    """The requested names, or all if none is requested."""
    return [name for name in names if name in asked] or names


def _meeting(evidence: Evidence, budget: str, mine: CellData, theirs: CellData, measure: Measure) -> Meeting:
    ours, other = read_sample(mine, measure), read_sample(theirs, measure)
    gaps = []
    for cell, sample in ((theirs, other), (mine, ours)):
        missing = evidence.missing(budget, cell.task, cell.variant) or sample.absent
        if missing or not sample.n:
            gaps.append(f"{cell.variant} lacks {name_seeds(missing) if missing else 'every seed'}")
    settled: tuple[MeasuredWord, str] | None = None
    if gaps:
        settled = "INCOMPLETE", "; ".join(gaps)
    elif same_bits(mine, theirs):
        settled = "IDENTICAL", f"the same bits as {theirs.variant} in {name_seeds(mine.seeds)}"
    random = None if theirs.variant == RANDOM_VARIANT else evidence.random_level(budget, mine.task, measure)
    return Meeting(
        evidence.experiment.id,
        budget,
        mine.task,
        mine.variant,
        theirs.variant,
        f"against {theirs.variant}",
        measure,
        ours,
        other,
        random,
        shared=not (mine.foreign or theirs.foreign),
        settled=settled,
    )


def same_bits(a: CellData, b: CellData) -> bool:
    """Whether two cells have the same seeds and the same rows in every common column."""
    if (a.seeds, a.diverged, len(a.frame)) != (b.seeds, b.diverged, len(b.frame)):
        return False
    shared = [name for name in a.frame.columns if name in b.frame.columns]
    return all(list(map(repr, a.frame[c].tolist())) == list(map(repr, b.frame[c].tolist())) for c in shared)
