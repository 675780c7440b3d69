"""The policy of the thesis's continuous tasks: a Gaussian with a network for its mean and a separate, learned spread.

pi(a | x) = N(mean = net(x), diag(exp(log_std))^2), log_std independent of the state (Schulman 2016, section 3.13).
Actions are in units of half the task's control range, around its centre. x is the observation as scaled by the caller.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from svgbench.nn.flat_mlp import FlatMLP, Forward
from svgbench.nn.mean_network import MeanNetwork
from svgbench.nn.streams import Streams

LOG_2PI = math.log(2 * math.pi)


class PolicySnapshot(NamedTuple):
    """A policy at fixed parameters, in NumPy: a = mean(x) + std * noise."""

    mean: Forward
    std: Float[np.ndarray, "S 1 A"]

    def standing_still(self, lost: Bool[np.ndarray, "S"]) -> PolicySnapshot:
        """The same policy, but the seeds in `lost` always take action 0."""
        if not lost.any():
            return self
        still = lost[:, None, None]
        return PolicySnapshot(lambda x: np.where(still, 0, self.mean(x)), np.where(still, 0, self.std))


class GaussianPolicy:
    """Functions of parameters theta: first the mean network's parameters, and then A for log_std.

    hidden: widths of the hidden layers; () is a linear policy. activation: as `FlatMLP`.
    """

    def __init__(self, obs_dim: int, action_dim: int, hidden: Sequence[int], activation: str) -> None:
        self.net = FlatMLP([obs_dim, *hidden, action_dim], activation)
        self.A = action_dim
        self.P = self.net.P + action_dim

    def initial(
        self, streams: Streams, init_std: float, output_gain: float, dtype: torch.dtype, kind: str = "unit"
    ) -> Float[Tensor, "S P"]:
        """Parameters; `init_std` in units of action; the rest as `FlatMLP.initial`."""
        theta = self.net.initial(streams, output_gain, dtype, kind)
        return torch.cat([theta, torch.full((len(theta), self.A), math.log(init_std), dtype=dtype)], 1)

    def weights(self, theta: Float[Tensor, "S P"]) -> Float[Tensor, "S P-{self.A}"]:
        """The network's part of theta."""
        return theta[:, : -self.A]

    def log_std(self, theta: Float[Tensor, "S P"]) -> Float[Tensor, "S 1 {self.A}"]:
        """The same at every x."""
        return theta[:, None, -self.A :]

    def mean(self, theta: Float[Tensor, "S P"], x: Float[Tensor, "S B O"]) -> Float[Tensor, "S B {self.A}"]:
        """The network's outputs."""
        return self.net(self.weights(theta), x)

    def mean_network(self, theta: Float[Tensor, "S P"]) -> MeanNetwork:
        """The network of `mean`, layer by layer."""
        return MeanNetwork(self.net.layers(self.weights(theta)), self.net.activation)

    def entropy(self, theta: Float[Tensor, "S P"]) -> Float[Tensor, "S"]:
        """In nats; the same at every x."""
        return (self.log_std(theta) + 0.5 * (1 + LOG_2PI)).sum((1, 2))

    def snapshot(self, theta: Float[Tensor, "S P"]) -> PolicySnapshot:
        return PolicySnapshot(self.net.forward_numpy(self.weights(theta)), self.log_std(theta).exp().cpu().numpy())


def log_prob(
    mean: Float[Tensor, "*#batch A"], log_std: Float[Tensor, "*#batch A"], action: Float[Tensor, "*#batch A"]
) -> Float[Tensor, "*#batch"]:
    """log N(action; mean, exp(log_std)) in nats."""
    z = (action - mean) * (-log_std).exp()
    return -(0.5 * (z.square() + LOG_2PI) + log_std).sum(-1)


def kl(
    mean: Float[Tensor, "*#batch A"],
    log_std: Float[Tensor, "*#batch A"],
    new_mean: Float[Tensor, "*#batch A"],
    new_log_std: Float[Tensor, "*#batch A"],
) -> Float[Tensor, "*#batch"]:
    """KL(old || new) in nats; rounding can take one near zero below zero."""
    # expm1 would not, but moves committed numbers: it waits for the next VERSION of those that compute this.
    ratio = (2 * (log_std - new_log_std)).exp()
    moved = ((new_mean - mean) * (-new_log_std).exp()).square()
    return (0.5 * (ratio - 1 + moved) - (log_std - new_log_std)).sum(-1)
