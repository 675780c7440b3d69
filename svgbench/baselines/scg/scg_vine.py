"""The variance of vine and of single path, Schulman 2016, section 3.5. Computed exactly.

A discounted decision process of four states and K actions, and a softmax policy; a seed draws both. Q-hat(s, a) is the
discounted return of a rollout of fifty steps. The local estimate of the objective is differentiated at the old policy.
From K values of Q-hat,

    single path:  (1/K) sum_k grad log pi(a_k | s_k) (Q-hat(s_k, a_k) - b(s_k)),  s_k ~ rho, a_k ~ pi     section 3.5.1
    vine:         sum_a grad pi(a | s) Q-hat(s, a),                               s ~ rho                 section 3.5.2

The rollouts of a vine's state are independent, or they share their random numbers: at each time one uniform number
chooses every rollout's next state, and another its action. The second moments of returns, and of products of two
returns under shared numbers, follow a recursion over the steps, so that nothing is sampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import torch
from torch import Tensor

from svgbench.baselines.scg import _decision_process as dp
from svgbench.learners.study import GridStudy
from svgbench.nn.streams import Streams
from svgbench.ranges import Range

VERSION = 1

STATES, GAMMA, ROLLOUT = 4, 0.9, 50


class Limits(TypedDict):
    most_actions: Annotated[int, Range(2, 8)]


@dataclass(frozen=True)
class Config:
    scheme: Literal["single-path", "vine"] = "single-path"
    baseline: Literal["none", "value"] = "none"  # of single path; a vine needs none
    random_numbers: Literal["independent", "common"] = "independent"  # of a vine's rollouts from one state


RULES = {
    "baseline == 'none' or scheme == 'single-path'": "a constant drops out of a vine's gradient",
    "random_numbers == 'independent' or scheme == 'vine'": "a single path has one rollout in a state",
}


class Moments(NamedTuple):
    """Of the returns of rollouts from each state and action."""

    mean: Tensor  # [S, A]
    product: Tensor  # [S, A, S, A], of two rollouts with common random numbers


class Vine(GridStudy[int]):
    """Points are numbers of actions, K."""

    def __init__(self, config: Config, seeds: Sequence[int], most_actions: int) -> None:
        points = list(range(2, most_actions + 1))
        super().__init__(seeds, points, points)
        self.config = config

    def measure(self, seed: int, draws: int, point: int) -> list[dict[str, Any]]:
        stream = Streams([seed], f"process {point}")
        process = dp.random_process(stream, STATES, point)
        policy = stream.normal((STATES, point), torch.float64)[0].softmax(-1)
        rho = visitation(process, policy)
        moments = moments_of(process, policy)
        at = torch.arange(STATES)
        square = moments.product[at, :, at]  # [S, A, A]: E[Q-hat Q-hat'] in one state, common random numbers
        own = square.diagonal(dim1=1, dim2=2)  # [S, A]: E[Q-hat^2]
        if self.config.random_numbers == "independent":
            apart = moments.mean[:, :, None] * moments.mean[:, None]
            square = torch.where(torch.eye(point, dtype=torch.bool), square, apart)
        score = torch.eye(point, dtype=torch.float64) - policy[:, None]  # [S, A, A], by the theta of s
        slope = torch.einsum("sa,sab,sa->sb", policy, score, moments.mean)  # of the objective in s alone
        size = (rho[:, None] * slope).square().sum().item()
        if self.config.scheme == "vine":
            inner = torch.einsum("sa,sab,scb,sc->sac", policy, score, score, policy)
            second = torch.einsum("s,sac,sac->", rho, inner, square).item()
            variance = second - size
        else:
            b = (policy * moments.mean).sum(1, keepdim=True) * (self.config.baseline == "value")
            about = own - 2 * b * moments.mean + b.square()  # E[(Q-hat - b)^2]
            second = torch.einsum("s,sa,sab,sa->", rho, policy, score.square(), about).item()
            variance = (second - size) / point
        return [
            {
                "step": point,
                "variance": variance / size,
                "difference_variance": difference_variance(rho, moments, square),
            }
        ]


def visitation(process: dp.Process, policy: Tensor) -> Tensor:
    """[S], sums to 1: the discounted visitation of section 3.2 times 1 - gamma."""
    move = torch.einsum("sa,sax->sx", policy, process.move)
    rho: Tensor = torch.linalg.solve(torch.eye(STATES, dtype=move.dtype) - GAMMA * move.T, process.start)
    return (1 - GAMMA) * rho


def moments_of(process: dp.Process, policy: Tensor) -> Moments:
    """By recursion over the steps that are left. Two rollouts in one state with one action stay together."""
    r = process.reward
    S, A = r.shape
    states = overlap(process.move.reshape(S * A, S)).view(S, A, S, A, S, S)
    actions = overlap(policy)  # [S, S, A, A]
    mean, product = r, r[:, :, None, None] * r
    for _ in range(ROLLOUT - 1):
        ahead = GAMMA * process.move @ (policy * mean).sum(1)  # [S, A]
        both = torch.einsum("xyab,xayb->xy", actions, product)
        cross = r[:, :, None, None] * ahead + ahead[:, :, None, None] * r
        product = r[:, :, None, None] * r + cross + GAMMA**2 * torch.einsum("satcxy,xy->satc", states, both)
        mean = r + ahead
    return Moments(mean, product)


def overlap(p: Tensor) -> Tensor:
    """Joint probabilities [M, M, K, K] of two rows of p [M, K] whose outcomes one uniform number chooses, in order."""
    top = p.cumsum(1)
    top[:, -1] = 1
    low = torch.cat([torch.zeros_like(top[:, :1]), top[:, :-1]], 1)
    ends = torch.minimum(top[:, None, :, None], top[None, :, None])
    starts = torch.maximum(low[:, None, :, None], low[None, :, None])
    return (ends - starts).clamp_min(0)


def difference_variance(rho: Tensor, moments: Moments, square: Tensor) -> float:
    """Mean over states and pairs of actions of Var[Q-hat(s, a) - Q-hat(s, a')], over that of (Q(s, a) - Q(s, a'))^2."""
    own = square.diagonal(dim1=1, dim2=2)
    second = own[:, :, None] + own[:, None] - 2 * square
    apart = (moments.mean[:, :, None] - moments.mean[:, None]).square()
    variance, size = (torch.einsum("s,sac->", rho, x).item() for x in (second - apart, apart))
    return variance / size


def make(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Limits, device: str) -> Vine:
    """The learner of a block; the task is not looked at. limits: `most_actions`, the largest K."""
    return Vine(Config(**config), seeds, int(limits["most_actions"]))


def estimated_work(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Mapping[str, Any]) -> float:
    """Products of the recursions."""
    return len(seeds) * ROLLOUT * sum((STATES**2 * K) ** 2 for K in range(2, int(limits["most_actions"]) + 1))
