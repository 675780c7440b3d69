"""Returns of candidates in a learned model: H rewards, and the value of the last state.

    sum_{t<H} gamma^t r(s_t, a_t) + gamma^H V(s_H)

A candidate is a sequence of actions (`ModelReturns.__call__`), or anything that acts (`ModelReturns.followed`).

Axes: S seeds, N states, n candidates, P particles of a candidate, B = P * N * n rows, particle by particle,
O observation, A action.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from svgbench.models.branched import Rewards, Terminates, drawn_members, predict_permuted
from svgbench.models.gaussian_ensemble import PIECE, GaussianEnsemble
from svgbench.models.observation_view import ObservationView
from svgbench.nn.streams import Streams

Value = Callable[[Tensor, Tensor | None], Tensor]
"""Maps the last observation [S, B, O], and the action [S, B, A] there if the search plans it, to a value [S, B]."""
Acts = Callable[[int, Tensor], Tensor]
"""Maps the time and observations [S, B, O] to the candidates' actions [S, B, A]."""


def no_value(obs: Tensor, action: Tensor | None) -> Tensor:
    """The value of paths that count for their rewards alone, [S, B]."""
    return obs.new_zeros(obs.shape[:2])


@dataclass(frozen=True)
class ReturnSettings:
    """How candidates are scored. Raises ValueError for a horizon or particles below 1, or a gamma outside [0, 1].

    propagation: "member": one random member for each row and step, with noise of its standard deviation.
    "member_variance": the same, but the noise has the variance as its standard deviation, as in MAAC's code. "mean":
    the mean of all members' means, without noise (PETS and POPLIN as run for Wang et al.'s benchmark). "particles":
    each candidate has `particles` paths, and its return is their mean; each path keeps one member in all its steps,
    and equally many have each member, with noise of its standard deviation (PETS' TS-infinity).
    assignment: how rows get their members. "permuted": the rows are shuffled and cut into equal blocks, one for each
    member (MAAC's code). "drawn": each row draws its own.
    terminal_action: the action in the last state. "policy": the policy's. "planned": the candidate's own action H + 1
    (MAAC's code).
    terminal_power: the power of gamma before the value. After H rewards it is "H"; MAAC's code has "H+1".
    reward_of: the state whose reward counts in a step. "present": the one in which the action is taken. "next": the one
    that it leads to, with the same action (POPLIN's code).
    """

    gamma: float
    horizon: int = 5  # H, model steps
    propagation: Literal["member", "member_variance", "mean", "particles"] = "member"
    assignment: Literal["permuted", "drawn"] = "permuted"
    terminal_action: Literal["policy", "planned"] = "policy"
    terminal_power: Literal["H", "H+1"] = "H"
    particles: int = 1  # P, paths of a candidate; only "particles" has more than one
    reward_of: Literal["present", "next"] = "present"

    def __post_init__(self) -> None:
        if self.particles < 1 or (self.particles > 1 and self.propagation != "particles"):
            raise ValueError(
                f"particles is {self.particles} with propagation {self.propagation!r}, expected 1, or more 'particles'"
            )
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
    view: what the model sees and predicts of observations, if not the observation and its change.

    Raises ValueError if `members` is given but none are drawn, or if particles cannot be shared equally among members.
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
        view: ObservationView | None = None,
    ) -> None:
        self.settings, self.model, self.value, self.streams = settings, model, value, streams
        self.reward, self.terminates, self.view = reward, terminates, view
        takes_all = settings.propagation in ("mean", "particles")
        if settings.propagation == "particles" and settings.particles % model.members:
            raise ValueError(f"particles is {settings.particles}, expected a multiple of the {model.members} members")
        if members is not None and (settings.assignment != "drawn" or takes_all):
            how = settings.propagation if takes_all else settings.assignment
            raise ValueError(f"members are given, but {how!r} takes all of them; expected None, or drawn members")
        every = torch.arange(model.members, device=streams.device).expand(len(streams), -1)
        self.members = every if members is None else members

    @torch.no_grad()
    def __call__(self, obs: Tensor, actions: Tensor) -> Tensor:
        """Returns [S, N, n] of actions [S, N, n, L, A] from observations [S, N, O]."""
        c, n = self.settings, actions.shape[2]
        if actions.shape[3] != c.length:
            raise ValueError(f"candidates have {actions.shape[3]} actions, expected {c.length}")
        steps = self.of_particles(actions.flatten(1, 2)).unbind(2)  # L of [S, B, A]
        last = steps[c.horizon] if c.terminal_action == "planned" else None
        return self.followed(obs, n, lambda t, _: steps[t], last)

    def of_particles(self, x: Tensor) -> Tensor:
        """Repeat the candidates' rows [S, N * n, ...] for every particle: [S, B, ...]."""
        P = self.settings.particles
        return x if P == 1 else x.repeat(1, P, *(1,) * (x.dim() - 2))

    @torch.no_grad()
    def followed(self, obs: Tensor, n: int, act: Acts, last: Tensor | None = None) -> Tensor:
        """Returns [S, N, n] of n candidates for each of the observations [S, N, O].

        act: how the candidates act. last: their actions [S, B, A] in the last state, if they are planned.
        """
        c = self.settings
        s = self.of_particles(obs.repeat_interleave(n, 1))  # [S, B, O]
        running = torch.ones(s.shape[:2], dtype=torch.bool, device=s.device)
        total = s.new_zeros(s.shape[:2])
        for t in range(c.horizon):
            a = act(t, s)
            r, next_s = self.step(s, a, running)
            total += torch.where(running, c.gamma**t * r, 0.0)
            if self.terminates is not None:
                running = running & ~self.terminates(s, a, next_s)
            s = next_s
        total += torch.where(running, c.terminal_weight * self._values(s, last), 0.0)
        each = total.view(len(s), c.particles, obs.shape[1], n)
        return each[:, 0] if c.particles == 1 else each.mean(1)

    def step(self, s: Tensor, a: Tensor, running: Tensor) -> tuple[Tensor, Tensor]:
        """Reward [S, B] and next observation [S, B, O] of the running rows. Ignore those of the others."""
        seen = s if self.view is None else self.view.inputs(s)
        outcome = self._outcome(torch.cat([seen, a], -1), running)
        if self.view is None:
            next_s = s + outcome[..., -s.shape[-1] :]
        else:
            next_s = self.view.next(s, outcome[..., -self.view.outputs_dim :])
        if self.reward is None:
            return outcome[..., 0], next_s
        rewarded = s if self.settings.reward_of == "present" else next_s
        return self.reward(rewarded, a, next_s), next_s

    def _outcome(self, x: Tensor, running: Tensor) -> Tensor:
        model, B, how = self.model, x.shape[1], self.settings.propagation
        if how == "mean":
            return model.mean_of_members(x)
        if how == "particles":  # in the order of the rows, each member has P / E particles
            mean, log_var = (y.flatten(1, 2) for y in model.predict_blocks(x.unflatten(1, (model.members, -1))))
            return mean + log_var.mul(0.5).exp_() * self.streams.normal((B, model.outputs), x.dtype)
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
