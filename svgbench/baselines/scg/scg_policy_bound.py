"""The policy improvement bound, Schulman 2016, section 3.3 and its proofs in 3.10 and 3.11. Computed exactly.

For an old and a new policy, eta is the discounted return and L eq. (5). A lower bound on eta(new) is L(new) minus

| `bound` | penalty | source |
|---|---|---|
| mixture | 2 gamma e a^2 / ((1 - gamma (1 - a)) (1 - gamma)), e = max_s of the size of E_(a ~ other)[A] | eq. (8) |
| expected | 2 gamma e a^2 / (1 - gamma)^2, e = max_s of the size of E_(a ~ new)[A] | Proposition 1, eq. (9) |
| largest | the same with e = max over s and a of the size of A | Proposition 1 with Algorithm 3's epsilon' |
| corrected | twice that of `largest` | Theorem 1 of the authors' paper |
| divergence | 2 gamma e KL / (1 - gamma)^2, e as in `largest` | eq. (11) |
| perturbation | as `expected`, e = min_s of the ratio of eq. (20) | Proposition 1a |
| perturbation-corrected | 4 gamma e a^2 / (1 - gamma)^2, e = max_s of the size of that ratio | its proof, 2's kept |

where a is the largest total variation distance in a state, or for `mixture` the weight of the other policy, and KL the
largest divergence KL(old || new) in a state. New policies have a = .003 ... .3 exactly. Problems are random processes
of four states and three actions, or one that is made against the bound: under the old policy it stays in its first
state for ever, and a new action leaves for good to a state where the new policy is bad.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypedDict

import torch
from torch import Tensor

from svgbench.baselines.scg import _decision_process as dp
from svgbench.learners.study import GridStudy
from svgbench.nn.streams import Streams
from svgbench.ranges import Count

VERSION = 1

STATES, ACTIONS, GAMMA = 4, 3, 0.9
DISTANCES = (0.003, 0.01, 0.03, 0.1, 0.3)
"""The largest is below what any new policy of `random_problem` can have: one of two actions gets more than half."""


class Limits(TypedDict):
    problems: Count  # decision processes with two policies, a seed


@dataclass(frozen=True)
class Config:
    problem: Literal["random", "made"] = "random"
    bound: Literal[
        "mixture", "expected", "largest", "corrected", "divergence", "perturbation", "perturbation-corrected"
    ] = "expected"


class Problem(NamedTuple):
    """A process, the old policy [S, A], and another one; the new policy has a weight [S] of the other in each state."""

    process: dp.Process
    old: Tensor
    other: Tensor
    weight: Tensor


class PolicyBound(GridStudy[float]):
    """Points are distances a."""

    def __init__(self, config: Config, seeds: Sequence[int], problems: int) -> None:
        super().__init__(seeds, DISTANCES, [problems] * len(DISTANCES))
        self.config, self.problems = config, problems

    def measure(self, seed: int, draws: int, point: float) -> list[dict[str, Any]]:
        stream = Streams([seed], "process")
        make_one = random_problem if self.config.problem == "random" else made_problem
        slack = [self.slack(make_one(stream), point) for _ in range(self.problems)]
        broken = sum(s < -1e-9 for s in slack) / len(slack)
        return [{"step": self.problems, "distance": point, "slack": min(slack), "broken": broken}]

    def slack(self, problem: Problem, distance: float) -> float:
        """(eta(new) - L(new) + penalty) over the size of the penalty: below 0 the bound is broken."""
        process, old, other, weight = problem
        mixture = old + distance * (other - old)  # eq. (7)
        new = mixture if self.config.bound == "mixture" else moved(old, other, weight, distance)
        V, Q, rho = evaluated(process, old)
        L = process.start @ V + rho @ (new * (Q - V[:, None])).sum(1)  # eq. (5)
        eta = process.start @ evaluated(process, new)[0]
        penalty = self.penalty(problem, new, Q - V[:, None], distance)
        return (eta - L + penalty).item() / abs(penalty)

    def penalty(self, problem: Problem, new: Tensor, A: Tensor, a: float) -> float:
        """What is taken from L. Proposition 1a as printed can give a negative one."""
        old, how, each = problem.old, self.config.bound, 2 * GAMMA / (1 - GAMMA) ** 2
        if how == "mixture":
            e = (problem.other * A).sum(1).abs().max().item()
            return 2 * GAMMA * e * a**2 / ((1 - GAMMA * (1 - a)) * (1 - GAMMA))
        if how == "expected":
            return each * a**2 * (new * A).sum(1).abs().max().item()
        largest = A.abs().max().item()
        if how == "divergence":
            return each * largest * divergence(old, new)
        if how in ("largest", "corrected"):
            return each * a**2 * largest * (2 if how == "corrected" else 1)
        ratio = ((new - old) * A).sum(1) / (new - old).abs().sum(1)  # eq. (20); A and Q differ by what sums to 0
        return each * a**2 * (ratio.min().item() if how == "perturbation" else 2 * ratio.abs().max().item())


def random_problem(stream: Streams) -> Problem:
    """The other policy takes one action in each state, one of the two that the old policy takes least."""
    process = dp.random_process(stream, STATES, ACTIONS)
    old = stream.normal((STATES, ACTIONS), torch.float64)[0].softmax(-1)
    rank = stream.integers(STATES, 2)[0]
    other = torch.eye(ACTIONS, dtype=torch.float64)[old.argsort(1)[torch.arange(STATES), rank]]
    return Problem(process, old, other, stream.uniform(STATES, 0.1, 1.0, torch.float64)[0])


def made_problem(stream: Streams) -> Problem:
    """A seed draws the unit of the reward, and how often the second state is the first one, up to .1."""
    unit, second = (stream.uniform(1, low, high, torch.float64)[0] for low, high in ((0.5, 2), (0, 0.1)))
    move = torch.zeros(2, 2, 2, dtype=torch.float64)
    move[0, 0, 0] = move[0, 1, 1] = move[1, :, 1] = 1
    reward = unit * torch.tensor([[0.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
    old = torch.tensor([[1.0, 0.0], [0.5, 0.5]], dtype=torch.float64)
    other = torch.tensor([[0.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
    return Problem(
        dp.Process(torch.cat([1 - second, second]), move, reward), old, other, torch.tensor([0.5, 1.0]).double()
    )


def moved(old: Tensor, other: Tensor, weight: Tensor, distance: float) -> Tensor:
    """The policy between the two whose largest total variation distance from `old` is `distance`."""
    apart = 0.5 * (other - old).abs().sum(1)
    return old + (distance / (weight * apart).max() * weight)[:, None] * (other - old)


def evaluated(process: dp.Process, policy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """V [S], Q [S, A] and the visitation rho [S] of section 3.2, which sums to 1 / (1 - gamma)."""
    move = torch.einsum("sa,sax->sx", policy, process.move)
    system = torch.eye(len(move), dtype=move.dtype) - GAMMA * move
    V = torch.linalg.solve(system, (policy * process.reward).sum(1))
    return V, process.reward + GAMMA * process.move @ V, torch.linalg.solve(system.T, process.start)


def divergence(old: Tensor, new: Tensor) -> float:
    """The largest KL(old || new) of a state, nats."""
    return torch.xlogy(old, old / new.clamp_min(1e-300)).sum(1).max().item()


def make(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Limits, device: str) -> PolicyBound:
    """The learner of a block; the task is not looked at. limits: `problems` of a seed, at each distance."""
    return PolicyBound(Config(**config), seeds, int(limits["problems"]))


def estimated_work(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Mapping[str, Any]) -> float:
    """Problems of a block."""
    return len(seeds) * len(DISTANCES) * int(limits["problems"])
