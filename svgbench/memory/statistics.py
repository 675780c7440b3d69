"""Statistics of each seed that scale states, actions and changes of state."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from svgbench.nn.normaliser import Normaliser, constant


class StateStatistics:
    """Mean and deviation of everything seen so far, of x = (s, a) and of changes s' - s, for S seeds.

    A number that has never varied is not divided by its deviation. A change that has never varied has width zero: its
    prediction is its mean, without error or derivative.

    The statistics in use change only with `renew`. A network with scaled inputs then computes another function of the
    unscaled ones. The alternative, to rescale the network's weights instead, would keep the units of the first episode
    for ever. If that episode hardly moves, its units are too small for later episodes, which then saturate a layer of
    tanh.

    """

    def __init__(self, S: int, state_dim: int, action_dim: int, dtype: torch.dtype, device: str) -> None:
        self.x = Normaliser(S, state_dim + action_dim, device=device)
        self.change = Normaliser(S, state_dim, device=device)
        self.known = False  # whether anything has been seen
        self.centre: Float[Tensor, "S 1 O+A"]
        self.mean_change: Float[Tensor, "S 1 O"]
        self.centre, self.mean_change = (
            torch.zeros(S, 1, n, dtype=dtype, device=device) for n in (state_dim + action_dim, state_dim)
        )
        self.width, self.change_width = torch.ones_like(self.centre), torch.ones_like(self.mean_change)

    def normalise(self, x: Float[Tensor, "S B D"]) -> Float[Tensor, "S B D"]:
        """x (states, or states and actions) with mean 0 and deviation 1."""
        n = x.shape[-1]
        return (x - self.centre[..., :n]) / self.width[..., :n]

    def normalise_change(self, change: Float[Tensor, "S B O"]) -> Float[Tensor, "S B O"]:
        """Normalised changes; zero where a change has never varied."""
        scaled = (change - self.mean_change) / torch.where(self.change_width > 0, self.change_width, 1.0)
        return torch.where(self.change_width > 0, scaled, 0.0)

    def add(self, x: Float[Tensor, "S B D"], change: Float[Tensor, "S B O"], valid: Bool[Tensor, "S B"]) -> None:
        """Add x = (s, a) and changes where valid."""
        self.x.update(x, valid)
        self.change.update(change, valid)

    def renew(self) -> None:
        """Use the statistics of all that was added."""
        self.known = True
        for seen, mean, width, otherwise in (
            (self.x, self.centre, self.width, 1.0),
            (self.change, self.mean_change, self.change_width, 0.0),
        ):
            deviation = seen.var.sqrt()
            mean.copy_(seen.mean[:, None])
            width.copy_(torch.where(constant(seen.mean, deviation), otherwise, deviation)[:, None])

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
