"""The backward recursions (9) and (10) of Heess et al. 2015 along trajectories, lines 10 to 15 of Algorithm 1.

With u_t = r_a + gamma v'_{s'} f_a, the slope of the value by the action at time t, the recursions read

    v_s     = r_s + r_a pi_s + gamma v'_{s'} (f_s + f_a pi_s)        (9)
    v_theta = u_t pi_theta + gamma v'_theta                          (10)

so v_theta at time 0 is sum_t gamma^t u_t pi_theta(s_t): one vector-Jacobian product of the policy for all times
together. The Jacobians of all times are computed in batches. Only one vector per trajectory runs backward in time, and
no autograd graph of the trajectory is kept. Real and imagined trajectories are treated alike: derivatives are taken at
the (s, a) that the trajectory passes through, and since the noise is added to the next state, they do not depend on it.

The recursion is in float64: a product of a thousand Jacobians of an unstable model leaves float32's range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from svgbench.baselines.value_gradients._policy import FixedStdPolicy
from svgbench.models.change_model import ChangeModel

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


def derivatives_at(task: Rewarding, policy: FixedStdPolicy, model: ChangeModel) -> DerivativesAt:
    """What the recursions need: slopes of the reward, Jacobians of the policy and of the model."""

    def at(s: Tensor, a: Tensor) -> Derivatives:
        return Derivatives(*reward_slopes(task, s, a), policy.jacobian(s), *model.jacobians(s, a))

    return at


def backward(at: DerivativesAt, s: Tensor, a: Tensor, valid: Tensor, v_end: Tensor, gamma: float) -> Tensor:
    """Lines 10 to 14: gamma^t u_t along N trajectories of each seed, float64 [S, T, N, A]; zero where not valid.

    s [S, T, N, O], a [S, T, N, A], valid bool [S, T, N]: true up to a trajectory's last step.
    v_end [S, T, N, O]: v'_{s'} after a trajectory's last step, zero elsewhere. In Algorithm 1 it is zero there too.
    """
    S, T, N, O = s.shape  # noqa: E741
    v = torch.zeros(S * N, 1, O, dtype=torch.float64, device=s.device)
    u_all = torch.zeros(a.shape, dtype=torch.float64, device=s.device)
    for piece in _pieces(T, S * N * O * O):
        here = [x.flatten(1, 2) for x in (s[:, piece], a[:, piece])]
        on = valid[:, piece].flatten(1, 2)
        # zero what is not valid: it may not be finite
        d = Derivatives(*(torch.where(_like(on, x), x, 0.0).double() for x in at(*here)))
        direct = d.r_s + (d.r_a.unsqueeze(-2) @ d.pi_s).squeeze(-2)
        through = d.f_s + d.f_a @ d.pi_s
        follows = torch.empty(S, direct.shape[1] // N, N, O, dtype=torch.float64, device=s.device)  # v'_{s'}
        direct_t, through_t = (_by_time(x, N) for x in (direct.unsqueeze(-2), gamma * through))
        end_t = _by_time(v_end[:, piece].flatten(1, 2).unsqueeze(-2).double(), N)
        for t in reversed(range(len(direct_t))):
            v = v + end_t[t]
            follows[:, t] = v.view(S, N, O)
            v = torch.baddbmm(direct_t[t], v, through_t[t])  # eq. (9), line 13
        u = d.r_a + gamma * (follows.flatten(1, 2).unsqueeze(-2) @ d.f_a).squeeze(-2)  # eq. (10), line 12
        u_all[:, piece] = u.view(S, -1, N, u.shape[-1])
    discount = gamma ** torch.arange(T, dtype=torch.float64, device=s.device)
    return u_all * discount[:, None, None]  # eq. (10) without the factor pi_theta


def ascend_trajectories(policy: FixedStdPolicy, s: Tensor, u: Tensor, active: Tensor | None) -> Tensor:
    """Line 15: one step up v_theta at time 0, the mean over N trajectories; its norm [S] before clipping.

    u [S, T, N, A]: of `backward`. It is scaled to at most 1 before it is rounded to the policy's type, whose range a
    product of Jacobians can leave.
    """
    u = u / s.shape[2]
    unit = u.abs().amax((1, 2, 3)).clamp(min=torch.finfo(torch.float64).tiny)
    direction = (u / unit.view(-1, 1, 1, 1)).to(s.dtype).flatten(1, 2)
    return policy.ascend(policy.record(s.flatten(1, 2)), direction, active, unit)  # eq. (10)


def _by_time(x: Tensor, N: int) -> Tensor:
    """x [S, n * N, ...] as [n, S * N, ...]."""
    return x.unflatten(1, (-1, N)).transpose(0, 1).flatten(1, 2)


def _like(mask: Tensor, x: Tensor) -> Tensor:
    return mask.view(*mask.shape, *(1,) * (x.dim() - 2))


def _pieces(T: int, numbers: int) -> Iterator[slice]:
    """Spans of time, the last first. Each holds at most `PIECE` numbers, at `numbers` a step."""
    size = max(1, PIECE // numbers)
    for stop in range(T, 0, -size):
        yield slice(max(0, stop - size), stop)
