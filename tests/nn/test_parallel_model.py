"""The parallel model against torch's own derivatives, and what it learns."""

from __future__ import annotations

import pytest
import torch
from svg_world import A, D, S, model, places, statistics
from torch.func import jacrev

from svgbench.memory.statistics import StateStatistics
from svgbench.models import per_dimension as parallel_model
from svgbench.nn.streams import Streams

every_depth = pytest.mark.parametrize("hidden", [(5,), (5, 4), (4, 5, 3)])


@pytest.fixture(params=[10**9, 90], ids=["whole", "pieces"])
def _pieces(request, monkeypatch):
    monkeypatch.setattr(parallel_model, "PIECE", request.param)


@every_depth
@pytest.mark.usefixtures("_pieces")
def test_jacobians_are_those_of_autograd(hidden):
    one, (s, a) = model(hidden=hidden), places(7)

    def next_state(s, a):
        return s + one.mean_change(s, a)

    f_s, f_a = one.jacobians(s, a)
    by_s, by_a = jacrev(next_state, argnums=(0, 1))(s, a)  # [S, B, D, S, B, in]
    for i in range(S):
        for b in range(7):
            torch.testing.assert_close(f_s[i, b], by_s[i, b, :, i, b], rtol=1e-11, atol=1e-12)
            torch.testing.assert_close(f_a[i, b], by_a[i, b, :, i, b], rtol=1e-11, atol=1e-12)
    assert (f_s - torch.eye(D)).abs().max() > 1e-3
    v = torch.randn(S, 7, D, dtype=torch.float64)
    for pulled, J in zip(one.pull_back(s, a, v), (f_s, f_a), strict=True):
        torch.testing.assert_close(pulled, (v.unsqueeze(-2) @ J).squeeze(-2), rtol=1e-11, atol=1e-12)


@every_depth
def test_a_step_descends_the_squared_error(hidden):
    one, (s, a) = model(hidden=hidden), places(8)
    change = torch.randn(S, 8, D, dtype=torch.float64)
    leaves = one.adam.parameters
    for p in leaves:
        p.requires_grad_(True)
    weights, biases = one.weights, one.biases
    one.weights, one.biases = leaves[::2], leaves[1::2]
    off = one.statistics.normalise_change(one.mean_change(s, a)) - one.statistics.normalise_change(change)
    expected = torch.autograd.grad(0.5 * off.square().mean(1).sum(), leaves)
    one.weights, one.biases = weights, biases
    residual = one.fit(s, a, change, 8, None)
    for p, grad in zip(leaves, expected, strict=True):
        torch.testing.assert_close(p.grad, grad, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(residual, off.detach().square().mean(1), rtol=1e-10, atol=1e-12)


def data(n, dtype=torch.float64):
    """s, a and changes of a linear system with noise of deviation 0.05; the last state is a clock."""
    draw = Streams([4, 9], "data")
    s, a = draw.normal((n, D), torch.float64), draw.normal((n, A), torch.float64)
    noise = 0.05 * draw.normal((n, D), torch.float64)
    change = 0.3 * s.roll(1, -1) + 0.5 * a[..., :1] + noise
    change[..., -1] = 0.01
    return [x.to(dtype) for x in (s, a, change)]


def test_it_learns_the_mean_and_its_error_tells():
    s, a, change = data(4000)
    known = StateStatistics(S, D, A, torch.float64, "cpu")
    one = model(known, hidden=(8, 8))
    weight = torch.full((S, 4000), 1 / 4000, dtype=torch.float64)
    assert one.error(s, a, change, weight).isnan().all()
    known.add(torch.cat([s, a], -1), change, torch.ones(S, 4000, dtype=torch.bool))
    known.renew()
    before = one.error(s, a, change, weight)
    for _ in range(10):
        residual = one.fit(s, a, change, 50, None)
    noise = (0.05 / known.change_width[..., :-1]).square().mean(-1).flatten()  # what is left at best
    after = one.error(s, a, change, weight)
    assert (after < 2 * noise).all()
    assert (before > 0.5).all()
    torch.testing.assert_close(residual[:, :-1].mean(1), after, rtol=0.3, atol=0.0)


def test_what_never_changes_otherwise_is_predicted_without_error_or_slope():
    s, a, change = data(40)
    known = StateStatistics(S, D, A, torch.float64, "cpu")
    known.add(torch.cat([s, a], -1), change, torch.ones(S, 40, dtype=torch.bool))
    known.renew()
    one = model(known)
    torch.testing.assert_close(one.mean_change(s, a)[..., -1], change[..., -1], rtol=0, atol=1e-15)
    f_s, f_a = one.jacobians(s, a)
    assert torch.equal(f_s[..., -1, :], torch.eye(D, dtype=s.dtype)[-1].expand(S, 40, D))
    assert not f_a[..., -1, :].any()


def test_imagined_changes_have_the_learned_spread():
    one = model()
    one.sigma[:] = torch.tensor([0.5, 1.0, 2.0])
    s, a = places(2000)
    noise = torch.randn(S, 2000, D, dtype=torch.float64)
    off = one.sample_change(s, a, noise) - one.mean_change(s, a)
    torch.testing.assert_close(off / one.statistics.change_width, noise * one.sigma)


def test_a_seed_has_its_own_model_whatever_its_companions():
    (s, a), (s2, a2) = places(8, [9]), places(8)
    alone, both = model(seeds=[9]), model()
    torch.testing.assert_close(s2[1:], s)
    change = torch.sin(s2)
    for one, data in ((alone, (s, a, change[1:])), (both, (s2, a2, change))):
        for _ in range(50):
            one.fit(*data, 4, None)
    torch.testing.assert_close(alone.adam.flat[0], both.adam.flat[1], rtol=1e-10, atol=1e-10)
    assert not torch.equal(both.adam.flat[0], both.adam.flat[1])


def test_a_model_without_hidden_layers_is_refused():
    with pytest.raises(ValueError, match=r"hidden is \[\]"):
        model(statistics(), hidden=())
