"""Policy gradients on small decision processes as graphs: Schulman 2016, section 5.10.2, eq. (44), Figure 14 (left).

    s_1, a_1, s_2, ..., a_T        a_t ~ pi_theta(a_t | s_t)        s_(t+1) ~ p_E(s_(t+1) | s_t, a_t)

A seed has a process of its own: transitions are the softmax of twice a normal number, rewards are uniform in [0, 1].
pi is a softmax over a table of S x A numbers. The costs are -r(s_t, a_t). The graph says that p_E has no derivative;
the actions block every path to it, so none is needed. The expected return of a policy, its gradient and the best
return are exact, by dynamic programming.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.distributions import Categorical

from svgbench import scg
from svgbench.baselines.scg._training import DTYPE, Trainee, Training, chosen, error, variances
from svgbench.learners.limits import IterationLimits as Limits
from svgbench.nn.streams import Streams
from svgbench.ranges import Count, Positive

VERSION = 1

SAMPLES = 20_000  # paths on which an estimator is judged


@dataclass(frozen=True)
class Config:
    baseline: Literal["none", "running", "learned", "value"] = "learned"  # b_t(s_t): a table; or V_t(s_t), exact
    states: Count = 3
    actions: Count = 2
    horizon: Count = 5  # T
    batch: Count = 16  # paths
    lr: Positive = 0.05  # Adam, of the policy and of a learned baseline


@dataclass(frozen=True)
class FiniteProcess:
    """A finite decision process; the first state is uniform."""

    transition: Tensor  # [S, A, S]
    reward: Tensor  # [S, A]
    horizon: int

    def values(self, policy: Tensor) -> Tensor:
        """V_t(s) [T, S] of a policy [S, A], the probabilities of actions; with its gradient."""
        value, found = self.reward.new_zeros(len(self.reward)), []
        for _ in range(self.horizon):
            value = (policy * (self.reward + self.transition @ value)).sum(1)
            found.append(value)
        return torch.stack(found[::-1])

    def best(self) -> float:
        """The largest expected return of any policy."""
        value = self.reward.new_zeros(len(self.reward))
        for _ in range(self.horizon):
            value = (self.reward + self.transition @ value).amax(1)
        return value.mean().item()


def random_process(seed: int, states: int, actions: int, horizon: int) -> FiniteProcess:
    streams = Streams([seed], "process")
    logits = 2 * streams.normal((states, actions, states), DTYPE)[0]
    return FiniteProcess(logits.softmax(-1), streams.uniform((states, actions), dtype=DTYPE)[0], horizon)


def build(process: FiniteProcess) -> tuple[scg.Graph, list[scg.Node], list[scg.Node]]:
    """The graph of Figure 14 (left), its states and its actions. Its input: theta, [1, S, A]."""
    graph = scg.Graph()
    theta = graph.input("theta")
    uniform = torch.full_like(process.reward[:, 0], 1 / len(process.reward))
    s = graph.stochastic("s1", lambda: Categorical(uniform))
    states, actions = [], []
    for t in range(1, process.horizon + 1):
        a = graph.stochastic(f"a{t}", _acts, theta, s)
        graph.cost(f"-r{t}", partial(_cost, process.reward), s, a, smooth=False)
        states.append(s)
        actions.append(a)
        if t < process.horizon:
            s = graph.stochastic(f"s{t + 1}", partial(_moves, process.transition), s, a, smooth=False)
    return graph, states, actions


def _acts(theta: Tensor, s: Tensor) -> Categorical:
    return Categorical(logits=theta[0, s], validate_args=False)


def _moves(transition: Tensor, s: Tensor, a: Tensor) -> Categorical:
    return Categorical(transition[s, a], validate_args=False)


def _cost(reward: Tensor, s: Tensor, a: Tensor) -> Tensor:
    return -reward[s, a]


class Mdp(Trainee):
    """One seed."""

    def __init__(self, config: Config, seed: int) -> None:
        self.config = config
        self.process = random_process(seed, config.states, config.actions, config.horizon)
        self.graph, self.states, self.actions = build(self.process)
        self.theta = nn.Parameter(Streams([seed], "init").normal((config.states, config.actions), DTYPE))
        self.table = nn.Parameter(torch.zeros(1, config.horizon, config.states, dtype=DTYPE))
        at = self._value if config.baseline == "value" else self._guess
        kind = "learned" if config.baseline == "value" else config.baseline
        pairs = enumerate(zip(self.actions, self.states, strict=True))
        baseline = chosen(kind, self.graph, {a: (partial(at, t), [s]) for t, (a, s) in pairs})
        super().__init__(seed, baseline, [self.theta, self.table], config.lr)
        self.best = self.process.best()
        self.scale = self.exact_gradient().norm().item()

    def _guess(self, t: int, s: Tensor) -> Tensor:
        """b_t(s_t) [n] of the costs that are left."""
        return self.table[0, t, s]

    def _value(self, t: int, s: Tensor) -> Tensor:
        """-V_t(s_t) [n] of the policy of now."""
        with torch.no_grad():
            return -self.process.values(self.theta[0].softmax(-1))[t, s]

    def draw(self) -> scg.Run:
        return self.drawn(self.config.batch)

    def drawn(self, n: int) -> scg.Run:
        return scg.sample(self.graph, {"theta": self.theta}, n)

    def expected_return(self) -> Tensor:
        return self.process.values(self.theta[0].softmax(-1))[0].mean()

    def exact_gradient(self) -> Tensor:
        """Of the expected cost, flat."""
        return -torch.autograd.grad(self.expected_return(), self.theta)[0].flatten()

    def evaluate(self) -> dict[str, float]:
        run = self.drawn(SAMPLES)
        value = self.expected_return().item()
        return {
            "expected_return": value,
            "regret": self.best - value,
            "error": error(run, "theta", self.baseline, self.exact_gradient()) / self.scale,
            **variances(run, "theta", self.baseline, SAMPLES),
        }


def make(config: Mapping[str, Any], task: Any, seeds: Sequence[int], limits: Limits, device: str) -> Training:
    """The learner of a block; the task is not looked at. limits: `iterations`, each a batch and a step."""
    settings = Config(**config)
    return Training([Mdp(settings, seed) for seed in seeds], int(limits["iterations"]))


def estimated_work(config: Mapping[str, Any], task: Any, seeds: Sequence[int], limits: Mapping[str, Any]) -> float:
    """Actions of all batches, each a node."""
    return len(seeds) * int(limits["iterations"]) * int(config["horizon"])
