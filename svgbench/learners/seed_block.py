"""The seeds of a block and which of them still learn: the part that every learner has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from svgbench.nn.mean_network import MeanNetwork
from svgbench.simulate.acting import ActionUnits
from svgbench.words.learner import Row
from svgbench.words.policy import TrainedPolicy


def evaluation_columns(returns: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Mean and standard deviation [S] over the episodes of an evaluation, returns [S, E]; NaN for a single one."""
    S, E = returns.shape
    spread = returns.std(1, ddof=1) if E > 1 else np.full(S, np.nan)
    return {"eval_return": returns.mean(1), "eval_return_sd": spread}


class SeedBlock:
    """Base of learners. alive: bool [S]. diverged: step and reason by seed; the other seeds continue."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self.seeds = list(seeds)
        self.alive: NDArray[np.bool_] = np.ones(len(self.seeds), dtype=np.bool_)
        self.diverged: dict[int, str] = {}

    def mark_diverged(self, finite: Tensor | NDArray[np.bool_], reason: str) -> None:
        """Record the seeds that are no longer finite, bool [S]."""
        finite_S = np.asarray(finite.cpu() if isinstance(finite, Tensor) else finite)
        for i in np.flatnonzero(self.alive & ~finite_S):
            self.diverged[self.seeds[i]] = reason
        self.alive &= finite_S

    def active(self, device: torch.device | str) -> Tensor | None:
        """`alive` on the device; None if all seeds are alive."""
        return None if self.alive.all() else torch.from_numpy(self.alive.copy()).to(device)

    def rows(self, step: int, columns: Mapping[str, Any]) -> list[Row]:
        """A row of each living seed; columns: tensors or arrays [S]."""
        values = {name: column.tolist() for name, column in columns.items()}
        return [
            {"seed": seed, "step": step} | {name: value[i] for name, value in values.items()}
            for i, seed in enumerate(self.seeds)
            if self.alive[i]
        ]

    def policies_of(
        self,
        network: MeanNetwork,
        centre: NDArray[np.floating],
        width: NDArray[np.floating],
        clip: float,
        units: ActionUnits,
    ) -> dict[int, TrainedPolicy]:
        """The policies of the living seeds; centre and width, [S, O], scale their observations."""
        return {
            seed: network.of_seed(i, centre[i], width[i], clip, units.centre, units.half_range)
            for i, seed in enumerate(self.seeds)
            if self.alive[i]
        }

    def block_state(self) -> dict[str, Any]:
        return {
            "alive": torch.from_numpy(self.alive.copy()),
            "diverged": {str(seed): reason for seed, reason in self.diverged.items()},
        }

    def load_block_state(self, state: dict[str, Any]) -> None:
        """Load from a state that contains `block_state`."""
        self.alive = state["alive"].cpu().numpy().copy()
        self.diverged = {int(seed): reason for seed, reason in state["diverged"].items()}
