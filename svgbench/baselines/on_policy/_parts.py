"""What algorithms with batches of paths are made of: a Gaussian policy, paths of it, and the Fisher matrix's damping.

Configs have the same fields for it, each with its own source and default. `c` is such a config.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from svgbench.learners.surrogate import path_squares
from svgbench.nn.gaussian_policy import GaussianPolicy
from svgbench.nn.scaling import ObservationScaling
from svgbench.nn.streams import Streams
from svgbench.simulate.batch import Batch
from svgbench.simulate.paths import Rollouts, Sampling
from svgbench.words.task import Task


def new_policy(
    c: Any, task: Task, seeds: Sequence[int], device: str, weights: str = "unit"
) -> tuple[GaussianPolicy, Tensor]:
    """The policy, and its initial parameters theta [S, P]. weights: see `svgbench.nn.flat_mlp.FlatMLP.initial`.

    c: `hidden`, `activation`, `init_std`, `output_gain` and `dtype`.
    """
    policy = GaussianPolicy(task.observation_dim, task.action_dim, c.hidden, c.activation)
    theta = policy.initial(Streams(seeds, "policy"), c.init_std, c.output_gain, getattr(torch, c.dtype), weights)
    return policy, theta.to(device)


def new_rollouts(
    c: Any, sampling: Sampling, task: Task, seeds: Sequence[int], device: str, *, keep_states: bool = False
) -> Rollouts:
    """Paths in simulations of their own, which run on the CPU. keep_states: see `Rollouts`.

    c: `observation_scaling`, `observation_clip` and `dtype`.
    """
    scaling = ObservationScaling(c.observation_scaling, task, seeds, c.observation_clip)
    return Rollouts(task, seeds, sampling, scaling, getattr(torch, c.dtype), device, keep_states=keep_states)


def fisher_damping(c: Any, policy: GaussianPolicy, theta: Tensor, batch: Batch, advantage: Tensor) -> float | Tensor:
    """The diagonal that is added to the Fisher matrix: a number, or float64 [S, P].

    c: `cg_damping`, times 1 or times the paths' squared gradients, as `damping` says. advantage [S, T, N].
    """
    if c.damping == "identity":
        return float(c.cg_damping)
    squares = path_squares(policy, theta, batch.x, batch.action, advantage, batch.used)
    return float(c.cg_damping) * (squares + 1e-8)
