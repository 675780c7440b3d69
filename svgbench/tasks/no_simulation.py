"""A task without an environment, for what is computed from a training's length alone."""

from __future__ import annotations

VERSION = 1


def make_no_simulation() -> None:
    """Nothing."""
