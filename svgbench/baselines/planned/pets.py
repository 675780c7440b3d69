"""PETS: Chua et al. 2018 (arXiv 1805.12114), algorithm 1. A search over sequences of actions plans every action.

An ensemble of probabilistic networks is fitted to everything seen, between episodes. Before each action the
cross-entropy method searches for the sequence of `plan_horizon` actions with the largest predicted sum of rewards; its
first action is taken, and the rest, moved by one step, is the mean of the next search.

There are two profiles. They differ in how a sequence is scored [propagation]:

* "wang-ba": one path, along the mean of all networks' means. Wang and Ba 2019 ran PETS so, and the row PETS* of Amos
  et al. 2020 has their numbers (WilsonWangTHU/POPLIN at edd8dba, demo_scripts/PETS.sh: `prop-type E`).
* "authors": TS-infinity. Each sequence has `particles` paths; each path keeps one network, and has its noise
  (kchua/handful-of-trials at 77fd880, dmbrl/controllers/MPC.py, config/default.py).

The search: candidates from a normal distribution cut at two standard deviations, whose variance is limited by the box
of actions. It starts with variance `init_variance` before every action, and ends when no variance is above
`stop_variance`. The rest of the loop and of the model is in `_planner`, with what the code does differently from a
reader's guess.

Axes: S seeds, B rows, H steps, O observation, A action.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from svgbench.baselines.planned import _planner
from svgbench.baselines.planned._planner import RULES as SHARED_RULES
from svgbench.baselines.planned._planner import Planner, search_milliseconds
from svgbench.learners.limits import StepLimits as Limits
from svgbench.learners.settings import settings
from svgbench.planning.model_returns import ReturnSettings
from svgbench.ranges import Count, NonNegative, Positive
from svgbench.words.learner import Learner
from svgbench.words.task import Task

VERSION = 1


@dataclass(frozen=True)
class Config(_planner.Config):
    """PETS' own settings; those shared with POPLIN-P are in `_planner.Config`. Source: the code."""

    propagation: Literal["mean", "particles"] = "mean"  # how a sequence is scored, see above
    particles: Count = 20  # paths of a sequence; only with propagation "particles"
    init_variance: Positive = 0.25  # of actions in [-1, 1], before every search
    stop_variance: NonNegative = 0.001  # a search ends when its largest variance is not above this


RULES = {
    **SHARED_RULES,
    "propagation != 'particles' or particles % members == 0": "each network has equally many particles",
}
PROFILES: dict[str, dict[str, Any]] = {"wang-ba": {}, "authors": {"propagation": "particles"}}


class PETS(Planner):
    """`svgbench.learners.planned.PlannedAgent`: models of S seeds, and searches for sequences of actions in them."""

    config: Config

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], device: str) -> None:
        super().__init__(config, task, seeds, device)
        c = config
        particles = c.particles if c.propagation == "particles" else 1
        how = ReturnSettings(c.gamma, c.plan_horizon, c.propagation, particles=particles, reward_of=c.reward_of)
        self.search_for(task.action_dim, c.init_variance, how, variance_cut="box", stop_variance=c.stop_variance)
        self.costs = [(0, plan_milliseconds(c, self.sizes))]

    def act(self, x: Tensor, noise: Tensor) -> Tensor:
        """Planned actions [S, 1, A] at observations x [S, 1, O]. The noise is not used."""
        found = self.planner.plan(self.mean, self.std, lambda actions: self.returns(x, actions))
        return found[:, :, 0].clamp(-1, 1)


def plan_milliseconds(c: Config, sizes: tuple[int, int, int]) -> float:
    """Approximate milliseconds of one core of a plan. sizes: O, A and S."""
    paths = c.particles if c.propagation == "particles" else c.members  # a mean needs every network
    return search_milliseconds(c, sizes, c.plan_population * paths, 60)


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Approximate milliseconds of one core for a whole block."""
    c, sizes = settings(Config, config), (task.observation_dim, task.action_dim, len(seeds))
    return _planner.work(c, sizes, task.horizon, int(limits["total_steps"]), plan_milliseconds(c, sizes))


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `total_steps`, environment steps.

    Raises ValueError for a task without a reward function that accepts tensors.
    """
    c = settings(Config, config)
    return _planner.learner(PETS(c, task, seeds, device), c, task, seeds, int(limits["total_steps"]), device)
