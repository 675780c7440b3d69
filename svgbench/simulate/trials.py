"""Trials of the final policies without their own noise, in longer episodes and under more noise than in training.

Heess et al. 2015, section 6.2: an arm "finished at the target site"; the monoped, trained for 200 steps with 5 % of
torque noise, balanced "well beyond" them and with up to 25 %.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench.words.task import Task

COLUMNS = ("trial_reward", "trial_reward_noisy")
"""Mean reward of the steps after `after`: with the task's own noise, and with more. NaN without such a trial."""


@dataclass(frozen=True)
class Trials:
    """`episodes` episodes of `steps` steps for each of S seeds. The first `after` steps do not count.

    noise: the task's field `noise` in a second trial; None if there is none. The task has a field `horizon`.
    """

    task: Task
    seeds: Sequence[int]
    steps: int
    after: int
    episodes: int
    noise: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.after < self.steps or self.episodes < 1:
            raise ValueError(
                f"trials count what comes after {self.after} of {self.steps} steps in {self.episodes} episodes, "
                "expected fewer than all, and one episode or more"
            )

    def __call__(self, act: Callable[[NDArray[Any]], NDArray[Any]]) -> Mapping[str, Tensor]:
        """`COLUMNS`, each [S]; act: actions [S, N, A] of states [S, N, O], without noise of its own."""
        as_trained = replace(self.task, horizon=self.steps)
        found = {"trial_reward": self._late(as_trained, act)}
        if self.noise is not None:
            found["trial_reward_noisy"] = self._late(replace(as_trained, noise=self.noise), act)
        return found

    def _late(self, task: Task, act: Callable[[NDArray[Any]], NDArray[Any]]) -> Tensor:
        """Mean reward [S]. Steps after an episode's end count as 0."""
        S, N = len(self.seeds), self.episodes
        simulations = task.simulate(self.seeds, N, "trials", torch.get_num_threads(), autoreset=False)
        s, total = simulations.observe(), np.zeros(S * N)
        running = np.arange(S * N)
        for t in range(self.steps):
            actions = act(s.reshape(S, N, -1)).reshape(S * N, -1)
            outcome = simulations.step(actions[running], running)
            if t >= self.after:
                total[running] += outcome.reward
            s[running] = outcome.observation
            running = running[~(outcome.terminated | outcome.truncated)]
            if not len(running):
                break
        return torch.from_numpy(total.reshape(S, N).mean(1) / (self.steps - self.after))


def trials_of(task: Task, seeds: Sequence[int], limits: Mapping[str, Any]) -> Trials | None:
    """The trials of a budget, or None.

    It reads `trial_steps`, `trial_after`, `trial_episodes`, and `trial_noise` for a second trial.
    """
    if "trial_steps" not in limits:
        return None
    steps, after, episodes = (int(limits[f"trial_{name}"]) for name in ("steps", "after", "episodes"))
    return Trials(
        task, seeds, steps, after, episodes, float(limits["trial_noise"]) if "trial_noise" in limits else None
    )
