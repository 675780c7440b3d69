"""Scores of many policies, each from one episode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench.nn.gaussian_policy import PolicySnapshot
from svgbench.nn.scaling import ObservationScaling
from svgbench.nn.state import finite_rows, on_cpu
from svgbench.nn.streams import Streams
from svgbench.simulate.acting import ActionUnits, slice_noise
from svgbench.simulate.stepping import step_running
from svgbench.words.task import Task


@dataclass(frozen=True)
class Scores:
    """The result of one episode of each candidate; see `svgbench.learners.on_policy.Collected`."""

    returns: Tensor  # float64 [S, n], undiscounted
    lengths: Tensor  # int64 [S, n], steps
    steps: Tensor  # int64 [S]: calls of the simulator
    path_length: int  # steps of an episode that does not end early

    @property
    def return_mean(self) -> Tensor:
        return self.returns.mean(1)

    @property
    def length_mean(self) -> Tensor:
        return self.lengths.double().mean(1)

    @property
    def reward_per_step(self) -> Tensor:
        """Steps after an early end count as zero."""
        return self.return_mean / self.path_length

    def finite(self) -> Tensor:
        return finite_rows(self.returns)


class OneEpisodeEach:
    """`svgbench.learners.on_policy.Sampler`: n new episodes for each of S seeds; only sums are kept.

    path_length: steps after which an episode is cut; 0 is the task's horizon. steps_per_slice: control steps per
    slice (a checkpoint can only fall between slices). Noise is drawn slice by slice, so it is part of the numbers.
    """

    def __init__(
        self,
        task: Task,
        seeds: Sequence[int],
        n: int,
        path_length: int,
        steps_per_slice: int,
        scaling: ObservationScaling,
        dtype: torch.dtype,
    ) -> None:
        if n < 1 or steps_per_slice < 1:
            raise ValueError(f"{n} episodes in slices of {steps_per_slice} steps: expected at least one of each")
        if not 0 <= path_length <= task.horizon:
            raise ValueError(f"path_length is {path_length}, expected at most the task's horizon, {task.horizon}")
        self.task, self.scaling, self.torch_dtype = task, scaling, dtype
        self.dtype: Any = np.dtype(str(dtype).removeprefix("torch."))
        self.path_length, self.steps_per_slice = path_length or task.horizon, steps_per_slice
        S, n = self.shape = len(seeds), n
        self.simulations = task.simulate(seeds, n, "train", torch.get_num_threads(), autoreset=False)
        self.noise = Streams(seeds, "explore")
        self.units = ActionUnits(task)
        self.t = 0
        self.prelude = 0  # steps taken before the first episodes, to scale observations
        self.observation = self.simulations.observe()  # [S * n, O]
        self.running = np.ones(S * n, dtype=np.bool_)
        self.returns = np.zeros(S * n)
        self.lengths = np.zeros(S * n, dtype=np.int64)

    @property
    def share(self) -> float:
        return self.t / self.path_length

    @property
    def full_steps(self) -> int:
        return self.shape[1] * self.path_length

    def advance(self, policy: PolicySnapshot) -> Scores | None:
        """One slice; the scores if all episodes are over."""
        if self.t == 0:
            self.prelude = self.scaling.prepare()
            self.observation = self.simulations.reset()
            self.running[:], self.returns[:], self.lengths[:] = True, 0.0, 0
        shape = (self.steps_per_slice, self.shape[1], self.task.action_dim)
        noise = slice_noise(self.noise, self.running, shape, policy.std, self.torch_dtype)
        for i in range(min(self.steps_per_slice, self.path_length - self.t)):
            self._step(policy, noise[:, i])
            if not self.running.any():
                break
        return None if self.running.any() and self.t < self.path_length else self._finish()

    def _step(self, policy: PolicySnapshot, noise: NDArray[np.floating]) -> None:
        S, n = self.shape
        action = policy.mean(self.scaling.apply(self.observation.reshape(S, n, -1), self.dtype))
        controls = self.units((action + noise).astype(np.float64)).reshape(S * n, -1)
        outcome, rows = step_running(self.simulations, controls, self.running)
        self.returns[rows] += outcome.reward
        self.lengths[rows] += 1
        self.observation[rows] = outcome.final_observation
        self.running[rows] = ~(outcome.terminated | outcome.truncated)
        self.t += 1

    def _finish(self) -> Scores:
        self.t = 0
        returns, lengths = (torch.from_numpy(sums.reshape(self.shape).copy()) for sums in (self.returns, self.lengths))
        return Scores(returns, lengths, lengths.sum(1) + self.prelude, self.path_length)

    def state_dict(self) -> dict[str, Any]:
        return {
            "t": self.t,
            "prelude": self.prelude,
            "observation": torch.from_numpy(self.observation),
            "running": torch.from_numpy(self.running),
            "returns": torch.from_numpy(self.returns),
            "lengths": torch.from_numpy(self.lengths),
            "noise": self.noise.state_dict(),
            "scaling": self.scaling.state_dict(),
            "simulations": dict(self.simulations.get_state()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        state = on_cpu(state)
        self.t, self.prelude = state["t"], state["prelude"]
        for name in ("observation", "running", "returns", "lengths"):
            setattr(self, name, state[name].numpy().copy())
        self.noise.load_state_dict(state["noise"])
        self.scaling.load_state_dict(state["scaling"])
        self.simulations.set_state(state["simulations"])
