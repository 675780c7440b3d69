"""Random streams that belong to a seed: a seed's draws do not depend on the seeds that train with it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

Shape = int | Sequence[int]


class Streams:
    """One random stream for each of S seeds; every draw has S as its first axis.

    The numbers are drawn on the CPU and then moved to `device`, so that a seed has the same initial weights,
    noise and minibatches on every device and in every block. Draw in bulk: each draw is one call per seed.

    seeds: S integers, the seeds' own numbers (not their places in the block).
    name: what the stream is for ("init", "noise", "evaluation"); streams of different names are unrelated.
    device: where the draws are put.
    """

    def __init__(self, seeds: Sequence[int], name: str, device: torch.device | str = "cpu") -> None:
        if len(seeds) == 0:
            raise ValueError("seeds is empty: expected at least one seed")
        self.seeds = [int(seed) for seed in seeds]
        self.name = name
        self.device = torch.device(device)
        self._generators = [_generator(seed, name) for seed in self.seeds]

    def __len__(self) -> int:
        return len(self.seeds)

    def select(self, places: Sequence[int]) -> Streams:
        """The streams at these places of the block, shared with this object: a draw advances only them."""
        if len(places) == 0:
            raise ValueError("places is empty: expected at least one place of the block")
        chosen = Streams.__new__(Streams)
        chosen.seeds = [self.seeds[place] for place in places]
        chosen.name = self.name
        chosen.device = self.device
        chosen._generators = [self._generators[place] for place in places]
        return chosen

    def normal(self, shape: Shape, dtype: torch.dtype = torch.float32) -> Float[Tensor, "S ..."]:
        """Standard normal numbers, "S *shape". What is drawn depends on `dtype` beyond rounding."""
        out = torch.empty((len(self), *_axes(shape)), dtype=dtype)
        for row, generator in zip(out, self._generators, strict=True):
            row.normal_(generator=generator)
        return out.to(self.device)

    def uniform(
        self, shape: Shape, low: float = 0.0, high: float = 1.0, dtype: torch.dtype = torch.float32
    ) -> Float[Tensor, "S ..."]:
        """Uniform numbers in [low, high), "S *shape". Raises ValueError if low > high."""
        if low > high:
            raise ValueError(f"low {low} is above high {high}")
        out = torch.empty((len(self), *_axes(shape)), dtype=dtype)
        for row, generator in zip(out, self._generators, strict=True):
            row.uniform_(low, high, generator=generator)
        return out.to(self.device)

    def integers(self, shape: Shape, high: int | Sequence[int]) -> Int64[Tensor, "S ..."]:
        """Uniform integers in [0, high), "S *shape"; `high` is one number or one for each seed.

        Raises ValueError if a `high` is below 1 or their count is not S.
        """
        highs = [int(high)] * len(self) if isinstance(high, int) else [int(h) for h in high]
        if len(highs) != len(self):
            raise ValueError(f"high has {len(highs)} entries, expected {len(self)}, one for each seed")
        if min(highs) < 1:
            raise ValueError(f"high is {high}, expected at least 1")
        out = torch.empty((len(self), *_axes(shape)), dtype=torch.int64)
        for row, top, generator in zip(out, highs, self._generators, strict=True):
            row.random_(0, top, generator=generator)
        return out.to(self.device)

    def permutation(self, n: int) -> Int64[Tensor, "S {n}"]:
        """A permutation of 0 to n - 1 for each seed."""
        if n < 0:
            raise ValueError(f"n is {n}, expected at least 0")
        rows = [torch.randperm(n, generator=generator) for generator in self._generators]
        return torch.stack(rows).to(self.device)

    def state_dict(self) -> dict[str, UInt8[Tensor, "S bytes"]]:
        """`generators`: where each seed's stream stands."""
        return {"generators": torch.stack([generator.get_state() for generator in self._generators])}

    def load_state_dict(self, state: dict[str, UInt8[Tensor, "S bytes"]]) -> None:
        """Continue exactly where `state_dict` was taken. Raises ValueError for another number of seeds."""
        rows = state["generators"].cpu()
        if len(rows) != len(self):
            raise ValueError(f"the state of {self.name!r} holds {len(rows)} seeds, expected {len(self)}")
        for generator, row in zip(self._generators, rows, strict=True):
            generator.set_state(row.clone())


def seed_number(seed: int, name: str) -> int:
    """A generator's initial seed: a 32-bit number for each seed and name."""
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).digest()
    # torch's Mersenne Twister uses the low 32 bits of what it is given.
    return int.from_bytes(digest[:4], "big")


def _generator(seed: int, name: str) -> torch.Generator:
    return torch.Generator().manual_seed(seed_number(seed, name))


def _axes(shape: Shape) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)
