"""Algorithm 4: its targets, the updates of its target network, and the derivative of the fitted value."""

from __future__ import annotations

import pytest
import torch
from svg_world import SEEDS, D, S, statistics

from svgbench.baselines.value_gradients._fitted_value import FittedValue, value_error
from svgbench.nn.streams import Streams
from svgbench.simulate.episodes import Episodes


def critic(period=4, scale=3.0, lr=1e-2, seeds=SEEDS):
    return FittedValue(
        Streams(seeds, "value"), statistics(seeds), [D, 8, 6, 1], scale, lr, period, torch.float64, "cpu"
    )


def some(n):
    draw = Streams(SEEDS, "data")
    return draw.normal((n, D), torch.float64), draw.normal(n, torch.float64), draw.uniform(n, 0, 2, torch.float64)


def test_the_slope_is_that_of_autograd():
    V, (x, _, _) = critic(), some(9)
    x.requires_grad_(True)
    (slope,) = torch.autograd.grad(V(x).sum(), x)
    torch.testing.assert_close(V.slope(x.detach()), slope, rtol=1e-11, atol=1e-12)
    assert slope.abs().min() > 0


def test_the_target_moves_after_every_period_of_updates_whatever_the_calls():
    V, counts, targets = critic(period=4), [], []

    def sample(count):
        counts.append(count)
        x, y, w = some(count)
        targets.append(V.target_value(x[:, :1]).clone())
        return x, y, w

    at = V.target.clone()
    for updates, moved in ((3, False), (3, True), (1, False), (6, True)):
        V.fit(updates, 5, sample, None)
        assert torch.equal(V.target, at) != moved
        assert torch.equal(V.target, V.theta) == (V.updates % 4 == 0)
        at = V.target.clone()
    assert counts == [15, 5, 10, 5, 5, 20, 5]
    assert V.updates == 13


def test_an_update_descends_half_the_weighted_square():
    V, (x, y, w) = critic(), some(5)
    theta = V.theta.clone().requires_grad_(True)
    value = V.scale * V.net(theta, V.statistics.normalise(x))[..., 0]
    (expected,) = torch.autograd.grad((w / 2 * (y - value).square()).mean(1).sum(), theta)
    V.fit(1, 5, lambda count: (x, y, w), None)
    torch.testing.assert_close(V.adam.grad, expected, rtol=1e-10, atol=1e-12)


def test_it_comes_to_the_value_of_a_chain_and_only_through_its_targets():
    """s in {0, 1, 2} increases by one, r = 1, gamma 1/2, the end is at 3: V = 1.75, 1.5, 1. Weight 0 means no data."""
    V = critic(period=30, scale=1.0, lr=2e-2)
    torch.manual_seed(0)

    def sample(count):
        at = torch.randint(0, 4, (S, count))
        s = torch.nn.functional.one_hot(at % 3, 3).double()
        next_s = torch.nn.functional.one_hot((at + 1) % 3, 3).double()
        y = 1 + 0.5 * (at % 3 < 2) * V.target_value(next_s)
        return s, torch.where(at < 3, y, 99.0), (at < 3).double()

    V.fit(900, 30, sample, None)
    found = V(torch.eye(3, dtype=torch.float64).expand(S, 3, 3))
    torch.testing.assert_close(found, torch.tensor([[1.75, 1.5, 1.0]] * S).double(), rtol=0, atol=0.02)


def test_its_error_is_measured_against_returns_that_go_on_behind_a_time_limit_only():
    """Two paths of r = 1, gamma 1/2: one terminates after two steps, one is cut after three where V is 4."""
    valid = torch.tensor([[1, 1], [1, 1], [0, 1]]).bool()[None]
    ended = torch.tensor([[0, 0], [1, 0], [0, 1]]).bool()[None]
    terminated = torch.tensor([[0, 0], [1, 0], [0, 0]]).bool()[None]
    r = valid.double()
    nothing = torch.zeros(1, 3, 2, 1)
    episodes = Episodes(nothing, nothing, r, nothing, nothing, valid, terminated, ended)
    returns = torch.tensor([[1.5, 1 + 0.5 + 0.25 + 0.5], [1.0, 1 + 0.5 + 1.0], [0.0, 1 + 2.0]]).double()[None]
    next_value = torch.full_like(r, 4.0)
    assert value_error(returns, next_value, episodes, 0.5).item() == pytest.approx(0.0, abs=1e-14)
    variance = returns[valid].var(correction=0)
    assert value_error(returns + 2, next_value, episodes, 0.5).item() == pytest.approx(4 / variance.item())


@pytest.mark.parametrize("how", [{"period": 0}, {"scale": 0.0}])
def test_settings_that_cannot_run_are_refused(how):
    with pytest.raises(ValueError, match="expected positive numbers"):
        critic(**how)
