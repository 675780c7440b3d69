"""The tasks of Heess et al. 2015 as its figures have them, as data: sizes of networks, discounts, caps of weights.

They are the paper's (Table 1, appendix D; arXiv 1510.09142), where it prints them. FIXED holds what neither it nor a
search says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from svgbench.words.experiment import TaskSpec
from svgbench.words.values import Setting

FIXED: dict[str, Setting] = {
    "policy_updates": 50,
    "max_grad_norm": 10.0,
    "kl_weight": 0.0,
    "importance_cap": 5.0,
    "model_lr": 1e-3,
    "model_updates": 100,
    "value_lr": 1e-3,
    "value_updates": 100,
    "value_scale": 10.0,
    "target_period": 50,
    "batch_size": 32,
    "replay_size": 100_000,
    "simulations": 1,
}
"""On every task, where neither the paper nor a search says otherwise."""

SWIMMER_CRITIC: dict[str, Setting] = {"value_lr": 3e-4}
"""Of all swimmers: with 1e-3 the critic's error on new episodes grows after a thousand of them, and returns fall."""

HAND = TaskSpec(
    "svg/hand",
    "svg/hand",
    "Hand",
    config=FIXED | {"hidden": (100, 100), "model_hidden": (20, 20), "gamma": 1.0},
    best={"train_return": -2e-6},  # both distances at their softness
)
NOISY_HANDS = (
    replace(HAND, id="svg/hand-noise-2", label="Hand, 2 N", options={"noise": 2.0}),
    replace(HAND, id="svg/hand-noise-4", label="Hand, 4 N", options={"noise": 4.0}),
)
"""The hand with other random forces on the ball than 1 N."""
CART_POLE = TaskSpec(
    "svg/cart-pole",
    "svg/cart-pole",
    "Cart-pole",
    config=FIXED | {"hidden": (100, 100), "value_hidden": (200, 100), "model_hidden": (20, 20), "gamma": 0.99},
    best={"train_return": 125.0},  # 1 a step: upright, in the middle, without a force
)
CART_POLE_APPLIED = replace(
    CART_POLE,
    id="svg/cart-pole-applied",
    label="Cart-pole, cost of the applied action",
    options={"cost_on": "applied"},
)
SWIMMER_3 = TaskSpec(
    "svg/swimmer-3",
    "svg/swimmer",
    "Swimmer, 3 links",
    {"links": 3},
    config=FIXED | {"hidden": (50, 50), "value_hidden": (200, 100), "model_hidden": (20, 20), "gamma": 0.995},
)
SWIMMER_5 = TaskSpec(
    "svg/swimmer-5",
    "svg/swimmer",
    "Swimmer, 5 links",
    {"links": 5},
    config=FIXED | {"hidden": (100, 100), "value_hidden": (200, 100), "model_hidden": (20, 20), "gamma": 0.995},
)


def tried(steps: int, after: int, noise: float | None = None) -> Mapping[str, Mapping[str, Setting]]:
    """Limits of a task of Figure 4 whose final policies are tried for `steps` steps; those after `after` count."""
    trial: dict[str, Setting] = {"trial_steps": steps, "trial_after": after, "trial_episodes": 20}
    if noise is not None:
        trial["trial_noise"] = noise
    return {
        "paper": trial,
        "short": trial,
        "smoke": trial | {"trial_steps": min(steps, after + 10), "trial_episodes": 2},
    }


def at_most(reward: float, steps: int) -> dict[str, float]:
    """A task's best values, of the best reward that a step can have and the steps of a training episode."""
    return {"train_return": reward * steps, "trial_reward": reward, "trial_reward_noisy": reward}


AT_THE_SITE = 0.9274562  # exp(-0.04) - 1/30: the tip on the site, of a softness of 1 cm, without a torque
HELD_AT_THE_SITE = 1.3248758  # exp(-0.04) + exp(-1/9) / 2 - 1/12: the same of the ball and of the grip
STANDING_UPRIGHT = 0.9  # 1 - 2 * 0.05: upright at 0.9 m, without a torque
ARM: dict[str, Setting] = FIXED | {
    "hidden": (100, 100),
    "value_hidden": (400, 200),
    "model_hidden": (40, 40),
    "gamma": 0.98,
}
FIG4_TASKS = (
    TaskSpec(
        "svg/swimmer-7",
        "svg/swimmer",
        "Swimmer, 7 links",
        {"links": 7},
        config=FIXED | {"hidden": (100, 100), "value_hidden": (200, 100), "model_hidden": (40, 40), "gamma": 0.995},
        limits=tried(150, 0),
    ),
    TaskSpec(
        "svg/reacher-4-target",
        "svg/reacher",
        "Reacher, 4 targets",
        {"target": "corners"},
        config=ARM | {"importance_cap": 20.0},
        limits=tried(100, 80),
        best=at_most(AT_THE_SITE, 100),
    ),
    TaskSpec(
        "svg/reacher-moving",
        "svg/reacher",
        "Reacher, moving target",
        {"target": "moving"},
        config=ARM,
        limits=tried(100, 20),
        best=at_most(AT_THE_SITE, 100),
    ),
    TaskSpec(
        "svg/gripper",
        "svg/gripper",
        "Gripper",
        config=ARM | {"importance_cap": 20.0},
        limits=tried(150, 120),
        best=at_most(HELD_AT_THE_SITE, 150),
    ),
    TaskSpec(
        "svg/monoped",
        "svg/monoped",
        "Monoped",
        config=FIXED | {"hidden": (100, 100), "value_hidden": (400, 200), "model_hidden": (50, 50), "gamma": 0.95},
        limits=tried(1000, 200, noise=0.25),
        best=at_most(STANDING_UPRIGHT, 200),
    ),
    TaskSpec(
        "svg/cheetah",
        "svg/cheetah",
        "Half-cheetah, springs",
        {"springs": True},
        config=ARM,
        limits=tried(300, 0),
    ),
    TaskSpec(
        "svg/cheetah-no-springs",
        "svg/cheetah",
        "Half-cheetah, no springs",
        {"springs": False},
        config=ARM,
        limits=tried(300, 0),
    ),
    TaskSpec("svg/walker", "svg/walker", "Walker", config=ARM, limits=tried(300, 0)),
)
