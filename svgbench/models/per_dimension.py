"""A learned model of the dynamics with a separate network for each dimension of the state.

Heess et al. 2015, section 5 and appendix C: two-layer sub-networks in parallel, one for each dimension, because the
dimensions have different ranges. `change_model` has the equation and how it is fitted.

Derivatives are computed by hand, without autograd. Samples lie along the last axis: the first layer of all D
sub-networks is one product, and each other layer is one batched product over S * D.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from svgbench.memory.statistics import StateStatistics
from svgbench.models.change_model import ChangeModel
from svgbench.nn.layers import ACTIVATIONS
from svgbench.nn.optim import Adam
from svgbench.nn.streams import Streams

PIECE = 2_000_000  # values of a hidden layer that are computed at once, over all seeds and dimensions


class ParallelModel(ChangeModel):
    """Models of S seeds: D sub-networks with tanh layers of `hidden` units, trained by Adam at rate `lr`.

    weights, biases: of each layer, views of the optimiser's buffer.
    """

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

        def draw(n_below: int, n: int) -> list[nn.Parameter]:
            """Weights and biases as torch.nn.Linear draws them: uniform within 1 / sqrt(in)."""
            bound = 1 / math.sqrt(n_below)
            both = streams.uniform((self.D, n, n_below + 1), -bound, bound, dtype=torch.float64)
            parts = both.to(device=device, dtype=dtype).split([n_below, 1], -1)
            return [nn.Parameter(part.contiguous()) for part in parts]

        parameters = [p for sizes in itertools.pairwise([self.n_in, *hidden, 1]) for p in draw(*sizes)]
        self.adam = Adam(parameters, lr, shape=(len(streams),))
        self.weights: list[Float[Tensor, "S D n_out n_in"]] = [p.detach() for p in parameters[::2]]
        self.biases: list[Float[Tensor, "S D n_out 1"]] = [p.detach() for p in parameters[1::2]]
        self._grads = [p.grad for p in parameters]

    def mean_change(self, s: Float[Tensor, "S B D"], a: Float[Tensor, "S B A"]) -> Float[Tensor, "S B D"]:
        """f(s, a)."""
        parts = [self._forward(x)[-1].view(len(x), self.D, -1).mT for x in self._pieces(s, a)]
        return self._denormalised(torch.cat(parts, 1))

    def jacobians(
        self, s: Float[Tensor, "S B D"], a: Float[Tensor, "S B A"]
    ) -> tuple[Float[Tensor, "S B D D"], Float[Tensor, "S B D A"]]:
        """Jacobians of the next state by s (the identity included) and by a."""
        parts = []
        for x in self._pieces(s, a):
            values = self._forward(x)
            u = self._to_first_layer(values, torch.ones_like(values[-1])).view(len(x) * self.D, self.hidden[0], -1)
            slope = torch.bmm(self.weights[0].flatten(0, 1).mT, u)  # [S * D, in, B]
            parts.append(slope.view(len(x), self.D, *slope.shape[1:]).permute(0, 3, 1, 2))
        return self._unscaled(torch.cat(parts, 1))

    def pull_back(
        self, s: Float[Tensor, "S B D"], a: Float[Tensor, "S B A"], v: Float[Tensor, "S B D"]
    ) -> tuple[Float[Tensor, "S B D"], Float[Tensor, "S B A"]]:
        """v f_s and v f_a, where v is a derivative by the next state."""
        parts, start = [], 0
        for x in self._pieces(s, a):
            S, _, B = x.shape
            u = (v[:, start : start + B] * self.statistics.change_width).mT.reshape(S * self.D, 1, B)
            u = self._to_first_layer(self._forward(x), u).view(S, -1, B)
            parts.append(torch.bmm(self.weights[0].flatten(1, 2).mT, u).mT)
            start += B
        return self._pulled(torch.cat(parts, 1), v)

    def _step(
        self, x: Float[Tensor, "S B I"], z: Float[Tensor, "S B D"], active: Bool[Tensor, "S"] | None
    ) -> Float[Tensor, "S D"]:
        S, B, _ = x.shape
        values = self._forward(x.mT)
        off = values[-1] - z.mT.reshape(values[-1].shape)  # [S * D, 1, B]
        u = off / B  # derivative of half the mean square
        for i in reversed(range(len(self.weights))):
            if i:
                slopes = [torch.bmm(u, values[i - 1].mT), u.sum(-1)]
                u = self._back(i, u, values[i - 1])
            else:
                u = u.view(S, -1, B)
                slopes = [torch.bmm(u, x), u.sum(-1)]
            for grad, slope in zip(self._grads[2 * i : 2 * i + 2], slopes, strict=True):
                assert grad is not None
                grad.copy_(slope.view(grad.shape))
        self.adam.step(active)
        return off.square().mean(-1).view(S, self.D)

    def _forward(self, x: Float[Tensor, "S I B"]) -> list[Float[Tensor, "S*{self.D} _ B"]]:
        """The values of the hidden layers, then the outputs ("S*D 1 B")."""
        tanh = ACTIVATIONS["tanh"]
        first = torch.baddbmm(self.biases[0].flatten(1, 2), self.weights[0].flatten(1, 2), x)
        values = [tanh(first).view(-1, self.hidden[0], x.shape[-1])]
        for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            y = torch.baddbmm(bias.flatten(0, 1), weight.flatten(0, 1), values[-1])
            values.append(tanh(y) if len(values) < len(self.hidden) else y)
        return values

    def _back(
        self, i: int, u: Float[Tensor, "SD n_out B"], below: Float[Tensor, "SD n_in B"]
    ) -> Float[Tensor, "SD n_in B"]:
        """Backpropagate u, a derivative by layer i's sums (before tanh), to the sums of the layer below."""
        return torch.ops.aten.tanh_backward(torch.bmm(self.weights[i].flatten(0, 1).mT, u), below)

    def _to_first_layer(
        self, values: list[Float[Tensor, "SD _ B"]], u: Float[Tensor, "SD 1 B"]
    ) -> Float[Tensor, "SD H B"]:
        for i in reversed(range(1, len(self.weights))):
            u = self._back(i, u, values[i - 1])
        return u

    def _pieces(self, s: Float[Tensor, "S B D"], a: Float[Tensor, "S B A"]) -> Iterator[Float[Tensor, "S I b"]]:
        """Normalised inputs, in pieces that bound the memory used."""
        x = self.statistics.normalise(torch.cat([s, a], -1))
        for piece in x.split(max(1, PIECE // (len(x) * self.D * max(self.hidden))), 1):
            yield piece.mT.contiguous()
