"""What the lab asks of an algorithm. The lab holds the loop; a learner does one slice at a time."""

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
    """What a learner whose slices become longer as it learns may have beside the rest of `Learner`."""

    @property
    def outlook(self) -> float:
        """By what factor the rest will at most outdo what was done per unit of progress; a plan reckons with it."""
        ...


class EstimateWork(Protocol):
    """What a learner's module may state as `estimated_work`, beside what `make` is given.

    The work of a whole block, in any unit that takes about equally long on one machine whatever the task and the
    config: an estimate by arithmetic, without building the learner. A plan then measures one block and scales others.
    """

    def __call__(
        self, config: Mapping[str, Any], task: Any, seeds: Sequence[int], budget: Mapping[str, Any]
    ) -> float: ...


class MakeLearner(Protocol):
    """What the learner of a variant names.

    task: what its factory made, a `svgbench.words.task.Task` with whatever else the algorithm asks of it; None for a
    study without an environment.
    """

    def __call__(
        self,
        config: Mapping[str, Any],
        task: Any,
        seeds: Sequence[int],
        budget: Mapping[str, Any],
        device: str,
    ) -> Learner: ...
