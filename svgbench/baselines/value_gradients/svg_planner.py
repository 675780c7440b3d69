"""The planner that Heess et al. 2015 compare SVG(inf) with (section 6.1, Figure 2 left).

"An otherwise identical" algorithm: after every episode the same model is trained on the same D, and the policy takes
one gradient step by the same recursions (9) and (10), but along a trajectory that the learned model imagines,
"by running the policy in loop with a model while sampling the associated noise variables" (section 4.1):

    a_t = mu(s_t) + sigma eta_t,    s_{t+1} = s_t + f(s_t, a_t) + sigma_f xi_t,    eta, xi ~ N(0, I)

with the standard deviations sigma_f that the model has learned (appendix C). One trajectory is imagined for each real
episode, from its first state to the task's time limit: the model does not know where an episode would terminate. The
other real states are not used for the gradient. The gradient is again a sum from the first step, with v' = 0 after the
last (footnote 3), and is clipped to V_max.

Profile: "text" only; the code is unpublished. What the text leaves open is chosen as for SVG(inf).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from svgbench.baselines.value_gradients._config import ModelSettings
from svgbench.baselines.value_gradients._costs import block_work
from svgbench.baselines.value_gradients._parts import (
    AgentSetup,
    episodic_learner,
    new_database,
    new_model,
    new_policy,
    new_statistics,
)
from svgbench.baselines.value_gradients._recursion import ascend_trajectories, backward, derivatives_at
from svgbench.baselines.value_gradients._training import insert, model_error, policy_change, train_model
from svgbench.learners.episodic import Kept, SeedNetwork, Stage
from svgbench.learners.limits import EPISODE_RULES
from svgbench.learners.limits import EpisodeLimits as Limits
from svgbench.ranges import NonNegative
from svgbench.simulate.acting import ActionUnits
from svgbench.simulate.episodes import Episodes
from svgbench.words.learner import Learner
from svgbench.words.task import StateRewardTask

VERSION = 2  # 1 kept the first episode's scales


@dataclass(frozen=True)
class Config(ModelSettings):
    """Every other field and its source: `_config`."""

    policy_lr: NonNegative = 1e-3  # Adam (D)


RULES = EPISODE_RULES
PROFILES: dict[str, dict[str, Any]] = {"text": {}}


class Planner:
    """Algorithm 1 along imagined trajectories, for S seeds: `svgbench.learners.episodic.EpisodicAgent`.

    most: the transitions that a seed can make in a run.
    """

    def __init__(self, config: Config, task: StateRewardTask, seeds: Sequence[int], most: int, device: str) -> None:
        c, setup = config, AgentSetup(seeds, task, device)
        self.config, self.task, self.units = config, task, ActionUnits(task)
        self.statistics = new_statistics(c, setup)
        self.database = new_database(c, setup, most)  # line 1
        self.policy = new_policy(c, setup, self.statistics)
        self.model = new_model(c, setup, self.statistics)
        self.streams = {name: setup.stream(name) for name in ("model-batches", "imagined")}
        self.learned: Mapping[str, SeedNetwork] = {"policy": self.policy, "model": self.model}
        self.kept: Mapping[str, Kept] = {"statistics": self.statistics, "database": self.database, **self.streams}
        self.stages: Mapping[str, Stage] = {
            "model": self.train_model,  # line 7
            "policy": self.train_policy,  # lines 8 to 15
        }

    def insert(self, episodes: Episodes) -> Mapping[str, Tensor]:
        """Line 5. Before it, how well the model predicts the new episodes."""
        errors = {"model_error": model_error(self.model, episodes)}
        insert(episodes, self.policy, self.database, self.statistics)
        return errors

    def train_model(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """Line 7."""
        train_model(self.config, self.model, self.database, self.streams["model-batches"], active)
        return {}

    def train_policy(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """Lines 8 to 15, at imagined (s, a, s') in place of the real ones of line 11."""
        policy = self.policy
        before = policy.mean(episodes.s.flatten(1, 2))
        s, a = self.imagine(episodes.s[:, 0])
        valid = torch.ones(s.shape[:3], dtype=torch.bool, device=s.device)
        v_end = torch.zeros_like(s)  # lines 8, 9
        at = derivatives_at(self.units, policy, self.model)
        u = backward(at, s, a, valid, v_end, self.config.gamma)  # lines 10 to 14
        norm = ascend_trajectories(policy, s, u, active)  # line 15
        return {"grad_norm": norm, "kl": policy_change(policy, before, episodes)}

    def imagine(self, start: Tensor) -> tuple[Tensor, Tensor]:
        """Trajectories s [S, T, N, O], a [S, T, N, A] of the model from start [S, N, O]."""
        T, N = self.task.horizon, start.shape[1]
        O, A = self.task.observation_dim, self.task.action_dim  # noqa: E741  # axis letters
        noise = self.streams["imagined"].normal((T, N, O + A), start.dtype)
        s, states, actions = start, [], []
        for t in range(T):
            xi, eta = noise[:, t].split([O, A], -1)
            a = self.policy.mean(s) + self.policy.std * eta
            states.append(s)
            actions.append(a)
            s = s + self.model.sample_change(s, a, xi)
        return torch.stack(states, 1), torch.stack(actions, 1)

    def renew(self) -> None:
        self.statistics.renew()


def estimated_work(config: Mapping[str, Any], task: StateRewardTask, seeds: Sequence[int], limits: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no episode ends early, roughly."""
    c, S, episodes = Config(**config), len(seeds), int(limits["episodes"])
    return block_work(c, task, S, episodes, trajectories="imagined")


def make(
    config: Mapping[str, Any], task: StateRewardTask, seeds: Sequence[int], limits: Limits, device: str
) -> Learner:
    """The learner of a block. limits: `episodes` of each seed. The task's reward is a function of s and a."""
    c, most = Config(**config), int(limits["episodes"]) * task.horizon
    return episodic_learner(Planner(c, task, seeds, most, device), c, task, seeds, limits, device)
