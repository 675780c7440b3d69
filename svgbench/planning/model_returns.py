"""Returns of sequences of actions in a learned model: H rewards, and the value of the last state.

    sum_{t<H} gamma^t r(s_t, a_t) + gamma^H V(s_H)

Axes: S seeds, N states, n candidates, B = N * n rows, O observation, A action.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from svgbench.models.branched import Rewards, Terminates, drawn_members, predict_permuted
from svgbench.models.gaussian_ensemble import PIECE, GaussianEnsemble
from svgbench.nn.streams import Streams

Value = Callable[[Tensor, Tensor | None], Tensor]
"""Maps the last observation [S, B, O], and the action [S, B, A] there if the search plans it, to a value [S, B]."""


@dataclass(frozen=True)
class ReturnSettings:
    """How candidates are scored. Raises ValueError for a horizon below 1 or a gamma outside [0, 1].

    propagation: "member": one random member for each row and step, with noise of its standard deviation.
    "member_variance": the same, but the noise has the variance as its standard deviation, as in MAAC's code. "mean":
    the mean of all members' means, without noise (PETS and POPLIN as run for Wang et al.'s benchmark).
    assignment: how rows get their members. "permuted": the rows are shuffled and cut into equal blocks, one for each
    member (MAAC's code). "drawn": each row draws its own.
    terminal_action: the action in the last state. "policy": the policy's. "planned": the candidate's own action H + 1
    (MAAC's code).
    terminal_power: the power of gamma before the value. After H rewards it is "H"; MAAC's code has "H+1".
    """

    gamma: float
    horizon: int = 5  # H, model steps
    propagation: Literal["member", "member_variance", "mean"] = "member"
    assignment: Literal["permuted", "drawn"] = "permuted"
    terminal_action: Literal["policy", "planned"] = "policy"
    terminal_power: Literal["H", "H+1"] = "H"

    def __post_init__(self) -> None:
        if self.horizon < 1:
            raise ValueError(f"horizon is {self.horizon}, expected at least 1 model step")
        if not 0 <= self.gamma <= 1:
            raise ValueError(f"gamma is {self.gamma}, expected from 0 to 1")

    @property
    def length(self) -> int:
        """L, how many actions a candidate has."""
        return self.horizon + (self.terminal_action == "planned")

    @property
    def terminal_weight(self) -> float:
        return self.gamma ** (self.horizon + (self.terminal_power == "H+1"))


class ModelReturns:
    """Returns of candidates from given states. All candidates pass through the model together.

    model: its outputs are (reward, change of observation), or only the change if `reward` is given.
    value: the value at the end of a path. It may be called on parts of the rows.
    streams: draw members and noise.
    reward: the reward of a step; None: the model's prediction.
    terminates: the rule that ends a path, after which rewards and value are 0; None: no path ends.
    members: int64 [S, K], the members to draw from; None: all.

    Raises ValueError if `members` is given but none are drawn.
    """

    def __init__(
        self,
        settings: ReturnSettings,
        model: GaussianEnsemble,
        value: Value,
        streams: Streams,
        *,
        reward: Rewards | None = None,
        terminates: Terminates | None = None,
        members: Tensor | None = None,
    ) -> None:
        self.settings, self.model, self.value, self.streams = settings, model, value, streams
        self.reward, self.terminates = reward, terminates
        if members is not None and (settings.assignment != "drawn" or settings.propagation == "mean"):
            how = settings.propagation if settings.propagation == "mean" else settings.assignment
            raise ValueError(f"members are given, but {how!r} takes all of them; expected None, or drawn members")
        every = torch.arange(model.members, device=streams.device).expand(len(streams), -1)
        self.members = every if members is None else members

    @torch.no_grad()
    def __call__(self, obs: Tensor, actions: Tensor) -> Tensor:
        """Returns [S, N, n] of actions [S, N, n, L, A] from observations [S, N, O]."""
        c, n = self.settings, actions.shape[2]
        if actions.shape[3] != c.length:
            raise ValueError(f"candidates have {actions.shape[3]} actions, expected {c.length}")
        s = obs.repeat_interleave(n, 1)  # [S, B, O]
        steps = actions.flatten(1, 2).unbind(2)  # L of [S, B, A]
        running = torch.ones(s.shape[:2], dtype=torch.bool, device=s.device)
        total = s.new_zeros(s.shape[:2])
        for t, a in enumerate(steps[: c.horizon]):
            r, next_s = self.step(s, a, running)
            total += torch.where(running, c.gamma**t * r, 0.0)
            if self.terminates is not None:
                running = running & ~self.terminates(s, a, next_s)
            s = next_s
        last = steps[c.horizon] if c.terminal_action == "planned" else None
        total += torch.where(running, c.terminal_weight * self._values(s, last), 0.0)
        return total.view(actions.shape[:3])

    def step(self, s: Tensor, a: Tensor, running: Tensor) -> tuple[Tensor, Tensor]:
        """Reward [S, B] and next observation [S, B, O] of the running rows. Ignore those of the others."""
        outcome = self._outcome(torch.cat([s, a], -1), running)
        next_s = s + outcome[..., -s.shape[-1] :]
        return (outcome[..., 0] if self.reward is None else self.reward(s, a, next_s)), next_s

    def _outcome(self, x: Tensor, running: Tensor) -> Tensor:
        model, B, how = self.model, x.shape[1], self.settings.propagation
        if how == "mean":
            parts = x.split(PIECE, 1)
            return torch.cat(
                [model.predict_blocks(p[:, None].expand(-1, model.members, -1, -1))[0].mean(1) for p in parts], 1
            )
        odd = how == "member_variance"
        if self.settings.assignment == "permuted":
            mean, log_var = predict_permuted(model, x, self.streams, variance_as_deviation=odd)
        else:
            member = drawn_members(self.streams, self.members, B)
            mean, log_var = model.predict_rows(x, member, running, variance_as_deviation=odd)
        noise = self.streams.normal((B, model.outputs), x.dtype)
        return mean + log_var.mul(0.5).exp_() * noise

    def _values(self, s: Tensor, last: Tensor | None) -> Tensor:
        piece = max(PIECE // len(s), 1)  # small enough for the cache while it passes through all layers
        parts = s.split(piece, 1)
        actions = [None] * len(parts) if last is None else last.split(piece, 1)
        return torch.cat([self.value(x, a) for x, a in zip(parts, actions, strict=True)], 1)

    def state_dict(self) -> dict[str, Any]:
        return {"streams": self.streams.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self.streams.load_state_dict(state["streams"])
