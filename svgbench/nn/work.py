"""What arithmetic costs, roughly: enough for progress and for the estimate of a run's time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

FLOPS_PER_MS = 80e6  # one core of 2026 in float32 matrix products
MS_PER_CALL = 0.006  # an operation on a small tensor, with its share of Python and autograd


def products(sizes: Sequence[int]) -> int:
    """Multiplications of one row's way through layers of these sizes."""
    return sum(a * b for a, b in itertools.pairwise(sizes))


def milliseconds(multiplications: float, calls: float) -> float:
    """Of one core: so many multiplications in matrix products, cut into so many operations."""
    return 2 * multiplications / FLOPS_PER_MS + calls * MS_PER_CALL
