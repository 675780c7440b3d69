"""A baseline that is linear in features of the observation and of time (Duan et al. 2016), for every seed.

It is fitted by least squares, so exactly. rllab calls it LinearFeatureBaseline.
"""

from __future__ import annotations

import torch
from torch import Tensor

from svgbench.learners.surrogate import pieces
from svgbench.simulate.batch import Batch


def features(x: Tensor, elapsed: Tensor) -> Tensor:
    """Of observations [S, B, O] after that many steps of a path [S, B]: 1, x, x^2, t, t^2, t^3 in hundreds of steps."""
    t = (elapsed.to(x.dtype) / 100).unsqueeze(-1)
    x = x.clamp(-10, 10)
    return torch.cat([torch.ones_like(t), x, x.square(), t, t**2, t**3], -1)


def none_yet(S: int, obs_dim: int, device: str) -> Tensor:
    """The coefficients [S, F] of a baseline that is zero everywhere, float64."""
    return torch.zeros(S, 2 * obs_dim + 4, dtype=torch.float64, device=device)


def values(coefficients: Tensor, batch: Batch) -> Tensor:
    """The baseline at every step, [S, T, N]."""
    x, elapsed = batch.x.flatten(1, 2), batch.elapsed.flatten(1)
    b = [(features(x[:, p], elapsed[:, p]).double() @ coefficients.unsqueeze(-1))[..., 0] for p in pieces(x)]
    return torch.cat(b, 1).view(batch.reward.shape).to(batch.reward.dtype)


def fitted(batch: Batch, target: Tensor, ridge: float) -> Tensor:
    """Coefficients [S, F] that minimise the mean squared difference from target [S, T, N], plus `ridge` |c|^2."""
    x, elapsed, weight = batch.flat(batch.x), batch.flat(batch.elapsed), batch.rows[1].double()
    goal = batch.flat(target).double()
    S, F = len(x), 2 * x.shape[-1] + 4
    gram = ridge * torch.eye(F, dtype=torch.float64, device=x.device).repeat(S, 1, 1)
    moment = torch.zeros(S, F, dtype=torch.float64, device=x.device)
    for p in pieces(x):
        phi = features(x[:, p], elapsed[:, p]).double()
        weighted = (phi * weight[:, p, None]).mT
        gram += weighted @ phi
        moment += (weighted @ goal[:, p, None])[..., 0]
    solved: Tensor = torch.linalg.solve_ex(gram, moment).result
    return solved
