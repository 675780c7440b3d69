"""Rough costs of arithmetic, for progress and for the estimate of a run's time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from svgbench.words.task import Task

FLOPS_PER_MS = 80e6  # one core of 2026 in float32 matrix products
MS_PER_CALL = 0.006  # an operation on a small tensor, including Python and autograd
MS_PER_STEP = 0.001  # a control step of a task that does not state its physics' cost, and acting in any task
MS_PER_UNIT = 3e-6  # an activation, or its derivative


def products(sizes: Sequence[int]) -> int:
    """Multiplications of a forward pass of one row through layers of these sizes."""
    return sum(a * b for a, b in itertools.pairwise(sizes))


def milliseconds(multiplications: float, calls: float) -> float:
    """Milliseconds of one core for this number of multiplications in matrix products, and of operations."""
    return 2 * multiplications / FLOPS_PER_MS + calls * MS_PER_CALL


def stepping(task: Task, steps: float) -> float:
    """Milliseconds of one core for control steps, a small policy in the loop; see `MujocoTask.step_milliseconds`."""
    return steps * (MS_PER_STEP + getattr(task, "step_milliseconds", MS_PER_STEP))


def batches(task: Task, S: int, iterations: int, steps: float, hidden: Sequence[int], rows: float) -> float:
    """Milliseconds of one core for iterations with these numbers of steps of S seeds, and of rows through a policy.

    hidden: widths of the policy's hidden layers.
    """
    sizes = (task.observation_dim, *hidden, task.action_dim)
    return S * iterations * (stepping(task, steps) + passes(sizes, rows))


def passes(sizes: Sequence[int], rows: float) -> float:
    """Milliseconds of one core for forward or backward passes of this number of rows through small layers of these
    sizes.
    """
    return milliseconds(rows * products(sizes), 0) + MS_PER_UNIT * rows * sum(sizes[1:-1])
