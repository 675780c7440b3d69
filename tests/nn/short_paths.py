"""A small task whose episodes end at different times: a random walk that is pushed, within bounds."""

from __future__ import annotations

import numpy as np
import torch

from svgbench.simulation_batch import BaseSimulations, RawStep


class ShortPaths:
    """p' = 1.05 p + 0.2 a, terminated beyond |p| = 1.5; reward p' - a^2; obs (p, p^2); 20 steps; starts at +-1."""

    id = "test/short-paths"
    observation_dim, action_dim, dt, horizon = 2, 1, 1.0, 20
    reward_function = termination_function = None
    action_low, action_high = np.array([-2.0]), np.array([2.0])
    observation_low, observation_high = np.full(2, -np.inf), np.full(2, np.inf)

    def simulate(self, seeds, copies=1, stream="train", threads=1, autoreset=True):
        return _Simulations(self, seeds, copies, stream, autoreset)


class _Simulations(BaseSimulations):
    def __init__(self, task, *how):
        super().__init__(task, *how)
        self.p, self.calls = np.zeros(len(self)), 0
        self.reset()

    def _observe(self, p):
        return np.stack([p, p**2], 1)

    def _begin(self, ids):
        self.p[ids] = [self._generators[i].uniform(-1, 1) for i in ids]
        return self._observe(self.p[ids])

    def _advance(self, ids, rows, actions):
        self.p[rows] = 1.05 * self.p[rows] + 0.2 * actions[:, 0]
        self.calls += 1
        p = self.p[rows]
        return RawStep(self._observe(p), p - actions[:, 0] ** 2, np.abs(p) > 1.5, np.zeros(len(p), dtype=bool))

    def _dynamics(self):
        return {"p": torch.from_numpy(self.p.copy()), "calls": self.calls}

    def _restore(self, dynamics):
        self.p[:], self.calls = dynamics["p"].numpy(), dynamics["calls"]
