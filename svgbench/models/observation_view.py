"""What a model sees of an observation and what it predicts, where this is not the observation and its change.

PETS (Chua et al. 2018) models its cheetah so: the velocity over the last step is no input and is predicted itself; the
angle of pitch enters as sine and cosine, and its change is predicted (kchua/handful-of-trials at 77fd880,
dmbrl/config/halfcheetah.py: obs_preproc, obs_postproc, targ_proc).

Axes: O observation, I inputs of it, K numbers predicted.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from svgbench.memory.replay import RowLayout


class ObservationView:
    """The inputs, targets and predictions of a model of observations with `obs_dim` numbers.

    absolute: places of numbers that are no inputs, and whose next value is predicted instead of their change.
    angle: the place of an angle's sine, which its cosine follows; None if there is none. Instead of their changes the
    change of the angle is predicted, in radians, as the last of K numbers. It must be less than half a turn.

    Raises ValueError for a place that does not exist, or that is both.
    """

    def __init__(self, obs_dim: int, absolute: Sequence[int] = (), angle: int | None = None) -> None:
        pair = () if angle is None else (angle, angle + 1)
        if not all(0 <= place < obs_dim for place in (*absolute, *pair)) or {*absolute} & {*pair}:
            places = f"absolute is {list(absolute)} and angle {angle}"
            raise ValueError(f"{places}, expected separate places of an observation of {obs_dim} numbers")
        self.obs_dim, self.angle = obs_dim, angle
        self._seen = torch.tensor([i for i in range(obs_dim) if i not in absolute])
        self._plain = torch.tensor([i for i in range(obs_dim) if i not in pair])
        self._changes = torch.tensor([float(i not in absolute) for i in self._plain.tolist()])

    @property
    def inputs_dim(self) -> int:
        """I"""
        return len(self._seen)

    @property
    def outputs_dim(self) -> int:
        """K"""
        return len(self._plain) + (self.angle is not None)

    def inputs(self, obs: Float[Tensor, "*batch O"]) -> Float[Tensor, "*batch I"]:
        """What the model sees of observations."""
        return obs if self.inputs_dim == self.obs_dim else obs[..., self._seen.to(obs.device)]

    def target(self, obs: Float[Tensor, "*batch O"], next_obs: Float[Tensor, "*batch O"]) -> Float[Tensor, "*batch K"]:
        """What the model should predict."""
        plain = self._plain.to(obs.device)
        change = next_obs[..., plain] - obs[..., plain] * self._changes.to(obs)
        if self.angle is None:
            return change
        (sin, cos), (next_sin, next_cos) = self._pair(obs), self._pair(next_obs)
        turn = torch.atan2(next_sin * cos - next_cos * sin, next_cos * cos + next_sin * sin)
        return torch.cat([change, turn[..., None]], -1)

    def next(self, obs: Float[Tensor, "*batch O"], outcome: Float[Tensor, "*batch K"]) -> Float[Tensor, "*batch O"]:
        """The next observations that a prediction means."""
        plain = self._plain.to(obs.device)
        kept = obs[..., plain] * self._changes.to(obs)
        if self.angle is None:
            return kept + outcome
        (sin, cos), turn = self._pair(obs), outcome[..., -1]
        next_obs = torch.empty_like(obs)
        next_obs[..., plain] = kept + outcome[..., :-1]
        next_obs[..., self.angle] = sin * turn.cos() + cos * turn.sin()
        next_obs[..., self.angle + 1] = cos * turn.cos() - sin * turn.sin()
        return next_obs

    def _pair(self, obs: Float[Tensor, "*batch O"]) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
        assert self.angle is not None
        return obs[..., self.angle], obs[..., self.angle + 1]

    def pairs(
        self, layout: RowLayout, rows: Float[Tensor, "*batch width"]
    ) -> tuple[Float[Tensor, "*batch I"], Float[Tensor, "*batch K"]]:
        """From a replay's rows: inputs with actions, and targets; see `svgbench.models.ensemble_fit.FitSettings`."""
        obs = layout.obs(rows)
        x = torch.cat([self.inputs(obs), layout.action(rows)], -1)
        return x, self.target(obs, layout.next_obs(rows))
