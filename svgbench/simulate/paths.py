"""Paths of the current policy: N simulations of a task for each of S seeds, with the policy in the loop.

A batch is collected in slices, so that a checkpoint can fall inside it. Noise is drawn in bulk, for each slice in which
a seed still has a path to finish; starts of episodes come from the simulations' own streams. So no seed depends on
another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench.nn.gaussian_policy import PolicySnapshot
from svgbench.nn.scaling import ObservationScaling
from svgbench.nn.state import on_cpu
from svgbench.nn.streams import Streams
from svgbench.simulate.acting import ActionUnits, slice_noise
from svgbench.simulate.batch import Batch
from svgbench.simulate.stepping import spread, step_running
from svgbench.words.task import Task

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Sampling:
    """The size of a batch, for each seed.

    kind:
        "paths": one new path in each simulation;
        "timesteps": new paths, begun until at least `timesteps` steps were used, and then finished;
        "steps": `timesteps` / `simulations` steps of each simulation; paths go on from batch to batch.
    simulations: N. path_length: steps after which a path is cut; 0 is the task's horizon.
    extension: further steps of a path that was cut there. They count only in its returns and may exceed the task's time
    limit; at most the horizon.
    steps_per_slice: control steps per slice (a checkpoint can only fall between slices). Noise is drawn slice by slice,
        so its length is part of the numbers.
    """

    kind: str
    simulations: int
    timesteps: int = 0
    path_length: int = 0
    extension: int = 0
    steps_per_slice: int = 50

    def on(self, horizon: int) -> Sampling:
        """The same sampling with its lengths as numbers. Raises ValueError if the task cannot be sampled so."""
        if self.kind not in ("paths", "timesteps", "steps"):
            raise ValueError(f"sampling is {self.kind!r}, expected paths, timesteps or steps")
        if self.simulations < 1 or self.steps_per_slice < 1 or self.extension < 0:
            raise ValueError(f"{self}: expected positive numbers")
        if not 0 <= self.path_length <= horizon:
            raise ValueError(f"path_length is {self.path_length}, expected at most the task's horizon, {horizon}")
        if self.kind != "paths" and self.timesteps < self.simulations:
            raise ValueError(f"timesteps is {self.timesteps}, expected at least one for each of {self.simulations}")
        if self.kind == "steps" and (self.extension or self.timesteps % self.simulations):
            raise ValueError(f"{self}: expected no extension, and as many steps of each simulation")
        return replace(self, path_length=self.path_length or horizon, extension=min(self.extension, horizon))

    @property
    def full_steps(self) -> int:
        """Steps of a seed in a batch whose paths are not cut short."""
        if self.kind == "steps":
            return self.timesteps
        rounds = math.ceil(self.timesteps / (self.simulations * self.path_length)) if self.kind == "timesteps" else 1
        return rounds * self.simulations * (self.path_length + self.extension)

    @property
    def longest(self) -> int:
        """Steps of one simulation in a batch, at most.

        A path has `path_length + extension` steps, and only the first `path_length` are used; a shorter path does not
        use a smaller share of its steps. So the last path of a batch of kind "timesteps" begins no later than it would
        with full paths in every simulation.
        """
        if self.kind == "steps":
            return self.timesteps // self.simulations
        path = self.path_length + self.extension
        if self.kind == "paths":
            return path
        full, rest = divmod(math.ceil(self.timesteps / self.simulations) - 1, self.path_length)
        return full * path + rest + path


def whole_paths(config: Any, extension: int = 0) -> Sampling:
    """The sampling of a config with `simulations`, `timesteps`, `path_length` and `steps_per_slice`.

    One path in each simulation or, if it has timesteps, as many paths as these take.
    """
    kind = "timesteps" if config.timesteps else "paths"
    sizes = (config.simulations, config.timesteps, config.path_length)
    return Sampling(kind, *sizes, extension, config.steps_per_slice)


def extension_steps(factor: float, gamma: float) -> int:
    """`factor` times the discount's time constant 1 / (1 - gamma), rounded up first; infinite at gamma = 1."""
    if factor == 0:
        return 0
    return int(factor * math.ceil(1 / (1 - gamma) - 1e-9)) if gamma < 1 else 2**31


class Rollouts:
    """Batches of paths, slice by slice.

    reward_per_step of a batch is the reward of its paths divided by the length that they would have in full, so steps
    after an early end count as zero. For kind "steps" it is the mean over steps.

    keep_states: whether to keep all visited states, in `states`, until the next batch begins.
    active: which seeds take part, bool [S]; the caller may change it between two batches. The others have empty
        batches and draw nothing. Not for kind "steps".
    """

    def __init__(
        self,
        task: Task,
        seeds: Sequence[int],
        sampling: Sampling,
        scaling: ObservationScaling,
        dtype: torch.dtype,
        device: str,
        *,
        keep_states: bool = False,
    ) -> None:
        self.task, self.seeds, self.sampling, self.scaling = task, list(seeds), sampling.on(task.horizon), scaling
        self.device, self.torch_dtype, self.keep_states = device, dtype, keep_states
        self.dtype: Any = np.dtype(str(dtype).removeprefix("torch."))
        S, N = self.shape = len(self.seeds), sampling.simulations
        self.simulations = task.simulate(self.seeds, N, "train", torch.get_num_threads(), autoreset=False)
        self.noise = Streams(self.seeds, "explore")
        self.units = ActionUnits(task)
        both = self.units.centre, self.units.half_range  # tiled: broadcasting is slow over few actions
        self._offset, self._factor = (np.tile(part, (S, N, 1)) for part in both)
        self.active: Bools = np.ones(S, dtype=np.bool_)
        self.t = 0
        self.observation = self.simulations.observe()
        self.running: Bools = np.ones(S * N, dtype=np.bool_)
        self.elapsed = np.zeros(S * N, dtype=np.int32)  # of the path
        self.path_return = np.zeros(S * N)
        self._clear()

    def _clear(self) -> None:
        S = len(self.seeds)
        self.arrays: dict[str, NDArray[Any]] = {}
        self.states: dict[str, NDArray[Any]] = {}
        self.finals: list[tuple[int, int, Floats]] = []  # the seed's place, t * N + n, the scaled observation
        self.prelude = 0  # steps before the first batch
        self.seen: list[tuple[Floats, Bools]] = []  # observations of a slice, and which of them count
        self.used_steps = np.zeros(S, dtype=np.int64)
        self.sums = np.zeros((3, S))  # over paths that ended: their number, returns, lengths

    @property
    def share(self) -> float:
        """The share of the current batch that is collected, in [0, 1), assuming that no path ends early."""
        return self.t / self.sampling.longest

    @property
    def full_steps(self) -> int:
        return self.sampling.full_steps

    def advance(self, policy: PolicySnapshot) -> Batch | None:
        """One slice; the batch if it is complete."""
        if self.t == 0:
            self._begin()
        plan, N = self.sampling, self.shape[1]
        shape = (plan.steps_per_slice, N, self.task.action_dim)
        noise = slice_noise(self.noise, self.running, shape, policy.std, self.torch_dtype)
        for i in range(min(plan.steps_per_slice, plan.longest - self.t)):
            self._step(policy, noise[:, i])
            if not self.running.any():
                break
        self._note()
        return None if self.running.any() and self.t < plan.longest else self._finish()

    def _begin(self) -> None:
        self._clear()
        self.prelude = self.scaling.prepare()
        if self.sampling.kind != "steps":
            taking_part = np.repeat(self.active, self.shape[1])
            ids = None if self.active.all() else np.flatnonzero(taking_part)
            self.observation[taking_part] = self.simulations.reset(ids)
            self.running[:], self.elapsed[:], self.path_return[:] = taking_part, 0, 0.0
        self.arrays = self._empty()

    def _empty(self) -> dict[str, NDArray[Any]]:
        """Arrays for the longest possible batch. The system allocates memory only for the parts that are written."""
        S, N = self.shape
        lead = (S, self.sampling.longest, N)
        arrays: dict[str, NDArray[Any]] = {
            "x": np.zeros((*lead, self.task.observation_dim), self.dtype),
            "action": np.zeros((*lead, self.task.action_dim), self.dtype),
            "reward": np.zeros(lead, self.dtype),
            "elapsed": np.zeros(lead, np.int32),
        }
        return arrays | {name: np.zeros(lead, np.bool_) for name in ("valid", "used", "terminated", "ended")}

    def _step(self, policy: PolicySnapshot, noise: Floats) -> None:
        (S, N), plan, t = self.shape, self.sampling, self.t
        running = self.running
        if self.keep_states:
            self._keep_state()
        x = self.scaling.apply(self.observation.reshape(S, N, -1), self.dtype)
        action = policy.mean(x)
        action += noise
        controls = (action * self._factor + self._offset).reshape(S * N, -1)
        outcome, rows = step_running(self.simulations, controls, running)

        reward, terminated = spread(outcome.reward, rows, S * N), spread(outcome.terminated, rows, S * N)
        used = running & (self.elapsed < plan.path_length)
        arrays = self.arrays
        arrays["x"][:, t], arrays["action"][:, t] = x, action
        record = {"reward": reward, "elapsed": self.elapsed, "valid": running, "used": used, "terminated": terminated}
        for name, value in record.items():
            arrays[name][:, t] = value.reshape(S, N)
        if self.scaling.kind == "running":
            self.seen.append((self.observation.copy(), used))
        np.add(self.path_return, reward, out=self.path_return, where=used)
        self.used_steps += used.reshape(S, N).sum(1)
        self.elapsed[rows] += 1
        self.observation[rows] = outcome.final_observation
        self.t += 1

        failed, truncated = spread(outcome.failed, rows, S * N), spread(outcome.truncated, rows, S * N)
        over = terminated | failed | (running & (self.elapsed >= plan.path_length + plan.extension))
        if plan.kind == "steps" and self.t == plan.longest:
            self._stop_at(t, running & ~over, terminated)
        if np.count_nonzero(over):
            self._stop_at(t, over, terminated)
            self._count(over)
            self._go_on(over)
        if np.count_nonzero(truncated):
            self._revive(np.flatnonzero(truncated & ~over))

    def _stop_at(self, t: int, which: Bools, terminated: Bools) -> None:
        """Record that paths stop after step t, and where they are if they did not terminate."""
        S, N = self.shape
        self.arrays["ended"][:, t] |= which.reshape(S, N)
        alive = np.flatnonzero(which & ~terminated)
        if len(alive):
            x = self.scaling.apply(self.observation.reshape(S, N, -1), self.dtype)
            self.finals += [(i // N, t * N + i % N, x[i // N, i % N]) for i in alive.tolist()]

    def _count(self, over: Bools) -> None:
        S, N = self.shape
        ids = np.flatnonzero(over)
        found = np.zeros((3, S * N))
        counts, returns, lengths = found
        counts[ids], returns[ids] = 1.0, self.path_return[ids]
        lengths[ids] = np.minimum(self.elapsed[ids], self.sampling.path_length)
        self.sums += found.reshape(3, S, N).sum(2)

    def _go_on(self, over: Bools) -> None:
        """Simulations with finished paths begin new ones, or idle until the batch is complete."""
        plan, N = self.sampling, self.shape[1]
        if plan.kind == "steps":
            again = over
        elif plan.kind == "timesteps":
            again = over & np.repeat(self.used_steps < plan.timesteps, N)
        else:
            again = np.zeros_like(over)
        ids = np.flatnonzero(again)
        if len(ids):
            self.observation[ids] = self.simulations.reset(ids)
        self.elapsed[ids], self.path_return[ids] = 0, 0.0
        self.running = self.running & (again | ~over)

    def _revive(self, ids: NDArray[np.int64]) -> None:
        """Continue episodes that the task's time limit ended while their paths go on."""
        snapshot = self.simulations.snapshot(ids)
        self.simulations.restore(snapshot._replace(elapsed=0 * snapshot.elapsed, ended=snapshot.ended & False), ids)

    def _keep_state(self) -> None:
        for name, value in flattened(self.simulations.snapshot()).items():
            if self.t == 0:
                self.states[name] = np.zeros((self.sampling.longest, *value.shape), value.dtype)
            self.states[name][self.t] = value

    def _note(self) -> None:
        """Record a slice's observations for the statistics of later batches."""
        if self.seen:
            S, N = self.shape
            observations, used = (np.stack(parts, 1) for parts in zip(*self.seen, strict=True))
            n = len(self.seen)
            by_seed = observations.reshape(S, N * n, -1), used.reshape(S, N * n)
            self.scaling.note(*by_seed)
            self.seen = []

    def _finish(self) -> Batch:
        T = self.t
        parts: dict[str, Any] = {name: self._tensor(array[:, :T]) for name, array in self.arrays.items()}
        counts, returns, lengths = self.sums
        mean = {name: total / np.where(counts > 0, counts, np.nan) for name, total in (("r", returns), ("l", lengths))}
        per_step = returns / np.maximum(counts, 1) / self.sampling.path_length
        if self.sampling.kind == "steps":
            per_step = self.arrays["reward"][:, :T].mean((1, 2), dtype=np.float64)
        final_x, final_place = self._finals()
        batch = Batch(
            **parts,
            final_x=final_x,
            final_place=final_place,
            steps=parts["valid"].sum((1, 2)) + self.prelude,
            return_mean=self._tensor(mean["r"]),
            length_mean=self._tensor(mean["l"]),
            reward_per_step=self._tensor(per_step),
        )
        self.t, self.arrays = 0, {}
        return batch

    def _finals(self) -> tuple[Tensor, Tensor]:
        S = len(self.seeds)
        own = [[(place, x) for seed, place, x in self.finals if seed == s] for s in range(S)]
        E = max(1, *map(len, own))
        final_x = np.zeros((S, E, self.task.observation_dim), self.dtype)
        final_place = np.full((S, E), -1, dtype=np.int64)
        for s, entries in enumerate(own):
            for e, (place, x) in enumerate(entries):
                final_place[s, e], final_x[s, e] = place, x
        return self._tensor(final_x), self._tensor(final_place)

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next slice depends on; it shares memory with the batch that is being collected."""
        t = self.t
        finals = self.finals if t else []
        return {
            "t": t,
            "observation": torch.from_numpy(self.observation),
            "running": torch.from_numpy(self.running),
            "elapsed": torch.from_numpy(self.elapsed),
            "path_return": torch.from_numpy(self.path_return),
            "prelude": self.prelude,
            "used_steps": torch.from_numpy(self.used_steps),
            "sums": torch.from_numpy(self.sums),
            "finals": [[[s, place] for s, place, _ in finals], [torch.from_numpy(x.copy()) for _, _, x in finals]],
            "arrays": {name: [torch.from_numpy(own[:t]) for own in array] for name, array in self.arrays.items()},
            "states": {name: torch.from_numpy(array[:t]) for name, array in self.states.items() if t},
            "noise": self.noise.state_dict(),
            "scaling": self.scaling.state_dict(),
            "simulations": dict(self.simulations.get_state()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._clear()
        state = on_cpu(state)
        self.t, self.prelude = state["t"], state["prelude"]
        for name in ("observation", "running", "elapsed", "path_return", "used_steps", "sums"):
            setattr(self, name, state[name].numpy().copy())
        self.finals = [(seed, place, x.numpy().copy()) for (seed, place), x in zip(*state["finals"], strict=True)]
        self.arrays = self._empty() if self.t else {}
        for name, array in self.arrays.items():
            for own, saved in zip(array, state["arrays"][name], strict=True):
                own[: self.t] = saved.numpy()
        for name, saved in state["states"].items():
            self.states[name] = np.zeros((self.sampling.longest, *saved.shape[1:]), saved.numpy().dtype)
            self.states[name][: self.t] = saved.numpy()
        self.noise.load_state_dict(state["noise"])
        self.scaling.load_state_dict(state["scaling"])
        self.simulations.set_state(state["simulations"])


def flattened(snapshot: Any) -> dict[str, NDArray[Any]]:
    """The arrays of a `svgbench.words.task.Snapshot` by name."""
    own = {name: value for name, value in snapshot._asdict().items() if name != "dynamics"}
    return own | {f"dynamics.{name}": value for name, value in snapshot.dynamics.items()}


def snapshot_of(arrays: dict[str, NDArray[Any]], like: Any) -> Any:
    """The snapshot whose arrays these are, of the type of `like`: the inverse of `flattened`."""
    own = {name: value for name, value in arrays.items() if "." not in name}
    dynamics = {name.partition(".")[2]: value for name, value in arrays.items() if "." in name}
    return like._replace(**own, dynamics=dynamics)
