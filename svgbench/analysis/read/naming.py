"""The forms of numbers and seeds in sentences, and the name of the untrained variant."""

from __future__ import annotations

from collections.abc import Iterable

RANDOM_VARIANT = "random"
"""The variant whose cell gives the level of a random policy, if an experiment has one."""


def printed(x: float) -> str:
    """A number as it appears in reasons."""
    return f"{x + 0.0:.4g}"  # never "-0"


def name_seeds(seeds: Iterable[int]) -> str:
    """ "seed 3", "seeds 0-4, 7"."""
    ordered = sorted(seeds)
    runs: list[list[int]] = []
    for seed in ordered:
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    listed = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    return f"seed{'s' * (len(ordered) > 1)} {listed}"
