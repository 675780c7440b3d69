"""Second derivatives of an expected cost by surrogate losses, Schulman 2016, section 5.3.3. Nothing is trained.

| graph | what it is |
|---|---|
| bernoulli | x ~ Bernoulli(sigmoid theta), cost (x - .45)^2 |
| normal | x ~ N(m, exp(2 l)), cost x^2, theta = (m, l) |
| mdp | two steps: a1, a2 ~ Bernoulli(sigmoid theta), costs .3 a1 and -a1 a2 |
| chain | motif 5 of Figure 11: x1 ~ N(.7 theta, 1), x2 ~ N(theta x1, 1), costs x1^2 and x2^2 |

A seed draws its theta within .2 of (1; 1 and 0; .4; .9). A loss of n samples is differentiated twice. `bias` needs no
samples: it is the distance of the expected second derivative, over all outcomes, from the exact Hessian.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Normal

from svgbench import scg
from svgbench.learners.limits import SampleLimits as Limits
from svgbench.learners.study import GridStudy
from svgbench.nn.streams import Streams
from svgbench.ranges import Range

VERSION = 1

SMALLEST = 100  # samples
CHUNK = 20_000  # samples drawn at once
POINTS = 10  # Gauss-Hermite points a node: exact for the polynomials here
CENTRE = {"bernoulli": (1.0,), "normal": (1.0, 0.0), "mdp": (0.4,), "chain": (0.9,)}
REACH = 0.2  # of a seed's theta around the centre


@dataclass(frozen=True)
class Config:
    graph: Literal["bernoulli", "normal", "mdp", "chain"] = "bernoulli"
    loss: Literal["log", "ratio", "dice"] = "dice"  # Corollary 1, its form with p / p-hat, or of any order
    baseline: Literal["none", "first-order", "second-order"] = "none"  # of dice; the constants best for the gradient
    factor: Annotated[int, Range(2)] = 10  # between two numbers of samples


RULES = {"baseline == 'none' or loss == 'dice'": "the second derivatives of the others are not estimates"}


def build(name: str) -> scg.Graph:
    """One of the table's graphs, with one input `theta` [P]."""
    graph = scg.Graph()
    theta = graph.input("theta")
    if name == "bernoulli":
        x = graph.stochastic("x", lambda t: Bernoulli(logits=t[0]), theta)
        graph.cost("f", lambda x: (x - 0.45) ** 2, x)
    elif name == "normal":
        x = graph.stochastic("x", lambda t: Normal(t[0], t[1].exp()), theta)
        graph.cost("f", torch.square, x)
    elif name == "mdp":
        a1 = graph.stochastic("a1", lambda t: Bernoulli(logits=t[0]), theta)
        a2 = graph.stochastic("a2", lambda t, a: Bernoulli(logits=t[0].expand_as(a)), theta, a1)
        graph.cost("c1", lambda a: 0.3 * a, a1)
        graph.cost("c2", lambda a, b: -a * b, a1, a2)
    else:
        x1 = graph.stochastic("x1", lambda t: Normal(0.7 * t[0], torch.ones_like(t[0])), theta)
        x2 = graph.stochastic("x2", lambda t, x: Normal(t[0] * x, torch.ones_like(x)), theta, x1)
        graph.cost("f1", torch.square, x1)
        graph.cost("f2", torch.square, x2)
    return graph


def second_derivatives(run: scg.Run, loss: Tensor) -> Tensor:
    """[P, P] of the loss's expectation, a loss for each sample [n]."""
    theta = run["theta"]
    (slope,) = torch.autograd.grad(run.expectation(loss), theta, create_graph=True)
    if not slope.requires_grad:
        return torch.zeros(len(theta), len(theta), dtype=theta.dtype)
    rows = [torch.autograd.grad(s, theta, retain_graph=True)[0] for s in slope]
    return torch.stack(rows)


def points(largest: int, factor: int) -> list[int]:
    """Numbers of samples: `SMALLEST`, times the factor again and again, and the largest."""
    found, n = [], SMALLEST
    while n < largest:
        found.append(n)
        n *= factor
    return [*found, largest]


class Hessians(GridStudy[int]):
    """Points are numbers of samples."""

    def __init__(self, config: Config, seeds: Sequence[int], samples: int) -> None:
        ns = points(samples, config.factor)
        super().__init__(seeds, ns, ns)
        self.config = config
        self.graph = build(config.graph)
        offsets = Streams(seeds, "theta").uniform(len(CENTRE[config.graph]), -REACH, REACH, torch.float64)
        centre = torch.tensor(CENTRE[config.graph], dtype=torch.float64)
        self.thetas = {seed: centre + offset for seed, offset in zip(seeds, offsets, strict=True)}

    def loss(self, run: scg.Run, best: scg.Constant) -> Tensor:
        """[n]"""
        if self.config.baseline == "none":
            return scg.surrogate(run, self.config.loss)
        return scg.surrogate(run, "dice", best, 1 if self.config.baseline == "first-order" else 2)

    def measure(self, seed: int, draws: int, point: int) -> list[dict[str, Any]]:
        inputs = {"theta": self.thetas[seed].clone().requires_grad_()}
        exact = scg.exact(self.graph, inputs, POINTS)
        truth = exact.hessian("theta")
        best = scg.Constant(scg.optimal(exact.run, "theta").numbers)
        scale = truth.norm().item()
        expected = second_derivatives(exact.run, self.loss(exact.run, best))
        found = torch.zeros_like(truth)
        with scg.seeds(draws):
            for start in range(0, point, CHUNK):
                n = min(CHUNK, point - start)
                run = scg.sample(self.graph, inputs, n)
                found += second_derivatives(run, self.loss(run, best)) * (n / point)
        return [
            {
                "step": point,
                "estimate": found.sum().item(),
                "exact": truth.sum().item(),
                "error": (found - truth).norm().item() / scale,
                "bias": (expected - truth).norm().item() / scale,
            }
        ]


def make(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Limits, device: str) -> Hessians:
    """The learner of a block; the task is not looked at. limits: `samples`, the largest n, at least 1."""
    return Hessians(Config(**config), seeds, int(limits["samples"]))


def estimated_work(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Mapping[str, Any]) -> float:
    """Samples of a block, of all points."""
    return len(seeds) * sum(points(int(limits["samples"]), config["factor"]))
