"""SVG(0), Algorithm 3 of Heess et al. 2015 (section 4.3 and its appendix), and DPG (Silver et al. 2014) beside it.

    v_theta = Q_a pi_theta at the inferred noise          line 11

Without a model: Q's slope by the action. After every episode Q is trained on minibatches from D, and then the policy
takes K steps (`_minibatches`). The paper compares algorithms without policy replay (appendix D): each
step of the episode was taken with a = pi(s, eta; theta) and is followed by an update. Ours come when the episode has
ended and theta has moved on, so the noise is inferred and the action made anew: the slope is Q_a at pi(s, eta; theta).
With `replay`, as Algorithm 3 is printed, it is Q_a at the (s, a) of D, without an importance weight; nothing then pulls
the policy back to where Q was learned, and slopes at old actions can push its mean on and on.

Line 7, "train the value function Q using D", is Algorithm 4 with (s, a) for s (`_fitted_value`):

    y = r + gamma Q(s', a'; nu),  a' = pi(s', eta'; theta),  eta' ~ N(0, I)

The a' of D (line 9 samples a^{k+1}) was drawn by an older policy: Q would be that policy's, or w = p(a' | s'; theta) /
p(a' | s'; theta_k) would leave of D what is recent. With an a' of the policy that is evaluated w is 1 throughout.

DPG is the deterministic case: a = mu(s), with sigma * eta added when it acts, for exploration. Its gradient is Q_a at
mu(s), its target has a' = mu(s'): eta and eta' are zero.

The end of an episode: nothing follows a termination, y = r; a time limit is no end of the task, and y goes on behind
it.

Profile: "text" only; the code is unpublished. What the text leaves open is chosen as for SVG(1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from svgbench.baselines.value_gradients._agent import learner
from svgbench.baselines.value_gradients._costs import block_work
from svgbench.baselines.value_gradients._minibatches import MinibatchAgent
from svgbench.learners.episodic import EpisodicLearner
from svgbench.learners.limits import EPISODE_RULES
from svgbench.learners.limits import EpisodeLimits as Limits
from svgbench.memory.database import Transitions
from svgbench.ranges import Count, Natural, NonNegative, Positive, Precision, Share, Widths
from svgbench.words.task import Task

VERSION = 2  # 1 weighted Q's targets, took Q_a at the actions that were taken, and kept the first episode's scales


@dataclass(frozen=True)
class Config:
    """Sources: T1: the paper's Table 1 (swimmer-3); D: its appendix D, which searched over it; else our choice."""

    deterministic: bool = False  # DPG

    hidden: Widths = (50, 50)  # tanh units of the policy (T1)
    policy_std: Positive = 0.2  # half control ranges (D); of DPG's exploration
    gamma: Share = 0.995  # (D: swimmer)
    policy_lr: NonNegative = 3e-4  # Adam (D)
    policy_updates: Count = 50  # an episode, of those collected at once: K (D)
    max_grad_norm: Positive = 10.0  # V_max (D)
    replay: bool = False  # of the policy's updates
    kl_weight: NonNegative = 0.0  # reward per nat; 0, the paper has it for SVG(1)-ER (D)

    value_hidden: Widths = (200, 100)  # tanh units of Q (T1)
    value_scale: Positive = 10.0  # units of return that Q's network counts in
    value_lr: NonNegative = 1e-3  # Adam (D)
    value_updates: Natural = 100  # an episode, M (D)
    target_period: Count = 50  # updates, C (Algorithm 4)

    batch_size: Count = 32  # transitions
    replay_size: Count = 100_000  # transitions of D
    simulations: Count = 1  # N, episodes that are collected at once (Algorithm 3)
    steps_per_slice: Count = 250  # control steps per slice: noise is drawn by slices, so this is part of the numbers
    dtype: Precision = "float32"


RULES = EPISODE_RULES
PROFILES: dict[str, dict[str, Any]] = {"text": {}}


class SVGZero(MinibatchAgent):
    """`svgbench.learners.episodic.EpisodicAgent`: policies and action values of S seeds."""

    weighted = False

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], capacity: int, device: str) -> None:
        super().__init__(config, task, seeds, capacity, device)
        self.new_critic()
        self.new_stream("next-actions")
        self.stages = {"value": self.train_value, "policy": self.train_policy}

    def critic_input(self, s: Tensor, a: Tensor) -> Tensor:
        return torch.cat([s, a], -1)

    def action_slope(self, s: Tensor, a: Tensor) -> Tensor:
        """Q_a [S, B, A]."""
        slope: Tensor = self.parts["critic"].slope(self.critic_input(s, a))[..., s.shape[-1] :]
        return slope

    def worth(self, rows: Transitions) -> Tensor:
        """With replay Q_a at what was done, [S, B, A]; else the noise that made it, of DPG none."""
        if self.config.deterministic:
            return torch.zeros_like(rows.a)
        if self.config.replay:
            return self.action_slope(rows.s, rows.a)  # line 11
        return self.policy.noise(self.policy.mean(rows.s), rows.a)  # line 10

    def direction(self, worth: Tensor, rows: Transitions, mean: Tensor) -> Tensor:
        if self.config.replay and not self.config.deterministic:
            return worth
        return self.action_slope(rows.s, mean + self.policy.std * worth)  # line 11

    def value_sample(self, rows: Transitions) -> tuple[Tensor, Tensor, Tensor]:
        c, next_s, Q = self.config, rows.next_s, self.parts["critic"]
        next_a = self.policy.mean(next_s)
        if not c.deterministic:
            next_a = next_a + self.policy.std * self.streams["next-actions"].normal(next_a.shape[1:], self.dtype)
        y = rows.r + c.gamma * (1 - rows.terminal) * Q.target_value(self.critic_input(next_s, next_a))
        return self.critic_input(rows.s, rows.a), y, torch.ones_like(y)


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], budget: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no episode ends early, roughly."""
    c, S, episodes = Config(**config), len(seeds), int(budget["episodes"])
    return block_work(c, task, S, episodes, critic_inputs=task.observation_dim + task.action_dim)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], budget: Limits, device: str) -> EpisodicLearner:
    """The learner of a block. budget: `episodes` of each seed."""
    return learner(SVGZero, Config(**config), task, seeds, budget, device)
