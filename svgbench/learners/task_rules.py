"""A task's rules of reward and termination, for tensors and actions in [-1, 1]: for what is imagined in a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from svgbench.models.branched import Rewards, Terminates
from svgbench.simulate.acting import ActionUnits
from svgbench.words.task import Task


def termination_rule(task: Task) -> Terminates:
    """The task's termination rule, for tensors and actions in [-1, 1]. Raises ValueError if the task has none."""
    rule, units = task.termination_function, ActionUnits(task)
    if rule is None:
        raise ValueError(f"{task.id} states no termination_function: expected one, to end imagined episodes")

    def terminates(obs: Tensor, action: Tensor, next_obs: Tensor) -> Tensor:
        before, acted, after = (x.detach().double().cpu().numpy() for x in (obs, action, next_obs))
        with np.errstate(all="ignore"):  # a seed that has diverged overflows
            return torch.from_numpy(np.asarray(rule(before, units(acted), after))).to(obs.device)

    return terminates


def reward_with_next(rewards: Rewards, components: Sequence[int], observation_dim: int) -> Rewards:
    """A reward of (s, a) in which these components of s are those of the next observation.

    Raises ValueError for a component that the observation does not have.
    """
    if not components:
        return rewards
    if max(components) >= observation_dim:
        raise ValueError(f"component {max(components)} of an observation of {observation_dim}: the first is 0")
    taken = torch.zeros(observation_dim, dtype=torch.bool)
    taken[list(components)] = True

    def with_next(obs: Tensor, action: Tensor, next_obs: Tensor) -> Tensor:
        return rewards(torch.where(taken.to(obs.device), next_obs, obs), action, next_obs)

    return with_next


def reward_rule(task: Task) -> Rewards:
    """The task's reward function, differentiable, for actions in [-1, 1].

    Raises ValueError if the task has none, or one that does not accept tensors.
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
