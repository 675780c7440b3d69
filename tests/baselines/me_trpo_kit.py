"""Small learners of ME-TRPO, as the lab would make them, on a linear task that pays for clipped actions."""

from __future__ import annotations

import numpy as np
from glide import Glide

from svgbench.baselines.on_policy import me_trpo
from svgbench.lab.source import declared

SEEDS = (3, 8, 5)
SMALL = {
    "real_paths": 3,
    "real_path_length": 9,
    "members": 4,
    "model_hidden": (8,),
    "model_batch": 20,
    "validate_every": 2,
    "model_patience": 4,
    "max_epochs": 20,
    "hidden": (6,),
    "iterations": 6,
    "check_starts": 4,
    "check_every": 1,
    "policy_patience": 2,
    "renew_every": 2,
    "simulations": 6,
    "timesteps": 0,
    "path_length": 9,
    "noise_steps": 5,
    "minibatches_per_slice": 7,
    "eval_episodes": 2,
}
KNOWN = declared("svgbench.baselines.on_policy.me_trpo:make")


class Clipped(Glide):
    @staticmethod
    def reward_function(obs, action, next_obs):
        return Glide.reward_function(obs, np.clip(action, -2, 4), next_obs)


def config(profile="code", **how):
    of_profile = {name: value for name, value in KNOWN.profiles[profile].items() if name not in SMALL}
    return KNOWN.config(SMALL, of_profile, how)


def learner(profile="code", seeds=SEEDS, total_steps=135, task=None, **how):
    limits = {"total_steps": total_steps}
    return me_trpo.make(config(profile, **how), task or Clipped(), list(seeds), limits, "cpu")
