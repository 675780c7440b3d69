"""Windows of successive transitions from a finished buffer whose episodes have roles, such as training and testing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from svgbench.memory.rows import take


class Starts(NamedTuple):
    """First places of windows: of seed s the first `number[s]` of `places[s]`, in order of time."""

    places: Int64[Tensor, "S n"]
    number: Int64[Tensor, "S"]

    def draw(self, uniform: Float64[Tensor, "S *axes"]) -> Int64[Tensor, "S *axes"]:
        """Places drawn with replacement; `uniform` in [0, 1) selects them. A seed without windows gets arbitrary ones.

        Raises ValueError if no place exists for any seed.
        """
        if self.places.shape[1] == 0:
            raise ValueError("there are no places to draw from, expected at least one")
        nth = (uniform.flatten(1) * self.number[:, None]).long()
        return self.places.gather(1, nth).view(uniform.shape)


class EpisodeWindows:
    """The transitions of S seeds in the order in which they were made, and the role of each one's episode.

    A seed's episodes take the roles in turn. With ("train", "train", "test"), every third episode is a test episode.
    An episode keeps its role, and no window contains transitions of two episodes. So roles never share a transition.

    rows: as `svgbench.memory.replay.RowLayout`. ends: whether a transition is the last of its episode.
    """

    def __init__(self, rows: Float[Tensor, "S N width"], ends: Bool[Tensor, "S N"], roles: Sequence[str]) -> None:
        if not roles:
            raise ValueError("roles is empty, expected at least one")
        self.rows, self.ends, self.roles = rows, ends, tuple(roles)
        self._episode = ends.long().cumsum(1) - ends.long()  # [S, N]

    def has_role(self, role: str) -> Bool[Tensor, "S N"]:
        """Which transitions belong to an episode with this role. Raises ValueError for an unknown role."""
        which = [i for i, name in enumerate(self.roles) if name == role]
        if not which:
            raise ValueError(f"role is {role!r}, expected one of {', '.join(dict.fromkeys(self.roles))}")
        turn = self._episode % len(self.roles)
        return torch.isin(turn, torch.tensor(which, device=turn.device))

    def starts(self, role: str, length: int, before: int) -> Starts:
        """All windows of `length` transitions that have this role and lie in the first `before` transitions."""
        first, last = self._episode[:, : max(before - length + 1, 0)], self._episode[:, length - 1 : before]
        valid = (first == last) & self.has_role(role)[:, : first.shape[1]]
        return Starts((~valid).to(torch.uint8).argsort(dim=1, stable=True), valid.sum(1))

    def windows(self, places: Int64[Tensor, "S *axes"], length: int) -> Float[Tensor, "S *_ width"]:
        """The rows of windows, [S, *axes but the last, length, the last of axes, width]."""
        steps = torch.arange(length, device=places.device)[:, None]
        return take(self.rows, places[..., None, :] + steps)
