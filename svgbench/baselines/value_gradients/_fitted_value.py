"""Fitted policy evaluation, Algorithm 4 of Heess et al. 2015: minibatches against a network that stands still.

    y = r + gamma V(s'; nu)                       line 6
    descend w / 2 (y - V(s; nu_new))^2            lines 8, 9
    every C updates nu = nu_new                   line 10

Lines 5 and 7, the draw from D and the weight w, are in `_agent`.

The count of updates goes on from one call to the next, and so does nu_new: Algorithm 4 starts each call at nu_new = nu,
which is the same where a call's updates are a multiple of C, and would forget what comes after the last refresh where
they are not. After a termination nothing follows, y = r; a time limit is none, and y bootstraps from V there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from svgbench.learners.surrogate import pieces
from svgbench.memory.statistics import StateStatistics
from svgbench.nn import input_jacobian
from svgbench.nn.flat_mlp import FlatMLP
from svgbench.nn.optim import Adam
from svgbench.nn.returns import discounted_sums
from svgbench.nn.state import finite_rows
from svgbench.nn.streams import Streams
from svgbench.simulate.episodes import Episodes

Sample = Callable[[int], tuple[Tensor, Tensor, Tensor]]
"""That many transitions: x [S, B, n], targets y at nu and weights w, both [S, B]."""

OUTPUT_GAIN = 0.1  # norm of the output's weights at the start; hidden units have 1


class FittedValue:
    """V(x) = scale * net(x) of S seeds: x are states, or states and actions, as they are.

    sizes: of the network, to 1 output. scale: of values, in units of return. lr: of Adam. period: C, in updates.
    theta, target [S, P]: nu_new and nu. updates: how many there were. Values are those of nu_new unless it is said.
    """

    def __init__(
        self,
        streams: Streams,
        statistics: StateStatistics,
        sizes: Sequence[int],
        scale: float,
        lr: float,
        period: int,
        dtype: torch.dtype,
        device: str,
    ) -> None:
        if period < 1 or not scale > 0:
            raise ValueError(f"target_period is {period} and value_scale {scale}, expected positive numbers")
        self.net, self.statistics, self.scale, self.period = FlatMLP(sizes, "tanh"), statistics, scale, period
        self.adam = Adam([nn.Parameter(self.net.initial(streams, OUTPUT_GAIN, dtype).to(device))], lr)
        self.theta = self.adam.flat
        self.target = self.theta.clone()
        self.updates = 0

    def __call__(self, x: Tensor) -> Tensor:
        """V(x) [S, B] of x [S, B, n]."""
        return self._value(self.theta, x)

    def target_value(self, x: Tensor) -> Tensor:
        """V(x; nu) [S, B]."""
        return self._value(self.target, x)

    def slope(self, x: Tensor) -> Tensor:
        """V_x [S, B, n]."""
        x = self.statistics.normalise(x)
        recordings = (self.net.record(self.theta, x[:, piece]) for piece in pieces(x))
        parts = [input_jacobian.pull_back(r, torch.full_like(r.output, self.scale)) for r in recordings]
        return torch.cat(parts, 1) / self.statistics.width[..., : x.shape[-1]]

    def fit(self, updates: int, batch_size: int, sample: Sample, active: Tensor | None) -> None:
        """So many updates, on transitions that are asked for as many at once as one nu serves."""
        while updates:
            n = min(updates, self.period - self.updates % self.period)
            x, y, w = sample(n * batch_size)
            x = self.statistics.normalise(x)
            for start in range(0, n * batch_size, batch_size):
                piece = slice(start, start + batch_size)
                self._step(x[:, piece], y[:, piece], w[:, piece], active)
            updates -= n

    def _step(self, x: Tensor, y: Tensor, w: Tensor, active: Tensor | None) -> None:
        recording = self.net.record(self.theta, x)
        error = self.scale * recording.output[..., 0] - y
        u = (w * error).mul_(self.scale / y.shape[1]).unsqueeze(-1)
        self.adam.grad.copy_(self.net.vjp(recording, u))  # line 8
        self.adam.step(active)  # line 9
        self.updates += 1
        if self.updates % self.period == 0:
            self.target.copy_(self.theta)  # line 10

    def _value(self, theta: Tensor, x: Tensor) -> Tensor:
        x = self.statistics.normalise(x)
        return self.scale * torch.cat([self.net(theta, x[:, piece])[..., 0] for piece in pieces(x)], 1)

    def finite(self) -> Tensor:
        """Which seeds' parameters are finite, bool [S]."""
        return finite_rows(self.theta)

    def state_dict(self) -> dict[str, Any]:
        networks = {"theta": self.theta.clone(), "target": self.target.clone()}
        return {**networks, "adam": self.adam.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self.theta.copy_(state["theta"])
        self.target.copy_(state["target"])
        self.adam.load_state_dict(state["adam"])
        self.updates = state["updates"]


def value_error(value: Tensor, next_value: Tensor, episodes: Episodes, gamma: float) -> Tensor:
    """Mean squared error over the variance of the returns that should have been foretold, float64 [S].

    value, next_value [S, T, N]: of each step, and of what it led to, with which returns go on beyond a time limit.
    """
    cut = episodes.ended & ~episodes.terminated
    returns = discounted_sums(episodes.r, episodes.ended, torch.where(cut, next_value, 0.0), gamma).double()
    weight = episodes.weight.view(returns.shape)

    def mean(x: Tensor) -> Tensor:
        return (x * weight).sum((1, 2), keepdim=True)

    variance = mean((returns - mean(returns)).square())
    return (mean((value.double() - returns).square()) / variance).flatten()
