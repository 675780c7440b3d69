"""Comparison of two summaries: Welch's test with Holm's correction inside one table, and equivalence.

Published numbers are judged with these in `levels`. Two measurements have rules of their own: `between`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from svgbench.analysis.judge.judgement import JudgementRules, LevelWord
from svgbench.analysis.judge.power import power_tost
from svgbench.analysis.judge.statistics import Summary, Welch, holm, summarise, tost, welch
from svgbench.analysis.read.measures import Sample, worst
from svgbench.analysis.read.naming import name_seeds, printed
from svgbench.words.claims import Measure


@dataclass(frozen=True)
class Pair:
    """Two means to compare, and the largest difference that does not matter."""

    ours: Summary
    other: Summary
    margin: float
    higher_is_better: bool = True


@dataclass(frozen=True)
class Contrast:
    """ours - other, with the quantities that the rules use. With fewer than two seeds on a side there is no test: p is
    1.
    """

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
        says = f"difference {printed(self.test.difference)}, margin {printed(self.pair.margin)}"
        if not self.testable:
            return f"{says}: one seed has no spread"
        if word == "REPRODUCED":
            return f"{says}, equivalence p {printed(self.p_tost)}"
        if word == "CONSISTENT":
            pooled = math.hypot(self.pair.ours.sd, self.pair.other.sd) / math.sqrt(2)
            margin_sd = self.pair.margin / pooled if pooled else math.inf
            power = power_tost(0.0, margin_sd, self.pair.ours.n, self.pair.other.n, alpha)
            return f"{says}: within it, equivalence not shown (power {power:.2f})"
        return f"{says}, Holm p {printed(self.p_holm)}"


def contrasts(pairs: Sequence[Pair], level: float = 0.95) -> list[Contrast]:
    """The tests of all pairs. The pairs are one table: Holm's correction runs over all that can be tested."""
    tests = [welch(pair.ours, pair.other, level) for pair in pairs]
    testable = [i for i, pair in enumerate(pairs) if min(pair.ours.n, pair.other.n) >= 2]
    adjusted = dict(zip(testable, holm([tests[i].p for i in testable]), strict=True))
    return [
        Contrast(pair, test, adjusted.get(i, 1.0), tost(pair.ours, pair.other, pair.margin))
        for i, (pair, test) in enumerate(zip(pairs, tests, strict=True))
    ]


def floor_of(measure: Measure, compared: Sequence[float], rules: JudgementRules) -> float | None:
    """The value of a failed seed: the declared floor, else the worst finite value among `compared`."""
    return rules.floors.get(measure.label, worst(compared, measure.higher_is_better))


def count_failures(sample: Sample, floor: float | None) -> tuple[Summary | None, str]:
    """The summary with failed seeds at the floor (None without any value), and a note on them."""
    if not sample.failed:
        return (summarise(list(sample.values.values())) if sample.values else None), ""
    if floor is None:
        return None, f"{name_seeds(sample.failed)} failed and no floor is declared"
    note = f"{name_seeds(sample.failed)} failed, counted at {printed(floor)}"
    return summarise(list(sample.counted(floor).values())), note
