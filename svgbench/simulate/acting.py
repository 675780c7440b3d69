"""What those who act in simulations share: the scale of actions, and the noise of a slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from svgbench.nn.streams import Streams


def action_range(task: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre and half of the range of each action, [A]. Raises ValueError for a task that states no finite one."""
    low, high = task.action_low, task.action_high
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError(f"{task.id} states no finite range of its actions: expected one, to scale the policy by")
    return (high + low) / 2, (high - low) / 2


def slice_noise(
    streams: Streams,
    running: NDArray[np.bool_],
    shape: Sequence[int],
    std: NDArray[np.floating],
    dtype: torch.dtype,
) -> NDArray[np.floating]:
    """Noise [S, *shape] of the deviations std [S, 1 or N, A], for shape (T, N, A) and running [S * N].

    A seed of which nothing runs draws nothing: so its stream does not depend on how long its companions go on.
    """
    noise = np.zeros((len(std), *shape), str(dtype).removeprefix("torch."))
    places = np.flatnonzero(running.reshape(len(std), -1).any(1)).tolist()
    noise[places] = streams.select(places).normal(tuple(shape), dtype).numpy()
    noise *= np.broadcast_to(std[:, None], (len(std), 1, *shape[1:])).copy()  # broadcasting is slow over few actions
    return noise
