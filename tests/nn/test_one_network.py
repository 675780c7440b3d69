"""The model with one network for all dimensions against torch's own derivatives, and what it learns."""

from __future__ import annotations

import pytest
import torch
from svg_world import A, D, S, model, places, statistics
from test_parallel_model import data
from torch.func import jacrev

from svgbench.memory.statistics import StateStatistics
from svgbench.models import one_network
from svgbench.models.one_network import OneNetworkModel
from svgbench.nn.streams import Streams


def one_for_all(of=None, **how):
    return model(of, kind=OneNetworkModel, **how)


@pytest.mark.parametrize("hidden", [(5,), (5, 4)])
@pytest.mark.parametrize("piece", [10**9, 90])
def test_jacobians_are_those_of_autograd(hidden, piece, monkeypatch):
    monkeypatch.setattr(one_network, "PIECE", piece)
    one, (s, a) = one_for_all(hidden=hidden), places(7)

    def next_state(s, a):
        return s + one.mean_change(s, a)

    f_s, f_a = one.jacobians(s, a)
    by_s, by_a = jacrev(next_state, argnums=(0, 1))(s, a)  # [S, B, D, S, B, in]
    for i in range(S):
        for b in range(7):
            torch.testing.assert_close(f_s[i, b], by_s[i, b, :, i, b], rtol=1e-11, atol=1e-12)
            torch.testing.assert_close(f_a[i, b], by_a[i, b, :, i, b], rtol=1e-11, atol=1e-12)
    v = torch.randn(S, 7, D, dtype=torch.float64)
    for pulled, J in zip(one.pull_back(s, a, v), (f_s, f_a), strict=True):
        torch.testing.assert_close(pulled, (v.unsqueeze(-2) @ J).squeeze(-2), rtol=1e-11, atol=1e-12)


def test_a_step_descends_the_squared_error():
    one, (s, a) = one_for_all(), places(8)
    change = torch.randn(S, 8, D, dtype=torch.float64)
    theta = one.adam.flat.clone().requires_grad_(True)
    x = one.statistics.normalise(torch.cat([s, a], -1))
    off = one.net(theta, x) - one.statistics.normalise_change(change)
    (expected,) = torch.autograd.grad(0.5 * off.square().mean(1).sum(), theta)
    residual = one.fit(s, a, change, 8, None)
    torch.testing.assert_close(one.adam.grad, expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(residual, off.detach().square().mean(1), rtol=1e-10, atol=1e-12)


def test_it_learns_and_its_error_tells():
    s, a, change = data(4000)
    known = StateStatistics(S, D, A, torch.float64, "cpu")
    one = one_for_all(known, hidden=(16, 16))
    weight = torch.full((S, 4000), 1 / 4000, dtype=torch.float64)
    known.add(torch.cat([s, a], -1), change, torch.ones(S, 4000, dtype=torch.bool))
    known.renew()
    assert (one.error(s, a, change, weight) > 0.5).all()
    for _ in range(10):
        one.fit(s, a, change, 50, None)
    noise = (0.05 / known.change_width[..., :-1]).square().mean(-1).flatten()  # what is left at best
    assert (one.error(s, a, change, weight) < 2 * noise).all()


def test_weights_begin_as_those_of_a_linear_layer_and_differ_between_seeds():
    one = OneNetworkModel(Streams([1, 2], "model"), statistics(), (400,), 1e-2, torch.float64, "cpu")
    (weight, bias), (last, _) = one.net.layers(one.adam.flat)
    for values, n_in in ((weight, D + A), (bias, D + A), (last, 400)):
        assert values.abs().max() <= n_in**-0.5
        assert values.std() == pytest.approx((3 * n_in) ** -0.5, rel=0.1)
    assert not torch.equal(weight[0], weight[1])


def test_a_model_without_hidden_layers_is_refused():
    with pytest.raises(ValueError, match=r"hidden is \[\]"):
        one_for_all(hidden=())
