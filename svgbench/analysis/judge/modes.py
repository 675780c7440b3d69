"""Seeds in two modes: those that learned, and those that failed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise

APART = 2.0
"""The gap between failed seeds and the others is more than this multiple of the range of the others."""
LEFT = 3
"""Least number of seeds that must remain: the range of two seeds says too little."""


def failing(values: Mapping[int, float], higher_is_better: bool = True, known: Collection[int] = ()) -> tuple[int, ...]:
    """The seeds that failed, the worst first: those `known` to have failed, and a minority far from all others; or
    none.

    Failures are on the bad side. If several cuts are possible, the one with the fewest failures counts. With fewer than
    `LEFT` other seeds the answer is none.
    """
    sign = 1.0 if higher_is_better else -1.0
    ordered = sorted(values, key=lambda seed: (sign * values[seed], seed))
    lost, others = [s for s in ordered if s in known], [s for s in ordered if s not in known]
    if len(others) < LEFT:
        return ()
    best = values[others[-1]]
    for k, (worse, better) in enumerate(pairwise(others), start=1):
        if 2 * k >= len(others) or len(others) - k < LEFT:
            break
        if abs(values[better] - values[worse]) > APART * abs(best - values[better]):
            return (*lost, *others[:k])
    return tuple(lost)
