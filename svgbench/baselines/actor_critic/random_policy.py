"""Uniform random actions within the task's bounds: the level of a policy that has learned nothing.

A seed's return is the mean of `eval_episodes` episodes on the same evaluation simulations as the seed's learners. There
is one row, at the budget's last step; columns about training are NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from svgbench.baselines.actor_critic._soft_actor_critic import COLUMNS
from svgbench.learners.limits import StepLimits as Limits
from svgbench.learners.seed_block import evaluation_columns
from svgbench.learners.study import OneSliceStudy
from svgbench.nn.streams import Streams
from svgbench.ranges import Count
from svgbench.simulate.acting import ActionUnits
from svgbench.simulate.stepping import episode_returns
from svgbench.words.learner import Learner, Row
from svgbench.words.task import Task

VERSION = 1


@dataclass(frozen=True)
class Config:
    eval_episodes: Count = 10  # as many as the learners evaluate


TRAINING = ("train_return", "alpha", *COLUMNS)
RETURNS = ("eval_return", "planned_return", "unplanned_return")  # all the same, because it does not plan


class RandomPolicy(OneSliceStudy):
    """The returns of `eval_episodes` episodes of uniform actions, for every seed."""

    def __init__(self, config: Config, task: Task, seeds: Sequence[int], total_steps: int) -> None:
        super().__init__(seeds)
        self.config, self.task, self.total_steps = config, task, total_steps

    def measure(self) -> list[Row]:
        S, E, A = len(self.seeds), self.config.eval_episodes, self.task.action_dim
        streams, units = Streams(self.seeds, "random-policy"), ActionUnits(self.task)

        def act(_: np.ndarray) -> np.ndarray:
            return units(streams.uniform((E, A), -1.0, 1.0).double().numpy().reshape(S * E, A))

        simulations = self.task.simulate(self.seeds, E, "evaluation", 1, autoreset=False)
        returns = episode_returns(simulations, act).reshape(S, E)
        nothing = dict.fromkeys(TRAINING, math.nan)
        mean, spread = (column.tolist() for column in evaluation_columns(returns).values())
        return [
            {
                **nothing,
                "seed": seed,
                "step": self.total_steps,
                **dict.fromkeys(RETURNS, mean[i]),
                "eval_return_sd": spread[i],
            }
            for i, seed in enumerate(self.seeds)
        ]


def estimated_work(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits) -> float:
    """Steps of a simulation, if no episode ends early."""
    return float(len(seeds) * Config(**config).eval_episodes * task.horizon)


def make(config: Mapping[str, Any], task: Task, seeds: Sequence[int], limits: Limits, device: str) -> Learner:
    """The learner of a block. limits: `total_steps`, the step of its row. It always runs on the CPU."""
    return RandomPolicy(Config(**config), task, seeds, int(limits["total_steps"]))
