"""Trust region policy optimization (Schulman 2016, chapter 3), by single paths or by vines.

Equations are numbered as in the thesis. An iteration collects state-action pairs with Monte Carlo estimates of their
Q-values (3.5.1 or 3.5.2), forms the surrogate objective and its constraint (16), and solves that problem
approximately (3.12): conjugate gradients for A s = g with A the Fisher matrix (21), the longest step beta that the
quadratic model of the constraint allows, and a line search on the surrogate under the KL constraint itself.

Variants of section 3.8.1: `fisher` "empirical" (the covariance of the gradients), `constraint` "max" (13), for which
the step comes from the constraint's quadratic model at every state (`_max_kl`; the thesis says no more
than that it was tractable on cart-pole only; the authors' code solves the same problem in its dual).

The profiles "text" and "code", and the same for vines, are readings of one algorithm. "code" is the research code of
the time (SFPD/rlreloaded at 650c64e, control4/algs and throwaway/yaml/icml-*.yaml); where the thesis is silent a
default says so. Differences that are no setting: a vine's branch stops where the task terminates (the code goes on, and
pays what the state costs); a "path" of the gradient-squared damping is what one simulation did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from torch import Tensor

from svgbench.baselines.on_policy import _max_kl as max_kl
from svgbench.baselines.on_policy._parts import fisher_damping, new_policy, new_rollouts
from svgbench.baselines.on_policy._vine import VineBatch, VineSampler, VineSurrogate
from svgbench.learners.costs import batches
from svgbench.learners.limits import FISHER_RULES, WHOLE_PATH_RULES
from svgbench.learners.limits import IterationLimits as Limits
from svgbench.learners.on_policy import OnPolicyLearner, PolicyAgent, Sampler
from svgbench.learners.surrogate import Fisher, Surrogate
from svgbench.nn.returns import discounted_sums, divided_by_deviation, time_means
from svgbench.nn.trust_region import conjugate_gradients, line_search, max_step, whole_step
from svgbench.ranges import Count, Natural, NonNegative, Positive, PositiveShare, Precision, Range, Share, Widths
from svgbench.simulate.batch import Batch, Samples
from svgbench.simulate.paths import Sampling, extension_steps, whole_paths
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 1


@dataclass(frozen=True)
class Config:
    """Sources: T2: the thesis's Table 2 (swimmer, where its columns differ); "code": as above; else our choice."""

    hidden: Widths = (30,)  # units (T2); () is linear (cart-pole)
    activation: Literal["tanh", "softplus"] = "tanh"  # (section 4.6.2; chapter 3: silent)
    init_std: Positive = 0.5  # of actions, in half control ranges (code)
    output_gain: NonNegative = 0.01  # norm of an output's weights at the start; hidden ones have 1 (code)
    observation_scaling: Literal["none", "range", "random", "running"] = "none"  # (text: silent)
    observation_clip: NonNegative = 0.0  # bound of a scaled observation; 0 is none

    sampling: Literal["single-path", "vine"] = "single-path"
    simulations: Count = 50  # paths of a batch, or trunks (T2: 50, or 16)
    timesteps: Natural = 0  # 0: one path in each simulation; else paths until at least so many steps
    path_length: Natural = 0  # steps; 0 is the task's horizon (T2: 1000)
    extension_factor: Annotated[float, Range(0, 1000)] = 0.0  # cut paths go on for so many 1 / (1 - gamma), for returns
    rollout_set: Count = 125  # states that branch (T2: 500 Q-values by 4)
    actions_per_state: Annotated[int, Range(2)] = 4  # (T2)
    branch_length: Count = 50  # steps, the tried action's included (T2)
    states_per_slice: Count = 64  # states that branch per slice: noise is drawn so, which makes it part of the numbers
    steps_per_slice: Count = 50  # control steps per slice, likewise

    gamma: Share = 0.99  # (T2)
    baseline: Literal["time", "none"] = "time"  # the mean return at each time step (code; section 4.6.3's "no VF")
    standardise: bool = True  # advantages over their deviation (code)
    max_kl: Positive = 0.01  # nats, delta (T2)
    constraint: Literal["mean", "max"] = "mean"  # over states: eq. (14), or eq. (13)
    max_kl_rounds: Natural = 50  # of the step under eq. (13)
    fisher: Literal["analytic", "empirical"] = "analytic"  # (section 3.6)
    fisher_fraction: PositiveShare = 0.1  # of the data (section 3.12)
    cg_iterations: Count = 10  # k (section 3.12)
    cg_damping: NonNegative = 0.1  # (text: silent); without it, flat directions take huge steps
    damping: Literal["identity", "gradient"] = "identity"  # times 1, or the paths' squared gradients
    min_multiplier: NonNegative = 0.0  # floor of 1 / beta
    backtracks: Count = 15  # step lengths tried
    backtrack_factor: Annotated[float, Range(above=0, below=1)] = 0.8  # (section 3.12: "exponentially")
    accept_ratio: Share = 0.0  # of the gain that a linear objective would give
    kl_barrier: Positive = 1.0  # a step may reach so many max_kl
    line_search: bool = True  # else the whole step is taken, whatever it does (3.12: "without this line search")
    l2: NonNegative = 0.0  # penalty on the parameters' squares
    dtype: Precision = "float32"


RULES = {
    **WHOLE_PATH_RULES,
    **FISHER_RULES,
    "sampling != 'vine' or timesteps == 0 and extension_factor == 0": "vines have neither",
    "sampling != 'vine' or damping == 'identity' and fisher == 'analytic'": "vines have no others",
    "sampling != 'vine' or branch_length <= horizon": "a branch ends with the task's episode",
}
ADDED = {"line_search": True}
PROFILES = {
    "text": {},
    "code": {
        "activation": "softplus",
        "observation_scaling": "random",
        "fisher_fraction": 1.0,
        "cg_damping": 0.01,
        "damping": "gradient",
        "min_multiplier": 0.01,
        "backtracks": 10,
        "backtrack_factor": 0.5,
        "accept_ratio": 0.1,
        "kl_barrier": 2.0,
        "l2": 1e-5,
    },
    "text-vine": {"sampling": "vine", "simulations": 16, "fisher_fraction": 1.0},
    "code-vine": {
        "sampling": "vine",
        "simulations": 32,
        "rollout_set": 1000,
        "branch_length": 101,
        "activation": "softplus",
        "observation_scaling": "random",
        "fisher_fraction": 1.0,
        "cg_damping": 0.01,
        "min_multiplier": 0.01,
        "backtracks": 10,
        "backtrack_factor": 0.5,
        "accept_ratio": 0.1,
        "kl_barrier": 2.0,
    },
}


def advantages(c: Config, batch: Batch) -> Tensor:
    """Q-hat of every step, less the mean at its time, over the deviation: [S, T, N] (section 3.5.1)."""
    nothing = torch.zeros_like(batch.reward)
    q = discounted_sums(batch.reward, batch.ended, nothing, c.gamma)
    if c.baseline == "time":
        q = q - time_means(q, batch.elapsed, batch.used)
    return divided_by_deviation(q, batch.used) if c.standardise else q


class TRPO(PolicyAgent):
    """`svgbench.learners.on_policy.OnPolicyAgent`: the policies of S seeds."""

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], device: str) -> None:
        c = self.config = config
        super().__init__(*new_policy(c, task, seeds, device))

    def update(self, batch: Batch | VineBatch) -> Mapping[str, Tensor]:
        c, old = self.config, self.theta
        problem, states, damping = self._vine(batch) if isinstance(batch, VineBatch) else self._single_path(batch)
        fisher = Fisher(self.policy, old, states)
        multiply = fisher.analytic if c.fisher == "analytic" else fisher.empirical
        g = problem.gradient() - 2 * c.l2 * old

        def product(y: Tensor) -> Tensor:
            return multiply(y) + damping * y  # eq. (21)

        if c.constraint == "mean":
            s = conjugate_gradients(product, g, c.cg_iterations)  # A s = g
            step = max_step(s, product(s), c.max_kl, c.min_multiplier) * s  # beta = sqrt(2 delta / s'As)
        else:
            step = max_kl.direction(fisher, g, c.max_kl, c.cg_iterations, c.cg_damping, c.max_kl_rounds)  # eq. (13)

        def evaluate(theta: Tensor) -> tuple[Tensor, Tensor]:
            gain, mean_kl, largest_kl = problem.evaluate(theta)  # eq. (16)
            penalty = c.l2 * (theta.double().square() - old.double().square()).sum(1)
            return gain - penalty, mean_kl if c.constraint == "mean" else largest_kl

        if c.line_search:
            found = line_search(
                old, step, evaluate, c.kl_barrier * c.max_kl,
                expected=(g * step).sum(1), accept_ratio=c.accept_ratio, factor=c.backtrack_factor, tries=c.backtracks,
            )  # fmt: skip
        else:
            found = whole_step(old, step, evaluate)
        self.theta = found.theta
        gain, mean_kl, _ = problem.evaluate(self.theta)
        entropy = self.policy.entropy(old)
        return {"kl": mean_kl, "surrogate_gain": gain, "entropy": entropy, "accepted": found.fraction}

    def _single_path(self, batch: Batch) -> tuple[Surrogate, Samples, float | Tensor]:
        """The problem, the states of its metric, and the damping."""
        c, advantage = self.config, advantages(self.config, batch)
        samples = batch.samples(advantage)
        damping = fisher_damping(c, self.policy, self.theta, batch, advantage)
        return Surrogate(self.policy, self.theta, samples), batch.subset(samples, c.fisher_fraction), damping

    def _vine(self, batch: VineBatch) -> tuple[VineSurrogate, Samples, float]:
        q = batch.scaled_q() if self.config.standardise else batch.q
        return VineSurrogate(self.policy, self.theta, batch, q), batch.states(), self.config.cg_damping


def sampling(c: Config) -> Sampling:
    return whole_paths(c, extension_steps(c.extension_factor, c.gamma))


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no path ends early, roughly."""
    c = Config(**config)
    steps = sampling(c).on(task.horizon).full_steps
    branches = c.rollout_set * c.actions_per_state * c.branch_length if c.sampling == "vine" else 0
    rows = (c.rollout_set if c.sampling == "vine" else steps) * (8 + 3 * c.cg_iterations * c.fisher_fraction)
    return batches(task, len(seeds), int(limits["iterations"]), steps + branches, c.hidden, steps + branches + rows)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `iterations`. Simulations run on the CPU, updates on the device."""
    c = Config(**config)
    if c.sampling == "vine" and (
        c.timesteps or c.extension_factor or c.damping == "gradient" or c.fisher == "empirical"
    ):
        raise ValueError(
            "vines have neither timesteps nor an extension, identity damping and the analytic Fisher matrix"
        )
    rollouts = new_rollouts(c, sampling(c), task, seeds, device, keep_states=c.sampling == "vine")
    sampler: Sampler[Batch | VineBatch] = rollouts
    if c.sampling == "vine":
        sampler = VineSampler(
            rollouts, c.rollout_set, c.actions_per_state, c.branch_length, c.gamma, c.states_per_slice
        )
    return OnPolicyLearner(TRPO(c, task, seeds, device), sampler, task, seeds, int(limits["iterations"]))
