"""The natural policy gradient (Kakade 2002) as chapter 3 of Schulman 2016 compares it with TRPO.

As single-path TRPO (section 3.8.1), except for the step: instead of a bound on the KL divergence the multiplier lambda
of a penalty on it is fixed, which makes the solution of (17) theta + 1 / lambda A^-1 g. Nothing checks the step: a
multiplier that is too small leads to bad or non-finite policies.

The thesis sweeps the step size "in factors of three"; the authors' code has lambda in 3, 1, 0.3, 0.1, 0.03, 0.01
(SFPD/rlreloaded at 650c64e, throwaway/yaml/icml-*.yaml). The meaning of lambda depends on the
advantages' scale; they are standardised, as in that code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from svgbench.baselines.on_policy._parts import fisher_damping, new_policy, new_rollouts
from svgbench.learners.costs import batches
from svgbench.learners.limits import FISHER_RULES, WHOLE_PATH_RULES
from svgbench.learners.limits import IterationLimits as Limits
from svgbench.learners.on_policy import OnPolicyLearner, PolicyAgent
from svgbench.learners.surrogate import Fisher, Surrogate
from svgbench.nn.returns import discounted_sums, divided_by_deviation, time_means
from svgbench.nn.trust_region import conjugate_gradients
from svgbench.ranges import Count, Natural, NonNegative, Positive, PositiveShare, Precision, Share, Widths
from svgbench.simulate.batch import Batch
from svgbench.simulate.paths import whole_paths
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 1


@dataclass(frozen=True)
class Config:
    """Sources: T2: the thesis's Table 2 (swimmer); "code": as above; else our choice."""

    multiplier: Positive = 0.3  # lambda, in advantages per nat

    hidden: Widths = (30,)  # units (T2)
    activation: Literal["tanh", "softplus"] = "tanh"  # (chapter 3: silent)
    init_std: Positive = 0.5  # of actions, in half control ranges (code)
    output_gain: NonNegative = 0.01  # norm of an output's weights at the start; hidden ones have 1 (code)
    observation_scaling: Literal["none", "range", "random", "running"] = "none"
    observation_clip: NonNegative = 0.0  # bound of a scaled observation; 0 is none

    simulations: Count = 50  # paths of a batch (T2)
    timesteps: Natural = 0  # 0: one path in each simulation; else paths until at least this number of steps
    path_length: Natural = 0  # steps; 0 is the task's horizon (T2: 1000)
    steps_per_slice: Count = 50  # control steps per slice: noise is drawn by slices, so this is part of the numbers

    gamma: Share = 0.99  # (T2)
    fisher_fraction: PositiveShare = 0.1  # of the data (section 3.12)
    cg_iterations: Count = 10  # (section 3.12)
    cg_damping: NonNegative = 0.1  # (text: silent); without it, flat directions take huge steps
    damping: Literal["identity", "gradient"] = "identity"  # times 1, or the paths' squared gradients
    l2: NonNegative = 0.0  # penalty on the parameters' squares
    dtype: Precision = "float32"


RULES = {**WHOLE_PATH_RULES, **FISHER_RULES}
PROFILES = {
    "text": {},
    "code": {
        "activation": "softplus",
        "observation_scaling": "random",
        "fisher_fraction": 1.0,
        "cg_damping": 0.01,
        "damping": "gradient",
        "l2": 1e-5,
    },
}


class NaturalGradient(PolicyAgent):
    """`svgbench.learners.on_policy.OnPolicyAgent`: the policies of S seeds."""

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], device: str) -> None:
        c = self.config = config
        super().__init__(*new_policy(c, task, seeds, device))

    def update(self, batch: Batch) -> Mapping[str, Tensor]:
        c, old = self.config, self.theta
        q = discounted_sums(batch.reward, batch.ended, torch.zeros_like(batch.reward), c.gamma)
        advantage = divided_by_deviation(q - time_means(q, batch.elapsed, batch.used), batch.used)
        samples = batch.samples(advantage)
        problem = Surrogate(self.policy, old, samples)
        fisher = Fisher(self.policy, old, batch.subset(samples, c.fisher_fraction))
        damping = fisher_damping(c, self.policy, old, batch, advantage)

        g = problem.gradient() - 2 * c.l2 * old
        s = conjugate_gradients(lambda y: fisher.analytic(y) + damping * y, g, c.cg_iterations)  # A s = g
        self.theta = (old + s / c.multiplier).to(old.dtype)  # eq. (17)
        gain, mean_kl, _ = problem.evaluate(self.theta)
        return {"kl": mean_kl, "surrogate_gain": gain, "entropy": self.policy.entropy(old)}


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no path ends early, roughly."""
    c = Config(**config)
    steps = whole_paths(c).on(task.horizon).full_steps
    rows = steps * (8 + 3 * c.cg_iterations * c.fisher_fraction)
    return batches(task, len(seeds), int(limits["iterations"]), steps, c.hidden, rows)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `iterations`. Simulations run on the CPU, updates on the device."""
    c = Config(**config)
    rollouts = new_rollouts(c, whole_paths(c), task, seeds, device)
    return OnPolicyLearner(NaturalGradient(c, task, seeds, device), rollouts, task, seeds, int(limits["iterations"]))
