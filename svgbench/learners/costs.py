"""What arithmetic costs, roughly: enough for progress and for the estimate of a run's time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from svgbench.words.task import Task

FLOPS_PER_MS = 80e6  # one core of 2026 in float32 matrix products
MS_PER_CALL = 0.006  # an operation on a small tensor, with its share of Python and autograd
MS_PER_STEP = 0.001  # a control step of a task that does not say what its physics takes, and of acting in any task
MS_PER_UNIT = 3e-6  # an activation, or its slope


def products(sizes: Sequence[int]) -> int:
    """Multiplications of one row's way through layers of these sizes."""
    return sum(a * b for a, b in itertools.pairwise(sizes))


def milliseconds(multiplications: float, calls: float) -> float:
    """Of one core: so many multiplications in matrix products, cut into so many operations."""
    return 2 * multiplications / FLOPS_PER_MS + calls * MS_PER_CALL


def stepping(task: Task, steps: float) -> float:
    """Milliseconds of one core for control steps, a small policy in the loop; see `MujocoTask.step_milliseconds`."""
    return steps * (MS_PER_STEP + getattr(task, "step_milliseconds", MS_PER_STEP))


def batches(task: Task, S: int, iterations: int, steps: float, sizes: Sequence[int], rows: float) -> float:
    """Milliseconds of one core for iterations of so many steps of S seeds, and so many rows through their networks."""
    return S * iterations * (stepping(task, steps) + passes(sizes, rows))


def passes(sizes: Sequence[int], rows: float) -> float:
    """Milliseconds of one core for so many rows on their way through small layers of these sizes, either way."""
    return milliseconds(rows * products(sizes), 0) + MS_PER_UNIT * rows * sum(sizes[1:-1])
