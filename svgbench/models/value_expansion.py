"""Weights that combine value estimates of several depths: STEVE (Buckman et al. 2018, section 3.1).

Axes: S seeds, D depths, B rows.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

AS_CODED_FLOOR = 1e-8  # iclavera/meta-mb at 233e0fb, meta_mb/algos/maac.py


def inverse_variance_weights(
    variance: Float[Tensor, "S D B"], ended: Bool[Tensor, "S D B"] | None = None
) -> Float[Tensor, "S D B"]:
    """Weights proportional to 1 / variance that sum to 1 over depths, without a floor.

    In a row where some variances are 0, these depths share all weight, which is the limit. Raises ValueError if a depth
    has variance 0 in every row of a seed: its estimates then cannot differ, and it would take all weight everywhere.

    ended: where no path of an estimate still runs, so that no value is part of it; None: nowhere. Such estimates may be
    the same for all candidates, and are not refused.
    """
    same = variance == 0
    if ended is not None:
        same = (same | ended) & ~ended.all(-1, keepdim=True)
    constant = same.all(-1).any(0)  # [D]
    if bool(constant.any()):
        depth = int(constant.nonzero()[0])
        raise ValueError(f"the variance at depth {depth} is 0 in every row: expected candidates that can differ")
    least = variance.amin(1, keepdim=True)
    share = torch.where(variance == least, 1.0, least / variance)
    return share / share.sum(1, keepdim=True)


def floored_weights(variance: Float[Tensor, "S D B"]) -> Float[Tensor, "S D B"]:
    """Weights proportional to 1 / (variance + 1e-8), as in MAAC's code. A variance of 0 takes nearly all weight."""
    share = 1 / (variance + AS_CODED_FLOOR)
    return share / share.sum(1, keepdim=True)
