"""Model-based learning that ends in a trial: the final policies act with and without planning (Clavera et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from svgbench.learners.model_based import ModelBasedAgent, ModelBasedLearner
from svgbench.learners.online import Schedule
from svgbench.memory.experience import Experience
from svgbench.planning.trial import PairedTrial, Way
from svgbench.simulate.acting import ActionUnits
from svgbench.words.learner import Row
from svgbench.words.task import Task

STEPS_AT_ONCE = 25  # control steps per slice of the trial


class PlanningAgent(ModelBasedAgent, Protocol):
    """An agent whose `last` has "planned_return" and "unplanned_return" of the trial, each [S]; NaN before it."""

    last: dict[str, Tensor]

    def trial_cost(self, horizon: int) -> float:
        """Approximate milliseconds of one core of a trial with episodes of `horizon` control steps."""
        ...

    def plan(self, experience: Experience) -> Sequence[Way]:
        """The trial's two ways to act: with planning, and without."""
        ...


class PlanningLearner(ModelBasedLearner):
    """A `ModelBasedLearner` with a trial before its last evaluation, whose rows contain the trial's returns.

    episodes: per seed and way to act; 0: no trial. A seed that has diverged takes part, but has no row.
    """

    agent: PlanningAgent

    def __init__(
        self,
        agent: PlanningAgent,
        task: Task,
        seeds: Sequence[int],
        schedule: Schedule,
        experience: Experience,
        episodes: int,
    ) -> None:
        super().__init__(agent, task, seeds, schedule, experience)
        self.trial: PairedTrial | None = None
        if episodes > 0:
            simulations = task.simulate(self.seeds, episodes, "planning", 1, autoreset=False)
            ways, like = agent.plan(experience), experience.replay.rows
            self.trial = PairedTrial(ways, simulations, ActionUnits(task), len(self.seeds), like)

    @property
    def progress(self) -> tuple[int, int]:
        """As in the base class, with the trial. Its episodes with planning come first and take nearly all its time."""
        done, total = super().progress
        if self.trial is None:
            return done, total
        cost = self.agent.trial_cost(self.task.horizon)
        planned = self.finished or self.trial.done or self.trial.way > 0
        share = 1.0 if planned else min(self.trial.t / self.task.horizon, 1.0)
        return done + round(share * cost), total + round(cost)

    @property
    def finished(self) -> bool:
        return super().finished and (self._trial_to_come() is None or not self.alive.any())

    def advance(self) -> list[Row]:
        """As in the base class; at the end slices of the trial, and then the last evaluation."""
        trial = self._trial_to_come()
        if trial is None or not super().finished:
            return super().advance()
        trial.advance(STEPS_AT_ONCE)
        if not trial.done:
            return []
        for name, returns in zip(("planned_return", "unplanned_return"), trial.returns, strict=True):
            self.agent.last[name].copy_(torch.from_numpy(returns.mean(1)))
        return self._evaluate()

    def _trial_to_come(self) -> PairedTrial | None:
        return None if self.trial is None or self.trial.done else self.trial

    def _evaluation_is_due(self) -> bool:
        waits = self.step == self.schedule.total_steps and self._trial_to_come() is not None
        return super()._evaluation_is_due() and not waits

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "trial": self.trial.state_dict() if self.trial else {}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        if self.trial is not None:
            self.trial.load_state_dict(state["trial"])
