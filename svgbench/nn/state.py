"""Small helpers for tensors and states (nested tensors, numbers, strings, lists and dicts)."""

from __future__ import annotations

from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor


def on_cpu(value: Any) -> Any:
    """The state with all tensors moved to the CPU, where simulations run."""
    if isinstance(value, Tensor):
        return value.cpu()
    if isinstance(value, dict):
        return {name: on_cpu(entry) for name, entry in value.items()}
    return type(value)(on_cpu(entry) for entry in value) if isinstance(value, list | tuple) else value


def finite_rows(x: Float[Tensor, "S ..."]) -> Bool[Tensor, "S"]:
    """Whether all of a seed's numbers are finite. If their sum overflows, they count as not finite."""
    return x.flatten(1).sum(1).isfinite()  # one pass: NaN and infinities survive a sum


def cloned(value: Any) -> Any:
    """Nested dicts with copies of their tensors."""
    if isinstance(value, Tensor):
        return value.clone()
    return {name: cloned(entry) for name, entry in value.items()} if isinstance(value, dict) else value
