"""A linear task with the tasks' protocol, and ensembles that know it exactly."""

from __future__ import annotations

import numpy as np
import torch
from linear_simulations import LinearSimulations

from svgbench.models.gaussian_ensemble import GaussianEnsemble
from svgbench.models.learned_simulation import LearnedTask
from svgbench.nn import Streams
from svgbench.simulation_batch import RawStep

A = np.array([[1.0, 0.2], [0.0, 0.9]])
B = np.array([[0.0], [0.3]])
OUT = np.array([-0.5, 0.1, -0.2])  # the reward's weights, of position, velocity and action


class Glide:
    """s' = A s + B u with u cut to [-2, 4], reward linear in (s, u), ends beyond |s[0]| = 2; starts are Gaussian."""

    id = "test/glide"
    observation_dim, action_dim, dt = 2, 1, 0.2
    action_low, action_high = np.array([-2.0]), np.array([4.0])
    observation_low, observation_high = np.full(2, -np.inf), np.full(2, np.inf)

    def __init__(self, horizon=9):
        self.horizon = horizon

    @staticmethod
    def reward_function(obs, action, next_obs):
        return obs @ OUT[:2] + action @ OUT[2:]

    @staticmethod
    def termination_function(obs, action, next_obs):
        return abs(next_obs[..., 0]) > 2

    def simulate(self, seeds, copies=1, stream="train", threads=1, autoreset=True):
        return Glides(self, seeds, copies, stream, autoreset)


class Glides(LinearSimulations):
    def _advance(self, ids, rows, actions):
        s, task = self.s[rows].copy(), self._task
        self.s[rows] = s @ A.T + np.clip(actions, -2, 4) @ B.T
        reward = task.reward_function(s, actions, None)
        return RawStep(self.s[rows].copy(), reward, task.termination_function(s, actions, self.s[rows]), reward > 1e9)


SEEDS, MEMBERS, EXACT = (3, 8, 5), 4, (2, 0)


def exact_model(dtype=torch.float64, std=0.0, outputs=3):
    """Members 2 and 0 know Glide and predict noise of deviation `std`; the others are far off.

    The reward that is learned is that of the cut action.
    """
    how = {"hidden": (), "activation": "silu", "members": MEMBERS, "log_var_bounds": (-300.0, 60.0)}
    model = GaussianEnsemble(Streams(SEEDS, "model"), 3, outputs, dtype=dtype, **how)
    (layer,) = model.layers
    if outputs == 2:  # to be filled by the caller
        return model
    # a = 1 + 3 u for the model's u in [-1, 1]
    change = np.concatenate([A - np.eye(2), 3 * B], 1)
    weight = np.concatenate([[[OUT[0], OUT[1], 3 * OUT[2]]], change]).T
    bias = np.concatenate([OUT[2:], B[:, 0]])
    log_var = 2 * np.log(std) if std else -290.0
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.fill_(7.0)
        for e in EXACT:
            layer.weight[:, e, :, :3] = torch.from_numpy(weight)
            layer.bias[:, e, 0, :3] = torch.from_numpy(bias)
            layer.bias[:, e, 0, 3:] = log_var
    return model


def learned(horizon=9, model=None, task=None, **how):
    how = {"noise": False, "elites": lambda: torch.tensor(EXACT).repeat(len(SEEDS), 1), **how}
    return LearnedTask(task=task or Glide(), model=model or exact_model(), model_seeds=SEEDS, horizon=horizon, **how)
