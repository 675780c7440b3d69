"""Whether an effect satisfies the relation of a comparison."""

from __future__ import annotations

from svgbench.analysis.judge.judgement import ClaimWord
from svgbench.analysis.judge.statistics import Interval


def relation_holds(interval: Interval, relation: str, margin: float) -> ClaimWord:
    """Whether the interval of an effect satisfies the relation: entirely, not at all, or undecided."""
    low, high = interval.low, interval.high
    asked, elsewhere = {
        "<": (high < -margin, low >= -margin),
        ">": (low > margin, high <= margin),
        "~": (-margin <= low and high <= margin, low > margin or high < -margin),
        "<~": (high <= margin, low > margin),
        ">~": (low >= -margin, high < -margin),
    }[relation]
    return "SUPPORTED" if asked else "REFUTED" if elsewhere else "INCONCLUSIVE"
