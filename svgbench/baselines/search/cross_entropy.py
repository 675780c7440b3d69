"""The cross-entropy method with decaying extra noise (Schulman 2016, Algorithm 1; Szita and Lorincz 2006).

    theta_i ~ N(mu, diag(sigma + e^2 z_t)),  i = 1 ... n        sigma: variances; e: `extra_std`
    R_i: the return of one episode under theta_i
    mu, sigma <- mean and variance of the elite, the p % of the theta_i with the largest R_i

Algorithm 1 has no extra noise, z_t = 0. The thesis adds that it is then "prone to reducing the variance too quickly",
and refers to [SL06] for "extra variance, according to a schedule where this added noise decreases to zero": z_t =
max(1 - t / T, 0), t from 0, is the schedule of that paper (its page 4) as the authors' code has it. `extra_std` 0 is
Algorithm 1 itself.

The thesis prints no setting but "e.g. p = 20"; the others are the authors' (SFPD/rlreloaded at 650c64e, throwaway/
yaml/icml-*.yaml). "code" is what their program did with them, control4/optim/cem.py there: its 0.1 for the initial
deviation enters as a variance, and its z_t divides integers (Python 2), so that it is 1 until t = T and 0 from there
on.

Candidates are drawn and act as `_parameter_search` says; all of it runs on the CPU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from svgbench.baselines.search._parameter_search import make_search, search_cost
from svgbench.learners.limits import PATH_RULES
from svgbench.learners.limits import IterationLimits as Limits
from svgbench.nn.streams import Streams
from svgbench.planning.cross_entropy import elite_moments, extra_variance
from svgbench.ranges import Count, Natural, NonNegative, Positive, PositiveShare, Precision, Widths
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 1


@dataclass(frozen=True)
class Config:
    """Sources: A1: Algorithm 1; T2: the thesis's Table 2 (swimmer), of TRPO; "code": as above; else our choice."""

    simulations: Count = 50  # n, parameter vectors of an iteration (T2: paths of a batch)
    elite_fraction: PositiveShare = 0.2  # p / 100 (A1)
    init_std_parameters: Positive = 0.1  # of every parameter (code)
    extra_std: NonNegative = 0.1  # e (code)
    extra_iterations: Natural = 20  # T (code)
    extra_schedule: Literal["linear", "step"] = "linear"  # z_t

    hidden: Widths = (30,)  # units (T2); () is linear (cart-pole)
    activation: Literal["tanh", "softplus"] = "tanh"  # (chapter 3: silent)
    init_std: Positive = 0.5  # of actions under the first mu, in half control ranges (code)
    output_gain: NonNegative = 0.01  # norm of an output's weights in the first mu; hidden ones have 1 (code)
    observation_scaling: Literal["none", "range", "random"] = "none"
    observation_clip: NonNegative = 0.0  # bound of a scaled observation; 0 is none

    path_length: Natural = 0  # steps; 0 is the task's horizon (T2: 1000)
    steps_per_slice: Count = 50  # control steps per slice: noise is drawn by slices, so this is part of the numbers
    dtype: Precision = "float32"


RULES = {**PATH_RULES, "elite_fraction * simulations > 0.5": "at least one sample is of the elite"}
PROFILES = {
    "text": {},
    "code": {
        "simulations": 400,  # swimmer; cart-pole 256, hopper and walker 512
        "elite_fraction": 0.1,
        "init_std_parameters": 0.31622776601683794,  # sqrt(0.1); hopper and walker sqrt(0.01)
        "extra_schedule": "step",  # hopper and walker: extra_std 0.01, extra_iterations 50
        "activation": "softplus",
        "observation_scaling": "random",
    },
}


class CrossEntropy:
    """`_parameter_search.CandidateSearch` from mu = `mean` [S, P]."""

    def __init__(self, config: Config, mean: Tensor, seeds: Sequence[int]) -> None:
        c = self.config = config
        self.elites = round(c.elite_fraction * c.simulations)
        if not 1 <= self.elites <= c.simulations:
            raise ValueError(
                f"elite_fraction is {c.elite_fraction} of {c.simulations} samples: expected 1 to all of them"
            )
        self.mean, self.variance, self.t = mean, torch.full_like(mean, c.init_std_parameters**2), 0
        self.streams = Streams(seeds, "candidates")
        self._before = self.streams.state_dict()  # the last `ask`

    def ask(self) -> Tensor:
        c, self._before = self.config, self.streams.state_dict()
        extra = extra_variance(c.extra_std, self.t, c.extra_iterations, c.extra_schedule)  # e^2 z_t
        std = (self.variance + extra).sqrt()
        unit = self.streams.normal((c.simulations, self.mean.shape[1]), dtype=torch.float64)
        self.candidates = self.mean[:, None] + std[:, None] * unit
        return self.candidates

    def tell(self, returns: Tensor) -> None:
        self.mean, self.variance = elite_moments(self.candidates, returns, self.elites)
        self.t += 1

    def state_dict(self) -> dict[str, Any]:
        return {"mean": self.mean, "variance": self.variance, "t": self.t, "streams": self._before}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.mean, self.variance, self.t = state["mean"].clone(), state["variance"].clone(), state["t"]
        self.streams.load_state_dict(state["streams"])


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no path ends early, roughly."""
    return search_cost(Config(**config), task, seeds, int(limits["iterations"]))


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block, on the CPU whatever the device. limits: `iterations`."""
    c = Config(**config)
    return make_search(c, lambda first: CrossEntropy(c, first, seeds), task, seeds, int(limits["iterations"]))
