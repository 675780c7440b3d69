"""Claims: does a sentence of a paper hold among our own runs?

`comparisons` judges the parts of a claim. Here they become verdicts, per task and setting, and over the tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from svgbench.analysis.judge.claim_checks import problems
from svgbench.analysis.judge.comparisons import Place, incomplete, judge_part
from svgbench.analysis.judge.effects import variants_of_claim
from svgbench.analysis.judge.failed_shares import failed_share_part
from svgbench.analysis.judge.judgement import CAUSES, Cause, ClaimWord, Evidence, PartResult, Verdict, join_id
from svgbench.analysis.judge.rising import rising_part
from svgbench.analysis.read.measures import CellData
from svgbench.analysis.read.naming import name_seeds
from svgbench.words.claims import Claim, Comparison
from svgbench.words.values import Scalar


def claim_verdicts(evidence: Evidence) -> list[Verdict]:
    """Every claim, per task and per combination of its `per` columns' values, then over its tasks if it is counted.

    Judged at the largest budget at which all its cells of that task are complete. If there is none: one
    INCOMPLETE for the task, at the largest budget that has anything. ValueError for a claim that does not fit its
    experiment, and for a column that a frame does not have.
    """
    if wrong := problems(evidence.experiment, evidence.published):
        raise ValueError(f"{evidence.experiment.id}: {wrong[0]}")
    return [verdict for claim in evidence.experiment.claims for verdict in _judge(evidence, claim)]


def decide(parts: tuple[PartResult, ...]) -> tuple[ClaimWord, PartResult]:
    """A claim's verdict and the part that decides it.

    It holds if every part does. The deciding part is the first incomplete one, else the first premise that does not
    hold, else the first refuted, else the first inconclusive (those first that more seeds would not decide), else the
    one whose interval is nearest to its threshold.
    """
    orders: tuple[ClaimWord, ...] = ("INCOMPLETE", "REFUTED", "INCONCLUSIVE")
    broken = [part for part in parts if part.cause == "premise"]
    if broken and all(part.verdict != "INCOMPLETE" for part in parts):
        return "INCONCLUSIVE", broken[0]
    for word in orders:
        found = [part for part in parts if part.verdict == word]
        if found:
            return word, min(found, key=lambda part: _rank(part.cause))
    return "SUPPORTED", min(parts, key=lambda part: part.clearance)


def _rank(cause: Cause) -> int:
    """The rank of a cause in the order in which causes are checked; without a cause, the last."""
    return [*CAUSES, ""].index(cause)


def count_tasks(words: Sequence[str], at_least: int) -> ClaimWord:
    """The verdict on "on at least this many tasks", from the verdicts of a claim's tasks.

    It is INCOMPLETE only while the missing tasks could still decide it. Intervals are not widened for the number of
    tasks: docs/verdicts.md gives bounds on the error.
    """
    supported, refuted, missing = (words.count(word) for word in ("SUPPORTED", "REFUTED", "INCOMPLETE"))
    spare = len(words) - at_least
    if supported >= at_least:
        return "SUPPORTED"
    if refuted > spare:
        return "REFUTED"
    return "INCOMPLETE" if supported + missing >= at_least or refuted + missing > spare else "INCONCLUSIVE"


def _judge(evidence: Evidence, claim: Claim) -> Iterator[Verdict]:
    if claim.over_tasks:
        yield _over(evidence, claim)
        return
    for task in evidence.experiment.tasks_of(claim):
        yield from _judge_task(evidence, claim, task, _complete_budget(evidence, claim, task))
    if claim.at_least is not None:
        yield _count(evidence, claim, claim.at_least)


def _judge_task(evidence: Evidence, claim: Claim, task: str, budget: str) -> list[Verdict]:
    variants = variants_of_claim(claim, task)
    if gaps := _gaps(evidence, claim, task, budget):
        missing = incomplete(claim.parts[0], "; ".join(gaps))
        return [_verdict(evidence, claim, Place(task, budget, {}), (missing,))]
    # complete: every variant has a cell, unless none was requested
    cells = [c for v in variants if (c := evidence.cell(budget, task, v)) is not None]
    places = [Place(task, budget, setting) for setting in _settings(claim.per, cells)]
    return [
        _verdict(evidence, claim, place, tuple(_part(evidence, part, place) for part in claim.parts))
        for place in places
    ]


def _part(evidence: Evidence, part: Comparison, place: Place) -> PartResult:
    if part.scale == "failed_share":
        return failed_share_part(evidence, part, place, place)
    found = judge_part(evidence, part, place)
    return _as_premise(found) if part.premise and found.verdict != "INCOMPLETE" else found


def _as_premise(found: PartResult) -> PartResult:
    """A part that the claim takes for granted: it leaves the claim open where it does not hold, in either verdict."""
    robust = found.robust
    if robust is not None and robust.verdict != "SUPPORTED":
        robust = replace(robust, verdict="INCONCLUSIVE", cause="premise")
    if found.verdict == "SUPPORTED":
        return replace(found, robust=robust)
    why = f"the claim takes for granted that this holds; it is {found.verdict}: {found.reason}"
    return replace(found, verdict="INCONCLUSIVE", cause="premise", reason=why, why="", robust=robust)


def _count(evidence: Evidence, claim: Claim, at_least: int) -> Verdict:
    """The claim over its tasks, all of them at one budget: the largest at which they decide it."""
    tasks = evidence.experiment.tasks_of(claim)
    judged = {}
    for budget in _budgets(evidence, claim):
        judged[budget] = {task: _judge_task(evidence, claim, task, budget)[0] for task in tasks}
        word = count_tasks([v.verdict for v in judged[budget].values()], at_least)
        if word != "INCOMPLETE":
            break
    else:
        word = "INCOMPLETE"
        budget = _begun(evidence, claim, tasks, list(judged))
    verdicts = judged[budget]
    supported = sum(v.verdict == "SUPPORTED" for v in verdicts.values())
    labels = {task.id: task.label for task in evidence.experiment.tasks}
    by_word: dict[str, list[str]] = {}
    for task, verdict in verdicts.items():
        by_word.setdefault(verdict.words, []).append(labels[task])
    listed = "; ".join(f"{found} {', '.join(names)}" for found, names in by_word.items())
    open_: list[Cause] = [v.cause for v in verdicts.values() if v.verdict == "INCONCLUSIVE"]
    by_seeds = supported + open_.count("") >= at_least  # more seeds could still support it
    variants = _variants_over(claim, tasks)
    return Verdict(
        id=join_id(evidence.experiment.id, claim.id),
        kind="claim",
        verdict=word,
        budget=budget,
        task="",
        variant=", ".join(variants),
        claim=claim.id,
        claim_variants=variants,
        setting="",
        n=sum(v.verdict != "INCOMPLETE" for v in verdicts.values()),
        value=float(supported),
        low=None,
        high=None,
        published=None,
        margin=None,
        reason=f"SUPPORTED on {supported} of {len(tasks)} tasks, needs {at_least}: {listed}",
        unit="tasks",
        cause="" if word != "INCONCLUSIVE" or by_seeds else min(open_, key=_rank, default=""),
    )


def _over(evidence: Evidence, claim: Claim) -> Verdict:
    """The one verdict of a claim over its tasks in their order, at the largest budget at which all are complete."""
    tasks, gaps = evidence.experiment.tasks_of(claim), {}
    for budget in _budgets(evidence, claim):
        gaps[budget] = {task: found for task in tasks if (found := _gaps(evidence, claim, task, budget))}
    budget = next((b for b, found in gaps.items() if not found), "")
    if not budget:
        budget = _begun(evidence, claim, tasks, list(gaps))
        lacks = "; ".join(f"{task}: {'; '.join(found)}" for task, found in gaps[budget].items())
        return _verdict(evidence, claim, Place("", budget, {}), (incomplete(claim.parts[0], lacks),))
    if claim.across:
        one, other = (Place(task, budget, {}) for task in tasks)
        parts = tuple(failed_share_part(evidence, part, one, other) for part in claim.parts)
    else:
        parts = tuple(rising_part(evidence, part, tasks, budget) for part in claim.parts)
    return _verdict(evidence, claim, Place("", budget, {}), parts)


def _budgets(evidence: Evidence, claim: Claim) -> list[str]:
    """The budgets to judge at, the largest first: those that were read, or the claim's own if it has none of these."""
    if claim.budgets is None:
        return evidence.budgets
    return [b for b in evidence.budgets if b in claim.budgets] or list(claim.budgets)


def _complete_budget(evidence: Evidence, claim: Claim, task: str) -> str:
    """The largest budget at which the task's cells are complete, else the largest with results, else the largest."""
    budgets = _budgets(evidence, claim)
    complete = [b for b in budgets if not _gaps(evidence, claim, task, b)]
    return complete[0] if complete else _begun(evidence, claim, [task], budgets)


def _begun(evidence: Evidence, claim: Claim, tasks: Sequence[str], budgets: Sequence[str]) -> str:
    """The first of the budgets at which a cell of the claim on these tasks has results, else the first."""
    started = (b for b in budgets for t in tasks if evidence.has_any(b, t, variants_of_claim(claim, t)))
    return next(started, budgets[0])


def _variants_over(claim: Claim, tasks: Sequence[str]) -> tuple[str, ...]:
    """Every variant that the claim reads on these tasks, each once."""
    return tuple(dict.fromkeys(v for task in tasks for v in variants_of_claim(claim, task)))


def _gaps(evidence: Evidence, claim: Claim, task: str, budget: str) -> list[str]:
    """The cells or seeds that are missing to judge the claim there."""
    if claim.budgets is not None and not set(evidence.budgets) & set(claim.budgets):
        return [f"it is judged at budget {' or '.join(claim.budgets)} only, which has no results"]
    missing = {v: evidence.missing(budget, task, v) for v in variants_of_claim(claim, task)}
    return [f"{v} lacks {name_seeds(seeds)}" for v, seeds in missing.items() if seeds]


def _settings(per: tuple[str, ...], cells: Sequence[CellData]) -> list[dict[str, Scalar]]:
    """Every combination of the columns' values that a cell has, in order of the values."""
    if not per:
        return [{}]
    found: set[tuple[Scalar, ...]] = set()
    for cell in cells:
        unknown = [column for column in per if column not in cell.frame.columns]
        if unknown:
            raise ValueError(f"a claim is per {unknown[0]!r}; {cell.variant} has {', '.join(cell.frame.columns)}")
        rows = cell.frame.loc[cell.frame["seed"].isin(cell.seeds), list(per)].drop_duplicates().dropna()
        found.update(zip(*(rows[column].tolist() for column in per), strict=True))
    ordered = sorted(found, key=lambda values: [(isinstance(v, str), v) for v in values])
    return [dict(zip(per, values, strict=True)) for values in ordered] or [{}]


def _verdict(evidence: Evidence, claim: Claim, place: Place, parts: tuple[PartResult, ...]) -> Verdict:
    word, part = decide(parts)
    settings = [f"{column}={value}" for column, value in place.setting.items()]
    held = sum(p.verdict == "SUPPORTED" for p in parts)
    variants = _variants_over(claim, [place.task] if place.task else evidence.experiment.tasks_of(claim))
    return Verdict(
        id=join_id(evidence.experiment.id, claim.id, place.task, ",".join(settings)),
        kind="claim",
        verdict=word,
        budget=place.budget,
        task=place.task,
        variant=", ".join(variants),
        claim=claim.id,
        claim_variants=variants,
        setting=" ".join(settings),
        setting_values=tuple(place.setting.values()),
        n=part.n,
        value=part.value,
        low=part.low,
        high=part.high,
        published=part.published,
        margin=part.margin,
        reason=part.reason + (f" ({held} of {len(parts)} parts hold)" if len(parts) > 1 else ""),
        unit=part.unit,
        details=parts,
        part_of=join_id(evidence.experiment.id, claim.id) if claim.at_least is not None else "",
        cause=part.cause if word == "INCONCLUSIVE" else "",
    )
