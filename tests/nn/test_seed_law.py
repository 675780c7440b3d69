"""A seed alone and in a block of five agree after 50 updates, with everything that might mix them."""

from __future__ import annotations

import pytest
import torch

from svgbench.nn import MLP, Adam, EarlyStopping, Normaliser, Streams, polyak_, target_copy

SEEDS = [11, 3, 8, 20, 5]
UPDATES = 50


def train(seeds, dtype, ensemble):
    """Regress a noisy sine with minibatches; returns what the seeds end with, each [S, ...]."""
    data = Streams(seeds, "data")
    x = 4 * data.uniform((64, 2), -1, 1, dtype=torch.float64).to(dtype)  # [S, N, 2]
    y = (2 * x).sin().sum(-1, keepdim=True) + 0.3 * data.normal((64, 1), dtype=torch.float64).to(dtype)
    train_x, train_y, held_x, held_y = x[:, :48], y[:, :48], x[:, 48:], y[:, 48:]
    normaliser = Normaliser(len(seeds), 2)
    normaliser.update(train_x)

    net = MLP(Streams(seeds, "init"), [2, 32, 32, 1], "tanh", ensemble=ensemble, dtype=dtype)
    target = target_copy(net)
    adam = Adam(net.parameters(), 0.02)
    stopping = EarlyStopping(net, patience=4)
    minibatches = Streams(seeds, "minibatches")
    rows = torch.arange(len(seeds)).unsqueeze(1)

    def losses(x, y):
        error = net(normaliser.normalise(x)) - (y if ensemble is None else y.unsqueeze(1))
        return error.square().mean(dim=(-2, -1))  # [S] or [S, E]

    for update in range(UPDATES):
        index = minibatches.permutation(48)[:, :16]
        adam.backward(losses(train_x[rows, index], train_y[rows, index]))
        norms = adam.clip_grad_norm_(1.0)
        adam.step(stopping.active)
        polyak_(target, net, 0.1)
        if update % 5 == 4:
            with torch.no_grad():
                stopping.update(losses(held_x, held_y))
    last = adam.flat.clone()
    stopping.restore_best_()
    averaged = torch.cat([p.flatten(len(stopping.shape)) for p in target.parameters()], dim=-1)
    floats = [last, adam.flat, averaged, norms, stopping.best_loss]
    return floats, [stopping.active, stopping.stale, adam.steps]


@pytest.mark.parametrize("ensemble", [None, 3])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_a_seed_alone_and_in_a_block_of_five_agree(dtype, tolerance, ensemble):
    block_floats, block_counts = train(SEEDS, dtype, ensemble)
    for place, seed in enumerate(SEEDS):
        floats, counts = train([seed], dtype, ensemble)
        for block, alone in zip(block_counts, counts, strict=True):
            assert torch.equal(block[place], alone[0])
        for block, alone in zip(block_floats, floats, strict=True):
            assert torch.allclose(block[place], alone[0], rtol=0, atol=tolerance)
    active, _, steps = block_counts
    assert active.any(), "the law needs a member that is still training"
    assert not active.all(), "and one that has stopped"
    assert steps.min() < UPDATES
