"""The benchmark of NVIL: both loops do the same."""

from __future__ import annotations

import pytest
import torch

from benchmarks import nvil


def test_both_losses_and_the_steps_that_follow_are_the_same():
    ours, theirs = nvil.trainee(), nvil.trainee()
    start = ours.adam.flat.clone()
    for seed in range(3):
        for one, loss in ((ours, nvil.library_loss), (theirs, nvil.hand_loss)):
            torch.manual_seed(seed)
            nvil.step(one, loss)
    assert torch.allclose(ours.adam.flat, theirs.adam.flat, rtol=0, atol=1e-10)
    assert (ours.adam.flat - start).abs().max() > 1e-3, "and they move"


@pytest.mark.slow
def test_it_is_measured_against_the_loop_by_hand():
    (result,) = nvil.measure(repeats=3, turn=3)
    assert result.reference_value is not None
    assert result.value > 0
    assert result.ratio is not None
    assert 0.3 < result.ratio < 3, "neither loop leaves something out"
