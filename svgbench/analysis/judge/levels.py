"""Levels: do our runs reproduce the number that a paper printed?

The first rule that fires: NOT_COMPARABLE, INCOMPLETE, INCONCLUSIVE where the published spread is too wide for
a margin, REPRODUCED, WORSE or BETTER, CONSISTENT, INCONCLUSIVE.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from svgbench.analysis.judge.cell_statistics import below_level, spread_of
from svgbench.analysis.judge.contrasts import Contrast, Pair, contrasts, count_failures, floor_of
from svgbench.analysis.judge.coverage import MOST_MISSED, NORMAL, NUMBER, covered, failing_kind
from svgbench.analysis.judge.failed_seeds import too_many
from svgbench.analysis.judge.judgement import Evidence, LevelWord, PrintedNumber, PublishedNumbers, Verdict, join_id
from svgbench.analysis.judge.statistics import SPREAD_KINDS, Interval, Summary, interval_of, summarise, to_sd
from svgbench.analysis.read.measures import Sample, read_sample
from svgbench.analysis.read.naming import RANDOM_VARIANT, name_seeds, printed
from svgbench.words.claims import Measure
from svgbench.words.experiment import Experiment, TaskSpec, Variant

SHARE_OF_DISTANCE = 0.10
CAP_OF_DISTANCE = 0.25


@dataclass(frozen=True)
class LevelCase:
    """Our seeds and one published number; `sds` has two entries if the spread's kind is unknown."""

    ours: Summary
    published: float
    sds: tuple[float, ...]
    n: int
    random: float | None = None  # mean of a random policy
    higher_is_better: bool = True


@dataclass(frozen=True)
class LevelOutcome:
    """A word for one case; `margin` is None where the readings of its spread disagree."""

    verdict: LevelWord
    margin: float | None
    reason: str


def level_margin(published: float, sd: float, random: float | None) -> tuple[float, bool]:
    """The margin of a level verdict, and whether the published spread is too wide for one.

    The larger of one published SD and a tenth of the distance from a random policy, capped at a quarter of
    that distance. Without a random level there is no distance: the published SD alone, uncapped.
    """
    if random is None:
        return sd, False
    distance = abs(published - random)
    return min(max(sd, SHARE_OF_DISTANCE * distance), CAP_OF_DISTANCE * distance), sd > CAP_OF_DISTANCE * distance


def judge_levels(cases: Sequence[LevelCase], alpha: float = 0.05) -> list[LevelOutcome]:
    """The outcomes of one table, whose tests Holm corrects together.

    Where a spread's kind is unknown the table is judged twice, as if it were an SD and as if it were an SE.
    Such a cell has a verdict only if both agree; a cell with a known spread takes the larger Holm p. A cell
    whose published spread is too wide is outside the correction: nothing of ours could decide it.
    """
    as_sd, as_se = _contrasts(cases, 0), _contrasts(cases, 1)
    outcomes = []
    for case, first, last in zip(cases, as_sd, as_se, strict=True):
        if len(case.sds) == 1 and first is not None and last is not None:
            first = last = replace(first, p_holm=max(first.p_holm, last.p_holm))
        outcome, other = _outcome(case, case.sds[0], first, alpha), _outcome(case, case.sds[-1], last, alpha)
        if outcome.verdict != other.verdict:
            readings = f"{outcome.verdict} as SD, {other.verdict} as SE"
            reason = f"the published spread's kind is unknown and matters: {readings}"
            outcome = LevelOutcome("NOT_COMPARABLE", None, reason)
        outcomes.append(outcome)
    return outcomes


def level_verdicts(evidence: Evidence, table: PublishedNumbers) -> list[Verdict]:
    """One verdict per task and variant with a published number. `value` is our mean of the first measure.

    It is judged at the largest budget with results of the cell; below `paper` it shows its value and is NOT_COMPARABLE.
    Without runs of a random policy that the experiment declares it is INCOMPLETE: the margin would not be capped.
    Failed seeds count at a floor (undeclared: the worst of our values, the published one and the random level), and the
    reason gives the verdict without them.
    """
    rows = [
        _row(evidence, (task.id, variant.id), evidence.experiment.measures[0], found)
        for task in evidence.experiment.tasks
        for variant in evidence.experiment.variants
        if (found := printed_number(table, task, variant)) is not None
    ]
    cases = [row.case for row in rows if row.case is not None]
    finite = [row.finite or row.case for row in rows if row.case is not None]
    alpha = evidence.rules.alpha
    outcomes = iter(judge_levels(cases, alpha))
    without = iter(judge_levels([case for case in finite if case is not None], alpha))
    return [row.verdict if row.case is None else _verdict(row, next(outcomes), next(without)) for row in rows]


def printed_number(table: PublishedNumbers, task: TaskSpec, variant: Variant) -> PrintedNumber | None:
    """The published number of a cell, if there is one."""
    if task.published is None or variant.published is None:
        return None
    return table.get(variant.published, task.published)


def never_decided(experiment: Experiment, variant: str, number: PrintedNumber, random: float | None) -> str:
    """Why no runs of a variant can decide a published number; "" if some can."""
    if problem := _not_comparable(experiment, variant, "paper", number):
        return problem
    readings = [(sd, *level_margin(float(number.value), sd, random)) for sd in _sds(number)]
    return next((_too_wide(sd, margin) for sd, margin, too_wide in readings if too_wide), "")


def _sds(number: PrintedNumber) -> tuple[float, ...]:
    return to_sd(number.spread or 0.0, number.spread_kind or "unknown", number.n or 0)


def _too_wide(sd: float, margin: float) -> str:
    return f"published spread too wide: SD {printed(sd)}, while the margin is capped at {printed(margin)}"


@dataclass(frozen=True)
class _Row:
    """A cell of the table: a verdict that is final unless there is a case to judge."""

    verdict: Verdict
    case: LevelCase | None = None
    finite: LevelCase | None = None  # the case with failed seeds left out
    failures: str = ""
    failed: int = 0  # seeds in the worse of two modes
    too_many: str = ""  # why so many failed that the number is not reached, whatever the others have


def _contrasts(cases: Sequence[LevelCase], reading: int) -> list[Contrast | None]:
    """The tests under one reading of the spreads; None where the published one is too wide."""
    pairs: list[Pair | None] = []
    for case in cases:
        sd = case.sds[min(reading, len(case.sds) - 1)]
        margin, too_wide = level_margin(case.published, sd, case.random)
        published = Summary(case.published, sd, case.n)
        pairs.append(None if too_wide else Pair(case.ours, published, margin, case.higher_is_better))
    found = iter(contrasts([pair for pair in pairs if pair is not None]))
    return [None if pair is None else next(found) for pair in pairs]


def _outcome(case: LevelCase, sd: float, contrast: Contrast | None, alpha: float) -> LevelOutcome:
    if contrast is None:
        margin, _ = level_margin(case.published, sd, case.random)
        return LevelOutcome("INCONCLUSIVE", margin, _too_wide(sd, margin))
    word = _word(contrast, alpha)
    reason = contrast.explain(word, alpha)
    if case.random is None:
        reason += "; no random level is known, so the margin is the published SD alone"
    return LevelOutcome(word, contrast.pair.margin, reason)


def _word(c: Contrast, alpha: float) -> LevelWord:
    if c.p_tost < alpha:
        return "REPRODUCED"
    if c.p_holm < alpha and not c.close:
        return c.direction
    return "CONSISTENT" if c.testable and c.close else "INCONCLUSIVE"


def _row(evidence: Evidence, cell_id: tuple[str, str], measure: Measure, found: PrintedNumber) -> _Row:
    task, variant = cell_id
    started = [budget for budget in evidence.budgets if evidence.has_any(budget, task, [variant])]
    budget = (started or evidence.budgets)[0]
    cell = evidence.cell(budget, task, variant)
    sample = read_sample(cell, measure) if cell is not None and cell.seeds else Sample({})
    published, random = float(found.value), evidence.random_level(budget, task, measure)
    compared = [*sample.values.values(), published, *([] if random is None else [random])]
    ours, failures = count_failures(sample, floor_of(measure, compared, evidence.rules))
    interval = None if ours is None else interval_of(ours, evidence.rules.level)
    verdict = _blank(evidence.experiment, (task, variant, measure.label), budget, interval, published)
    if problem := _not_comparable(evidence.experiment, variant, budget, found):
        return _Row(replace(verdict, verdict="NOT_COMPARABLE", reason=problem))
    missing = evidence.missing(budget, task, variant)
    if missing or sample.absent or ours is None:
        return _Row(replace(verdict, reason=_lacking(missing, sample)))
    if random is None and any(v.id == RANDOM_VARIANT and v.runs_on(task) for v in evidence.experiment.variants):
        return _Row(replace(verdict, reason=f"the margin takes {RANDOM_VARIANT}, which has no run at budget {budget}"))
    case = LevelCase(ours, published, _sds(found), found.n or 0, random, measure.higher_is_better)
    finite = replace(case, ours=summarise(list(sample.values.values()))) if sample.values else None
    below = None if cell is None else below_level(evidence.experiment, task, cell)
    span = evidence.span(budget, task, measure, {})
    floor = floor_of(measure, compared, evidence.rules)
    counted = Sample(sample.values if floor is None else sample.counted(floor))
    lower = len(spread_of(counted, measure.higher_is_better, span, below).lower)
    lost = "" if measure.label in evidence.rules.floors else too_many(sample)
    return _Row(verdict, case, finite, failures, lower, lost)


def _lacking(missing: tuple[int, ...], sample: Sample) -> str:
    if missing:
        return f"lacks {name_seeds(missing)}"
    return f"no row for {name_seeds(sample.absent)}" if sample.absent else "no seed was requested"


def _blank(
    experiment: Experiment,
    words: tuple[str, str, str],
    budget: str,
    ours: Interval | None,
    published: float,
) -> Verdict:
    task, variant, setting = words
    return Verdict(
        id=join_id(experiment.id, variant, task, setting),
        kind="level",
        verdict="INCOMPLETE",
        budget=budget,
        task=task,
        variant=variant,
        setting=setting,
        n=ours.n if ours else 0,
        value=ours.value if ours else None,
        low=ours.low if ours else None,
        high=ours.high if ours else None,
        published=published,
        margin=None,
        reason="",
        unit="mean",
    )


def _not_comparable(experiment: Experiment, variant: str, budget: str, found: PrintedNumber) -> str:
    """Why the number cannot be compared with any of the variant's; "" if it can."""
    if budget != "paper":
        return f"budget {budget} is not what the paper spent"
    for deviation in experiment.deviations:
        if deviation.changes_metric and deviation.concerns(variant):
            return f"deviation {deviation.id} changes what the number means"
    if found.spread is None:
        return "the published number has no spread"
    if (found.spread_kind or "unknown") not in SPREAD_KINDS:
        return f"a published spread of kind {found.spread_kind!r} gives no standard deviation"
    if found.n is None or found.n < 2:
        return f"the published n is {'not printed' if found.n is None else found.n}"
    return ""


def _verdict(row: _Row, outcome: LevelOutcome, without: LevelOutcome) -> Verdict:
    reason = outcome.reason
    if row.failures:
        left = row.finite
        kept = f"without them {without.verdict} at {printed(left.ours.mean)}" if left else "nothing is left without"
        reason += f"; {row.failures}, {kept}"
    word = outcome.verdict
    if row.too_many and word in ("REPRODUCED", "CONSISTENT"):
        word, reason = "INCONCLUSIVE", f"failed seeds: {word}, but {row.too_many}; {reason}"
    if row.failed and word in ("REPRODUCED", "WORSE", "BETTER"):
        kind, n = failing_kind(row.failed, row.verdict.n), row.verdict.n
        if min(covered("t", kind, against, n) for against in (NUMBER, NORMAL)) < 1 - MOST_MISSED:
            held = 100 * covered("t", kind, NORMAL, n)
            reason = (
                f"coverage: {word}, but t-intervals hold the truth in {held:.0f} % of cases on such seeds; {reason}"
            )
            word = "INCONCLUSIVE"
    return replace(row.verdict, verdict=word, margin=outcome.margin, reason=reason)
