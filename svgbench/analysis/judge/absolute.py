"""Absolute levels: how a smaller budget, or a number that nobody has reached, limits a comparison's verdict.

"Solved", "good progress" and "does not walk" compare one variant with something that does not learn: a number or the
random policy. A variant that reaches a level with less than the paper's budget has reached it. One that does not reach
it says nothing about the paper's budget. And a level that no policy is known to reach on our task refutes nothing at
any budget: the number may be wrong. Both rules apply to "not reached", whether the claim states it or denies it.
Relations between variants, spreads and printed numbers are not levels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from svgbench.analysis.judge.effects import candidates, sides
from svgbench.analysis.judge.judgement import Cause, ClaimWord, Evidence
from svgbench.analysis.judge.statistics import Interval
from svgbench.analysis.read.naming import RANDOM_VARIANT, printed
from svgbench.words.claims import BestOf, Change, Comparison, OfDistance, Published, RelativeSD, Side, Term
from svgbench.words.values import Scalar, on_task

PAPER = "paper"
REVERSED = {"<": ">", ">": "<", "<~": ">~", ">~": "<~", "~": "~"}


@dataclass(frozen=True)
class Level:
    """A comparison as a question about the one side that learns.

    `relation` is the requirement if more is better: ">" and ">~" mean that it reaches the level, "<" and "<~" that it
    does not. `sign` is -1 where a larger effect is worse. `side` is the side, `plus` whether its mean is added.
    """

    side: Side
    plus: bool
    sign: float
    relation: str

    def is_missed(self, word: ClaimWord, effect: Interval, margin: float) -> bool:
        """Whether the verdict says that the level is not reached."""
        if self.relation == "~":  # a value within the margin is at the level, not above it
            below = effect.high < -margin if self.sign > 0 else effect.low > margin
            return word == "SUPPORTED" or (word == "REFUTED" and below)
        return word == ("REFUTED" if self.relation in (">", ">~") else "SUPPORTED")

    def is_reached(self, effect: float, margin: float) -> bool:
        """Whether a policy with this effect reaches the level."""
        away = self.sign * effect
        return away > margin if self.relation in (">", "<~") else away >= -margin


def level_of(part: Comparison, task: str) -> Level | None:
    """The comparison as a question about a level; None for a relation, a spread, a printed number, a declared ratio."""
    if part.no_level or part.scale == "failed_share" or isinstance(part.right, Published):
        return None
    if any(isinstance(s, RelativeSD) for s in sides(part)):
        return None
    learning = [(side, plus) for side, plus, learns in _terms(part, task) if learns]
    if len(learning) != 1:
        return None
    side, plus = learning[0]
    sign = 1.0 if plus == side.measure.higher_is_better else -1.0
    return Level(side, plus, sign, part.relation if sign > 0 else REVERSED[part.relation])


def number_of(part: Comparison, task: str) -> float | None:
    """The number that a level requires, on the measure's own scale and with the margin; None for every other
    comparison.

    A level of a ratio or of a change, or one that a random policy sets, is not a number of the measure.
    """
    level, right, margin = level_of(part, task), part.right, part.margin
    if level is None or part.scale != "difference" or not isinstance(part.left, Term | BestOf):
        return None
    if isinstance(right, Side | Published) or isinstance(margin, OfDistance):
        return None
    away = {">": 1.0, "<~": 1.0, "<": -1.0, ">~": -1.0, "~": 0.0}[part.relation]
    return float(on_task(right, task)) + away * float(on_task(margin, task))


@dataclass(frozen=True)
class Ruled:
    """A word after both rules, the cause that leaves it open, and a sentence about the cause."""

    word: ClaimWord
    cause: Cause = ""
    reason: str = ""


@dataclass(frozen=True)
class Levels:
    """The input of the rules besides an interval: the level, the best values on the task with their sources, and the
    budget.

    `others` is the part of the effect that comes from sides that do not learn.
    """

    level: Level
    known: Mapping[str, float]
    others: float
    scale: str
    budget: str

    def ruled(self, word: ClaimWord, effect: Interval, margin: float) -> Ruled:
        """The word of an effect's interval after both rules: whether the level is reachable, then the budget.

        A bigger budget would not help if the number itself is in doubt. So reachability comes first, also for an
        interval that decides nothing.
        """
        missed = self.level.is_missed(word, effect, margin)
        reachable = any(self.level.is_reached(self._effect(value), margin) for value in self.known.values())
        if (missed or word == "INCONCLUSIVE") and not reachable:
            return Ruled("INCONCLUSIVE", "threshold", f"threshold not shown to be reachable: {self._nearest()}")
        if missed and self.budget != PAPER:
            why = f"budget: {self.budget} is less than the paper spent, and a level that it misses says nothing"
            return Ruled("INCONCLUSIVE", "budget", why)
        return Ruled(word)

    def _effect(self, value: float) -> float:
        scaled = _scaled(value, self.scale)
        return (scaled if self.level.plus else -scaled) + self.others

    def _nearest(self) -> str:
        if not self.known:
            return "no policy was measured"
        who = max(self.known, key=lambda name: self.level.sign * self._effect(self.known[name]))
        return f"the nearest came to {printed(self.known[who])} ({who})"


def levels_of(
    evidence: Evidence, part: Comparison, task: str, budget: str, where: Mapping[str, Scalar]
) -> Levels | None:
    """The rules for a comparison at a place; None if it is not about a level, or if the level's random policy has no
    row.
    """
    level = level_of(part, task)
    if level is None:
        return None
    others = []
    if not isinstance(part.right, Side | Published):
        others.append(-_scaled(on_task(part.right, task), part.scale))
    for side, plus, learns in _terms(part, task):
        if not learns:
            random = evidence.random_level(budget, task, side.measure, where)
            if random is None:
                return None
            others.append(_scaled(random, part.scale) * (1 if plus else -1))
    known = evidence.known_values(budget, task, level.side.measure, where)
    return Levels(level, known, sum(others), part.scale, budget)


def _scaled(value: float, scale: str) -> float:
    if scale == "difference":
        return value
    return math.log(value) if value > 0 else -math.inf


def _terms(part: Comparison, task: str) -> list[tuple[Side, bool, bool]]:
    """Every mean of the comparison: its side, whether it is added, whether it learns."""
    found: list[tuple[Side, bool, bool]] = []
    for side, plus in zip(sides(part), (True, False), strict=False):
        names = candidates(side, task)
        if isinstance(side, Change):
            after, before = names[0]
            found += [(side, plus, after != RANDOM_VARIANT), (side, not plus, before != RANDOM_VARIANT)]
        else:
            found.append((side, plus, names != [(RANDOM_VARIANT,)]))
    return found
