"""The bounds of model-augmented actor-critic: Clavera et al. 2020, Lemmas 4.1 and 4.2 and Theorem 4.1.

They are computed exactly for the double integrator, on a declared box of states and actions.

The policy is u = -k s + sigma eps. A seed draws a wrong model f^(s, u) = A^ s + B^ u and a wrong critic
Q^(s, u) = -1/2 [s u]'W^[s u], each with an error of a set size. Two gradient steps are taken from the same gain k_o:

    k = k_o + alpha g        with the gradient g of the H-step objective with the true f and Q,
    k^ = k_o + alpha g^      with that of f^ and Q^.

| statement | left side | right side |
|---|---|---|
| Lemma 4.1 | 2-norm of g - g^ | eps_f c_1(H) + eps_Q c_2(H), called E |
| Lemma 4.2 | largest total variation distance of the policies k and k^ in a state of the box | alpha c_3 E |
| Theorem 4.1 | J(k) - J(k^), the return's loss against the exact step | see `reading` |

| `reading` | Lemma 4.1 | Theorem 4.1 |
|---|---|---|
| printed | the last line of appendix A.1 | 2 alpha r_max / (1 - gamma) alpha c_3 E |
| one-alpha | the last line of appendix A.1 | 2 r_max / (1 - gamma) alpha c_3 E |
| corrected | as `_pathwise.lemma` repairs it | 2 r_max / (1 - gamma)^2 alpha c_3 E |

The corrected theorem follows from J(k) - J(k^) = sum over s of rho(s) times the integral of (pi - pi^) Q^pi^, since rho
sums to 1 / (1 - gamma), since the policies differ by twice their distance, and since Q is at most r_max / (1 - gamma).

Lemma 4.2 and Theorem 4.1 need the box. As printed, over all states, they fail. In states far enough away, the policies
of any two gains are at distance 1 for every alpha, so no finite c_3 exists. And a quadratic cost has no r_max.
c_3 = (largest norm of a state) / (2 sigma) is exact here: KL = (k s - k^ s)^2 / (2 sigma^2) has no third order.
Returns include what happens outside the box; `outside` says how much time is spent there.

Expectations over the noise need no sampling. A path's gradient is quadratic in the noise, so its mean over all paths
with noise -1 or 1 at each time is the mean over normal noise; and Lemma 4.1 holds path by path, with finite constants.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import numpy as np
import torch
from scipy import special, stats
from torch import Tensor

from svgbench.baselines.actor_critic._pathwise import PathSlopes, PerTime, follow, lemma
from svgbench.learners.study import GridStudy
from svgbench.nn.streams import Streams
from svgbench.ranges import Count, Positive, Share
from svgbench.tasks.maac import linear_quadratic as lqr
from svgbench.tasks.maac.double_integrator import DoubleIntegrator

VERSION = 1

HORIZONS = (0, 1, 2, 3, 5, 8)  # 2^(H + 1) paths are followed for the longest
ROUNDING = 1e-9  # a slack is below 0 only beyond this
ALPHAS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)


class Limits(TypedDict):
    problems: Count  # wrong models and critics of a seed


@dataclass(frozen=True)
class Config:
    """The settings. Source: our choice."""

    reading: Literal["printed", "one-alpha", "corrected"] = "corrected"  # of the bounds; see above
    wrong: Literal["both", "model", "critic"] = "both"  # which functions have an error
    model_error: Share = 0.01  # spectral norm of the error of [A B]
    critic_error: Share = 0.1  # spectral norm of the error of W, as a share of W's
    position: Positive = 6.0  # half width of the box, in metres
    velocity: Positive = 3.0  # half width, in metres per second
    action: Positive = 8.0  # half width, in metres per second squared


class Bounds(GridStudy[int]):
    """A slice is a seed, with all horizons and step sizes. Raises ValueError for a policy without noise.

    D is the axis of a seed's problems.
    """

    def __init__(self, config: Config, task: DoubleIntegrator, seeds: Sequence[int], problems: int) -> None:
        if task.sigma == 0:
            raise ValueError("sigma is 0, expected a policy with noise: without it any two gains are at distance 1")
        super().__init__(seeds, [0], [problems])
        self.config, self.task, self.problems = config, task, problems
        self.f = torch.from_numpy(np.hstack([task.lq.A, task.lq.B]))  # [n, n + m]
        self.W = torch.from_numpy(lqr.action_value_matrix(task.lq, task.gain))  # [n + m, n + m]
        self.true = sign_paths(task, self.f[None], self.W[None])
        self.states = np.array([config.position, config.velocity])
        self.outside = time_outside(task, np.array([*self.states, config.action]))

    def measure(self, seed: int, draws: int, point: int) -> list[dict[str, Any]]:
        learned = sign_paths(self.task, *self.draw(seed))
        exact, estimate = self.true.gradient.mean(2)[0], learned.gradient.mean(2)  # [horizons, P], [D, horizons, P]
        error = (exact - estimate).norm(dim=-1)
        if self.config.reading == "corrected":
            gain = torch.from_numpy(self.task.gain)
            bound = lemma(self.true, learned, gain, self.task.gamma, HORIZONS).bound
        else:
            bound = printed_lemma(self.true, learned, self.task, HORIZONS)
        correlation = np.mean([stats.spearmanr(e, b).statistic for e, b in zip(error, bound, strict=True)])
        rows = []
        for h, H in enumerate(HORIZONS):
            shared = {"step": self.problems, "horizon": H, **sides("gradient", error[:, h], bound[:, h])}
            for alpha in ALPHAS:
                step = self.step(exact[h], estimate[:, h], bound[:, h], alpha)
                row = {**shared, "alpha": alpha, **step, "correlation": correlation, "outside": self.outside}
                rows.append({name: v if isinstance(v, int) else float(v) for name, v in row.items()})
        return rows

    def draw(self, seed: int) -> tuple[Tensor, Tensor]:
        """The matrices (A^ B^) [D, n, n + m] and W^ [D, n + m, n + m]. `wrong` does not change what a seed draws."""
        stream, c = Streams([seed], "learned"), self.config
        f = stream.normal((self.problems, *self.f.shape), torch.float64)[0]
        W = stream.normal((self.problems, *self.W.shape), torch.float64)[0]
        W = W + W.mT
        model = 0.0 if c.wrong == "critic" else c.model_error
        critic = 0.0 if c.wrong == "model" else c.critic_error * spectral(self.W)
        return self.f + model * f / spectral(f), self.W + critic * W / spectral(W)

    def step(self, exact: Tensor, estimate: Tensor, gradient_bound: Tensor, alpha: float) -> dict[str, Any]:
        """Both sides of Lemma 4.2 and Theorem 4.1, and the gain of both steps.

        exact [P], estimate [D, P]: the gradients. gradient_bound [D]: of their distance.
        """
        task, c, gamma, old = self.task, self.config, self.task.gamma, self.task.gain
        new = old + alpha * exact.numpy().reshape(old.shape)
        wrong = old + alpha * estimate.numpy().reshape(-1, *old.shape)
        apart = [largest_distance(new - gain, self.states, task.sigma) for gain in wrong]
        distance_bound = alpha * float(np.linalg.norm(self.states)) / (2 * task.sigma) * gradient_bound
        r_max = 0.5 * float(self.states @ task.lq.Q @ self.states + task.lq.R.item() * c.action**2)
        factor = {
            "printed": 2 * alpha * r_max / (1 - gamma),
            "one-alpha": 2 * r_max / (1 - gamma),
            "corrected": 2 * r_max / (1 - gamma) ** 2,
        }[c.reading]
        loss_bound = factor * distance_bound
        before, after = self.expected_return(old), self.expected_return(new)
        after_wrong = torch.tensor([self.expected_return(gain) for gain in wrong], dtype=torch.float64)
        return {
            **sides("distance", torch.tensor(apart, dtype=torch.float64), distance_bound),
            **sides("loss", after - after_wrong, loss_bound),
            "improvement": (after_wrong - before).mean(),
            "least_improvement": (after_wrong - before).min(),
            "exact_improvement": after - before,
            "guaranteed": (after - before - loss_bound).max(),
        }

    def expected_return(self, gain: lqr.Array) -> float:
        start = self.task.start
        return float(lqr.expected_return(self.task.lq, gain, self.task.sigma, np.outer(start, start)))


def sign_paths(task: DoubleIntegrator, f: Tensor, W: Tensor) -> PathSlopes:
    """Every path from the task's start with noise -1 or 1 at each time. The first axis, S of `PathSlopes`, is D.

    f: [D, n, n + m], W: [D, n + m, n + m].
    """
    signs = [torch.tensor([-1.0, 1.0], dtype=torch.float64)] * (HORIZONS[-1] + 1)
    noise = torch.cartesian_prod(*signs)  # (N, T)
    start = torch.from_numpy(task.start).expand(len(f), len(noise), -1)

    def dynamics(t: int, x: Tensor) -> Tensor:
        return x @ f.mT

    def critic(x: Tensor) -> Tensor:
        return -0.5 * (x @ W * x).sum(-1)

    return follow(task, dynamics, critic, start, noise.T[None, :, :, None].expand(len(f), -1, -1, -1), HORIZONS)


def printed_lemma(true: PathSlopes, learned: PathSlopes, task: DoubleIntegrator, horizons: Sequence[int]) -> Tensor:
    """eps_f c_1(H) + eps_Q c_2(H) of the last line of appendix A.1: [D, horizons].

    Constants are the smallest that the paths allow: L_f and L_Q are the largest norms of derivatives, L is
    L_f (1 + L_pi), and K >= 1 is the smallest with |grad_k x_t| <= K^t for t from 1 to H. At t = 0, where the left side
    is the norm of the state, no K can make this true.
    """
    at, gamma = PerTime.of(true, learned), task.gamma
    L_q = torch.maximum(at.q, torch.linalg.vector_norm(learned.q_slope, dim=-1).amax(2))  # [D, horizons]
    L = at.f.max() * (1 + torch.linalg.matrix_norm(torch.from_numpy(task.gain), ord=2))
    one = torch.ones_like(at.eps_q[:, :1])
    bounds = []
    for i, H in enumerate(horizons):
        t = torch.arange(H, dtype=one.dtype)
        K = torch.cat([one, at.sensitivity[:, 1 : H + 1] ** (1 / (t + 1))], 1).amax(1, keepdim=True)  # [D, 1]
        eps_f = torch.cat([0 * one, at.eps_f[:, :H]], 1).amax(1)
        rewards = L / (L - 1) * ((gamma * K * L) ** t - (gamma * K) ** t).sum(1)
        to_H = (gamma * K[:, 0]) ** H
        bounds.append(eps_f * (rewards + L_q[:, i] * (L**H - 1) / (L - 1) * to_H) + at.eps_q[:, i] * to_H)
    return torch.stack(bounds, 1)


def sides(name: str, left: Tensor, right: Tensor) -> dict[str, Tensor]:
    """Means (over D) of both sides of `left <= right`, the least slack, and the share of D that breaks the bound.

    The slack is right - left over the larger of their sizes, 0 for two zeros.
    """
    size = torch.maximum(left.abs(), right.abs())
    slack = torch.where(size > 0, (right - left) / size.clamp_min(torch.finfo(size.dtype).tiny), 0.0)
    broken = (slack < -ROUNDING).to(slack.dtype).mean()
    sizes = {name: left.mean(), f"{name}_bound": right.mean()}
    return sizes | {f"{name}_slack": slack.min(), f"{name}_broken": broken}


def largest_distance(difference: lqr.Array, states: lqr.Array, sigma: float) -> float:
    """Largest total variation distance of two gains' policies in a state with |s_i| <= states_i: in a corner."""
    apart = float(np.abs(difference[0]) @ states)
    return math.erf(apart / (2 * math.sqrt(2) * sigma))


def time_outside(task: DoubleIntegrator, box: lqr.Array) -> float:
    """An upper bound of the share of discounted time outside the box (position, velocity, action), under k_o.

    It is the sum, over the box's sides, of the normal probabilities of being beyond them.
    """
    M, noise = task.lq.A - task.lq.B @ task.gain, task.sigma**2 * task.lq.B @ task.lq.B.T
    to_x = np.vstack([np.eye(task.state_dim), -task.gain])  # state -> (state, mean action)
    mean, covariance, weight, share = task.start, np.zeros_like(noise), 1 - task.gamma, 0.0
    while weight > 1e-12:
        variance = (to_x @ covariance @ to_x.T).diagonal() + np.array([0, 0, task.sigma**2])
        x, deviation = to_x @ mean, np.sqrt(variance) + 1e-12  # at time 0 the state is known
        share += weight * float(special.ndtr((x - box) / deviation).sum() + special.ndtr((-x - box) / deviation).sum())
        mean, covariance, weight = M @ mean, M @ covariance @ M.T + noise, weight * task.gamma
    return min(share, 1.0)


def spectral(matrices: Tensor) -> Tensor:
    """The largest singular value of each matrix, [..., 1, 1]."""
    return torch.linalg.matrix_norm(matrices, ord=2, keepdim=True)


def make(
    config: Mapping[str, Any], task: DoubleIntegrator, seeds: Sequence[int], limits: Limits, device: str
) -> Bounds:
    """The learner of a block. limits: `problems` of a seed. It always runs on the CPU."""
    return Bounds(Config(**config), task, seeds, int(limits["problems"]))


def estimated_work(
    config: Mapping[str, Any], task: Mapping[str, Any], seeds: Sequence[int], limits: Mapping[str, Any]
) -> float:
    """Problems of a block."""
    return len(seeds) * int(limits["problems"])
