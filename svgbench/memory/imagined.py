"""Imagined transitions beside replayed ones: a ring that is resized, and batches drawn from both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from svgbench.memory.experience import Experience
from svgbench.memory.replay import ReplayBatch
from svgbench.memory.rows import filled_rows, refill, take


class ImaginedReplay:
    """The last `capacity` imagined transitions of each of S seeds. Seeds may add different numbers.

    rows: laid out as `svgbench.memory.replay.RowLayout`. added: how many each seed ever added, plus those kept at a
    resize.
    """

    def __init__(self, S: int, capacity: int, width: int, dtype: torch.dtype, device: torch.device | str) -> None:
        self.rows: Float[Tensor, "S capacity width"] = torch.zeros(
            S, self._checked(capacity), width, dtype=dtype, device=device
        )
        self.added: Int64[Tensor, "S"] = torch.zeros(S, dtype=torch.int64, device=device)
        self._held = torch.zeros(S, 1, dtype=torch.int64, device=device)  # `size`, where a captured program can read it

    @staticmethod
    def _checked(capacity: int) -> int:
        if capacity < 1:
            raise ValueError(f"capacity is {capacity}, expected at least 1 transition")
        return capacity

    @property
    def capacity(self) -> int:
        return self.rows.shape[1]

    @property
    def size(self) -> list[int]:
        """Transitions that each seed holds."""
        held: list[int] = self.added.clamp(max=self.capacity).tolist()
        return held

    def add(self, rows: Float[Tensor, "S B width"], valid: Bool[Tensor, "S B"]) -> None:
        """Add rows where valid, in their order."""
        for s, (own, which) in enumerate(zip(rows, valid, strict=True)):
            new = own[which]
            places = (self.added[s] + torch.arange(len(new), device=rows.device)) % self.capacity
            last = slice(max(len(new) - self.capacity, 0), None)  # the last ones, if they do not all fit
            self.rows[s].index_copy_(0, places[last], new[last])
            self.added[s] += len(new)
        self._count()

    def resize(self, capacity: int) -> None:
        """Change the capacity. The newest transitions that fit are kept."""
        if self._checked(capacity) == self.capacity:
            return
        S, old, width = self.rows.shape
        rows = self.rows.new_zeros(S, capacity, width)
        for s, size in enumerate(self.size):
            kept = min(size, capacity)
            newest = (self.added[s] - kept + torch.arange(kept, device=rows.device)) % old
            rows[s, :kept] = self.rows[s].index_select(0, newest)
            self.added[s] = kept
        self.rows = rows
        self._count()

    def sample(self, uniform: Float64[Tensor, "S B"]) -> Float[Tensor, "S B width"]:
        """Rows, drawn with replacement. `uniform` in [0, 1) selects them."""
        return take(self.rows, (uniform * self._held).long())

    def _count(self) -> None:
        self._held.copy_(self.added.clamp(max=self.capacity)[:, None])

    def state_dict(self) -> dict[str, Any]:
        """The state shares memory with the replay: write or copy it before the next `add`."""
        return {"rows": filled_rows(self.rows, self.size), "added": self.added.tolist(), "capacity": self.capacity}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken, with its capacity."""
        saved: Sequence[Float[Tensor, "_ width"]] = state["rows"]
        S, _, width = self.rows.shape
        self.rows = self.rows.new_zeros(S, self._checked(state["capacity"]), width)
        refill(self.rows, saved)
        self.added.copy_(torch.tensor(state["added"]))
        self._count()


def mixed_batch(
    experience: Experience,
    imagined: ImaginedReplay,
    real: Float64[Tensor, "S B_real"],
    imaginary: Float64[Tensor, "S B_imagined"],
) -> ReplayBatch:
    """Replayed transitions, then imagined ones, all normalised by the current statistics.

    real, imaginary: numbers in [0, 1) that select the transitions of each kind.
    """
    rows = torch.cat([experience.sample(real), experience.normalise_rows(imagined.sample(imaginary))], 1)
    return experience.layout.batch(rows)
