"""Each seed's past transitions, normalised by its current statistics."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from svgbench.memory.replay import Replay, RowLayout
from svgbench.nn.normaliser import Normaliser


class Experience:
    """A replay, and running statistics of every observation ever added to it (not of next observations).

    Samples are normalised by the current statistics, both observations and next observations. So targets drift with the
    statistics, as in facebookresearch/svg (9fdf03a, svg/replay_buffer.py). The statistics are float64.

    normalise: False leaves observations as they are.
    """

    def __init__(self, replay: Replay, *, normalise: bool, min_std: float, max_std: float) -> None:
        self.replay, self.layout, self.enabled = replay, replay.layout, normalise
        S, _, width = replay.rows.shape
        self.normaliser = Normaliser(
            S, self.layout.obs_dim, min_std=min_std, max_std=max_std, device=replay.rows.device
        )
        self._mean = torch.zeros(S, 1, width, dtype=replay.rows.dtype, device=replay.rows.device)
        self._std = torch.ones_like(self._mean)

    def add(self, transition: Float[Tensor, "S width"], end: Bool[Tensor, "S"]) -> None:
        """Add one transition per seed, laid out as `RowLayout`. The flag says whether its episode ended."""
        self.replay.add(transition, end)
        if self.enabled:
            self.normaliser.update(self.layout.obs(transition).unsqueeze(1))
            self._refresh()

    @property
    def scales(self) -> tuple[Float[Tensor, "S 1 O"], Float[Tensor, "S 1 O"]]:
        """Mean and deviation that normalise observations; 0 and 1 where they stay as they are."""
        return self.layout.obs(self._mean), self.layout.obs(self._std)

    def normalise(self, obs: Float[Tensor, "S B O"]) -> Float[Tensor, "S B O"]:
        """Observations in the form that the networks take."""
        mean, std = self.scales
        return (obs - mean) / std if self.enabled else obs

    def sample(self, uniform: Float64[Tensor, "S B"]) -> Float[Tensor, "S B width"]:
        """Normalised rows; see `Replay.sample`."""
        return self.normalise_rows(self.replay.sample(uniform))

    def normalise_rows(self, rows: Float[Tensor, "S B width"]) -> Float[Tensor, "S B width"]:
        """Normalise the observations of rows [S, B, width], in place."""
        return rows.sub_(self._mean).div_(self._std) if self.enabled else rows

    def sample_windows(
        self, uniform: Float64[Tensor, "S B"]
    ) -> tuple[Float[Tensor, "S B O"], Float[Tensor, "S T B A"], Float[Tensor, "S T B O"]]:
        """First states, actions and resulting states, all normalised."""
        rows = self.replay.sample_windows(uniform)
        if self.enabled:
            rows = rows.sub_(self._mean[:, None]).div_(self._std[:, None])
        return self.layout.obs(rows[:, 0]), self.layout.action(rows), self.layout.next_obs(rows)

    def _refresh(self) -> None:
        mean, std = self.normaliser.mean.unsqueeze(1), self.normaliser.std.unsqueeze(1)
        for part in (RowLayout.obs, RowLayout.next_obs):
            part(self.layout, self._mean).copy_(mean)
            part(self.layout, self._std).copy_(std)

    def state_dict(self) -> dict[str, Any]:
        return {"replay": self.replay.state_dict(), "normaliser": self.normaliser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.replay.load_state_dict(state["replay"])
        self.normaliser.load_state_dict(state["normaliser"])
        if self.enabled:
            self._refresh()
