"""Running statistics of states."""

from __future__ import annotations

import pytest
import torch
from svg_world import A, D, S

from svgbench.memory.statistics import StateStatistics

ALL = torch.ones(S, 40, dtype=torch.bool)


def test_what_is_normalised_has_mean_zero_and_deviation_one_over_what_counts():
    known = StateStatistics(S, D, A, torch.float64, "cpu")
    x, change = 3 + 2 * torch.randn(S, 40, D + A).double(), 0.1 * torch.randn(S, 40, D).double()
    valid = ALL.clone()
    valid[1, 30:] = False
    x[1, 30:] = torch.nan
    known.add(x, change, valid)
    known.renew()
    for scaled in (known.normalise(x)[1, :30], known.normalise_change(change)[1, :30]):
        torch.testing.assert_close(scaled.mean(0), torch.zeros_like(scaled[0]), rtol=0, atol=1e-12)
        torch.testing.assert_close(scaled.std(0, correction=0), torch.ones_like(scaled[0]))
    torch.testing.assert_close(known.normalise(x[..., :D]), known.normalise(x)[..., :D], equal_nan=True)


@pytest.mark.parametrize("value", [0.0, 0.01, 7.3])
def test_constants_are_centred_and_not_blown_up(value):
    known = StateStatistics(S, D, A, torch.float32, "cpu")
    x = value + 1e-9 * value * torch.randn(S, 40, D + A, dtype=torch.float64)
    known.add(x, x[..., :D], ALL)
    known.renew()
    assert torch.equal(known.width, torch.ones_like(known.width))
    assert not known.change_width.any()
    assert not known.normalise_change(x[..., :D].float()).any()
    torch.testing.assert_close(known.mean_change, torch.full_like(known.mean_change, value))
