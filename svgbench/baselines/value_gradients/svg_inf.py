"""SVG(inf), Algorithm 1 of Heess et al. 2015 (sections 4.1 and 4.2): value gradients along real trajectories.

After every episode the model is trained on minibatches from D, and then the policy takes one gradient step along the
episode that was just seen, by the recursions

    v_s     = r_s + r_a pi_s + gamma v'_{s'} (f_s + f_a pi_s)                (9)
    v_theta = r_a pi_theta + gamma (v'_{s'} f_a pi_theta + v'_theta)          (10)

backward from its end (`_recursion` has both). Next states are the real ones: the model gives Jacobians and never a
prediction. Line 11 infers the noise xi = s' - f(s, a) and eta = (a - mu(s)) / sigma that made the real transition. It
costs nothing here: both standard deviations are constants, and no Jacobian depends on noise that is added (section
4.1). The noise enters only through the place of the next derivatives, the real s'.

An update is on-policy and made once. v_theta is a sum over the episode, discounted to its first step as in eq. (10);
with N > 1 episodes at once it is their mean. The gradient is clipped to V_max (appendix D).

At the end of an episode v' = 0, so the last step contributes r_s + r_a pi_s (footnote 3), whether it terminated or the
time limit cut it: the objective is the finite sum. With `value_at_end` the recursion starts from V_s instead where the
time limit cut the episode, "to approximate the infinite-horizon policy gradient" (section 4.3). V is then trained by
Algorithm 4 between model and policy.

Profile: "text" only. The code of 2015 is unpublished, and facebookresearch/svg is of another algorithm. What the text
leaves open is at the fields (`_config`): optimiser (Adam), rates, numbers of updates, minibatches, D's size, how inputs
are scaled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from svgbench.baselines.value_gradients._config import ModelSettings, StateValueSettings
from svgbench.baselines.value_gradients._costs import block_work
from svgbench.baselines.value_gradients._fitted_value import fit_state_value, state_value_error
from svgbench.baselines.value_gradients._parts import (
    AgentSetup,
    episodic_learner,
    new_critic,
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
class Config(StateValueSettings, ModelSettings):
    """Every other field and its source: `_config`. Those of the critic count with `value_at_end` only."""

    policy_lr: NonNegative = 1e-3  # Adam (D)
    value_at_end: bool = False  # V where a time limit cut an episode, else 0 (footnote 3)


RULES = EPISODE_RULES
PROFILES: dict[str, dict[str, Any]] = {"text": {}}


class SVGInf:
    """Algorithm 1 for S seeds: `svgbench.learners.episodic.EpisodicAgent`, which runs lines 2 to 4.

    most: the transitions that a seed can make in a run. critic: None without `value_at_end`.
    """

    def __init__(self, config: Config, task: StateRewardTask, seeds: Sequence[int], most: int, device: str) -> None:
        c, setup = config, AgentSetup(seeds, task, device)
        self.config, self.task, self.units = config, task, ActionUnits(task)
        self.statistics = new_statistics(c, setup)
        self.database = new_database(c, setup, most)  # line 1
        self.policy = new_policy(c, setup, self.statistics)
        self.model = new_model(c, setup, self.statistics)
        self.critic = new_critic(c, setup, self.statistics, task.observation_dim) if c.value_at_end else None
        self.streams = {name: setup.stream(name) for name in ("model-batches", "value-batches")}
        self.learned: dict[str, SeedNetwork] = {"policy": self.policy, "model": self.model}
        self.kept: Mapping[str, Kept] = {"statistics": self.statistics, "database": self.database, **self.streams}
        self.stages: dict[str, Stage] = {"model": self.train_model}  # line 7
        if self.critic:
            self.learned["critic"] = self.critic
            self.stages["value"] = self.train_value  # section 4.3
        self.stages["policy"] = self.train_policy  # lines 8 to 15

    def insert(self, episodes: Episodes) -> Mapping[str, Tensor]:
        """Line 5. Before it, how well model and critic predict the new episodes."""
        errors = {"model_error": model_error(self.model, episodes)}
        if self.critic:
            errors["value_error"] = state_value_error(self.critic, episodes, self.config.gamma)
        insert(episodes, self.policy, self.database, self.statistics)
        return errors

    def train_model(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """Line 7."""
        train_model(self.config, self.model, self.database, self.streams["model-batches"], active)
        return {}

    def train_value(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """Algorithm 4, with `value_at_end`."""
        assert self.critic is not None, "a stage only with a critic"
        fit_state_value(self.config, self.critic, self.policy, self.database, self.streams["value-batches"], active)
        return {}

    def train_policy(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """Lines 8 to 15."""
        policy = self.policy
        before = policy.mean(episodes.s.flatten(1, 2))
        v_end = self.value_slope_at_end(episodes)  # lines 8, 9
        at = derivatives_at(self.units, policy, self.model)
        u = backward(at, episodes.s, episodes.a, episodes.valid, v_end, self.config.gamma)  # lines 10 to 14
        norm = ascend_trajectories(policy, episodes.s, u, active)  # line 15
        return {"grad_norm": norm, "kl": policy_change(policy, before, episodes)}

    def value_slope_at_end(self, episodes: Episodes) -> Tensor:
        """v'_{s'} after an episode's last step, [S, T, N, O]; zero elsewhere, and everywhere without a critic."""
        if not self.critic:
            return torch.zeros_like(episodes.s)
        next_s = episodes.s + episodes.change
        slope = self.critic.slope(next_s.flatten(1, 2)).view(next_s.shape)
        cut = episodes.ended & ~episodes.terminated
        return torch.where(cut.unsqueeze(-1), slope, 0.0)

    def renew(self) -> None:
        self.statistics.renew()


def estimated_work(config: Mapping[str, Any], task: StateRewardTask, seeds: Sequence[int], limits: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no episode ends early, roughly."""
    c, S, episodes = Config(**config), len(seeds), int(limits["episodes"])
    inputs = task.observation_dim if c.value_at_end else 0
    return block_work(c, task, S, episodes, critic_inputs=inputs, trajectories="real")


def make(
    config: Mapping[str, Any], task: StateRewardTask, seeds: Sequence[int], limits: Limits, device: str
) -> Learner:
    """The learner of a block. limits: `episodes` of each seed. The task's reward is a function of s and a."""
    c, most = Config(**config), int(limits["episodes"]) * task.horizon
    return episodic_learner(SVGInf(c, task, seeds, most, device), c, task, seeds, limits, device)
