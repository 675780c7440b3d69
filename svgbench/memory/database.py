"""The experience database D of Heess et al. 2015: past transitions of each seed.

Seeds fill it at different speeds, since their episodes differ in length.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from svgbench.memory.rows import filled_rows, refill, take
from svgbench.nn.streams import Streams


class Transitions(NamedTuple):
    """Steps of S seeds, with the log-probabilities (nats) of the policy that acted."""

    s: Float[Tensor, "S B O"]
    a: Float[Tensor, "S B A"]
    change: Float[Tensor, "S B O"]
    r: Float[Tensor, "S B"]
    terminal: Float[Tensor, "S B"]  # 1 where the episode terminated, else 0
    log_prob: Float[Tensor, "S B"]  # log p(a | s) of the policy that acted

    @property
    def next_s(self) -> Float[Tensor, "S B O"]:
        return self.s + self.change

    def at(self, piece: slice) -> Transitions:
        """A slice of the second axis."""
        return Transitions(*(x[:, piece] for x in self))

    def chosen(self, index: Int64[Tensor, "S _"]) -> Transitions:
        """For each seed, the transitions at these places of the second axis."""
        place = torch.arange(len(index), device=index.device)[:, None]
        return Transitions(*(x[place, index] for x in self))


class Database:
    """The last `capacity` transitions of each of S seeds.

    rows: the fields of `Transitions`, side by side. added: how many each seed ever added.
    """

    def __init__(self, S: int, capacity: int, state_dim: int, action_dim: int, dtype: torch.dtype, device: str) -> None:
        if capacity < 1:
            raise ValueError(f"the database's capacity is {capacity}, expected at least 1")
        self.capacity = capacity
        self.widths = [state_dim, action_dim, state_dim, 1, 1, 1]
        self.rows: Float[Tensor, "S capacity width"] = torch.zeros(
            S, capacity, sum(self.widths), dtype=dtype, device=device
        )
        self.added = [0] * S

    def add(self, new: Transitions, valid: Bool[Tensor, "S B"]) -> None:
        """Insert the transitions where `valid`, in their order."""
        rows = torch.cat([x if x.dim() == 3 else x.unsqueeze(-1) for x in new], -1)
        for seed, own in enumerate(rows):
            wanted = own[valid[seed]][-self.capacity :]
            places = torch.arange(self.added[seed], self.added[seed] + len(wanted), device=rows.device)
            self.rows[seed, places % self.capacity] = wanted
            self.added[seed] += len(wanted)

    def draw(self, streams: Streams, count: int) -> Transitions:
        """`count` transitions of each seed, drawn uniformly with replacement from the seed's own stream."""
        return self.sample(streams.uniform(count, dtype=torch.float64))

    def sample(self, uniform: Float64[Tensor, "S B"]) -> Transitions:
        """Transitions, drawn with replacement. `uniform` in [0, 1) selects them."""
        size = torch.tensor(self._sizes(), device=uniform.device).clamp(min=1)[:, None]
        rows = take(self.rows, (uniform * size).long())
        parts = rows.split(self.widths, -1)
        return Transitions(*parts[:3], *(x.squeeze(-1) for x in parts[3:]))

    def _sizes(self) -> list[int]:
        return [min(n, self.capacity) for n in self.added]

    def state_dict(self) -> dict[str, Any]:
        """Shares memory with the database: write or copy it before the next `add`."""
        return {"rows": filled_rows(self.rows, self._sizes()), "added": self.added}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self.added = list(state["added"])
        refill(self.rows, state["rows"])
