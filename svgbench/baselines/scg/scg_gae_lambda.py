"""Bias and variance of generalised advantage estimation against lambda, Schulman 2016, chapter 4. Computed exactly.

A chain of four states, reward in the last one, episodes of eight steps, a softmax policy that a seed draws. All paths
are listed, so that nothing is sampled. With an approximate value function V, known to be 0 after the end,

    delta_t = r_t + gamma V(s_t+1) - V(s_t),    A-hat_t = sum_l (gamma lambda)^l delta_t+l               eq. (26)
    g-hat = sum_t grad log pi(a_t | s_t) A-hat_t                                                         eq. (29)
    V-hat_t = V(s_t) + sum_l (gamma lambda)^l delta_t+l                                    section 4.5, footnote 2

V is exact, or has normal errors whose SD is half the root mean square of V.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

import torch
from torch import Tensor

from svgbench.baselines.scg import _decision_process as dp
from svgbench.baselines.scg.scg_policy_gradient import returns
from svgbench.learners.study import GridStudy
from svgbench.nn.streams import Streams
from svgbench.ranges import Increasing, Length, Range

VERSION = 1

STATES, SLIP, ACTIONS = 4, 0.2, 2
ERROR = 0.5  # of V, over its root mean square
Share = Annotated[float, Range(0, 1)]
Lambdas = Annotated[tuple[Share, ...], Length(1), Increasing()]


class Limits(TypedDict):
    episode: Annotated[int, Range(4, 8)]  # steps; the reward is three away, and 8 have 4^8 paths


@dataclass(frozen=True)
class Config:
    value: Literal["exact", "inaccurate"] = "exact"
    gamma: Share = 1.0
    lambdas: Lambdas = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)


class Lambda(GridStudy[int]):
    """The one point is the length of an episode, T."""

    def __init__(self, config: Config, seeds: Sequence[int], T: int) -> None:
        super().__init__(seeds, [T], [T])
        self.config = config

    def measure(self, seed: int, draws: int, point: int) -> list[dict[str, Any]]:
        stream, gamma = Streams([seed], "process"), self.config.gamma
        process = dp.chain(STATES, SLIP)
        theta = stream.normal((STATES, ACTIONS), torch.float64)[0]
        policy = theta.softmax(-1)
        paths, occupancy = dp.paths(process, policy, point), dp.occupancy(process, policy, point)
        exact, Q = dp.values(process, policy, point, gamma)
        scale = (occupancy * exact[:-1].square()).sum().div(point).sqrt().item()
        V = exact.clone()
        if self.config.value == "inaccurate":
            V[:-1] += ERROR * scale * stream.normal((point, STATES), torch.float64)[0]
        g = dp.gradient(process, theta, point).flatten()
        g_discounted = discounted_gradient(theta, occupancy, Q - exact[:-1, :, None])
        time, s = torch.arange(point), paths.states
        delta = process.reward[s[:, :-1], paths.actions] + gamma * V[time + 1, s[:, 1:]] - V[time, s[:, :-1]]
        rows = []
        for gae_lambda in self.config.lambdas:
            advantage = returns(delta, gamma * gae_lambda)  # eq. (26)
            mean, variance = dp.mean_and_variance(paths, dp.estimates(paths, advantage, policy))
            targets = V[time, s[:, :-1]] + advantage  # footnote 2
            target_bias, target_variance = errors_of_targets(paths, targets, exact)
            rows.append(
                {
                    "step": point,
                    "gae_lambda": gae_lambda,
                    "bias": ((mean - g).norm() / g.norm()).item(),
                    "bias_discounted": ((mean - g_discounted).norm() / g_discounted.norm()).item(),
                    "variance": variance / g_discounted.square().sum().item(),
                    "target_bias": target_bias / scale,
                    "target_variance": target_variance / scale**2,
                }
            )
        return rows


def discounted_gradient(theta: Tensor, occupancy: Tensor, advantage: Tensor) -> Tensor:
    """Eq. (23) [S * A]: states as they come [T, S], with the advantages [T, S, A] held fixed."""
    theta = theta.detach().requires_grad_()
    total = torch.einsum("ts,sa,tsa->", occupancy, theta.softmax(-1), advantage)
    return torch.autograd.grad(total, theta)[0].flatten()


def errors_of_targets(paths: dp.Paths, targets: Tensor, V: Tensor) -> tuple[float, float]:
    """Root mean square of E[V-hat_t | s_t] - V(s_t), and the mean of Var[V-hat_t | s_t], of targets [N, T]."""
    T, S = targets.shape[1], V.shape[1]
    place = torch.arange(T) * S + paths.states[:, :-1]

    def expected(x: Tensor) -> Tensor:
        weighed = (paths.probability[:, None] * x).flatten()
        return x.new_zeros(T * S).index_add_(0, place.flatten(), weighed)

    reached = expected(torch.ones_like(targets))
    mean = expected(targets) / reached.clamp_min(1e-300)
    variance = paths.probability @ (targets - mean[place]).square()
    bias = (reached * (mean - V[:-1].flatten()).square()).sum() / T
    return bias.sqrt().item(), variance.mean().item()


def make(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Limits, device: str) -> Lambda:
    """The learner of a block; the task is not looked at. limits: `episode`, its steps."""
    return Lambda(Config(**config), seeds, int(limits["episode"]))


def estimated_work(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Mapping[str, Any]) -> float:
    """Steps of all paths, for each lambda."""
    T = int(limits["episode"])
    return len(seeds) * len(config["lambdas"]) * T * (2 * ACTIONS) ** T
