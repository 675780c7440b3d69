"""Online off-policy learning: one simulation per seed, updates at every environment step, evaluations in between.

The learner that a baseline hands to the lab is an `OnlineLearner` around its own `OnlineAgent`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from svgbench.learners.draws import Draw, Draws, Tape
from svgbench.learners.seed_block import SeedBlock, evaluation_columns
from svgbench.learners.static_update import static_update_on
from svgbench.memory.experience import Experience
from svgbench.nn.mean_network import MeanNetwork
from svgbench.nn.state import on_cpu
from svgbench.simulate.acting import ActionUnits
from svgbench.simulate.stepping import episode_returns
from svgbench.words.learner import Row
from svgbench.words.policy import TrainedPolicy
from svgbench.words.task import Task


@dataclass(frozen=True)
class Schedule:
    """When a learner does what. Steps are environment steps, counted from 0."""

    total_steps: int
    random_steps: int  # uniform actions before this step
    learning_starts: int  # the first step with an update
    update_before_store: bool  # whether a step updates before its own transition can be sampled
    limit_overrides_termination: bool  # whether an episode that terminates at its time limit counts as truncated
    eval_every: int
    eval_episodes: int  # per seed
    steps_per_slice: int  # once updates have begun; does not affect the results
    limit_terminates: bool = False  # whether an episode that is truncated counts as terminated


class OnlineAgent(Protocol):
    """Networks and updates of S seeds. The agent knows neither simulations nor budgets.

    Its actions lie in [-1, 1]; the learner scales them to the task's bounds. The replay stores them in [-1, 1].
    """

    draws: Mapping[str, Draw]  # the random numbers of each step with an update, by stream name
    draws_windows: bool  # whether an update samples windows from the replay
    costs: Sequence[tuple[int, float]]  # (first step, cost of each step's updates from there on, in ms of one core)

    def act(self, x: Tensor, noise: Tensor) -> Tensor:
        """Exploring actions [S, B, A] at normalised observations x [S, B, O]; standard normal noise [S, B, A]."""
        ...

    def mode(self, x: Tensor) -> Tensor:
        """The actions [S, B, A] that evaluations take."""
        ...

    def prepare(self, step: int, lacking: Tensor | None = None) -> Hashable:
        """Write the values that change with the step into tensors that `update` reads. Returns the step's phase.

        lacking: which seeds have no window to sample, bool [S]; None if none.
        """
        ...

    def stuck(self, step: int, lacking: Tensor) -> Tensor:
        """Which of the lacking seeds cannot do this step's update, bool [S]."""
        ...

    def update(self, phase: Any, experience: Experience, draws: Draws, active: Tensor | None) -> None:
        """Do all updates of one step. active: which seeds learn, bool [S]; None: all.

        On a GPU this becomes a CUDA graph (`svgbench.learners.static_update`). So its Python code may depend only on
        the phase and on whether `active` is None, must not wait for a value, and must write results in place.
        """
        ...

    def metrics(self) -> Mapping[str, Tensor]:
        """The columns of a row other than the returns, each [S], from the last update."""
        ...

    def finite(self) -> Tensor:
        """Which seeds' parameters are finite, bool [S]."""
        ...

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...

    def mean_network(self) -> MeanNetwork:
        """The network behind `mode`."""
        ...


STEP_COST = 0.5  # milliseconds: a step without an update
EVALUATION_COST = 0.05  # milliseconds: one step of one simulation
CHECK_EVERY = 16  # environment steps between checks that parameters are finite; a check waits for the device


class OnlineLearner(SeedBlock):
    """`svgbench.words.learner.Learner` for a block of S seeds.

    Training and evaluation simulations have separate random streams, and each evaluation begins new episodes. The type
    and the device of all numbers are those of `experience`.

    A seed's training depends only on environment steps: its random numbers are functions of the step, and checks that
    parameters are finite come at fixed steps. Evaluations, slices and checkpoints do not affect it.
    """

    def __init__(
        self, agent: OnlineAgent, task: Task, seeds: Sequence[int], schedule: Schedule, experience: Experience
    ) -> None:
        super().__init__(seeds)
        self.agent, self.task, self.schedule, self.experience = agent, task, schedule, experience
        self.dtype, self.device = experience.replay.rows.dtype, experience.replay.rows.device
        S = len(self.seeds)
        self.units = ActionUnits(task)
        acts = {"explore": Draw("normal", (1, task.action_dim)), "random": Draw("action", (task.action_dim,))}
        draws = {**acts, **agent.draws}
        self.tapes = {name: Tape(draw, self.seeds, name, self.dtype, self.device) for name, draw in draws.items()}
        self.simulations = task.simulate(self.seeds, 1, "train", 1)
        self.evaluations = task.simulate(self.seeds, schedule.eval_episodes, "evaluation", 1, autoreset=False)
        self.step = 0
        self.episode_return = np.zeros(S)
        self.train_return = np.full(S, math.nan)  # of the last finished episode
        self._active: Tensor | None = None
        self.static_update = static_update_on(self.device, agent.update, agent.draws, experience)

    @property
    def finished(self) -> bool:
        return self.step >= self.schedule.total_steps or not self.alive.any()

    @property
    def progress(self) -> tuple[int, int]:
        """Work done and total, roughly in milliseconds of one core, because steps with updates cost far more."""
        how = self.schedule, self.agent.costs, len(self.seeds), self.task.horizon
        total = max(1, round(cost_before(self.schedule.total_steps, *how)))
        return (total if self.finished else round(cost_before(self.step, *how))), total

    def advance(self) -> list[Row]:
        """Take some environment steps, and evaluate if it is due.

        All steps before the first update form one slice.
        """
        stop = self._slice_end()
        while self.step < stop and self.alive.any():
            self._one_step()
        return self._evaluate() if self._evaluation_is_due() and self.alive.any() else []

    def _evaluation_is_due(self) -> bool:
        return self.step % self.schedule.eval_every == 0 or self.step == self.schedule.total_steps

    def _slice_end(self) -> int:
        """The step at which the present slice ends."""
        s = self.schedule
        stop = self.step + s.steps_per_slice if self.step >= s.learning_starts else s.learning_starts
        return min(stop, (self.step // s.eval_every + 1) * s.eval_every, s.total_steps)

    def _one_step(self) -> None:
        """Take one step in every seed's simulation, with its updates."""
        s, learns = self.schedule, self.step >= self.schedule.learning_starts
        obs = self.simulations.observe()
        action = self._act(obs)
        if learns and s.update_before_store:
            self._update()
        outcome = self.simulations.step(self.units(action))
        finite = np.isfinite(outcome.final_observation).all(1) & np.isfinite(outcome.reward)
        self._mask(finite, "an observation or a reward is not finite")
        self._store(obs, action, outcome)
        if learns and not s.update_before_store:
            self._update()
        self.step += 1
        if learns and (self.step % CHECK_EVERY == 0 or self.step == s.total_steps):
            self._mask(self.agent.finite().cpu().numpy(), "a parameter is not finite")

    def _act(self, obs: np.ndarray) -> np.ndarray:
        """Exploring actions [S, A] in [-1, 1]; 0 for seeds that have diverged."""
        explore = self.tapes["explore"].take()
        if self.step < self.schedule.random_steps:
            return self.tapes["random"].take().double().cpu().numpy()
        x = self.experience.normalise(self._tensor(obs)[:, None])
        with torch.no_grad():
            return np.nan_to_num(self.agent.act(x, explore)[:, 0].double().cpu().numpy())

    def _update(self) -> None:
        draws = {name: self.tapes[name].take() for name in self.agent.draws}
        lacking = self.experience.replay.lacking() if self.agent.draws_windows else None
        if lacking is not None:
            span = self.experience.replay.window
            reason = f"no window of {span} steps lies inside an episode, so its model has learned nothing"
            self._mask(~self.agent.stuck(self.step, lacking), reason)
        phase = self.agent.prepare(self.step, lacking)
        if self.static_update is None:
            self.agent.update(phase, self.experience, draws, self._active)
        else:
            self.static_update(phase, draws, self._active)

    def _store(self, obs: np.ndarray, action: np.ndarray, outcome: Any) -> None:
        end = outcome.terminated | outcome.truncated
        terminal = outcome.terminated
        if self.schedule.limit_overrides_termination:
            terminal = terminal & ~outcome.truncated
        if self.schedule.limit_terminates:
            terminal = end
        scalars = np.stack([outcome.reward, terminal], 1)
        rows = np.concatenate([obs, action, outcome.final_observation, scalars], 1)
        self.experience.add(self._tensor(rows), torch.from_numpy(end).to(self.device))
        self.episode_return += outcome.reward
        self.train_return = np.where(end, self.episode_return, self.train_return)
        self.episode_return[end] = 0.0

    def _evaluate(self) -> list[Row]:
        """Run episodes of the deterministic policy with the present statistics. Returns one row per running seed.

        A seed whose parameters are not finite has no row. The next check at a fixed step records that it has diverged,
        whether or not it was evaluated.
        """
        S, E = len(self.seeds), self.schedule.eval_episodes

        def act(obs: np.ndarray) -> np.ndarray:
            x = self.experience.normalise(self._tensor(obs).view(S, E, -1))
            with torch.no_grad():
                action = np.nan_to_num(self.agent.mode(x).double().cpu().numpy().reshape(S * E, -1))
            return self.units(action)

        returns = episode_returns(self.evaluations, act).reshape(S, E)
        metrics = {name: value.double().cpu().numpy() for name, value in self.agent.metrics().items()}
        columns = evaluation_columns(returns) | {"train_return": self.train_return} | metrics
        finite = dict(zip(self.seeds, self.agent.finite().tolist(), strict=True))
        return [row for row in self.rows(self.step, columns) if finite[row["seed"]]]

    def _mask(self, finite: np.ndarray | Tensor, reason: str) -> None:
        """Record seeds that have diverged, and stop their learning."""
        before = self.alive.copy()
        self.mark_diverged(finite, f"step {self.step}: {reason}")
        if (self.alive != before).any():
            self._set_active()

    def _set_active(self) -> None:
        self._active = self.active(self.device)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(device=self.device, dtype=self.dtype)

    def state_dict(self) -> dict[str, Any]:
        return {
            "step": self.step,
            **self.block_state(),
            "episode_return": torch.from_numpy(self.episode_return.copy()),
            "train_return": torch.from_numpy(self.train_return.copy()),
            "tapes": {name: tape.state_dict() for name, tape in self.tapes.items()},
            "simulations": dict(self.simulations.get_state()),
            "evaluations": dict(self.evaluations.get_state()),
            "experience": self.experience.state_dict(),
            "agent": self.agent.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.load_block_state(state)
        self.episode_return = state["episode_return"].cpu().numpy().copy()
        self.train_return = state["train_return"].cpu().numpy().copy()
        for name, tape in self.tapes.items():
            tape.load_state_dict(state["tapes"][name])
        self.simulations.set_state(on_cpu(state["simulations"]))
        self.evaluations.set_state(on_cpu(state["evaluations"]))
        self.experience.load_state_dict(state["experience"])
        self.agent.load_state_dict(state["agent"])
        self._set_active()
        if self.static_update is not None:
            self.static_update.forget()

    def policies(self) -> dict[int, TrainedPolicy]:
        """`svgbench.words.policy.HasPolicies`: as they are evaluated, so without planning."""
        centre, width = (part[:, 0].cpu().numpy() for part in self.experience.scales)
        return self.policies_of(self.agent.mean_network(), centre, width, 0.0, self.units)


def cost_before(step: int, s: Schedule, updates: Sequence[tuple[int, float]], S: int, horizon: int) -> float:
    """The approximate cost of all work before a step, in ms of one core. updates: as `OnlineAgent.costs`."""
    ends = [*(first for first, _ in updates[1:]), s.total_steps]
    cost_so_far = STEP_COST * step
    for (first, cost), end in zip(updates, ends, strict=True):
        cost_so_far += cost * max(min(step, end) - max(first, s.learning_starts), 0)
    evaluations = step // s.eval_every + (step == s.total_steps and step % s.eval_every > 0)
    return cost_so_far + EVALUATION_COST * S * s.eval_episodes * horizon * evaluations
