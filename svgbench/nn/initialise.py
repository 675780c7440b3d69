"""Initial weights that differ from the layers' defaults."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from svgbench.nn.layers import Linear
from svgbench.nn.streams import Streams


@torch.no_grad()
def orthogonal_(module: nn.Module, streams: Streams) -> None:
    """Make every `Linear` in the module orthogonal (gain 1; Saxe et al. 2014) with zero bias, member by member.

    Rows or columns, whichever are fewer, become orthonormal, drawn uniformly (in float64).
    """
    for layer in module.modules():
        if isinstance(layer, Linear):
            *members, n_in, n_out = layer.weight.shape
            tall = (max(n_in, n_out), min(n_in, n_out))
            normal = streams.normal((*members[1:], *tall), dtype=torch.float64).cpu()  # the same on every device
            q = orthonormal(normal)
            layer.weight.copy_(q if n_in >= n_out else q.mT)
            if layer.bias is not None:
                layer.bias.zero_()


def orthonormal(normal: Float[Tensor, "*batch n m"]) -> Float[Tensor, "*batch n m"]:
    """Orthonormal columns, uniformly distributed, from standard normal numbers, n >= m."""
    q, r = torch.linalg.qr(normal)
    return q * torch.diagonal(r, dim1=-2, dim2=-1).sign().unsqueeze(-2)  # makes the draw uniform


@torch.no_grad()
def truncated_normal_(module: nn.Module, streams: Streams) -> None:
    """Draw every `Linear`'s weights from a normal cut at two deviations, of deviation 1 / (2 sqrt(fan-in)) before it.

    Biases become zero. As in Chua et al. 2018's code (kchua/handful-of-trials, dmbrl/modeling/layers/FC.py). Drawn in
    float64.
    """
    cut = torch.special.ndtr(torch.tensor(2.0, dtype=torch.float64)).item()
    for layer in module.modules():
        if isinstance(layer, Linear):
            uniform = streams.uniform(layer.weight.shape[1:], 1 - cut, cut, dtype=torch.float64)
            layer.weight.copy_(torch.special.ndtri(uniform) / (2 * math.sqrt(layer.in_features)))
            if layer.bias is not None:
                layer.bias.zero_()


@torch.no_grad()
def glorot_uniform_(module: nn.Module, streams: Streams) -> None:
    """Draw every `Linear`'s weights uniformly within sqrt(6 / (fan-in + fan-out)); biases become zero (Glorot 2010).

    The default of TensorFlow's layers. Drawn in float64.
    """
    for layer in module.modules():
        if isinstance(layer, Linear):
            limit = math.sqrt(6 / (layer.in_features + layer.out_features))
            layer.weight.copy_(streams.uniform(layer.weight.shape[1:], -limit, limit, dtype=torch.float64))
            if layer.bias is not None:
                layer.bias.zero_()
