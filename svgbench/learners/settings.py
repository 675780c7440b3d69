"""A config from a cell's plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

Config = TypeVar("Config")


def settings(kind: type[Config], values: Mapping[str, Any]) -> Config:
    """A `kind` with these values. Lists become tuples: JSON has no tuples, and a config must not change."""
    return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
