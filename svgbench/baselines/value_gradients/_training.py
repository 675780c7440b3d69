"""Steps that several algorithms of Heess et al. 2015 take after each round of episodes."""

from __future__ import annotations

import torch
from torch import Tensor

from svgbench.baselines.value_gradients._config import ModelSettings
from svgbench.baselines.value_gradients._policy import FixedStdPolicy
from svgbench.memory.database import Database, Transitions
from svgbench.memory.statistics import StateStatistics
from svgbench.models.change_model import ChangeModel
from svgbench.nn.streams import Streams
from svgbench.simulate.episodes import Episodes

AHEAD = 50  # minibatches of the model that are drawn at once


def transitions(episodes: Episodes, policy: FixedStdPolicy) -> Transitions:
    """All steps of the episodes in order of time, [S, T * N], with log-probabilities of the policy as it is now."""
    s, a, change, r, terminal = (
        x.flatten(1, 2) for x in (episodes.s, episodes.a, episodes.change, episodes.r, episodes.terminated)
    )
    return Transitions(s, a, change, r, terminal.to(r.dtype), policy.log_prob(policy.mean(s), a))


def insert(episodes: Episodes, policy: FixedStdPolicy, database: Database, statistics: StateStatistics) -> None:
    """Insert new episodes into D, with the log-probabilities of the policy that acted.

    The statistics take them in, but they start to scale inputs only at `statistics.renew`, after training. So the
    policy is trained with the scales that it acted with, and importance weights of its own steps start at 1. The first
    episodes are an exception: before them the mean is 0 at any scale.
    """
    new, valid = transitions(episodes, policy), episodes.valid.flatten(1)
    database.add(new, valid)
    take_in(new, valid, statistics)


def take_in(new: Transitions, valid: Tensor, statistics: StateStatistics) -> None:
    """Add transitions to the statistics where valid; the first ones are used at once."""
    statistics.add(torch.cat([new.s, new.a], -1), new.change, valid)
    if not statistics.known:
        statistics.renew()


def model_error(model: ChangeModel, episodes: Episodes) -> Tensor:
    """The column `model_error` [S], of episodes that the model has not been trained on."""
    s, a, change = (x.flatten(1, 2) for x in (episodes.s, episodes.a, episodes.change))
    return model.error(s, a, change, episodes.weight)


def train_model(
    c: ModelSettings, model: ChangeModel, database: Database, streams: Streams, active: Tensor | None
) -> None:
    """Least squares on minibatches from D; sigma becomes the root of the mean squared residual."""
    residual = torch.zeros_like(model.sigma[:, 0])
    for start in range(0, c.model_updates, AHEAD):
        n = min(AHEAD, c.model_updates - start)
        rows = database.draw(streams, n * c.batch_size)
        residual += model.fit(rows.s, rows.a, rows.change, c.batch_size, active) * (n / c.model_updates)
    model.sigma.copy_(residual.sqrt()[:, None])


def policy_change(policy: FixedStdPolicy, before: Tensor, episodes: Episodes) -> Tensor:
    """The column `kl`, float64 [S]; before [S, T * N, A]: the policy's means in the episodes before its updates."""
    return (policy.kl(policy.mean(episodes.s.flatten(1, 2)), before) * episodes.weight).sum(1)
