"""SVG(1), Algorithm 2 of Heess et al. 2015 (section 4.3), with and without replay of the policy's updates.

    v_theta = w (r_a + gamma V_{s'} f_a) pi_theta        line 13, eq. (13)
    w = p(a | s; theta) / p(a | s; theta_k)              line 11, at most `importance_cap`

at transitions (s, a, r, s') that were really taken. V's slope is at the *real* next state. The model gives one
Jacobian, f_a at the real (s, a), and never a prediction. Line 12 infers the noise that made the transition: with
constant standard deviations no derivative depends on it (section 4.1), so there is nothing to compute.

The printed algorithm trains after every step. Here, as in appendix D, all training comes after an episode: first the
model, then V, then the K policy updates. With `replay` (SVG(1)-ER) they use D, otherwise the steps of the new episodes,
each once (`_minibatches`). The paper compares algorithms without policy replay (appendix D). theta_k are the parameters
that made the k-th action of D; its log-probability is stored with it.

kl_weight multiplies the penalty that appendix D adds "in some cases": E_s KL[pi_now || pi_start], where pi_start is the
policy at the beginning of the K updates, and s is from D, here from the minibatch. It matters with Adam. A policy that
has left the actions of D has weights near 0; Adam divides by the size of the gradient and keeps moving all the same.

At the end of an episode: after a termination V_{s'} = 0, and V's target is r. A time limit does not end the task, so
both the gradient and the target bootstrap past it: the infinite-horizon computation of section 4.3.

Profile: "text" only. The code of 2015 is unpublished, and facebookresearch/svg is of another algorithm. What the text
leaves open is at the fields (`_config`): optimiser (Adam), rates, numbers of updates, minibatches, D's size, how inputs
and V are scaled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from svgbench.baselines.value_gradients._config import MinibatchSettings, ModelSettings, StateValueSettings
from svgbench.baselines.value_gradients._costs import block_work
from svgbench.baselines.value_gradients._fitted_value import fit_state_value, state_value_error
from svgbench.baselines.value_gradients._minibatches import policy_minibatches
from svgbench.baselines.value_gradients._parts import (
    AgentSetup,
    episodic_learner,
    new_critic,
    new_database,
    new_model,
    new_policy,
    new_statistics,
)
from svgbench.baselines.value_gradients._recursion import reward_slopes
from svgbench.baselines.value_gradients._training import insert, model_error, policy_change, train_model
from svgbench.learners.episodic import Kept, SeedNetwork, Stage
from svgbench.learners.limits import EPISODE_RULES
from svgbench.learners.limits import EpisodeLimits as Limits
from svgbench.memory.database import Transitions
from svgbench.simulate.acting import ActionUnits
from svgbench.simulate.episodes import Episodes
from svgbench.words.learner import Learner
from svgbench.words.task import StateRewardTask

VERSION = 2  # 1 kept the first episode's scales


@dataclass(frozen=True)
class Config(MinibatchSettings, StateValueSettings, ModelSettings):
    """Every field and its source: `_config`."""


RULES = EPISODE_RULES
PROFILES: dict[str, dict[str, Any]] = {"text": {}}


class SVGOne:
    """Algorithm 2 for S seeds: `svgbench.learners.episodic.EpisodicAgent`, which runs lines 2 to 4.

    most: the transitions that a seed can make in a run.
    """

    def __init__(self, config: Config, task: StateRewardTask, seeds: Sequence[int], most: int, device: str) -> None:
        c, setup = config, AgentSetup(seeds, task, device)
        self.config, self.task, self.units = config, task, ActionUnits(task)
        self.statistics = new_statistics(c, setup)
        self.database = new_database(c, setup, most)  # line 1
        self.policy = new_policy(c, setup, self.statistics)
        self.model = new_model(c, setup, self.statistics)
        self.critic = new_critic(c, setup, self.statistics, task.observation_dim)
        self.streams = {name: setup.stream(name) for name in ("model-batches", "value-batches", "policy-batches")}
        self.learned: Mapping[str, SeedNetwork] = {"policy": self.policy, "model": self.model, "critic": self.critic}
        self.kept: Mapping[str, Kept] = {"statistics": self.statistics, "database": self.database, **self.streams}
        self.stages: Mapping[str, Stage] = {
            "model": self.train_model,  # line 7
            "value": self.train_value,  # line 8
            "policy": self.train_policy,  # lines 9 to 14, K times
        }

    def insert(self, episodes: Episodes) -> Mapping[str, Tensor]:
        """Line 5. Before it, how well model and critic predict the new episodes."""
        errors = {
            "model_error": model_error(self.model, episodes),
            "value_error": state_value_error(self.critic, episodes, self.config.gamma),
        }
        insert(episodes, self.policy, self.database, self.statistics)
        return errors

    def train_model(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """Line 7."""
        train_model(self.config, self.model, self.database, self.streams["model-batches"], active)
        return {}

    def train_value(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """Line 8: Algorithm 4."""
        fit_state_value(self.config, self.critic, self.policy, self.database, self.streams["value-batches"], active)
        return {}

    def train_policy(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """Lines 10 to 14, K times. All minibatches are drawn, and their value slopes computed, before the first."""
        c, policy, norms = self.config, self.policy, []
        before = policy.mean(episodes.s.flatten(1, 2))
        batches = policy_minibatches(
            c, episodes, policy, self.database, self.streams["policy-batches"], self.task.horizon
        )
        slopes = self.value_slope(batches.rows)  # they do not depend on theta
        start = policy.mean(batches.rows.s) if c.kl_weight else None
        for batch in batches.each():
            rows = batch.rows  # line 10
            recording = policy.record(rows.s)
            mean = recording.output
            w = policy.importance(mean, rows.a, rows.log_prob, c.importance_cap)  # line 11
            u = w.unsqueeze(-1) * batch.of(slopes)  # line 13, without pi_theta
            if start is not None:
                u = u - c.kl_weight * policy.kl_slope(mean, batch.of(start))  # appendix D
            norms.append(batch.ascend(policy, recording, u, active))  # line 14
        return {"grad_norm": batches.mean(norms), "kl": policy_change(policy, before, episodes)}

    def value_slope(self, rows: Transitions) -> Tensor:
        """r_a + gamma V_{s'} f_a [S, B, A] of line 13, at real transitions [S, B]."""
        _, r_a = reward_slopes(self.units, rows.s, rows.a)
        V_s = self.critic.slope(rows.next_s) * (1 - rows.terminal).unsqueeze(-1)
        _, V_s_f_a = self.model.pull_back(rows.s, rows.a, V_s)
        return r_a + self.config.gamma * V_s_f_a

    def renew(self) -> None:
        self.statistics.renew()


def estimated_work(config: Mapping[str, Any], task: StateRewardTask, seeds: Sequence[int], limits: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no episode ends early, roughly."""
    c, S, episodes = Config(**config), len(seeds), int(limits["episodes"])
    return block_work(c, task, S, episodes, critic_inputs=task.observation_dim)


def make(
    config: Mapping[str, Any], task: StateRewardTask, seeds: Sequence[int], limits: Limits, device: str
) -> Learner:
    """The learner of a block. limits: `episodes` of each seed. The task's reward is a function of s and a."""
    c, most = Config(**config), int(limits["episodes"]) * task.horizon
    return episodic_learner(SVGOne(c, task, seeds, most, device), c, task, seeds, limits, device)
