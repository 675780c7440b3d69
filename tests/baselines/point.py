"""A small analytic task with the tasks' protocol: push a point to the origin of the plane, within bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from svgbench.simulation_batch import BaseSimulations, RawStep


class Point:
    """p' = p + 0.3 a, reward 1 - |p'|^2, terminated beyond |p'| = 2.2; obs (p, |p|^2); starts at |p| = 1."""

    id = "test/point"
    observation_dim, action_dim, dt = 3, 2, 1.0
    reward_function = None
    termination_function = staticmethod(lambda obs, action, next_obs: next_obs[..., 2] > 2.2**2)
    action_low, action_high = -np.ones(2), np.ones(2)
    observation_low, observation_high = np.array([-2.5, -2.5, 0.0]), np.array([2.5, 2.5, 6.25])

    def __init__(self, horizon: int = 20, broken_after: int | None = None) -> None:
        self.horizon, self.broken_after = horizon, broken_after

    def simulate(self, seeds, copies=1, stream="train", threads=1, autoreset=True):
        return Points(self, seeds, copies, stream, autoreset)


class Points(BaseSimulations):
    def __init__(self, task: Any, *how: Any) -> None:
        super().__init__(task, *how)
        self.p, self.steps = np.zeros((len(self), 2)), 0
        self.reset()

    def _observe(self, p):
        return np.concatenate([p, (p**2).sum(1, keepdims=True)], 1)

    def _begin(self, ids):
        angles = np.array([self._generators[i].uniform(0, 2 * np.pi) for i in ids])
        self.p[ids] = np.stack([np.cos(angles), np.sin(angles)], 1)
        return self._observe(self.p[ids])

    def _advance(self, ids, rows, actions):
        self.p[rows] += 0.3 * np.clip(actions, -1, 1)
        self.steps += 1
        obs = self._observe(self.p[rows])
        none = np.zeros(len(obs), dtype=bool)
        reward = 1 - obs[:, 2]
        if self._task.broken_after is not None and self.steps > self._task.broken_after and self.seeds[0] == 13:
            reward[0] = np.nan
        return RawStep(obs, reward, self._task.termination_function(None, None, obs), none)

    def _dynamics(self):
        return {"p": torch.from_numpy(self.p.copy()), "steps": self.steps}

    def _restore(self, dynamics):
        self.p[:], self.steps = dynamics["p"].numpy(), dynamics["steps"]


def random_return(episodes: int = 400) -> float:
    """The mean return of uniform actions."""
    simulations = Point().simulate(range(episodes), autoreset=False)
    rng, total, running = np.random.default_rng(0), np.zeros(episodes), np.arange(episodes)
    while len(running):
        outcome = simulations.step(rng.uniform(-1, 1, (len(running), 2)), running)
        total[running] += outcome.reward
        running = running[~(outcome.terminated | outcome.truncated)]
    return float(total.mean())
