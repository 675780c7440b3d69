"""The backward recursions (9) and (10) of Heess et al. 2015 along trajectories, from Jacobians alone.

With u_t = r_a + gamma v'_{s'} f_a, what moving the action at time t is worth, the recursions read

    v_s     = r_s + r_a pi_s + gamma v'_{s'} (f_s + f_a pi_s)        (9)
    v_theta = u_t pi_theta + gamma v'_theta                          (10)

so v_theta at time 0 is sum_t gamma^t u_t pi_theta(s_t): one vector-Jacobian product of the policy for all times
together. The Jacobians of all times come in batched passes too, and what runs backward in time is a vector per
trajectory. Nothing keeps a graph of the trajectory. It makes no difference whether a trajectory is real or imagined:
derivatives are taken at whatever (s, a) it passes through, and with noise that is added to the next state they do not
depend on that noise.

The recursion is in float64: a product of a thousand Jacobians of an unstable model leaves float32's range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

PIECE = 4_000_000  # numbers of f_s that are held at once


class Derivatives(NamedTuple):
    """At B places (s, a) of S seeds."""

    r_s: Tensor  # [S, B, O]
    r_a: Tensor  # [S, B, A]
    pi_s: Tensor  # [S, B, A, O]
    f_s: Tensor  # [S, B, O, O]
    f_a: Tensor  # [S, B, O, A]


DerivativesAt = Callable[[Tensor, Tensor], Derivatives]
"""Of states [S, B, O] and actions [S, B, A]."""


class Rewarding(Protocol):
    """A task, or what stands for one, with a reward r(s, a)."""

    def reward_function(self, s: Tensor, a: Tensor, /) -> Tensor: ...


def reward_slopes(task: Rewarding, s: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
    """r_s and r_a of `task.reward_function`, with the shapes of s and a."""
    s, a = s.detach().requires_grad_(), a.detach().requires_grad_()
    reward = task.reward_function(s, a).sum()
    r_s, r_a = torch.autograd.grad(reward, (s, a), allow_unused=True, materialize_grads=True)
    return r_s, r_a


def derivatives_at(task: Rewarding, policy: Any, model: Any) -> DerivativesAt:
    """What the recursions need of a task's reward, a policy (`jacobian`) and a model (`jacobians`)."""

    def at(s: Tensor, a: Tensor) -> Derivatives:
        return Derivatives(*reward_slopes(task, s, a), policy.jacobian(s), *model.jacobians(s, a))

    return at


def backward(at: DerivativesAt, s: Tensor, a: Tensor, valid: Tensor, tail: Tensor, gamma: float) -> Tensor:
    """gamma^t u_t along N trajectories of each seed, float64 [S, T, N, A]; zero where not valid.

    s [S, T, N, O], a [S, T, N, A], valid bool [S, T, N]: true up to a trajectory's last step.
    tail [S, T, N, O]: v'_{s'} after a trajectory's last step, zero elsewhere. Footnote 3 has it zero there too.
    """
    S, T, N, O = s.shape  # noqa: E741
    v = torch.zeros(S * N, 1, O, dtype=torch.float64, device=s.device)
    worth = torch.zeros(a.shape, dtype=torch.float64, device=s.device)
    for piece in _pieces(T, S * N * O * O):
        here = [x.flatten(1, 2) for x in (s[:, piece], a[:, piece])]
        on = valid[:, piece].flatten(1, 2)
        # of the same width for every field: what is not valid may not be finite
        d = Derivatives(*(torch.where(_like(on, x), x, 0.0).double() for x in at(*here)))
        direct = d.r_s + (d.r_a.unsqueeze(-2) @ d.pi_s).squeeze(-2)
        through = d.f_s + d.f_a @ d.pi_s
        follows = torch.empty(S, direct.shape[1] // N, N, O, dtype=torch.float64, device=s.device)  # v'_{s'}
        direct_t, through_t = (_by_time(x, N) for x in (direct.unsqueeze(-2), gamma * through))
        tail_t = _by_time(tail[:, piece].flatten(1, 2).unsqueeze(-2).double(), N)
        for t in reversed(range(len(direct_t))):
            v = v + tail_t[t]
            follows[:, t] = v.view(S, N, O)
            v = torch.baddbmm(direct_t[t], v, through_t[t])  # eq. (9), line 13
        u = d.r_a + gamma * (follows.flatten(1, 2).unsqueeze(-2) @ d.f_a).squeeze(-2)  # eq. (10), line 12
        worth[:, piece] = u.view(S, -1, N, u.shape[-1])
    discount = gamma ** torch.arange(T, dtype=torch.float64, device=s.device)
    return worth * discount[:, None, None]  # eq. (10), but for pi_theta


def _by_time(x: Tensor, N: int) -> Tensor:
    """x [S, n * N, ...] as [n, S * N, ...]."""
    return x.unflatten(1, (-1, N)).transpose(0, 1).flatten(1, 2)


def _like(mask: Tensor, x: Tensor) -> Tensor:
    return mask.view(*mask.shape, *(1,) * (x.dim() - 2))


def _pieces(T: int, numbers: int) -> Iterator[slice]:
    """Spans of time, the last first, so long that so many numbers per step stay within `PIECE`."""
    size = max(1, PIECE // numbers)
    for stop in range(T, 0, -size):
        yield slice(max(0, stop - size), stop)
