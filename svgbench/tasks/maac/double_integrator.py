"""The double integrator of Clavera et al. 2020, section 5.2 (Figure 3), with the policy that is evaluated on it.

State s = (position [m], velocity [m/s]), action u [m/s^2], both unbounded. Deterministic:

    position' = position + dt velocity,   velocity' = velocity + dt u,   dt = 0.05 s
    r(s, u) = -1/2 (s'Qs + u'Ru),  Q = I, R = 1

Start (1, 1) always. Nothing terminates; an episode is truncated after `horizon` steps. Actions are not clipped:
the best first action is near -2.3, outside the box [-1, 1] of the authors' code, and a box would end the closed form.

The policy is part of the task, because the study measures gradients at fixed policies: u = -k s + sigma eps,
linear, Gaussian, without squashing.

Sources: the paper prints only "double integrator", linear transitions, quadratic cost. A, B, dt, Q, R, the start state:
the authors' code (iclavera/meta-mb at 4468b4d, branch vioichigo, meta_mb/envs/mb_envs/double_integral.py and
meta_mb/trainers/double_integral_trainer.py), the reward with the factor 1/2 of the authors' model reward.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from svgbench.ranges import Count, Length, NonNegative, Range, Share
from svgbench.tasks.maac.linear_quadratic import Array, LinearQuadratic

VERSION = 1

DT = 0.05  # seconds

Gain = Annotated[tuple[Annotated[float, Range(reason="feedback may have either sign")], ...], Length(2, 2)]


class DoubleIntegrator:
    """A linear-quadratic task with a fixed policy. Tensors may have any leading axes: s (..., 2), a (..., 1)."""

    state_dim = 2
    action_dim = 1

    def __init__(self, gamma: float, gain: Sequence[float], sigma: float, horizon: int) -> None:
        if len(gain) != self.state_dim:
            raise ValueError(f"gain has {len(gain)} entries; expected {self.state_dim}")
        self.gamma, self.sigma, self.horizon = float(gamma), float(sigma), int(horizon)
        self.lq = LinearQuadratic(
            A=np.array([[1.0, DT], [0.0, 1.0]]), B=np.array([[0.0], [DT]]), Q=np.eye(2), R=np.eye(1), gamma=gamma
        )
        self.gain: Array = np.array([gain], dtype=np.float64)  # (1, 2)
        self.start: Array = np.ones(self.state_dim)

    def step(self, s: Tensor, a: Tensor) -> Tensor:
        """The next state (..., 2)."""
        return s @ _like(self.lq.A.T, s) + a @ _like(self.lq.B.T, s)

    def reward_function(self, obs: Tensor, action: Tensor, next_obs: Tensor | None = None) -> Tensor:
        """The reward (...) of an action in a state; `next_obs` does not count."""
        s, a = obs, action
        return -0.5 * ((s @ _like(self.lq.Q, s) * s).sum(-1) + (a @ _like(self.lq.R, a) * a).sum(-1))

    def act(self, s: Tensor, noise: Tensor) -> Tensor:
        """The policy's action (..., 1), with noise (..., 1) of unit variance."""
        return -s @ _like(self.gain.T, s) + self.sigma * noise


def _like(array: Array, x: Tensor) -> Tensor:
    return torch.as_tensor(array, dtype=x.dtype, device=x.device)


def make_double_integrator(gamma: Share, gain: Gain, sigma: NonNegative, horizon: Count) -> DoubleIntegrator:
    """The task at discount gamma with the policy (gain, sigma) and episodes of `horizon` steps."""
    return DoubleIntegrator(gamma, gain, sigma, horizon)
