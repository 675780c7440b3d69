"""The parts of the algorithms of Heess et al. 2015: each is built by a function here and held by the algorithm.

All five have a policy, the database D and the statistics that scale inputs. Some have a model, some a critic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from svgbench.baselines.value_gradients._config import CriticSettings, ModelSettings, Settings
from svgbench.baselines.value_gradients._fitted_value import FittedValue
from svgbench.baselines.value_gradients._policy import FixedStdPolicy
from svgbench.learners.episodic import EpisodicAgent, EpisodicLearner
from svgbench.memory.database import Database
from svgbench.memory.statistics import StateStatistics
from svgbench.models.change_model import ChangeModel
from svgbench.models.one_network import OneNetworkModel
from svgbench.models.per_dimension import ParallelModel
from svgbench.nn.streams import Streams
from svgbench.simulate.episodes import EpisodeSampler
from svgbench.simulate.trials import trials_of
from svgbench.words.task import Task


@dataclass(frozen=True)
class AgentSetup:
    """What an agent's parts are made for: S seeds, their task, and the device of their numbers."""

    seeds: Sequence[int]
    task: Task
    device: str

    def stream(self, name: str) -> Streams:
        """A random stream of that name for each seed."""
        return Streams(list(self.seeds), name, self.device)


def dtype_of(c: Settings) -> torch.dtype:
    """The type of all networks and stored transitions."""
    found: torch.dtype = getattr(torch, c.dtype)
    return found


def new_statistics(c: Settings, setup: AgentSetup) -> StateStatistics:
    task = setup.task
    return StateStatistics(len(setup.seeds), task.observation_dim, task.action_dim, dtype_of(c), setup.device)


def new_database(c: Settings, setup: AgentSetup, most: int) -> Database:
    """D. most: the transitions that a seed can make in a run; more room than that is never needed."""
    S, task = len(setup.seeds), setup.task
    return Database(S, min(most, c.replay_size), task.observation_dim, task.action_dim, dtype_of(c), setup.device)


def new_policy(c: Settings, setup: AgentSetup, statistics: StateStatistics) -> FixedStdPolicy:
    sizes = [setup.task.observation_dim, *c.hidden, setup.task.action_dim]
    return FixedStdPolicy(
        Streams(list(setup.seeds), "policy"), statistics, sizes,
        c.policy_std, c.policy_lr, c.max_grad_norm, dtype_of(c), setup.device,
    )  # fmt: skip


def new_model(c: ModelSettings, setup: AgentSetup, statistics: StateStatistics) -> ChangeModel:
    streams, kind = Streams(list(setup.seeds), "model"), ParallelModel if c.sub_networks else OneNetworkModel
    return kind(streams, statistics, c.model_hidden, c.model_lr, dtype_of(c), setup.device)


def new_critic(c: CriticSettings, setup: AgentSetup, statistics: StateStatistics, inputs: int) -> FittedValue:
    """V or Q. inputs: the length of a state, or of a state and an action."""
    return FittedValue(
        Streams(list(setup.seeds), "value"), statistics, [inputs, *c.value_hidden, 1],
        c.value_scale, c.value_lr, c.target_period, dtype_of(c), setup.device,
    )  # fmt: skip


def episodic_learner(
    agent: EpisodicAgent, c: Settings, task: Task, seeds: Sequence[int], limits: Mapping[str, Any], device: str
) -> EpisodicLearner:
    """The learner of a block: the agent with simulations, which run on the CPU.

    limits: `episodes` of each seed, the settings of trials of the final policies (`svgbench.simulate.trials`), and
    `record_actions`.
    """
    episodes, recorded = int(limits["episodes"]), bool(limits.get("record_actions", False))
    sampler = EpisodeSampler(task, list(seeds), c.simulations, c.steps_per_slice, dtype_of(c), device)
    return EpisodicLearner(agent, sampler, episodes, trials_of(task, seeds, limits), recorded)
