"""A probabilistic ensemble with learned bounds on its log-variances, for every seed.

Chua et al. 2018 (PETS), appendix A.1, as MBPO and MAAC use it. `svgbench.models.ensemble` is a simpler ensemble with
fixed bounds. It is kept because committed results depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn.functional import softplus

from svgbench.nn.initialise import truncated_normal_
from svgbench.nn.layers import ACTIVATIONS, MLP, Linear
from svgbench.nn.streams import Streams

PIECE = 500  # rows that pass through all layers of one member together; a layer of 200 units then fits in the cache
BLOCKS_PIECE = 1000  # the same for all members, in `predict_blocks`; with fewer rows the products are slower


class GaussianEnsemble(nn.Module):
    """One network for every seed and member. Its outputs are the mean and the log-variance of the model's outputs.

    Inputs are normalised by `centre` and `width`, which are 0 and 1 before `normalise_by`. If `scaled_outputs` is true,
    outputs are normalised by `out_centre` and `out_width`. `log_var_min` and `log_var_max` are soft bounds of the
    log-variance, in the units of the networks' outputs. They are learned, and a seed's members share them. Weights
    start from a truncated normal with standard deviation 1 / (2 sqrt(fan-in)), biases at 0.

    inputs, outputs: how many of each. hidden, activation: of every network. members: E.
    log_var_bounds: the initial bounds.
    """

    centre: Float[Tensor, "S E 1 I"]
    width: Float[Tensor, "S E 1 I"]
    out_centre: Float[Tensor, "S E 1 O"]
    out_width: Float[Tensor, "S E 1 O"]

    def __init__(
        self,
        streams: Streams,
        inputs: int,
        outputs: int,
        *,
        hidden: Sequence[int],
        activation: str,
        members: int,
        log_var_bounds: tuple[float, float],
        scaled_outputs: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        S = len(streams)
        how: Any = {"dtype": dtype, "device": streams.device}
        self.inputs, self.outputs, self.members = inputs, outputs, members
        self.scaled_outputs = scaled_outputs
        self.net = MLP(streams, (inputs, *hidden, 2 * outputs), activation, ensemble=members, dtype=dtype)
        truncated_normal_(self.net, streams)
        low, high = log_var_bounds
        self.log_var_min: Float[nn.Parameter, "S 1 1 O"] = nn.Parameter(torch.full((S, 1, 1, outputs), low, **how))
        self.log_var_max: Float[nn.Parameter, "S 1 1 O"] = nn.Parameter(torch.full((S, 1, 1, outputs), high, **how))
        self.register_buffer("centre", torch.zeros(S, members, 1, inputs, **how))
        self.register_buffer("width", torch.ones(S, members, 1, inputs, **how))
        self.register_buffer("out_centre", torch.zeros(S, members, 1, outputs, **how))
        self.register_buffer("out_width", torch.ones(S, members, 1, outputs, **how))

    @property
    def layers(self) -> list[Linear]:
        return cast(list[Linear], list(self.net.layers))

    def forward(
        self, x: Float[Tensor, "S #E B I"], *, variance_as_deviation: bool = False
    ) -> tuple[Float[Tensor, "S _ B O"], Float[Tensor, "S _ B O"]]:
        """Mean and log-variance from every member.

        variance_as_deviation: use the predicted variance as the standard deviation, before outputs are scaled back.
        MAAC's code does so where it differentiates paths, and in planning.
        """
        mean, log_var = self.scaled(x)
        return self._unscaled(mean, 2 * log_var if variance_as_deviation else log_var)

    def scaled(self, x: Float[Tensor, "S #E B I"]) -> tuple[Float[Tensor, "S _ B O"], Float[Tensor, "S _ B O"]]:
        """Mean and log-variance from every member, in the units of `scaled_target`."""
        mean, raw = self.layers[-1](self._hidden(x)).chunk(2, -1)
        return mean, self._bounded(raw, self.log_var_min, self.log_var_max)

    def _unscaled(
        self, mean: Float[Tensor, "S E B O"], log_var: Float[Tensor, "S E B O"]
    ) -> tuple[Float[Tensor, "S E B O"], Float[Tensor, "S E B O"]]:
        if self.scaled_outputs:
            mean, log_var = mean * self.out_width + self.out_centre, log_var + 2 * self.out_width.log()
        return mean, log_var

    def scaled_target(self, target: Float[Tensor, "S #E B O"]) -> Float[Tensor, "S _ B O"]:
        """Targets in the units that the networks learn."""
        return (target - self.out_centre) / self.out_width if self.scaled_outputs else target

    def mean(self, x: Float[Tensor, "S #E B I"]) -> Float[Tensor, "S {self.members} B O"]:
        """The mean from every member. The log-variances are not computed."""
        mean = self.scaled_mean(x)
        return mean * self.out_width + self.out_centre if self.scaled_outputs else mean

    def scaled_mean(self, x: Float[Tensor, "S #E B I"]) -> Float[Tensor, "S {self.members} B O"]:
        """The mean from every member, in the units of `scaled_target`."""
        last, hidden, K = self.layers[-1], self._hidden(x), self.outputs
        assert last.bias is not None
        bias, weight = (p[..., :K].flatten(0, 1) for p in (last.bias, last.weight))
        return torch.baddbmm(bias, hidden.flatten(0, 1), weight).unflatten(0, hidden.shape[:2])

    def _hidden(self, x: Float[Tensor, "S #E B I"]) -> Float[Tensor, "S {self.members} B H"]:
        h = (x - self.centre) / self.width
        for layer, name in zip(self.layers[:-1], self.net.activations[:-1], strict=True):
            h = ACTIVATIONS[name](layer(h))
        return h

    @staticmethod
    def _bounded(
        raw: Float[Tensor, "*#batch O"], low: Float[Tensor, "*#batch O"], high: Float[Tensor, "*#batch O"]
    ) -> Float[Tensor, "*#batch O"]:
        return low + softplus(high - softplus(high - raw) - low)

    def normalise_by(self, x: Float[Tensor, "S #E n I"], target: Float[Tensor, "S #E n O"] | None = None) -> None:
        """Normalise by mean and deviation of x, and of the targets if outputs are scaled. One below 1e-12 becomes 1."""
        self._take_moments(x, self.centre, self.width)
        if self.scaled_outputs:
            assert target is not None, "outputs are scaled by their targets"
            self._take_moments(target, self.out_centre, self.out_width)

    @staticmethod
    @torch.no_grad()
    def _take_moments(
        x: Float[Tensor, "S #E n I"], centre: Float[Tensor, "S E 1 I"], width: Float[Tensor, "S E 1 I"]
    ) -> None:
        x = x.double()
        deviation = x.std(2, correction=0, keepdim=True)
        centre.copy_(x.mean(2, keepdim=True))
        width.copy_(torch.where(deviation < 1e-12, 1.0, deviation))

    def likelihood_loss(self, x: Float[Tensor, "S E B I"], target: Float[Tensor, "S E B O"]) -> Float[Tensor, "S E"]:
        """Twice the negative log-likelihood of scaled targets, up to a constant: the mean over batch and outputs."""
        mean, log_var = self.scaled(x)
        return ((mean - self.scaled_target(target)).square() * (-log_var).exp() + log_var).mean((-2, -1))

    def squared_error(self, x: Float[Tensor, "S E B I"], target: Float[Tensor, "S E B O"]) -> Float[Tensor, "S E"]:
        """The squared error of the means in the units of `scaled_target`: the mean over batch and outputs."""
        return (self.scaled_mean(x) - self.scaled_target(target)).square().mean((-2, -1))

    def decay(self, rates: Sequence[float]) -> Float[Tensor, "S E"]:
        """Weight decay: for each layer its rate times half the sum of squared weights, without biases."""
        terms = [
            0.5 * rate * layer.weight.square().sum((-2, -1)) for rate, layer in zip(rates, self.layers, strict=True)
        ]
        return torch.stack(terms).sum(0)

    def bounds_spread(self) -> Float[Tensor, "S"]:
        """The distance between the bounds of the log-variance, summed over outputs."""
        return (self.log_var_max - self.log_var_min).sum((1, 2, 3))

    @torch.no_grad()
    def predict_rows(
        self,
        x: Float[Tensor, "S B I"],
        member: Int64[Tensor, "S B"],
        active: Bool[Tensor, "S B"],
        *,
        variance_as_deviation: bool = False,
    ) -> tuple[Float[Tensor, "S B O"], Float[Tensor, "S B O"]]:
        """Mean and log-variance of rows x, each row from one member; otherwise as `forward`.

        Rows that are not active are left out: their mean is 0. For speed, a member's rows pass through all layers in
        pieces that fit in the cache, and each layer overwrites its input.
        """
        S, B, _ = x.shape
        raw = x.new_zeros(S, B, 2 * self.outputs)
        buffers = [x.new_empty(PIECE, layer.out_features) for layer in self.layers]
        for s in range(S):
            for e in range(self.members):
                which = (active[s] & (member[s] == e)).nonzero().squeeze(1)
                for piece in which.split(PIECE) if len(which) else ():
                    rows = (x[s].index_select(0, piece) - self.centre[s, e]) / self.width[s, e]
                    raw[s].index_copy_(0, piece, self._through(s, e, rows, buffers))
        mean, log_var = raw.chunk(2, -1)
        log_var = self._bounded(log_var, self.log_var_min[:, 0], self.log_var_max[:, 0])
        log_var = 2 * log_var if variance_as_deviation else log_var
        if self.scaled_outputs:
            which = member[..., None].expand(-1, -1, self.outputs)
            centre, width = (p[:, :, 0].gather(1, which) for p in (self.out_centre, self.out_width))
            mean = torch.where(active[..., None], mean * width + centre, mean)
            log_var = log_var + 2 * width.log()
        return mean, log_var

    @torch.no_grad()
    def predict_blocks(
        self, x: Float[Tensor, "S {self.members} B I"], *, variance_as_deviation: bool = False
    ) -> tuple[Float[Tensor, "S {self.members} B O"], Float[Tensor, "S {self.members} B O"]]:
        """Mean and log-variance of rows x, equally many for each member: `forward` without gradients.

        For speed, the rows pass through all layers in pieces that fit in the cache.
        """
        raw, last = x.new_empty(*x.shape[:3], 2 * self.outputs), self.layers[-1]
        assert last.bias is not None
        for s in range(len(x)):
            for rows, out in zip(x[s].split(self._piece, 1), raw[s].split(self._piece, 1), strict=True):
                torch.baddbmm(last.bias[s], self._hidden_of(s, rows), last.weight[s], out=out)
        mean, log_var = raw.chunk(2, -1)
        log_var = self._bounded(log_var, self.log_var_min, self.log_var_max)
        return self._unscaled(mean, 2 * log_var if variance_as_deviation else log_var)

    @torch.no_grad()
    def mean_of_members(self, x: Float[Tensor, "S B I"]) -> Float[Tensor, "S B O"]:
        """The average over all members of their means at rows x. The log-variances are not computed.

        For speed, the rows pass through all layers in pieces that fit in the cache; few rows pass all together.
        """
        if x.shape[0] * x.shape[1] * self.members <= BLOCKS_PIECE:
            return self.mean(x[:, None]).mean(1)
        out, last, K = x.new_empty(*x.shape[:2], self.outputs), self.layers[-1], self.outputs
        assert last.bias is not None
        for s in range(len(x)):
            bias, weight = last.bias[s, ..., :K], last.weight[s, ..., :K]
            for rows, own in zip(x[s].split(self._piece), out[s].split(self._piece), strict=True):
                mean = torch.baddbmm(bias, self._hidden_of(s, rows), weight)
                if self.scaled_outputs:
                    mean = mean * self.out_width[s] + self.out_centre[s]
                torch.mean(mean, 0, out=own)
        return out

    @property
    def _piece(self) -> int:
        """Rows of each member that pass through all layers together."""
        return max(BLOCKS_PIECE // self.members, 1)

    def _hidden_of(self, s: int, rows: Float[Tensor, "... b I"]) -> Float[Tensor, "{self.members} b H"]:
        """The last hidden layer of every member of a seed, without gradients. rows: shared, or each member's own."""
        h = (rows - self.centre[s]) / self.width[s]
        for layer, name in zip(self.layers[:-1], self.net.activations[:-1], strict=True):
            assert layer.bias is not None
            h = _activated(name, torch.baddbmm(layer.bias[s], h, layer.weight[s]))
        return h

    def _through(
        self, s: int, e: int, x: Float[Tensor, "n I"], buffers: list[Float[Tensor, "_ _"]]
    ) -> Float[Tensor, "n OO"]:
        for layer, name, buffer in zip(self.layers, self.net.activations, buffers, strict=True):
            assert layer.bias is not None
            x = _activated(name, torch.addmm(layer.bias[s, e], x, layer.weight[s, e], out=buffer[: len(x)]))
        return x


def _activated(name: str, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Without gradients: SiLU overwrites x, so that a piece stays in the cache."""
    return nn.functional.silu(x, inplace=True) if name == "silu" else ACTIVATIONS[name](x)
