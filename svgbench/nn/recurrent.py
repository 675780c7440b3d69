"""A GRU with separate weights for each seed, one step at a time."""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from svgbench.nn.layers import ACTIVATIONS
from svgbench.nn.streams import Streams


class GRU(nn.Module):
    """Gated recurrent units in `layers` layers (Cho et al. 2014), the equations of `torch.nn.GRU`:

        r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)       z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
        n = tanh(W_in x + b_in + r * (W_hn h + b_hn))    h' = (1 - z) n + z h

    Layer l has w_input[l] "S I 3*H", w_hidden[l] "S H 3*H" and biases "S 1 3*H", columns in the order r, z, n.
    All are drawn from U(-1/sqrt(hidden), 1/sqrt(hidden)), the default of `torch.nn.GRU`, in float64 and then rounded
    to `dtype`.
    """

    def __init__(
        self,
        streams: Streams,
        in_features: int,
        hidden: int,
        layers: int = 2,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        for name, size in {"in_features": in_features, "hidden": hidden, "layers": layers}.items():
            if size < 1:
                raise ValueError(f"{name} is {size}, expected at least 1")
        self.in_features, self.hidden = in_features, hidden
        bound = 1 / math.sqrt(hidden)

        def draw(*axes: int) -> nn.Parameter:
            drawn = streams.uniform(axes, -bound, bound, dtype=torch.float64)
            return nn.Parameter(drawn.to(device=device or streams.device, dtype=dtype))

        widths = [in_features] + [hidden] * (layers - 1)
        self.w_input = nn.ParameterList(draw(width, 3 * hidden) for width in widths)
        self.w_hidden = nn.ParameterList(draw(hidden, 3 * hidden) for _ in widths)
        self.b_input = nn.ParameterList(draw(1, 3 * hidden) for _ in widths)
        self.b_hidden = nn.ParameterList(draw(1, 3 * hidden) for _ in widths)

    def forward(
        self, x: Float[Tensor, "S B I"], h: list[Float[Tensor, "S B H"]] | None = None
    ) -> list[Float[Tensor, "S B H"]]:
        """One step: x and the layers' states to their next states; the last is the output.

        Without `h` the states are zero, and their products are not computed.
        """
        if x.dim() != 3 or x.shape[2] != self.in_features:
            raise ValueError(f"x has shape {list(x.shape)}, expected [S, B, {self.in_features}]")
        after: list[Float[Tensor, "S B H"]] = []
        parameters = zip(self.w_input, self.w_hidden, self.b_input, self.b_hidden, strict=True)
        for layer, (w_input, w_hidden, b_input, b_hidden) in enumerate(parameters):
            before = None if h is None else h[layer]
            from_x = torch.baddbmm(b_input, x, w_input)  # "S B 3*H"
            from_h = b_hidden if before is None else torch.baddbmm(b_hidden, before, w_hidden)
            x = _Gates.apply(from_x, from_h, before)
            after.append(x)
        return after


class _Gates(torch.autograd.Function):
    """The elementwise part of a step, without its matrix products, in few passes over memory."""

    @staticmethod
    def forward(
        ctx: Any,
        from_x: Float[Tensor, "S B HHH"],
        from_h: Float[Tensor, "S #B HHH"],
        h: Float[Tensor, "S B H"] | None,
    ) -> Float[Tensor, "S B H"]:
        k = from_x.shape[-1] // 3
        rz = torch.add(from_x[..., : 2 * k], from_h[..., : 2 * k]).sigmoid_()
        r, z = rz[..., :k], rz[..., k:]
        n = ACTIVATIONS["tanh"](torch.addcmul(from_x[..., 2 * k :], r, from_h[..., 2 * k :]))
        ctx.save_for_backward(rz, n, from_h, h)
        return n - z * n if h is None else torch.lerp(n, h, z)

    @staticmethod
    def backward(ctx: Any, grad: Float[Tensor, "S B H"]) -> tuple[Float[Tensor, "S _ _"] | None, ...]:
        rz, n, from_h, h = ctx.saved_tensors
        k = n.shape[-1]
        r, z = rz[..., :k], rz[..., k:]
        to_h = None if h is None else grad * z
        at_x = torch.empty(*n.shape[:-1], 3 * k, dtype=n.dtype, device=n.device)
        at_n, at_rz = at_x[..., 2 * k :], at_x[..., : 2 * k]
        torch.sub(grad, grad * z if to_h is None else to_h, out=at_n)
        torch.ops.aten.tanh_backward.grad_input(at_n, n, grad_input=at_n)
        torch.mul(at_n, from_h[..., 2 * k :], out=at_x[..., :k])
        torch.mul(grad, -n if h is None else h - n, out=at_x[..., k : 2 * k])
        torch.ops.aten.sigmoid_backward.grad_input(at_rz, rz, grad_input=at_rz)
        if not ctx.needs_input_grad[1]:
            return at_x, None, to_h
        at_h = at_x.clone()
        at_h[..., 2 * k :].mul_(r)
        # without a state `from_h` is the bias, one row for the whole batch
        return at_x, at_h if h is not None else at_h.sum(dim=1, keepdim=True), to_h
