"""The tanh-squashed Gaussian of soft actor-critic."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


class SquashedGaussian:
    """u = tanh(mean + std * noise) on [-1, 1]^A, elementwise independent; log_std lies within bounds by a tanh.

    raw: what a network puts out, 2 A wide: the mean before squashing and then a number for log_std.
    log_std_bounds: (low, high).
    """

    def __init__(self, raw: Float[Tensor, "*batch AA"], log_std_bounds: tuple[float, float]) -> None:
        low, high = log_std_bounds
        self.mean: Float[Tensor, "*batch A"]
        self.log_std: Float[Tensor, "*batch A"]
        self.mean, unbounded = raw.chunk(2, dim=-1)
        half = 0.5 * (high - low)
        self.log_std = torch.tanh(unbounded) * half + (low + half)

    @property
    def mode(self) -> Float[Tensor, "*batch A"]:
        """tanh(mean): what is evaluated, and not quite the mode of the squashed density."""
        return torch.tanh(self.mean)

    def sample(self, noise: Float[Tensor, "*batch A"]) -> tuple[Float[Tensor, "*batch A"], Float[Tensor, "*batch"]]:
        """The action of unit normal noise, and its log-density in nats, both with gradients.

        log(1 - tanh(v)^2) = 2 (log 2 - v - softplus(-2 v)), which is exact where 1 - tanh(v)^2 rounds to zero.
        """
        v = torch.addcmul(self.mean, self.log_std.exp(), noise)
        # log N(v) - log(1 - tanh(v)^2), summed: constants outside the sum
        per_action = (v + softplus(-2 * v)) * 2 - self.log_std - noise.square() * 0.5
        log_prob = per_action.sum(-1) - noise.shape[-1] * (LOG_SQRT_2PI + 2 * math.log(2))
        return torch.tanh(v), log_prob
