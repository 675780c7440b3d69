"""The GRU against torch's, seed by seed, and its state of zeros."""

from __future__ import annotations

import pytest
import torch

from svgbench.nn.recurrent import GRU
from svgbench.nn.streams import Streams


def gru(seeds=(0, 1, 2), dtype=torch.float64):
    return GRU(Streams(seeds, "test"), 5, 4, 2, dtype=dtype)


def torchs(ours, s):
    """torch.nn.GRU with the weights of seed s."""
    reference = torch.nn.GRU(5, 4, 2, dtype=torch.float64)
    with torch.no_grad():
        for layer in range(2):
            getattr(reference, f"weight_ih_l{layer}").copy_(ours.w_input[layer][s].T)
            getattr(reference, f"weight_hh_l{layer}").copy_(ours.w_hidden[layer][s].T)
            getattr(reference, f"bias_ih_l{layer}").copy_(ours.b_input[layer][s, 0])
            getattr(reference, f"bias_hh_l{layer}").copy_(ours.b_hidden[layer][s, 0])
    return reference


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("from_zero", [True, False])
def test_values_and_gradients_are_those_of_torch_seed_by_seed(steps, from_zero):
    ours, S, B = gru(), 3, 6
    x = torch.randn(S, steps, B, 5, dtype=torch.float64, requires_grad=True)
    first = [torch.randn(S, B, 4, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    weight = torch.randn(steps, B, 4, dtype=torch.float64)
    h, total = (None if from_zero else first), 0.0
    for t in range(steps):
        h = ours(x[:, t], h)
        total = total + (weight[t] * h[-1]).sum()
    total.backward()
    for s in range(S):
        reference = torchs(ours, s)
        own_x = x[s].detach().clone().requires_grad_()
        own_h = torch.stack([f[s].detach() for f in first]).requires_grad_()
        output, last = reference(own_x, None if from_zero else own_h)
        (weight * output).sum().backward()
        for layer in range(2):
            torch.testing.assert_close(h[layer][s], last[layer], rtol=1e-12, atol=1e-12)
            for mine, name in ((ours.w_input, "weight_ih"), (ours.w_hidden, "weight_hh")):
                gradient = getattr(reference, f"{name}_l{layer}").grad
                found = mine[layer].grad
                found = torch.zeros_like(gradient) if found is None else found[s].T
                torch.testing.assert_close(found, gradient, rtol=1e-10, atol=1e-12)
            for mine, name in ((ours.b_input, "bias_ih"), (ours.b_hidden, "bias_hh")):
                gradient = getattr(reference, f"{name}_l{layer}").grad
                torch.testing.assert_close(mine[layer].grad[s, 0], gradient, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(x.grad[s], own_x.grad, rtol=1e-10, atol=1e-12)
        if not from_zero:
            for layer in range(2):
                torch.testing.assert_close(first[layer].grad[s], own_h.grad[layer], rtol=1e-10, atol=1e-12)


def test_no_state_is_a_state_of_zeros():
    ours, x = gru(dtype=torch.float32), torch.randn(3, 6, 5)
    zeros = [torch.zeros(3, 6, 4) for _ in range(2)]
    for a, b in zip(ours(x), ours(x, zeros), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


def test_a_seeds_weights_do_not_depend_on_its_companions():
    alone, block = gru(seeds=[7]), gru(seeds=[3, 7])
    for p, q in zip(alone.parameters(), block.parameters(), strict=True):
        assert torch.equal(p[0], q[1])
        assert not torch.equal(q[0], q[1])
        assert q.abs().max() <= 0.5  # 1 / sqrt(hidden)


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.parametrize("shape", [(3, 6, 4), (6, 5), (3, 1, 6, 5)])
def test_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"expected \[S, B, 5\]"):
        gru()(torch.zeros(shape, dtype=torch.float64))
