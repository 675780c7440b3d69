"""Rows of numbers for each of S seeds; new rows overwrite the oldest. Every store of transitions is built on this.

The stores differ in how seeds add: in `replay` all seeds add together and draw rows or windows; in `database` each seed
adds its own number of transitions. The number that a seed holds determines which transition a random number selects. So
one store cannot replace the other without changing the draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Int64, Shaped
from torch import Tensor

Saved = Sequence[Shaped[Tensor, "_ ..."]] | Shaped[Tensor, "S _ ..."]
"""Rows of each seed, as a list or as one tensor."""


def take(rows: Shaped[Tensor, "S capacity width"], places: Int64[Tensor, "S *axes"]) -> Shaped[Tensor, "S *axes width"]:
    """Each seed's rows at its own places."""
    S, capacity, width = rows.shape
    first = torch.arange(S, device=rows.device).view(-1, *(1,) * (places.dim() - 1)) * capacity
    return rows.flatten(0, 1).index_select(0, (places + first).flatten()).view(*places.shape, width)


def filled(x: Shaped[Tensor, "capacity *axes"], size: int) -> Shaped[Tensor, "{size} *axes"]:
    """x[:size], in the same memory but with a storage of its own: `torch.save` writes whole storages."""
    part = x[:size]
    first, length = part.storage_offset() * part.element_size(), part.numel() * part.element_size()
    storage = part.untyped_storage()[first : first + length]
    return torch.empty(0, dtype=x.dtype, device=x.device).set_(storage, 0, part.shape, part.stride())


def filled_rows(rows: Shaped[Tensor, "S capacity *axes"], sizes: Sequence[int]) -> list[Shaped[Tensor, "_ *axes"]]:
    """The first `sizes` rows of each seed, in the same memory: copy them before adding more."""
    return [filled(own, size) for own, size in zip(rows, sizes, strict=True)]


def refill(rows: Shaped[Tensor, "S capacity ..."], saved: Saved) -> None:
    """Write the rows of `filled_rows` back in place. Raises ValueError if they do not fit."""
    fits = [list(own.shape[1:]) == list(rows.shape[2:]) and len(own) <= rows.shape[1] for own in saved]
    if len(saved) != len(rows) or not all(fits):
        shapes = [list(own.shape) for own in saved]
        raise ValueError(f"rows have shapes {shapes}, expected {len(rows)} of at most {list(rows.shape[1:])}")
    for own, part in zip(rows, saved, strict=True):
        own[: len(part)] = part
