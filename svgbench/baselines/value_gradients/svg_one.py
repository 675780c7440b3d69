"""SVG(1), Algorithm 2 of Heess et al. 2015 (section 4.3), with and without replay of the policy's updates.

    v_theta = w (r_a + gamma V_{s'} f_a) pi_theta        line 13, eq. (13)
    w = p(a | s; theta) / p(a | s; theta_k)              line 11, at most `importance_cap`

at transitions (s, a, r, s') that were really taken. V's slope is at the *real* next state; the model is asked for one
Jacobian, f_a at the real (s, a), and never for a prediction. Lines 11 and 12 infer the noise that made the transition:
eta = (a - mu(s)) / sigma is in w; with constant spreads no derivative depends on either noise (section 4.1).

After every episode: the model is trained on minibatches from D; V is trained on minibatches from D by Algorithm 4 with
the same w (`_fitted_value`); then K policy updates (`_minibatches`), each the mean over a
minibatch, shortened to V_max: with `replay` (SVG(1)-ER) drawn from D, else from the new episodes' steps, each used
once. The paper compares algorithms without policy replay (appendix D). theta_k made the k-th action of D, in
the units of states of then; its log-probability is kept.

kl_weight is of the penalty that appendix D "in some cases" adds in each step of the policy: E_s KL[pi_now || pi_start],
from the policy at the beginning of the K updates, s from D, here the minibatch. With Adam it matters: a policy that has
left the actions of D has weights near 0, and Adam, which divides by the gradient's size, goes on from there all the
same.

The end of an episode: nothing follows a termination, so V_{s'} = 0 there and V's target is r; a time limit is no end of
the task, so V goes on behind it, in the gradient and in the target: the infinite-horizon computation of section 4.3.

Profile: "text" only. The code of 2015 is unpublished, and facebookresearch/svg is of another algorithm. What the text
leaves open, at the fields: optimiser (Adam), rates, numbers of updates, minibatches, D's size, how inputs and V are
scaled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from torch import Tensor

from svgbench.baselines.value_gradients._agent import learner
from svgbench.baselines.value_gradients._costs import block_work
from svgbench.baselines.value_gradients._minibatches import MinibatchAgent
from svgbench.baselines.value_gradients._recursion import reward_slopes
from svgbench.learners.episodic import EpisodicLearner
from svgbench.learners.limits import EPISODE_RULES
from svgbench.learners.limits import EpisodeLimits as Limits
from svgbench.memory.database import Transitions
from svgbench.ranges import Count, Length, Natural, NonNegative, Positive, Precision, Share, Widths
from svgbench.words.task import StateRewardTask

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
    replay: bool = False  # of the policy's updates: SVG(1)-ER
    importance_cap: Positive = 5.0  # of w; 20 for the 4-target reacher and the gripper (D)
    kl_weight: NonNegative = 0.0  # reward per nat (D)

    model_hidden: Annotated[Widths, Length(1)] = (20, 20)  # tanh units for each dimension of the state (T1)
    model_lr: NonNegative = 1e-3  # Adam (D)
    model_updates: Natural = 100  # an episode (D)

    value_hidden: Widths = (200, 100)  # tanh units (T1)
    value_scale: Positive = 10.0  # units of return that V's network counts in
    value_lr: NonNegative = 1e-3  # Adam (D)
    value_updates: Natural = 100  # an episode, M (D)
    target_period: Count = 50  # updates, C (Algorithm 4)

    batch_size: Count = 32  # transitions
    replay_size: Count = 100_000  # transitions of D
    simulations: Count = 1  # N, episodes that are collected at once (Algorithm 2)
    steps_per_slice: Count = 250  # control steps per slice: noise is drawn by slices, so this is part of the numbers
    dtype: Precision = "float32"


RULES = EPISODE_RULES
PROFILES: dict[str, dict[str, Any]] = {"text": {}}


class SVGOne(MinibatchAgent):
    """`svgbench.learners.episodic.EpisodicAgent`: policies, models and critics of S seeds."""

    def __init__(self, config: Config, task: StateRewardTask, seeds: Sequence[int], capacity: int, device: str) -> None:
        super().__init__(config, task, seeds, capacity, device)
        self.new_model()
        self.new_critic()
        self.stages = {"model": self.train_model, "value": self.train_value, "policy": self.train_policy}

    def worth(self, rows: Transitions) -> Tensor:
        """r_a + gamma V_{s'} f_a, [S, B, A]."""
        _, r_a = reward_slopes(self.units, rows.s, rows.a)
        value_slope = self.parts["critic"].slope(rows.next_s) * (1 - rows.terminal).unsqueeze(-1)
        _, by_a = self.parts["model"].pull_back(rows.s, rows.a, value_slope)
        return r_a + self.config.gamma * by_a  # eq. (13)


def estimated_work(config: Mapping[str, Any], task: StateRewardTask, seeds: Sequence[int], budget: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no episode ends early, roughly."""
    c, S, episodes = Config(**config), len(seeds), int(budget["episodes"])
    return block_work(c, task, S, episodes, critic_inputs=task.observation_dim)


def make(
    config: Mapping[str, Any], task: StateRewardTask, seeds: Sequence[int], budget: Limits, device: str
) -> EpisodicLearner:
    """The learner of a block. budget: `episodes` of each seed. The task's reward is a function of s and a."""
    return learner(SVGOne, Config(**config), task, seeds, budget, device)
