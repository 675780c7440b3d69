"""Parts shared by everything that acts in simulations: the scale of actions, and the noise of a slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench.nn.streams import Streams
from svgbench.words.task import StateRewardTask, Task


def action_range(task: Task) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre and half of the range of each action, [A]. Raises ValueError for a task without a finite range."""
    low, high = task.action_low, task.action_high
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError(f"{task.id} states no finite range of its actions: expected one, to scale the policy by")
    return (high + low) / 2, (high - low) / 2


class ActionUnits:
    """Converts a policy's actions to the task's: 0 becomes the middle of the task's range, -1 and 1 its ends.

    For a range of -1 to 1 nothing changes. Raises ValueError as `action_range`.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.centre, self.half_range = action_range(task)

    def __call__(self, a: NDArray[Any]) -> NDArray[Any]:
        """Actions [..., A] in the task's units, of a's type."""
        controls: NDArray[Any] = a * self.half_range.astype(a.dtype) + self.centre.astype(a.dtype)
        return controls

    def of_tensor(self, a: Tensor) -> Tensor:
        """The same for a tensor [..., A], with derivatives."""
        half_range, centre = (torch.from_numpy(x).to(a) for x in (self.half_range, self.centre))
        return a * half_range + centre

    def reward_function(self, s: Tensor, a: Tensor) -> Tensor:
        """The task's reward as a function of the policy's actions; its derivatives with respect to them include the
        scale.
        """
        task = cast(StateRewardTask, self.task)  # learners that differentiate the reward require this of their tasks
        reward: Tensor = task.reward_function(s, self.of_tensor(a))
        return reward


def slice_noise(
    streams: Streams,
    running: NDArray[np.bool_],
    shape: Sequence[int],
    std: NDArray[np.floating],
    dtype: torch.dtype,
) -> NDArray[np.floating]:
    """Noise [S, *shape] of the deviations std [S, 1 or N, A], for shape (T, N, A) and running [S * N].

    A seed with nothing running draws nothing, so its stream does not depend on how long the other seeds run.
    """
    noise = np.zeros((len(std), *shape), str(dtype).removeprefix("torch."))
    places = np.flatnonzero(running.reshape(len(std), -1).any(1)).tolist()
    noise[places] = streams.select(places).normal(tuple(shape), dtype).numpy()
    noise *= np.broadcast_to(std[:, None], (len(std), 1, *shape[1:])).copy()  # broadcasting is slow over few actions
    return noise
