"""The squashed Gaussian against torch.distributions, and where a naive formula breaks."""

from __future__ import annotations

import pytest
import torch
from torch import distributions

from svgbench.nn.distributions import SquashedGaussian
from svgbench.nn.initialise import orthogonal_
from svgbench.nn.layers import MLP
from svgbench.nn.streams import Streams

BOUNDS = (-5.0, 2.0)


def reference(raw):
    mean, s = raw.chunk(2, -1)
    log_std = -5 + 3.5 * (torch.tanh(s) + 1)
    base = distributions.Normal(mean, log_std.exp())
    squashed = distributions.TransformedDistribution(base, [distributions.TanhTransform(cache_size=1)])
    return distributions.Independent(squashed, 1), mean, log_std


def test_actions_log_densities_and_their_gradients():
    generator = torch.Generator().manual_seed(0)
    raw = torch.randn(2, 7, 6, generator=generator, dtype=torch.float64)
    noise = torch.randn(2, 7, 3, generator=generator, dtype=torch.float64)
    weight = torch.randn(2, 7, 3, generator=generator, dtype=torch.float64)
    ours, theirs = raw.clone().requires_grad_(), raw.clone().requires_grad_()
    action, log_prob = SquashedGaussian(ours, BOUNDS).sample(noise)
    distribution, mean, log_std = reference(theirs)
    expected = torch.tanh(mean + log_std.exp() * noise)
    torch.testing.assert_close(action, expected, rtol=1e-12, atol=1e-12)
    # the density at a fixed action is another function of the parameters: differentiate through the sample
    v = mean + log_std.exp() * noise
    inside = distributions.Normal(mean, log_std.exp()).log_prob(v) - torch.log1p(-torch.tanh(v).square())
    torch.testing.assert_close(log_prob, inside.sum(-1), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(log_prob.detach(), distribution.log_prob(expected.detach()), rtol=1e-7, atol=1e-7)
    ((weight * action).sum() + log_prob.sum()).backward()
    ((weight * expected).sum() + inside.sum()).backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-8, atol=1e-8)


def test_the_density_integrates_to_one():
    raw = torch.tensor([[0.4, -0.2]], dtype=torch.float64)
    noise = torch.linspace(-9, 9, 200_001, dtype=torch.float64)[:, None]
    policy = SquashedGaussian(raw.expand(len(noise), 2), BOUNDS)
    action, log_prob = policy.sample(noise)
    assert torch.trapezoid(log_prob.exp(), action[:, 0]).item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("mean", [-40.0, 40.0])
def test_saturated_actions_have_finite_densities_and_gradients(mean):
    raw = torch.tensor([[mean, 10.0]], requires_grad=True)  # float32: 1 - tanh(40)^2 is zero
    action, log_prob = SquashedGaussian(raw, BOUNDS).sample(torch.tensor([[0.1]]))
    # log(1 - tanh(v)^2) = 2 log 2 - 2 |v| far out, and v = mean + e^2 / 10
    v = mean + 0.1 * 7.38905609893065
    exact = -0.005 - 2 - 0.9189385332 - (2 * 0.69314718056 - 2 * abs(v))
    assert log_prob.item() == pytest.approx(exact, rel=1e-5)
    (log_prob + action).sum().backward()
    assert raw.grad.isfinite().all()
    assert raw.grad[0, 0].item() == pytest.approx(2 * mean / abs(mean))


def test_log_std_stays_within_its_bounds_and_the_mode_is_the_squashed_mean():
    policy = SquashedGaussian(torch.tensor([[0.3, -0.7, -1e6, 1e6]]), BOUNDS)
    assert policy.log_std.tolist() == [[-5.0, 2.0]]
    torch.testing.assert_close(policy.mode, torch.tanh(torch.tensor([[0.3, -0.7]])))


@pytest.mark.parametrize("members", [None, 2])
def test_orthogonal_layers_have_orthonormal_rows_or_columns_and_no_bias(members):
    net = MLP(Streams([0, 1], "a"), (3, 8, 5, 1), "relu", ensemble=members, dtype=torch.float64)
    orthogonal_(net, Streams([0, 1], "b"))
    for layer in net.layers:
        W = layer.weight if layer.in_features < layer.out_features else layer.weight.mT
        eye = torch.eye(W.shape[-2], dtype=W.dtype)
        torch.testing.assert_close(W @ W.mT, eye.expand(*W.shape[:-2], -1, -1), rtol=1e-12, atol=1e-12)
        assert not layer.bias.any()
        assert not torch.equal(layer.weight[0], layer.weight[1])


def test_orthogonal_signs_are_not_fixed_by_the_decomposition():
    net = MLP(Streams(list(range(40)), "a"), (1, 1), "relu", dtype=torch.float64)
    orthogonal_(net, Streams(list(range(40)), "b"))
    positive = (net.layers[0].weight > 0).sum().item()
    assert 5 < positive < 35  # 40 fair coins land outside in less than one of 10^6 tries
