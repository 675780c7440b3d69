"""Learners of studies that train nothing: one measurement, or the points of a grid one after another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from svgbench.nn.streams import seed_number
from svgbench.words.learner import Learner, Row

Point = TypeVar("Point")


class OneSliceStudy(ABC):
    """`svgbench.words.learner.Learner`, done in one slice for all seeds."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self.seeds = list(seeds)
        self.finished = False
        self.diverged: dict[int, str] = {}

    @abstractmethod
    def measure(self) -> list[Row]:
        """The rows of all seeds."""

    @property
    def progress(self) -> tuple[int, int]:
        return int(self.finished), 1

    def advance(self) -> list[Row]:
        rows = self.measure()
        self.finished = True
        return rows

    def state_dict(self) -> dict[str, Any]:
        return {"finished": self.finished}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.finished = state["finished"]


class GridStudy(Learner, ABC, Generic[Point]):
    """A slice is one point for one seed, in order of the points.

    A measurement depends only on its seed and its point, so a checkpoint is the number of finished slices.
    """

    def __init__(self, seeds: Sequence[int], points: Sequence[Point], work: Sequence[int]) -> None:
        """work: the work of each point, in the budget's own unit."""
        self.slices = [(seed, point) for point in points for seed in seeds]
        self.work = [units for units in work for _ in seeds]
        self.done = 0
        self.diverged: dict[int, str] = {}

    @abstractmethod
    def measure(self, seed: int, draws: int, point: Point) -> list[Row]:
        """The rows of a seed at a point, without `seed`. draws: the seed of the point's random numbers."""

    @property
    def finished(self) -> bool:
        return self.done == len(self.slices)

    @property
    def progress(self) -> tuple[int, int]:
        return sum(self.work[: self.done]), sum(self.work)

    def advance(self) -> list[Row]:
        seed, point = self.slices[self.done]
        rows = self.measure(seed, seed_number(seed, repr(point)), point)
        self.done += 1
        return [{"seed": seed, **row} for row in rows]

    def state_dict(self) -> dict[str, Any]:
        return {"done": self.done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.done = state["done"]
