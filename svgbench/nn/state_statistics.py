"""What states, actions and changes of state are scaled by, for each seed."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from svgbench.nn.flat_mlp import FlatMLP
from svgbench.nn.normaliser import Normaliser

NEGLIGIBLE = 1e-6  # a deviation below this share of the mean is rounding: the number is constant


class Rescaling(NamedTuple):
    """Old scaled inputs from new ones: old = ratio * new + shift. Both [S, n]."""

    ratio: Tensor
    shift: Tensor

    def carry_over_(self, net: FlatMLP, theta: Tensor) -> None:
        """Change theta [S, P] so that the network is the same function of what is not scaled as before.

        Its inputs are the first of those that this is about.
        """
        weight, bias = net.layers(theta)[0]
        n = weight.shape[1]
        bias += torch.bmm(self.shift[:, None, :n], weight)
        weight *= self.ratio[:, :n, None]


class StateStatistics:
    """Mean and deviation of everything seen so far, of x = (s, a) and of changes s' - s, for S seeds.

    A number that has never varied is not divided by its deviation. A change that has never varied has width zero:
    what is predicted of it is its mean, without error or derivative.

    The statistics in use change only with `renew`. centre, width [S, 1, O + A]; mean_change, change_width [S, 1, O].
    """

    def __init__(self, S: int, state_dim: int, action_dim: int, dtype: torch.dtype, device: str) -> None:
        self.x = Normaliser(S, state_dim + action_dim, device=device)
        self.change = Normaliser(S, state_dim, device=device)
        self.known = False  # whether anything has been seen
        self.centre, self.mean_change = (
            torch.zeros(S, 1, n, dtype=dtype, device=device) for n in (state_dim + action_dim, state_dim)
        )
        self.width, self.change_width = torch.ones_like(self.centre), torch.ones_like(self.mean_change)

    def normalise(self, x: Tensor) -> Tensor:
        """x [S, B, n], states or states and actions, with mean 0 and deviation 1."""
        n = x.shape[-1]
        return (x - self.centre[..., :n]) / self.width[..., :n]

    def normalise_change(self, change: Tensor) -> Tensor:
        """Changes [S, B, O] likewise; zero where none has varied."""
        scaled = (change - self.mean_change) / torch.where(self.change_width > 0, self.change_width, 1.0)
        return torch.where(self.change_width > 0, scaled, 0.0)

    def add(self, x: Tensor, change: Tensor, valid: Tensor) -> None:
        """Take in x [S, B, O + A] and changes [S, B, O] where valid [S, B]."""
        self.x.update(x, valid)
        self.change.update(change, valid)

    def renew(self) -> Rescaling | None:
        """Use the statistics of all that was added; how scaled inputs move with it, None if they had no scale yet."""
        before = (self.centre.clone(), self.width.clone()) if self.known else None
        self.known = True
        for seen, mean, width, otherwise in (
            (self.x, self.centre, self.width, 1.0),
            (self.change, self.mean_change, self.change_width, 0.0),
        ):
            deviation = seen.var.sqrt()
            varies = deviation > NEGLIGIBLE * seen.mean.abs() + torch.finfo(torch.float64).tiny
            mean.copy_(seen.mean[:, None])
            width.copy_(torch.where(varies | ~deviation.isfinite(), deviation, otherwise)[:, None])
        if before is None:
            return None
        centre, width = before
        return Rescaling((self.width / width)[:, 0], ((self.centre - centre) / width)[:, 0])

    def state_dict(self) -> dict[str, object]:
        names = ("centre", "width", "mean_change", "change_width")
        used = {name: getattr(self, name).clone() for name in names}
        return {"x": self.x.state_dict(), "change": self.change.state_dict(), "known": self.known, **used}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Continue exactly where `state_dict` was taken."""
        for name in ("x", "change"):
            getattr(self, name).load_state_dict(state[name])
        for name in ("centre", "width", "mean_change", "change_width"):
            getattr(self, name).copy_(state[name])
        self.known = bool(state["known"])
