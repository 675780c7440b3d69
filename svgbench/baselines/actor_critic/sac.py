"""Soft actor-critic (Haarnoja et al. 2018) as the baseline of Amos et al. 2020, "SAC (our run)" in their Table 2.

Equations are numbered as in Amos et al., section 3.2: critic (4) to (6), policy (7), temperature (8), and the target
entropy's schedule (14) of appendix A.1. It is SAC-SVG(H) at H = 0: from the same seeds, `sac_svg` with H = 0 makes the
same numbers (a test checks this). In the profile "code", a step is: act, update on one batch, store.

The authors' run of SAC differs from Haarnoja et al. in this: observations are normalised by running statistics; the
target entropy changes; networks have four layers of 512 units; batches have 1024 transitions; the policy learns at a
rate of 1e-4; a tanh bounds log_std. Its code is that of SAC-SVG with `horizon = 0`. That code also trains a reward and
a termination network, which nothing reads; here they are left out.

The profiles "text" and "code" are two readings of one algorithm. PROFILES has every difference. Where the text says
nothing (random steps, first update, bounds of the normalisation, initialisation), the field names its source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from svgbench.baselines.actor_critic import _soft_actor_critic as shared
from svgbench.baselines.actor_critic._soft_actor_critic import CODE, SoftActorCritic, policy_loss, update_cost
from svgbench.baselines.actor_critic._soft_actor_critic import RULES as SHARED_RULES
from svgbench.learners.costs import milliseconds
from svgbench.learners.draws import Draws
from svgbench.learners.limits import StepLimits as Limits
from svgbench.learners.online import OnlineLearner, cost_before
from svgbench.learners.settings import settings
from svgbench.memory.experience import Experience
from svgbench.memory.replay import ReplayBatch
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 2  # version 1 drew numbers by slice, and slices ended at evaluations; it acted in [-1, 1] on every task


@dataclass(frozen=True)
class Config(shared.Config):
    """SAC's own setting, in addition to the shared ones."""

    critic_first: bool = False  # an update's critics learn before policy and temperature; else after (algorithm 1)


RULES = {**SHARED_RULES}
PROFILES = {"text": {}, "code": {**CODE, "critic_first": True}}


def update(
    agent: SoftActorCritic, batch: ReplayBatch, critic_noise: Tensor, policy_noise: Tensor, active: Tensor | None,
    *, critic_first: bool,
) -> None:  # fmt: skip
    """One update of SAC on a batch of replayed, imagined or mixed transitions; each noise is [S, B, A]."""
    if critic_first:
        agent.update_critic(batch, critic_noise, active)  # eq. (4) to (6)
    loss, log_prob = policy_loss(agent.actor, agent.critic, agent.temperature.alpha, batch.x, policy_noise)  # eq. (7)
    agent.update_policy(loss, log_prob, active)  # and the temperature, eq. (8)
    if not critic_first:
        agent.update_critic(batch, critic_noise, active)
    agent.average()


class SAC(SoftActorCritic):
    """`svgbench.learners.online.OnlineAgent`: policy, twin critics and temperature of S seeds."""

    config: Config

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], total_steps: int, device: str) -> None:
        super().__init__(config, task, seeds, total_steps, device, policy_steps=1)
        self.costs = step_costs(config, task.observation_dim, task.action_dim, len(seeds))

    def prepare(self, step: int, lacking: Tensor | None = None) -> int:
        """Set the target entropy of the step. The phase is always the same."""
        self.set_target_entropy(step)
        return 0

    def update(self, phase: int, experience: Experience, draws: Draws, active: Tensor | None) -> None:
        """`updates_per_step` updates, each on a fresh batch of the replay."""
        for u in range(self.config.updates_per_step):
            batch = experience.layout.batch(experience.sample(draws["steps"][:, u]))
            noise = draws["critic-noise"][:, u], draws["actor-noise"][:, u, 0]
            update(self, batch, *noise, active, critic_first=self.config.critic_first)


def step_costs(c: Config, obs_dim: int, action_dim: int, S: int) -> Sequence[tuple[int, float]]:
    """`OnlineAgent.costs`: every step costs the same."""
    multiplications, calls = update_cost(c, obs_dim, action_dim)
    return [(0, c.updates_per_step * milliseconds(S * multiplications, calls))]


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Approximate milliseconds of one core for a whole block."""
    c, S, total_steps = settings(Config, config), len(seeds), int(limits["total_steps"])
    updates = step_costs(c, task.observation_dim, task.action_dim, S)
    return cost_before(total_steps, shared.schedule(c, total_steps), updates, S, task.horizon)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `total_steps`, environment steps, over which the target entropy changes."""
    c, total_steps = settings(Config, config), int(limits["total_steps"])
    agent = SAC(c, task, seeds, total_steps, device)
    experience = shared.experience(c, task, len(seeds), total_steps, device)
    return OnlineLearner(agent, task, seeds, shared.schedule(c, total_steps), experience)
