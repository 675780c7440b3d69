"""The five motifs of Figure 11, Schulman 2016, with the gradient estimators of chapter 5. Nothing is trained.

| motif | graph | d E[costs] / d theta |
|---|---|---|
| 1 | x = theta^2, y ~ N(x, 1), f = y^2; theta = .8 | 4 theta^3 |
| 2 | x ~ N(theta, 1), y = 1[x > 0], f = y; theta = .5 | the normal density at theta |
| 3 | x ~ Bernoulli(sigmoid theta), y ~ N(2x - 1, 1), f = y^3; theta = .3 | 8 sigmoid'(theta) |
| 4 | x ~ N(theta, 1), y = theta^2, f = xy; theta = .8 | 3 theta^2 |
| 5 | x1 ~ N(theta x0, 1), x2 ~ N(theta x1, 1), f1 = x1^2, f2 = x2^2; theta = .9 | 2 theta (x0^2 (1 + 2 theta^2) + 1) |

x0 is .7. The laws and functions are ours: the figure leaves them open. At n = 100, 1000, ... samples, drawn anew for
each n, a row says how far the mean of n one-sample estimates is from the exact gradient, the variance of one such
estimate, and how much it differs from eq. (38) on the same sample. Estimators share a seed's samples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Normal

from svgbench import scg
from svgbench.learners.limits import SampleLimits as Limits
from svgbench.learners.study import GridStudy
from svgbench.ranges import Count

VERSION = 1

SMALLEST = 100  # samples
CHUNK = 20_000  # samples drawn at once
POINTS = 40  # Gauss-Hermite points of the optimal baseline


@dataclass(frozen=True)
class Config:
    motif: Literal["1", "2", "3", "4", "5"] = "1"  # Figure 11
    estimator: Literal["downstream", "upstream", "algorithm-4", "algorithm-4-printed", "optimal-baseline"] = (
        "downstream"  # eq. (38), eq. (39), Algorithm 4 with Q-hat_v or as printed, eq. (38) with the best constants
    )
    points_per_decade: Count = 1  # of the axis of n


@dataclass(frozen=True)
class Motif:
    """A graph, its inputs, and the exact gradient by `theta`."""

    graph: scg.Graph
    inputs: dict[str, Tensor]
    exact: float


def unit_normal(mean: Tensor) -> Normal:
    return Normal(mean, torch.ones_like(mean))


def bernoulli(logit: Tensor) -> Bernoulli:
    return Bernoulli(logits=logit)


def motif(number: str) -> Motif:
    """One of Figure 11, "1" to "5"."""
    graph = scg.Graph()
    theta = graph.input("theta")
    at = {"1": 0.8, "2": 0.5, "3": 0.3, "4": 0.8, "5": 0.9}[number]
    inputs = {"theta": torch.tensor(at, dtype=torch.float64, requires_grad=True)}
    if number == "1":
        x = graph.deterministic("x", torch.square, theta)
        y = graph.stochastic("y", unit_normal, x)
        graph.cost("f", torch.square, y)
        exact = 4 * at**3
    elif number == "2":
        x = graph.stochastic("x", unit_normal, theta)
        y = graph.deterministic("y", lambda x: (x > 0).double(), x, smooth=False)
        graph.cost("f", lambda y: y, y)
        exact = math.exp(-(at**2) / 2) / math.sqrt(2 * math.pi)
    elif number == "3":
        x = graph.stochastic("x", bernoulli, theta)
        y = graph.stochastic("y", lambda x: unit_normal(2 * x - 1), x)
        graph.cost("f", lambda y: y**3, y)
        p = 1 / (1 + math.exp(-at))
        exact = 8 * p * (1 - p)
    elif number == "4":
        x = graph.stochastic("x", unit_normal, theta)
        y = graph.deterministic("y", torch.square, theta)
        graph.cost("f", lambda x, y: x * y, x, y)
        exact = 3 * at**2
    else:
        x0 = graph.input("x0")
        inputs["x0"] = torch.tensor(0.7, dtype=torch.float64)
        x1 = graph.stochastic("x1", lambda t, x: unit_normal(t * x), theta, x0)
        x2 = graph.stochastic("x2", lambda t, x: unit_normal(t * x), theta, x1)
        graph.cost("f1", torch.square, x1)
        graph.cost("f2", torch.square, x2)
        exact = 2 * at * (0.7**2 * (1 + 2 * at**2) + 1)
    return Motif(graph, inputs, exact)


def sizes(largest: int, per_decade: int) -> list[int]:
    """Numbers of samples from `SMALLEST` to the largest, evenly on a logarithmic axis; the largest is the last."""
    steps = range(math.ceil(per_decade * math.log10(max(largest / SMALLEST, 1)) - 1e-9))
    return [*(round(SMALLEST * 10 ** (i / per_decade)) for i in steps), largest]


class Motifs(GridStudy[int]):
    """Points are numbers of samples."""

    def __init__(self, config: Config, seeds: Sequence[int], samples: int) -> None:
        points = sizes(samples, config.points_per_decade)
        super().__init__(seeds, points, points)
        self.config = config
        self.motif = motif(config.motif)
        self.baseline: scg.Constant | None = None
        if config.estimator == "optimal-baseline":
            found = scg.optimal(scg.exact(self.motif.graph, self.motif.inputs, POINTS).run, "theta")
            self.baseline = scg.Constant(found.numbers)  # from all outcomes, so independent of every sample

    def estimates(self, run: scg.Run) -> Tensor:
        """[n]: of each sample one estimate of the gradient."""
        if self.config.estimator == "upstream":
            return scg.gradient(run, "theta", "upstream")
        if self.config.estimator in ("algorithm-4", "algorithm-4-printed"):
            form: Literal["corrected", "printed"] = "corrected" if self.config.estimator == "algorithm-4" else "printed"
            return scg.backward_pass(run, form)[run.graph["theta"]]
        return scg.gradient(run, "theta", baseline=self.baseline)

    def measure(self, seed: int, draws: int, point: int) -> list[dict[str, Any]]:
        exact = self.motif.exact
        total = squares = apart = 0.0
        with scg.seeds(draws):
            for start in range(0, point, CHUNK):
                run = scg.sample(self.motif.graph, self.motif.inputs, min(CHUNK, point - start))
                found = self.estimates(run)
                total += found.sum().item()
                squares += (found - exact).square().sum().item()  # about the exact mean, which loses no digits
                if self.config.estimator != "downstream":
                    apart += (found - scg.gradient(run, "theta")).square().sum().item()
        mean = total / point
        variance = (squares - point * (mean - exact) ** 2) / max(point - 1, 1)
        relative = (mean - exact) / abs(exact)
        row = {
            "estimate": mean,
            "exact": exact,
            "relative_error": relative,
            "error": abs(relative),
            "variance": variance,
            "difference": math.sqrt(apart / point) / abs(exact),
        }
        return [{"step": point, **row}]


def make(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Limits, device: str) -> Motifs:
    """The learner of a block; the task is not looked at. limits: `samples`, the largest n, at least 1."""
    return Motifs(Config(**config), seeds, int(limits["samples"]))


def estimated_work(config: Mapping[str, Any], task: None, seeds: Sequence[int], limits: Mapping[str, Any]) -> float:
    """Samples of a block, of all points."""
    return len(seeds) * sum(sizes(int(limits["samples"]), config["points_per_decade"]))
