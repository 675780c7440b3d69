"""The learner of a study that trains nothing: it measures the points of a grid one after another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from svgbench.nn.streams import seed_number
from svgbench.words.learner import Learner

Point = TypeVar("Point")


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
    def measure(self, seed: int, draws: int, point: Point) -> list[dict[str, Any]]:
        """The rows of a seed at a point, without `seed`. draws: the seed of the point's random numbers."""

    @property
    def finished(self) -> bool:
        return self.done == len(self.slices)

    @property
    def progress(self) -> tuple[int, int]:
        return sum(self.work[: self.done]), sum(self.work)

    def advance(self) -> list[dict[str, Any]]:
        seed, point = self.slices[self.done]
        rows = self.measure(seed, seed_number(seed, repr(point)), point)
        self.done += 1
        return [{"seed": seed, **row} for row in rows]

    def state_dict(self) -> dict[str, Any]:
        return {"done": self.done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.done = state["done"]
