"""What the experiments of Heess et al. 2015 share, as data: learners, columns, the settings that searches chose.

The paper does not print learning rates, updates per episode, V_max, KL penalty or the policy's noise. The values here
were chosen by the searches in `searches.py`, for each algorithm, as appendix D says that the authors did.
"""

from __future__ import annotations

from collections.abc import Mapping

from svgbench.reproduce.svg.tasks import SWIMMER_CRITIC
from svgbench.words.experiment import Budget, Column, Variant
from svgbench.words.values import PerTask, Setting

SVG_INF = "svg_inf"
PLANNER = "svg_planner"
SVG_ONE = "svg_one"
SVG_ZERO = "svg_zero"
ACTOR_CRITIC = "actor_critic"

COLUMNS = (
    Column("env_steps", "int", "control steps", "of the seed so far"),
    Column("train_return", "float", "return", "of the episode, undiscounted, with the policy's noise"),
    Column("model_error", "float", "1", "squared one-step error on the episode, before training on it, normalised"),
    Column("value_error", "float", "1", "squared error of the critic on the episode, over the returns' variance"),
    Column("grad_norm", "float", "return", "of the policy's gradient before it is shortened, mean over the updates"),
    Column("kl", "float", "nats", "between the policies before and after the episode's updates"),
)
TRIALS = (
    Column("trial_reward", "float", "reward", "a step, after the task's trial_after, of the final policy's mean"),
    Column("trial_reward_noisy", "float", "reward", "the same of the monoped under the larger torque noise"),
)
"""Filled only in a seed's last row."""

UNTRAINED = Variant(
    "random",
    "untrained policy",
    ACTOR_CRITIC,
    {"policy_lr": 0.0, "policy_std": 0.6, "policy_updates": 1, "value_updates": 1},
)
"""Its noise is about as wide as uniform actions."""

SMOKE_CUTS: dict[str, Setting] = {
    "model_updates": 5,
    "value_updates": 5,
    "policy_updates": 2,
    "batch_size": 16,
    "hidden": (8, 8),
}
SMOKE_WORDS = "8 x 8 units in the policy, 5 updates of model and critic, 2 of the policy, batches of 16"

Chosen = dict[str, Setting]
Settings = dict[str, Setting | PerTask[Setting]]


def per_task(chosen: Mapping[str, Chosen]) -> Settings:
    """The settings of a variant from those of its tasks; where a task has none, its own config decides."""
    merged: Settings = {}
    for name in dict.fromkeys(name for settings in chosen.values() for name in settings):
        values = {task: settings[name] for task, settings in chosen.items() if name in settings}
        same = len(values) == len(chosen) and len(set(values.values())) == 1
        merged[name] = next(iter(values.values())) if same else PerTask(values)
    return merged


HAND_INF: Chosen = {"policy_lr": 3e-3, "model_updates": 400, "policy_std": 0.1}
HAND_PLANNER: Settings = {"policy_lr": 1e-2, "model_updates": 400, "policy_std": 0.1}
CART_POLE_INF: Chosen = {"policy_lr": 3e-4, "model_updates": 400, "policy_std": 0.1}
CART_POLE_ER: Chosen = {"replay": True, "policy_lr": 1e-3, "kl_weight": 1.0, "policy_std": 0.6}
CART_POLE_ONE: Settings = {"policy_lr": 1e-3, "policy_updates": 100, "policy_std": 0.6}
CART_POLE_ZERO: Settings = {"policy_lr": 1e-3, "policy_updates": 25, "policy_std": 0.6}
CART_POLE_DPG: Settings = {"deterministic": True, "policy_lr": 1e-3, "policy_updates": 25, "policy_std": 0.6}
ON_CART_POLE = ("svg/cart-pole",)

SMOKE = Budget(
    "smoke",
    seeds=2,
    note=f"3 episodes, 2 seeds; {SMOKE_WORDS}",
    limits={"episodes": 3},
    config=SMOKE_CUTS,
    block_size=2,
)

SWIMMER_INF: Chosen = {"policy_lr": 3e-3, "model_updates": 400, "policy_std": 0.5}
SWIMMER_ONE: Chosen = {**SWIMMER_CRITIC, "policy_lr": 3e-5, "policy_updates": 150, "policy_std": 0.5}
SWIMMER_ER: Chosen = {
    **SWIMMER_CRITIC,
    "replay": True,
    "policy_lr": 3e-4,
    "kl_weight": 1.0,
    "policy_std": 0.5,
    "max_grad_norm": 1.0,
}
SWIMMER_ZERO: Chosen = {**SWIMMER_CRITIC, "policy_lr": 3e-5, "policy_updates": 150, "policy_std": 0.5}
SWIMMER_DPG: Chosen = {
    **SWIMMER_CRITIC,
    "deterministic": True,
    "policy_lr": 3e-5,
    "policy_updates": 150,
    "policy_std": 0.5,
}
SWIMMER_AC: Chosen = {**SWIMMER_CRITIC, "policy_lr": 1e-4, "policy_updates": 150, "policy_std": 0.5}
ON_SWIMMER_3 = ("svg/swimmer-3",)
