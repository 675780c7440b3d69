"""A bootstrap ensemble of Gaussian models of the change of state, for every seed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from svgbench.nn.layers import MLP
from svgbench.nn.normaliser import Normaliser
from svgbench.nn.streams import Streams


class EnsembleModel(nn.Module):
    """s' = s + change, change ~ N(mean(s, a), diag(var(s, a))), one network per seed and member (PETS; MAAC 4.3).

    x is (state, action), n + m numbers. `inputs` and `changes` normalise inputs and changes. The caller updates them
    with the training data and saves them: the module's own state does not include them.

    hidden, activation: of every network. members: E. log_var_bounds: soft bounds of the normalised log-variance.
    """

    def __init__(
        self,
        streams: Streams,
        n: int,
        m: int,
        *,
        hidden: Sequence[int],
        activation: str,
        members: int,
        log_var_bounds: tuple[float, float],
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.net = MLP(streams, (n + m, *hidden, 2 * n), activation, ensemble=members, dtype=dtype)
        self.inputs, self.changes = Normaliser(len(streams), n + m), Normaliser(len(streams), n)
        self.log_var_bounds = log_var_bounds

    def forward(self, x: Float[Tensor, "S E B D"]) -> tuple[Float[Tensor, "S E B O"], Float[Tensor, "S E B O"]]:
        """Mean and log-variance of the normalised change."""
        mean, raw = self.net(self.inputs.normalise(x.flatten(1, 2)).view_as(x)).chunk(2, dim=-1)
        low, high = self.log_var_bounds
        log_var = high - nn.functional.softplus(high - raw)
        return mean, low + nn.functional.softplus(log_var - low)

    def loss(self, x: Float[Tensor, "S E B D"], change: Float[Tensor, "S E B O"]) -> Float[Tensor, "S E"]:
        """Negative log-likelihood per member, up to a constant."""
        mean, log_var = self(x)
        target = self.changes.normalise(change.flatten(1, 2)).view_as(change)
        return 0.5 * ((target - mean).square() * (-log_var).exp() + log_var).sum(-1).mean(-1)

    def sample(self, x: Float[Tensor, "S E B D"], noise: Float[Tensor, "S E B O"]) -> Float[Tensor, "S E B O"]:
        """The next state, reparameterised with unit noise."""
        mean, log_var = self(x)
        change = mean + (0.5 * log_var).exp() * noise
        return x[..., : noise.shape[-1]] + self.changes.denormalise(change.flatten(1, 2)).view_as(change)
