"""An ensemble that is the double integrator itself, and the integrator's problem."""

from __future__ import annotations

import numpy as np
import torch

from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.nn.streams import Streams
from svgbench.tasks.maac.double_integrator import make_double_integrator

TASK = make_double_integrator(gamma=0.9, gain=(0.5, 1.0), sigma=0.0, horizon=20)
LQ = TASK.lq


def exact_ensemble(seeds, lq=LQ, half_range=1.0, members=2, reward_first=True):
    """Linear networks of (s, a), a in units of `half_range`: the change of s, and before it a reward of 0."""
    outputs = 2 + reward_first
    model = GaussianEnsemble(
        Streams(seeds, "model"), 3, outputs,
        hidden=(), activation="identity", members=members, log_var_bounds=(-40.0, -30.0), dtype=torch.float64,
    )  # fmt: skip
    change = torch.from_numpy(np.hstack([lq.A - np.eye(2), half_range * lq.B]).T)  # [3, 2]
    with torch.no_grad():
        model.layers[0].weight.zero_()[..., outputs - 2 : outputs] = change
        model.layers[0].bias.zero_()
    return model
