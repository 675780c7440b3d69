"""The time-dependent target entropy of Amos et al. 2020, eq. (14)."""

from __future__ import annotations


def target_entropy(step: int, total_steps: int, init: float, final: float, decay: float) -> float:
    """(init - final) (1 - step / total_steps)^decay + final, in nats; a decay of 0 stays at `init` to the end.

    Raises ValueError for a step outside [0, total_steps] or a negative decay.
    """
    if not 0 <= step <= total_steps:
        raise ValueError(f"step is {step}, expected 0 to {total_steps}")
    if decay < 0:
        raise ValueError(f"decay is {decay}, expected at least 0")
    return (init - final) * (1 - step / total_steps) ** decay + final  # eq. (14); 0^0 = 1
