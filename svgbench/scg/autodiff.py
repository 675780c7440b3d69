"""Derivatives of numbers and of whole batches, with respect to a tensor or the parameters of a module."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor, nn

from svgbench.scg.graph import GraphError

Value = Tensor | nn.Module

ONCE = "torch::autograd::Error"  # the mark of `once_differentiable` in the graph of a derivative

KEEP: dict[str, Any] = {"retain_graph": True, "allow_unused": True, "materialize_grads": True}

Args = ParamSpec("Args")
Result = TypeVar("Result")


def differentiably(function: Callable[Args, Result]) -> Callable[Args, Result]:
    """Call it with gradients on, whatever torch's grad mode is.

    Unlike the decorator `torch.enable_grad()`, it sets no mode where gradients are on already, as in every update.
    """

    @wraps(function)
    def call(*args: Args.args, **kwargs: Args.kwargs) -> Result:
        if torch.is_grad_enabled():
            return function(*args, **kwargs)
        with torch.enable_grad():
            return function(*args, **kwargs)

    return call


def leaves(x: Value) -> list[Tensor]:
    """The tensors by which an input is differentiated: itself, or a module's parameters that require a gradient."""
    return [p for p in x.parameters() if p.requires_grad] if isinstance(x, nn.Module) else [x]


def flat_slope(y: Tensor, x: Value, create_graph: bool = False) -> Tensor:
    """dy / dx [P] of a number y: all numbers of x in order."""
    tensors = leaves(x)
    if not y.requires_grad:
        return torch.cat([torch.zeros_like(t).flatten() for t in tensors])
    try:
        parts = torch.autograd.grad(y, tensors, create_graph=create_graph, **KEEP)
    except RuntimeError as error:
        if "second time" not in str(error):
            raise
        raise GraphError("the run went through backward() already, expected a new run, or retain_graph=True") from error
    return torch.cat([part.flatten() for part in parts])


@differentiably
def only_once(y: Tensor, x: Value) -> bool:
    """Whether a function between x and y can be differentiated once only (torch's `once_differentiable`).

    Behind it torch's second derivatives are zeros, without an error. It leaves a mark in the graph of the first
    derivative if what it is multiplied by carries a gradient, as the weights here do.
    """
    slope = flat_slope((y * torch.ones_like(y, requires_grad=True)).sum(), x, create_graph=True)
    ahead, seen = [slope.grad_fn], set()
    while ahead:
        step = ahead.pop()
        if step is None or step in seen:
            continue
        if step.name() == ONCE:
            return True
        seen.add(step)
        ahead.extend(before for before, _ in step.next_functions)
    return False


def shaped(flat: Tensor, x: Value) -> Tensor:
    """flat [..., P] as [..., *x.shape]; unchanged for a module."""
    return flat.view((*flat.shape[:-1], *x.shape)) if isinstance(x, Tensor) else flat


@differentiably
def per_sample(y: Tensor, x: Value) -> Tensor:
    """dy_i / dx [n, *x.shape] of y [n]; of a module [n, P].

    y is differentiated twice: a vector-Jacobian product is linear in the vector, so its derivative along one number of
    x has that column for all samples. Where x has more numbers than there are samples, it goes sample by sample; and
    where the columns do not add up to the first derivative: a function is in between that is differentiated once only.
    """
    P, n = sum(t.numel() for t in leaves(x)), len(y)
    if n < P:
        return _one_by_one(y, x)
    v = torch.ones_like(y, requires_grad=True)
    product = flat_slope(y @ v, x, create_graph=True)  # as an argument, v would have torch import sympy for seconds
    if not product.requires_grad:
        return _one_by_one(y, x) if product.any() else shaped(y.new_zeros(n, P), x)
    rows = torch.stack([torch.autograd.grad(number, v, **KEEP)[0] for number in product], -1)
    product = product.detach()
    slack = torch.finfo(product.dtype).eps ** 0.5 * (rows.abs().sum(0) + product.abs())
    return _one_by_one(y, x) if ((rows.sum(0) - product).abs() > slack).any() else shaped(rows, x)


def _one_by_one(y: Tensor, x: Value) -> Tensor:
    return shaped(torch.stack([flat_slope(one, x) for one in y]), x)


def by_rows(y: Tensor, x: Tensor) -> Tensor:
    """dy_i / dx_i [R, ...] of y [R] and x [R, ...], where y_i depends on x_i alone."""
    slope: Tensor = torch.autograd.grad(y.sum(), x, **KEEP)[0] if y.requires_grad else torch.zeros_like(x)
    return slope
