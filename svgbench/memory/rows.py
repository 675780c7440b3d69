"""Rows of numbers for each of S seeds, the newest over the oldest: what every store of transitions is made of.

Two stores are built on it, and differ in what a seed may do: in `replay` all seeds add together and draw rows or
windows; in `database` each seed adds as many as it made. How many a seed holds decides which transition a random number
means, so one cannot stand for the other without changing what is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Int64, Shaped
from torch import Tensor

Saved = Sequence[Shaped[Tensor, "_ ..."]] | Shaped[Tensor, "S _ ..."]
"""Rows of each seed, as a list or as one tensor."""


def take(rows: Shaped[Tensor, "S capacity width"], places: Int64[Tensor, "S *axes"]) -> Shaped[Tensor, "S *axes width"]:
    """The rows at these places: each seed's own."""
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
    """Of each seed's rows the first `sizes`, in the same memory: copy before more is added."""
    return [filled(own, size) for own, size in zip(rows, sizes, strict=True)]


def refill(rows: Shaped[Tensor, "S capacity ..."], saved: Saved) -> None:
    """Put what `filled_rows` gave back in its place. Raises ValueError if it does not fit."""
    fits = [list(own.shape[1:]) == list(rows.shape[2:]) and len(own) <= rows.shape[1] for own in saved]
    if len(saved) != len(rows) or not all(fits):
        shapes = [list(own.shape) for own in saved]
        raise ValueError(f"rows have shapes {shapes}, expected {len(rows)} of at most {list(rows.shape[1:])}")
    for own, part in zip(rows, saved, strict=True):
        own[: len(part)] = part
