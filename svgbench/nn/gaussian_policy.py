"""The policy of the thesis's continuous tasks: a Gaussian whose mean a network gives and whose spread is its own.

pi(a | x) = N(mean = net(x), diag(exp(log_std))^2), log_std independent of the state (Schulman 2016, section 3.13).
Actions are in units of half the control range of the task, around its centre; x is whatever the caller scales
observations to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench.nn.flat_mlp import FlatMLP, Forward
from svgbench.nn.streams import Streams

LOG_2PI = math.log(2 * math.pi)


class Acting(NamedTuple):
    """A policy at fixed parameters, in NumPy: a = mean(x) + std * noise, of x [S, N, O]."""

    mean: Forward
    std: NDArray[np.floating]  # [S, 1, A]

    def standing_still(self, lost: NDArray[np.bool_]) -> Acting:
        """The same policy, but the seeds in `lost`, bool [S], always take action 0."""
        if not lost.any():
            return self
        still = lost[:, None, None]
        return Acting(lambda x: np.where(still, 0, self.mean(x)), np.where(still, 0, self.std))


class GaussianPolicy:
    """Functions of parameters theta [S, P]: those of the network for the mean, and then log_std [A].

    hidden: widths of the hidden layers; () is a linear policy. activation: as `FlatMLP`.
    """

    def __init__(self, obs_dim: int, action_dim: int, hidden: Sequence[int], activation: str) -> None:
        self.net = FlatMLP([obs_dim, *hidden, action_dim], activation)
        self.A = action_dim
        self.P = self.net.P + action_dim

    def initial(
        self, streams: Streams, init_std: float, output_gain: float, dtype: torch.dtype, kind: str = "unit"
    ) -> Tensor:
        """Parameters [S, P]; `init_std` in units of action; the rest as `FlatMLP.initial`."""
        theta = self.net.initial(streams, output_gain, dtype, kind)
        return torch.cat([theta, torch.full((len(theta), self.A), math.log(init_std), dtype=dtype)], 1)

    def weights(self, theta: Tensor) -> Tensor:
        """The network's part of theta, [S, P - A]."""
        return theta[:, : -self.A]

    def log_std(self, theta: Tensor) -> Tensor:
        """[S, 1, A]"""
        return theta[:, None, -self.A :]

    def mean(self, theta: Tensor, x: Tensor) -> Tensor:
        """[S, B, A] of x [S, B, O]."""
        return self.net(self.weights(theta), x)

    def entropy(self, theta: Tensor) -> Tensor:
        """In nats, [S]; the same at every x."""
        return (self.log_std(theta) + 0.5 * (1 + LOG_2PI)).sum((1, 2))

    def acting(self, theta: Tensor) -> Acting:
        return Acting(self.net.forward_numpy(self.weights(theta)), self.log_std(theta).exp().cpu().numpy())


def log_prob(mean: Tensor, log_std: Tensor, action: Tensor) -> Tensor:
    """log N(action; mean, exp(log_std)) [...] in nats, of [..., A]."""
    z = (action - mean) * (-log_std).exp()
    return -(0.5 * (z.square() + LOG_2PI) + log_std).sum(-1)


def kl(mean: Tensor, log_std: Tensor, new_mean: Tensor, new_log_std: Tensor) -> Tensor:
    """KL(old || new) [...] in nats, of [..., A]; rounding can take one near zero below zero."""
    # expm1 would not, but moves committed numbers: it waits for the next VERSION of those that compute this.
    ratio = (2 * (log_std - new_log_std)).exp()
    moved = ((new_mean - mean) * (-new_log_std).exp()).square()
    return (0.5 * (ratio - 1 + moved) - (log_std - new_log_std)).sum(-1)
