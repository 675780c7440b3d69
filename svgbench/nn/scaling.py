"""The scaling of observations before a network sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64

from svgbench.nn.normaliser import Normaliser
from svgbench.nn.streams import Streams
from svgbench.words.task import Task

RANDOM_PATHS, RANDOM_LENGTH = 50, 200  # at least 10,000 steps of paths of at most 200: the authors' code
RANDOM_MARGIN = 0.01  # of the percentiles, likewise


class ObservationScaling:
    """(observation - centre) / width, and then clipped, for each seed.

    kind:
        "none": as they are;
        "range": the task's own `observation_scale` goes to 1; if it has none, its bounds go to -1 and 1;
        "random": the 10th and 90th percentiles under uniformly random actions go to -1 and 1, as in the authors' code;
        "running": mean 0 and standard deviation 1 over all batches before the present one.
        A feature that has never varied is only centred, except with "random", whose margin is then the width.
    clip: bound of a scaled observation; 0 is none.

    centre, width: they do not change within a batch.
    """

    def __init__(self, kind: str, task: Task, seeds: Sequence[int], clip: float) -> None:
        if kind not in ("none", "range", "random", "running"):
            raise ValueError(f"observation scaling is {kind!r}, expected none, range, random or running")
        self.kind, self.task, self.seeds, self.clip = kind, task, list(seeds), clip
        shape = (len(self.seeds), 1, task.observation_dim)
        self.centre: Float64[np.ndarray, "S 1 O"] = np.zeros(shape)
        self.width: Float64[np.ndarray, "S 1 O"] = np.ones(shape)
        self.ready = kind != "random"
        self.normaliser = Normaliser(len(self.seeds), task.observation_dim)
        if kind == "range":
            scale = getattr(task, "observation_scale", None)
            low, high = (task.observation_low, task.observation_high) if scale is None else (-scale, scale)
            if not (np.isfinite(low).all() and np.isfinite(high).all()):
                raise ValueError(
                    f"{task.id} states neither a scale nor bounds of its observations: expected another scaling"
                )
            self.centre[:] = (high + low) / 2
            self.width[:] = np.where(high > low, (high - low) / 2, 1.0)

    def prepare(self) -> int:
        """Measure once what the kind needs. Return the number of simulator steps that this takes for each seed."""
        if self.ready:
            return 0
        S, A, task = len(self.seeds), self.task.action_dim, self.task
        simulations = task.simulate(self.seeds, RANDOM_PATHS, "scaling")
        unit = Streams(self.seeds, "scaling").uniform((RANDOM_LENGTH, RANDOM_PATHS, A), dtype=torch.float64).numpy()
        actions = task.action_low + unit * (task.action_high - task.action_low)
        seen = [
            simulations.step(actions[:, t].reshape(S * RANDOM_PATHS, A)).final_observation for t in range(RANDOM_LENGTH)
        ]
        observations = np.stack(seen, 1).reshape(S, RANDOM_PATHS * RANDOM_LENGTH, -1)
        low, high = np.percentile(observations, [10, 90], axis=1, keepdims=True)
        # What is constant here has the margin for its width, which blows it up if it ever varies. A width of 1 waits
        # for the next VERSION of the learners that scale so: it would move committed results on trpo/hopper and walker.
        self.centre, self.width = (high + low) / 2, (high - low) / 2 + RANDOM_MARGIN
        self.ready = True
        return RANDOM_PATHS * RANDOM_LENGTH

    def apply(self, observation: Float64[np.ndarray, "S N O"], dtype: Any) -> Float[np.ndarray, "S N O"]:
        """Scaled observations of that dtype, as a new array."""
        scaled = observation
        if self.kind != "none":
            scaled = observation - self.centre
            scaled /= self.width
        x: Float[np.ndarray, "S N O"] = scaled.astype(dtype)
        return x.clip(-self.clip, self.clip, out=x) if self.clip else x

    def note(self, observation: Float64[np.ndarray, "S B O"], valid: Bool[np.ndarray, "S B"]) -> None:
        """Count observations, where valid, for the statistics of later batches."""
        if self.kind == "running":
            self.normaliser.update(torch.from_numpy(observation), torch.from_numpy(valid))

    def renew(self) -> None:
        """Call between two batches: use the statistics of everything counted so far."""
        if self.kind == "running":
            self.centre = self.normaliser.mean.numpy()[:, None].copy()
            self.width = self.normaliser.std.numpy()[:, None].copy()

    def state_dict(self) -> dict[str, Any]:
        return {
            "centre": torch.from_numpy(self.centre.copy()),
            "width": torch.from_numpy(self.width.copy()),
            "ready": self.ready,
            "normaliser": self.normaliser.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.centre, self.width = state["centre"].cpu().numpy().copy(), state["width"].cpu().numpy().copy()
        self.ready = state["ready"]
        self.normaliser.load_state_dict(state["normaliser"])
