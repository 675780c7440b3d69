"""A batch of paths, and which of its steps an update uses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from svgbench.nn.state import finite_rows


class Samples(NamedTuple):
    """Steps of a policy, flat.

    x [S, B, O], scaled; action [S, B, A]; advantage, weight [S, B]. A seed's weights sum to one; padding has weight
    zero.
    """

    x: Tensor
    action: Tensor
    advantage: Tensor
    weight: Tensor


@dataclass
class Batch:
    """T steps of S times N simulations.

    A simulation runs one path after another, and may be idle after its last. Where `valid` is false, rewards are zero
    and the other fields mean nothing.
    """

    x: Tensor  # [S, T, N, O], scaled observations
    action: Tensor  # [S, T, N, A], in the policy's units
    reward: Tensor  # [S, T, N]
    valid: Tensor  # bool [S, T, N]: a step was taken
    used: Tensor  # bool [S, T, N]: the step is part of the batch, not of a path's extension
    terminated: Tensor  # bool [S, T, N]
    ended: Tensor  # bool [S, T, N]: the path stops after this step, or the batch does
    elapsed: Tensor  # int32 [S, T, N]: steps of the path before this one
    final_x: Tensor  # [S, E, O]: scaled observations where paths stopped without having terminated
    final_place: Tensor  # int64 [S, E]: the step before, as t * N + n; -1 is padding
    steps: Tensor  # int64 [S]: calls of the simulator
    return_mean: Tensor  # float64 [S], undiscounted, of the paths that ended; NaN if none did
    length_mean: Tensor  # float64 [S], likewise
    reward_per_step: Tensor  # float64 [S]; see `paths.Rollouts`

    def finite(self) -> Tensor:
        """Which seeds saw finite numbers only, bool [S]."""
        return finite_rows(self.x) & finite_rows(self.reward)

    @cached_property
    def rows(self) -> tuple[Tensor | None, Tensor]:
        """Places of the used steps in T * N, and their weights: `selection` of `used`."""
        return selection(self.used, self.x.dtype)

    def flat(self, value: Tensor) -> Tensor:
        """The used steps of value [S, T, N, ...] in order of time: [S, B, ...]."""
        return picked(value.flatten(1, 2), self.rows[0])

    def samples(self, advantage: Tensor) -> Samples:
        """The used steps, weighted alike; advantage [S, T, N]."""
        return Samples(self.flat(self.x), self.flat(self.action), self.flat(advantage), self.rows[1])

    def subset(self, samples: Samples, fraction: float) -> Samples:
        """Of `samples`, every k-th step of each path, k = 1 / fraction."""
        stride = round(1 / fraction)
        if stride == 1:
            return samples
        index, weight = selection((self.flat(self.elapsed) % stride == 0) & (samples.weight > 0), self.x.dtype)
        x, action, advantage = (picked(value, index) for value in samples[:3])
        return Samples(x, action, advantage, weight)

    def tail(self, value: Tensor) -> Tensor:
        """Values [S, E] of the states in `final_x`, put where their paths stopped: [S, T, N], zero elsewhere."""
        S, T, N = self.reward.shape
        out = value.new_zeros(S, T * N + 1)
        out.scatter_(1, torch.where(self.final_place < 0, T * N, self.final_place), value)
        return out[:, :-1].view(S, T, N)


def selection(mask: Tensor, dtype: torch.dtype) -> tuple[Tensor | None, Tensor]:
    """Where mask [S, ...] is true: places, int64 [S, B], in its flattened axes (None if it is true everywhere), and
    weights [S, B].

    A seed's weights are equal and sum to one. A seed with fewer places repeats one, with weight zero.
    """
    flat = mask.flatten(1)
    count = flat.sum(1)
    B = int(count.max())
    if int(count.min()) == flat.shape[1]:
        return None, torch.full(flat.shape, 1 / B, dtype=dtype, device=flat.device)
    index = torch.zeros(len(flat), B, dtype=torch.int64, device=flat.device)
    weight = torch.zeros(len(flat), B, dtype=dtype, device=flat.device)
    for s, row in enumerate(flat):
        places = row.nonzero()[:, 0]
        n = len(places)
        if n:
            index[s, :n], index[s, n:], weight[s, :n] = places, places[0], 1 / n
    return index, weight


def picked(value: Tensor, index: Tensor | None) -> Tensor:
    """Rows of value [S, B', ...] at places [S, B]; value itself if places is None."""
    return value if index is None else torch.stack([own[places] for own, places in zip(value, index, strict=True)])
