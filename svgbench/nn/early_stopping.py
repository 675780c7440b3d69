"""Early stopping as a mask: stopped members keep their best parameters while the others continue."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor, nn

from svgbench.nn.flat import check_members, flat_view, members_of, views


class EarlyStopping:
    """Watches each member's validation loss, keeps its best parameters, and says which members still train.

    A loss counts as an improvement if it lies below the member's best by more than `min_improvement` (in the
    unit of the loss; the first finite loss always counts, NaN never does). A member stops permanently after
    `patience` evaluations in a row without one. Pass `active` to `Adam.step`.

    module: its parameters, not its buffers, are kept; each has `shape` as its first axes.
    shape: (S,) or (S, E); by default (S, E) if every parameter has four axes, else (S,).

    active: which members still train. best_loss: infinite before the first. stale: evaluations since the best.
    """

    def __init__(
        self,
        module: nn.Module,
        shape: tuple[int, ...] | None = None,
        *,
        patience: int,
        min_improvement: float = 0.0,
    ) -> None:
        self._parameters: list[Float[Tensor, "S ..."]] = list(module.parameters())
        self.shape = members_of(self._parameters) if shape is None else tuple(shape)
        check_members(self._parameters, self.shape)
        if patience < 1:
            raise ValueError(f"patience is {patience}, expected at least 1 evaluation")
        if min_improvement < 0:
            raise ValueError(f"min_improvement is {min_improvement}, expected at least 0")
        self.patience = patience
        self.min_improvement = min_improvement
        self.reset()

    def reset(self) -> None:
        """Start again, with all members active and the present parameters as their best."""
        device = self._parameters[0].device
        self.active: Bool[Tensor, "*members"] = torch.ones(self.shape, dtype=torch.bool, device=device)
        self.best_loss: Float64[Tensor, "*members"] = torch.full(
            self.shape, torch.inf, dtype=torch.float64, device=device
        )
        self.stale: Int64[Tensor, "*members"] = torch.zeros(self.shape, dtype=torch.int64, device=device)
        self._best = self._current().clone()

    @torch.no_grad()
    def update(self, loss: Float[Tensor, "*members"]) -> Bool[Tensor, "*members"]:
        """Take in the validation losses of the present parameters; return `active`.

        The losses of stopped members do not count. Raises ValueError for losses of another shape.
        """
        if tuple(loss.shape) != self.shape:
            raise ValueError(f"loss has shape {list(loss.shape)}, expected {list(self.shape)}")
        loss = loss.double()
        better = self.active & (loss < self.best_loss - self.min_improvement)
        self.best_loss = torch.where(better, loss, self.best_loss)
        self.stale = torch.where(better, 0, self.stale + self.active)
        self._best = torch.where(better.unsqueeze(-1), self._current(), self._best)
        self.active = self.active & (self.stale < self.patience)
        return self.active

    @torch.no_grad()
    def restore_best_(self) -> None:
        """Put every member's best parameters back into the module, in place."""
        for p, best in zip(self._parameters, views(self._best, self._parameters), strict=True):
            p.copy_(best)

    def state_dict(self) -> dict[str, Tensor]:
        """`active`, `best_loss`, `stale` and the best parameters `best` ("*members P"); copies."""
        return {
            "active": self.active.clone(),
            "best_loss": self.best_loss.clone(),
            "stale": self.stale.clone(),
            "best": self._best.clone(),
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state_dict` was taken. Raises ValueError if the shapes differ."""
        if state["best"].shape != self._best.shape:
            raise ValueError(f"best has shape {list(state['best'].shape)}, expected {list(self._best.shape)}")
        self.active.copy_(state["active"])
        self.best_loss.copy_(state["best_loss"])
        self.stale.copy_(state["stale"])
        self._best.copy_(state["best"])

    def _current(self) -> Float[Tensor, "*members P"]:
        flat = flat_view(self._parameters, self.shape)
        if flat is not None:
            return flat
        return torch.cat([p.detach().flatten(len(self.shape)) for p in self._parameters], dim=-1)
