"""Whether an effect satisfies the relation of a comparison, and by how much."""

from __future__ import annotations

import math

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


def clearance(relation: str, margin: float, effect: Interval) -> float:
    """The distance from the interval to its threshold, in half-widths."""
    room = {
        "<": -margin - effect.high,
        ">": effect.low - margin,
        "~": min(margin - effect.high, effect.low + margin),
        "<~": margin - effect.high,
        ">~": effect.low + margin,
    }[relation]
    half = (effect.high - effect.low) / 2
    if math.isinf(half):
        return -math.inf
    return room / half if half else math.copysign(math.inf, room)
