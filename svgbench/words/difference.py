"""What a difference between a task of ours and a paper's is."""

from __future__ import annotations

from typing import NamedTuple


class Difference(NamedTuple):
    """Fields as in an experiment's deviations, and the tasks that it concerns."""

    id: str
    paper: str
    ours: str
    reason: str
    source: str
    tasks: tuple[str, ...]
