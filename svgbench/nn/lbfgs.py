"""L-BFGS for many seeds at once (Nocedal and Wright 2006, algorithm 7.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import no_type_check

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

Objective = Callable[[Float[Tensor, "S P"]], tuple[Float[Tensor, "S"], Float[Tensor, "S P"]]]
"""Values and gradients at parameters."""

SUFFICIENT = 1e-4  # of the decrease that the slope promises
FLAT = 1e-9  # norm of a gradient at which a seed has arrived


@no_type_check  # the tests would spend more time on its checks than on all others
def _dot(a: Float[Tensor, "S P"], b: Float[Tensor, "S P"]) -> Float[Tensor, "S 1"]:
    return (a * b).sum(1, keepdim=True)


class _Pairs:
    """The last `memory` steps and changes of gradient of each seed, the newest last."""

    def __init__(self, theta: Float[Tensor, "S P"], memory: int) -> None:
        nothing = torch.zeros_like(theta)
        self.steps, self.changes = [nothing] * memory, [nothing] * memory

    def add(self, step: Float[Tensor, "S P"], change: Float[Tensor, "S P"], where: Bool[Tensor, "S 1"]) -> None:
        """Of the seeds `where`; a pair without positive curvature is left out."""
        where = where & (_dot(step, change) > 1e-12 * step.norm(dim=1, keepdim=True) * change.norm(dim=1, keepdim=True))
        for kept, new in ((self.steps, step), (self.changes, change)):
            moved = [*kept[1:], new]
            kept[:] = [torch.where(where, later, old) for later, old in zip(moved, kept, strict=True)]

    def direction(self, gradient: Float[Tensor, "S P"]) -> Float[Tensor, "S P"]:
        """- H g, where H approximates the inverse Hessian; without a pair yet, - g / |g|."""
        curvature = [_dot(s, y) for s, y in zip(self.steps, self.changes, strict=True)]
        q, alphas = -gradient, []
        for s, y, sy in zip(reversed(self.steps), reversed(self.changes), reversed(curvature), strict=True):
            alphas.append(torch.where(sy > 0, _dot(s, q) / sy, 0.0))
            q = q - alphas[-1] * y
        newest = self.changes[-1].square().sum(1, keepdim=True)
        q = q * torch.where(newest > 0, curvature[-1] / newest, 1 / gradient.norm(dim=1, keepdim=True))
        for s, y, sy in zip(self.steps, self.changes, curvature, strict=True):
            q = q + s * (alphas.pop() - torch.where(sy > 0, _dot(y, q) / sy, 0.0))
        return q


@torch.no_grad()
def minimise(
    objective: Objective, theta: Float[Tensor, "S P"], evaluations: int, memory: int = 10
) -> Float64[Tensor, "S P"]:
    """Parameters of a lower value after so many evaluations.

    Each seed takes steps of its own length, halved until the value falls enough; a seed that has arrived waits.
    """
    theta = theta.double()
    value, gradient = (x.double() for x in objective(theta))
    pairs = _Pairs(theta, memory)
    direction, length = pairs.direction(gradient), torch.ones_like(theta[:, :1])
    for _ in range(evaluations - 1):
        going = gradient.norm(dim=1, keepdim=True) > FLAT
        if not going.any():
            break
        candidate = torch.where(going, theta + length * direction, theta)
        new_value, new_gradient = (x.double() for x in objective(candidate))
        slope = _dot(gradient, direction)
        enough = new_value[:, None] <= value[:, None] + SUFFICIENT * length * slope
        taken = going & enough & (slope < 0)
        pairs.add(candidate - theta, new_gradient - gradient, taken)
        theta, gradient = torch.where(taken, candidate, theta), torch.where(taken, new_gradient, gradient)
        value = torch.where(taken[:, 0], new_value, value)
        direction = torch.where(taken, pairs.direction(gradient), direction)
        length = torch.where(taken, 1.0, 0.5 * length)
    return theta
