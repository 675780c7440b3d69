"""The actor-critic that Heess et al. 2015 compare SVG(1) with (section 6.1, Figures 3 and 4).

"A state-of-the-art actor-critic algorithm that learns a V-function and updates the policy using the TD-error
delta = r + gamma V' - V as an estimate of the advantage, yielding the policy gradient"

    v_theta = delta grad_theta log pi(a | s) = delta (a - mu(s)) / sigma^2  pi_theta

"(SVG(1) and the AC algorithm used the same code for learning V)": Algorithm 4 on minibatches from D. The paper cites
Wawrzynski 2009, whose weights, truncated, multiply the gradient when transitions are replayed:
w = p(a | s; theta) / p(a | s; theta_k). Policy updates come at the end of an episode, K of them, on the new episodes'
steps or with `replay` on D's, as SVG(1)'s (`_minibatches`), each shortened to V_max.

The end of an episode: nothing follows a termination, V' = 0; behind a time limit V goes on, in delta and in V's target.

Profile: "text" only; the code is unpublished. What the text leaves open is chosen as for SVG(1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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

VERSION = 2  # 1 kept the first episode's scales


@dataclass(frozen=True)
class Config:
    """Sources: T1: the paper's Table 1 (swimmer-3); D: its appendix D, which searched over it; else our choice."""

    hidden: Widths = (50, 50)  # tanh units of the policy (T1)
    policy_std: Positive = 0.2  # half control ranges (D)
    gamma: Share = 0.995  # (D: swimmer)
    policy_lr: NonNegative = 3e-4  # Adam (D)
    policy_updates: Count = 50  # an episode, of those collected at once: K (D)
    max_grad_norm: Positive = 10.0  # V_max (D)
    replay: bool = False  # of the policy's updates
    importance_cap: Positive = 5.0  # of w (D)
    kl_weight: NonNegative = 0.0  # reward per nat; 0, the paper has it for SVG(1)-ER (D)

    value_hidden: Widths = (200, 100)  # tanh units (T1)
    value_scale: Positive = 10.0  # units of return that V's network counts in
    value_lr: NonNegative = 1e-3  # Adam (D)
    value_updates: Natural = 100  # an episode, M (D)
    target_period: Count = 50  # updates, C (Algorithm 4)

    batch_size: Count = 32  # transitions
    replay_size: Count = 100_000  # transitions of D
    simulations: Count = 1  # N, episodes that are collected at once
    steps_per_slice: Count = 250  # control steps per slice: noise is drawn by slices, so this is part of the numbers
    dtype: Precision = "float32"


RULES = EPISODE_RULES
PROFILES: dict[str, dict[str, Any]] = {"text": {}}


class ActorCritic(MinibatchAgent):
    """`svgbench.learners.episodic.EpisodicAgent`: policies and critics of S seeds."""

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], capacity: int, device: str) -> None:
        super().__init__(config, task, seeds, capacity, device)
        self.new_critic()
        self.stages = {"value": self.train_value, "policy": self.train_policy}

    def worth(self, rows: Transitions) -> Tensor:
        """delta, [S, B]."""
        V = self.parts["critic"]
        delta: Tensor = rows.r + self.config.gamma * (1 - rows.terminal) * V(rows.next_s) - V(rows.s)
        return delta

    def direction(self, worth: Tensor, rows: Transitions, mean: Tensor) -> Tensor:
        """delta grad_mu log pi(a | s)."""
        return worth.unsqueeze(-1) * self.policy.noise(mean, rows.a) / self.policy.std


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], budget: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no episode ends early, roughly."""
    c, S, episodes = Config(**config), len(seeds), int(budget["episodes"])
    return block_work(c, task, S, episodes, critic_inputs=task.observation_dim)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], budget: Limits, device: str) -> EpisodicLearner:
    """The learner of a block. budget: `episodes` of each seed."""
    return learner(ActorCritic, Config(**config), task, seeds, budget, device)
