"""Two rules of the cross-entropy method: how the elite gives the next distribution, and extra noise that decays.

Sources: Schulman 2016, Algorithm 1; Szita and Lorincz 2006, page 4, for the noise.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor


def elite_moments(candidates: Tensor, returns: Tensor, elites: int) -> tuple[Tensor, Tensor]:
    """Mean and variance [S, P] of the candidates [S, n, P] with the highest returns [S, n].

    elites: how many candidates count. Among equal returns, the first candidates are taken.
    """
    best = returns.argsort(dim=1, descending=True, stable=True)[:, :elites]
    elite = candidates.gather(1, best[..., None].expand(-1, -1, candidates.shape[2]))
    return elite.mean(1), elite.var(1, correction=0)


def extra_variance(std: float, t: int, iterations: int, schedule: Literal["linear", "step"]) -> float:
    """std^2 z_t, which is added to the variance in iteration t >= 0. Without it, the variance shrinks too early.

    z_t falls linearly from 1 to 0 over `iterations` ("linear"), or is 1 until then and 0 afterwards ("step").
    """
    step = float(t < iterations)
    z = step if schedule == "step" else step * (1 - t / max(iterations, 1))
    return std**2 * z
