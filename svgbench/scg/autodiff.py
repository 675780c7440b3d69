"""Derivatives of numbers and of whole batches, with respect to a tensor or the parameters of a module."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

Value = Tensor | nn.Module

KEEP: dict[str, Any] = {"retain_graph": True, "allow_unused": True, "materialize_grads": True}


def leaves(x: Value) -> list[Tensor]:
    """The tensors with respect to which an input is differentiated: itself, or a module's parameters."""
    return list(x.parameters()) if isinstance(x, nn.Module) else [x]


def flat_slope(y: Tensor, x: Value, create_graph: bool = False) -> Tensor:
    """dy / dx [P] of a number y: all numbers of x in order."""
    tensors = leaves(x)
    if not y.requires_grad:
        return torch.cat([torch.zeros_like(t).flatten() for t in tensors])
    parts = torch.autograd.grad(y, tensors, create_graph=create_graph, **KEEP)
    return torch.cat([part.flatten() for part in parts])


def shaped(flat: Tensor, x: Value) -> Tensor:
    """flat [..., P] as [..., *x.shape]; unchanged for a module."""
    return flat.view((*flat.shape[:-1], *x.shape)) if isinstance(x, Tensor) else flat


def per_sample(y: Tensor, x: Value) -> Tensor:
    """dy_i / dx [n, *x.shape] of y [n]; of a module [n, P].

    y is differentiated twice: a vector-Jacobian product is linear in the vector, so its derivative along one number of
    x has that column for all samples. Where x has more numbers than there are samples, it goes sample by sample.
    """
    P, n = sum(t.numel() for t in leaves(x)), len(y)
    if n < P:
        return shaped(torch.stack([flat_slope(one, x) for one in y]), x)
    v = torch.ones_like(y, requires_grad=True)
    product = flat_slope(y @ v, x, create_graph=True)  # as an argument, v would have torch import sympy for seconds
    if not product.requires_grad:
        return shaped(y.new_zeros(n, P), x)
    columns = [torch.autograd.grad(number, v, **KEEP)[0] for number in product]
    return shaped(torch.stack(columns, -1), x)


def by_rows(y: Tensor, x: Tensor) -> Tensor:
    """dy_i / dx_i [R, ...] of y [R] and x [R, ...], where y_i depends on x_i alone."""
    slope: Tensor = torch.autograd.grad(y.sum(), x, **KEEP)[0] if y.requires_grad else torch.zeros_like(x)
    return slope
