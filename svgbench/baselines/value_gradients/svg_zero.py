"""SVG(0), Algorithm 3 of Heess et al. 2015 (section 4.3 and its appendix), and DPG (Silver et al. 2014) beside it.

    v_theta = Q_a pi_theta at the inferred noise          line 11

There is no model; Q gives the slope by the action. After every episode Q is trained on minibatches from D, then the
policy takes K steps (`_minibatches`). The paper compares algorithms without policy replay (appendix D): an update
follows each step, which was taken with a = pi(s, eta; theta). Our updates come after the episode, when theta has
changed. So the noise eta is inferred, the action is made anew, and the slope is Q_a at pi(s, eta; theta). With
`replay`, as Algorithm 3 is printed, the slope is Q_a at the (s, a) of D, without an importance weight. Then nothing
pulls the policy back to where Q was learned, and slopes at old actions can push its mean further and further.

Line 7, "train the value function Q using D", is Algorithm 4 (`_fitted_value`) with (s, a) in place of s:

    y = r + gamma Q(s', a'; nu),  a' = pi(s', eta'; theta),  eta' ~ N(0, I)

The a' that D holds (line 9 samples a^{k+1}) was drawn by an older policy. With it Q would be that policy's value, or
the weights w = p(a' | s'; theta) / p(a' | s'; theta_k) would leave only the recent part of D. With a' drawn from the
policy that is evaluated, w is 1 throughout.

DPG is the deterministic case: a = mu(s), with sigma * eta added only to explore. Its gradient is Q_a at mu(s), and its
target has a' = mu(s'): eta and eta' are zero.

At the end of an episode: after a termination y = r. A time limit does not end the task, so y bootstraps past it.

Profile: "text" only; the code is unpublished. What the text leaves open is chosen as for SVG(1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from svgbench.baselines.value_gradients._config import CriticSettings, MinibatchSettings
from svgbench.baselines.value_gradients._costs import block_work
from svgbench.baselines.value_gradients._fitted_value import value_error
from svgbench.baselines.value_gradients._minibatches import policy_minibatches
from svgbench.baselines.value_gradients._parts import (
    AgentSetup,
    episodic_learner,
    new_critic,
    new_database,
    new_policy,
    new_statistics,
)
from svgbench.baselines.value_gradients._training import insert, policy_change
from svgbench.learners.episodic import Kept, SeedNetwork, Stage
from svgbench.learners.limits import EPISODE_RULES
from svgbench.learners.limits import EpisodeLimits as Limits
from svgbench.memory.database import Transitions
from svgbench.simulate.episodes import Episodes
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 2  # 1 weighted Q's targets, took Q_a at the actions that were taken, and kept the first episode's scales


@dataclass(frozen=True)
class Config(MinibatchSettings, CriticSettings):
    """Every other field and its source: `_config`."""

    deterministic: bool = False  # DPG; `policy_std` is then of its exploration


RULES = EPISODE_RULES
PROFILES: dict[str, dict[str, Any]] = {"text": {}}


class SVGZero:
    """Algorithm 3 for S seeds: `svgbench.learners.episodic.EpisodicAgent`, which runs lines 2 to 4.

    most: the transitions that a seed can make in a run.
    """

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], most: int, device: str) -> None:
        c, setup = config, AgentSetup(seeds, task, device)
        self.config, self.task = config, task
        self.statistics = new_statistics(c, setup)
        self.database = new_database(c, setup, most)  # line 1
        self.policy = new_policy(c, setup, self.statistics)
        self.critic = new_critic(c, setup, self.statistics, task.observation_dim + task.action_dim)
        self.streams = {name: setup.stream(name) for name in ("value-batches", "policy-batches", "next-actions")}
        self.learned: Mapping[str, SeedNetwork] = {"policy": self.policy, "critic": self.critic}
        self.kept: Mapping[str, Kept] = {"statistics": self.statistics, "database": self.database, **self.streams}
        self.stages: Mapping[str, Stage] = {
            "value": self.train_value,  # line 7
            "policy": self.train_policy,  # lines 9 to 12, K times
        }

    def insert(self, episodes: Episodes) -> Mapping[str, Tensor]:
        """Line 5. Before it, how well Q predicts the new episodes, with the actions that the policy took."""
        s, a, change, next_a = (x.flatten(1, 2) for x in (episodes.s, episodes.a, episodes.change, episodes.next_a))
        Q, Q_next = (self.critic(torch.cat(x, -1)).view_as(episodes.r) for x in ((s, a), (s + change, next_a)))
        errors = {"value_error": value_error(Q, Q_next, episodes, self.config.gamma)}
        insert(episodes, self.policy, self.database, self.statistics)
        return errors

    def train_value(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """Line 7: Algorithm 4 with Q."""
        c, D, batches = self.config, self.database, self.streams["value-batches"]
        self.critic.fit(c.value_updates, c.batch_size, lambda count: self.value_sample(D.draw(batches, count)), active)
        return {}

    def value_sample(self, rows: Transitions) -> tuple[Tensor, Tensor, Tensor]:
        """Lines 6 and 7 of Algorithm 4: pairs (s, a) [S, B, O + A], targets and weights [S, B]."""
        c, policy, next_a = self.config, self.policy, self.policy.mean(rows.next_s)
        if not c.deterministic:
            next_a = next_a + policy.std * self.streams["next-actions"].normal(next_a.shape[1:], next_a.dtype)
        y = rows.r + c.gamma * (1 - rows.terminal) * self.critic.target_value(torch.cat([rows.next_s, next_a], -1))
        return torch.cat([rows.s, rows.a], -1), y, torch.ones_like(y)

    def train_policy(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """Lines 9 to 12, K times. All minibatches are drawn before the first."""
        c, policy, norms = self.config, self.policy, []
        before = policy.mean(episodes.s.flatten(1, 2))
        streams = self.streams["policy-batches"]
        batches = policy_minibatches(c, episodes, policy, self.database, streams, self.task.horizon)
        start = policy.mean(batches.rows.s) if c.kl_weight else None
        known = self.known_before(batches.rows)  # line 10
        for batch in batches.each():
            rows = batch.rows  # line 9
            recording = policy.record(rows.s)
            mean = recording.output
            u = self.value_slope(rows, mean, batch.of(known))  # line 11, without pi_theta
            if start is not None:
                u = u - c.kl_weight * policy.kl_slope(mean, batch.of(start))  # appendix D
            norms.append(batch.ascend(policy, recording, u, active))  # line 12
        return {"grad_norm": batches.mean(norms), "kl": policy_change(policy, before, episodes)}

    def known_before(self, rows: Transitions) -> Tensor:
        """What line 11 needs of transitions [S, B] that no update changes, [S, B, A].

        Line 10: the noise eta that made their actions; zero for DPG. With replay it is Q_a at the actions of D.
        """
        if self.config.deterministic:
            return torch.zeros_like(rows.a)
        if self.config.replay:
            return self.action_slope(rows.s, rows.a)
        return self.policy.noise(self.policy.mean(rows.s), rows.a)

    def value_slope(self, rows: Transitions, mean: Tensor, known: Tensor) -> Tensor:
        """Q_a [S, B, A] of line 11, where the policy has this mean now. known: of `known_before`."""
        if self.config.replay and not self.config.deterministic:
            return known
        return self.action_slope(rows.s, mean + self.policy.std * known)

    def action_slope(self, s: Tensor, a: Tensor) -> Tensor:
        """Q_a [S, B, A]."""
        return self.critic.slope(torch.cat([s, a], -1))[..., s.shape[-1] :]

    def renew(self) -> None:
        self.statistics.renew()


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no episode ends early, roughly."""
    c, S, episodes = Config(**config), len(seeds), int(limits["episodes"])
    return block_work(c, task, S, episodes, critic_inputs=task.observation_dim + task.action_dim)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `episodes` of each seed."""
    c, most = Config(**config), int(limits["episodes"]) * task.horizon
    return episodic_learner(SVGZero(c, task, seeds, most, device), c, task, seeds, limits, device)
