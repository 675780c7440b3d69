"""Online off-policy learning with a learned model, which is fitted and used between environment steps."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

from torch import Tensor

from svgbench.learners.online import OnlineAgent, OnlineLearner, cost_before
from svgbench.memory.experience import Experience
from svgbench.words.learner import Row


class ModelBasedAgent(OnlineAgent, Protocol):
    """An agent that fits and uses a model before some environment steps. This is called the model's work."""

    model_from: int  # the first step with the model's work
    model_every: int  # environment steps between two times of work
    learns_between: bool  # whether all learning is part of this work; then it precedes evaluations, and also the end

    def model_cost(self, step: int) -> float:
        """Approximate milliseconds of one core of the work before a step; `costs` do not include it."""
        ...

    def model_share(self, step: int) -> float:
        """The approximate share of this work that is done, in [0, 1]."""
        ...

    def advance_model(self, step: int, experience: Experience, active: Tensor | None) -> bool:
        """Do a slice, of at most about a minute, of the work before a step. Returns whether it was the last.

        active: which seeds learn, bool [S]; None: all. Work in progress is part of the agent's state. Between the calls
        for one step, `experience` does not change.
        """
        ...


def model_works(agent: ModelBasedAgent, total_steps: int) -> range:
    """The environment steps before which the model's work is done."""
    return range(agent.model_from, total_steps + agent.learns_between, agent.model_every)


class ModelBasedLearner(OnlineLearner):
    """An `OnlineLearner` that does the model's work in separate slices."""

    agent: ModelBasedAgent
    modelled = -1  # the last step before which the model's work was done

    @cached_property
    def _model_costs(self) -> dict[int, float]:
        """`ModelBasedAgent.model_cost`, by the environment step before which the work is done."""
        return {step: self.agent.model_cost(step) for step in model_works(self.agent, self.schedule.total_steps)}

    @property
    def progress(self) -> tuple[int, int]:
        """As in the base class, with the model's work."""
        s, works = self.schedule, self._model_costs
        how = s, self.agent.costs, len(self.seeds), self.task.horizon
        total = cost_before(s.total_steps, *how) + sum(works.values())
        if self.finished:
            return max(1, round(total)), max(1, round(total))
        done = cost_before(self.step, *how)
        done += sum(cost for step, cost in works.items() if step < self.step or step == self.modelled)
        if self._work_is_due():
            done += self.agent.model_share(self.step) * works[self.step]
        return round(done), max(1, round(total))

    @property
    def finished(self) -> bool:
        return super().finished and not (self.agent.learns_between and self._work_is_due() and bool(self.alive.any()))

    def advance(self) -> list[Row]:
        """A slice of the model's work if it is due; otherwise environment steps, at most until it is."""
        a = self.agent
        if not self._work_is_due():
            return super().advance()
        if not a.advance_model(self.step, self.experience, self._active):
            return []
        self.modelled = self.step
        self._mask(a.finite().cpu().numpy(), "a parameter or an error of the model is not finite")
        due = a.learns_between and self._evaluation_is_due()
        return self._evaluate() if due and self.alive.any() else []

    def _work_is_due(self) -> bool:
        a = self.agent
        due = self.step >= a.model_from and (self.step - a.model_from) % a.model_every == 0
        ends = self.step >= self.schedule.total_steps and not a.learns_between
        return due and not ends and self.modelled != self.step

    def _evaluation_is_due(self) -> bool:
        waits = self.agent.learns_between and self._work_is_due()
        return super()._evaluation_is_due() and not waits

    def _slice_end(self) -> int:
        past = self.step - self.agent.model_from
        following = self.agent.model_from + max(past // self.agent.model_every + 1, 0) * self.agent.model_every
        return min(super()._slice_end(), following)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "modelled": self.modelled}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.modelled = state["modelled"]
