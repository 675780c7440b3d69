"""What agents of online learning keep: parts with a state, their optimisers, and the numbers of the last update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from svgbench.nn.optim import Adam
from svgbench.nn.state import cloned, finite_rows


class AgentParts:
    """Base of agents of S seeds (`svgbench.learners.online.OnlineAgent`). A subclass adds to `parts` and to `adams`.

    parts: everything that has a state, by name. adams: the optimisers of everything that is learned. last: the columns
    of a row other than the returns, by name, each [S]; NaN until an update sets them.
    """

    draws_windows: bool = False

    def __init__(self, S: int, columns: Sequence[str], dtype: torch.dtype, device: torch.device | str) -> None:
        self.parts: dict[str, Any] = {}
        self.adams: list[Adam] = []
        self.last = {name: torch.full((S,), torch.nan, dtype=dtype, device=device) for name in columns}

    def stuck(self, step: int, lacking: Tensor) -> Tensor:
        """No seed, unless an algorithm learns from windows of the replay."""
        return lacking & False

    def metrics(self) -> dict[str, Tensor]:
        """The columns of a row other than the returns, each [S]."""
        return self.last

    def finite(self) -> Tensor:
        """Which seeds' parameters are finite, bool [S]."""
        return torch.stack([finite_rows(adam.flat) for adam in self.adams]).all(0)

    def state_dict(self) -> dict[str, Any]:
        parts = {name: part.state_dict() for name, part in self.parts.items()}
        return {"parts": cloned(parts), "last": cloned(self.last)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        for name, value in state["last"].items():
            self.last[name].copy_(value)
