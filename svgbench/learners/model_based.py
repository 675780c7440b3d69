"""Off-policy learning online with a learned model, which learns and imagines between two environment steps."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

from torch import Tensor

from svgbench.learners.online import OnlineAgent, OnlineLearner, cost_before
from svgbench.memory.experience import Experience
from svgbench.words.learner import Row


class ModelBasedAgent(OnlineAgent, Protocol):
    """An agent whose model has work to do before some environment steps."""

    model_from: int  # the first such step
    model_every: int  # environment steps from one to the next
    learns_between: bool  # all learning is part of this work: so evaluations come after it, also at the very end

    def model_cost(self, step: int) -> float:
        """Milliseconds of one core of the work that comes before a step, roughly; `costs` do not include it."""
        ...

    def model_share(self, step: int) -> float:
        """How much of this work is done, in [0, 1], roughly."""
        ...

    def advance_model(self, step: int, experience: Experience, active: Tensor | None) -> bool:
        """Do a slice of at most about a minute of the work that comes before a step; whether that was the last.

        active: bool [S], which seeds learn, None all. What is in progress between two calls is part of the agent's
        state, and the experience does not change in between.
        """
        ...


def model_works(agent: ModelBasedAgent, total_steps: int) -> range:
    """The environment steps before which an agent works on its model."""
    return range(agent.model_from, total_steps + agent.learns_between, agent.model_every)


class ModelBasedLearner(OnlineLearner):
    """An `OnlineLearner` that does its agent's work on the model in slices of its own."""

    agent: ModelBasedAgent
    modelled = -1  # the last step before which the model's work was done

    @cached_property
    def _model_costs(self) -> dict[int, float]:
        """`ModelBasedAgent.model_cost` of each work, by the environment step before which it is done."""
        return {step: self.agent.model_cost(step) for step in model_works(self.agent, self.schedule.total_steps)}

    @property
    def progress(self) -> tuple[int, int]:
        """As the base, with the work on the model."""
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
        """A slice of the model's work where it is due, else environment steps until it is, at most."""
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
