"""What states have in common: tensors, numbers, strings, lists and dicts, nested."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def on_cpu(value: Any) -> Any:
    """The state with all tensors on the CPU, where simulations live, whatever device it was loaded to."""
    if isinstance(value, Tensor):
        return value.cpu()
    if isinstance(value, dict):
        return {name: on_cpu(entry) for name, entry in value.items()}
    return type(value)(on_cpu(entry) for entry in value) if isinstance(value, list | tuple) else value
