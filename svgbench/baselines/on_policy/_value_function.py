"""A network for V(s), with the products that a Gauss-Newton step needs. Parameters are flat, phi [S, P], as
`FlatMLP`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from svgbench.learners.surrogate import Recordings, pieces
from svgbench.nn.flat_mlp import FlatMLP, Recording


class ValueFunction:
    """V(x) = scale * net(x). Sums over samples take `Recordings` of the network and weights [S, B] that sum to one."""

    def __init__(self, obs_dim: int, hidden: Sequence[int], activation: str, scale: float) -> None:
        self.net, self.scale = FlatMLP([obs_dim, *hidden, 1], activation), scale

    def __call__(self, phi: Tensor, x: Tensor) -> Tensor:
        """V [S, B] of x [S, B, O]."""
        parts = [self.net(phi, x[:, piece])[..., 0] for piece in pieces(x)]
        return self.scale * torch.cat(parts, 1)

    def gradient(self, recordings: Recordings, weight: Tensor, error: Tensor) -> Tensor:
        """sum_n w_n e_n grad V(x_n), float64 [S, P]: of 1/2 sum_n w_n e_n^2 where e = V - target."""
        return self._summed(
            recordings, lambda piece, _: self.scale * (weight[:, piece] * error[:, piece]).unsqueeze(-1)
        )

    def gauss_newton(self, recordings: Recordings, weight: Tensor, y: Tensor) -> Tensor:
        """H y, float64 [S, P], with H = sum_n w_n j_n j_n', j_n = grad V(x_n): eq. (34)'s."""
        v = y.to(recordings.theta.dtype)
        return self._summed(
            recordings, lambda piece, r: self.net.jvp(r, v).mul_(self.scale**2 * weight[:, piece, None])
        )

    def _summed(self, recordings: Recordings, cotangent: Callable[[slice, Recording], Tensor]) -> Tensor:
        total = torch.zeros(recordings.theta.shape, dtype=torch.float64, device=recordings.theta.device)
        for piece, recording in recordings:
            total += self.net.vjp(recording, cotangent(piece, recording))
        return total
