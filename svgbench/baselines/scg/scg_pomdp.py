"""Policy gradients where the state is hidden, as graphs: Schulman 2016, section 5.10.2, eq. (45), Figure 14 (right).

    a_t ~ pi_theta(a_t | o_1 ... o_t)        o_t ~ p_E(o_t | s_t)        s_(t+1) ~ p_E(s_(t+1) | s_t, a_t)

The task is ours: to remember a cue on a walk. The state is a cue, a fair coin that stays, and whether the walk goes on.
o_1 shows the cue, wrong with probability .05; o_2 to o_T are fair coins. At t < T the action must repeat o_t: a wrong
one ends the walk with probability 1/2, and a step that does not end it is worth .1. At T the action is worth 1 if it is
the cue and the walk still goes on, which is not observed. So the best return is .95 + .1 (T - 1) with a memory of o_1,
and .5 + .1 (T - 1) without.

The policy is a GRU that reads o_t, whether t is 1, and whether it is T. Without memory its state is set to zero at each
t. The expected return and its gradient are exact: a sum over the cue and all observations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli

from svgbench import scg
from svgbench.baselines.scg._training import DTYPE, BaselineKind, Trainee, Training, chosen, error, variances
from svgbench.learners.limits import IterationLimits as Limits
from svgbench.nn.layers import Linear
from svgbench.nn.recurrent import GRU
from svgbench.nn.streams import Streams
from svgbench.ranges import Count, Positive, Range
from svgbench.scg.autodiff import flat_slope

VERSION = 1

WRONG_CUE = 0.05
SURVIVES = 0.5  # a wrong step
STEP_WORTH = 0.1
SAMPLES = 8000  # paths from which the error of an estimator is measured
PATHS = 128  # from which its variance is measured


@dataclass(frozen=True)
class Config:
    baseline: BaselineKind = "learned"  # b_t(o_1 ... o_t): a GRU of its own
    memory: bool = True
    horizon: Annotated[int, Range(2)] = 5  # T
    hidden: Count = 8  # units of each GRU
    batch: Count = 64  # paths
    lr: Positive = 0.01  # Adam, of the policy and of a learned baseline


class Reader(nn.Module):
    """A number for each time, from the observations up to it: the logit of an action, or a baseline."""

    def __init__(self, streams: Streams, hidden: int, horizon: int, memory: bool) -> None:
        super().__init__()
        self.horizon, self.memory = horizon, memory
        self.gru = GRU(streams, 3, hidden, layers=1, dtype=DTYPE)
        self.head = Linear(streams, hidden, 1, dtype=DTYPE)

    def step(self, t: int, o: Tensor, h: Tensor | None) -> Tensor:
        """The state [n, hidden] at t, from 1, given the one before."""
        first, last = torch.full_like(o, t == 1), torch.full_like(o, t == self.horizon)
        x = torch.stack([2 * o - 1, first, last], -1)
        before = [h[None]] if self.memory and h is not None else None
        return self.gru(x[None], before)[0][0]

    def out(self, h: Tensor) -> Tensor:
        """[n]"""
        out: Tensor = self.head(h[None])[0, :, 0]
        return out

    def read(self, *o: Tensor) -> list[Tensor]:
        """The numbers [n] at each time, of observations o_1 ... [n]."""
        h, found = None, []
        for t, one in enumerate(o, 1):
            h = self.step(t, one, h)
            found.append(self.out(h))
        return found


@dataclass(frozen=True)
class PomdpGraph:
    """The graph of Figure 14 (right). Its input: theta, a `Reader`."""

    graph: scg.Graph
    actions: tuple[scg.Node, ...]
    observations: tuple[scg.Node, ...]


def build(horizon: int) -> PomdpGraph:
    graph = scg.Graph()
    theta = graph.input("theta")
    cue = graph.stochastic("cue", lambda: Bernoulli(torch.tensor(0.5, dtype=DTYPE)))
    goes_on = h = None
    actions, observations = [], []
    for t in range(1, horizon + 1):
        o = graph.stochastic(f"o{t}", _shows if t == 1 else _distracts, cue)
        h = graph.deterministic(f"h{t}", partial(_step, t), theta, o, *([] if h is None else [h]))
        a = graph.stochastic(f"a{t}", _acts, theta, h)
        before: list[scg.Node] = [] if goes_on is None else [goes_on]
        if t < horizon:
            goes_on = graph.stochastic(f"on{t + 1}", _walks, o, a, *before, smooth=False)
            graph.cost(f"-r{t}", lambda on: -STEP_WORTH * on, goes_on, smooth=False)
        else:
            graph.cost(f"-r{t}", lambda cue, a, on: -on * (a == cue), cue, a, *before, smooth=False)
        actions.append(a)
        observations.append(o)
    return PomdpGraph(graph, tuple(actions), tuple(observations))


def _shows(cue: Tensor) -> Bernoulli:
    return Bernoulli(WRONG_CUE + (1 - 2 * WRONG_CUE) * cue, validate_args=False)


def _distracts(cue: Tensor) -> Bernoulli:
    return Bernoulli(torch.full_like(cue, 0.5), validate_args=False)


def _step(t: int, theta: Reader, o: Tensor, h: Tensor | None = None) -> Tensor:
    return theta.step(t, o, h)


def _acts(theta: Reader, h: Tensor) -> Bernoulli:
    return Bernoulli(logits=theta.out(h), validate_args=False)


def _walks(o: Tensor, a: Tensor, on: Tensor | None = None) -> Bernoulli:
    survives = torch.where(a == o, 1.0, SURVIVES).to(o)
    return Bernoulli(survives if on is None else on * survives, validate_args=False)


def expected_return(policy: Reader) -> Tensor:
    """Exactly, with its gradient: a sum over the cue and the observations; the other actions need only be right."""
    T = policy.horizon
    bits = (torch.arange(2 ** (T + 1)).unsqueeze(1) >> torch.arange(T + 1) & 1).to(DTYPE)
    cue, o = bits[:, 0], bits[:, 1:].unbind(1)
    weight = _shows(cue).log_prob(o[0]).exp() * 0.5**T  # of the cue, o_1, and o_2 to o_T
    on = torch.ones_like(cue)
    total = torch.zeros_like(cue)
    for t, (bit, logit) in enumerate(zip(o, policy.read(*o), strict=True), 1):
        right = torch.sigmoid(torch.where((bit if t < T else cue) > 0, logit, -logit))
        if t < T:
            on = on * (SURVIVES + (1 - SURVIVES) * right)
            total = total + STEP_WORTH * on
        else:
            total = total + on * right
    return (weight * total).sum()


class Pomdp(Trainee):
    """One seed."""

    def __init__(self, config: Config, seed: int) -> None:
        self.config = config
        streams = Streams([seed], "init")
        self.policy = Reader(streams, config.hidden, config.horizon, config.memory)
        self.guesser = Reader(streams, config.hidden, config.horizon, True)
        self.model = build(config.horizon)
        pairs = enumerate(self.model.actions, 1)
        learned = {a: (self._guess, self.model.observations[:t]) for t, a in pairs}
        baseline = chosen(config.baseline, self.model.graph, learned)
        modules = [self.policy, *([self.guesser] if config.baseline == "learned" else [])]
        super().__init__(seed, baseline, [p for module in modules for p in module.parameters()], config.lr)
        self.scale = self.exact_gradient().norm().item()

    def _guess(self, *o: Tensor) -> Tensor:
        """b_t(o_1 ... o_t) [n]"""
        return self.guesser.read(*o)[-1]

    def draw(self) -> scg.Run:
        return self.drawn(self.config.batch)

    def drawn(self, n: int) -> scg.Run:
        return scg.sample(self.model.graph, {"theta": self.policy}, n)

    def exact_gradient(self) -> Tensor:
        """Of the expected cost, flat."""
        return flat_slope(-expected_return(self.policy), self.policy)

    def evaluate(self) -> dict[str, float]:
        with torch.no_grad():
            value = expected_return(self.policy).item()
        many, few = self.drawn(SAMPLES), self.drawn(PATHS)
        return {
            "expected_return": value,
            "regret": 1 - WRONG_CUE + STEP_WORTH * (self.config.horizon - 1) - value,
            "error": error(many, "theta", self.baseline, self.exact_gradient()) / self.scale,
            **variances(few, "theta", self.baseline, PATHS),
        }


def make(config: Mapping[str, Any], task: Any, seeds: Sequence[int], limits: Limits, device: str) -> Training:
    """The learner of a block; the task is not looked at. limits: `iterations`, each a batch and a step."""
    settings = Config(**config)
    return Training([Pomdp(settings, seed) for seed in seeds], int(limits["iterations"]))


def estimated_work(config: Mapping[str, Any], task: Any, seeds: Sequence[int], limits: Mapping[str, Any]) -> float:
    """Actions of all batches, each with a step of a GRU."""
    return len(seeds) * int(limits["iterations"]) * int(config["horizon"])
