"""The common part of all batches of simulations: episodes, time limits, resets, random streams and state.

A subclass of `BaseSimulations` adds the dynamics in four methods.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from svgbench import strict_json
from svgbench.words.task import Array, Bools, Ids, Snapshot, State, Step, Task

Rows = slice | NDArray[np.int64]
"""Index of a call's simulations into an array whose first axis is N."""


class DrawnAhead:
    """Random numbers for the starts of episodes. Each simulation draws those of `episodes` episodes at once.

    draw: makes [episodes, W] from the stream of one simulation. Numbers that are drawn but not yet used are part of the
    state; the names of these entries begin with `name`. For noise within an episode, an "episode" is a step.
    """

    def __init__(
        self,
        generators: Sequence[np.random.Generator],
        episodes: int,
        width: int,
        draw: Callable[[np.random.Generator], Array],
        name: str = "",
    ) -> None:
        self._generators, self._episodes, self._draw, self._name = generators, episodes, draw, name
        self._drawn: Array = np.zeros((len(generators), episodes, width))
        self._used = np.full(len(generators), episodes)

    def take(self, ids: NDArray[np.int64]) -> Array:
        """The next numbers of these simulations, [n, W]."""
        places = self._used[ids]
        if places.max(initial=0) == self._episodes:
            for i in ids[places == self._episodes]:
                self._drawn[i], self._used[i] = self._draw(self._generators[i]), 0
            places = self._used[ids]
        self._used[ids] = places + 1
        taken: Array = self._drawn[ids, places]
        return taken

    def state(self) -> dict[str, Any]:
        """The numbers that are drawn but not yet used; empty if one episode is drawn at a time, because it is used at
        once.
        """
        from torch import from_numpy

        if self._episodes == 1:
            return {}
        return {
            f"{self._name}drawn": from_numpy(self._drawn.copy()),
            f"{self._name}used": from_numpy(self._used.copy()),
        }

    def restore(self, state: dict[str, Any]) -> None:
        if self._episodes > 1:
            self._drawn[:] = state[f"{self._name}drawn"].numpy()
            self._used[:] = state[f"{self._name}used"].numpy()


class RawStep(NamedTuple):
    """The result of one step of the dynamics, before time limits and resets. Fields as in `Step`."""

    observation: Array
    reward: Array
    terminated: Bools
    failed: Bools


class BaseSimulations(ABC):
    """Implements `svgbench.words.task.Simulations`, except the dynamics.

    A subclass prepares its dynamics and then calls `reset`. `self._generators[i]` is the random stream of simulation i;
    `self._observation` [N, O] holds the current observations.
    """

    def __init__(self, task: Task, seeds: Sequence[int], copies: int, stream: str, autoreset: bool) -> None:
        if len(seeds) == 0 or copies < 1:
            raise ValueError(f"{len(seeds)} seeds and {copies} copies: expected at least one of each")
        self.seeds, self.copies, self.stream, self.autoreset = [int(s) for s in seeds], copies, stream, autoreset
        self._task = task
        self._generators = [generator(seed, stream, copy) for seed in self.seeds for copy in range(copies)]
        N = len(self._generators)
        self._elapsed = np.zeros(N, dtype=np.int64)
        self._ended = np.zeros(N, dtype=np.bool_)
        self._observation: Array = np.zeros((N, task.observation_dim))

    @abstractmethod
    def _begin(self, ids: NDArray[np.int64]) -> Array:
        """Put simulations `ids` at the start of an episode. Returns their observations [n, O], a new array."""

    @abstractmethod
    def _advance(self, ids: NDArray[np.int64] | None, rows: Rows, actions_nA: Array) -> RawStep:
        """One step of simulations `ids`; `rows` is their index into arrays of N."""

    @abstractmethod
    def _dynamics(self) -> dict[str, Any]:
        """Copies of the state of the dynamics, and of what the reward carries from step to step."""

    @abstractmethod
    def _restore(self, dynamics: dict[str, Any]) -> None:
        """Restore the arrays that `_dynamics` returned."""

    def _rows(self, rows: Rows) -> dict[str, NDArray[Any]]:
        """Copies of the rows of the dynamics' state that belong to some simulations.

        By default these are rows of the arrays of `_dynamics` whose first axis is N. Override it where that is slow.
        """
        return {name: value.numpy()[rows].copy() for name, value in self._dynamics().items() if self._of_each(value)}

    def _put(self, rows: Rows, dynamics: dict[str, NDArray[Any]]) -> None:
        """Restore the rows that `_rows` returned, for these simulations."""
        whole = self._dynamics()
        for name, value in dynamics.items():
            whole[name].numpy()[rows] = value
        self._restore(whole)

    def _of_each(self, value: Any) -> bool:
        return getattr(value, "ndim", 0) > 0 and len(value) == len(self)

    def __len__(self) -> int:
        return len(self._generators)

    def observe(self) -> Array:
        return self._observation.copy()

    def reset(self, ids: Ids = None) -> Array:
        """Begin new episodes; their first observations [n, O]."""
        return self._renew(np.arange(len(self)) if ids is None else self._checked(ids))

    def _renew(self, ids: NDArray[np.int64]) -> Array:
        observation = self._begin(ids)
        self._elapsed[ids] = 0
        self._ended[ids] = False
        self._observation[ids] = observation
        return observation

    def step(self, actions: ArrayLike, ids: Ids = None) -> Step:
        """Take actions [n, A]. Raises ValueError for another shape, and for a simulation whose episode has ended."""
        which = None if ids is None else self._checked(ids)
        if which is not None and len(which) == len(self):
            which = None  # increasing, so all of them: a slice is faster than a list
        rows: Rows = slice(None) if which is None else which
        n = len(self) if which is None else len(which)
        actions_nA = np.asarray(actions, dtype=np.float64)
        if actions_nA.shape != (n, self._task.action_dim):
            raise ValueError(f"actions have shape {actions_nA.shape}, expected {(n, self._task.action_dim)}")
        if not self.autoreset and np.count_nonzero(self._ended[rows]):
            over = np.arange(len(self))[rows][self._ended[rows]]
            raise ValueError(f"the episodes of simulations {over.tolist()} have ended: reset them first")

        final, reward, terminated, failed = self._advance(which, rows, actions_nA)
        if np.count_nonzero(failed):
            reward, final = np.where(failed, 0.0, reward), np.where(failed[:, None], self._observation[rows], final)
        elapsed = self._elapsed[rows] + 1
        self._elapsed[rows] = elapsed
        truncated = (elapsed >= self._task.horizon) | failed
        ended = terminated | truncated
        self._observation[rows] = final
        observation = final.copy()
        if self.autoreset:
            if ended.any():
                places = np.flatnonzero(ended)
                observation[places] = self._renew(places if which is None else which[places])
        else:
            self._ended[rows] = ended
        return Step(observation, reward, terminated, truncated, final, failed)

    def snapshot(self, ids: Ids = None) -> Snapshot:
        """The state of these simulations, as copies."""
        rows: Rows = slice(None) if ids is None else self._checked(ids)
        return Snapshot(
            self._elapsed[rows].copy(), self._ended[rows].copy(), self._observation[rows].copy(), self._rows(rows)
        )

    def restore(self, snapshot: Snapshot, ids: Ids = None) -> None:
        """Put simulations into the states of a snapshot of this task. Raises ValueError if their number differs."""
        rows: Rows = slice(None) if ids is None else self._checked(ids)
        n = len(self) if isinstance(rows, slice) else len(rows)
        if len(snapshot.elapsed) != n:
            raise ValueError(f"the snapshot is of {len(snapshot.elapsed)} simulations, expected {n}")
        self._elapsed[rows], self._ended[rows] = snapshot.elapsed, snapshot.ended
        self._observation[rows] = snapshot.observation
        self._put(rows, snapshot.dynamics)

    def get_state(self) -> State:
        """Everything that the future depends on, as a copy."""
        from torch import from_numpy

        return State(
            task=self._task.id,
            seeds=list(self.seeds),
            copies=self.copies,
            stream=self.stream,
            elapsed=from_numpy(self._elapsed.copy()),
            ended=from_numpy(self._ended.copy()),
            observation=from_numpy(self._observation.copy()),
            generators=[strict_json.dumps(g.bit_generator.state) for g in self._generators],
            dynamics=self._dynamics(),
        )

    def set_state(self, state: State) -> None:
        """Continue exactly where `get_state` was called. Raises ValueError for the state of another batch."""
        given = (state["task"], list(state["seeds"]), state["copies"], state["stream"])
        expected = (self._task.id, self.seeds, self.copies, self.stream)
        if given != expected:
            raise ValueError(f"the state is of (task, seeds, copies, stream) {given}, expected {expected}")
        self._elapsed[:] = state["elapsed"].numpy()
        self._ended[:] = state["ended"].numpy()
        self._observation[:] = state["observation"].numpy()
        for g, text in zip(self._generators, state["generators"], strict=True):
            g.bit_generator.state = strict_json.loads(text)
        self._restore(state["dynamics"])

    def _checked(self, ids: Sequence[int] | NDArray[np.integer]) -> NDArray[np.int64]:
        which = np.asarray(ids)
        if which.ndim != 1 or (which.size and which.dtype.kind not in "iu"):
            raise ValueError(f"ids are {which.dtype} of shape {which.shape}, expected a list of places in the batch")
        if which.size and (which[0] < 0 or which[-1] >= len(self) or (which[1:] <= which[:-1]).any()):
            raise ValueError(f"ids are {which.tolist()}, expected increasing ones from 0 to {len(self) - 1}")
        return which.astype(np.int64)


def generator(seed: int, stream: str, copy: int) -> np.random.Generator:
    """The random stream of one simulation: the same on every machine, unrelated to every other one."""
    digest = hashlib.sha256(f"{seed}\0{stream}\0{copy}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def never(obs: Any, action: Any, next_obs: Any) -> Any:
    """The termination rule of a task that never terminates: False [...] for next_obs [..., O]."""
    return abs(next_obs[..., 0]) < 0


class FullyObserved(BaseSimulations):
    """A batch whose observation is its whole state, except for random numbers drawn ahead (`self._ahead`).

    These belong to the random stream of a simulation, so restoring a snapshot does not change them.
    """

    _ahead: tuple[DrawnAhead, ...] = ()

    def _rows(self, rows: Rows) -> dict[str, NDArray[Any]]:
        return {}

    def _put(self, rows: Rows, dynamics: dict[str, NDArray[Any]]) -> None:
        pass

    def _dynamics(self) -> dict[str, Any]:
        return {name: value for ahead in self._ahead for name, value in ahead.state().items()}

    def _restore(self, dynamics: dict[str, Any]) -> None:
        for ahead in self._ahead:
            ahead.restore(dynamics)
