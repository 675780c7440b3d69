"""Learning inside a learned model: collect real transitions, fit the model to all of them, improve the policy in it.

The learner that a baseline hands to the lab is an `InsideModelLearner` around its own `InsideModelAgent`. The policy
improves by an `OnPolicyLearner` whose task is the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench.learners.on_policy import OnPolicyAgent, OnPolicyLearner
from svgbench.learners.seed_block import SeedBlock, evaluation_columns
from svgbench.memory.replay import RowLayout
from svgbench.models.ensemble_fit import EnsembleFit
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.nn.gaussian_policy import PolicySnapshot
from svgbench.nn.state import on_cpu
from svgbench.simulate.acting import ActionUnits
from svgbench.simulate.batch import Batch
from svgbench.simulate.paths import Rollouts
from svgbench.simulate.stepping import episode_returns
from svgbench.simulate.transitions import RealSteps, TransitionSampler
from svgbench.words.learner import Row
from svgbench.words.policy import TrainedPolicy
from svgbench.words.task import Recorded, Task

COLUMNS = ("alpha", "critic_loss", "reward_loss", "planned_return", "unplanned_return")
"""Columns of the experiments that compare it with actor-critics, which it does not have; NaN."""


class InsideModelAgent(OnPolicyAgent[Batch], Protocol):
    """Policies and models of S seeds. A phase is the improvement of the policies between two collections."""

    learns: Tensor  # bool [S]: whose policies an update may still change in this phase
    fit: EnsembleFit

    def begin_fit(self, number: int) -> None:
        """Called before the fit of this number, from 0."""
        ...

    def fit_share(self) -> float:
        """The approximate share of the fit in progress that is done, in [0, 1]."""
        ...

    def begin_phase(self, alive: Tensor) -> None:
        """alive: which seeds learn, bool [S]."""
        ...

    def inspect(self, iteration: int) -> None:
        """Called after each iteration of a phase, counted from 1. It may change `learns`."""
        ...

    def end_phase(self) -> None: ...


@dataclass(frozen=True)
class Rounds:
    """How much is collected, fitted and improved.

    total_steps: real transitions of a seed, a multiple of path_length. paths: simulations of a collection, with
    path_length steps each; the last collection has fewer if not enough steps are left. random_start: whether the first
    collection takes uniform actions instead of the policy's. iterations: of a phase, at most. minibatches: of a fit,
    per slice. steps_per_slice: control steps of a collection, per slice. costs: approximate milliseconds of one core of
    the fit and of the phase of each round, in order. step_cost: the same of a real step of all seeds.
    """

    total_steps: int
    paths: int
    path_length: int
    random_start: bool
    iterations: int
    eval_episodes: int
    minibatches: int
    steps_per_slice: int
    costs: Sequence[tuple[float, float]]
    step_cost: float

    @property
    def rounds(self) -> int:
        """Fits and phases."""
        return math.ceil(self.total_steps / (self.paths * self.path_length)) - 1


class InsideModelLearner(SeedBlock):
    """`svgbench.words.learner.Learner` for a block of S seeds.

    rollouts: of the policies in the model. Seeds, type and device are theirs. task: the real one.

    A row comes after each collection except the first, and describes the policy that collected. Its step counts the
    real transitions so far. train_return: of the collected paths. eval_return: of new episodes without noise.
    """

    def __init__(self, agent: InsideModelAgent, rollouts: Rollouts, task: Task, plan: Rounds) -> None:
        super().__init__(rollouts.seeds)
        if plan.rounds < 1:
            raise ValueError(f"total_steps is {plan.total_steps}, expected more than the first collection takes")
        self.agent, self.rollouts, self.task, self.plan = agent, rollouts, task, plan
        self.device, dtype = rollouts.device, rollouts.torch_dtype
        self.inner = OnPolicyLearner(agent, rollouts, rollouts.task, self.seeds, plan.iterations)
        self.sampler = TransitionSampler(task, self.seeds, plan.paths, plan.steps_per_slice, dtype)
        self.evaluations = task.simulate(self.seeds, plan.eval_episodes, "evaluation", 1, autoreset=False)
        self.units = ActionUnits(task)
        width = RowLayout(task.observation_dim, task.action_dim).width
        self.replay = torch.zeros(len(self.seeds), plan.total_steps, width, dtype=dtype, device=self.device)
        self.size = 0  # transitions in the replay
        self.round = 0  # fits and phases that are done
        self.doing: Literal["collect", "fit", "improve", "end"] = "collect"
        self._begin_collection()

    @property
    def finished(self) -> bool:
        return self.doing == "end" or not self.alive.any()

    @property
    def progress(self) -> tuple[int, int]:
        """Roughly in milliseconds of one core, evaluations left out."""
        plan = self.plan
        total = max(1, round(sum(map(sum, plan.costs)) + plan.step_cost * plan.total_steps))
        if self.finished:
            return total, total
        collected = self.size + self.sampler.share * self.sampler.n * self.sampler.steps
        done = sum(map(sum, plan.costs[: self.round])) + plan.step_cost * collected
        if self.doing in ("fit", "improve"):
            fit, phase = self.plan.costs[self.round]
            if self.doing == "fit":
                done += fit * self.agent.fit_share()
            else:
                done += fit + phase * (self.inner.iteration + self.rollouts.share) / self.plan.iterations
        return round(done), total

    def advance(self) -> list[Row]:
        """A slice of a collection, of a fit or of a phase."""
        if self.doing == "collect":
            return self._collect()
        if self.doing == "fit":
            if self.agent.fit.advance(self.replay, self.plan.minibatches):
                self._mask(self.agent.fit.finite, "an error of the model is not finite")
                self._begin_phase()
        else:
            self._improve()
        return []

    def _collect(self) -> list[Row]:
        """Line 4: transitions of the real task. Between two rounds, also rows."""
        first = self.plan.random_start and self.round == 0
        made = self.sampler.advance(None if first else self.agent.snapshot(), self.alive)
        if made is None:
            return []
        n = made.rows.shape[1]
        self.replay[:, self.size : self.size + n] = made.rows.to(self.device)
        self.size += n
        self._mask(made.finite, "an observation or a reward is not finite")
        rows = self._evaluate(made) if self.round and self.alive.any() else []
        if self.size == self.plan.total_steps:
            self.doing = "end"
        elif self.alive.any():
            self.doing = "fit"
            self.agent.begin_fit(self.round)
            self.agent.fit.begin(f"fit-{self.round}", self.replay, self.size, self.active(self.device))
        return rows

    def _begin_phase(self) -> None:
        self.doing, self.inner.iteration = "improve", 0
        self.agent.begin_phase(torch.from_numpy(self.alive.copy()).to(self.device))
        self._end_of_iteration()

    def _improve(self) -> None:
        before = self.inner.iteration
        self.inner.advance()
        if self.inner.iteration > before:
            alive = torch.from_numpy(self.inner.alive.copy())
            self._mask(alive, f"in the model, iteration {self.inner.iteration}: a number is not finite")
            self.agent.learns &= alive.to(self.device)
            self.agent.inspect(self.inner.iteration)
            self._end_of_iteration()

    def _end_of_iteration(self) -> None:
        """Only seeds that still learn take part in the next iteration. Without any, the phase ends."""
        self.rollouts.active = self.agent.learns.cpu().numpy().copy()
        if self.inner.iteration == self.plan.iterations or not self.rollouts.active.any():
            self.agent.end_phase()
            self.round += 1
            self._begin_collection()

    def _begin_collection(self) -> None:
        self.doing = "collect"
        left = (self.plan.total_steps - self.size) // self.plan.path_length
        self.sampler.begin(min(self.plan.paths, left), self.plan.path_length)

    def _evaluate(self, made: RealSteps) -> list[Row]:
        S, E = len(self.seeds), self.plan.eval_episodes
        mean, dtype = self.agent.snapshot().mean, self.sampler.dtype

        def act(obs: np.ndarray) -> np.ndarray:
            action = np.nan_to_num(mean(obs.reshape(S, E, -1).astype(dtype)).astype(np.float64))
            return self.units(action.clip(-1.0, 1.0).reshape(S * E, -1))

        returns = episode_returns(self.evaluations, act).reshape(S, E)
        columns = {
            **evaluation_columns(returns),
            "train_return": made.return_mean,
            "entropy": self._entropy(),
            "model_loss": self.agent.fit.loss.mean(1).cpu(),
            **dict.fromkeys(COLUMNS, np.full(S, math.nan)),
        }
        return self.rows(self.size, columns)

    def _entropy(self) -> np.ndarray:
        """Of the policy that collected, in nats, [S]."""
        log_std = np.log(self.agent.snapshot().std.astype(np.float64))
        entropy: np.ndarray = (log_std + 0.5 * (1 + math.log(2 * math.pi))).sum((1, 2))
        return entropy

    def _mask(self, finite: Tensor, reason: str) -> None:
        self.mark_diverged(finite, f"step {self.size}: {reason}")

    def state_dict(self) -> dict[str, Any]:
        return {
            "doing": self.doing,
            "size": self.size,
            "round": self.round,
            **self.block_state(),
            "replay": self.replay[:, : self.size].clone(),
            "active": torch.from_numpy(self.rollouts.active.copy()),
            "inner": self.inner.state_dict(),
            "sampler": self.sampler.state_dict(),
            "evaluations": dict(self.evaluations.get_state()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.doing, self.size, self.round = state["doing"], state["size"], state["round"]
        self.load_block_state(state)
        self.replay[:, : self.size] = state["replay"].to(self.device)
        self.rollouts.active = state["active"].cpu().numpy().copy()
        self.inner.load_state_dict(state["inner"])
        self.sampler.load_state_dict(state["sampler"])
        self.evaluations.set_state(on_cpu(state["evaluations"]))

    def policies(self) -> dict[int, TrainedPolicy]:
        """`svgbench.words.policy.HasPolicies`: the mean actions, clipped to the task's range."""
        O = self.task.observation_dim  # noqa: E741
        dtype = np.dtype(self.sampler.dtype)
        scales = np.zeros((len(self.seeds), O), dtype), np.ones((len(self.seeds), O), dtype)
        made = self.policies_of(self.agent.mean_network(), *scales, 0.0, self.units)
        low, high = self.task.action_low.copy(), self.task.action_high.copy()
        return {seed: replace(policy, action_low=low, action_high=high) for seed, policy in made.items()}


@torch.no_grad()
def returns_on_members(
    policy: PolicySnapshot, model: GaussianEnsemble, task: Task, starts: NDArray[np.float64], steps: int, limit: float
) -> Tensor:
    """Mean undiscounted returns of the deterministic policy on every network, [S, E]; starts [S, N, O].

    Observations are clipped to [-limit, limit].
    """
    S, N, O = starts.shape  # noqa: E741
    E, units, like = model.members, ActionUnits(task), model.centre
    reward, ends = cast(Recorded, task.reward_function), cast(Recorded, task.termination_function)
    obs = np.repeat(starts[:, None], E, 1)
    total, running = np.zeros((S, E, N)), np.ones((S, E, N), dtype=np.bool_)
    with np.errstate(all="ignore"):  # a model that has diverged overflows
        for _ in range(steps):
            x = obs.reshape(S, E * N, O).astype(str(like.dtype).removeprefix("torch."))
            action = policy.mean(x).reshape(S, E, N, -1).astype(np.float64).clip(-1.0, 1.0)
            inputs = torch.from_numpy(np.concatenate([obs, action], -1)).to(like)
            following = (obs + model.mean(inputs)[..., -O:].double().cpu().numpy()).clip(-limit, limit)
            step = obs, units(action), following
            total += np.where(running, reward(*step), 0.0)
            running &= ~np.asarray(ends(*step))
            obs = following
    return torch.from_numpy(total.mean(-1))
