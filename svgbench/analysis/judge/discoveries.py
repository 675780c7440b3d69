"""The false discovery rate over an experiment's claims. It stands beside the verdicts and changes none.

Each verdict errs in at most 5 % of cases; of a hundred verdicts some are wrong by chance. Benjamini and Hochberg 1995
adjust the p-values so that of those verdicts which are still below 5 % at most 5 % are expected to be wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy import special, stats

from svgbench.analysis.judge.judgement import PartResult, Verdict
from svgbench.words.claims import Claim
from svgbench.words.experiment import Experiment

RATE = 0.05
DECIDED = ("SUPPORTED", "REFUTED")
MOST_NAMED = 3


@dataclass(frozen=True)
class Discovery:
    """A claim's verdict with its p-value, and the one adjusted over all claims of the experiment."""

    verdict: Verdict
    p: float
    adjusted: float

    @property
    def decided(self) -> bool:
        return self.verdict.verdict in DECIDED

    @property
    def stays(self) -> bool:
        """Whether the verdict is decided, and still is at this false discovery rate."""
        return self.decided and self.adjusted <= RATE


def discoveries(experiment: Experiment, verdicts: Sequence[Verdict]) -> list[Discovery]:
    """The verdicts that stand for themselves (a claim counted over tasks stands for its tasks, where it is among the
    verdicts), with their p-values.

    Without those that are INCOMPLETE, and those whose p is not known because their tasks were judged at other budgets.
    """
    claims = {claim.id: claim for claim in experiment.claims}
    shown = {verdict.id for verdict in verdicts}  # with some of the tasks only, a claim over all of them is not
    found = []
    for verdict in verdicts:
        if verdict.kind == "claim" and verdict.part_of not in shown and verdict.verdict != "INCOMPLETE":
            claim = claims[verdict.claim]
            counted = not verdict.task and claim.at_least is not None
            steps = len(experiment.tasks_of(claim)) - 1 if claim.rising else 1
            p = p_over_tasks(claim, verdict, verdicts) if counted else p_of(claim, verdict, steps)
            if p is not None:
                found.append((verdict, p))
    if not found:
        return []
    adjusted = stats.false_discovery_control([p for _, p in found], method="bh")
    return [Discovery(verdict, p, float(q)) for (verdict, p), q in zip(found, adjusted, strict=True)]


def p_of(claim: Claim, verdict: Verdict, steps: int = 1) -> float:
    """The p of a verdict that is not counted over tasks: the least error rate at which its intervals give its word.

    Every part must hold for SUPPORTED, so that the largest p counts. One part is enough for REFUTED: the least p, times
    the number of parts (Bonferroni), and times the `steps` of each part of a claim that rises from task to task. An
    undecided verdict has the smaller of both.
    """
    by_word = _by_word(claim, verdict, steps)
    word = verdict.verdict
    return by_word[word] if word in by_word else min(by_word.values())


def p_over_tasks(claim: Claim, verdict: Verdict, verdicts: Sequence[Verdict]) -> float | None:
    """The p of a claim that must hold on at least k of m tasks; None where a task was judged at another budget.

    For SUPPORTED (m - k + 1) times the k-th smallest p of its tasks, for REFUTED k times the (m - k + 1)-th smallest:
    Benjamini and Heller 2008, partial conjunctions.
    """
    own = [v for v in verdicts if v.part_of == verdict.id]
    if not own or claim.at_least is None or any(v.budget != verdict.budget for v in own):
        return None
    tasks = [_by_word(claim, v) if v.verdict != "INCOMPLETE" else dict.fromkeys(DECIDED, 1.0) for v in own]
    m, k = len(own), claim.at_least
    supported, refuted = (sorted(task[word] for task in tasks) for word in DECIDED)
    by_word = {"SUPPORTED": (m - k + 1) * supported[k - 1], "REFUTED": k * refuted[m - k]}
    word = verdict.verdict
    return min(1.0, by_word[word] if word in by_word else min(by_word.values()))


def _by_word(claim: Claim, verdict: Verdict, steps: int = 1) -> Mapping[str, float]:
    """The p of both decided words."""
    relations = [">" if claim.rising else part.relation for part in claim.parts]
    pairs = [p_of_part(result, relation) for result, relation in zip(verdict.details, relations, strict=True)]
    supported = [p if word == "SUPPORTED" else 1.0 for word, p in pairs]
    refuted = [p if word == "REFUTED" else 1.0 for word, p in pairs]
    return {"SUPPORTED": max(supported), "REFUTED": min(1.0, steps * len(refuted) * min(refuted))}


def p_of_part(part: PartResult, relation: str) -> tuple[str, float]:
    """The word to which a comparison leans, and the two-sided p at which its interval would decide so.

    The interval is taken as Student's with n - 1 degrees of freedom, on either side of its value. That is exact for
    seeds that are paired. For others (Welch's, the best of several, spreads) it is an approximation, which agrees
    with the interval at 5 %. Of two shares of failed seeds it is the p of Fisher's exact test. A part that a rule
    leaves open, or without an interval, has p 1. A part that was decided problem by problem has p 0.
    """
    if part.exact:
        return part.verdict, 0.0
    numbers = (part.value, part.low, part.high, part.threshold)
    if part.cause or part.n < 2 or any(x is None or math.isnan(x) for x in numbers):
        return "INCONCLUSIVE", 1.0
    value, low, high, threshold = (_scaled(x, part.unit) for x in numbers if x is not None)
    if part.p is not None and relation in ("<", ">") and threshold == 0:
        return ("SUPPORTED" if (value > 0) == (relation == ">") else "REFUTED"), part.p

    def p(bound: float) -> float:
        distance, half = abs(value - bound), value - low if value > bound else high - value
        if half == 0:
            return float(distance == 0)
        critical = float(special.stdtrit(part.n - 1, 0.975))
        return 2 * float(special.stdtr(part.n - 1, -critical * distance / half)) if math.isfinite(half) else 1.0

    if relation == "~":
        bounds = (-abs(threshold), abs(threshold))
        if bounds[0] <= value <= bounds[1]:
            return "SUPPORTED", max(map(p, bounds))
        return "REFUTED", p(bounds[1] if value > 0 else bounds[0])
    holds = value > threshold if relation.startswith(">") else value < threshold
    return ("SUPPORTED" if holds else "REFUTED"), p(threshold)


def _scaled(x: float, unit: str) -> float:
    if unit != "ratio":
        return x
    return math.log(x) if x > 0 else -math.inf


def told(found: Sequence[Discovery]) -> str:
    """One sentence on how many decided verdicts stay at this false discovery rate; "" without any."""
    decided = [one for one in found if one.decided]
    if not decided:
        return ""
    left = dict.fromkeys(one.verdict.claim for one in decided if not one.stays)
    stay = sum(one.stays for one in decided)
    verdicts = f"{len(found)} verdict{'s' * (len(found) > 1)}"
    over = f"At a false discovery rate of {100 * RATE:g} % over its {verdicts} (Benjamini-Hochberg)"
    if not left:
        return f"{over} {'all' if len(decided) > 1 else 'the'} {len(decided)} decided stay{'s' * (len(decided) == 1)}."
    which = ", ".join([*left][:MOST_NAMED]) + (" and others" if len(left) > MOST_NAMED else "")
    return f"{over} {stay} of {len(decided)} decided stay, not all of {which}."


def not_staying(found: Sequence[Discovery]) -> list[str]:
    """A line for each decided verdict that does not stay: its claim and place, its word, p before and after."""
    return [
        f"does not stay: {' '.join(filter(None, (one.verdict.claim, one.verdict.task, one.verdict.setting)))}, "
        f"{one.verdict.verdict} (p = {one.p:.2g}, adjusted {one.adjusted:.2g})"
        for one in found
        if one.decided and not one.stays
    ]
