"""The task: how noisy the walk is."""

VERSION = 1


def make(scale: float) -> float:
    return scale
