"""REINFORCE (Williams 1992), which Heess et al. 2015 tried on the hand: "very poor results due to the long horizon".

    v_theta = sum_t gamma^t grad_theta log pi(a_t | s_t) (G_t - b_t),    G_t = sum_l gamma^l r_{t+l}
    grad_theta log pi(a | s) = (a - mu(s)) / sigma^2  pi_theta

(their footnote 5, without a formula; Williams 1992, section 5, for episodes). One gradient step follows each episode,
or each N episodes with their mean. There is no model and no critic. The gradient is clipped to V_max (appendix D).

The baseline b_t is Williams's reinforcement comparison, for each time in an episode: an exponential average of the G_t
of earlier episodes. It does not depend on the episode's own actions, so it leaves the gradient unbiased. A step at a
time that no earlier episode reached is not learned from.

At the end of an episode, whether it terminated or the time limit cut it, nothing follows: the objective is the finite
sum, as in SVG(inf).

Profile: "text" only. The text says no more than the sentence above; what it leaves open is chosen as for SVG(inf).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor

from svgbench.baselines.value_gradients._config import Settings
from svgbench.baselines.value_gradients._costs import block_work
from svgbench.baselines.value_gradients._parts import AgentSetup, episodic_learner, new_policy, new_statistics
from svgbench.baselines.value_gradients._training import policy_change, take_in, transitions
from svgbench.learners.episodic import Kept, SeedNetwork, Stage
from svgbench.learners.limits import EPISODE_RULES
from svgbench.learners.limits import EpisodeLimits as Limits
from svgbench.nn.returns import discounted_sums
from svgbench.ranges import Range
from svgbench.simulate.episodes import Episodes
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 1


@dataclass(frozen=True)
class Config(Settings):
    """Every other field and its source: `_config`. Without a database, `batch_size` and `replay_size` do not count."""

    baseline_rate: Annotated[float, Range(0, 1)] = 0.1  # weight of the latest episodes in b_t; 0 keeps the first


RULES = EPISODE_RULES
PROFILES: dict[str, dict[str, Any]] = {"text": {}}


class Comparison:
    """b_t of S seeds, and which times an earlier episode has reached: value and known [S, T]. rate: see `Config`."""

    def __init__(self, S: int, T: int, rate: float, device: str) -> None:
        self.rate = rate
        self.value = torch.zeros(S, T, dtype=torch.float64, device=device)
        self.known = torch.zeros(S, T, dtype=torch.bool, device=device)

    def advantages(self, returns: Tensor, valid: Tensor) -> Tensor:
        """G_t - b_t, float64 [S, T, N] of returns and valid [S, T, N]; zero where not valid or without a b_t."""
        T = returns.shape[1]
        usable = valid & self.known[:, :T, None]
        return torch.where(usable, returns.double() - self.value[:, :T, None], 0.0)

    def update(self, returns: Tensor, valid: Tensor) -> None:
        """Take in the mean over N episodes of the returns [S, T, N] at each time that one of them reached."""
        T, count = returns.shape[1], valid.sum(2)
        mean = torch.where(valid, returns.double(), 0.0).sum(2) / count.clamp(min=1)
        value, known = self.value[:, :T], self.known[:, :T]
        moved = torch.where(known, value + self.rate * (mean - value), mean)
        value.copy_(torch.where(count > 0, moved, value))
        known |= count > 0

    def state_dict(self) -> dict[str, Any]:
        return {"value": self.value.clone(), "known": self.known.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self.value.copy_(state["value"])
        self.known.copy_(state["known"])


class Reinforce:
    """The algorithm for S seeds: `svgbench.learners.episodic.EpisodicAgent`."""

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], device: str) -> None:
        c, setup = config, AgentSetup(seeds, task, device)
        self.config = config
        self.statistics = new_statistics(c, setup)
        self.policy = new_policy(c, setup, self.statistics)
        self.comparison = Comparison(len(seeds), task.horizon, c.baseline_rate, device)
        self.learned: Mapping[str, SeedNetwork] = {"policy": self.policy}
        self.kept: Mapping[str, Kept] = {"statistics": self.statistics, "comparison": self.comparison}
        self.stages: Mapping[str, Stage] = {"policy": self.train_policy}

    def insert(self, episodes: Episodes) -> Mapping[str, Tensor]:
        """Only the statistics that scale states take in new episodes."""
        take_in(transitions(episodes, self.policy), episodes.valid.flatten(1), self.statistics)
        return {}

    def train_policy(self, episodes: Episodes, active: Tensor | None) -> Mapping[str, Tensor]:
        """One step up v_theta, then the baseline takes in the episodes."""
        policy, s = self.policy, episodes.s.flatten(1, 2)
        before = policy.mean(s)
        recording = policy.record(s)
        norm = policy.ascend(recording, self.direction(episodes, before).flatten(1, 2), active)
        self.comparison.update(self.returns(episodes), episodes.valid)
        return {"grad_norm": norm, "kl": policy_change(policy, before, episodes)}

    def direction(self, episodes: Episodes, mean: Tensor) -> Tensor:
        """v_theta without pi_theta, the mean over N episodes [S, T, N, A]; mean [S, T * N, A]: the policy's."""
        S, T, N = episodes.r.shape
        discount = self.config.gamma ** torch.arange(T, dtype=torch.float64, device=mean.device)
        A_t = self.comparison.advantages(self.returns(episodes), episodes.valid) * discount[:, None] / N
        score = self.policy.noise(mean.view(S, T, N, -1), episodes.a) / self.policy.std  # grad_mu log pi(a | s)
        return torch.where(episodes.valid.unsqueeze(-1), A_t.to(score.dtype).unsqueeze(-1) * score, 0.0)

    def returns(self, episodes: Episodes) -> Tensor:
        """G_t [S, T, N]."""
        return discounted_sums(episodes.r, episodes.ended, torch.zeros_like(episodes.r), self.config.gamma)

    def renew(self) -> None:
        self.statistics.renew()


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Milliseconds of one core that a whole block takes if no episode ends early, roughly."""
    return block_work(Config(**config), task, len(seeds), int(limits["episodes"]), scored=True)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `episodes` of each seed."""
    c = Config(**config)
    return episodic_learner(Reinforce(c, task, seeds, device), c, task, seeds, limits, device)
