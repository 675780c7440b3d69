"""Reward-weighted regression (Peters and Schaal 2007), one of the rivals in chapter 3 of Schulman 2016 (Figure 4).

Expectation maximisation: actions are weighted by their results, and the next policy maximises the likelihood of the
weighted actions. Peters and Schaal weight each action by a transformed immediate reward and use a linear policy, whose
weighted regression has a closed form. Here rewards come later than actions, so all actions of a path share a weight
that depends on its return (as in Kober and Peters 2008), and the mean is a network, so the likelihood is maximised by
L-BFGS, mean and deviation together.

`weighting` "elite" is the authors' code (SFPD/rlreloaded at 650c64e, scripts/algs/run_rwr.py; the thesis only names the
method): weight one for the best tenth of the paths, zero for the others, at most 100 evaluations. "exponential" is
exp(R / (temperature * deviation of R)).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from svgbench.baselines.on_policy._parts import new_policy, new_rollouts
from svgbench.learners.costs import batches
from svgbench.learners.limits import PATH_RULES
from svgbench.learners.limits import IterationLimits as Limits
from svgbench.learners.on_policy import OnPolicyLearner, PolicyAgent
from svgbench.learners.surrogate import Surrogate, pieces, score_sum
from svgbench.nn import lbfgs
from svgbench.nn.gaussian_policy import log_prob
from svgbench.nn.normaliser import NEGLIGIBLE
from svgbench.ranges import Count, Natural, NonNegative, Positive, PositiveShare, Precision, Widths
from svgbench.simulate.batch import Batch, Samples, picked, selection
from svgbench.simulate.paths import Sampling
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 1


@dataclass(frozen=True)
class Config:
    """Sources: T2: the thesis's Table 2 (swimmer), of TRPO; "code": SFPD/rlreloaded at 650c64e; else our choice."""

    weighting: Literal["elite", "exponential"] = "elite"  # (code)
    elite_fraction: PositiveShare = 0.1  # of the paths (code)
    temperature: Positive = 0.5  # of exponential weights, in standard deviations of the return
    evaluations: Count = 100  # of the likelihood per iteration, at most (code)

    hidden: Widths = (30,)  # units (T2)
    activation: Literal["tanh", "softplus"] = "tanh"  # (chapter 3: silent)
    init_std: Positive = 0.5  # of actions, in half control ranges (code)
    output_gain: NonNegative = 0.01  # norm of an output's weights at the start; hidden ones have 1 (code)
    observation_scaling: Literal["none", "range", "random", "running"] = "none"
    observation_clip: NonNegative = 0.0  # bound of a scaled observation; 0 is none

    simulations: Count = 50  # paths of a batch (T2)
    path_length: Natural = 0  # steps; 0 is the task's horizon (T2: 1000)
    steps_per_slice: Count = 50  # control steps per slice: noise is drawn by slices, so this is part of the numbers
    dtype: Precision = "float32"


RULES = PATH_RULES
PROFILES = {
    "text": {},
    "code": {"activation": "softplus", "observation_scaling": "random"},
}


def weights(c: Config, returns: Tensor) -> Tensor:
    """Weights [S, N] of paths with these returns [S, N], not normalised."""
    if c.weighting == "elite":
        place = returns.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        return (place < max(1, round(c.elite_fraction * returns.shape[1]))).to(returns.dtype)
    deviation = returns.std(1, correction=0, keepdim=True)
    varies = deviation > NEGLIGIBLE * returns.mean(1, keepdim=True).abs()
    scaled = (returns - returns.amax(1, keepdim=True)) / torch.where(varies, deviation, torch.inf)
    return torch.where(scaled.isnan(), 1.0, (scaled / c.temperature).exp())


class RewardWeightedRegression(PolicyAgent):
    """`svgbench.learners.on_policy.OnPolicyAgent`: the policies of S seeds."""

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], device: str) -> None:
        c = self.config = config
        super().__init__(*new_policy(c, task, seeds, device))

    def update(self, batch: Batch) -> Mapping[str, Tensor]:
        old = self.theta
        samples = self._weighted(batch)

        def objective(theta: Tensor) -> tuple[Tensor, Tensor]:
            theta = theta.to(old.dtype)
            return -self._log_likelihood(theta, samples), -score_sum(self.policy, theta, samples, samples.weight)

        self.theta = lbfgs.minimise(objective, old, self.config.evaluations).to(old.dtype)
        everything = batch.samples(torch.zeros_like(batch.reward))
        _, mean_kl, _ = Surrogate(self.policy, old, everything).evaluate(self.theta)
        return {"kl": mean_kl, "entropy": self.policy.entropy(old)}

    def _weighted(self, batch: Batch) -> Samples:
        """The steps of paths with a non-zero weight."""
        returns = torch.where(batch.used, batch.reward, 0.0).sum(1, dtype=torch.float64)
        weight = weights(self.config, returns)[:, None].expand(batch.used.shape).to(batch.x.dtype)
        index, present = selection(batch.used & (weight > 0), batch.x.dtype)
        x, action, own = (picked(value.flatten(1, 2), index) for value in (batch.x, batch.action, weight))
        own = own * (present > 0)
        return Samples(x, action, own, own / own.sum(1, keepdim=True))

    def _log_likelihood(self, theta: Tensor, samples: Samples) -> Tensor:
        """sum_n w_n log pi(a_n | s_n), float64 [S]."""
        total = torch.zeros(len(theta), dtype=torch.float64, device=theta.device)
        for piece in pieces(samples.x):
            mean = self.policy.mean(theta, samples.x[:, piece])
            likely = log_prob(mean, self.policy.log_std(theta), samples.action[:, piece])
            total += (likely * samples.weight[:, piece]).double().sum(1)
        return total


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no path ends early, roughly."""
    c = Config(**config)
    steps = c.simulations * (c.path_length or task.horizon)
    share = c.elite_fraction if c.weighting == "elite" else 1.0
    rows = steps * (1 + 3 * c.evaluations * share)
    return batches(task, len(seeds), int(limits["iterations"]), steps, c.hidden, rows)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `iterations`. Simulations run on the CPU, updates on the device."""
    c = Config(**config)
    plan = Sampling("paths", c.simulations, path_length=c.path_length, steps_per_slice=c.steps_per_slice)
    rollouts = new_rollouts(c, plan, task, seeds, device)
    agent = RewardWeightedRegression(c, task, seeds, device)
    return OnPolicyLearner(agent, rollouts, task, seeds, int(limits["iterations"]))
