"""Small networks with everything that scales them, in float64, for tests of derivatives."""

from __future__ import annotations

import torch

from svgbench.baselines.value_gradients._policy import FixedStdPolicy
from svgbench.memory.statistics import StateStatistics
from svgbench.models.per_dimension import ParallelModel
from svgbench.nn.streams import Streams

S, D, A = 2, 3, 2
SEEDS = [4, 9]


def statistics(seeds=SEEDS, dtype=torch.float64):
    """Statistics of made-up data whose dimensions have different means and widths."""
    found, draw = StateStatistics(len(seeds), D, A, dtype, "cpu"), Streams(seeds, "data")
    x = draw.normal((40, D + A), torch.float64) * torch.tensor([1.0, 5.0, 0.2, 0.5, 1.0]) + torch.arange(5)
    change = draw.normal((40, D), torch.float64) * torch.tensor([0.1, 1.0, 0.05]) + 0.1
    found.add(x, change, torch.ones(len(seeds), 40, dtype=torch.bool))
    found.renew()
    return found


def policy(of=None, seeds=SEEDS, hidden=(6, 5), dtype=torch.float64, max_grad_norm=1e9):
    of = of or statistics(seeds, dtype)
    made = FixedStdPolicy(Streams(seeds, "policy"), of, [D, *hidden, A], 0.3, 1e-3, max_grad_norm, dtype, "cpu")
    made.theta += 0.3 * Streams(seeds, "moved").normal(made.theta.shape[1], torch.float64).to(dtype)
    return made


def model(of=None, seeds=SEEDS, hidden=(5, 4), dtype=torch.float64, kind=ParallelModel):
    return kind(Streams(seeds, "model"), of or statistics(seeds, dtype), hidden, 1e-2, dtype, "cpu")


class Bowl:
    """A reward that depends on every number, and mixes state and action."""

    def reward_function(self, s, a, next_s=None):
        return s.cos().sum(-1) - 0.1 * s.square().sum(-1) - a.square().sum(-1) + s[..., 0] * a[..., 1]


def places(B, seeds=SEEDS):
    """s [S, B, D] and a [S, B, A]."""
    draw = Streams(seeds, "places")
    return draw.normal((B, D), torch.float64), draw.normal((B, A), torch.float64)
