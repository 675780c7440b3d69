"""Rollouts of a learned model from replayed states. In each step, one member of the ensemble predicts each row."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from svgbench.memory.rows import take
from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.nn.streams import Streams

Terminates = Callable[[Float[Tensor, "S B O"], Float[Tensor, "S B A"], Float[Tensor, "S B O"]], Bool[Tensor, "S B"]]
"""Maps observation, action and next observation to whether the episode ends."""
Predict = Callable[[Float[Tensor, "S E b I"]], tuple[Float[Tensor, "S E b K"], Float[Tensor, "S E b K"]]]
"""Maps inputs, equally many for each member, to mean and log-variance."""
Rewards = Callable[[Float[Tensor, "S B O"], Float[Tensor, "S B A"], Float[Tensor, "S B O"]], Float[Tensor, "S B"]]
"""Maps observation, action and next observation to the reward."""


def drawn_members(streams: Streams, choices: Int64[Tensor, "S K"], rows: int) -> Int64[Tensor, "S {rows}"]:
    """A member for each row, drawn uniformly from a seed's choices (MBPO)."""
    return choices.gather(1, streams.integers(rows, choices.shape[1]))


def permuted_members(streams: Streams, members: int, rows: int) -> Int64[Tensor, "S {rows}"]:
    """A member for each row: the rows are shuffled and cut into equal blocks, one for each member (MAAC).

    Raises ValueError unless the number of rows is a multiple of the number of members.
    """
    if rows % members:
        raise ValueError(f"rows is {rows}, expected a multiple of the {members} members")
    block = torch.arange(members, device=streams.device).repeat_interleave(rows // members)
    order = streams.permutation(rows)
    return torch.empty_like(order).scatter_(1, order, block.expand_as(order))


def predict_permuted(
    model: GaussianEnsemble, x: Float[Tensor, "S B I"], streams: Streams, *, variance_as_deviation: bool = False
) -> tuple[Float[Tensor, "S B K"], Float[Tensor, "S B K"]]:
    """Mean and log-variance of rows x. The rows are shuffled and cut into equal blocks; each member predicts one block.

    The members are those of `permuted_members`. If the number of rows is not a multiple of the number of members, rows
    are repeated to make it one, and the predictions of repeated rows are dropped. For few rows, a few large products
    take less time than `GaussianEnsemble.predict_rows`.
    """
    B, E = x.shape[1], model.members
    order = streams.permutation(-(-B // E) * E)
    return in_blocks(partial(model.predict_blocks, variance_as_deviation=variance_as_deviation), x, order, E)


def in_blocks(
    predict: Predict, x: Float[Tensor, "S B I"], order: Int64[Tensor, "S padded"], members: int
) -> tuple[Float[Tensor, "S B K"], Float[Tensor, "S B K"]]:
    """Cut rows x into equal blocks, one for each member, apply `predict`, and restore the order of the rows.

    order: a permutation of at least B numbers. Its first part is the first member's block, and so on. A number i >= B
    repeats row i mod B; its prediction is dropped.
    """
    B = x.shape[1]
    places = order.argsort(1)[:, :B]
    blocks = take(x, order % B).unflatten(1, (members, -1))
    mean, log_var = (take(out.flatten(1, 2), places) for out in predict(blocks))
    return mean, log_var


class BranchedRollouts:
    """B rollouts for each of S seeds. They end by the task's termination rule; no new rollout takes their place.

    obs: their present observations. running: which have not ended. length: steps taken.
    """

    def __init__(self, obs: Float[Tensor, "S B O"]) -> None:
        self.obs = obs
        self.running: Bool[Tensor, "S B"] = torch.ones(obs.shape[:2], dtype=torch.bool, device=obs.device)
        self.length = 0

    @torch.no_grad()
    def step(
        self,
        model: GaussianEnsemble,
        action: Float[Tensor, "S B A"],
        member: Int64[Tensor, "S B"],
        noise: Float[Tensor, "S B outputs"],
        terminates: Terminates,
        rewards: Rewards | None = None,
    ) -> tuple[Float[Tensor, "S B width"], Bool[Tensor, "S B"]]:
        """Take one step: `member` says which member predicts each row; noise is standard normal.

        The model's outputs are (reward, change of observation), or only the change if `rewards` is given. Returns rows,
        laid out as `svgbench.memory.replay.RowLayout`, and which rollouts were running before the step. Ignore the rows
        of the others.
        """
        mean, log_var = model.predict_rows(torch.cat([self.obs, action], -1), member, self.running)
        outcome = torch.addcmul(mean, log_var.mul(0.5).exp_(), noise)
        next_obs = outcome[..., -self.obs.shape[-1] :] + self.obs
        reward = outcome[..., :1] if rewards is None else rewards(self.obs, action, next_obs)[..., None]
        terminal = terminates(self.obs, action, next_obs)
        rows = torch.cat([self.obs, action, next_obs, reward, terminal[..., None].to(reward.dtype)], -1)
        before = self.running
        self.obs, self.running, self.length = next_obs, before & ~terminal, self.length + 1
        return rows, before

    def state_dict(self) -> dict[str, Any]:
        return {"obs": self.obs.clone(), "running": self.running.clone(), "length": self.length}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> BranchedRollouts:
        """Rollouts that continue where `state_dict` was taken."""
        one = cls(state["obs"].clone())
        one.running, one.length = state["running"].clone(), state["length"]
        return one
