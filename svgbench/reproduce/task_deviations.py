"""The tasks' differences from their papers, as deviations of the experiments that use them."""

from __future__ import annotations

from svgbench import differences
from svgbench.words.experiment import Deviation


def task_deviations(*tasks: str) -> tuple[Deviation, ...]:
    """The differences of these tasks, by id, in their order."""
    return tuple(Deviation(d.id, d.paper, d.ours, d.reason, d.source) for d in differences.of(tasks))
