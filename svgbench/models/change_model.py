"""What learned models of the change of state have in common (Heess et al. 2015, section 5 and appendix C).

    s' = s + f(s, a) + sigma * xi,   xi ~ N(0, I)

sigma is a constant for each dimension, so no gradient passes through it. Inputs and targets are normalised
(`svgbench.memory.statistics`). The mean is fitted by least squares, and sigma is the root mean squared residual.
Together they maximise the Gaussian likelihood.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from svgbench.memory.statistics import StateStatistics
from svgbench.nn.optim import Adam
from svgbench.nn.state import finite_rows


class ChangeModel(ABC):
    """Models of S seeds with D dimensions of the state, trained by Adam.

    sigma: in units of the normalised change; 1 at first.
    """

    adam: Adam
    sigma: Float[Tensor, "S 1 D"]

    def __init__(
        self, S: int, statistics: StateStatistics, hidden: Sequence[int], dtype: torch.dtype, device: str
    ) -> None:
        """hidden: units of each layer of tanh. ValueError for none."""
        if not hidden or min(hidden) < 1:
            raise ValueError(f"hidden is {list(hidden)}, expected widths of at least one layer")
        self.statistics, self.hidden = statistics, list(hidden)
        self.D, self.n_in = statistics.mean_change.shape[-1], statistics.centre.shape[-1]
        self.sigma = torch.ones(S, 1, self.D, dtype=dtype, device=device)

    @abstractmethod
    def mean_change(self, s: Float[Tensor, "S B D"], a: Float[Tensor, "S B A"]) -> Float[Tensor, "S B D"]:
        """f(s, a)."""

    @abstractmethod
    def jacobians(
        self, s: Float[Tensor, "S B D"], a: Float[Tensor, "S B A"]
    ) -> tuple[Float[Tensor, "S B D D"], Float[Tensor, "S B D A"]]:
        """Jacobians of the next state by s (the identity included) and by a."""

    @abstractmethod
    def pull_back(
        self, s: Float[Tensor, "S B D"], a: Float[Tensor, "S B A"], v: Float[Tensor, "S B D"]
    ) -> tuple[Float[Tensor, "S B D"], Float[Tensor, "S B A"]]:
        """v f_s and v f_a, where v is a derivative by the next state."""

    @abstractmethod
    def _step(
        self, x: Float[Tensor, "S B I"], z: Float[Tensor, "S B D"], active: Bool[Tensor, "S"] | None
    ) -> Float[Tensor, "S D"]:
        """A step down half the mean square, summed over the dimensions; the mean squares before it."""

    def sample_change(
        self, s: Float[Tensor, "S B D"], a: Float[Tensor, "S B A"], noise: Float[Tensor, "S B D"]
    ) -> Float[Tensor, "S B D"]:
        """f(s, a) + sigma * noise, the simulated change when planning in the model."""
        return self.mean_change(s, a) + self.sigma * self.statistics.change_width * noise

    def error(
        self,
        s: Float[Tensor, "S B D"],
        a: Float[Tensor, "S B A"],
        change: Float[Tensor, "S B D"],
        weight: Float[Tensor, "S B"],
    ) -> Float64[Tensor, "S"]:
        """Squared error of the prediction, in units of the normalised change: the mean over dimensions that vary.

        weight sums to one for each seed. NaN while the statistics of changes are empty.
        """
        varies = (self.statistics.change_width > 0).double().squeeze(1)  # [S, D]
        off = (change - self.mean_change(s, a)) / torch.where(varies[:, None] > 0, self.statistics.change_width, 1.0)
        per_dimension = (off.double().square() * weight.unsqueeze(-1)).sum(1)
        found = (per_dimension * varies).sum(1) / varies.sum(1)
        return found if self.statistics.known else torch.full_like(found, torch.nan)

    def fit(
        self,
        s: Float[Tensor, "S B D"],
        a: Float[Tensor, "S B A"],
        change: Float[Tensor, "S B D"],
        batch_size: int,
        active: Bool[Tensor, "S"] | None,
    ) -> Float[Tensor, "S D"]:
        """Take a step of Adam for each minibatch. Returns the mean squared residual, measured before each step.

        B is a multiple of `batch_size`. active: which seeds learn; None: all.
        """
        x, z = self.statistics.normalise(torch.cat([s, a], -1)), self.statistics.normalise_change(change)
        residual = z.new_zeros(len(z), self.D)
        for start in range(0, x.shape[1], batch_size):
            piece = slice(start, start + batch_size)
            residual += self._step(x[:, piece].contiguous(), z[:, piece], active)
        return residual * (batch_size / x.shape[1])

    def _denormalised(self, y: Float[Tensor, "S B D"]) -> Float[Tensor, "S B D"]:
        return self.statistics.mean_change + self.statistics.change_width * y

    def _unscaled(self, J: Float[Tensor, "S B D I"]) -> tuple[Float[Tensor, "S B D D"], Float[Tensor, "S B D A"]]:
        """`jacobians`, of the normalised change by the normalised input."""
        J = J * self.statistics.change_width.unsqueeze(-1) / self.statistics.width.unsqueeze(2)
        f_s, f_a = J.split([self.D, J.shape[-1] - self.D], -1)
        return f_s + torch.eye(self.D, dtype=J.dtype, device=J.device), f_a

    def _pulled(
        self, by_x: Float[Tensor, "S B I"], v: Float[Tensor, "S B D"]
    ) -> tuple[Float[Tensor, "S B D"], Float[Tensor, "S B A"]]:
        """`pull_back`, of v f_x by the normalised input."""
        by_s, by_a = (by_x / self.statistics.width).split([self.D, by_x.shape[-1] - self.D], -1)
        return v + by_s, by_a

    def finite(self) -> Bool[Tensor, "S"]:
        """Which seeds' parameters are finite."""
        return finite_rows(self.adam.flat)

    def state_dict(self) -> dict[str, Any]:
        return {"theta": self.adam.flat.clone(), "adam": self.adam.state_dict(), "sigma": self.sigma.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self.adam.flat.copy_(state["theta"])
        self.adam.load_state_dict(state["adam"])
        self.sigma.copy_(state["sigma"])
