"""The surrogate objective of a batch, its constraint, and the metric between policies (Schulman 2016, 3.4 to 3.6).

    L(theta) = sum_n w_n  pi_theta(a_n | s_n) / pi_old(a_n | s_n)  A_n,      KL(theta) = sum_n w_n KL_n(old || theta)

with weights w [S, B] that sum to one for each seed (zero on padding). Everything runs over the batch in pieces, so a
million samples need no memory beyond their own. Sums of pieces are float64.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from svgbench.nn.flat_mlp import FlatMLP, Recording
from svgbench.nn.gaussian_policy import GaussianPolicy, kl
from svgbench.simulate.batch import Samples

ROWS = 4096  # rows of all seeds in a piece: the activations stay in a core's cache
KEPT = 50_000_000  # values of recorded forward passes that are kept between products


def pieces(x: Tensor) -> Iterator[slice]:
    """Slices of the second axis of x [S, B, ...]."""
    size = max(256, ROWS // len(x))
    for start in range(0, x.shape[1], size):
        yield slice(start, start + size)


class Recordings:
    """Forward passes of x [S, B, O] at theta [S, P], piece by piece. They are kept if they fit, and else repeated each
    time.
    """

    def __init__(self, net: FlatMLP, theta: Tensor, x: Tensor) -> None:
        self.net, self.theta, self.x = net, theta, x
        fits = x.shape[0] * x.shape[1] * sum(net.sizes) <= KEPT
        self.kept = list(self._made()) if fits else None

    def _made(self) -> Iterator[tuple[slice, Recording]]:
        for piece in pieces(self.x):
            yield piece, self.net.record(self.theta, self.x[:, piece])

    def __iter__(self) -> Iterator[tuple[slice, Recording]]:
        return self._made() if self.kept is None else iter(self.kept)


class Surrogate:
    """L and KL around theta [S, P], the parameters that acted: q = pi_old in eq. (16)."""

    def __init__(self, policy: GaussianPolicy, theta: Tensor, samples: Samples) -> None:
        self.policy, self.theta, self.samples = policy, theta, samples
        self.mean = torch.cat([policy.mean(theta, samples.x[:, piece]) for piece in pieces(samples.x)], 1)
        self.log_std = policy.log_std(theta)

    def gradient(self) -> Tensor:
        """The gradient of L at theta, float64 [S, P]: sum_n w_n A_n grad log pi(a_n | s_n)."""
        return score_sum(self.policy, self.theta, self.samples, self.samples.weight * self.samples.advantage)

    def evaluate(self, theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """At new parameters: L(theta) - L(theta_old), the mean KL and the largest KL of a state, each [S]."""
        policy, samples = self.policy, self.samples
        new_log_std = policy.log_std(theta)
        gain, mean_kl = (torch.zeros(len(theta), dtype=torch.float64, device=theta.device) for _ in range(2))
        max_kl = torch.zeros(len(theta), dtype=theta.dtype, device=theta.device)
        for piece in pieces(samples.x):
            mean, weight = self.mean[:, piece], samples.weight[:, piece]
            new_mean = policy.mean(theta, samples.x[:, piece])
            log_ratio = log_ratios(mean, self.log_std, new_mean, new_log_std, samples.action[:, piece])
            gain += (log_ratio.expm1() * samples.advantage[:, piece] * weight).sum(1)
            divergence = kl(mean, self.log_std, new_mean, new_log_std)
            mean_kl += (divergence * weight).sum(1)
            max_kl = torch.maximum(max_kl, torch.where(weight > 0, divergence, 0.0).amax(1))
        return gain, mean_kl, max_kl


def log_ratios(mean: Tensor, log_std: Tensor, new_mean: Tensor, new_log_std: Tensor, action: Tensor) -> Tensor:
    """log pi_new(action) - log pi_old(action), [...], for actions [..., A]; exactly zero where nothing has changed."""
    old, new = (action - mean) * (-log_std).exp(), (action - new_mean) * (-new_log_std).exp()
    return (0.5 * (old - new) * (old + new) + (log_std - new_log_std)).sum(-1)


def score_sum(policy: GaussianPolicy, theta: Tensor, samples: Samples, coefficient: Tensor) -> Tensor:
    """sum_n c_n grad log pi(a_n | s_n), float64 [S, P], for c = `coefficient` [S, B]."""
    total = torch.zeros(theta.shape, dtype=torch.float64, device=theta.device)
    for piece in pieces(samples.x):
        recording = policy.net.record(policy.weights(theta), samples.x[:, piece])
        by_mean, by_log_std = scores(recording.output, policy.log_std(theta), samples.action[:, piece])
        c = coefficient[:, piece, None]
        total += torch.cat([policy.net.vjp(recording, c * by_mean), (c * by_log_std).sum(1)], 1)
    return total


def scores(mean: Tensor, log_std: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
    """Derivatives of log pi(action) with respect to the mean and to log_std, each [S, B, A]."""
    inverse = (-log_std).exp()
    z = (action - mean) * inverse
    return z * inverse, z.square() - 1


class Fisher:
    """Products with the Fisher matrix of the policy at theta [S, P], averaged over x [S, B, O] with weights [S, B].

    `analytic` integrates over actions; `empirical` is the covariance of grad log pi over the actions taken.
    """

    def __init__(self, policy: GaussianPolicy, theta: Tensor, samples: Samples) -> None:
        self.policy, self.theta, self.samples = policy, theta, samples
        self.recordings = Recordings(policy.net, policy.weights(theta), samples.x)
        self._mean_score: Tensor | None = None

    def analytic(self, y: Tensor, weight: Tensor | None = None) -> Tensor:
        """J'MJ y, eq. (21), float64 [S, P]: M = 1 / std^2 for the mean, 2 for log_std.

        weight: [S, B], to replace the samples' own weights.
        """
        policy, v = self.policy, y.to(self.theta.dtype)
        weight = self.samples.weight if weight is None else weight
        precision = (-2 * policy.log_std(self.theta)).exp()
        total = torch.zeros(y.shape, dtype=torch.float64, device=y.device)
        net = total[:, : -policy.A]
        for piece, recording in self.recordings:
            u = policy.net.jvp(recording, policy.weights(v)).mul_(precision)
            net += policy.net.vjp(recording, u.mul_(weight[:, piece, None]))
        total[:, -policy.A :] = 2 * y[:, -policy.A :] * weight.double().sum(1, keepdim=True)
        return total

    def by_state(self, y: Tensor) -> Tensor:
        """y'A_n y [S, B], twice the quadratic model of each state's KL."""
        policy, v = self.policy, y.to(self.theta.dtype)
        inverse = (-policy.log_std(self.theta)).exp()
        parts = [(policy.net.jvp(r, policy.weights(v)) * inverse).square().sum(-1) for _, r in self.recordings]
        return torch.cat(parts, 1).double() + 2 * y[:, -policy.A :].square().sum(1, keepdim=True)

    def empirical(self, y: Tensor) -> Tensor:
        """Cov[grad log pi] y, float64 [S, P]: as eq. (21), with each sample's own score in place of M."""
        policy, v, weight = self.policy, y.to(self.theta.dtype), self.samples.weight
        log_std, v_log_std = policy.log_std(self.theta), policy.log_std(v)
        if self._mean_score is None:
            self._mean_score = score_sum(policy, self.theta, self.samples, weight)
        total = -self._mean_score * (self._mean_score * y).sum(1, keepdim=True)
        for piece, recording in self.recordings:
            by_mean, by_log_std = scores(recording.output, log_std, self.samples.action[:, piece])
            along = policy.net.jvp(recording, policy.weights(v)).mul_(by_mean).add_(by_log_std * v_log_std).sum(-1)
            c = (along * weight[:, piece]).unsqueeze(-1)
            total += torch.cat([policy.net.vjp(recording, c * by_mean), (c * by_log_std).sum(1)], 1)
        return total


def path_squares(
    policy: GaussianPolicy, theta: Tensor, x: Tensor, action: Tensor, advantage: Tensor, used: Tensor
) -> Tensor:
    """sum over paths of (sum_t A_t grad log pi_t)^2, divided by the number of steps: float64 [S, P].

    The diagonal of the damping in the authors' code ("fancy damping"). x [S, T, N, O], action [S, T, N, A], advantage
    and used (bool) [S, T, N]; one path per simulation.
    """
    total = torch.zeros(theta.shape, dtype=torch.float64, device=theta.device)
    coefficient = torch.where(used, advantage, 0.0)
    for n in range(x.shape[2]):
        path = Samples(x[:, :, n], action[:, :, n], advantage[:, :, n], coefficient[:, :, n])
        total += score_sum(policy, theta, path, coefficient[:, :, n]).square()
    return total / used.sum((1, 2)).unsqueeze(1)
