"""What a task is, and what a batch of its simulations does.

An experiment names a task's factory and gives it literal options (`svgbench.factories` has the names). The module
defines `VERSION`, an integer that rises when any number that the task produces may change.

Axes: N simulations of a batch, n simulations of one call, O observation, A action. All arrays are NumPy float64 unless
stated otherwise. The caller may keep and change the arrays that a batch returns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, TypedDict, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ids = Sequence[int] | NDArray[np.integer] | None
"""Simulations by their index in the batch, in increasing order; None means all of them."""

Recorded = Callable[[Any, Any, Any], Any]
"""A function of recorded arrays (observation [..., O], action [..., A], next observation [..., O]) to [...]."""


class StateRewardFunction(Protocol):
    """A reward function that does not depend on the next observation.

    NumPy arrays give an array; tensors give a tensor with derivatives.
    """

    def __call__(self, obs: Any, action: Any, next_obs: Any = None) -> Any:
        """Rewards [...] of obs [..., O] and action [..., A]."""
        ...


class Step(NamedTuple):
    """The result of an action, with a row for each of the n simulations of the call.

    observation [n, O]: the observation for the next action. After an automatic reset, the next episode's first.
    reward [n]
    terminated [n], bool: the task's own rule ended the episode; all later rewards are 0.
    truncated [n], bool: the time limit or a failure ended it. An episode may be terminated and truncated at once.
    final_observation [n, O]: the observation after this action, before any reset. It differs from `observation` only
        where an episode has ended and was reset. Replay and bootstrapping use it as the next observation.
    failed [n], bool: the physics became unstable and this step is not taken. Its reward is 0 and its final observation
        is the one before it, so that every number stays finite. The episode is truncated.
    """

    observation: Array
    reward: Array
    terminated: Bools
    truncated: Bools
    final_observation: Array
    failed: Bools


class Snapshot(NamedTuple):
    """The state of n simulations, except their random streams. NumPy arrays.

    elapsed [n]: steps since the episode began. ended [n]: whether it is over. observation [n, O].
    dynamics: the task's own arrays, with n as their first axis.
    """

    elapsed: NDArray[np.int64]
    ended: Bools
    observation: Array
    dynamics: dict[str, NDArray[Any]]

    def rows(self, places: ArrayLike) -> Snapshot:
        """The rows at these indices, in this order; an index may occur more than once."""
        which = np.asarray(places)
        dynamics = {name: value[which] for name, value in self.dynamics.items()}
        return Snapshot(self.elapsed[which], self.ended[which], self.observation[which], dynamics)


class State(TypedDict):
    """The state of a batch: tensors, numbers, strings, lists and dicts, which `torch.load(weights_only=True)` reads."""

    task: str
    seeds: list[int]
    copies: int
    stream: str
    elapsed: Any  # int64 tensor [N]
    ended: Any  # bool tensor [N]
    observation: Any  # float64 tensor [N, O]
    generators: list[str]
    dynamics: dict[str, Any]


class Simulations(Protocol):
    """N = len(seeds) * copies simulations of one task, seed-major: copy c of seeds[i] is simulation i * copies + c.

    Each simulation has its own random stream, made from its seed, the stream's name and its copy number. So its
    episodes do not depend on the other simulations or on the number of threads.
    """

    def __len__(self) -> int:
        """N."""
        ...

    def observe(self) -> Array:
        """The observations [N, O] for which the next actions are chosen."""
        ...

    def step(self, actions: ArrayLike, ids: Ids = None) -> Step:
        """Take actions [n, A]. With automatic resets, the next episode starts as soon as one ends."""
        ...

    def reset(self, ids: Ids = None) -> Array:
        """Begin new episodes; return their first observations [n, O]."""
        ...

    def snapshot(self, ids: Ids = None) -> Snapshot:
        """The state of these simulations, as copies."""
        ...

    def restore(self, snapshot: Snapshot, ids: Ids = None) -> None:
        """Set these simulations to saved states of this task, one row each, from this batch or another one.

        Given the same actions they continue bit for bit. Their random streams do not change: later noise and resets
        come from their own streams.
        """
        ...

    def get_state(self) -> State:
        """Everything that the future depends on, as a copy."""
        ...

    def set_state(self, state: State) -> None:
        """Continue exactly where `get_state` was called, in a batch of the same task, seeds, copies and stream."""
        ...


class Task(Protocol):
    """An environment with its reward, horizon and limits, as its factory returns it.

    horizon: control steps after which an episode is truncated. dt: seconds of a control step.
    reward_function, termination_function: the rules as functions of recorded arrays; None if the task does not define
    them so, because the rule needs something that an observation does not contain. A task is a dataclass:
    `dataclasses.replace` makes one with another horizon.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def id(self) -> str: ...
    @property
    def observation_dim(self) -> int: ...
    @property
    def action_dim(self) -> int: ...
    @property
    def observation_low(self) -> Array: ...  # [O]
    @property
    def observation_high(self) -> Array: ...  # [O]
    @property
    def action_low(self) -> Array: ...  # [A]
    @property
    def action_high(self) -> Array: ...  # [A]
    @property
    def horizon(self) -> int: ...
    @property
    def dt(self) -> float: ...
    @property
    def reward_function(self) -> Recorded | None: ...
    @property
    def termination_function(self) -> Recorded | None: ...

    def simulate(
        self,
        seeds: Sequence[int],
        copies: int = 1,
        stream: str = "train",
        threads: int = 1,
        autoreset: bool = True,
    ) -> Simulations:
        """A batch of simulations, all at the start of their first episodes.

        copies: simulations per seed. stream: the name of the random stream ("train", "evaluation"); streams of
        different names are unrelated. threads: the physics' threads; they change no number. autoreset: whether a
        simulation whose episode ends begins the next one in the same step; otherwise it must be reset before the next.
        """
        ...


class StateRewardTask(Task, Protocol):
    """A task whose reward is a differentiable function of state and action, as SVG's value gradients need."""

    @property
    def reward_function(self) -> StateRewardFunction: ...


@runtime_checkable
class ReferenceTask(Task, Protocol):
    """A task that also exists in gymnasium."""

    def reference_env(self) -> Any:
        """A new instance of gymnasium's own environment."""
        ...
