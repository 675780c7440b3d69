"""Transitions of the current policy, or of uniform random actions: as many steps in each simulation of every seed.

They are collected in slices, so that a checkpoint can fall between them. An episode that ends is followed by a new one,
so all seeds have equally many transitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench.nn.gaussian_policy import PolicySnapshot
from svgbench.nn.state import on_cpu
from svgbench.nn.streams import Streams
from svgbench.simulate.acting import ActionUnits, slice_noise
from svgbench.words.task import Task


class RealSteps(NamedTuple):
    """n simulations with T steps each, for S seeds.

    rows: laid out as `svgbench.memory.replay.RowLayout`, one simulation after another. Actions are in [-1, 1].
    return_mean: of a seed's first episode in each simulation, cut after T steps. finite: which seeds saw finite numbers
    only.
    """

    rows: Tensor  # [S, n * T, width]
    return_mean: Tensor  # float64 [S]
    finite: Tensor  # bool [S]


class TransitionSampler:
    """Simulations of S seeds that collect `RealSteps`, a slice at a time.

    simulations: per seed, the most that a collection uses. steps_per_slice: control steps per slice. Noise is drawn
    slice by slice, so its length is part of the numbers. The policy sees unscaled observations; its actions, in units
    of half the task's range, are clipped to the range.
    """

    def __init__(
        self, task: Task, seeds: Sequence[int], simulations: int, steps_per_slice: int, dtype: torch.dtype
    ) -> None:
        self.task, self.shape = task, (len(seeds), simulations)
        self.steps_per_slice, self.torch_dtype = steps_per_slice, dtype
        self.dtype: Any = np.dtype(str(dtype).removeprefix("torch."))
        self.simulations = task.simulate(seeds, simulations, "collect", torch.get_num_threads())
        self.noise = Streams(seeds, "collect")
        self.units = ActionUnits(task)
        self.t = self.steps = 0
        self._prepare(0, 0)

    def _prepare(self, n: int, steps: int) -> None:
        S = self.shape[0]
        self.n, self.steps = n, steps
        width = 2 * self.task.observation_dim + self.task.action_dim + 2
        self.rows: NDArray[Any] = np.zeros((S, n, steps, width), self.dtype)
        self.first_return, self.first = np.zeros((S, n)), np.ones((S, n), dtype=np.bool_)
        self.finite = np.ones(S, dtype=np.bool_)

    @property
    def share(self) -> float:
        """The share of the present collection that is done, in [0, 1)."""
        return self.t / self.steps if self.steps else 0.0

    def begin(self, n: int, steps: int) -> None:
        """Start a collection of `steps` steps of n simulations, at the start of episodes."""
        self._prepare(n, steps)
        self.t = 0
        self.simulations.reset(self._ids())

    def _ids(self) -> NDArray[np.int64]:
        S, N = self.shape
        return np.arange(S * N).reshape(S, N)[:, : self.n].ravel()

    def advance(self, policy: PolicySnapshot | None, alive: NDArray[np.bool_]) -> RealSteps | None:
        """One slice; the transitions if that completes them.

        policy: None takes uniform actions. alive: which seeds draw random numbers, bool [S]; the others take action 0.
        """
        S, n, A = self.shape[0], self.n, self.task.action_dim
        shape = (self.steps_per_slice, n, A)
        if policy is None:
            drawn = self.noise.uniform(shape, -1.0, 1.0, dtype=self.torch_dtype).numpy()
        else:
            running = np.repeat(alive, n)
            drawn = slice_noise(self.noise, running, shape, policy.std, self.torch_dtype)
        for i in range(min(self.steps_per_slice, self.steps - self.t)):
            obs = self.simulations.observe().reshape(S, self.shape[1], -1)[:, :n]
            mean = 0.0 if policy is None else policy.mean(obs.astype(self.dtype))
            action = np.where(alive[:, None, None], mean + drawn[:, i], 0.0)
            self._step(obs, np.clip(action, -1.0, 1.0).astype(np.float64))
        return self._finish() if self.t == self.steps else None

    def _step(self, obs: NDArray[Any], action: NDArray[Any]) -> None:
        S, n = self.shape[0], self.n
        outcome = self.simulations.step(self.units(action).reshape(S * n, -1), self._ids())
        reward = outcome.reward.reshape(S, n)
        next_obs = outcome.final_observation.reshape(S, n, -1)
        scalars = np.stack([reward, outcome.terminated.reshape(S, n)], -1)
        self.rows[:, :, self.t] = np.concatenate([obs, action, next_obs, scalars], -1)
        self.finite &= np.isfinite(next_obs).all((1, 2)) & np.isfinite(reward).all(1)
        self.first_return += np.where(self.first, reward, 0.0)
        self.first &= ~(outcome.terminated | outcome.truncated).reshape(S, n)
        self.t += 1

    def _finish(self) -> RealSteps:
        rows = torch.from_numpy(self.rows.reshape(self.shape[0], self.n * self.steps, -1))
        mean, finite = torch.from_numpy(self.first_return.mean(1)), torch.from_numpy(self.finite)
        self.t = 0
        self._prepare(0, 0)
        return RealSteps(rows, mean, finite)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next slice depends on."""
        return {
            "t": self.t,
            "n": self.n,
            "steps": self.steps,
            "rows": torch.from_numpy(self.rows[:, :, : self.t].copy()),
            "first_return": torch.from_numpy(self.first_return.copy()),
            "first": torch.from_numpy(self.first.copy()),
            "finite": torch.from_numpy(self.finite.copy()),
            "noise": self.noise.state_dict(),
            "simulations": dict(self.simulations.get_state()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        state = on_cpu(state)
        self._prepare(state["n"], state["steps"])
        self.t = state["t"]
        self.rows[:, :, : self.t] = state["rows"].numpy()
        for name in ("first_return", "first", "finite"):
            setattr(self, name, state[name].numpy().copy())
        self.noise.load_state_dict(state["noise"])
        self.simulations.set_state(state["simulations"])
