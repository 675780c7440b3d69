"""The random numbers of online learning: a function of the seed and of the environment step.

They are drawn in bulk, in chunks with fixed bounds. So a step's numbers do not depend on evaluations, checkpoints or
slices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from svgbench.nn.streams import Streams

CHUNK_STEPS = 64  # largest number of steps in a chunk; drawing step by step would cost a call per seed
CHUNK_BYTES = 2**20  # largest size of one seed's chunk, unless a single step takes more

Draws = Mapping[str, Tensor]
"""The numbers of a step by stream name: [S, *shape]."""


@dataclass(frozen=True)
class Draw:
    """The numbers that each seed draws for a step: `shape` of them, from a named stream.

    kind: "uniform" in [0, 1), float64 (it selects a transition); "action", uniform in [-1, 1), or "normal", both of the
    learner's type.
    """

    kind: str
    shape: tuple[int, ...]

    def chunk(self, dtype: torch.dtype) -> int:
        """Steps in a chunk. This must depend on nothing else, because normal numbers depend on how many are drawn at
        once.
        """
        size = 8 if self.kind == "uniform" else dtype.itemsize
        return max(1, min(CHUNK_STEPS, CHUNK_BYTES // max(1, size * math.prod(self.shape))))


class Tape:
    """The numbers of S seeds for successive steps, starting with the first requested step.

    seeds, name, device: as of `Streams`. dtype: of the numbers that are not float64.
    """

    def __init__(
        self, draw: Draw, seeds: Sequence[int], name: str, dtype: torch.dtype, device: torch.device | str
    ) -> None:
        self.draw, self.dtype = draw, dtype
        self.streams = Streams(seeds, name, device)
        self.steps = draw.chunk(dtype)
        self.taken = 0
        self._chunk: Tensor | None = None
        self._before: dict[str, Tensor] = {}  # state of the streams before the chunk

    def take(self) -> Tensor:
        """The numbers of the next step, [S, *shape]."""
        place = self.taken % self.steps
        if place == 0:
            self._draw()
        assert self._chunk is not None
        self.taken += 1
        return self._chunk[:, place]

    def _draw(self) -> None:
        self._before = self.streams.state_dict()
        shape = (self.steps, *self.draw.shape)
        if self.draw.kind == "uniform":
            self._chunk = self.streams.uniform(shape, dtype=torch.float64)
        elif self.draw.kind == "action":
            self._chunk = self.streams.uniform(shape, -1.0, 1.0, dtype=self.dtype)
        else:
            self._chunk = self.streams.normal(shape, dtype=self.dtype)

    def state_dict(self) -> dict[str, Any]:
        """The number of steps taken, and the streams before the current chunk, which is drawn again on resumption."""
        whole = self.taken % self.steps == 0
        return {"taken": self.taken, "streams": self.streams.state_dict() if whole else self._before}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self.taken = state["taken"]
        self.streams.load_state_dict(state["streams"])
        if self.taken % self.steps:
            self._draw()
