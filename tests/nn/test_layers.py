"""The layers against torch's own, per seed and member."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from svgbench.nn import ACTIVATIONS, MLP, Adam, Linear, Streams, target_copy
from svgbench.nn.layers import SMALL

DOUBLE = torch.float64


def randn(*shape, dtype=DOUBLE):
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("out", [1, 5])
def test_linear_is_torchs_for_each_seed(bias, out):
    layer = Linear(Streams([0, 1, 2], "init"), 4, out, bias=bias, dtype=DOUBLE)
    x = randn(3, 7, 4)
    y = layer(x)
    assert y.shape == (3, 7, out)
    for s in range(3):
        b = layer.bias[s, 0] if bias else None
        assert torch.allclose(y[s], functional.linear(x[s], layer.weight[s].T, b), rtol=0, atol=1e-14)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("flattened", [True, False])
def test_linear_is_torchs_for_each_member(shared, flattened):
    layer = Linear(Streams([0, 1, 2], "init"), 4, 1, ensemble=2, dtype=DOUBLE)
    if flattened:
        Adam(layer.parameters(), 1e-3)
    x = randn(3, 7, 4) if shared else randn(3, 2, 7, 4)
    y = layer(x)
    assert y.shape == (3, 2, 7, 1)
    for s in range(3):
        for e in range(2):
            x_BO = x[s] if shared else x[s, e]
            expected = functional.linear(x_BO, layer.weight[s, e].T, layer.bias[s, e, 0])
            assert torch.allclose(y[s, e], expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("ensemble", [None, 3])
def test_initial_weights_do_not_depend_on_companions_or_dtype(ensemble):
    block = MLP(Streams([5, 6, 7], "init"), [3, 8, 2], "tanh", ensemble=ensemble)
    alone = MLP(Streams([6], "init"), [3, 8, 2], "tanh", ensemble=ensemble, dtype=DOUBLE)
    for many, one in zip(block.parameters(), alone.parameters(), strict=True):
        assert torch.equal(many[1], one[0].float())


def test_initialisation_fills_the_range_of_torchs_default():
    layer = Linear(Streams(range(2), "init"), 16, 1000)
    for p in layer.parameters():
        assert 0.99 * 0.25 < p.abs().max() <= 0.25
        assert math.isclose(p.detach().std(), 0.25 / math.sqrt(3), rel_tol=0.05)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activations_match_torch(name):
    x = randn(2, 60, 100)
    reference = {"identity": lambda x: x, "tanh": torch.tanh}.get(name) or getattr(functional, name)
    for piece in (x, x[:, :2]):
        assert torch.allclose(ACTIVATIONS[name](piece), reference(piece), rtol=0, atol=1e-15)


def test_fast_tanh_has_the_derivatives_of_tanh():
    x = randn(SMALL + 1).requires_grad_()
    y, reference = ACTIVATIONS["tanh"](x), torch.tanh(x)
    v = randn(SMALL + 1).flip(0)
    for _ in range(3):  # first, second and third derivative
        (y,) = torch.autograd.grad(y, x, v, create_graph=True)
        (reference,) = torch.autograd.grad(reference, x, v, create_graph=True)
        assert torch.allclose(y, reference, rtol=0, atol=1e-12)


def test_fast_tanh_is_as_accurate_as_its_docstring_says():
    x = torch.linspace(-20, 20, 100_001)
    x = torch.cat([x, x * 1e-3])
    error = (ACTIVATIONS["tanh"](x).double() - torch.tanh(x.double())).abs().max()
    assert error < 2e-7
    assert ACTIVATIONS["tanh"](torch.full((SMALL,), torch.inf)).eq(1).all()
    assert ACTIVATIONS["tanh"](torch.full((SMALL,), -torch.inf)).eq(-1).all()


def test_fast_tanh_works_inside_torch_func():
    x = randn(2, SMALL)
    _, slope = torch.func.jvp(ACTIVATIONS["tanh"], (x,), (torch.ones_like(x),))
    assert torch.allclose(slope, 1 - torch.tanh(x) ** 2, rtol=0, atol=1e-14)


def test_mlp_applies_its_activations_in_order():
    net = MLP(Streams([0, 1], "init"), [3, 8, 8, 2], "silu", output_activation="tanh", dtype=DOUBLE)
    x = randn(2, 5, 3)
    y = x
    for layer, f in zip(net.layers, [functional.silu, functional.silu, torch.tanh], strict=True):
        y = f(torch.matmul(y, layer.weight) + layer.bias)
    assert torch.allclose(net(x), y, rtol=0, atol=1e-14)


def test_a_target_copy_is_apart_from_its_original():
    net = MLP(Streams([0, 1], "init"), [3, 8, 1], "tanh")
    target = target_copy(net)
    x = randn(2, 5, 3, dtype=torch.float32)
    before = target(x)
    assert torch.equal(before, net(x))
    with torch.no_grad():
        for p in net.parameters():
            p.add_(1)
    assert torch.equal(target(x), before)
    assert not any(p.requires_grad for p in target.parameters())


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.parametrize("shape", [(2, 4, 3), (3, 4, 2), (3, 4), (3, 2, 4, 3)])
def test_a_wrong_input_is_refused_with_its_shape(shape):
    layer = Linear(Streams([0, 1, 2], "init"), 3, 1)
    with pytest.raises(ValueError, match=r"expected \[3, B, 3\]") as error:
        layer(torch.zeros(shape))
    assert str(list(shape)) in str(error.value)


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.parametrize("shape", [(3, 5, 4, 3), (2, 4, 3), (3, 2, 4, 2), (3, 4)])
def test_a_wrong_input_to_an_ensemble_is_refused(shape):
    layer = Linear(Streams([0, 1, 2], "init"), 3, 1, ensemble=2)
    with pytest.raises(ValueError, match=r"expected \[3, B, 3\] or \[3, 2, B, 3\]"):
        layer(torch.zeros(shape))


def test_wrong_construction_is_refused():
    streams = Streams([0], "init")
    with pytest.raises(ValueError, match="'gelu': expected one of elu"):
        MLP(streams, [1, 2, 1], "gelu")
    with pytest.raises(ValueError, match="at least an input and an output"):
        MLP(streams, [1], "tanh")
    with pytest.raises(ValueError, match="ensemble is 0"):
        Linear(streams, 1, 1, ensemble=0)
