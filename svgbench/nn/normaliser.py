"""Running mean and variance of what each seed has seen."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

NEGLIGIBLE = 1e-6  # a deviation up to this share of the mean is rounding: the number is constant


def constant(mean: Float[Tensor, "*axes"], deviation: Float[Tensor, "*axes"]) -> Bool[Tensor, "*axes"]:
    """Which numbers have not varied: their deviation is no scale. One that is not finite counts as varied."""
    return (deviation <= NEGLIGIBLE * mean.abs() + torch.finfo(torch.float64).tiny) & deviation.isfinite()


class Normaliser:
    """Mean and population variance per seed and feature over all batches so far, in float64.

    Batches are merged exactly (Chan, Golub and LeVeque 1979), so how the data are cut does not matter.

    S, D: numbers of seeds and of features.
    min_std, max_std: what a smaller or a larger standard deviation is taken for, in the features' unit. A feature that
        has not varied yet is not divided by such a bound, which would blow up its first variation: its deviation is
        taken for 1.

    count: rows seen. m2: the sum of squared deviations.
    """

    def __init__(
        self,
        S: int,
        D: int,
        *,
        min_std: float = 1e-6,
        max_std: float = math.inf,
        device: torch.device | str = "cpu",
    ) -> None:
        if S < 1 or D < 1:
            raise ValueError(f"S is {S} and D is {D}, expected both at least 1")
        if not min_std > 0:
            raise ValueError(f"min_std is {min_std}, expected a positive number")
        if not max_std >= min_std:
            raise ValueError(f"max_std is {max_std}, expected at least min_std, {min_std}")
        self.min_std, self.max_std = min_std, max_std
        self.count: Float64[Tensor, "S"] = torch.zeros(S, dtype=torch.float64, device=device)
        self.mean: Float64[Tensor, "S D"] = torch.zeros(S, D, dtype=torch.float64, device=device)
        self.m2: Float64[Tensor, "S D"] = torch.zeros(S, D, dtype=torch.float64, device=device)

    @property
    def var(self) -> Float64[Tensor, "S D"]:
        """Population variance; one before the first row."""
        count = self.count.unsqueeze(-1)
        return torch.where(count > 0, self.m2 / count.clamp(min=1), 1.0)

    @property
    def std(self) -> Float64[Tensor, "S D"]:
        """Standard deviation, within [`min_std`, `max_std`]; one where nothing has varied."""
        deviation = self.var.sqrt()
        return torch.where(constant(self.mean, deviation), 1.0, deviation).clamp(self.min_std, self.max_std)

    @torch.no_grad()
    def update(self, x: Float[Tensor, "S B D"], valid: Bool[Tensor, "S B"] | None = None) -> None:
        """Take in a batch of any float type; B may differ from batch to batch, and may be 0.

        valid: which rows count; all without. Raises ValueError for another shape.
        """
        self._check(x)
        B = x.shape[1]
        if B == 0:
            return
        x = x.double()
        if valid is None:
            count: float | Float64[Tensor, "S"] = float(B)
            batch_mean = x.mean(dim=1)  # [S, D]
            batch_m2 = (x - batch_mean.unsqueeze(1)).square().sum(dim=1)  # [S, D]
        else:
            count = valid.sum(1).double()  # [S]
            x = torch.where(valid.unsqueeze(-1), x, 0.0)
            batch_mean = x.sum(1) / count.clamp(min=1).unsqueeze(-1)
            off = torch.where(valid.unsqueeze(-1), x - batch_mean.unsqueeze(1), 0.0)
            batch_m2 = off.square().sum(dim=1)
        total = self.count + count
        some = total.clamp(min=1)
        delta = batch_mean - self.mean
        self.mean += delta * (count / some).unsqueeze(-1)
        # Another order of this product rounds otherwise, and would move committed results.
        self.m2 += batch_m2 + delta.square() * (self.count * count / some).unsqueeze(-1)
        self.count = total

    def normalise(self, x: Float[Tensor, "S B D"]) -> Float[Tensor, "S B D"]:
        """(x - mean) / std, in x's type; x itself before the first row. Gradients pass to x."""
        self._check(x)
        mean, std = self.mean.unsqueeze(1).to(x.dtype), self.std.unsqueeze(1).to(x.dtype)
        return (x - mean) / std

    def denormalise(self, x: Float[Tensor, "S B D"]) -> Float[Tensor, "S B D"]:
        """x * std + mean, the inverse of `normalise`."""
        self._check(x)
        mean, std = self.mean.unsqueeze(1).to(x.dtype), self.std.unsqueeze(1).to(x.dtype)
        return x * std + mean

    def state_dict(self) -> dict[str, Tensor]:
        """`count`, `mean` and `m2`; copies."""
        return {"count": self.count.clone(), "mean": self.mean.clone(), "m2": self.m2.clone()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state_dict` was taken. Raises ValueError if the shapes differ."""
        if state["mean"].shape != self.mean.shape:
            raise ValueError(f"mean has shape {list(state['mean'].shape)}, expected {list(self.mean.shape)}")
        self.count.copy_(state["count"])
        self.mean.copy_(state["mean"])
        self.m2.copy_(state["m2"])

    def _check(self, x: Float[Tensor, "..."]) -> None:
        S, D = self.mean.shape
        if x.dim() != 3 or x.shape[0] != S or x.shape[2] != D:
            raise ValueError(f"x has shape {list(x.shape)}, expected [{S}, B, {D}]")
