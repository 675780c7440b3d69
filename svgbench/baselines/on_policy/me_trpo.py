"""Model-ensemble trust region policy optimisation: Kurutach et al. 2018, algorithm 3. TRPO inside learned models.

Repeat: collect real transitions with the policy; fit every network of the ensemble to all of them; improve the policy
by TRPO on imagined paths only, each of whose steps one network predicts. The reward is known. Networks are
deterministic: they predict the change of the observation and minimise its squared error (2), in units of its deviation.

"code" is what produced the row METRPO* of Table 2 of Amos et al. 2020: WilsonWangTHU/mbbl-metrpo at 09be737 (main.py,
algos/trpo.py, model/dynamics.py, model/dynamics_ensemble.py, configs/params_*_template.json), for hopper where tasks
differ. "text" is the paper with the settings of its authors' code, thanard/me-trpo at 7dad9cd (model_based_rl.py,
params/params-hopper.json). They differ here:

* When the policy stops. The paper validates it: every few iterations the deterministic policy tries every network, from
  fixed starts. If its return has fallen on more than 30 % of them, the policy is not kept; without a kept policy for 25
  iterations the phase ends, with the policy kept last. "code" has no such check: always 20 iterations.
* When the networks stop. "code": each on its own, with its last weights. "text": all together, when none improves any
  more, and each with its best weights; every fifth fit begins anew.
* The advantages: "code" has lambda 0.95 and gamma 0.99, "text" plain sums of rewards over paths of 100 steps.
* The network of a step: "code" draws one for all paths of a seed, "text" one for each path.
* The first transitions: of uniform actions ("code"), or of the initial policy.

As in both: the policy's deviation is set back before every phase; imagined paths start where the task's episodes start
(the codes reset the real environment and do not count these resets); the value after a path's last step is 0, whatever
ended it; the baseline is linear and one iteration old.

Not as in the codes: an epoch includes its last, smaller minibatch; the initial policy belongs to the seed; the
baseline's ridge is relative to the mean of the squared features, not to their sum; divergences are a mean over a
batch's steps ("code" divides by 50,000, also on the swimmer, where a batch has 60,000). In "text": no noise on
parameters and no further noise on actions; errors of networks count in deviations; other validation starts; a fit is
validated first after its first epoch, which counts as its first best (the code's first best are the weights before the
fit, and it validates after passes 5, 10, ...).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import torch
from torch import Tensor

from svgbench.baselines.on_policy import _linear_baseline as linear
from svgbench.baselines.on_policy._parts import new_policy
from svgbench.baselines.on_policy._trust_region_step import trust_region_step
from svgbench.learners.costs import MS_PER_CALL, passes, stepping
from svgbench.learners.inside_model import InsideModelLearner, Rounds, returns_on_members
from svgbench.learners.limits import FISHER_RULES
from svgbench.learners.limits import StepLimits as Limits
from svgbench.learners.on_policy import PolicyAgent
from svgbench.learners.settings import settings
from svgbench.memory.replay import RowLayout
from svgbench.models.ensemble_fit import EnsembleFit, FitSettings, Split
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.models.learned_simulation import LearnedTask
from svgbench.models.stopping import NoneImproves, NoNewBest, StoppingRule
from svgbench.nn.initialise import glorot_uniform_
from svgbench.nn.returns import centred, generalized_advantages
from svgbench.nn.scaling import ObservationScaling
from svgbench.nn.streams import Streams
from svgbench.ranges import (
    Activation,
    Count,
    Natural,
    NonNegative,
    Positive,
    PositiveShare,
    Precision,
    Range,
    Share,
    Widths,
)
from svgbench.simulate.batch import Batch
from svgbench.simulate.paths import Rollouts, Sampling
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 2  # 1 dropped what a fit had learned since its last validation when a limit ended it


@dataclass(frozen=True)
class Config:
    """Source: "code" for hopper, with other tasks' values in brackets; else our choice."""

    real_paths: Count = 6  # of a collection
    real_path_length: Count = 1000  # steps
    random_start: bool = True  # the first collection takes uniform actions, not the policy's

    members: Count = 5  # networks of a seed's ensemble (walker2d: 1)
    model_hidden: Widths = (1000, 1000, 1000, 1000)  # units of every network (ant: two layers)
    model_activation: Activation = "relu"
    model_lr: NonNegative = 1e-3  # Adam
    model_batch: Count = 1000  # transitions of a minibatch, for each network
    model_decay: NonNegative = 1.0  # weight decay of hidden layers, over the number of training transitions
    model_holdout: Annotated[float, Range(above=0, below=1)] = 0.3333333333333333  # share of each collection
    validate_every: Count = 5  # epochs
    model_patience: Count = 20  # epochs without a new best validation error, after which networks stop
    networks_stop: Literal["each", "together"] = "each"  # with last weights, or with best ones; see above
    max_epochs: Natural = 200  # of a fit; 0: no limit
    max_minibatches: Natural = 0  # of a fit, after which no epoch begins; 0: no limit
    renew_every: Natural = 0  # fits, after which networks begin with new weights; 0: never
    fresh_adam: bool = False  # whether a fit begins with new moments of Adam
    clip_obs: Positive = 1e5  # bound of predicted observations
    minibatches_per_slice: Count = 50  # does not affect the results

    hidden: Widths = (64, 64)  # units of the policy (swimmer, cheetah, ant: (32, 32))
    activation: Literal["tanh", "softplus"] = "tanh"
    init_std: Positive = 1.0  # of actions, in half control ranges; set back before every phase
    output_gain: NonNegative = 0.01  # norm of an output's weights at the start; hidden ones have 1

    member_of: Literal["step", "row"] = "step"  # a network for each step, or for each step of each path
    iterations: Count = 20  # of TRPO in a phase, at most
    policy_stops: Literal["never", "by the networks"] = "never"  # before its last iteration; see above
    check_every: Count = 5  # iterations between two trials of the policy on every network (text)
    check_starts: Count = 50  # paths of a trial on each network (our choice)
    worse_share: Share = 0.3  # a policy that is worse on a larger share of the networks is not kept (text)
    policy_patience: Count = 25  # iterations without a policy to keep, after which the phase ends (text)
    simulations: Count = 50  # imagined paths at once (swimmer: 100)
    timesteps: Natural = 50_000  # of a batch; 0: one path in each simulation; else paths until at least this many
    path_length: Count = 1000  # steps of an imagined path (swimmer: 200)
    noise_steps: Count = 50  # control steps per slice; noise is drawn by slices, so this is part of the numbers
    gamma: Share = 0.99
    gae_lambda: Share = 0.95  # (ant: 0.97)
    ridge: Positive = 1e-5  # of the linear baseline, in mean squared features
    standardise: bool = True  # advantages over their deviation
    max_kl: Positive = 0.01  # nats
    fisher_fraction: PositiveShare = 1.0  # of the data
    cg_iterations: Count = 10
    cg_damping: NonNegative = 0.1
    min_multiplier: NonNegative = 0.0  # floor of 1 / beta
    backtracks: Count = 10  # step lengths tried
    backtrack_factor: Annotated[float, Range(above=0, below=1)] = 0.5
    accept_ratio: Share = 0.1  # of the gain that a linear objective would give
    kl_barrier: NonNegative = 0.0  # a step may reach this multiple of max_kl; 0: it is not checked
    l2: NonNegative = 0.0  # penalty on the policy's parameters' squares

    eval_episodes: Count = 10  # after each collection
    dtype: Precision = "float32"


RULES = {
    **FISHER_RULES,
    "timesteps == 0 or timesteps >= simulations": "each simulation takes a step",
    "real_path_length <= horizon": "a path ends with the task's episode",
    "total_steps % real_path_length == 0": "real paths are whole",
    "total_steps > real_paths * real_path_length": "the first collection only trains the first model",
    "real_path_length * model_holdout >= 1": "each collection must hold some transitions out",
    "model_patience % validate_every == 0": "networks stop after a validation",
}
PROFILES: dict[str, dict[str, Any]] = {
    "code": {},
    "text": {
        "real_paths": 30,
        "real_path_length": 100,
        "random_start": False,
        "model_hidden": (1024, 1024),
        "model_decay": 0.0,
        "model_patience": 25,
        "networks_stop": "together",
        "max_epochs": 2000,
        "renew_every": 5,
        "fresh_adam": True,
        "hidden": (32, 32),
        "member_of": "row",
        "iterations": 400,
        "policy_stops": "by the networks",
        "simulations": 100,
        "path_length": 100,
        "gamma": 1.0,
        "gae_lambda": 1.0,
        "cg_damping": 1e-5,
        "backtracks": 15,
        "backtrack_factor": 0.8,
        "accept_ratio": 0.0,
        "kl_barrier": 1.0,
    },
}


def split_by_collection(c: Config, streams: Streams, rows: int, members: int) -> Split:
    """The last share of each collection is held out, so whole paths. All networks share this split."""
    size = c.real_paths * c.real_path_length
    order = torch.arange(rows, device=streams.device)
    left = torch.tensor([min(size, rows - first) for first in range(0, rows, size)], device=streams.device)
    trained = (left * (1 - c.model_holdout)).round()
    learns = order % size < trained.repeat_interleave(left)
    own, held = (order[which].expand(len(streams), 1, -1) for which in (learns, ~learns))
    return Split(own, own.expand(-1, members, -1), held)


def fit_settings(c: Config) -> FitSettings:
    """Eq. (2): squared errors of the change of the observation, in deviations."""
    patience = c.model_patience // c.validate_every

    def rule(active: Tensor) -> StoppingRule:
        if c.networks_stop == "each":
            return NoNewBest(active, c.members, patience=patience)
        return NoneImproves(active, c.members, min_gain=0.0, patience=patience - 1)

    return FitSettings(
        split=partial(split_by_collection, c), rule=rule, batch=c.model_batch, lr=c.model_lr,
        decay=(*(c.model_decay for _ in c.model_hidden), 0.0), decay_over_rows=True, bounds_penalty=0.0,
        max_epochs=c.max_epochs, max_minibatches=c.max_minibatches, elites=c.members, learns_reward=False,
        learned_by="error", validate_every=c.validate_every,
    )  # fmt: skip


class Validation:
    """The policies that a phase keeps, and when it ends ("until the performances stop improving").

    theta [S, P], returns [S, E]: of the policy kept last, at first the one before the phase. at [S]: its iteration.
    """

    def __init__(self, worse_share: float, patience: int, theta: Tensor, returns: Tensor, at: Tensor) -> None:
        self.worse_share, self.patience = worse_share, patience
        self.theta, self.returns, self.at = theta.clone(), returns, at

    def update(self, iteration: int, theta: Tensor, returns: Tensor) -> Tensor:
        """Judge the policies after an iteration. Returns whether the phase goes on, bool [S]."""
        worse = (~(returns >= self.returns)).double().mean(1)  # NaN counts as worse
        keep = worse <= self.worse_share
        self.theta = torch.where(keep[:, None], theta, self.theta)
        self.returns = torch.where(keep[:, None], returns, self.returns)
        self.at = torch.where(keep, iteration, self.at)
        return iteration - self.at < self.patience


class METRPO(PolicyAgent):
    """`svgbench.learners.inside_model.InsideModelAgent`: policies, baselines and ensembles of S seeds."""

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], device: str) -> None:
        c, self.task, self.seeds, n, m = config, task, list(seeds), task.observation_dim, task.action_dim
        self.config, dtype = c, getattr(torch, c.dtype)
        super().__init__(*new_policy(c, task, seeds, device))
        self.baseline = linear.none_yet(len(self.seeds), n, device)
        self.model = GaussianEnsemble(
            Streams(seeds, "model", device), n + m, n,
            hidden=c.model_hidden, activation=c.model_activation, members=c.members,
            log_var_bounds=(-1.0, 1.0), scaled_outputs=True, dtype=dtype,
        )  # fmt: skip
        glorot_uniform_(self.model.net, Streams(seeds, "networks-0", device))
        self.fit = EnsembleFit(self.model, RowLayout(n, m), fit_settings(c), seeds)
        self.learns = torch.ones(len(self.seeds), dtype=torch.bool, device=device)
        starts = task.simulate(seeds, c.check_starts, "check") if c.policy_stops != "never" else None
        self.starts = None if starts is None else starts.observe().reshape(len(self.seeds), c.check_starts, n)
        self.validation: Validation | None = None

    def inside(self) -> LearnedTask:
        """The model as a task."""
        c = self.config
        return LearnedTask(
            task=self.task, model=self.model, model_seeds=self.seeds, horizon=c.path_length, member_of=c.member_of,
            noise=False, learned_reward=False, clip_rewarded_actions=True, observation_limit=c.clip_obs,
        )  # fmt: skip

    def begin_fit(self, number: int) -> None:
        """Renew what the config says."""
        c = self.config
        if c.renew_every and number and number % c.renew_every == 0:
            glorot_uniform_(self.model.net, Streams(self.seeds, f"networks-{number}", self.theta.device))
        if c.fresh_adam:
            self.fit.adam.forget()

    def fit_share(self) -> float:
        each = -(-self.fit.rows_learned // self.config.model_batch)
        return min(1.0, self.fit.minibatches / usual_minibatches(self.config, each))

    def begin_phase(self, alive: Tensor) -> None:
        """Set the deviations back, and try the policies."""
        self.learns = alive.clone()
        self.theta = self.theta.clone()
        self.theta[:, -self.policy.A :] = math.log(self.config.init_std)
        if self.starts is not None:
            c, at = self.config, torch.zeros(len(self.theta), dtype=torch.int64, device=self.theta.device)
            self.validation = Validation(c.worse_share, c.policy_patience, self.theta, self._returns(), at)

    def _returns(self) -> Tensor:
        c, starts = self.config, self.starts
        assert starts is not None
        how = self.model, self.task, starts, c.path_length, c.clip_obs
        return returns_on_members(self.snapshot(), *how).to(self.theta.device)

    def update(self, batch: Batch) -> Mapping[str, Tensor]:
        """TRPO's step on imagined paths, and then the baseline; only where `learns`."""
        c, on = self.config, self.learns[:, None]
        value = linear.values(self.baseline, batch)
        paths = (batch.reward, value, batch.ended, torch.zeros_like(value), c.gamma)
        advantage = generalized_advantages(*paths, c.gae_lambda)
        theta, learned = trust_region_step(self.policy, self.theta, batch, centred(advantage, batch.used), c)
        self.theta = torch.where(on, theta, self.theta)
        self.baseline = torch.where(on, linear.fitted(batch, value + advantage, c.ridge), self.baseline)
        return learned

    def inspect(self, iteration: int) -> None:
        """Every few iterations: try the policies on every network, and stop where none has been worth keeping."""
        if self.validation is not None and iteration % self.config.check_every == 0:
            goes_on = self.validation.update(iteration, self.theta, self._returns())
            self.learns = self.learns & goes_on

    def end_phase(self) -> None:
        """Return to the policies kept last."""
        if self.validation is not None:
            self.theta = self.validation.theta
            self.validation = None

    def state_dict(self) -> dict[str, Any]:
        now = self.validation
        return {
            **super().state_dict(),
            "baseline": self.baseline,
            "model": self.model.state_dict(),
            "fit": self.fit.state_dict(),
            "learns": self.learns.clone(),
            "validation": [] if now is None else [now.theta, now.returns, now.at],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        device, c = self.theta.device, self.config
        self.baseline, self.learns = (state[name].to(device).clone() for name in ("baseline", "learns"))
        self.model.load_state_dict(state["model"])
        self.fit.load_state_dict(state["fit"])
        now = [value.to(device).clone() for value in state["validation"]]
        self.validation = Validation(c.worse_share, c.policy_patience, *now) if now else None


USUAL_EPOCHS = 60  # of a fit that no limit ends


def usual_minibatches(c: Config, each: int) -> int:
    """The approximate number of minibatches of a fit with `each` in an epoch."""
    epochs = min(c.max_epochs or USUAL_EPOCHS, USUAL_EPOCHS)
    return max(1, min(epochs * each, c.max_minibatches or epochs * each))


def sampling(c: Config) -> Sampling:
    """Of imagined paths."""
    kind = "timesteps" if c.timesteps else "paths"
    return Sampling(kind, c.simulations, c.timesteps, c.path_length, steps_per_slice=c.noise_steps)


def costs(c: Config, task: Task, S: int, total_steps: int) -> Sequence[tuple[float, float]]:
    """Approximate milliseconds of one core of each fit, and of the phase after it."""
    n, m, each = task.observation_dim, task.action_dim, c.real_paths * c.real_path_length
    network, steps = (n + m, *c.model_hidden, n), sampling(c).on(c.path_length).full_steps
    acting = passes((n, *c.hidden, m), steps * (8 + 3 * c.cg_iterations * c.fisher_fraction))
    batch = passes(network, steps) + acting + MS_PER_CALL * 60 * steps / c.simulations
    found = []
    for rows in range(each, total_steps, each):
        minibatches = usual_minibatches(c, -(-round(rows * (1 - c.model_holdout)) // c.model_batch))
        learning = passes(network, 3 * c.members * c.model_batch * minibatches)
        found.append((S * learning, S * c.iterations * batch))
    return found


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Approximate milliseconds of one core for a whole block."""
    c, S, total_steps = settings(Config, config), len(seeds), int(limits["total_steps"])
    found = costs(c, task, S, total_steps)
    tried = c.eval_episodes * task.horizon * len(found)
    return sum(map(sum, found)) + S * stepping(task, total_steps + tried)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `total_steps`, real transitions, those of the first collection among them.

    Raises ValueError for a task without a reward function or without a termination function.
    """
    c, total_steps = settings(Config, config), int(limits["total_steps"])
    agent = METRPO(c, task, seeds, device)
    inside = agent.inside()
    scaling = ObservationScaling("none", inside, seeds, 0.0)
    rollouts = Rollouts(inside, seeds, sampling(c), scaling, getattr(torch, c.dtype), device)
    plan = Rounds(
        total_steps, c.real_paths, c.real_path_length, c.random_start, c.iterations, c.eval_episodes,
        c.minibatches_per_slice, c.noise_steps, costs(c, task, len(seeds), total_steps),
        len(seeds) * stepping(task, 1),
    )  # fmt: skip
    return InsideModelLearner(agent, rollouts, task, plan)
