"""Settings, and values that may differ from task to task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
Scalar = str | int | float | bool
Setting = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True)
class PerTask(Generic[T]):
    """A value that differs between tasks, in a claim or a variant, by the task's id."""

    values: Mapping[str, T]


def on_task(value: T | PerTask[T], task: str) -> T:
    """The value on one task. Raises KeyError if a `PerTask` has no value for it."""
    return value.values[task] if isinstance(value, PerTask) else value
