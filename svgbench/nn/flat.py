"""Parameters side by side in one buffer, so that an operation on all of them is one kernel."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def members_of(parameters: Iterable[Float[Tensor, "S ..."]]) -> tuple[int, ...]:
    """The leading axes that keep members apart: (S, E) if every parameter has four axes, else (S,).

    That is the layout of `layers.Linear`. Raises ValueError if the parameters disagree, or there are none.
    """
    parameters = list(parameters)
    if not parameters:
        raise ValueError("no parameters: expected at least one")
    lead = 2 if all(p.dim() == 4 for p in parameters) else 1
    shape = tuple(parameters[0].shape[:lead])
    check_members(parameters, shape)
    return shape


def check_members(parameters: Sequence[Float[Tensor, "S ..."]], shape: tuple[int, ...]) -> None:
    """Raise ValueError unless every parameter's first axes are `shape`, and all share dtype and device."""
    if not parameters:
        raise ValueError("no parameters: expected at least one")
    first = parameters[0]
    for p in parameters:
        if tuple(p.shape[: len(shape)]) != shape:
            raise ValueError(f"a parameter has shape {list(p.shape)}, expected its first axes to be {shape}")
        if p.dtype != first.dtype or p.device != first.device:
            kinds = f"{first.dtype} on {first.device} and {p.dtype} on {p.device}"
            raise ValueError(f"parameters are mixed, {kinds}: expected one dtype and one device")


def flat_view(
    parameters: Sequence[Float[Tensor, "S ..."]], shape: tuple[int, ...]
) -> Float[Tensor, "*members P"] | None:
    """The parameters, whose first axes are `shape`, as one tensor in their memory; None if not side by side."""
    lead, first = len(shape), parameters[0]
    storage, start = first.untyped_storage().data_ptr(), first.storage_offset()
    # An axis of length 1 may have any stride.
    strides = [stride for n, stride in zip(shape, first.stride(), strict=False) if n > 1]
    offset = start
    for p in parameters:
        dense = 1
        for n, stride in zip(reversed(p.shape[lead:]), reversed(p.stride()[lead:]), strict=True):
            if n > 1 and stride != dense:
                return None
            dense *= n
        if p.storage_offset() != offset or p.untyped_storage().data_ptr() != storage:
            return None
        if [stride for n, stride in zip(shape, p.stride(), strict=False) if n > 1] != strides:
            return None
        offset += dense
    return first.detach().as_strided((*shape, offset - start), (*first.stride()[:lead], 1))


def flatten_(parameters: Sequence[Float[Tensor, "S ..."]], shape: tuple[int, ...]) -> Float[Tensor, "*members P"]:
    """Move the parameters, whose first axes are `shape`, into one buffer, as views of it; return the buffer.

    Their values, and their identity as leaves, stay. Parameters that lie side by side already are not moved.
    """
    check_members(parameters, shape)
    flat = flat_view(parameters, shape)
    if flat is not None:
        return flat
    flat = torch.cat([p.detach().flatten(len(shape)) for p in parameters], dim=-1)
    for p, view in zip(parameters, views(flat, parameters), strict=True):
        p.data = view
    return flat


def views(
    flat: Float[Tensor, "*members P"], parameters: Sequence[Float[Tensor, "S ..."]]
) -> list[Float[Tensor, "S ..."]]:
    """`flat` cut into views with the parameters' shapes."""
    lead = flat.dim() - 1
    sizes = [math.prod(p.shape[lead:]) for p in parameters]
    parts = zip(flat.split(sizes, dim=-1), parameters, strict=True)
    return [_column(part.view(p.shape)) for part, p in parts]


def _column(p: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """A matrix "... n 1" as the transpose of a row, in the same memory: its products are several times faster."""
    return p.view(*p.shape[:-2], 1, p.shape[-2]).mT if p.dim() > 2 and p.shape[-1] == 1 else p
