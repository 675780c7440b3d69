"""Products whose factors are rounded to bfloat16: only on processors that have them."""

from __future__ import annotations

import pytest
import torch

from svgbench.lab import platform
from svgbench.products import SMALL, affine, round_factors

pytestmark = pytest.mark.skipif(not platform.has_bfloat16(), reason="the processor has no products in bfloat16")


@pytest.fixture(autouse=True)
def _rounded():
    round_factors()
    yield
    round_factors(False)


def made(S, B, n_in, n_out):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(S, *shape, generator=generator) for shape in ((1, n_out), (B, n_in), (n_in, n_out))]


@pytest.mark.parametrize("sizes", [(1, 512, 4), (1, 17, 128), (10, 128, 2), (1, 512, 512), (256, 128, 128)])
def test_a_product_does_not_depend_on_the_other_seeds(sizes):
    """Of the first three, torch alone rounds the factors among five seeds and not for one."""
    many = made(5, *sizes)
    alone = [affine(*(part[s : s + 1] for part in many)) for s in range(5)]
    assert torch.equal(affine(*many), torch.cat(alone))


def test_large_products_are_rounded_and_small_ones_are_not():
    for B, rounded in ((1, False), (SMALL // 512 + 1, True)):
        parts = made(1, B, 512, 1)
        exact = torch.baddbmm(*(part.double() for part in parts))
        error = float((affine(*parts) - exact).abs().max() / exact.abs().max())
        assert (error > 1e-4) == rounded
        assert error < 2e-2
