"""The planner that Heess et al. 2015 compare SVG(inf) with (section 6.1, Figure 2 left).

"An otherwise identical" algorithm: after every episode the same model is trained on the same D, and the policy takes
one gradient step by the same recursions (9) and (10), but along a trajectory that the learned model imagines,
"by running the policy in loop with a model while sampling the associated noise variables" (section 4.1):

    a_t = mu(s_t) + sigma eta_t,    s_{t+1} = s_t + f(s_t, a_t) + sigma_f xi_t,    eta, xi ~ N(0, I)

with the standard deviations sigma_f that the model has learned (appendix C). One is imagined for each real episode,
from its first state and as long as the task's limit: the model does not know where an episode would terminate. Its real
states are used for nothing else. The gradient is again a sum from the first step, with v' = 0 after the last
(footnote 3), shortened to V_max.

Profile: "text" only; the code is unpublished. What the text leaves open is chosen as for SVG(inf).
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

    batch_size: Count = 32  # transitions
    replay_size: Count = 100_000  # transitions of D
    simulations: Count = 1  # N, episodes that are collected, and imagined, at once
    steps_per_slice: Count = 250  # control steps per slice: noise is drawn by slices, so this is part of the numbers
    dtype: Precision = "float32"


RULES = EPISODE_RULES
PROFILES: dict[str, dict[str, Any]] = {"text": {}}


class Planner(TrajectoryAgent):
    """`svgbench.learners.episodic.EpisodicAgent`: policies and models of S seeds."""

    def __init__(self, config: Config, task: StateRewardTask, seeds: Sequence[int], capacity: int, device: str) -> None:
        super().__init__(config, task, seeds, capacity, device)
        self.new_model()
        self.new_stream("imagined")
        self.stages = {"model": self.train_model, "policy": self.train_policy}

    def train_policy(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """One gradient step along imagined trajectories."""
        s, a = self.imagine(episodes.s[:, 0])
        valid = torch.ones(s.shape[:3], dtype=torch.bool, device=s.device)
        return self.ascend(s, a, valid, torch.zeros_like(s), episodes, active)

    def imagine(self, start: Tensor) -> tuple[Tensor, Tensor]:
        """Trajectories s [S, T, N, O], a [S, T, N, A] of the model from start [S, N, O]."""
        T, N, (O, A) = self.task.horizon, start.shape[1], (self.task.observation_dim, self.task.action_dim)  # noqa: E741
        noise = self.streams["imagined"].normal((T, N, O + A), self.dtype)
        s, states, actions = start, [], []
        for t in range(T):
            xi, eta = noise[:, t].split([O, A], -1)
            a = self.policy.mean(s) + self.policy.std * eta
            states.append(s)
            actions.append(a)
            s = s + self.parts["model"].sample_change(s, a, xi)
        return torch.stack(states, 1), torch.stack(actions, 1)


def estimated_work(config: Mapping[str, Any], task: StateRewardTask, seeds: Sequence[int], budget: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no episode ends early, roughly."""
    c, S, episodes = Config(**config), len(seeds), int(budget["episodes"])
    return block_work(c, task, S, episodes, trajectories="imagined")


def make(
    config: Mapping[str, Any], task: StateRewardTask, seeds: Sequence[int], budget: Limits, device: str
) -> EpisodicLearner:
    """The learner of a block. budget: `episodes` of each seed. The task's reward is a function of s and a."""
    return learner(Planner, Config(**config), task, seeds, budget, device)
