"""Pathwise policy gradients of H-step objectives, carried forward along paths, and Lemma 4.1's bound on their error.

Clavera et al. 2020. The objective (section 4.1) is E[sum_{t<H} gamma^t r(s_t, a_t) + gamma^H Q(s_H, a_H)] under
a linear Gaussian policy a = -k s + sigma eps. Back-propagation takes a pass for each horizon. The recursion of the
appendix, grad_k s_{t+1} = f_s grad_k s_t + f_a grad_k a_t, gives the same numbers for all horizons in one pass, and the
Jacobians that the lemma needs.

Axes: S seeds, T times 0..H_max, N paths, X = (state, action), P = entries of the gain, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

Dynamics = Callable[[int, Tensor], Tensor]
"""Maps time t and x [S, N, X] to the next state [S, N, n], with the noise of time t."""

Critic = Callable[[Tensor], Tensor]
"""Maps x [S, N, X] to the action value [S, N]."""


class LinearPolicyTask(Protocol):
    """The parts of a task that paths use: its discount, its reward, and its linear policy."""

    state_dim: int
    gamma: float

    @property
    def gain(self) -> object: ...  # array [m, n]

    def act(self, s: Tensor, noise: Tensor) -> Tensor: ...

    def reward_function(self, obs: Tensor, action: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class PathSlopes:
    """Derivatives along N paths per seed. `q_slope` and `gradient` have an entry for each requested horizon."""

    gradient: Tensor  # [S, horizons, N, P] of the objective, path by path
    sensitivity: Tensor  # [S, T, N, X, P] of x_t to the gain
    policy_slope: Tensor  # [S, T, N, m, P] of a_t to the gain at a fixed state
    f_slope: Tensor  # [S, T - 1, N, n, X]
    r_slope: Tensor  # [S, T - 1, N, X]
    q_slope: Tensor  # [S, horizons, N, X]


def follow(
    task: LinearPolicyTask, dynamics: Dynamics, critic: Critic, start: Tensor, noise: Tensor, horizons: Sequence[int]
) -> PathSlopes:
    """Paths from `start` [S, N, n] with action noise [S, T, N, m], T = max(horizons) + 1.

    Raises ValueError unless the horizons increase and the last is at least 1.
    """
    if list(horizons) != sorted(set(horizons)) or horizons[0] < 0 or horizons[-1] < 1:
        raise ValueError(f"horizons are {tuple(horizons)}, expected increasing model steps, the last at least 1")
    n = task.state_dim
    gain = torch.as_tensor(task.gain, dtype=start.dtype, device=start.device)  # [m, n]
    eye = torch.eye(gain.shape[0], dtype=start.dtype, device=start.device)
    s, s_slope = start, start.new_zeros(*start.shape, gain.numel())  # [S, N, n, P]
    total = start.new_zeros(*start.shape[:2], gain.numel())  # [S, N, P]
    out: dict[str, list[Tensor]] = {name: [] for name in PathSlopes.__dataclass_fields__}
    for t in range(max(horizons) + 1):
        direct = -torch.einsum("ij,snk->snijk", eye, s).flatten(-2)  # [S, N, m, P]: a_i = -sum_k gain_ik s_k
        x_slope = torch.cat([s_slope, direct - gain @ s_slope], dim=-2)
        x = torch.cat([s, task.act(s, noise[:, t])], dim=-1).requires_grad_()
        out["sensitivity"].append(x_slope)
        out["policy_slope"].append(direct)
        if t in horizons:
            q_slope = _slope(critic(x), x)
            out["q_slope"].append(q_slope)
            out["gradient"].append(total + task.gamma**t * torch.einsum("snx,snxp->snp", q_slope, x_slope))
        if t < max(horizons):
            r_slope = _slope(task.reward_function(x[..., :n], x[..., n:]), x)
            total = total + task.gamma**t * torch.einsum("snx,snxp->snp", r_slope, x_slope)
            s_next = dynamics(t, x)
            f_slope = torch.stack([_slope(s_next[..., i], x, keep=i < n - 1) for i in range(n)], dim=-2)
            s, s_slope = s_next.detach(), f_slope @ x_slope
            out["r_slope"].append(r_slope)
            out["f_slope"].append(f_slope)
    return PathSlopes(**{name: torch.stack(v, dim=1) for name, v in out.items()})


def _slope(y: Tensor, x: Tensor, keep: bool = False) -> Tensor:
    (slope,) = torch.autograd.grad(y.sum(), x, retain_graph=keep)
    return slope


@dataclass(frozen=True)
class Lemma:
    """Lemma 4.1 with measured constants, each the largest over a seed's paths (and times); all [S, horizons]."""

    eps_f: Tensor  # error of the model's Jacobian, spectral norm; 0 at H = 0
    eps_q: Tensor  # error of the critic's gradient at time H
    bound: Tensor  # on the 2-norm of the gradient's error


def lemma(true: PathSlopes, learned: PathSlopes, gain: Tensor, gamma: float, horizons: Sequence[int]) -> Lemma:
    """The right-hand side of Lemma 4.1 for paths that share their action noise. gain: [m, n].

    The bound holds for each path, and so for the mean. It says nothing of a seed with a derivative that is not finite.
    The appendix's bound is repaired in four places. Without these repairs, measured errors can exceed it:
    * grad_k x_t <= K^t fails at t = 0, where the left side is the norm of the state. Here it is C K^t, with the
      smallest K >= 1.
    * The reward's Lipschitz constant L_r stays. It is lost in the appendix's last equality.
    * Going from states to (state, action) costs a factor 1 + L_pi, which the appendix drops.
    * The true and the learned path visit different states. So the derivatives of the reward and of the policy differ
      along them (`eps_r`, `eps_pi`). The appendix treats both as equal.
    """
    at = PerTime.of(true, learned)
    columns = [_bound_at(at, 1 + torch.linalg.matrix_norm(gain, ord=2), gamma, i, H) for i, H in enumerate(horizons)]
    return Lemma(*(torch.stack(c, dim=1) for c in zip(*columns, strict=True)))


@dataclass(frozen=True)
class PerTime:
    """Largest norms over paths at each time, [S, T]; of what belongs to a step, [S, T - 1]. q, eps_q: [S, horizons]."""

    eps_f: Tensor
    eps_r: Tensor
    eps_pi: Tensor
    eps_q: Tensor
    f: Tensor
    r: Tensor
    q: Tensor
    sensitivity: Tensor  # of both paths

    @classmethod
    def of(cls, true: PathSlopes, learned: PathSlopes) -> PerTime:
        def vectors(x: Tensor) -> Tensor:
            return torch.linalg.vector_norm(x, dim=-1).amax(2)

        def matrices(x: Tensor) -> Tensor:
            # one seed that is not finite would make the decomposition fail for all seeds
            return torch.linalg.matrix_norm(x.nan_to_num(), ord=2).amax(2)

        return cls(
            eps_f=matrices(learned.f_slope - true.f_slope),
            eps_r=vectors(learned.r_slope - true.r_slope),
            eps_pi=matrices(learned.policy_slope - true.policy_slope),
            eps_q=vectors(learned.q_slope - true.q_slope),
            f=matrices(true.f_slope),
            r=vectors(true.r_slope),
            q=vectors(true.q_slope),
            sensitivity=torch.maximum(matrices(true.sensitivity), matrices(learned.sensitivity)),
        )


def _bound_at(at: PerTime, to_x: Tensor, gamma: float, i: int, H: int) -> tuple[Tensor, Tensor, Tensor]:
    """eps_f, eps_q and the bound, each [S], for H, the i-th horizon. to_x: 1 + L_pi."""

    def largest(x: Tensor, times: int) -> Tensor:
        return x[:, :times].amax(1) if times else x.new_zeros(len(x))

    eps_f, eps_r, eps_pi = largest(at.eps_f, H), largest(at.eps_r, H), largest(at.eps_pi, H + 1)
    L_f, L_r, L_q, eps_q = largest(at.f, H), largest(at.r, H), at.q[:, i], at.eps_q[:, i]
    C, times = at.sensitivity[:, 0], torch.arange(1, H + 1, dtype=at.q.dtype, device=at.q.device)
    K = torch.ones_like(C)
    if H:
        K = ((at.sensitivity[:, 1 : H + 1] / C[:, None]) ** (1 / times)).amax(1).clamp(min=1)

    total, apart = torch.zeros_like(C), torch.zeros_like(C)  # apart: distance of the two paths' grad_k s_t
    for t in range(H):
        x_apart = to_x * apart + eps_pi
        total = total + gamma**t * (eps_r * C * K**t + L_r * x_apart)
        apart = eps_f * C * K**t + L_f * x_apart
    total = total + gamma**H * (eps_q * C * K**H + L_q * (to_x * apart + eps_pi))
    return eps_f, eps_q, total
