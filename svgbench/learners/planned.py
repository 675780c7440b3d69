"""Online learning of a model by an agent that plans every action, and whose episodes of training are its trial.

A planner has no policy to evaluate in between: an evaluation would plan as much again. So a row has the returns of the
last episodes of training, as Wang and Ba 2019 report PETS and POPLIN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from svgbench.learners.model_based import ModelBasedAgent, ModelBasedLearner
from svgbench.learners.online import Schedule
from svgbench.memory.experience import Experience
from svgbench.words.learner import Row
from svgbench.words.policy import TrainedPolicy
from svgbench.words.task import Task


class PlannedAgent(ModelBasedAgent, Protocol):
    """An agent whose `act` plans at the observations."""

    def forget(self, ended: Tensor) -> None:
        """Forget the plans of seeds whose episode has ended, bool [S]."""
        ...


class PlannedLearner(ModelBasedLearner):
    """A `ModelBasedLearner` whose rows have the mean of a seed's last `eval_episodes` episodes that are wholly planned.

    There is no row before a seed has such an episode, except at the end: then the columns of returns are NaN.
    """

    agent: PlannedAgent

    def __init__(
        self, agent: PlannedAgent, task: Task, seeds: Sequence[int], schedule: Schedule, experience: Experience
    ) -> None:
        super().__init__(agent, task, seeds, schedule, experience)
        S = len(self.seeds)
        self.returns = np.full((S, schedule.eval_episodes), np.nan)  # of planned episodes, the last one last
        self._planned = np.full(S, schedule.random_steps == 0)  # whether the present episode is, so far

    def _store(self, obs: np.ndarray, action: np.ndarray, outcome: Any) -> None:
        super()._store(obs, action, outcome)
        end = outcome.terminated | outcome.truncated
        new = end & self._planned
        self.returns[new] = np.concatenate([self.returns[new, 1:], self.train_return[new, None]], 1)
        self._planned = np.where(end, self.step + 1 >= self.schedule.random_steps, self._planned)
        if end.any():
            self.agent.forget(torch.from_numpy(end).to(self.device))

    def _evaluate(self) -> list[Row]:
        """One row per running seed; the number of episodes in its mean grows up to `eval_episodes`."""
        known = ~np.isnan(self.returns)
        count = known.sum(1)
        total = np.where(known, self.returns, 0.0).sum(1)
        mean = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
        squares = (np.where(known, self.returns - mean[:, None], 0.0) ** 2).sum(1)
        spread = np.sqrt(np.divide(squares, count - 1, out=np.full(len(count), np.nan), where=count > 1))
        metrics = {name: value.double().cpu().numpy() for name, value in self.agent.metrics().items()}
        columns = {"eval_return": mean, "eval_return_sd": spread, "train_return": self.train_return} | metrics
        last = self.step == self.schedule.total_steps
        shown = {
            seed: finite and (last or n > 0)
            for seed, finite, n in zip(self.seeds, self.agent.finite().tolist(), count.tolist(), strict=True)
        }
        return [row for row in self.rows(self.step, columns) if shown[row["seed"]]]

    def state_dict(self) -> dict[str, Any]:
        own = {"returns": torch.from_numpy(self.returns.copy()), "planned": torch.from_numpy(self._planned.copy())}
        return {**super().state_dict(), **own}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.returns, self._planned = (state[name].cpu().numpy().copy() for name in ("returns", "planned"))

    def policies(self) -> dict[int, TrainedPolicy]:
        """None: what acts is a search in a model."""
        return {}
