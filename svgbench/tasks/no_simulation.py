"""A task without an environment, for studies that simulate nothing."""

from __future__ import annotations

VERSION = 1


def make_no_simulation() -> None:
    """no-simulation: there is no environment, so the task is None."""
