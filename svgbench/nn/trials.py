"""Trying final policies for longer than they were trained, as trained and under more noise.

The monoped of Heess et al. 2015, section 6.2: trained for 200 steps with 5 % of torque noise, tried "well beyond" and
with up to 25 %.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

COLUMNS = ("trial_reward", "trial_reward_noisy")
"""Mean reward of a step beyond the training horizon: with the task's own noise, and with more. NaN without trials."""


@dataclass(frozen=True)
class Trials:
    """Episodes of `steps` steps, `episodes` for each of S seeds; the task has the fields `horizon` and `noise`."""

    task: Any
    seeds: Sequence[int]
    steps: int
    episodes: int
    noise: float

    def __post_init__(self) -> None:
        if self.steps <= self.task.horizon or self.episodes < 1:
            raise ValueError(
                f"trials have {self.steps} steps and {self.episodes} episodes, expected more than the "
                f"{self.task.horizon} of training, and one or more"
            )

    def __call__(self, act: Callable[[NDArray[Any]], NDArray[Any]]) -> Mapping[str, Tensor]:
        """`COLUMNS`, each [S]; act: actions [S, N, A] of states [S, N, O], without noise of its own."""
        as_trained = replace(self.task, horizon=self.steps)
        return {
            "trial_reward": self._beyond(as_trained, act),
            "trial_reward_noisy": self._beyond(replace(as_trained, noise=self.noise), act),
        }

    def _beyond(self, task: Any, act: Callable[[NDArray[Any]], NDArray[Any]]) -> Tensor:
        """A step that an episode did not live to see counts as 0."""
        S, N = len(self.seeds), self.episodes
        simulations = task.simulate(self.seeds, N, "trials", torch.get_num_threads(), autoreset=False)
        s, total = simulations.observe(), np.zeros(S * N)
        running = np.arange(S * N)
        for t in range(self.steps):
            actions = act(s.reshape(S, N, -1)).reshape(S * N, -1)
            outcome = simulations.step(actions[running], running)
            if t >= self.task.horizon:
                total[running] += outcome.reward
            s[running] = outcome.observation
            running = running[~(outcome.terminated | outcome.truncated)]
            if not len(running):
                break
        return torch.from_numpy(total.reshape(S, N).mean(1) / (self.steps - self.task.horizon))


def trials_of(task: Any, seeds: Sequence[int], budget: Mapping[str, Any]) -> Trials | None:
    """What the budget asks for: `trial_steps`, `trial_episodes` and `trial_noise`; None if it asks for none."""
    if "trial_steps" not in budget:
        return None
    return Trials(task, seeds, int(budget["trial_steps"]), int(budget["trial_episodes"]), float(budget["trial_noise"]))
