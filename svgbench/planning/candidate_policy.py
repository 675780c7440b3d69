"""Small policies whose weights are candidates of a search: one network for every row (POPLIN-P).

Wang and Ba 2019, arXiv 1906.08649; WilsonWangTHU/POPLIN at edd8dba, dmbrl/misc/optimizers/policy_network/ (W_MLP in
tf_networks.py; base_policy.py). u = clip(network(x), -1, 1), with tanh in the hidden layers.

Axes: S seeds, B rows, O observation, A action, P weights of a network.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from svgbench.nn.layers import ACTIVATIONS
from svgbench.nn.streams import Streams

LAST_STD = 0.01  # norm of the initial weights of each output; 1 in hidden layers


class CandidatePolicy:
    """The networks' shape. Weights of a network are a vector: of each layer its matrix [in, out], then its biases."""

    def __init__(self, obs_dim: int, hidden: Sequence[int], action_dim: int) -> None:
        self.layers = list(itertools.pairwise((obs_dim, *hidden, action_dim)))

    @property
    def size(self) -> int:
        """P"""
        return sum((n_in + 1) * n_out for n_in, n_out in self.layers)

    def initial(self, streams: Streams, dtype: torch.dtype) -> Tensor:
        """Initial weights [S, P]: normal matrices whose columns have norm 1, in the last layer `LAST_STD`; biases 0."""
        parts = []
        for place, (n_in, n_out) in enumerate(self.layers):
            drawn = streams.normal((n_in, n_out), torch.float64)
            norm = LAST_STD if place == len(self.layers) - 1 else 1.0
            weight = drawn * norm / drawn.square().sum(1, keepdim=True).sqrt()
            parts += [weight.flatten(1), torch.zeros(len(drawn), n_out, dtype=torch.float64, device=drawn.device)]
        return torch.cat(parts, 1).to(dtype)

    def matrices(self, weights: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Matrix [..., in, out] and biases [..., 1, out] of each layer, in the memory of weights [..., P]."""
        found, start = [], 0
        for n_in, n_out in self.layers:
            middle, end = start + n_in * n_out, start + (n_in + 1) * n_out
            weight = weights[..., start:middle].unflatten(-1, (n_in, n_out))
            found.append((weight, weights[..., None, middle:end]))
            start = end
        return found

    def unclipped(self, weights: Tensor, x: Tensor) -> Tensor:
        """The networks' outputs [S, B, A]. weights [S, B, P], or [S, P] for all rows; x [S, B, O]."""
        shared = weights.dim() == 2
        h = x if shared else x.flatten(0, 1)[:, None]
        for place, (weight, bias) in enumerate(self.matrices(weights if shared else weights.flatten(0, 1))):
            h = torch.baddbmm(bias, h, weight)
            if place < len(self.layers) - 1:
                h = ACTIVATIONS["tanh"](h)
        return h if shared else h[:, 0].unflatten(0, x.shape[:2])

    def act(self, weights: Tensor, x: Tensor) -> Tensor:
        """Actions [S, B, A] in [-1, 1]; as `unclipped`."""
        return self.unclipped(weights, x).clamp(-1, 1)
