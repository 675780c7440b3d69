"""The surrogate as an upper bound, and majorisation-minimisation: Schulman 2016, section 5.9. Computed exactly.

A graph of three Bernoulli nodes, each with a logit that is a parameter plus weights times the nodes above it; two
costs, tables over their outcomes, below zero. A seed draws the weights, the tables and the first parameters theta_0.
Iteration k lowers eq. (41) at theta_k by gradient steps with step halving, which gives theta_(k+1). All expectations
are sums over the eight outcomes, so nothing is sampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Bernoulli

from svgbench import scg
from svgbench.learners.limits import IterationLimits as Limits
from svgbench.learners.study import GridStudy
from svgbench.nn.streams import Streams
from svgbench.ranges import Count

VERSION = 1

OFFSETS = (-4.0, -2.0, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
"""How far along a random unit direction from theta_k the bound is compared with the objective."""
HALVINGS = 30  # of a step, at most; the step is then smaller than a parameter's rounding


@dataclass(frozen=True)
class Config:
    inner_steps: Count = 10  # gradient steps on the bound in an iteration


def bernoulli(logit: Tensor) -> Bernoulli:
    return Bernoulli(logits=logit)


def build(numbers: Tensor) -> scg.Graph:
    """numbers [3 + 4 + 4], normal: weights of the edges, and two tables whose costs are -|number| - .1."""
    graph = scg.Graph()
    theta = graph.input("theta")
    w = numbers.tolist()
    tables = -numbers[3:].abs() - 0.1
    first, second = tables[:4], tables[4:]
    a = graph.stochastic("a", lambda t: bernoulli(t[0]), theta)
    b = graph.stochastic("b", lambda t, a: bernoulli(t[1] + w[0] * a), theta, a)
    c = graph.stochastic("c", lambda t, a, b: bernoulli(t[2] + w[1] * a + w[2] * b), theta, a, b)
    graph.cost("early", lambda a, b: first[(2 * a + b).long()], a, b, smooth=False)
    graph.cost("late", lambda b, c: second[(2 * b + c).long()], b, c, smooth=False)
    return graph


class UpperBound(GridStudy[int]):
    """A point is a whole minimisation."""

    def __init__(self, config: Config, seeds: Sequence[int], iterations: int) -> None:
        super().__init__(seeds, [0], [iterations])
        self.config, self.iterations = config, iterations

    def measure(self, seed: int, draws: int, point: int) -> list[dict[str, Any]]:
        stream = Streams([seed], "graph")
        graph = build(stream.normal(11, torch.float64)[0])
        theta = stream.normal(3, torch.float64)[0]
        directions = stream.normal((self.iterations + 1, 3), torch.float64)[0]
        rows = []
        start = before = None
        for k, direction in enumerate(directions):
            exact = scg.exact(graph, {"theta": theta.requires_grad_()})
            value = exact.objective.item()
            start = value if start is None else start
            slope = self.slope(exact, theta)[1]
            shared = {
                "value": value,
                "change": 0.0 if before is None else value - before,
                "gain": start - value,
                "slope_gap": (slope - exact.gradient("theta")).abs().max().item(),
            }
            for offset in OFFSETS:
                new = (theta + offset * direction / direction.norm()).detach()
                bound = scg.bound(exact.run, {"theta": new}).item()
                objective = scg.exact(graph, {"theta": new}).objective.item()
                row = {"offset": offset, "bound": bound, "objective": objective, "gap": bound - objective}
                rows.append({"step": k, **row, **shared})
            before = value
            theta = self.lower(exact, theta)
        return rows

    def lower(self, exact: scg.Exact, theta: Tensor) -> Tensor:
        """theta_(k+1): the bound at it is at most that at theta."""
        theta = theta.detach()
        for _ in range(self.config.inner_steps):
            value, slope = self.slope(exact, theta)
            for halving in range(HALVINGS):
                tried = theta - 4.0 * 0.5**halving * slope
                if scg.bound(exact.run, {"theta": tried}).item() < value:
                    theta = tried
                    break
            else:
                return theta
        return theta

    def slope(self, exact: scg.Exact, theta: Tensor) -> tuple[float, Tensor]:
        """Eq. (41) at new parameters, and its gradient."""
        new = theta.detach().requires_grad_()
        bound = scg.bound(exact.run, {"theta": new})
        return bound.item(), torch.autograd.grad(bound, new)[0]


def make(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Limits, device: str) -> UpperBound:
    """The learner of a block; the task is not looked at. limits: `iterations` of majorisation-minimisation."""
    return UpperBound(Config(**config), seeds, int(limits["iterations"]))


def estimated_work(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Mapping[str, Any]) -> float:
    """Evaluations of a graph."""
    return len(seeds) * int(limits["iterations"]) * (len(OFFSETS) + 2 * config["inner_steps"])
