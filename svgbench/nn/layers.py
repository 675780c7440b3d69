"""Layers with one set of weights for each seed and, if requested, for each ensemble member."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from svgbench.nn.streams import Streams
from svgbench.products import affine

Activation = Callable[[Float[Tensor, "*axes"]], Float[Tensor, "*axes"]]


def _identity(x: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    return x


_MINUS_ONE = torch.tensor(-1.0)


def _sigmoid_tanh(x: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    y = (x + x).sigmoid_()
    return torch.add(_MINUS_ONE, y, alpha=2, out=y)


class _SigmoidTanh(torch.autograd.Function):
    """tanh(x) = 2 sigmoid(2 x) - 1, with the derivative of tanh as one kernel."""

    @staticmethod
    def forward(ctx: Any, x: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        y = _sigmoid_tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
        (y,) = ctx.saved_tensors
        return torch.ops.aten.tanh_backward.default(grad, y)


SMALL = 5000  # elements; below it the calls cost more than the arithmetic


def _tanh(x: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """tanh, computed with `torch.sigmoid` on the CPU, where MKL's `torch.tanh` can take nine times as long.

    The absolute error stays within 2e-7 in float32 (4e-16 in float64), no more than that of the pre-activation itself.
    Under torch.func's transforms, which this Function does not support, the plain `torch.tanh` is used.
    """
    if x.device.type != "cpu" or x.numel() < SMALL or torch._C._are_functorch_transforms_active():
        return torch.tanh(x)
    return _SigmoidTanh.apply(x) if x.requires_grad and torch.is_grad_enabled() else _sigmoid_tanh(x)


ACTIVATIONS: dict[str, Activation] = {
    "tanh": _tanh,
    "relu": torch.relu,
    "silu": nn.functional.silu,
    "elu": nn.functional.elu,
    "softplus": nn.functional.softplus,
    "identity": _identity,
}


class Linear(nn.Module):
    """x W + b with separate weights for each seed and, with `ensemble`, for each of E members.

    Weights and biases are drawn from U(-1/sqrt(in), 1/sqrt(in)), the default of `torch.nn.Linear`, in float64 and then
    rounded to `dtype`, so that a float32 and a float64 layer start from the same numbers.

    streams: S seeds' streams; the layer takes in * out and then out numbers (times E) from each.
    device: the streams' device unless given.
    """

    def __init__(
        self,
        streams: Streams,
        in_features: int,
        out_features: int,
        *,
        ensemble: int | None = None,
        bias: bool = True,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        sizes = {"in_features": in_features, "out_features": out_features, "ensemble": ensemble}
        for name, size in sizes.items():
            if size is not None and size < 1:
                raise ValueError(f"{name} is {size}, expected at least 1")
        self.in_features = in_features
        self.out_features = out_features
        members = () if ensemble is None else (ensemble,)
        self.members = (len(streams), *members)  # (S,) or (S, E)

        bound = 1 / math.sqrt(in_features)

        def draw(*axes: int) -> nn.Parameter:
            drawn = streams.uniform((*members, *axes), -bound, bound, dtype=torch.float64)
            return nn.Parameter(drawn.to(device=device or streams.device, dtype=dtype))

        self.weight: Float[nn.Parameter, "*members I O"] = draw(in_features, out_features)
        self.bias: Float[nn.Parameter, "*members 1 O"] | None = draw(1, out_features) if bias else None

    def forward(self, x: Float[Tensor, "S ... B I"]) -> Float[Tensor, "S ... B O"]:
        """ "S B I" to "S B O"; with an ensemble "S B I" (shared) or "S E B I" to "S E B O".

        Raises ValueError for another shape.
        """
        if len(self.members) == 1:
            if x.dim() != 3 or x.shape[0] != self.members[0] or x.shape[2] != self.in_features:
                raise ValueError(self._complaint(x))
            if self.bias is None:
                return torch.bmm(x, self.weight)
            return affine(self.bias, x, self.weight)

        S, E = self.members
        if x.dim() == 3:
            x = x.unsqueeze(1).expand(-1, E, -1, -1)
        if x.dim() != 4 or x.shape[:2] != (S, E) or x.shape[3] != self.in_features:
            raise ValueError(self._complaint(x))
        x, weight = x.flatten(0, 1), self.weight.flatten(0, 1)  # [S*E, B, in], [S*E, in, out]
        y = torch.bmm(x, weight) if self.bias is None else affine(self.bias.flatten(0, 1), x, weight)
        return y.unflatten(0, (S, E))

    def _complaint(self, x: Float[Tensor, "..."]) -> str:
        S, rest = self.members[0], "".join(f"{E}, " for E in self.members[1:])
        shared = f"[{S}, B, {self.in_features}] or " if rest else ""
        return f"input has shape {list(x.shape)}, expected {shared}[{S}, {rest}B, {self.in_features}]"

    def extra_repr(self) -> str:
        return f"{self.in_features} -> {self.out_features}, members={self.members}"


class MLP(nn.Module):
    """Linear layers of the given sizes, with an activation after all except the last, which has `output_activation`.

    sizes: input, hidden and output widths, at least two. Shapes and initialisation are those of `Linear`.
    activation, output_activation: names in `ACTIVATIONS`.
    """

    def __init__(
        self,
        streams: Streams,
        sizes: Sequence[int],
        activation: str,
        *,
        output_activation: str = "identity",
        ensemble: int | None = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        if len(sizes) < 2:
            raise ValueError(f"sizes is {list(sizes)}, expected at least an input and an output width")
        for name in (activation, output_activation):
            if name not in ACTIVATIONS:
                known = ", ".join(sorted(ACTIVATIONS))
                raise ValueError(f"unknown activation {name!r}: expected one of {known}")
        self.activations = [activation] * (len(sizes) - 2) + [output_activation]
        self.layers = nn.ModuleList(
            Linear(streams, n_in, n_out, ensemble=ensemble, dtype=dtype, device=device)
            for n_in, n_out in itertools.pairwise(sizes)
        )
        self.members = (len(streams),) if ensemble is None else (len(streams), ensemble)

    def forward(self, x: Float[Tensor, "S ... B I"]) -> Float[Tensor, "S ... B O"]:
        """ "S B I" to "S B O", or with an ensemble as `Linear.forward`."""
        for layer, name in zip(self.layers, self.activations, strict=True):
            x = ACTIVATIONS[name](layer(x))
        return x
