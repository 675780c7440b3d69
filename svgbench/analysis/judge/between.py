"""Two measurements of one thing: IDENTICAL, EQUIVALENT, HIGHER, LOWER or INCONCLUSIVE.

Neither side is a published number: an imported or own method is compared with one of ours (`rivals`), or one results
folder with another (`difference`). Verdicts on published numbers have other words (`levels`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from svgbench.analysis.judge.contrasts import floor_of
from svgbench.analysis.judge.judgement import DEFAULT_RULES, JudgementRules, MeasuredWord, Verdict, join_id
from svgbench.analysis.judge.levels import SHARE_OF_DISTANCE
from svgbench.analysis.judge.paired import paired, paired_seeds, paired_tost
from svgbench.analysis.judge.statistics import Summary, Welch, holm, summarise, tost, welch
from svgbench.analysis.read.measures import Sample
from svgbench.analysis.read.naming import name_seeds, printed
from svgbench.words.claims import Measure

ROUNDING = 1e-5
"""The largest relative difference that counts as rounding in single precision."""


@dataclass(frozen=True)
class Meeting:
    """Two samples of one measure: `ours` is judged against `other`, which belongs to `rival`.

    `random` is a random policy's mean of the measure, if it is known. With `shared` the same seed means the same
    initial weights and noise on both sides. `settled` is a word that needs no test, with its reason.
    """

    experiment: str
    budget: str
    task: str
    variant: str
    rival: str
    setting: str
    measure: Measure
    ours: Sample
    other: Sample
    random: float | None = None
    shared: bool = True
    settled: tuple[MeasuredWord, str] | None = None
    subject: str = ""  # the name of our side in reasons; the variant by default
    caveats: tuple[str, ...] = ()  # caveats about either side


@dataclass(frozen=True)
class MeasuredDifference:
    """Ours minus other, with the margin within which the two are equivalent."""

    ours: Summary
    other: Summary
    test: Welch
    p_tost: float
    margin: float
    margin_is: str
    paired: bool
    floor: float | None  # value of a failed seed

    @property
    def testable(self) -> bool:
        return self.test.df > 0


def margin_between(other: Summary, random: float | None) -> tuple[float, str]:
    """The largest difference from `other` that does not matter, and its definition in words.

    A tenth of the distance from a random policy. Where that is not known: a tenth of the other's mean, but at most
    one SD between its seeds.
    """
    share = f"{100 * SHARE_OF_DISTANCE:g} %"
    if random is not None:
        distance = abs(other.mean - random)
        return SHARE_OF_DISTANCE * distance, f"{share} of the distance from a random policy's {printed(random)}"
    tenth = SHARE_OF_DISTANCE * abs(other.mean)
    if other.sd < tenth:
        return other.sd, "one SD between the rival's seeds; no distance from a random policy is known"
    return tenth, f"{share} of the rival's mean; no distance from a random policy is known"


def judge(meetings: Sequence[Meeting], rules: JudgementRules = DEFAULT_RULES) -> list[Verdict]:
    """A verdict per meeting. Holm's correction runs over all meetings that are not settled and can be tested.

    The first that fires: EQUIVALENT (two one-sided tests place the difference within the margin, and the same seeds
    failed), HIGHER or LOWER (Holm-adjusted p), INCONCLUSIVE. Tests are paired by seed where the seeds are shared, else
    Welch's. A failed seed counts at the declared floor, or as the worst of the values on either side and a random
    policy's mean; the reason says what the verdict would be without it. Without a declared floor nothing is decided
    where every seed of a side failed.
    """
    counted, without = (_outcomes(meetings, rules, with_failed) for with_failed in (True, False))
    return [_verdict(m, *outcomes) for m, *outcomes in zip(meetings, counted, without, strict=True)]


@dataclass(frozen=True)
class _Outcome:
    word: MeasuredWord
    difference: MeasuredDifference | None
    p_holm: float
    significant: bool
    reason: str
    other_failed: bool = False  # equivalent, but other seeds failed


def _outcomes(meetings: Sequence[Meeting], rules: JudgementRules, with_failed: bool) -> list[_Outcome]:
    found = [_difference(m, rules, with_failed) for m in meetings]
    family = [
        i
        for i, (m, d) in enumerate(zip(meetings, found, strict=True))
        if m.settled is None and isinstance(d, MeasuredDifference) and d.testable
    ]
    p_values = [d.test.p for i in family if isinstance(d := found[i], MeasuredDifference)]
    adjusted = dict(zip(family, holm(p_values), strict=True))
    return [
        _Outcome("INCONCLUSIVE", None, 1.0, False, d)
        if isinstance(d, str)
        else _outcome(d, adjusted.get(i, 1.0), rules.alpha, _same_failed(meetings[i]))
        for i, d in enumerate(found)
    ]


def _same_failed(m: Meeting) -> bool:
    """Whether the same seeds failed on both sides; where a seed means nothing on both, equally many."""
    if m.shared:
        return set(m.ours.failed) == set(m.other.failed)
    return len(m.ours.failed) * m.other.n == len(m.other.failed) * m.ours.n


def _outcome(d: MeasuredDifference, p_holm: float, alpha: float, same_failed: bool) -> _Outcome:
    significant = p_holm < alpha
    word: MeasuredWord = "INCONCLUSIVE"
    equivalent = d.p_tost < alpha
    if equivalent and same_failed:
        word = "EQUIVALENT"
    elif significant:
        word = "HIGHER" if d.test.difference > 0 else "LOWER"
    return _Outcome(word, d, p_holm, significant, "", other_failed=equivalent and not same_failed)


def _difference(m: Meeting, rules: JudgementRules, with_failed: bool) -> MeasuredDifference | str:
    """The test of a meeting, or the reason why there is none."""
    known = [] if m.random is None else [m.random]
    floor = floor_of(m.measure, [*m.ours.values.values(), *m.other.values.values(), *known], rules)
    sides: list[Mapping[int, float]] = []
    for who, sample in ((m.subject or m.variant, m.ours), (m.rival, m.other)):
        if with_failed and sample.failed and not sample.values and m.measure.label not in rules.floors:
            return f"every seed of {who} failed, and no floor is declared"
        sides.append(sample.counted(floor or 0.0) if with_failed else sample.values)
    if not all(sides):
        return "one side has no value"
    ours, other = sides
    both = paired_seeds(ours, other, m.shared)
    if both:
        ours, other = ({seed: side[seed] for seed in both} for side in sides)
    a, b = summarise(list(ours.values())), summarise(list(other.values()))
    margin, margin_is = margin_between(b, m.random)
    margin = max(0.0 if math.isnan(margin) else margin, ROUNDING * max(abs(a.mean), abs(b.mean)))
    if not both:
        return MeasuredDifference(a, b, welch(a, b, rules.level), tost(a, b, margin), margin, margin_is, False, floor)
    differences = [ours[seed] - other[seed] for seed in both]
    test = paired(differences, rules.level)
    return MeasuredDifference(a, b, test, paired_tost(differences, margin), margin, margin_is, True, floor)


def _verdict(m: Meeting, counted: _Outcome, without: _Outcome) -> Verdict:
    word, reason = m.settled or (counted.word, _reason(m, counted, without))
    known = counted.difference if m.settled is None or word == "EQUIVALENT" else None
    return Verdict(
        id=join_id(m.experiment, m.variant, m.task, m.setting),
        kind="level",
        verdict=word,
        budget=m.budget,
        task=m.task,
        variant=m.variant,
        setting=m.setting,
        n=known.ours.n if known else m.ours.n,
        value=known.test.difference if known else None,
        low=known.test.low if known else None,
        high=known.test.high if known else None,
        published=None,
        margin=known.margin if known else None,
        reason=reason,
        unit="difference",
        rival=m.rival,
        caveats=m.caveats if known else (),
    )


def _reason(m: Meeting, counted: _Outcome, without: _Outcome) -> str:
    d, subject = counted.difference, m.subject or m.variant
    if d is None:
        return counted.reason
    how = f"paired by seed, n={d.ours.n}" if d.paired else f"n={d.ours.n} against n={d.other.n}"
    reason = f"{subject} {printed(d.ours.mean)}, {m.rival} {printed(d.other.mean)} ({how}): "
    reason += f"difference {printed(d.test.difference)}, margin {printed(d.margin)} ({d.margin_is})"
    if not d.testable:
        reason += ", one seed has no spread"
    else:
        reason += f", equivalence p {printed(d.p_tost)}, Holm p {printed(counted.p_holm)}"
        if counted.word == "EQUIVALENT" and counted.significant:
            reason += ": within the margin, but not 0"
    failed = [f"{who} {name_seeds(s.failed)}" for who, s in ((subject, m.ours), (m.rival, m.other)) if s.failed]
    if failed:
        rest = without.word if without.difference else "nothing is left"
        reason += f"; {', '.join(failed)} failed, counted at {printed(d.floor or 0.0)}, without them {rest}"
        reason += "; not EQUIVALENT, because the same seeds did not fail on both sides" * counted.other_failed
    return reason
