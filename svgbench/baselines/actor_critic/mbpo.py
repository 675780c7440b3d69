"""Model-based policy optimisation: Janner et al. 2019, algorithm 2. SAC that learns mostly from imagined transitions.

Every `fit_every` environment steps: fit an ensemble of probabilistic models to all real transitions (with the loss of
Chua et al. 2018); follow the policy from replayed states for k steps of the model; store the resulting transitions in
D_model. At every environment step: `updates_per_step` updates of SAC, each on a batch of mostly imagined transitions.

"code" is jannerm/mbpo at ac694ff: mbpo/algorithms/mbpo.py, mbpo/models/bnn.py, fc.py, constructor.py, fake_env.py, and
examples/development/base.py for settings. The defaults are the code's, and those for hopper where tasks differ. The
paper's text omits most of them. As in the code:

* The model is never reset: a fit continues with the last weights and Adam's moments, on a new random split.
* A fit ends when *no* member has improved by 1 % for more than 5 epochs in a row. Each member then returns to the
  weights of its best epoch; the bounds of the log-variance are kept. The elites are the members with the lowest error.
* In each imagined step, each row draws one of the elites. When a rollout terminates, no new one takes its place.
* D_model has room for the rollouts of `retain_epochs` epochs at the present length. A change of size keeps its content.
* A time limit is not a termination.

Differences from the code that all of this project's SAC shares (`_soft_actor_critic`): a tanh keeps log_std within its
bounds (the code clips it to [-20, 2]); the networks of policy and critics have torch's initial weights; the losses of
the twin critics are summed without a factor 1/2; the temperature's loss is linear in alpha instead of log alpha. Adam
is almost insensitive to the last two. Other differences: when D_model shrinks, the newest transitions stay (the code
stops with an error), and when it grows, its transitions are ordered by age; the critics are updated before the policy
(the code computes both gradients first).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from svgbench.baselines.actor_critic import _imagined, sac
from svgbench.baselines.actor_critic import _soft_actor_critic as shared
from svgbench.baselines.actor_critic._imagined import acted_in_pieces
from svgbench.baselines.actor_critic._soft_actor_critic import RULES as SHARED_RULES
from svgbench.baselines.actor_critic._soft_actor_critic import SoftActorCritic
from svgbench.learners.draws import Draw, Draws
from svgbench.learners.limits import StepLimits as Limits
from svgbench.learners.model_based import ModelBasedLearner
from svgbench.learners.online import cost_before
from svgbench.learners.settings import settings
from svgbench.learners.task_rules import termination_rule
from svgbench.memory.experience import Experience
from svgbench.memory.imagined import ImaginedReplay, mixed_batch
from svgbench.memory.replay import RowLayout
from svgbench.models.branched import BranchedRollouts, drawn_members
from svgbench.models.ensemble_fit import EnsembleFit, FitSettings, Split, bootstrap_split
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.models.stopping import NoneImproves
from svgbench.nn.streams import Streams
from svgbench.ranges import Count, Natural, NonNegative, Share
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 1


@dataclass(frozen=True)
class Config(_imagined.Config):
    """MBPO's own settings; those shared with MAAC are in `_imagined.Config`. Some tasks have other values."""

    updates_per_step: Count = 20  # (halfcheetah: 40)
    critic_first: bool = True  # an update trains critic, then policy and temperature (our choice, see above)
    random_steps: Natural = 5000  # environment steps of uniform actions
    learning_starts: Count = 5000  # environment step, counted from 0, of the first fit, rollouts and updates

    epoch_length: Count = 1000  # environment steps of an epoch, from learning_starts
    fit_every: Count = 250  # environment steps between two fits; rollouts follow each fit
    elites: Count = 5  # members that make the rollouts
    model_decay: tuple[NonNegative, ...] = (2.5e-5, 5e-5, 7.5e-5, 7.5e-5, 1e-4)  # weight decay, layer by layer
    holdout_most: Count = 5000  # the most transitions to hold out
    min_gain: Share = 0.01  # the least improvement that counts, as a share of the best error
    patience: Natural = 5  # epochs in a row without an improvement of any member that are allowed
    retain_epochs: Count = 1  # D_model has room for the rollouts of so many epochs


RULES = {
    **SHARED_RULES,
    **_imagined.RULES,
    "len(model_decay) == len(model_hidden) + 1": "each layer needs one rate",
    "elites <= members": "the elites are some of the members",
    "epoch_length % fit_every == 0": "an epoch has a whole number of fits",
    "learning_starts * model_holdout >= 1": "at least one transition must be held out to validate a fit",
}
PROFILES: dict[str, dict[str, Any]] = {"code": {}}


def rollout_length(c: Config, step: int) -> int:
    """k, model steps of the rollouts before an environment step."""
    return _imagined.rollout_length(c, (step - c.learning_starts) // c.epoch_length)


def imagined_capacity(c: Config, length: int) -> int:
    """The capacity of D_model, in transitions, while rollouts have this length."""
    return c.retain_epochs * length * c.rollouts_per_fit * (c.epoch_length // c.fit_every)


def held_out(c: Config, rows: int) -> int:
    """How many of a fit's transitions are held out to validate it."""
    return min(int(rows * c.model_holdout), c.holdout_most)


def fit_settings(c: Config) -> FitSettings:
    def split(streams: Streams, rows: int, members: int) -> Split:
        return bootstrap_split(streams, rows, members, held_out(c, rows))

    return FitSettings(
        split=split,
        rule=partial(NoneImproves, members=c.members, min_gain=c.min_gain, patience=c.patience),
        batch=c.model_batch, lr=c.model_lr, decay=c.model_decay, bounds_penalty=c.log_var_penalty,
        max_epochs=c.max_epochs, max_minibatches=c.max_minibatches, elites=c.elites,
    )  # fmt: skip


class MBPO(SoftActorCritic):
    """`svgbench.learners.model_based.ModelBasedAgent`: SAC, ensembles and imagined transitions of S seeds."""

    config: Config

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], total_steps: int, device: str) -> None:
        super().__init__(config, task, seeds, total_steps, device, policy_steps=1)
        c, self.seeds, n, m = config, list(seeds), task.observation_dim, task.action_dim
        dtype, layout = getattr(torch, c.dtype), RowLayout(n, m)
        self.model = GaussianEnsemble(
            Streams(seeds, "model", device), n + m, 1 + n,
            hidden=c.model_hidden, activation=c.model_activation, members=c.members,
            log_var_bounds=(c.log_var_min, c.log_var_max), dtype=dtype,
        )  # fmt: skip
        self.fit = EnsembleFit(self.model, layout, fit_settings(c), seeds)
        first = imagined_capacity(c, rollout_length(c, c.learning_starts))
        self.imagined = ImaginedReplay(len(self.seeds), first, layout.width, dtype, device)
        self.rollouts: BranchedRollouts | None = None  # in progress
        self.terminates = termination_rule(task)
        self.adams += [self.fit.adam, self.fit.bounds_adam]
        self.parts |= {"model": self.model, "fit": self.fit, "imagined": self.imagined}
        U, real = c.updates_per_step, int(c.step_batch * c.real_share)
        batches = {"steps": Draw("uniform", (U, real)), "imagined": Draw("uniform", (U, c.step_batch - real))}
        self.draws = {**self.draws, **batches}
        self.learns_between = False
        self.model_from, self.model_every = c.learning_starts, c.fit_every
        self.sizes = n, m, len(self.seeds)
        self.costs = sac.step_costs(c, *self.sizes)

    def advance_model(self, step: int, experience: Experience, active: Tensor | None) -> bool:
        """Do some minibatches of the fit, or the next step of the rollouts. Returns whether the rollouts have ended."""
        replay, c = experience.replay, self.config
        length = rollout_length(c, step)
        if self.rollouts is None:
            if self.fit.name != f"fit-{step}":
                self.fit.begin(f"fit-{step}", replay.rows, replay.size, active)
            if self.fit.advance(replay.rows, c.minibatches_per_slice):
                self.last["model_loss"].copy_(self.fit.loss.gather(1, self.fit.elites).mean(1))
                self.imagined.resize(imagined_capacity(c, length))
                starts = Streams(self.seeds, f"starts-{step}", replay.rows.device)
                which = starts.uniform(c.rollouts_per_fit, dtype=torch.float64)
                self.rollouts = BranchedRollouts(experience.layout.obs(replay.sample(which)).contiguous())
            return False
        self._imagine(self.rollouts, step, experience)
        if self.rollouts.length < length and bool(self.rollouts.running.any()):
            return False
        self.rollouts = None
        return True

    def _imagine(self, rollouts: BranchedRollouts, step: int, experience: Experience) -> None:
        """Take one step of every rollout, each row with one elite, and store the transitions in D_model."""
        obs, B = rollouts.obs, self.config.rollouts_per_fit
        streams = Streams(self.seeds, f"imagine-{step}-{rollouts.length}", obs.device)
        noise = streams.normal((B, self.model.outputs + experience.layout.action_dim), dtype=obs.dtype)
        for_model, for_policy = noise.split([self.model.outputs, experience.layout.action_dim], -1)
        action = acted_in_pieces(self.actor, experience.normalise(obs), for_policy)
        member = drawn_members(streams, self.fit.elites, B)
        self.imagined.add(*rollouts.step(self.model, action, member, for_model, self.terminates))

    def model_cost(self, step: int) -> float:
        """Approximate milliseconds of one core of the fit and the rollouts before a step."""
        return model_cost(self.config, self.sizes, step)

    def model_share(self, step: int) -> float:
        """The approximate share of them that is done. The rollouts are the smaller part."""
        usual = _imagined.usual_minibatches(self.config, step, held_out(self.config, step))
        return 0.9 if self.rollouts else 0.9 * min(1.0, self.fit.minibatches / usual)

    def prepare(self, step: int, lacking: Tensor | None = None) -> int:
        """Set the step's target entropy. The phase is D_model's size, because a new size means new memory."""
        self.set_target_entropy(step)
        return self.imagined.capacity

    def update(self, phase: int, experience: Experience, draws: Draws, active: Tensor | None) -> None:
        """Do `updates_per_step` updates of SAC, each on a new batch of real and imagined transitions."""
        for u in range(self.config.updates_per_step):
            batch = mixed_batch(experience, self.imagined, draws["steps"][:, u], draws["imagined"][:, u])
            noise = draws["critic-noise"][:, u], draws["actor-noise"][:, u, 0]
            sac.update(self, batch, *noise, active, critic_first=self.config.critic_first)

    def finite(self) -> Tensor:
        """Which seeds' parameters, and all errors of their models so far, are finite, bool [S]."""
        return super().finite() & self.fit.finite

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "rollouts": self.rollouts.state_dict() if self.rollouts else {}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.rollouts = BranchedRollouts.from_state(state["rollouts"]) if state["rollouts"] else None


def model_cost(c: Config, task_sizes: tuple[int, int, int], step: int) -> float:
    """Approximate milliseconds of one core of the fit and the rollouts before a step. task_sizes: O, A and S."""
    rows, outputs = min(step, c.replay_capacity), 1 + task_sizes[0]
    made = rollout_length(c, step) * c.rollouts_per_fit
    fit = _imagined.fit_milliseconds(c, outputs, task_sizes, rows, held_out(c, rows))
    return fit + _imagined.imagining_milliseconds(c, outputs, task_sizes, made)


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Approximate milliseconds of one core for a whole block."""
    c, S, total_steps = settings(Config, config), len(seeds), int(limits["total_steps"])
    sizes = task.observation_dim, task.action_dim, S
    fits = sum(model_cost(c, sizes, step) for step in range(c.learning_starts, total_steps, c.fit_every))
    return fits + cost_before(total_steps, shared.schedule(c, total_steps), sac.step_costs(c, *sizes), S, task.horizon)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `total_steps`, environment steps, over which the target entropy changes.

    Raises ValueError for a task without a termination function, and unless `model_decay` has a rate for each layer.
    """
    c, total_steps = settings(Config, config), int(limits["total_steps"])
    agent = MBPO(c, task, seeds, total_steps, device)
    experience = shared.experience(c, task, len(seeds), total_steps, device)
    return ModelBasedLearner(agent, task, seeds, shared.schedule(c, total_steps), experience)
