"""Perceptrons on flat parameters against torch's own derivatives."""

from __future__ import annotations

import math

import pytest
import torch

from svgbench.nn.flat_mlp import FlatMLP
from svgbench.nn.streams import Streams

S, B = 3, 7

NETS = [((4, 2), "tanh"), ((4, 6, 5, 2), "tanh"), ((4, 6, 5, 2), "softplus")]
every_net = pytest.mark.parametrize(("sizes", "activation"), NETS)


def made(sizes, activation, dtype=torch.float64):
    net = FlatMLP(sizes, activation)
    theta = net.initial(Streams(range(S), "init"), 0.7, dtype)
    torch.manual_seed(0)
    return net, theta + 0.3 * torch.randn_like(theta), torch.randn(S, B, sizes[0], dtype=dtype)


@every_net
def test_jacobian_products_are_those_of_autograd(sizes, activation):
    net, theta, x = made(sizes, activation)
    v, u = torch.randn_like(theta), torch.randn(S, B, sizes[-1], dtype=torch.float64)
    recording = net.record(theta, x)
    output, along = torch.func.jvp(lambda t: net(t, x), (theta,), (v,))
    torch.testing.assert_close(recording.output, output, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(net.jvp(recording, v), along, rtol=1e-12, atol=1e-12)
    theta.requires_grad_(True)
    (gradient,) = torch.autograd.grad((net(theta, x) * u).sum(), theta)
    torch.testing.assert_close(net.vjp(recording, u), gradient, rtol=1e-12, atol=1e-12)


@every_net
def test_the_forward_pass_in_numpy_is_the_same(sizes, activation):
    net, theta, x = made(sizes, activation)
    y = net.forward_numpy(theta)(x.numpy())
    torch.testing.assert_close(torch.from_numpy(y), net(theta, x), rtol=1e-12, atol=1e-12)
    large = net.forward_numpy(theta)(1e4 * x.numpy())
    torch.testing.assert_close(torch.from_numpy(large), net(theta, 1e4 * x), rtol=1e-12, atol=1e-9)


def test_a_seed_has_its_own_parameters_and_initial_columns_have_their_norms():
    net = FlatMLP((4, 6, 2), "tanh")
    theta = net.initial(Streams([5, 8], "init"), 0.01)
    alone = net.initial(Streams([8], "init"), 0.01)
    assert torch.equal(theta[1:], alone)
    (w1, b1), (w2, b2) = net.layers(theta)
    torch.testing.assert_close(w1.norm(dim=1), torch.ones(2, 6))
    torch.testing.assert_close(w2.norm(dim=1), torch.full((2, 2), 0.01))
    assert not b1.any()
    assert not b2.any()
    assert net.P == theta.shape[1] == 4 * 6 + 6 + 6 * 2 + 2


def test_the_thesis_counts_its_parameters_so():
    """Table 2: 364 for the swimmer, with two deviations; section 3.8.1: six for cart-pole, with one."""
    assert FlatMLP((9, 30, 2), "tanh").P + 2 == 364
    assert FlatMLP((4, 1), "tanh").P + 1 == 6


@pytest.mark.parametrize(("sizes", "activation", "said"), [((4,), "tanh", "sizes"), ((4, 2), "relu", "activation")])
def test_what_is_no_network_is_refused(sizes, activation, said):
    with pytest.raises(ValueError, match=said):
        FlatMLP(sizes, activation)


def test_parameters_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"expected \[S, 10\]"):
        FlatMLP((4, 2), "tanh").layers(torch.zeros(1, 9))


def test_orthogonal_initial_weights():
    net = FlatMLP([3, 5, 5, 2], "tanh")
    theta = net.initial(Streams([5, 8], "init"), 0.01, torch.float64, "orthogonal")
    for (weight, bias), gain in zip(net.layers(theta), (math.sqrt(2), math.sqrt(2), 0.01), strict=True):
        square = weight @ weight.mT if weight.shape[1] < weight.shape[2] else weight.mT @ weight
        torch.testing.assert_close(square, (gain**2 * torch.eye(square.shape[1], dtype=theta.dtype)).expand_as(square))
        assert (bias == 0).all()
    with pytest.raises(ValueError, match="'xavier', expected unit or orthogonal"):
        net.initial(Streams([5], "init"), 0.01, torch.float64, "xavier")
