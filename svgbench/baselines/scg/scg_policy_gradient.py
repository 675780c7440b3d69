"""Bias and variance of policy gradient estimators, Schulman 2016, chapter 2 and section 4.2. Computed exactly.

A decision process of three states and two actions, a softmax policy, episodes of T steps. A seed draws the process and
the policy. All paths are listed, so that nothing is sampled. The estimator is sum_t grad log pi(a_t | s_t) Psi_t, where
Psi_t is, with all values those of the rest of the episode:

| `weight` | Psi_t | source |
|---|---|---|
| total | all rewards of the episode | chapter 2; eq. (22), 1 |
| following | rewards from t on | eq. (1); eq. (22), 2 |
| baseline-random | the same minus a random function of s_t | eq. (2) |
| baseline-value | the same minus V(s_t) | eq. (2); eq. (22), 3 |
| baseline-optimal | the same minus the b(s_t) of least variance | eq. (2), "optimally reduces variance" |
| q | Q(s_t, a_t) | eq. (22), 4 |
| advantage | Q(s_t, a_t) - V(s_t) | eq. (22), 5 |
| residual | r_t + V(s_t+1) - V(s_t) | eq. (22), 6 |
| discounted | rewards from t on, discounted, minus their expectation at s_t | chapter 2, before Algorithm 2 |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

import torch
from torch import Tensor

from svgbench.baselines.scg import _decision_process as dp
from svgbench.learners.study import GridStudy
from svgbench.nn.streams import Streams
from svgbench.ranges import Range

VERSION = 1

STATES, ACTIONS = 3, 2


class Limits(TypedDict):
    longest: Annotated[int, Range(2, 6)]  # steps of the longest episode; it has up to 3 * 6^6 paths


@dataclass(frozen=True)
class Config:
    weight: Literal[
        "total",
        "following",
        "baseline-random",
        "baseline-value",
        "baseline-optimal",
        "q",
        "advantage",
        "residual",
        "discounted",
    ] = "total"
    gamma: Annotated[float, Range(0, 1)] = 0.8  # of `discounted` alone


class PolicyGradients(GridStudy[int]):
    """Points are lengths of the episode, T."""

    def __init__(self, config: Config, seeds: Sequence[int], longest: int) -> None:
        points = list(range(2, longest + 1))
        super().__init__(seeds, points, points)
        self.config = config

    def measure(self, seed: int, draws: int, point: int) -> list[dict[str, Any]]:
        stream = Streams([seed], "process")
        process = dp.random_process(stream, STATES, ACTIONS)
        theta = stream.normal((STATES, ACTIONS), torch.float64)[0]
        b = 3 * stream.normal(STATES, torch.float64)[0]
        policy = theta.softmax(-1)
        paths = dp.paths(process, policy, point)
        estimates = dp.estimates(paths, self.weights(process, policy, paths, b), policy)
        mean, variance = dp.mean_and_variance(paths, estimates)
        exact = dp.gradient(process, theta, point).flatten()
        size = exact.norm().item()
        return [{"step": point, "bias": (mean - exact).norm().item() / size, "variance": variance / size**2}]

    def weights(self, process: dp.Process, policy: Tensor, paths: dp.Paths, b: Tensor) -> Tensor:
        """Psi [N, T]. b: [S], the random baseline."""
        how, T = self.config.weight, paths.actions.shape[1]
        s, a, after, time = paths.states[:, :-1], paths.actions, paths.states[:, 1:], torch.arange(T)
        rewards = process.reward[s, a]
        gamma = self.config.gamma if how == "discounted" else 1.0
        following = returns(rewards, gamma)
        V, Q = dp.values(process, policy, T, gamma)
        if how == "total":
            return following[:, :1].expand(-1, T)
        if how == "following":
            return following  # eq. (1)
        if how == "baseline-random":
            return following - b[s]  # eq. (2)
        if how == "baseline-optimal":
            return following - optimal_baseline(paths, following, policy)[time, s]
        if how == "q":
            return Q[time, s, a]
        if how == "advantage":
            return Q[time, s, a] - V[time, s]
        if how == "residual":
            return rewards + V[time + 1, after] - V[time, s]
        return following - V[time, s]  # baseline-value and discounted


def returns(rewards: Tensor, gamma: float) -> Tensor:
    """[N, T]: at t the rewards [N, T] from t on, discounted."""
    total, found = torch.zeros_like(rewards[:, 0]), []
    for reward in reversed(rewards.unbind(1)):
        total = reward + gamma * total
        found.append(total)
    return torch.stack(found[::-1], 1)


def optimal_baseline(paths: dp.Paths, following: Tensor, policy: Tensor) -> Tensor:
    """b [T, S] of least variance: E[score_t . g | s_t] / E[score_t . score_t | s_t], g the estimate of eq. (1).

    Scores at different times are uncorrelated, so the constants do not interact. 0 where a state is not reached.
    """
    s, (T, S) = paths.states[:, :-1], (following.shape[1], len(policy))
    score = dp.scores(policy)[s, paths.actions]  # [N, T, P]
    g = dp.estimates(paths, following, policy)
    along, size = torch.einsum("ntp,np->nt", score, g), score.square().sum(-1)
    sums = [
        following.new_zeros(T * S).index_add_(
            0, (torch.arange(T) * S + s).flatten(), (paths.probability[:, None] * x).flatten()
        )
        for x in (along, size)
    ]
    return (sums[0] / sums[1].clamp_min(1e-300)).view(T, S)


def make(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Limits, device: str) -> PolicyGradients:
    """The learner of a block; the task is not looked at. limits: `longest`, the steps of the longest episode."""
    return PolicyGradients(Config(**config), seeds, int(limits["longest"]))


def estimated_work(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Mapping[str, Any]) -> float:
    """Steps of all paths that a block lists."""
    return len(seeds) * sum(T * STATES * (STATES * ACTIONS) ** T for T in range(2, int(limits["longest"]) + 1))
