"""Whole episodes of the current policy, N for each of S seeds, from the start to a termination or the time limit.

They are collected in slices, so that a checkpoint can fall inside an episode. Noise comes slice by slice from the
seed's own stream, and starts come from the simulations' own streams. So no seed depends on another.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench.nn.gaussian_policy import PolicySnapshot
from svgbench.nn.state import finite_rows, on_cpu
from svgbench.nn.streams import Streams
from svgbench.simulate.acting import ActionUnits, slice_noise
from svgbench.words.task import Task


@dataclass
class Episodes:
    """N episodes of S seeds, step by step. Where `valid` is false the episode is over, and other fields mean nothing.

    A step on which the physics failed is left out: the episode ends before it, as if a time limit had cut it.
    """

    s: Tensor  # [S, T, N, O]
    a: Tensor  # [S, T, N, A], in the policy's units (`svgbench.simulate.acting.ActionUnits`)
    r: Tensor  # [S, T, N]
    change: Tensor  # [S, T, N, O]: change of the state, subtracted before rounding to the learner's type
    next_a: Tensor  # [S, T, N, A]; after an episode's last step, what the policy would have done
    valid: Tensor  # bool [S, T, N]
    terminated: Tensor  # bool [S, T, N]
    ended: Tensor  # bool [S, T, N]: an episode's last step, whatever ended it

    @cached_property
    def weight(self) -> Tensor:
        """Weights of a mean over a seed's steps, float64 [S, T * N]; zero where not valid."""
        valid = self.valid.flatten(1).double()
        return valid / valid.sum(1, keepdim=True).clamp(min=1)

    @property
    def steps(self) -> Tensor:
        """Steps of each seed, int64 [S]."""
        return self.valid.sum((1, 2))

    @property
    def return_mean(self) -> Tensor:
        """Mean undiscounted return of a seed's N episodes, float64 [S]."""
        return self.r.double().sum(1).mean(1)

    def finite(self) -> Tensor:
        """Which seeds saw finite numbers only, bool [S]."""
        return finite_rows(self.s) & finite_rows(self.change) & finite_rows(self.r)

    def state_dict(self) -> dict[str, Tensor]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


FLAGS = ("valid", "terminated", "ended")


class EpisodeSampler:
    """Simulations of S seeds that collect `Episodes`, a slice at a time.

    steps_per_slice: control steps per slice (a checkpoint can only fall between slices). Noise is drawn slice by slice,
        so it is part of the numbers.
    """

    def __init__(
        self, task: Task, seeds: list[int], N: int, steps_per_slice: int, dtype: torch.dtype, device: str
    ) -> None:
        if N < 1 or steps_per_slice < 1:
            raise ValueError(f"simulations is {N} and steps_per_slice {steps_per_slice}, expected at least 1")
        self.task, self.seeds, self.steps_per_slice, self.device = task, seeds, steps_per_slice, device
        self.shape = len(seeds), N
        self.dtype, self.torch_dtype = np.dtype(str(dtype).removeprefix("torch.")), dtype
        self.simulations = task.simulate(seeds, N, "train", torch.get_num_threads(), autoreset=False)
        self.noise = Streams(seeds, "explore")
        self.units = ActionUnits(task)
        self.t = 0
        self.observation = self.simulations.observe()
        self.running = np.zeros(len(self.observation), np.bool_)
        self.arrays: dict[str, NDArray[Any]] = {}

    @property
    def share(self) -> float:
        """The share of the current episodes that is collected, in [0, 1), assuming that they last to the time limit."""
        return self.t / (self.task.horizon + 1)

    def advance(self, policy: PolicySnapshot) -> Episodes | None:
        """One slice; the episodes if they are complete."""
        if self.t == 0:
            self.observation, self.arrays = self.simulations.reset(), self._empty()
            self.running[:] = True
        (S, N), n = self.shape, min(self.steps_per_slice, self.task.horizon - self.t)
        shape = (n, N, self.task.action_dim)
        noise = slice_noise(self.noise, self.running, shape, policy.std, self.torch_dtype)
        for i in range(n):
            self._step(policy.mean(self.observation.reshape(S, N, -1)) + noise[:, i])
            if not self.running.any():
                break
        return None if self.running.any() and self.t < self.task.horizon else self._finish(policy)

    def _empty(self) -> dict[str, NDArray[Any]]:
        """Arrays for the longest possible episodes. The system allocates memory only for the parts that are written."""
        lead = (self.shape[0], self.task.horizon, self.shape[1])
        O, A = self.task.observation_dim, self.task.action_dim  # noqa: E741
        arrays: dict[str, NDArray[Any]] = {"s": np.zeros((*lead, O)), "next_s": np.zeros((*lead, O))}
        arrays |= {"a": np.zeros((*lead, A), self.dtype), "r": np.zeros(lead)}
        return arrays | {name: np.zeros(lead, np.bool_) for name in FLAGS}

    def _step(self, a: NDArray[Any]) -> None:
        (S, N), t = self.shape, self.t
        everyone = self.running.all()
        ids = None if everyone else np.flatnonzero(self.running)
        rows: Any = slice(None) if everyone else ids
        outcome = self.simulations.step(self.units(a).reshape(S * N, -1)[rows], ids)

        def spread(values: NDArray[Any]) -> NDArray[Any]:
            out = np.zeros((S * N, *values.shape[1:]), values.dtype)
            out[rows] = values
            return out.reshape(S, N, *values.shape[1:])

        arrays, failed = self.arrays, outcome.failed
        arrays["s"][:, t], arrays["a"][:, t] = self.observation.reshape(S, N, -1), a
        arrays["next_s"][:, t], arrays["r"][:, t] = spread(outcome.final_observation), spread(outcome.reward)
        arrays["valid"][:, t], arrays["terminated"][:, t] = spread(~failed), spread(outcome.terminated & ~failed)
        over = outcome.terminated | outcome.truncated
        arrays["ended"][:, t] = spread(over & ~failed)
        if t and failed.any():
            arrays["ended"][:, t - 1] |= spread(failed)
        self.observation[rows] = outcome.final_observation
        self.running[rows] &= ~over
        self.t += 1

    def _finish(self, policy: PolicySnapshot) -> Episodes:
        (S, N), T = self.shape, self.t
        noise = policy.std * self.noise.normal((N, self.task.action_dim), self.torch_dtype).numpy()
        last_a = policy.mean(self.observation.reshape(S, N, -1)) + noise
        arrays = {name: array[:, :T] for name, array in self.arrays.items()}
        following = np.concatenate([arrays["a"][:, 1:], last_a[:, None]], 1)
        next_a = np.where(arrays["ended"][..., None], last_a[:, None], following)
        change = arrays["next_s"] - arrays["s"]
        self.t, self.arrays = 0, {}
        numbers = {"s": arrays["s"], "a": arrays["a"], "r": arrays["r"], "change": change, "next_a": next_a}
        tensors = {name: torch.from_numpy(x).to(self.device, self.torch_dtype) for name, x in numbers.items()}
        return Episodes(**tensors, **{name: torch.from_numpy(arrays[name].copy()).to(self.device) for name in FLAGS})

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next slice depends on; it shares memory with the current episodes."""
        return {
            "t": self.t,
            "observation": torch.from_numpy(self.observation),
            "running": torch.from_numpy(self.running),
            "arrays": {name: torch.from_numpy(array[:, : self.t].copy()) for name, array in self.arrays.items()},
            "noise": self.noise.state_dict(),
            "simulations": dict(self.simulations.get_state()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        state = on_cpu(state)
        self.t = state["t"]
        self.observation, self.running = state["observation"].numpy().copy(), state["running"].numpy().copy()
        self.arrays = self._empty() if self.t else {}
        for name, array in self.arrays.items():
            array[:, : self.t] = state["arrays"][name].numpy()
        self.noise.load_state_dict(state["noise"])
        self.simulations.set_state(state["simulations"])
