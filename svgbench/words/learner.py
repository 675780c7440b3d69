"""What the lab requires of an algorithm. The lab runs the loop; a learner does one slice at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Row = dict[str, Any]
"""`seed`, `step`, and the columns that the experiment declares. Numbers, strings; no clock times."""


class Learner(Protocol):
    """A block of seeds in training.

    Shapes inside are the learner's own; S, the number of seeds, is the first axis everywhere.
    """

    diverged: dict[int, str]  # seed -> step and reason; the others go on

    @property
    def finished(self) -> bool: ...

    @property
    def progress(self) -> tuple[int, int]:
        """Done and total, in the budget's own unit."""
        ...

    def advance(self) -> list[Row]:
        """Do one slice, a fixed amount of work of at most about a minute, and return its rows."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next slice depends on: tensors, numbers, strings, lists and dicts only.

        It may share memory with the learner: it is written before the next slice.
        """
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        ...


class Growing(Protocol):
    """An optional addition to `Learner`, for learners whose slices become longer as they learn."""

    @property
    def outlook(self) -> float:
        """The largest factor by which the remaining work per unit of progress may exceed the past; plans use it."""
        ...


class EstimateWork(Protocol):
    """The optional function `estimated_work` of a learner's module.

    It estimates the work of a whole block by arithmetic, without building the learner. A unit of work should take about
    the same time on one machine for every task and config. A plan then measures one block and scales the others.
    """

    def __call__(
        self, config: Mapping[str, Any], task: Any, seeds: Sequence[int], limits: Mapping[str, Any], /
    ) -> float: ...


class MakeLearner(Protocol):
    """The function that a variant's `learner` names.

    task: what its factory made, a `svgbench.words.task.Task` with anything else that the algorithm needs; None for a
    study without an environment. limits: the budget's limits for this task.
    """

    def __call__(
        self,
        config: Mapping[str, Any],
        task: Any,
        seeds: Sequence[int],
        limits: Mapping[str, Any],
        device: str,
        /,
    ) -> Learner: ...
