"""A learned model of the dynamics with one network for all dimensions of the state.

The alternative to `per_dimension`, which Heess et al. 2015 found better (section 5, appendix C): hidden units are
shared, and the last layer has an output for each dimension. Everything else is the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from svgbench.memory.statistics import StateStatistics
from svgbench.models.change_model import ChangeModel
from svgbench.nn import input_jacobian
from svgbench.nn.flat_mlp import FlatMLP
from svgbench.nn.optim import Adam
from svgbench.nn.streams import Streams

PIECE = 2_000_000  # values of a hidden layer, times D, that are computed at once, over all seeds


class OneNetworkModel(ChangeModel):
    """Models of S seeds: a network with tanh layers of `hidden` units and D outputs, trained by Adam at rate `lr`."""

    def __init__(
        self,
        streams: Streams,
        statistics: StateStatistics,
        hidden: Sequence[int],
        lr: float,
        dtype: torch.dtype,
        device: str,
    ) -> None:
        super().__init__(len(streams), statistics, hidden, dtype, device)
        self.net = FlatMLP([self.n_in, *hidden, self.D], "tanh")
        # as torch.nn.Linear draws them: uniform within 1 / sqrt(in)
        drawn = [
            streams.uniform((n_below + 1, n), -1 / math.sqrt(n_below), 1 / math.sqrt(n_below), dtype=torch.float64)
            for n_below, n in self.net.shapes
        ]
        initial = torch.cat([layer.flatten(1) for layer in drawn], 1).to(device=device, dtype=dtype)
        self.adam = Adam([nn.Parameter(initial)], lr)

    def mean_change(self, s: Float[Tensor, "S B D"], a: Float[Tensor, "S B A"]) -> Float[Tensor, "S B D"]:
        """f(s, a)."""
        return self._denormalised(torch.cat([self.net(self.adam.flat, x) for x in self._pieces(s, a)], 1))

    def jacobians(
        self, s: Float[Tensor, "S B D"], a: Float[Tensor, "S B A"]
    ) -> tuple[Float[Tensor, "S B D D"], Float[Tensor, "S B D A"]]:
        """Jacobians of the next state by s (the identity included) and by a."""
        recordings = (self.net.record(self.adam.flat, x) for x in self._pieces(s, a))
        return self._unscaled(torch.cat([input_jacobian.jacobian(recording) for recording in recordings], 1))

    def pull_back(
        self, s: Float[Tensor, "S B D"], a: Float[Tensor, "S B A"], v: Float[Tensor, "S B D"]
    ) -> tuple[Float[Tensor, "S B D"], Float[Tensor, "S B A"]]:
        """v f_s and v f_a, where v is a derivative by the next state."""
        parts, start = [], 0
        for x in self._pieces(s, a):
            u = v[:, start : start + x.shape[1]] * self.statistics.change_width
            parts.append(input_jacobian.pull_back(self.net.record(self.adam.flat, x), u))
            start += x.shape[1]
        return self._pulled(torch.cat(parts, 1), v)

    def _step(
        self, x: Float[Tensor, "S B I"], z: Float[Tensor, "S B D"], active: Bool[Tensor, "S"] | None
    ) -> Float[Tensor, "S D"]:
        recording = self.net.record(self.adam.flat, x)
        off = recording.output - z
        self.adam.grad.copy_(self.net.vjp(recording, off / x.shape[1]))  # of half the mean square
        self.adam.step(active)
        return off.square().mean(1)

    def _pieces(self, s: Float[Tensor, "S B D"], a: Float[Tensor, "S B A"]) -> Iterator[Float[Tensor, "S b I"]]:
        """Normalised inputs, in pieces that bound the memory used."""
        x = self.statistics.normalise(torch.cat([s, a], -1))
        return iter(x.split(max(1, PIECE // (len(x) * self.D * max(self.net.sizes[1:]))), 1))
