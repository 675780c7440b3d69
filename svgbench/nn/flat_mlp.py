"""Perceptrons as functions of flat parameters, with products by their Jacobians.

A trust-region step moves a parameter vector, evaluates a hundred nearby vectors, and often puts the old one
back; so here a network holds no parameters: each function takes theta, a seed in each row.

Derivatives are written out layer by layer: tangent propagation for J v and backpropagation for J'u (Schulman 2016,
section 3.12.1). Both use one recording of the forward pass, without a graph.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from svgbench.nn.initialise import orthonormal
from svgbench.nn.layers import ACTIVATIONS, Activation
from svgbench.nn.streams import Streams

Forward = Callable[[Float[np.ndarray, "S N I"]], Float[np.ndarray, "S N O"]]
"""Inputs to outputs, in NumPy."""


def _tanh(x: Float[np.ndarray, "*axes"]) -> Float[np.ndarray, "*axes"]:
    return np.tanh(x, out=x)


def _softplus(x: Float[np.ndarray, "*axes"]) -> Float[np.ndarray, "*axes"]:
    tail = np.abs(x)
    np.exp(np.negative(tail, out=tail), out=tail)
    tail += 1
    np.log(tail, out=tail)
    np.maximum(x, np.zeros_like(x), out=x)  # NumPy takes five times as long over a scalar
    x += tail
    return x


SLOPES: dict[str, Activation] = {
    "tanh": lambda y: 1 - y * y,
    "softplus": lambda y: -torch.expm1(-y),  # sigmoid(z) = 1 - exp(-softplus(z))
}
"""An activation's derivative as a function of its output."""

NUMPY_ACTIVATIONS: dict[str, Forward] = {"tanh": _tanh, "softplus": _softplus}
"""They overwrite their input."""


class Recording(NamedTuple):
    """A forward pass: each layer's input, the slopes of the hidden activations, and the output."""

    weights: list[Float[Tensor, "S n_in n_out"]]
    inputs: list[Float[Tensor, "S B n_in"]]
    slopes: list[Float[Tensor, "S B n_out"]]  # hidden layers
    output: Float[Tensor, "S B O"]


class FlatMLP:
    """Linear layers of these sizes, with an activation after all except the last.

    sizes: input, hidden and output widths, at least two. activation: "tanh" or "softplus".
    P: number of parameters. Each layer has its weights [in, out], row by row, and then its biases [out].
    """

    def __init__(self, sizes: Sequence[int], activation: str) -> None:
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes are {list(sizes)}, expected at least an input and an output width")
        if activation not in SLOPES:
            raise ValueError(f"unknown activation {activation!r}: expected one of {', '.join(sorted(SLOPES))}")
        self.sizes, self.activation = list(sizes), activation
        self.shapes = list(itertools.pairwise(self.sizes))
        self.P = sum((n_in + 1) * n_out for n_in, n_out in self.shapes)

    def initial(
        self, streams: Streams, output_gain: float, dtype: torch.dtype = torch.float32, kind: str = "unit"
    ) -> Float[Tensor, "S P"]:
        """Parameters, with biases zero. Drawn in float64, so that every dtype starts from the same numbers.

        kind:
            "unit": the weights into a hidden unit are Gaussian, scaled to norm 1; into an output, to `output_gain`;
            "orthogonal": weights are orthogonal, times sqrt(2) in hidden layers, and `output_gain` in the last.
        """
        if kind not in ("unit", "orthogonal"):
            raise ValueError(f"initial weights are {kind!r}, expected unit or orthogonal")
        parts = []
        for i, (n_in, n_out) in enumerate(self.shapes):
            weight = streams.normal((n_in, n_out), dtype=torch.float64)
            gain = 1.0
            if kind == "unit":
                weight = weight / weight.norm(dim=1, keepdim=True)
            else:
                weight, gain = orthonormal(weight) if n_in >= n_out else orthonormal(weight.mT).mT, math.sqrt(2)
            gain = output_gain if i == len(self.shapes) - 1 else gain
            parts += [(gain * weight).flatten(1), weight.new_zeros(len(weight), n_out)]
        return torch.cat(parts, 1).to(dtype)

    def layers(
        self, theta: Float[Tensor, "S P"]
    ) -> list[tuple[Float[Tensor, "S n_in n_out"], Float[Tensor, "S 1 n_out"]]]:
        """theta as views: the weights and the biases of each layer."""
        if theta.dim() != 2 or theta.shape[1] != self.P:
            raise ValueError(f"parameters have shape {list(theta.shape)}, expected [S, {self.P}]")
        found, start = [], 0
        for n_in, n_out in self.shapes:
            weight = theta[:, start : start + n_in * n_out].view(-1, n_in, n_out)
            start += n_in * n_out
            found.append((weight, theta[:, None, start : start + n_out]))
            start += n_out
        return found

    def __call__(self, theta: Float[Tensor, "S P"], x: Float[Tensor, "S B I"]) -> Float[Tensor, "S B O"]:
        """The outputs at parameters theta."""
        *hidden, (weight, bias) = self.layers(theta)
        for w, b in hidden:
            x = ACTIVATIONS[self.activation](torch.baddbmm(b, x, w))
        return torch.baddbmm(bias, x, weight)

    def record(self, theta: Float[Tensor, "S P"], x: Float[Tensor, "S B I"]) -> Recording:
        """The forward pass of x, for `jvp` and `vjp`."""
        *hidden, (weight, bias) = self.layers(theta)
        inputs, slopes = [x], []
        for w, b in hidden:
            inputs.append(ACTIVATIONS[self.activation](torch.baddbmm(b, inputs[-1], w)))
            slopes.append(SLOPES[self.activation](inputs[-1]))
        output = torch.baddbmm(bias, inputs[-1], weight)
        return Recording([w for w, _ in hidden] + [weight], inputs, slopes, output)

    def jvp(self, recording: Recording, tangent: Float[Tensor, "S P"]) -> Float[Tensor, "S B O"]:
        """J v: the change of the outputs along v = `tangent` in parameter space."""
        moved: Float[Tensor, "S B n_out"] | None = None  # change of a layer's input
        for i, (d_weight, d_bias) in enumerate(self.layers(tangent)):
            out = torch.baddbmm(d_bias, recording.inputs[i], d_weight)
            if moved is not None:
                out.baddbmm_(moved, recording.weights[i])
            moved = out.mul_(recording.slopes[i]) if i < len(recording.slopes) else out
        assert moved is not None
        return moved

    def vjp(self, recording: Recording, cotangent: Float[Tensor, "S B O"]) -> Float[Tensor, "S P"]:
        """J'u, summed over B: the gradient of sum(u * output) at u = `cotangent`."""
        parts: list[Float[Tensor, "S _"]] = []
        u = cotangent
        for i in reversed(range(len(self.shapes))):
            parts = [torch.bmm(recording.inputs[i].mT, u).flatten(1), u.sum(1), *parts]
            if i:
                u = torch.bmm(u, recording.weights[i].mT).mul_(recording.slopes[i - 1])
        return torch.cat(parts, 1)

    def forward_numpy(self, theta: Float[Tensor, "S P"]) -> Forward:
        """The forward pass at the current theta in NumPy, for small batches on which torch's calls cost more."""
        arrays = [(w.cpu().numpy().copy(), b.cpu().numpy().copy()) for w, b in self.layers(theta)]
        activate = NUMPY_ACTIVATIONS[self.activation]
        *hidden, (weight, bias) = arrays

        def forward(x: Float[np.ndarray, "S N I"]) -> Float[np.ndarray, "S N O"]:
            for w, b in hidden:
                x = np.matmul(x, w)
                x += b
                x = activate(x)
            y: Float[np.ndarray, "S N O"] = np.matmul(x, weight)
            y += bias
            return y

        return forward
