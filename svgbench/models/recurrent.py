"""A deterministic recurrent model of the dynamics: Amos et al. 2020, section 4.2."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from svgbench.nn.initialise import orthogonal_
from svgbench.nn.layers import MLP
from svgbench.nn.recurrent import GRU
from svgbench.nn.streams import Streams


class RecurrentModel(nn.Module):
    """z_t = enc(x_t, u_t),  h_{t+1} = GRU(z_t, h_t),  x_{t+1} = x_t + dec(h_{t+1}),  h_1 = 0.

    hidden: units of the encoder's hidden layers. The encoder's output and each layer of the GRU have `width` units.
    decoder_hidden: units of the decoder's hidden layers; () makes it linear.
    orthogonal: whether encoder and decoder start with orthogonal weights; the GRU has its own initialisation.
    """

    def __init__(
        self,
        streams: Streams,
        obs_dim: int,
        action_dim: int,
        *,
        hidden: Sequence[int],
        width: int,
        layers: int,
        decoder_hidden: Sequence[int],
        orthogonal: bool,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.encoder = MLP(streams, (obs_dim + action_dim, *hidden, width), "relu", dtype=dtype)
        self.gru = GRU(streams, width, width, layers, dtype=dtype)
        self.decoder = MLP(streams, (width, *decoder_hidden, obs_dim), "relu", dtype=dtype)
        if orthogonal:
            orthogonal_(self.encoder, streams)
            orthogonal_(self.decoder, streams)

    def forward(
        self, x: Float[Tensor, "S B O"], xu: Float[Tensor, "S B D"], h: list[Float[Tensor, "S B H"]] | None = None
    ) -> tuple[Float[Tensor, "S B O"], list[Float[Tensor, "S B H"]]]:
        """One step: the next state and the hidden states. xu = (x, u); h: the hidden states of the step before."""
        h = self.gru(self.encoder(xu), h)
        return x + self.decoder(h[-1]), h

    def unroll(
        self, x: Float[Tensor, "S B O"], actions: Float[Tensor, "S T B A"], *, detach: bool
    ) -> Float[Tensor, "S T B O"]:
        """The states predicted from x under recorded actions.

        detach: no gradient passes from a predicted state into the next step, not even along the residual path. Earlier
        steps then learn from later errors only through the hidden state.
        """
        predicted, h = [], None
        for t in range(actions.shape[1]):
            x, h = self(x, torch.cat([x, actions[:, t]], -1), h)
            predicted.append(x)
            if detach:
                x = x.detach()
        return torch.stack(predicted, dim=1)
