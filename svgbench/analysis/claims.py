"""Claims: does a sentence of a paper hold among our own runs?

Both sides are paired by seed, and the effect's mean has a t-interval at every n: over three to thirty seeds
it covers better than a bootstrap, and no claim is about an aggregate that would need one. Below ten seeds
with failures among them neither is honest, and the reason says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from svgbench.analysis.judgement import (
    ClaimWord,
    Evidence,
    PartResult,
    Rules,
    Unit,
    Verdict,
    join_id,
    name_seeds,
    number,
)
from svgbench.analysis.measures import CellData, Sample, read_sample, worst
from svgbench.analysis.statistics import Interval, summarise, t_interval, welch
from svgbench.lab.experiment import Claim, Comparison, Scalar, Term


def claim_verdicts(evidence: Evidence) -> list[Verdict]:
    """Every claim, per task and per combination of its `per` columns' values.

    Judged at the largest budget at which all its cells of that task are complete. If there is none: one
    INCOMPLETE for the task, at the largest budget that has anything. ValueError for a column that a frame
    does not have.
    """
    experiment = evidence.experiment
    every = tuple(task.id for task in experiment.tasks)
    return [
        verdict
        for claim in experiment.claims
        for task in (every if claim.tasks is None else claim.tasks)
        for verdict in _judge(evidence, claim, task)
    ]


def relation_holds(interval: Interval, relation: str, margin: float) -> ClaimWord:
    """Where the interval of an effect lies: wholly where the relation asks, wholly elsewhere, or neither."""
    low, high = interval.low, interval.high
    asked, elsewhere = {
        "<": (high < -margin, low >= -margin),
        ">": (low > margin, high <= margin),
        "~": (-margin <= low and high <= margin, low > margin or high < -margin),
    }[relation]
    return "SUPPORTED" if asked else "REFUTED" if elsewhere else "INCONCLUSIVE"


def decide(parts: tuple[PartResult, ...]) -> tuple[ClaimWord, PartResult]:
    """A claim's verdict and the part that decides it.

    It holds if every part does. The deciding part is the first incomplete one, else the first refuted, else
    the first inconclusive, else the one whose interval is nearest to its threshold.
    """
    orders: tuple[ClaimWord, ...] = ("INCOMPLETE", "REFUTED", "INCONCLUSIVE")
    for word in orders:
        for part in parts:
            if part.verdict == word:
                return word, part
    return "SUPPORTED", min(parts, key=lambda part: part.clearance)


def _judge(evidence: Evidence, claim: Claim, task: str) -> Iterator[Verdict]:
    variants = list(dict.fromkeys(term.variant for part in claim.parts for term in _terms(part)))
    budget, gaps = _budget(evidence, claim, task, variants)
    if gaps:
        yield _verdict(evidence, claim, task, budget, {}, (_incomplete(claim.parts[0], "; ".join(gaps)),))
        return
    # complete: every variant has a cell, unless nothing was asked of it
    cells = {v: c for v in variants if (c := evidence.cell(budget, task, v)) is not None}
    for setting in _settings(claim.per, cells):
        parts = tuple(_judge_part(part, cells, setting, evidence.rules) for part in claim.parts)
        yield _verdict(evidence, claim, task, budget, setting, parts)


def _budget(evidence: Evidence, claim: Claim, task: str, variants: list[str]) -> tuple[str, list[str]]:
    """The budget to judge at, and what is missing there."""
    budgets = [b for b in evidence.budgets if claim.budgets is None or b in claim.budgets]
    if not budgets:
        allowed = claim.budgets or ()
        return allowed[0], [f"it is judged at budget {' or '.join(allowed)} only, which has no results"]
    gaps_by_budget = {}
    for budget in budgets:
        missing = {v: evidence.missing(budget, task, v) for v in variants}
        gaps_by_budget[budget] = [f"{v} lacks {name_seeds(seeds)}" for v, seeds in missing.items() if seeds]
        if not gaps_by_budget[budget]:
            return budget, []
    started = [budget for budget in gaps_by_budget if evidence.has_any(budget, task, variants)]
    shown = (started or budgets)[0]
    return shown, gaps_by_budget[shown]


def _settings(per: tuple[str, ...], cells: Mapping[str, CellData]) -> list[dict[str, Scalar]]:
    """Every combination of the columns' values that a cell has, in order of the values."""
    if not per:
        return [{}]
    found: set[tuple[Scalar, ...]] = set()
    for cell in cells.values():
        unknown = [column for column in per if column not in cell.frame.columns]
        if unknown:
            raise ValueError(f"a claim is per {unknown[0]!r}; {cell.variant} has {', '.join(cell.frame.columns)}")
        rows = cell.frame.loc[cell.frame["seed"].isin(cell.seeds), list(per)].drop_duplicates().dropna()
        found.update(zip(*(rows[column].tolist() for column in per), strict=True))
    ordered = sorted(found, key=lambda values: [(isinstance(v, str), v) for v in values])
    return [dict(zip(per, values, strict=True)) for values in ordered] or [{}]


@dataclass(frozen=True)
class _Side:
    name: str
    values: Mapping[int, float]  # failed seeds at the floor
    finite: Mapping[int, float]
    failed: tuple[int, ...]
    floor: float | None


def _judge_part(
    part: Comparison, cells: Mapping[str, CellData], setting: Mapping[str, Scalar], rules: Rules
) -> PartResult:
    samples: list[Sample] = []
    for term in _terms(part):
        cell = cells.get(term.variant)
        sample = read_sample(cell, term.measure, setting) if cell else Sample({})
        if sample.absent or not sample.n:
            which = f"for {name_seeds(sample.absent)}" if sample.absent else "at all"
            return _incomplete(part, f"{term.variant} has no row of {term.measure.label} {which}")
        samples.append(sample)
    sides = [_side(i, part, samples, rules) for i in range(len(samples))]
    if any(side.failed and side.floor is None for side in sides):
        return _inconclusive(part, sides, "every seed failed and no floor is declared")
    effect = _effect(part, [side.values for side in sides], rules.level)
    if isinstance(effect, str):
        return _inconclusive(part, sides, effect)
    word = relation_holds(effect, part.relation, part.margin)
    value, low, high = (_shown(x, part) for x in (effect.value, effect.low, effect.high))
    needs = f"{part.relation} {number(_threshold(part))}"
    if part.relation == "~":
        needs = f"from {number(_shown(-part.margin, part))} to {number(_threshold(part))}"
    reason = f"{_text(part)}: {_unit(part)} {number(value)} [{number(low)}, {number(high)}], needs {needs}"
    reason += _without_failures(part, sides, rules, effect.n)
    if effect.n == 1:
        reason += "; one seed has no spread"
    return PartResult(
        _text(part), word, effect.n, value, low, high, _threshold(part), _unit(part), reason, _clearance(part, effect)
    )


def _side(i: int, part: Comparison, samples: list[Sample], rules: Rules) -> _Side:
    term, sample = _terms(part)[i], samples[i]
    same = [s for s, t in zip(samples, _terms(part), strict=True) if t.measure.column == term.measure.column]
    compared = [value for s in same for value in s.values.values()]
    floor = rules.floors.get(term.measure.label, worst(compared, term.measure.higher_is_better))
    values = sample.counted(math.nan if floor is None else floor)
    return _Side(term.variant, values, sample.values, sample.failed, floor)


def _effect(part: Comparison, values: list[Mapping[int, float]], level: float) -> Interval | str:
    """The interval of the effect's mean, or why there is none."""
    left = values[0]
    right = values[1] if isinstance(part.right, Term) else dict.fromkeys(left, float(part.right))
    seeds = sorted(left.keys() & right.keys())
    if not seeds:
        return _unpaired(part, list(left.values()), list(right.values()), level)
    effects = []
    for seed in seeds:
        x, y = left[seed], right[seed]
        if part.scale == "difference" or x == y == 0:
            effects.append(x - y)
        elif min(x, y) <= 0:
            return f"seed {seed} has {number(x)} against {number(y)}: a ratio needs positive numbers"
        else:
            effects.append(math.log(x) - math.log(y))
    return t_interval(effects, level)


def _unpaired(part: Comparison, left: list[float], right: list[float], level: float) -> Interval | str:
    if part.scale == "log_ratio":
        if min(left + right) <= 0:
            return f"the least value is {number(min(left + right))}: a ratio needs positive numbers"
        left, right = [math.log(x) for x in left], [math.log(y) for y in right]
    test = welch(summarise(left), summarise(right), level)
    return Interval(test.difference, test.low, test.high, min(len(left), len(right)))


def _without_failures(part: Comparison, sides: list[_Side], rules: Rules, n: int) -> str:
    failed = [side for side in sides if side.failed]
    if not failed:
        return ""
    at = ", ".join(f"{s.name} {name_seeds(s.failed)} at {number(s.floor or 0.0)}" for s in failed)
    reason = f"; failed seeds count ({at})"
    if any(not side.finite for side in sides):
        reason += ", without them nothing is left"
    else:
        effect = _effect(part, [side.finite for side in sides], rules.level)
        if isinstance(effect, Interval):
            shown = " to ".join(number(_shown(x, part)) for x in (effect.low, effect.high))
            reason += f", without them {relation_holds(effect, part.relation, part.margin)} ({shown})"
    return reason + (": below ten seeds no interval is honest, look at the seeds" if n < 10 else "")


def _verdict(
    evidence: Evidence,
    claim: Claim,
    task: str,
    budget: str,
    setting: Mapping[str, Scalar],
    parts: tuple[PartResult, ...],
) -> Verdict:
    word, part = decide(parts)
    variants = dict.fromkeys(term.variant for p in claim.parts for term in _terms(p))
    settings = [f"{column}={value}" for column, value in setting.items()]
    held = sum(p.verdict == "SUPPORTED" for p in parts)
    return Verdict(
        id=join_id(evidence.experiment.id, claim.id, task, ",".join(settings)),
        kind="claim",
        verdict=word,
        budget=budget,
        task=task,
        variant=", ".join(variants),
        setting=" ".join(settings),
        n=part.n,
        value=part.value,
        low=part.low,
        high=part.high,
        published=None,
        margin=_shown(claim.parts[parts.index(part)].margin, claim.parts[parts.index(part)]),
        reason=part.reason + (f" ({held} of {len(parts)} parts hold)" if len(parts) > 1 else ""),
        unit=part.unit,
        details=parts,
    )


def _incomplete(part: Comparison, reason: str) -> PartResult:
    return PartResult(_text(part), "INCOMPLETE", 0, None, None, None, _threshold(part), _unit(part), reason)


def _inconclusive(part: Comparison, sides: list[_Side], reason: str) -> PartResult:
    n = min(len(side.values) for side in sides)
    return PartResult(_text(part), "INCONCLUSIVE", n, None, None, None, _threshold(part), _unit(part), reason)


def _clearance(part: Comparison, effect: Interval) -> float:
    """How far inside its threshold the interval lies, in half-widths."""
    above, below = effect.low - part.margin, -part.margin - effect.high
    within = min(part.margin - effect.high, effect.low + part.margin)
    room = {"<": below, ">": above, "~": within}[part.relation]
    half = (effect.high - effect.low) / 2
    if math.isinf(half):
        return -math.inf
    return room / half if half else math.copysign(math.inf, room)


def _terms(part: Comparison) -> list[Term]:
    return [part.left, part.right] if isinstance(part.right, Term) else [part.left]


def _text(part: Comparison) -> str:
    left = f"{part.left.variant} {part.left.measure.label}"
    if not isinstance(part.right, Term):
        return f"{left} {part.relation} {number(part.right)}"
    other = part.right.measure.label
    right = part.right.variant + ("" if other == part.left.measure.label else f" {other}")
    return f"{left} {part.relation} {right}"


def _unit(part: Comparison) -> Unit:
    return "ratio" if part.scale == "log_ratio" else "difference"


def _threshold(part: Comparison) -> float:
    return _shown(0.0 - part.margin if part.relation == "<" else part.margin, part)


def _shown(effect: float, part: Comparison) -> float:
    """An effect in the unit that is reported: a log ratio as the ratio."""
    if part.scale == "difference":
        return effect
    return math.exp(effect) if effect < 700 else math.inf
