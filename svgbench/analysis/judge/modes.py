"""Seeds in two modes: those that learned, and those that failed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise

APART = 2.0
"""Failed seeds are apart from the others by more than this many times what lies between the best and the worst of
those."""
LEFT = 3
"""Seeds that have to be left: two say too little of what lies between them."""


def failing(values: Mapping[int, float], higher_is_better: bool = True, known: Collection[int] = ()) -> tuple[int, ...]:
    """The seeds that failed, the worst first: those `known` to have, and a minority apart from all others; or none.

    Apart is on the bad side. If several cuts would do, the one with the fewest failures. Without `LEFT` other seeds
    there is no telling, and the answer is none.
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
