"""Fitted policy evaluation, Algorithm 4 of Heess et al. 2015: minibatches against a target network.

    y = r + gamma V(s'; nu)                       line 6
    w = p(a | s; theta) / p(a | s; theta_k)       line 7
    descend w / 2 (y - V(s; nu_new))^2            lines 8, 9
    every C updates nu = nu_new                   line 10

`fit_state_value` is the whole algorithm for V, with the importance weights of line 7. SVG(0) fits Q with targets of its
own.

nu_new and the count of updates persist from one call to the next. Algorithm 4 sets nu_new = nu at the start of a call
(line 3). That is the same if a call's updates are a multiple of C. Otherwise it would discard the updates after the
last refresh. After a termination y = r. A time limit does not end the task, so y bootstraps past it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from svgbench.baselines.value_gradients._config import StateValueSettings
from svgbench.baselines.value_gradients._policy import FixedStdPolicy
from svgbench.learners.surrogate import pieces
from svgbench.memory.database import Database, Transitions
from svgbench.memory.statistics import StateStatistics
from svgbench.nn import input_jacobian
from svgbench.nn.flat_mlp import FlatMLP
from svgbench.nn.optim import Adam
from svgbench.nn.returns import discounted_sums
from svgbench.nn.state import finite_rows
from svgbench.nn.streams import Streams
from svgbench.simulate.episodes import Episodes

Sample = Callable[[int], tuple[Tensor, Tensor, Tensor]]
"""Of a number B of transitions: inputs x [S, B, n], targets y at nu and weights w, both [S, B]."""

OUTPUT_GAIN = 0.1  # norm of the output's weights at the start; hidden units have 1


class FittedValue:
    """V(x) = scale * net(x) of S seeds: x are states, or states and actions, as they are.

    sizes: of the network, to 1 output. scale: of values, in units of return. lr: of Adam. period: C, in updates.
    theta, target [S, P]: nu_new and nu. updates: their number so far. Values are those of nu_new unless stated.
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
        """Run `updates` updates (lines 4 to 11). Transitions are sampled in chunks that share one target network."""
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


def state_value_sample(
    c: StateValueSettings, V: FittedValue, policy: FixedStdPolicy, rows: Transitions
) -> tuple[Tensor, Tensor, Tensor]:
    """Lines 6 and 7: states [S, B, O], targets and importance weights [S, B]."""
    y = rows.r + c.gamma * (1 - rows.terminal) * V.target_value(rows.next_s)  # line 6
    w = policy.importance(policy.mean(rows.s), rows.a, rows.log_prob, c.importance_cap)  # line 7
    return rows.s, y, w


def fit_state_value(
    c: StateValueSettings, V: FittedValue, policy: FixedStdPolicy, database: Database, streams: Streams,
    active: Tensor | None,
) -> None:  # fmt: skip
    """Algorithm 4: M updates of V. active: bool [S], which seeds learn; None for all."""
    V.fit(
        c.value_updates,
        c.batch_size,
        lambda count: state_value_sample(c, V, policy, database.draw(streams, count)),  # line 5
        active,
    )


def state_value_error(V: FittedValue, episodes: Episodes, gamma: float) -> Tensor:
    """The column `value_error` [S] of a critic of states, in episodes that it has not been trained on."""
    s, change = (x.flatten(1, 2) for x in (episodes.s, episodes.change))
    value, next_value = (V(x).view_as(episodes.r) for x in (s, s + change))
    return value_error(value, next_value, episodes, gamma)


def value_error(value: Tensor, next_value: Tensor, episodes: Episodes, gamma: float) -> Tensor:
    """Mean squared error over the variance of the target returns, float64 [S].

    value, next_value [S, T, N]: of each step, and of the next state. Returns bootstrap from it past a time limit.
    """
    cut = episodes.ended & ~episodes.terminated
    returns = discounted_sums(episodes.r, episodes.ended, torch.where(cut, next_value, 0.0), gamma).double()
    weight = episodes.weight.view(returns.shape)

    def mean(x: Tensor) -> Tensor:
        return (x * weight).sum((1, 2), keepdim=True)

    variance = mean((returns - mean(returns)).square())
    return (mean((value.double() - returns).square()) / variance).flatten()
