"""Early stopping followed by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from svgbench.nn import EarlyStopping

INF, NAN = torch.inf, torch.nan
# Evaluation t leaves every parameter of the module at t, so the best parameters name the evaluation they are from.
LOSSES = [  # four members, patience 2, min_improvement 0.1
    [1.00, 1.00, 1.00, NAN],
    [0.50, 0.95, 2.00, NAN],
    [0.45, 0.92, 0.80, 0.1],
    [0.30, 0.10, 0.85, 0.1],
    [0.25, 0.10, 0.75, 0.1],
    [0.35, 0.10, 0.00, 0.1],
]
STOPS = [5, 2, 4, 1]  # the evaluation after which a member is no longer active
BEST = [3, 0, 2, -1]  # -1: the parameters before the first


class Weights(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.first = nn.Parameter(torch.full((*shape, 2, 3), -1.0))
        self.second = nn.Parameter(torch.full((*shape, 1, 3), -1.0))

    def fill(self, value):
        with torch.no_grad():
            for p in self.parameters():
                p.fill_(value)


@pytest.mark.parametrize("shape", [(4,), (2, 2)])
@pytest.mark.parametrize("interrupted", [False, True])
def test_follows_the_losses(shape, interrupted):
    module = Weights(*shape)
    stopping = EarlyStopping(module, shape, patience=2, min_improvement=0.1)
    for t, losses in enumerate(LOSSES):
        module.fill(t)
        active = stopping.update(torch.tensor(losses).view(shape))
        assert active.flatten().tolist() == [t < stop for stop in STOPS]
        if interrupted:
            state = stopping.state_dict()
            stopping = EarlyStopping(module, shape, patience=2, min_improvement=0.1)
            stopping.load_state_dict(state)
    stopping.restore_best_()
    for p in module.parameters():
        assert p.flatten(len(shape)).amax(-1).flatten().tolist() == BEST
        assert p.flatten(len(shape)).amin(-1).flatten().tolist() == BEST
    assert stopping.best_loss.flatten().tolist() == pytest.approx([0.3, 1.0, 0.8, INF])


def test_reset_starts_afresh():
    module = Weights(2)
    stopping = EarlyStopping(module, patience=1)
    for loss in (1.0, 2.0):
        stopping.update(torch.full((2,), loss))
    assert not stopping.active.any()
    module.fill(7)
    stopping.reset()
    assert stopping.active.all()
    module.fill(8)
    stopping.restore_best_()
    assert module.first.eq(7).all()


def test_the_default_shape_has_an_ensemble_axis_for_four_axes():
    assert EarlyStopping(Weights(2, 3), patience=1).shape == (2, 3)
    assert EarlyStopping(Weights(2), patience=1).shape == (2,)


def test_errors_name_the_value():
    with pytest.raises(ValueError, match="patience is 0"):
        EarlyStopping(Weights(2), patience=0)
    with pytest.raises(ValueError, match=r"min_improvement is -1"):
        EarlyStopping(Weights(2), patience=1, min_improvement=-1.0)
    with pytest.raises(ValueError, match=r"loss has shape \[3\], expected \[2\]"):
        EarlyStopping(Weights(2), patience=1).update(torch.zeros(3))
