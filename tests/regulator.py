"""A linear-quadratic task with the tasks' protocol: the double integrator of `svgbench.tasks.maac.linear_quadratic`."""

from __future__ import annotations

import numpy as np
from linear_simulations import LinearSimulations

from svgbench.simulation_batch import RawStep
from svgbench.tasks.maac.linear_quadratic import LinearQuadratic

DT = 0.2


class Regulator:
    """s' = A s + B u, r = -1/2 (s's + u'u), nothing terminates or is clipped; starts are Gaussian. obs = s."""

    id = "test/regulator"
    observation_dim, action_dim, dt = 2, 1, DT
    reward_function = termination_function = None
    action_low, action_high = np.array([-2.0]), np.array([2.0])
    observation_low, observation_high = np.full(2, -3.0), np.full(2, 3.0)

    def __init__(self, horizon: int = 40, gamma: float = 0.8) -> None:
        self.horizon = horizon
        self.lq = LinearQuadratic(
            A=np.array([[1.0, DT], [0.0, 1.0]]), B=np.array([[0.0], [DT]]), Q=np.eye(2), R=np.eye(1), gamma=gamma
        )

    def simulate(self, seeds, copies=1, stream="train", threads=1, autoreset=True):
        return Regulators(self, seeds, copies, stream, autoreset)


class Regulators(LinearSimulations):
    def _advance(self, ids, rows, actions):
        s, lq = self.s[rows], self._task.lq
        reward = -0.5 * ((s @ lq.Q * s).sum(1) + (actions @ lq.R * actions).sum(1))
        self.s[rows] = s @ lq.A.T + actions @ lq.B.T
        none = np.zeros(len(s), dtype=bool)
        return RawStep(self.s[rows].copy(), reward, none, none)
