"""The equations of SAC-SVG, transcribed for one seed and one state at a time, and small networks to compare them on."""

from __future__ import annotations

import torch

from svgbench.baselines.actor_critic._soft_actor_critic import Actor, TwinCritic
from svgbench.models.recurrent import RecurrentModel
from svgbench.nn.layers import MLP
from svgbench.nn.streams import Streams

DOUBLE = torch.float64


def dense(net, s, member, x):
    """One row through the MLP of seed s (and ensemble member), ReLU between layers."""
    for i, layer in enumerate(net.layers):
        W, b = (
            (layer.weight[s], layer.bias[s, 0])
            if member is None
            else (layer.weight[s, member], layer.bias[s, member, 0])
        )
        x = x @ W + b
        x = torch.relu(x) if i < len(net.layers) - 1 else x
    return x


def gru_cells(gru, s, z, hidden):
    """One step of each layer with torch's own cell."""
    after = []
    for layer, h in enumerate(hidden):
        z = torch.func.functional_call(
            torch.nn.GRUCell(z.shape[0], h.shape[0], dtype=DOUBLE),
            {
                "weight_ih": gru.w_input[layer][s].T,
                "weight_hh": gru.w_hidden[layer][s].T,
                "bias_ih": gru.b_input[layer][s, 0],
                "bias_hh": gru.b_hidden[layer][s, 0],
            },
            (z, h),
        )
        after.append(z)
    return after


def model_step(model, s, x, u, hidden):
    hidden = gru_cells(model.gru, s, dense(model.encoder, s, None, torch.cat([x, u])), hidden)
    return x + dense(model.decoder, s, None, hidden[-1]), hidden


def policy_step(actor, s, x, noise):
    mean, raw = dense(actor.net, s, None, x).chunk(2)
    std = (-5 + 3.5 * (torch.tanh(raw) + 1)).exp()
    v = mean + std * noise
    log_prob = torch.distributions.Normal(mean, std).log_prob(v) - torch.log(1 - torch.tanh(v) ** 2)
    return torch.tanh(v), log_prob.sum()


def networks(S=2, n=3, m=2, decoder_hidden=(6,)):
    seeds = list(range(S))
    kind = {"orthogonal": False, "dtype": DOUBLE}
    actor = Actor(Streams(seeds, "a"), n, m, (8, 8), (-5.0, 2.0), **kind)
    critic = TwinCritic(Streams(seeds, "c"), n, m, (8, 8), **kind)
    model = RecurrentModel(
        Streams(seeds, "m"), n, m, hidden=(8,), width=12, layers=2, decoder_hidden=decoder_hidden, **kind
    )
    heads = MLP(Streams(seeds, "h"), (n + m, 8, 1), "relu", ensemble=2, dtype=DOUBLE)
    return actor, critic, model, heads


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)
