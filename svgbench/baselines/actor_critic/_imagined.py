"""What MBPO and MAAC share: settings, acting at imagined states, and costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from svgbench.baselines.actor_critic import sac
from svgbench.baselines.actor_critic._soft_actor_critic import Actor
from svgbench.learners.costs import milliseconds, products
from svgbench.ranges import Activation, Count, LogScale, Natural, NonNegative, Positive, Range, Share, Widths


@dataclass(frozen=True)
class Config(sac.Config):
    """Settings that MBPO's code (jannerm/mbpo at ac694ff) and MAAC's (iclavera/meta-mb at 233e0fb) share."""

    actor_hidden: Widths = (256, 256)  # units
    critic_hidden: Widths = (256, 256)  # units
    actor_lr: NonNegative = 3e-4  # Adam
    critic_lr: NonNegative = 3e-4  # Adam
    alpha_init: Positive = 1.0
    alpha_lr: NonNegative = 3e-4  # Adam, on log alpha
    step_batch: Count = 256  # transitions, real and imagined
    averaged_target_policy: bool = False  # targets use the current policy
    normalise_obs: bool = False  # inputs of policy and critics
    eval_every: Count = 1000  # environment steps
    eval_episodes: Count = 1

    real_share: Share = 0.05  # share of a batch, rounded down: 12 of 256; 1: nothing imagined is learned from
    members: Count = 7  # networks of a seed's ensemble (MAAC: 8)
    model_hidden: Widths = (200, 200, 200, 200)  # units of every member
    model_activation: Activation = "silu"
    log_var_min: LogScale = -10.0  # initial bounds of the log-variance, which are learned
    log_var_max: LogScale = 0.5
    log_var_penalty: NonNegative = 0.01  # weight of the distance between them
    model_lr: NonNegative = 1e-3  # Adam
    model_batch: Count = 256  # transitions of a minibatch, for each member
    model_holdout: Annotated[float, Range(above=0, below=1)] = 0.2  # share held out to validate a fit
    max_epochs: Natural = 0  # per fit; 0: no limit (MAAC: 200)
    max_minibatches: Natural = 0  # per fit, after which no epoch begins; 0: no limit (the codes have none)
    rollouts_per_fit: Count = 100_000  # they start in replayed states, drawn with replacement
    rollout_length_init: Count = 1  # model steps
    rollout_length_final: Count = 15  # model steps (hopper; halfcheetah, walker2d: 1; ant: 25)
    rollout_grows_from: Natural = 20  # the last epoch with the first length
    rollout_grows_until: Count = 150  # the first epoch with the last length; linear between them, rounded down
    minibatches_per_slice: Count = 100  # minibatches of a fit per slice; does not affect the results


RULES = {
    "log_var_min < log_var_max": "the lower bound must be below the upper one",
    "rollout_grows_from < rollout_grows_until": "the length grows between these epochs",
}

ACTED_AT_ONCE = 1000  # rows whose actions are computed together, so that a layer's values fit in the cache


def rollout_length(c: Config, epoch: int) -> int:
    """Model steps of the rollouts in an epoch, counted from 0."""
    grown = (epoch - c.rollout_grows_from) / (c.rollout_grows_until - c.rollout_grows_from)
    first, last = c.rollout_length_init, c.rollout_length_final
    return int(first + min(max(grown, 0.0), 1.0) * (last - first))


@torch.no_grad()
def acted_in_pieces(actor: Actor, x: Tensor, noise: Tensor) -> Tensor:
    """Exploring actions [S, B, A] at many rows x [S, B, O]; standard normal noise [S, B, A]."""
    pieces = zip(x.split(ACTED_AT_ONCE, 1), noise.split(ACTED_AT_ONCE, 1), strict=True)
    return torch.cat([actor.sample(rows, unit)[0] for rows, unit in pieces], 1)


USUAL_EPOCHS = 40  # of a fit without a limit; 8 to 94 were measured


def usual_minibatches(c: Config, rows: int, held: int) -> int:
    """The approximate number of minibatches of a fit to `rows` transitions, of which `held` validate it."""
    epochs, each = min(c.max_epochs or USUAL_EPOCHS, USUAL_EPOCHS), -(-(rows - held) // c.model_batch)
    return min(epochs * each, c.max_minibatches or epochs * each)


def fit_milliseconds(c: Config, outputs: int, task_sizes: tuple[int, int, int], rows: int, held: int) -> float:
    """Approximate milliseconds of one core of a fit.

    outputs: of the model. task_sizes: O, A and S. rows, held: as in `usual_minibatches`.
    """
    obs_dim, action_dim, S = task_sizes
    layers = products((obs_dim + action_dim, *c.model_hidden, 2 * outputs))
    minibatches = usual_minibatches(c, rows, held)
    learning = c.members * layers * (minibatches * c.model_batch * 3 + minibatches / c.model_batch * held)
    return milliseconds(S * learning, minibatches * (60 + 25 * len(c.model_hidden)))


def imagining_milliseconds(c: Config, outputs: int, task_sizes: tuple[int, int, int], made: int) -> float:
    """Approximate milliseconds of one core to imagine `made` transitions for each seed."""
    obs_dim, action_dim, S = task_sizes
    layers = products((obs_dim + action_dim, *c.model_hidden, 2 * outputs))
    acting = products((obs_dim, *c.actor_hidden, 2 * action_dim))
    return milliseconds(S * made * (layers + acting), made * S / 50)
