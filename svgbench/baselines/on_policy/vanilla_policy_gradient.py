"""The "vanilla" policy gradient, Algorithm 2 of Schulman 2016 (section 2.6).

An iteration: paths of the current policy; returns R_t, discounted, and advantages A-hat_t = R_t - b(s_t); the baseline
b fitted anew to the returns, for the next iteration; a step along the sum of grad log pi(a_t | s_t) A-hat_t. The
algorithm leaves the baseline's form and the step open. Here b is linear in features of the observation and of time,
those of Duan et al. 2016, so that its least squares are exact; or the mean return at each time step of the same paths.
The step is plain gradient ascent or Adam, "a more sophisticated method such as Adam".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from svgbench.baselines.on_policy import _linear_baseline as linear
from svgbench.baselines.on_policy._parts import new_policy, new_rollouts
from svgbench.learners.costs import batches
from svgbench.learners.limits import WHOLE_PATH_RULES
from svgbench.learners.limits import IterationLimits as Limits
from svgbench.learners.on_policy import OnPolicyLearner, PolicyAgent
from svgbench.learners.surrogate import Surrogate
from svgbench.nn.optim import Adam
from svgbench.nn.returns import discounted_sums, divided_by_deviation, time_means
from svgbench.ranges import Count, Natural, NonNegative, Positive, Precision, Share, Widths
from svgbench.simulate.batch import Batch
from svgbench.simulate.paths import whole_paths
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 1


@dataclass(frozen=True)
class Config:
    """Sources: T2: the thesis's Table 2 (swimmer), of TRPO; else our choice: Algorithm 2 has no numbers."""

    optimiser: Literal["adam", "sgd"] = "adam"
    learning_rate: NonNegative = 1e-2
    baseline: Literal["linear", "time", "none"] = "linear"
    ridge: Positive = 1e-5  # of the linear baseline, in mean squared features
    standardise: bool = True  # advantages over their deviation

    hidden: Widths = (30,)  # units (T2)
    activation: Literal["tanh", "softplus"] = "tanh"
    init_std: Positive = 0.5  # of actions, in half control ranges
    output_gain: NonNegative = 0.01  # norm of an output's weights at the start; hidden ones have 1
    observation_scaling: Literal["none", "range", "random", "running"] = "none"
    observation_clip: NonNegative = 0.0  # bound of a scaled observation; 0 is none

    simulations: Count = 50  # paths of a batch (T2)
    timesteps: Natural = 0  # 0: one path in each simulation; else paths until at least so many steps
    path_length: Natural = 0  # steps; 0 is the task's horizon (T2: 1000)
    steps_per_slice: Count = 50  # control steps per slice: noise is drawn by slices, so this is part of the numbers
    gamma: Share = 0.99  # (T2)
    dtype: Precision = "float32"


RULES = WHOLE_PATH_RULES


class VanillaPolicyGradient(PolicyAgent):
    """`svgbench.learners.on_policy.OnPolicyAgent`: policies, and the coefficients of their baselines, of S seeds."""

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], device: str) -> None:
        c = self.config = config
        policy, theta = new_policy(c, task, seeds, device)
        self.adam = Adam([nn.Parameter(theta)], c.learning_rate)
        super().__init__(policy, self.adam.flat)
        self.baseline = linear.none_yet(len(theta), task.observation_dim, device)

    def update(self, batch: Batch) -> Mapping[str, Tensor]:
        c, old = self.config, self.theta.clone()
        returns = discounted_sums(batch.reward, batch.ended, torch.zeros_like(batch.reward), c.gamma)
        advantage = self._advantage(batch, returns)
        if c.standardise:
            advantage = divided_by_deviation(advantage, batch.used)
        if c.baseline == "linear":
            self.baseline = linear.fitted(batch, returns, c.ridge)
        problem = Surrogate(self.policy, old, batch.samples(advantage))
        g = problem.gradient()  # mean over steps of grad log pi A-hat
        if c.optimiser == "adam":
            self.adam.grad.copy_(-g)
            self.adam.step()
        else:
            self.theta += c.learning_rate * g
        gain, mean_kl, _ = problem.evaluate(self.theta)
        return {"kl": mean_kl, "surrogate_gain": gain, "entropy": self.policy.entropy(old)}

    def _advantage(self, batch: Batch, returns: Tensor) -> Tensor:
        """A-hat [S, T, N], with the baseline as it is."""
        if self.config.baseline == "time":
            return returns - time_means(returns, batch.elapsed, batch.used)
        if self.config.baseline == "none":
            return returns
        return returns - linear.values(self.baseline, batch)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "baseline": self.baseline, "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.theta.copy_(state["theta"])
        self.baseline = state["baseline"].to(self.baseline.device).clone()
        self.adam.load_state_dict(state["adam"])


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no path ends early, roughly."""
    c = Config(**config)
    steps = whole_paths(c).on(task.horizon).full_steps
    return batches(task, len(seeds), int(limits["iterations"]), steps, c.hidden, 8 * steps)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `iterations`. Simulations run on the CPU, updates on the device."""
    c = Config(**config)
    rollouts = new_rollouts(c, whole_paths(c), task, seeds, device)
    agent = VanillaPolicyGradient(c, task, seeds, device)
    return OnPolicyLearner(agent, rollouts, task, seeds, int(limits["iterations"]))
