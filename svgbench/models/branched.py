"""Rollouts of a learned model that branch off from replayed states, a step at a time, one member a row.

Axes: S seeds, B rollouts, O observation, A action.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.nn.streams import Streams

Terminates = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(observation [S, B, O], action [S, B, A], next observation [S, B, O]) -> bool [S, B]."""


def drawn_members(streams: Streams, choices: Tensor, rows: int) -> Tensor:
    """A member for each row, drawn uniformly from a seed's choices [S, K], int64 [S, rows] (MBPO)."""
    return choices.gather(1, streams.integers(rows, choices.shape[1]))


def permuted_members(streams: Streams, members: int, rows: int) -> Tensor:
    """A member for each row, int64 [S, rows]: the rows in random order are cut into equal blocks, one each (MAAC).

    Raises ValueError unless the rows divide by the members.
    """
    if rows % members:
        raise ValueError(f"rows is {rows}, expected a multiple of the {members} members")
    block = torch.arange(members, device=streams.device).repeat_interleave(rows // members)
    order = streams.permutation(rows)
    return torch.empty_like(order).scatter_(1, order, block.expand_as(order))


class BranchedRollouts:
    """Rollouts of S seeds, which end where the task's rule terminates them and are not replaced.

    obs: [S, B, O], where each of them is. running: bool [S, B]. length: steps taken.
    """

    def __init__(self, obs: Tensor) -> None:
        self.obs = obs
        self.running = torch.ones(obs.shape[:2], dtype=torch.bool, device=obs.device)
        self.length = 0

    @torch.no_grad()
    def step(
        self, model: GaussianEnsemble, action: Tensor, member: Tensor, noise: Tensor, terminates: Terminates
    ) -> tuple[Tensor, Tensor]:
        """Take actions [S, B, A] through one member a row [S, B], with unit noise [S, B, 1 + O].

        The model's outputs are (reward, change of observation). Returns rows [S, B, width], laid out as
        `svgbench.memory.replay.Layout`, and which of them were running before, bool [S, B]; the others mean nothing.
        """
        mean, log_var = model.predict_rows(torch.cat([self.obs, action], -1), member, self.running)
        outcome = torch.addcmul(mean, log_var.mul(0.5).exp_(), noise)
        reward, next_obs = outcome[..., :1], outcome[..., 1:] + self.obs
        terminal = terminates(self.obs, action, next_obs)
        rows = torch.cat([self.obs, action, next_obs, reward, terminal[..., None].to(reward.dtype)], -1)
        before = self.running
        self.obs, self.running, self.length = next_obs, before & ~terminal, self.length + 1
        return rows, before

    def state_dict(self) -> dict[str, Any]:
        return {"obs": self.obs.clone(), "running": self.running.clone(), "length": self.length}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> BranchedRollouts:
        """Rollouts where `state_dict` was taken."""
        one = cls(state["obs"].clone())
        one.running, one.length = state["running"].clone(), state["length"]
        return one
