"""Matrix products with a bias, in float32 or with factors rounded to bfloat16.

The precision is a property of the process, as it is in torch. torch rounds the factors of a product only if it has more
than `SMALL` multiplications over all seeds. So the product for an action in a single state may be rounded among five
seeds and not for one alone, and a seed would depend on its companions. What is small for one seed is not rounded here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

SMALL = 16**3
"""Multiplications of a product that torch leaves in float32 (ATen's `use_mkldnn_bf16_matmul`)."""
_MATMUL = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]  # made at run time
_rounds = [False]  # asking torch takes as long as a small product


def round_factors(yes: bool = True) -> None:
    """From now on, float32 products on a processor round their factors to bfloat16, or no longer do."""
    _MATMUL.fp32_precision = "bf16" if yes else "none"
    _rounds[0] = yes


def affine(bias: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """x W + b [S, B, O] of each seed. bias [S, 1 or B, O]; x [S, B, I]; weight [S, I, O].

    The gradients of small products are not covered: batches that train layers of 128 units are not small.
    """
    if _rounds[0] and x.shape[1] * weight.shape[1] * weight.shape[2] <= SMALL:
        with _not_rounded():
            return torch.baddbmm(bias, x, weight)
    return torch.baddbmm(bias, x, weight)


@contextmanager
def _not_rounded() -> Iterator[None]:
    _MATMUL.fp32_precision = "ieee"
    try:
        yield
    finally:
        _MATMUL.fp32_precision = "bf16"
