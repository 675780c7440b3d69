"""Small on-policy learners on the point task, as the lab would make them.

They are damped: a batch of a few dozen steps leaves most of a Fisher matrix to rounding.
"""

from __future__ import annotations

import pytest
from point import Point

from svgbench.baselines.on_policy import (
    gae,
    natural_gradient,
    reward_weighted_regression,
    trpo,
    vanilla_policy_gradient,
)
from svgbench.lab.source import declared

SMALL = {
    "hidden": (6,),
    "value_hidden": (6,),
    "simulations": 6,
    "path_length": 12,
    "steps_per_slice": 5,
    "rollout_set": 8,
    "branch_length": 5,
    "states_per_slice": 3,
    "gamma": 0.9,
    "gae_lambda": 0.8,
    "fisher_fraction": 0.5,
    "value_scale": 10.0,
    "cg_damping": 0.1,
    "value_cg_damping": 1.0,
    "max_kl_rounds": 3,
    "evaluations": 4,
    "multiplier": 3.0,
    "learning_rate": 0.03,
}

LEARNERS = {
    "trpo": (trpo, "text", {}),
    "trpo-code": (trpo, "code", {"fisher_fraction": 0.5, "extension_factor": 1.0}),
    "trpo-vine": (trpo, "text-vine", {"simulations": 2}),
    "trpo-code-vine": (trpo, "code-vine", {"simulations": 2, "rollout_set": 8, "branch_length": 5}),
    "trpo-empirical": (trpo, "text", {"fisher": "empirical"}),
    "trpo-max": (trpo, "text", {"constraint": "max", "hidden": ()}),
    "natural": (natural_gradient, "text", {}),
    "natural-code": (natural_gradient, "code", {"cg_damping": 0.1}),
    "gae": (gae, "text", {}),
    "gae-code": (gae, "code", {"cg_damping": 0.1, "value_cg_damping": 1.0}),
    "gae-steps": (gae, "text", {"batch": "steps", "timesteps": 72, "observation_scaling": "running"}),
    "gae-timesteps": (gae, "text", {"batch": "timesteps", "timesteps": 80}),
    "gae-no-vf": (gae, "text", {"baseline": "time"}),
    "gae-sb3": (
        gae,
        "sb3",
        {
            "hidden": (6,),
            "value_hidden": (6,),
            "simulations": 6,
            "timesteps": 72,
            "value_batch": 24,
            "max_kl": 0.05,
        },
    ),
    "vpg": (vanilla_policy_gradient, "text", {}),
    "vpg-sgd": (vanilla_policy_gradient, "text", {"optimiser": "sgd", "baseline": "time"}),
    "rwr": (reward_weighted_regression, "text", {"elite_fraction": 0.5}),
    "rwr-exponential": (reward_weighted_regression, "text", {"weighting": "exponential"}),
}


FAST = ("trpo", "trpo-code", "trpo-vine", "natural", "gae-steps", "vpg", "rwr")
"""One of each module and of each way to sample; the others are slow tests."""


def some(names, fast=FAST):
    """The learners as parameters of a test, those that are not among the fast ones marked slow."""
    return [pytest.param(name, marks=() if name in fast else pytest.mark.slow) for name in names]


def learner(name, seeds=(0, 1, 2), iterations=5, task=None, **config):
    module, profile, own = LEARNERS[name]
    known = declared(f"{module.__name__}:make")
    profiles = getattr(module, "PROFILES", {})
    layers = {k: v for k, v in {**SMALL, **profiles.get(profile, {}), **own, **config}.items() if k in known.types}
    return module.make(known.config(layers), task or Point(horizon=12), seeds, {"iterations": iterations}, "cpu")


def parameters(one):
    """All that is learned, each [S, ...]."""
    return one.agent.parameters()
