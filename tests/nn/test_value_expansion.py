"""Weights of value estimates of several depths, on cases done by hand."""

from __future__ import annotations

import math

import pytest
import torch

from svgbench.models.value_expansion import floored_weights, inverse_variance_weights


def test_weights_are_inverse_variances_that_sum_to_one():
    variance = torch.tensor([[[1.0, 4.0], [2.0, 4.0], [4.0, 0.5]], [[9.0, 1e-30], [9.0, 3e-30], [9.0, 1e30]]])
    expected = torch.tensor(
        [[[4 / 7, 1 / 10], [2 / 7, 1 / 10], [1 / 7, 8 / 10]], [[1 / 3, 3 / 4], [1 / 3, 1 / 4], [1 / 3, 0.0]]]
    )
    torch.testing.assert_close(inverse_variance_weights(variance), expected)


def test_depths_of_variance_zero_in_a_row_share_it_and_that_is_the_limit():
    variance = torch.tensor([[[0.0, 1.0, 0.0], [2.0, 2.0, 0.0], [5.0, 2.0, 3.0]]])
    found = inverse_variance_weights(variance)
    assert found[0].T.tolist() == [[1, 0, 0], [0.5, 0.25, 0.25], [0.5, 0.5, 0]]
    near = inverse_variance_weights(variance.double() + 1e-12 * (variance == 0))
    torch.testing.assert_close(near, found.double(), rtol=0, atol=1e-11)


@pytest.mark.parametrize("depth", [0, 2])
def test_a_depth_without_variance_in_any_row_of_a_seed_is_refused(depth):
    variance = torch.ones(2, 3, 4)
    variance[1, depth] = 0
    with pytest.raises(ValueError, match=f"the variance at depth {depth} is 0 in every row: expected candidates that"):
        inverse_variance_weights(variance)


def test_estimates_whose_paths_have_ended_may_all_be_without_variance():
    variance, ended = torch.ones(2, 3, 4), torch.zeros(2, 3, 4, dtype=torch.bool)
    variance[1, 1:] = 0
    ended[1, 1:] = True
    found = inverse_variance_weights(variance, ended)
    assert torch.equal(found[0], torch.full((3, 4), 1 / 3))
    assert found[1].T.tolist() == [[0, 0.5, 0.5]] * 4
    ended[1, 2, 3] = False  # a path that runs has a value, which differs between candidates
    with pytest.raises(ValueError, match="the variance at depth 2 is 0 in every row: expected candidates that"):
        inverse_variance_weights(variance, ended)
    variance[1, 2, 3] = 1
    assert inverse_variance_weights(variance, ended)[1, :, 3].tolist() == [0, 1, 0]


def test_a_diverged_seed_touches_no_other():
    variance = torch.rand(3, 3, 4, generator=torch.Generator().manual_seed(0)) + 0.1
    hurt = variance.clone()
    hurt[1, :, 0] = math.nan
    hurt[1, 0, 1] = math.inf
    for weights in (inverse_variance_weights, floored_weights):
        whole, found = weights(variance), weights(hurt)
        assert torch.equal(whole[[0, 2]], found[[0, 2]])
        assert found[1, :, 0].isnan().all()
        assert found[1, 0, 1] == 0  # an infinite variance has no weight
        assert torch.equal(whole[1, :, 2:], found[1, :, 2:])
    hurt[1] = math.nan
    assert torch.equal(inverse_variance_weights(hurt)[[0, 2]], inverse_variance_weights(variance)[[0, 2]])


def test_as_coded_the_depth_without_variance_takes_all_but_the_floor_s_share():
    """At depth 0 all members have the same estimate. The other depths keep a share of 1e-8 sum(1 / variance)."""
    variance = torch.tensor([[[0.0, 0.0], [1.0, 50.0], [4.0, 0.02]]], dtype=torch.float64)
    found = floored_weights(variance)
    assert found.sum(1).tolist() == [pytest.approx([1, 1], rel=1e-14)]
    assert found[0, 1:, 0].tolist() == pytest.approx([1e-8, 0.25e-8], rel=1e-6)
    assert (1 - found[0, 0]).tolist() == pytest.approx([1.25e-8, 1e-8 * (1 / 50 + 50)], rel=1e-6)
