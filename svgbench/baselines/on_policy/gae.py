"""Generalized advantage estimation with trust regions for policy and value function (Schulman 2016, chapter 4).

An iteration, in the order of section 4.6.1: paths of the current policy; delta and A-hat at all their steps with the
value function as it is (26); the policy's step (35), which is TRPO's; and only then the value function's (33), (34).

The value step solves (34) with its misprints corrected: one 1/N, and the 1/(2 sigma^2) of (33), so that s = H^-1 g is
scaled to 1/2 (alpha s)'H(alpha s) = epsilon sigma^2. It is "analogous to the procedure we use for updating the policy",
line search included: a step must reduce the error and keep (33)'s constraint. As (34)'s objective is linear, the search
begins at the region's edge, also where the least error lies inside; `value_min_multiplier` 1 would have it begin at the
minimum of the quadratic model there.

`value_fit` "adam" is what libraries do instead; the profile "sb3" is sb3-contrib's TRPO (sb3_trpo).

"No VF" of section 4.6.3 is `baseline` "time": A-hat is the discounted sum less its mean at each time step.

epsilon of both regions is unpublished; where the thesis is silent a default says so. "code" is the authors' research
code on cart-pole (SFPD/rlreloaded at 650c64e, throwaway/yaml/icml-vf-cartpole.yaml), except for what it did at a path's
cut: paths go on there for 2 / (1 - gamma) steps, and it set the value at the cut to zero in the middle of them, which
we do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn

from svgbench.baselines.on_policy._parts import new_policy, new_rollouts
from svgbench.baselines.on_policy._trust_region_step import trust_region_step
from svgbench.baselines.on_policy._value_function import ValueFunction
from svgbench.learners.costs import batches, passes
from svgbench.learners.limits import FISHER_RULES, PATH_RULES, VALUE_RULES
from svgbench.learners.limits import IterationLimits as Limits
from svgbench.learners.on_policy import OnPolicyLearner, PolicyAgent
from svgbench.learners.surrogate import Recordings
from svgbench.nn.optim import Adam
from svgbench.nn.returns import centred, discounted_sums, generalized_advantages, time_means
from svgbench.nn.streams import Streams
from svgbench.nn.trust_region import LineSearch, conjugate_gradients, line_search, max_step
from svgbench.ranges import Count, Natural, NonNegative, Positive, PositiveShare, Precision, Range, Share, Widths
from svgbench.simulate.batch import Batch, Samples, picked
from svgbench.simulate.paths import Sampling, extension_steps
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 1


@dataclass(frozen=True)
class Config:
    """Sources: section 4.6.2 (cart-pole; 3D tasks: 100-50-25); "code": as above; else our choice."""

    hidden: Widths = ()  # units; () is linear (4.6.2)
    activation: Literal["tanh", "softplus"] = "tanh"  # (4.6.2)
    init_std: Positive = 0.5  # of actions, in half control ranges (code)
    initial_weights: Literal["unit", "orthogonal"] = "unit"  # see `svgbench.nn.flat_mlp.FlatMLP.initial` (code)
    output_gain: NonNegative = 0.01  # norm of an output's weights at the start (code)
    observation_scaling: Literal["none", "range", "random", "running"] = "none"  # (text: silent)
    observation_clip: NonNegative = 0.0  # bound of a scaled observation; 0 is none

    batch: Literal["paths", "timesteps", "steps"] = "paths"  # kind of batch; see `svgbench.simulate.paths.Sampling`
    simulations: Count = 20  # paths of a batch (4.6.2)
    timesteps: Natural = 0  # of a batch, unless its kind is "paths" (4.6.2: 50,000; 200,000)
    path_length: Natural = 0  # steps; 0 is the task's horizon (4.6.2: 1000; 2000)
    extension_factor: Annotated[float, Range(0, 1000)] = 0.0  # cut paths continue for this times 1 / (1 - gamma)
    tail: Literal["bootstrap", "zero"] = "bootstrap"  # value after the last step of a path that did not terminate
    steps_per_slice: Count = 50  # control steps per slice: noise is drawn by slices, so this is part of the numbers

    gamma: Share = 0.99  # (4.6.3)
    gae_lambda: Share = 0.96  # (4.6.3)
    baseline: Literal["value", "time"] = "value"  # "time" is "no VF"
    centre_by_time: bool = False  # A-hat minus its mean at each time step, also with a value function
    centre: bool = False  # A-hat minus its mean
    standardise: bool = True  # advantages over their deviation (code)

    max_kl: Positive = 0.01  # nats, epsilon of eq. (35) (chapter 3)
    fisher_fraction: PositiveShare = 0.1  # of the data (section 3.12)
    cg_iterations: Count = 10  # (section 3.12)
    cg_damping: NonNegative = 0.1  # (text: silent); without it, flat directions take huge steps
    min_multiplier: NonNegative = 0.0  # floor of 1 / beta
    backtracks: Count = 15  # step lengths tried
    backtrack_factor: Annotated[float, Range(above=0, below=1)] = 0.8  # (section 3.12: "exponentially")
    accept_ratio: Share = 0.0  # of the gain that a linear objective would give
    kl_barrier: Positive = 1.0  # a step may reach this multiple of max_kl; the value's step too
    l2: NonNegative = 0.0  # penalty on the policy's parameters' squares

    value_hidden: Widths = (20,)  # units (4.6.2)
    value_activation: Literal["tanh", "softplus"] = "tanh"  # (4.6.2)
    value_output_gain: NonNegative = 0.01  # as output_gain (code)
    value_scale: Positive = 100.0  # of the network's output, in reward (code)
    value_fit: Literal["trust-region", "adam"] = "trust-region"  # eq. (34), or minibatches of the squared error
    value_lr: NonNegative = 1e-3  # of Adam
    value_epochs: Count = 10  # over a batch, with Adam
    value_batch: Count = 128  # steps of a minibatch
    value_max_kl: Positive = 0.1  # epsilon of eq. (33) (code)
    value_lambda: Share = 1.0  # of the value's targets; 1 is the Monte Carlo sum of eq. (32)
    value_substeps: Count = 1  # steps of epsilon / substeps^2
    value_fraction: PositiveShare = 1.0  # of the data, for H of eq. (34)
    value_cg_iterations: Count = 10
    value_cg_damping: NonNegative = 0.01  # in variances (code)
    value_min_multiplier: NonNegative = 0.0  # floor of 1 / alpha
    value_l2: NonNegative = 0.0  # penalty on the value's parameters' squares
    dtype: Precision = "float32"


RULES = {
    **PATH_RULES,
    **FISHER_RULES,
    **VALUE_RULES,
    "batch == 'paths' or timesteps >= simulations": "each simulation takes a step",
    "batch != 'steps' or timesteps % simulations == 0": "each simulation takes as many steps",
    "batch != 'steps' or extension_factor == 0": "paths go on from batch to batch",
    "batch != 'steps' or timesteps * fisher_fraction >= simulations": "every batch has such a step of a path",
    "batch != 'steps' or timesteps * value_fraction >= simulations": "every batch has such a step of a path",
    "value_fit != 'adam' or batch == 'steps'": "a minibatch has as many steps of each seed",
}
PROFILES = {
    "text": {},
    "code": {
        "observation_scaling": "range",
        "extension_factor": 2.0,
        "tail": "zero",
        "centre_by_time": True,
        "fisher_fraction": 1.0,
        "cg_damping": 0.01,
        "min_multiplier": 0.1,
        "backtracks": 10,
        "backtrack_factor": 0.5,
        "accept_ratio": 0.1,
        "kl_barrier": 2.0,
        "l2": 1e-5,
        "value_activation": "softplus",
        "value_substeps": 2,
        "value_min_multiplier": 0.01,
        "value_l2": 1e-4,
    },
    "sb3": {
        "hidden": (64, 64),
        "init_std": 1.0,
        "initial_weights": "orthogonal",
        "batch": "steps",
        "simulations": 1,
        "timesteps": 2048,
        "gae_lambda": 0.95,
        "centre": True,
        "fisher_fraction": 1.0,
        "cg_iterations": 15,
        "backtracks": 10,
        "value_hidden": (64, 64),
        "value_output_gain": 1.0,
        "value_scale": 1.0,
        "value_lambda": 0.95,
        "value_fit": "adam",
    },
}

ADAM_EPSILON = 1e-5  # stable-baselines3's


class GAE(PolicyAgent):
    """`svgbench.learners.on_policy.OnPolicyAgent`: policies, theta [S, P], and value functions, phi [S, P']."""

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], device: str) -> None:
        c, dtype = config, getattr(torch, config.dtype)
        self.config = config
        super().__init__(*new_policy(c, task, seeds, device, c.initial_weights))
        self.value = ValueFunction(task.observation_dim, c.value_hidden, c.value_activation, c.value_scale)
        self.phi = self.value.net.initial(Streams(seeds, "value"), c.value_output_gain, dtype, c.initial_weights)
        self.phi = self.phi.to(device)
        self.adam = Adam([nn.Parameter(self.phi)], c.value_lr, shape=(len(seeds),), eps=ADAM_EPSILON)
        self.order = Streams(seeds, "value-order")

    def update(self, batch: Batch) -> Mapping[str, Tensor]:
        """A-hat with the old value function, then the policy, then the value function."""
        if self.config.baseline == "time":
            q = discounted_sums(batch.reward, batch.ended, torch.zeros_like(batch.reward), self.config.gamma)
            return self._policy_step(batch, q - time_means(q, batch.elapsed, batch.used))
        advantage, target = self._estimate(batch)
        learned = self._policy_step(batch, advantage)
        samples = batch.samples(target)
        value = self.value(self.phi, samples.x)
        error = relative_error(value, samples)
        if self.config.value_fit == "adam":
            self._value_epochs(samples)
        else:
            some = batch.subset(samples, self.config.value_fraction)
            self.phi = self._value_step(samples, some, value).theta
        return learned | {"value_error": error}

    def _estimate(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """A-hat and the value function's targets, each [S, T, N]."""
        c = self.config
        value = self.value(self.phi, batch.x.flatten(1, 2)).view(batch.reward.shape)
        tail = torch.zeros_like(value)
        if c.tail == "bootstrap":
            tail = batch.tail(self.value(self.phi, batch.final_x))
        paths = (batch.reward, value, batch.ended, tail, c.gamma)
        advantage = generalized_advantages(*paths, c.gae_lambda)  # eq. (26)
        target = value + generalized_advantages(*paths, c.value_lambda)  # V-hat of eq. (32) at lambda 1
        if c.centre_by_time:
            advantage = advantage - time_means(advantage, batch.elapsed, batch.used)
        if c.centre:
            advantage = centred(advantage, batch.used)
        return advantage, target

    def _policy_step(self, batch: Batch, advantage: Tensor) -> dict[str, Tensor]:
        self.theta, learned = trust_region_step(self.policy, self.theta, batch, advantage, self.config)
        return learned

    def _value_epochs(self, samples: Samples) -> None:
        """Adam on the squared error in minibatches, redrawn in each epoch. The samples' advantages are the targets."""
        x, _, target, _ = samples
        for _ in range(self.config.value_epochs):
            order = self.order.permutation(target.shape[1]).to(x.device)
            for places in order.split(self.config.value_batch, 1):
                own_x, own_target = picked(x, places), picked(target, places)
                recording = Recordings(self.value.net, self.phi, own_x)
                weight = torch.full_like(own_target, 1 / places.shape[1])
                error = self.value(self.phi, own_x) - own_target
                self.adam.grad.copy_(2 * self.value.gradient(recording, weight, error))
                self.adam.step()

    def _value_step(self, everything: Samples, some: Samples, v_old: Tensor) -> LineSearch:
        """Eq. (33) by eq. (34).

        everything: the batch, its advantages the targets; some: what H is averaged over; v_old: values before. All is
        over sigma^2, the mean squared error before: then the constraint is half the squared change.
        """
        c, phi_old, (x, _, target, weight_) = self.config, self.phi, everything
        weight = weight_.double()
        variance = (weight * (v_old - target).square()).sum(1, keepdim=True)  # sigma^2 of eq. (33)
        precision = torch.where(variance > 0, 1 / variance, 0.0)

        def objective(phi: Tensor, v: Tensor) -> Tensor:
            squares = (weight * (v - target).square()).sum(1) * precision[:, 0]
            return 0.5 * squares + c.value_l2 * phi.double().square().sum(1)

        found, v_now = LineSearch(phi_old, *[variance[:, 0]] * 4), v_old
        for _ in range(c.value_substeps):
            phi = found.theta
            before, curvature = objective(phi, v_now), Recordings(self.value.net, phi, some.x)

            def product(y: Tensor, curvature: Recordings = curvature) -> Tensor:
                H_y = precision * self.value.gauss_newton(curvature, some.weight, y)  # H of eq. (34)
                return H_y + c.value_cg_damping * y

            def evaluate(new: Tensor, before: Tensor = before) -> tuple[Tensor, Tensor]:
                v = self.value(new, x)
                moved = (weight * (v - v_old).square()).sum(1) * precision[:, 0]
                return before - objective(new, v), 0.5 * moved  # eq. (33)

            slope = self.value.gradient(Recordings(self.value.net, phi, x), weight_, v_now - target)
            g = -precision * slope - 2 * c.value_l2 * phi
            s = conjugate_gradients(product, g, c.value_cg_iterations)  # s = H^-1 g
            epsilon = c.value_max_kl / c.value_substeps**2
            alpha = max_step(s, product(s), epsilon, c.value_min_multiplier)  # 1/2 (alpha s)'H(alpha s) = epsilon
            found = self._search(phi, alpha * s, evaluate, c.value_max_kl, (g * alpha * s).sum(1))
            v_now = self.value(found.theta, x)
        return found

    def _search(self, old: Tensor, step: Tensor, evaluate: Any, bound: float, expected: Tensor) -> LineSearch:
        c = self.config
        return line_search(
            old, step, evaluate, c.kl_barrier * bound,
            expected=expected, accept_ratio=c.accept_ratio, factor=c.backtrack_factor, tries=c.backtracks,
        )  # fmt: skip

    def parameters(self) -> Sequence[Tensor]:
        return [self.theta, self.phi]

    def state_dict(self) -> dict[str, Any]:
        adam = {"adam": self.adam.state_dict(), "order": self.order.state_dict()}
        return {**super().state_dict(), "phi": self.phi, **(adam if self.config.value_fit == "adam" else {})}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.phi.copy_(state["phi"])
        if self.config.value_fit == "adam":
            self.adam.load_state_dict(state["adam"])
            self.order.load_state_dict(state["order"])


def relative_error(value: Tensor, samples: Samples) -> Tensor:
    """The squared error of values [S, M] of samples whose advantages are targets, over the targets' variance: [S]."""
    weight, target = samples.weight.double(), samples.advantage
    mean = (weight * target).sum(1, keepdim=True)
    squares = (weight * (value - target).square()).sum(1)
    return squares / (weight * (target - mean).square()).sum(1)


def sampling(c: Config) -> Sampling:
    return Sampling(
        c.batch, c.simulations, c.timesteps, c.path_length,
        extension_steps(c.extension_factor, c.gamma), c.steps_per_slice,
    )  # fmt: skip


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no path ends early, roughly."""
    c = Config(**config)
    steps = sampling(c).on(task.horizon).full_steps
    rows = steps * (8 + 3 * c.cg_iterations * c.fisher_fraction)
    policy = batches(task, len(seeds), int(limits["iterations"]), steps, c.hidden, rows)
    if c.baseline == "time":
        return policy
    fits = 3 * c.value_epochs if c.value_fit == "adam" else c.value_substeps * (5 + 3 * c.value_cg_iterations)
    rows = len(seeds) * int(limits["iterations"]) * steps * (2 + fits)
    return policy + passes([task.observation_dim, *c.value_hidden, 1], rows)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `iterations`. Simulations run on the CPU, updates on the device."""
    c = Config(**config)
    if c.value_fit == "adam" and c.batch != "steps":
        raise ValueError(f"value_fit is adam and batch {c.batch}: expected steps, of which all seeds have as many")
    rollouts = new_rollouts(c, sampling(c), task, seeds, device)
    return OnPolicyLearner(GAE(c, task, seeds, device), rollouts, task, seeds, int(limits["iterations"]))
