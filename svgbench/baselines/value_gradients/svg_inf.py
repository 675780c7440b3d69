"""SVG(inf), Algorithm 1 of Heess et al. 2015 (sections 4.1 and 4.2): value gradients along real trajectories.

After every episode the model is trained on minibatches from D, and then the policy takes one gradient step along the
episode that was just seen, by the recursions

    v_s     = r_s + r_a pi_s + gamma v'_{s'} (f_s + f_a pi_s)                (9)
    v_theta = r_a pi_theta + gamma (v'_{s'} f_a pi_theta + v'_theta)          (10)

backward from its end (`_recursion`, where both are). Next states are the real ones: the model is asked
for Jacobians only, never for a prediction. So line 11, which infers the noise xi = s' - f(s, a) and
eta = (a - mu(s)) / sigma that made the real transition, costs nothing here: both spreads are constants, and with noise
that is added no Jacobian depends on it (section 4.1); it shows in where the next derivatives are taken, the real s'.

An update is on-policy and made once. v_theta is a sum over the episode, discounted to its first step as eq. (10) is;
with N > 1 episodes at once their mean. It is shortened to V_max (appendix D).

The end of an episode: v' = 0, so that only r_s + r_a pi_s is left of the last step (footnote 3), whether it terminated
or the time limit cut it: the objective is the finite sum. `value_at_end` starts from V_s instead where the time limit
cut an episode that would go on, "to approximate the infinite-horizon policy gradient" (section 4.3); V is then trained
by Algorithm 4 between model and policy.

Profile: "text" only. The code of 2015 is unpublished, and facebookresearch/svg is of another algorithm. What the text
leaves open, at the fields: optimiser (Adam), rates, numbers of updates, minibatches, D's size, how inputs are scaled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor

from svgbench.baselines.value_gradients._agent import learner
from svgbench.baselines.value_gradients._costs import block_work
from svgbench.baselines.value_gradients._trajectories import TrajectoryAgent
from svgbench.learners.episodic import EpisodicLearner
from svgbench.learners.limits import EPISODE_RULES
from svgbench.learners.limits import EpisodeLimits as Limits
from svgbench.ranges import Count, Length, Natural, NonNegative, Positive, Precision, Share, Widths
from svgbench.simulate.episodes import Episodes
from svgbench.words.task import StateRewardTask

VERSION = 2  # 1 kept the first episode's scales


@dataclass(frozen=True)
class Config:
    """Sources: T1: the paper's Table 1 (swimmer-3); D: its appendix D, which searched over it; else our choice."""

    hidden: Widths = (50, 50)  # tanh units of the policy (T1)
    policy_std: Positive = 0.2  # half control ranges (D)
    gamma: Share = 0.995  # (D: swimmer)
    policy_lr: NonNegative = 1e-3  # Adam (D)
    max_grad_norm: Positive = 10.0  # V_max (D)

    model_hidden: Annotated[Widths, Length(1)] = (20, 20)  # tanh units for each dimension of the state (T1)
    model_lr: NonNegative = 1e-3  # Adam (D)
    model_updates: Natural = 100  # an episode, of those collected at once (D)

    value_at_end: bool = False  # V where a time limit cut an episode, else 0 (footnote 3)
    value_hidden: Widths = (200, 100)  # tanh units (T1); this and what follows with value_at_end
    value_scale: Positive = 10.0  # units of return that V's network counts in
    value_lr: NonNegative = 1e-3  # Adam (D)
    value_updates: Natural = 100  # an episode, M (D)
    target_period: Count = 50  # updates, C (Algorithm 4)
    importance_cap: Positive = 5.0  # of w in Algorithm 4 (D)

    batch_size: Count = 32  # transitions
    replay_size: Count = 100_000  # transitions of D
    simulations: Count = 1  # N, episodes that are collected at once (Algorithm 1)
    steps_per_slice: Count = 250  # control steps per slice: noise is drawn by slices, so this is part of the numbers
    dtype: Precision = "float32"


RULES = EPISODE_RULES
PROFILES: dict[str, dict[str, Any]] = {"text": {}}


class SVGInf(TrajectoryAgent):
    """`svgbench.learners.episodic.EpisodicAgent`: policies and models of S seeds, and critics with `value_at_end`."""

    def __init__(self, config: Config, task: StateRewardTask, seeds: Sequence[int], capacity: int, device: str) -> None:
        super().__init__(config, task, seeds, capacity, device)
        self.new_model()
        self.stages = {"model": self.train_model}
        if config.value_at_end:
            self.new_critic()
            self.stages["value"] = self.train_value
        self.stages["policy"] = self.train_policy

    def train_policy(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """Lines 8 to 15: where v' starts, then `value_gradient.backward` (10 to 14) and one step (15)."""
        return self.ascend(episodes.s, episodes.a, episodes.valid, self.tail(episodes), episodes, active)

    def tail(self, episodes: Episodes) -> Tensor:
        """v'_{s'} after an episode's last step, [S, T, N, O]; zero elsewhere."""
        if not self.config.value_at_end:
            return torch.zeros_like(episodes.s)
        next_s = episodes.s + episodes.change
        slope = self.parts["critic"].slope(next_s.flatten(1, 2)).view(next_s.shape)
        cut = episodes.ended & ~episodes.terminated
        return torch.where(cut.unsqueeze(-1), slope, 0.0)


def estimated_work(config: Mapping[str, Any], task: StateRewardTask, seeds: Sequence[int], budget: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no episode ends early, roughly."""
    c, S, episodes = Config(**config), len(seeds), int(budget["episodes"])
    return block_work(
        c, task, S, episodes, critic_inputs=task.observation_dim if c.value_at_end else 0, trajectories="real"
    )


def make(
    config: Mapping[str, Any], task: StateRewardTask, seeds: Sequence[int], budget: Limits, device: str
) -> EpisodicLearner:
    """The learner of a block. budget: `episodes` of each seed. The task's reward is a function of s and a."""
    return learner(SVGInf, Config(**config), task, seeds, budget, device)
