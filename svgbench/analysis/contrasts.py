"""Two summaries against each other: Welch's test, corrected by Holm inside one table, and equivalence.

Rivals (imported variants against ours) and differences (one result folder against another) are judged here;
published numbers, which have rules of their own, in `levels`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from svgbench.analysis.judgement import (
    DEFAULT_RULES,
    Cells,
    Evidence,
    LevelWord,
    Rules,
    Verdict,
    join_id,
    name_seeds,
    number,
)
from svgbench.analysis.measures import CellData, Sample, read_sample, worst
from svgbench.analysis.power import power_tost
from svgbench.analysis.statistics import Summary, Welch, holm, summarise, tost, welch
from svgbench.lab.experiment import Experiment, Measure

ROUNDING = 1e-6
"""A relative difference that single precision may make, and that is never a difference."""


@dataclass(frozen=True)
class Pair:
    """Two means to tell apart, and the difference that would not matter."""

    ours: Summary
    other: Summary
    margin: float
    higher_is_better: bool = True


@dataclass(frozen=True)
class Contrast:
    """ours - other, with what the rules look at. Without two seeds on each side there is no test: p is 1."""

    pair: Pair
    test: Welch
    p_holm: float
    p_tost: float

    @property
    def testable(self) -> bool:
        return min(self.pair.ours.n, self.pair.other.n) >= 2

    @property
    def close(self) -> bool:
        """Whether the means differ by no more than the margin."""
        return abs(self.test.difference) <= self.pair.margin

    @property
    def direction(self) -> LevelWord:
        return "BETTER" if (self.test.difference > 0) == self.pair.higher_is_better else "WORSE"

    def explain(self, word: LevelWord, alpha: float) -> str:
        """The numbers behind a word."""
        says = f"difference {number(self.test.difference)}, margin {number(self.pair.margin)}"
        if not self.testable:
            return f"{says}: one seed has no spread"
        if word in ("REPRODUCED", "EQUIVALENT"):
            return f"{says}, equivalence p {number(self.p_tost)}"
        if word == "CONSISTENT":
            pooled = math.sqrt((self.pair.ours.sd**2 + self.pair.other.sd**2) / 2)
            margin_sd = self.pair.margin / pooled if pooled else math.inf
            power = power_tost(0.0, margin_sd, self.pair.ours.n, self.pair.other.n, alpha)
            return f"{says}: within it, equivalence not shown (power {power:.2f})"
        return f"{says}, Holm p {number(self.p_holm)}"


def contrasts(pairs: Sequence[Pair], level: float = 0.95) -> list[Contrast]:
    """Every pair's tests. The pairs are one table: Holm runs over all that can be tested."""
    tests = [welch(pair.ours, pair.other, level) for pair in pairs]
    testable = [i for i, pair in enumerate(pairs) if min(pair.ours.n, pair.other.n) >= 2]
    adjusted = dict(zip(testable, holm([tests[i].p for i in testable]), strict=True))
    return [
        Contrast(pair, test, adjusted.get(i, 1.0), tost(pair.ours, pair.other, pair.margin))
        for i, (pair, test) in enumerate(zip(pairs, tests, strict=True))
    ]


def floor_of(measure: Measure, compared: Sequence[float], rules: Rules) -> float | None:
    """What a failed seed counts as: the declared floor, else the worst finite value among `compared`."""
    return rules.floors.get(measure.label, worst(compared, measure.higher_is_better))


def count_failures(sample: Sample, floor: float | None) -> tuple[Summary | None, str]:
    """The summary with failed seeds at the floor (None without any value), and a note on them."""
    if not sample.failed:
        return (summarise(list(sample.values.values())) if sample.values else None), ""
    if floor is None:
        return None, f"{name_seeds(sample.failed)} failed and no floor is declared"
    note = f"{name_seeds(sample.failed)} failed, counted at {number(floor)}"
    return summarise(list(sample.counted(floor).values())), note


@dataclass(frozen=True)
class _Meeting:
    """Two samples that meet on one measure; b is judged against a."""

    task: str
    variant: str
    setting: str
    measure: Measure
    a: Sample
    b: Sample
    settled: tuple[LevelWord, str] | None = None  # a verdict that needs no test, and why


def rival_verdicts(evidence: Evidence, budget: str) -> list[Verdict]:
    """Every imported variant against every declared one, on the experiment's first measure, per task.

    `value` is rival minus declared, the margin one SD of the declared. BETTER and WORSE come first, since
    whether the rival wins is the question; then REPRODUCED, CONSISTENT, INCONCLUSIVE. Holm runs over all of
    them. INCOMPLETE where a side lacks seeds; nothing where the declared one has none.
    """
    measure = evidence.experiment.measures[0]
    meetings = [
        _rival_meeting(evidence, budget, rival, declared, measure)
        for task in evidence.experiment.tasks
        for (of, _), rival in evidence.cells_by_budget.get(budget, {}).items()
        for variant in evidence.experiment.variants
        if of == task.id and rival.imported
        if (declared := evidence.cell(budget, task.id, variant.id)) is not None and declared.seeds
    ]
    return _judge(meetings, evidence.experiment, budget, evidence.rules, _rival_word)


def difference_verdicts(
    cells_a: Cells, cells_b: Cells, experiment: Experiment, budget: str, rules: Rules = DEFAULT_RULES
) -> list[Verdict]:
    """Results B against results A at one budget, cell by cell and measure by measure.

    `value` is B minus A, the margin one SD of A. IDENTICAL asks for the same seeds with the same bits; then
    EQUIVALENT, BETTER or WORSE (Holm over all that are not identical), CONSISTENT, INCONCLUSIVE. A measure
    that one side has no row for is ONLY_IN_A or ONLY_IN_B; one that neither has is left out.
    """
    meetings = [
        meeting
        for key in dict.fromkeys([*cells_a, *cells_b])
        for measure in experiment.measures
        if (meeting := _difference_meeting(key, cells_a.get(key), cells_b.get(key), measure)) is not None
    ]
    return _judge(meetings, experiment, budget, rules, _difference_word)


def _rival_word(c: Contrast, alpha: float) -> LevelWord:
    if c.p_holm < alpha:
        return c.direction
    if c.p_tost < alpha:
        return "REPRODUCED"
    return "CONSISTENT" if c.testable and c.close else "INCONCLUSIVE"


def _difference_word(c: Contrast, alpha: float) -> LevelWord:
    if c.p_tost < alpha:
        return "EQUIVALENT"
    if c.p_holm < alpha:
        return c.direction
    return "CONSISTENT" if c.testable and c.close else "INCONCLUSIVE"


def _rival_meeting(evidence: Evidence, budget: str, rival: CellData, declared: CellData, measure: Measure) -> _Meeting:
    a, b = read_sample(declared, measure), read_sample(rival, measure)
    gaps = []
    for cell, sample in ((declared, a), (rival, b)):
        missing = evidence.missing(budget, cell.task, cell.variant) or sample.absent
        if missing or not sample.n:
            gaps.append(f"{cell.variant} lacks {name_seeds(missing) if missing else 'every seed'}")
    settled: tuple[LevelWord, str] | None = ("INCOMPLETE", "; ".join(gaps)) if gaps else None
    return _Meeting(rival.task, rival.variant, f"against {declared.variant}", measure, a, b, settled)


def _difference_meeting(
    key: tuple[str, str], cell_a: CellData | None, cell_b: CellData | None, measure: Measure
) -> _Meeting | None:
    a, b = (read_sample(cell, measure) if cell is not None and cell.seeds else Sample({}) for cell in (cell_a, cell_b))
    settled: tuple[LevelWord, str] | None = None
    if not (a.n or b.n):
        return None
    if not b.n:
        settled = "ONLY_IN_A", "B has no value"
    elif not a.n:
        settled = "ONLY_IN_B", "A has no value"
    elif _bits(a) == _bits(b):
        settled = "IDENTICAL", f"the same bits in {name_seeds([*a.values, *a.failed])}"
    return _Meeting(*key, measure.label, measure, a, b, settled)


def _bits(sample: Sample) -> tuple[dict[int, str], tuple[int, ...], tuple[int, ...]]:
    """Everything in a sample, such that equality is equality of bits: 0.0 is not -0.0."""
    return {seed: value.hex() for seed, value in sample.values.items()}, sample.failed, sample.absent


def _judge(
    meetings: Sequence[_Meeting],
    experiment: Experiment,
    budget: str,
    rules: Rules,
    word: Callable[[Contrast, float], LevelWord],
) -> list[Verdict]:
    unsettled = [m for m in meetings if m.settled is None]
    pairs = [_pair(m, rules) for m in unsettled]
    whole = _contrasts_of([pair for pair, _ in pairs], rules)
    without = _contrasts_of([_pair_without(m) for m in unsettled], rules)
    judged = iter(zip(pairs, whole, without, strict=True))
    verdicts = []
    for meeting in meetings:
        blank = Verdict(
            id=join_id(experiment.id, meeting.variant, meeting.task, meeting.setting),
            kind="level",
            verdict=meeting.settled[0] if meeting.settled else "INCONCLUSIVE",
            budget=budget,
            task=meeting.task,
            variant=meeting.variant,
            setting=meeting.setting,
            n=meeting.b.n,
            value=None,
            low=None,
            high=None,
            published=None,
            margin=None,
            reason=meeting.settled[1] if meeting.settled else "",
            unit="difference",
        )
        if meeting.settled is None:
            (_, note), counted, finite = next(judged)
            blank = _filled(blank, counted, finite, note, word, rules.alpha)
        verdicts.append(blank)
    return verdicts


def _pair(meeting: _Meeting, rules: Rules) -> tuple[Pair | None, str]:
    """What is tested, and a note on failed seeds; None where nothing says what those count as."""
    floor = floor_of(meeting.measure, [*meeting.a.values.values(), *meeting.b.values.values()], rules)
    (a, note_a), (b, note_b) = (count_failures(sample, floor) for sample in (meeting.a, meeting.b))
    notes = [f"{side}: {note}" for side, note in (("other side", note_a), ("this side", note_b)) if note]
    return (None if a is None or b is None else _within_one_sd(a, b, meeting.measure)), "; ".join(notes)


def _pair_without(meeting: _Meeting) -> Pair | None:
    """The pair with failed seeds left out; None where a side has nothing else."""
    if not (meeting.a.values and meeting.b.values):
        return None
    a, b = (summarise(list(sample.values.values())) for sample in (meeting.a, meeting.b))
    return _within_one_sd(a, b, meeting.measure)


def _within_one_sd(a: Summary, b: Summary, measure: Measure) -> Pair:
    """One SD of a, but never less than rounding: an exact result on another processor differs in its last bits."""
    rounding = ROUNDING * max(abs(a.mean), abs(b.mean))
    return Pair(b, a, max(0.0 if math.isnan(a.sd) else a.sd, rounding), measure.higher_is_better)


def _contrasts_of(pairs: Sequence[Pair | None], rules: Rules) -> list[Contrast | None]:
    found = iter(contrasts([pair for pair in pairs if pair is not None], rules.level))
    return [None if pair is None else next(found) for pair in pairs]


def _filled(
    blank: Verdict,
    counted: Contrast | None,
    finite: Contrast | None,
    note: str,
    word: Callable[[Contrast, float], LevelWord],
    alpha: float,
) -> Verdict:
    if counted is None:
        return replace(blank, reason=note)
    verdict = word(counted, alpha)
    ours, other = counted.pair.ours, counted.pair.other
    reason = f"{number(ours.mean)} (n={ours.n}) against {number(other.mean)} (n={other.n}): "
    reason += counted.explain(verdict, alpha)
    if note:
        rest = f"without them {word(finite, alpha)}" if finite else "without them nothing is left"
        reason += f"; {note}, {rest}"
    test = counted.test
    return replace(
        blank,
        verdict=verdict,
        value=test.difference,
        low=test.low,
        high=test.high,
        margin=counted.pair.margin,
        reason=reason,
    )
