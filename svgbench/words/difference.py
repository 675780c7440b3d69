"""A difference between one of our tasks and the paper's."""

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
