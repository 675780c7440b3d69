"""The running statistics against NumPy's over all rows at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from svgbench.nn import Normaliser


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(0, 2**31))
def test_batches_of_any_size_give_the_statistics_of_all_rows(sizes, seed):
    rng = np.random.default_rng(seed)
    # A mean far above the spread: a sum of squares minus a squared mean would lose 8 of 16 digits.
    batches = [1e4 + rng.normal(size=(2, n, 3)) * [1.0, 0.1, 10.0] for n in sizes]
    normaliser = Normaliser(2, 3)
    for batch in batches:
        normaliser.update(torch.from_numpy(batch))
    rows = np.concatenate(batches, axis=1)
    assert normaliser.count.tolist() == [sum(sizes)] * 2
    if sum(sizes):
        np.testing.assert_allclose(normaliser.mean.numpy(), rows.mean(axis=1), rtol=1e-14)
        np.testing.assert_allclose(normaliser.var.numpy(), rows.var(axis=1), rtol=1e-9, atol=1e-12)


def test_normalise_and_back():
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(3, 5, size=(2, 50, 3)))
    normaliser = Normaliser(2, 3)
    assert torch.equal(normaliser.normalise(x), x)
    normaliser.update(x)
    z = normaliser.normalise(x)
    assert torch.allclose(z.mean(1), torch.zeros(2, 3, dtype=torch.float64), atol=1e-14)
    assert torch.allclose(z.std(1, correction=0), torch.ones(2, 3, dtype=torch.float64), atol=1e-14)
    assert torch.allclose(normaliser.denormalise(z), x, rtol=0, atol=1e-13)
    assert normaliser.normalise(x.float()).dtype == torch.float32


@pytest.mark.parametrize("value", [0.0, 0.1, 2.0, -100.0])
@pytest.mark.parametrize("bounds", [{}, {"min_std": 1e-3}, {"min_std": 0.1, "max_std": 10.0}])
def test_a_feature_that_has_not_varied_is_centred_and_not_blown_up(value, bounds):
    normaliser = Normaliser(1, 2, **bounds)
    x = torch.full((1, 50, 2), value, dtype=torch.float64)
    x[..., 1] += torch.linspace(-3, 3, 50, dtype=torch.float64)
    normaliser.update(x)
    later = torch.tensor([[[value + 0.01, value]]], dtype=torch.float64)
    assert normaliser.normalise(later)[0, 0, 0].item() == pytest.approx(0.01, rel=1e-9)
    assert normaliser.std[0, 1] == pytest.approx(x[0, :, 1].std(correction=0).item())
    normaliser.update(later)  # from now on it has a deviation, within the bounds
    assert normaliser.std[0, 0] == pytest.approx(max(normaliser.var[0, 0].sqrt().item(), normaliser.min_std))


def test_a_width_of_one_is_within_the_bounds_too():
    normaliser = Normaliser(1, 1, max_std=0.5)
    normaliser.update(torch.ones(1, 3, 1))
    assert normaliser.std.item() == 0.5


def test_small_variations_are_bounded_from_below():
    normaliser = Normaliser(1, 1, min_std=1e-3)
    normaliser.update(2 + torch.tensor([[[-1e-5], [1e-5]]], dtype=torch.float64))
    assert normaliser.std.item() == 1e-3


def test_what_is_not_finite_stays_so():
    normaliser = Normaliser(1, 2)
    normaliser.update(torch.tensor([[[torch.nan, torch.inf], [1.0, 1.0]]]))
    assert not normaliser.std.isfinite().any()


def test_seeds_are_apart_and_a_state_is_exact():
    x = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(0))
    alone, block, bad = Normaliser(1, 3), Normaliser(2, 3), x.clone()
    bad[0, 0, 0] = torch.nan
    alone.update(x[1:])
    block.update(bad)
    assert torch.equal(block.var[1], alone.var[0])
    other = Normaliser(2, 3)
    other.load_state_dict(block.state_dict())
    block.update(x)
    other.update(x)
    assert torch.equal(other.mean.nan_to_num(), block.mean.nan_to_num())
    assert torch.equal(other.var.nan_to_num(), block.var.nan_to_num())


@pytest.mark.usefixtures("unchecked_shapes")
def test_errors_name_the_shape():
    normaliser = Normaliser(2, 3)
    for shape in ((1, 4, 3), (2, 4, 2), (2, 3)):
        with pytest.raises(ValueError, match=r"expected \[2, B, 3\]"):
            normaliser.update(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"mean has shape \[1, 3\], expected \[2, 3\]"):
        normaliser.load_state_dict(Normaliser(1, 3).state_dict())
