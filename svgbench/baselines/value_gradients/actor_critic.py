"""The actor-critic that Heess et al. 2015 compare SVG(1) with (section 6.1, Figures 3 and 4).

"A state-of-the-art actor-critic algorithm that learns a V-function and updates the policy using the TD-error
delta = r + gamma V' - V as an estimate of the advantage, yielding the policy gradient"

    v_theta = delta grad_theta log pi(a | s) = delta (a - mu(s)) / sigma^2  pi_theta

"(SVG(1) and the AC algorithm used the same code for learning V)": Algorithm 4 on minibatches from D. The paper cites
Wawrzynski 2009, who multiplies the gradient of replayed transitions by truncated importance weights,
w = p(a | s; theta) / p(a | s; theta_k). The K policy updates come after an episode, as those of SVG(1): on the steps of
the new episodes, or with `replay` on D (`_minibatches`). Each gradient is clipped to V_max.

At the end of an episode: after a termination V' = 0. A time limit does not end the task, so delta and V's target
bootstrap past it.

Profile: "text" only; the code is unpublished. What the text leaves open is chosen as for SVG(1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from svgbench.baselines.value_gradients._config import MinibatchSettings, StateValueSettings
from svgbench.baselines.value_gradients._costs import block_work
from svgbench.baselines.value_gradients._fitted_value import fit_state_value, state_value_error
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

VERSION = 2  # 1 kept the first episode's scales


@dataclass(frozen=True)
class Config(MinibatchSettings, StateValueSettings):
    """Every field and its source: `_config`."""


RULES = EPISODE_RULES
PROFILES: dict[str, dict[str, Any]] = {"text": {}}


class ActorCritic:
    """The algorithm for S seeds: `svgbench.learners.episodic.EpisodicAgent`.

    most: the transitions that a seed can make in a run.
    """

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], most: int, device: str) -> None:
        c, setup = config, AgentSetup(seeds, task, device)
        self.config, self.task = config, task
        self.statistics = new_statistics(c, setup)
        self.database = new_database(c, setup, most)
        self.policy = new_policy(c, setup, self.statistics)
        self.critic = new_critic(c, setup, self.statistics, task.observation_dim)
        self.streams = {name: setup.stream(name) for name in ("value-batches", "policy-batches")}
        self.learned: Mapping[str, SeedNetwork] = {"policy": self.policy, "critic": self.critic}
        self.kept: Mapping[str, Kept] = {"statistics": self.statistics, "database": self.database, **self.streams}
        self.stages: Mapping[str, Stage] = {"value": self.train_value, "policy": self.train_policy}

    def insert(self, episodes: Episodes) -> Mapping[str, Tensor]:
        """Insert new episodes into D. Before it, how well the critic predicts them."""
        errors = {"value_error": state_value_error(self.critic, episodes, self.config.gamma)}
        insert(episodes, self.policy, self.database, self.statistics)
        return errors

    def train_value(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """Algorithm 4."""
        fit_state_value(self.config, self.critic, self.policy, self.database, self.streams["value-batches"], active)
        return {}

    def train_policy(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """K steps up w delta grad_theta log pi(a | s)."""
        c, policy, norms = self.config, self.policy, []
        before = policy.mean(episodes.s.flatten(1, 2))
        batches = policy_minibatches(
            c, episodes, policy, self.database, self.streams["policy-batches"], self.task.horizon
        )
        deltas = self.td_error(batches.rows)  # they do not depend on theta
        start = policy.mean(batches.rows.s) if c.kl_weight else None
        for batch in batches.each():
            rows = batch.rows
            recording = policy.record(rows.s)
            mean = recording.output
            w = policy.importance(mean, rows.a, rows.log_prob, c.importance_cap)
            u = batch.of(deltas).unsqueeze(-1) * policy.noise(mean, rows.a) / policy.std  # delta grad_mu log pi(a | s)
            u = u * w.unsqueeze(-1)
            if start is not None:
                u = u - c.kl_weight * policy.kl_slope(mean, batch.of(start))
            norms.append(batch.ascend(policy, recording, u, active))
        return {"grad_norm": batches.mean(norms), "kl": policy_change(policy, before, episodes)}

    def td_error(self, rows: Transitions) -> Tensor:
        """delta [S, B] of transitions [S, B]."""
        V = self.critic
        return rows.r + self.config.gamma * (1 - rows.terminal) * V(rows.next_s) - V(rows.s)

    def renew(self) -> None:
        self.statistics.renew()


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no episode ends early, roughly."""
    c, S, episodes = Config(**config), len(seeds), int(limits["episodes"])
    return block_work(c, task, S, episodes, critic_inputs=task.observation_dim)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `episodes` of each seed."""
    c, most = Config(**config), int(limits["episodes"]) * task.horizon
    return episodic_learner(ActorCritic(c, task, seeds, most, device), c, task, seeds, limits, device)
