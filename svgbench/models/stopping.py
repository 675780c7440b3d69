"""When the members of an ensemble stop training: the two rules that MBPO and MAAC go by, as masks.

Both look at a validation loss at the end of each epoch.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor


@runtime_checkable
class StoppingRule(Protocol):
    active: Bool[Tensor, "S E"]  # who still trains
    loss: Float64[Tensor, "S E"]  # of the parameters that each member is left with

    def update(self, loss: Float[Tensor, "S E"]) -> Bool[Tensor, "S E"]:
        """Take in the losses after an epoch; whose present parameters are the ones to keep."""
        ...

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class _Rule:
    """A rule whose state is its tensors."""

    _names: tuple[str, ...]

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name).clone() for name in self._names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name in self._names:
            setattr(self, name, state[name].clone())


class NoneImproves(_Rule):
    """A seed stops when none of its members has improved for more than `patience` epochs in a row.

    A member improves where its loss falls below its best by more than the share `min_gain`, and keeps its best. Until
    then all members train on, those that do not improve too. MBPO: jannerm/mbpo at ac694ff, mbpo/models/bnn.py.

    active: the seeds that train at all.
    """

    _names = ("active", "loss", "stale")

    def __init__(self, active: Bool[Tensor, "S"], members: int, *, min_gain: float, patience: int) -> None:
        self.min_gain, self.patience = min_gain, patience
        self.active = active[:, None].repeat(1, members)
        self.loss = torch.full(self.active.shape, torch.inf, dtype=torch.float64, device=active.device)
        self.stale = torch.zeros(len(active), dtype=torch.int64, device=active.device)  # epochs without improvement

    def update(self, loss: Float[Tensor, "S E"]) -> Bool[Tensor, "S E"]:
        loss = loss.double()
        better = self.active & (loss < self.loss * (1 - self.min_gain))  # false for NaN
        self.loss = torch.where(better, loss, self.loss)
        self.stale = torch.where(better.any(1), 0, self.stale + 1)
        self.active = self.active & (self.stale <= self.patience)[:, None]
        return better


class RollingMean(_Rule):
    """A member stops at the first epoch at which the rolling mean of its loss rises, and keeps what it has then.

    mean <- persistence mean + (1 - persistence) loss, from 1.5 times the first loss; the first epoch is compared with
    twice that loss. A first loss below zero is divided instead. MAAC: iclavera/meta-mb at 233e0fb,
    meta_mb/dynamics/mlp_dynamics_ensemble.py.

    active: the seeds that train at all.
    """

    _names = ("active", "loss", "mean")

    def __init__(self, active: Bool[Tensor, "S"], members: int, *, persistence: float) -> None:
        self.persistence = persistence
        self.active = active[:, None].repeat(1, members)
        self.loss = torch.full(self.active.shape, torch.inf, dtype=torch.float64, device=active.device)
        self.mean = torch.full_like(self.loss, torch.nan)  # before the first epoch

    def update(self, loss: Float[Tensor, "S E"]) -> Bool[Tensor, "S E"]:
        loss = loss.double()
        first, trained = self.mean.isnan(), self.active
        before = torch.where(first, torch.where(loss < 0, loss / 2, 2 * loss), self.mean)
        start = torch.where(first, torch.where(loss < 0, loss / 1.5, 1.5 * loss), self.mean)
        mean = self.persistence * start + (1 - self.persistence) * loss
        self.loss = torch.where(trained, loss, self.loss)
        self.mean = torch.where(trained, mean, self.mean)
        self.active = trained & (mean <= before)  # one that is NaN stops
        return trained
