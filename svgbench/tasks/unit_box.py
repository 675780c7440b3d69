"""The bounds of most tasks: actions in [-1, 1], observations anywhere."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from svgbench.words.task import Array


class Dimensions(Protocol):
    @property
    def observation_dim(self) -> int: ...
    @property
    def action_dim(self) -> int: ...


class UnitBox:
    """The bounds that `svgbench.words.task.Task` asks for."""

    @property
    def observation_low(self: Dimensions) -> Array:
        return np.full(self.observation_dim, -np.inf)

    @property
    def observation_high(self: Dimensions) -> Array:
        return np.full(self.observation_dim, np.inf)

    @property
    def action_low(self: Dimensions) -> Array:
        return np.full(self.action_dim, -1.0)

    @property
    def action_high(self: Dimensions) -> Array:
        return np.full(self.action_dim, 1.0)
