"""What soft actor-critic with a probabilistic ensemble has, whatever it uses its model for: MBPO and MAAC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor

from svgbench.baselines.actor_critic import sac
from svgbench.baselines.actor_critic._soft_actor_critic import Actor
from svgbench.learners.costs import milliseconds, products
from svgbench.models.branched import Rewards, Terminates
from svgbench.ranges import Activation, Count, LogScale, Natural, NonNegative, Positive, Range, Widths
from svgbench.simulate.acting import ActionUnits
from svgbench.words.task import Task


@dataclass(frozen=True)
class Config(sac.Config):
    """Settings that the codes of MBPO (jannerm/mbpo at ac694ff) and MAAC (iclavera/meta-mb at 233e0fb) have alike."""

    actor_hidden: Widths = (256, 256)  # units
    critic_hidden: Widths = (256, 256)  # units
    actor_lr: NonNegative = 3e-4  # Adam
    critic_lr: NonNegative = 3e-4  # Adam
    alpha_init: Positive = 1.0
    alpha_lr: NonNegative = 3e-4  # Adam, on log alpha
    step_batch: Count = 256  # transitions, real and imagined
    averaged_target_policy: bool = False  # targets are of the current policy
    normalise_obs: bool = False  # of policy and critics
    eval_every: Count = 1000  # environment steps
    eval_episodes: Count = 1

    real_share: Annotated[float, Range(0, below=1)] = 0.05  # of a batch, rounded down: 12 of 256
    members: Count = 7  # networks of a seed's ensemble (MAAC: 8)
    model_hidden: Widths = (200, 200, 200, 200)  # units of every member
    model_activation: Activation = "silu"
    log_var_min: LogScale = -10.0  # where the learned bounds of the log-variance start
    log_var_max: LogScale = 0.5
    log_var_penalty: NonNegative = 0.01  # of how far they lie apart
    model_lr: NonNegative = 1e-3  # Adam
    model_batch: Count = 256  # transitions of a minibatch, for each member
    model_holdout: Annotated[float, Range(above=0, below=1)] = 0.2  # share of the transitions that validate a fit
    max_epochs: Natural = 0  # of a fit; 0: no cap (MAAC: 200)
    max_minibatches: Natural = 0  # of a fit, after which no epoch begins; 0: no cap (the codes have none)
    rollouts_per_fit: Count = 100_000  # imagined from replayed states, drawn with replacement
    rollout_length_init: Count = 1  # model steps
    rollout_length_final: Count = 15  # model steps (hopper; halfcheetah, walker2d: 1; ant: 25)
    rollout_grows_from: Natural = 20  # the last epoch of the first length
    rollout_grows_until: Count = 150  # the epoch of the last; linear between them, rounded down
    minibatches_per_slice: Count = 100  # of a fit, per slice; no part of the numbers


RULES = {
    "log_var_min < log_var_max": "they are bounds",
    "rollout_grows_from < rollout_grows_until": "the length grows between them",
}

ACTED_AT_ONCE = 1000  # imagined rows whose actions are computed together: a layer's values fit the cache


def rollout_length(c: Config, epoch: int) -> int:
    """Model steps of the rollouts that are made in an epoch, counted from 0."""
    grown = (epoch - c.rollout_grows_from) / (c.rollout_grows_until - c.rollout_grows_from)
    first, last = c.rollout_length_init, c.rollout_length_final
    return int(first + min(max(grown, 0.0), 1.0) * (last - first))


@torch.no_grad()
def acted_in_pieces(actor: Actor, x: Tensor, noise: Tensor) -> Tensor:
    """Exploring actions [S, B, A] at many rows x [S, B, O]; unit noise [S, B, A]."""
    pieces = zip(x.split(ACTED_AT_ONCE, 1), noise.split(ACTED_AT_ONCE, 1), strict=True)
    return torch.cat([actor.sample(rows, unit)[0] for rows, unit in pieces], 1)


def termination_rule(task: Task) -> Terminates:
    """The task's own rule, for tensors and for actions in [-1, 1]. Raises ValueError if the task states none."""
    rule, units = task.termination_function, ActionUnits(task)
    if rule is None:
        raise ValueError(f"{task.id} states no termination_function: expected one, to end imagined episodes")

    def terminates(obs: Tensor, action: Tensor, next_obs: Tensor) -> Tensor:
        before, acted, after = (x.detach().double().cpu().numpy() for x in (obs, action, next_obs))
        with np.errstate(all="ignore"):  # of a seed that has diverged
            return torch.from_numpy(np.asarray(rule(before, units(acted), after))).to(obs.device)

    return terminates


def reward_rule(task: Task) -> Rewards:
    """The task's own reward, with derivatives, for actions in [-1, 1].

    Raises ValueError if the task states none, or one that takes no tensors.
    """
    rule: Callable[..., Any] | None = task.reward_function
    if rule is None:
        raise ValueError(f"{task.id} states no reward_function: expected one, for rewards of imagined transitions")
    units = ActionUnits(task)

    def rewards(obs: Tensor, action: Tensor, next_obs: Tensor) -> Tensor:
        reward: Tensor = rule(obs, units.of_tensor(action), next_obs)
        return reward

    obs, action = torch.zeros(1, task.observation_dim), torch.zeros(1, task.action_dim)
    try:
        answers = isinstance(rewards(obs, action, obs), Tensor)
    except (TypeError, RuntimeError):
        answers = False
    if not answers:
        raise ValueError(f"{task.id} has a reward_function that takes no tensors: expected one with derivatives")
    return rewards


USUAL_EPOCHS = 40  # of a fit without a cap; measured 8 to 94


def usual_minibatches(c: Config, rows: int, held: int) -> int:
    """How many minibatches a fit to so many transitions takes, roughly, if so many of them validate it."""
    epochs, each = min(c.max_epochs or USUAL_EPOCHS, USUAL_EPOCHS), -(-(rows - held) // c.model_batch)
    return min(epochs * each, c.max_minibatches or epochs * each)


def fit_milliseconds(c: Config, outputs: int, task_sizes: tuple[int, int, int], rows: int, held: int) -> float:
    """Milliseconds of one core of a fit, roughly.

    outputs: of the model. task_sizes: of observations, of actions, and S. rows, held: as `usual_minibatches`.
    """
    obs_dim, action_dim, S = task_sizes
    layers = products((obs_dim + action_dim, *c.model_hidden, 2 * outputs))
    minibatches = usual_minibatches(c, rows, held)
    learning = c.members * layers * (minibatches * c.model_batch * 3 + minibatches / c.model_batch * held)
    return milliseconds(S * learning, minibatches * (60 + 25 * len(c.model_hidden)))


def imagining_milliseconds(c: Config, outputs: int, task_sizes: tuple[int, int, int], made: int) -> float:
    """Milliseconds of one core of so many imagined transitions of each seed, roughly."""
    obs_dim, action_dim, S = task_sizes
    layers = products((obs_dim + action_dim, *c.model_hidden, 2 * outputs))
    acting = products((obs_dim, *c.actor_hidden, 2 * action_dim))
    return milliseconds(S * made * (layers + acting), made * S / 50)
