"""The variance of the score function and of the pathwise derivative, Schulman 2016, section 5.2.1. Nothing is trained.

| problem | size d | cost | d E[cost] / d theta at theta = 1 |
|---|---|---|---|
| mean | dimension | mean of x_i^2, x ~ N(theta, I_d) | 2 theta |
| sum | dimension | sum of x_i^2, x ~ N(theta, I_d) | 2 theta d |
| wave | frequency | sin(d x), x ~ N(theta, 1) | d cos(d theta) exp(-d^2 / 2) |
| chain | steps | cos(x_d), x_t ~ N(theta + 3 sin x_(t-1), .5^2), x_0 = 0 | unknown |

theta is one number that all components share. The problems are ours. A row has the variance of one one-sample estimate,
from `samples` of them. Estimators of a seed share its noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from torch import Tensor
from torch.distributions import Normal

from svgbench import scg
from svgbench.learners.limits import SampleLimits as Limits
from svgbench.learners.study import GridStudy
from svgbench.ranges import Count, Increasing, Length

VERSION = 1

CHUNK = 1_000_000  # numbers drawn at once
THETA = 1.0
Sizes = Annotated[tuple[Count, ...], Length(1), Increasing()]


@dataclass(frozen=True)
class Config:
    problem: Literal["mean", "sum", "wave", "chain"] = "mean"
    estimator: Literal["score", "path"] = "score"  # at every random variable
    baseline: Literal["none", "mean"] = "none"  # of score: the expected cost, from as many other samples
    sizes: Sizes = (1, 10, 100, 1000)


RULES = {"baseline == 'none' or estimator == 'score'": "only a score function has a baseline"}


def build(problem: str, size: int, estimator: Literal["score", "path"]) -> scg.Graph:
    """One of the table's graphs, with one input `theta`, a number."""
    graph = scg.Graph()
    theta = graph.input("theta")
    if problem == "chain":
        x = graph.stochastic("x1", lambda t: Normal(t, 0.5), theta, estimator=estimator)
        for t in range(2, size + 1):
            x = graph.stochastic(f"x{t}", _step, theta, x, estimator=estimator)
        graph.cost("f", torch.cos, x)
        return graph
    if problem == "wave":
        x = graph.stochastic("x", lambda t: Normal(t, torch.ones_like(t)), theta, estimator=estimator)
        graph.cost("f", lambda x: (size * x).sin(), x)
        return graph
    x = graph.stochastic("x", lambda t: Normal(t.expand(size), 1.0), theta, estimator=estimator)
    costs: dict[str, Callable[[Tensor], Tensor]] = {
        "mean": lambda x: x.square().mean(1),
        "sum": lambda x: x.square().sum(1),
    }
    graph.cost("f", costs[problem], x)
    return graph


def _step(theta: Tensor, x: Tensor) -> Normal:
    return Normal(theta + 3 * x.sin(), 0.5)


class Variances(GridStudy[int]):
    """Points are sizes."""

    def __init__(self, config: Config, seeds: Sequence[int], samples: int) -> None:
        super().__init__(seeds, config.sizes, [samples * size for size in config.sizes])
        self.config, self.samples = config, samples

    def measure(self, seed: int, draws: int, point: int) -> list[dict[str, Any]]:
        graph = build(self.config.problem, point, self.config.estimator)
        inputs = {"theta": torch.tensor(THETA, dtype=torch.float64, requires_grad=True)}
        chunk = max(CHUNK // point, 1)
        parts = [min(chunk, self.samples - start) for start in range(0, self.samples, chunk)]
        baseline: scg.Constant | None = None
        if self.config.baseline == "mean":
            with scg.seeds(draws + 1), torch.no_grad():
                mean = sum(scg.sample(graph, inputs, n)["f"].sum().item() for n in parts) / self.samples
            baseline = scg.Constant({node: mean for node in graph.nodes if node.kind == "stochastic"})
        with scg.seeds(draws):
            found = torch.cat(
                [scg.gradient(scg.sample(graph, inputs, n), "theta", baseline=baseline).detach() for n in parts]
            )
        return [
            {
                "step": self.samples,
                "size": point,
                "estimate": found.mean().item(),
                "standard_error": math.sqrt(found.var().item() / self.samples),
                "variance": found.var().item(),
            }
        ]


def make(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Limits, device: str) -> Variances:
    """The learner of a block; the task is not looked at. limits: `samples` for each size, at least 2."""
    return Variances(Config(**config), seeds, int(limits["samples"]))


def estimated_work(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Mapping[str, Any]) -> float:
    """Numbers drawn by a block."""
    return len(seeds) * int(limits["samples"]) * sum(config["sizes"])
