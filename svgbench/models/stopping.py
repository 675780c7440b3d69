"""When the members of an ensemble stop training: rules of several papers, as masks over seeds and members.

All use a validation loss at the end of an epoch.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor


@runtime_checkable
class StoppingRule(Protocol):
    active: Bool[Tensor, "S E"]  # which members still train
    loss: Float64[Tensor, "S E"]  # of the parameters that each member keeps

    def update(self, loss: Float[Tensor, "S E"]) -> Bool[Tensor, "S E"]:
        """Update by the losses after an epoch. Returns which members keep their present parameters."""
        ...

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class _Rule:
    """A rule whose state is its tensors. At first all members of the seeds `active` train."""

    _names: tuple[str, ...] = ("active", "loss")

    def __init__(self, active: Bool[Tensor, "S"], members: int) -> None:
        self.active: Bool[Tensor, "S E"] = active[:, None].repeat(1, members)
        self.loss: Float64[Tensor, "S E"] = torch.full(
            self.active.shape, torch.inf, dtype=torch.float64, device=active.device
        )

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name).clone() for name in self._names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name in self._names:
            setattr(self, name, state[name].clone())


class NoneImproves(_Rule):
    """A seed stops when none of its members has improved for more than `patience` epochs in a row.

    A member improves when its loss falls below its best by more than the share `min_gain`; it keeps its best
    parameters. Until the seed stops, all its members train, also those that do not improve. MBPO: jannerm/mbpo at
    ac694ff, mbpo/models/bnn.py.
    """

    _names = ("active", "loss", "stale")

    def __init__(self, active: Bool[Tensor, "S"], members: int, *, min_gain: float, patience: int) -> None:
        self.min_gain, self.patience = min_gain, patience
        super().__init__(active, members)
        self.stale = torch.zeros(len(active), dtype=torch.int64, device=active.device)  # epochs without improvement

    def update(self, loss: Float[Tensor, "S E"]) -> Bool[Tensor, "S E"]:
        loss = loss.double()
        better = self.active & (loss < self.loss * (1 - self.min_gain))  # false for NaN
        self.loss = torch.where(better, loss, self.loss)
        self.stale = torch.where(better.any(1), 0, self.stale + 1)
        self.active = self.active & (self.stale <= self.patience)[:, None]
        return better


class Never(_Rule):
    """No member stops by itself, and each keeps its last parameters (PETS: a fit has a fixed number of epochs)."""

    def update(self, loss: Float[Tensor, "S E"]) -> Bool[Tensor, "S E"]:
        self.loss = torch.where(self.active, loss.double(), self.loss)
        return self.active


class NoNewBest(_Rule):
    """A member stops, with its present parameters, once `patience` validations in a row bring no new best loss.

    ME-TRPO as run for Table 2 of Amos et al. 2020: WilsonWangTHU/mbbl-metrpo at 09be737, model/dynamics.py.
    """

    _names = ("active", "loss", "best", "stale")

    def __init__(self, active: Bool[Tensor, "S"], members: int, *, patience: int) -> None:
        self.patience = patience
        super().__init__(active, members)
        self.best = self.loss.clone()
        self.stale = torch.zeros(self.active.shape, dtype=torch.int64, device=active.device)

    def update(self, loss: Float[Tensor, "S E"]) -> Bool[Tensor, "S E"]:
        loss, trained = loss.double(), self.active
        better = loss < self.best  # false for NaN
        self.loss = torch.where(trained, loss, self.loss)
        self.best = torch.where(trained & better, loss, self.best)
        self.stale = torch.where(better, 0, self.stale + 1)
        self.active = trained & (self.stale < self.patience)
        return trained


class RollingMean(_Rule):
    """A member stops, with its present parameters, at the first epoch at which the rolling mean of its loss rises.

    mean <- persistence mean + (1 - persistence) loss. It starts at 1.5 times the first loss. The first epoch's mean is
    compared with twice the first loss. (A first loss below zero is divided by these factors instead.) MAAC:
    iclavera/meta-mb at 233e0fb, meta_mb/dynamics/mlp_dynamics_ensemble.py.
    """

    _names = ("active", "loss", "mean")

    def __init__(self, active: Bool[Tensor, "S"], members: int, *, persistence: float) -> None:
        self.persistence = persistence
        super().__init__(active, members)
        self.mean = torch.full_like(self.loss, torch.nan)  # before the first epoch

    def update(self, loss: Float[Tensor, "S E"]) -> Bool[Tensor, "S E"]:
        loss = loss.double()
        first, trained = self.mean.isnan(), self.active
        before = torch.where(first, torch.where(loss < 0, loss / 2, 2 * loss), self.mean)
        start = torch.where(first, torch.where(loss < 0, loss / 1.5, 1.5 * loss), self.mean)
        mean = self.persistence * start + (1 - self.persistence) * loss
        self.loss = torch.where(trained, loss, self.loss)
        self.mean = torch.where(trained, mean, self.mean)
        self.active = trained & (mean <= before)  # a member whose mean is NaN stops
        return trained
