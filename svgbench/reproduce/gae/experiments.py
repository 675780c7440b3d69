"""The experiments of chapter 4 of Schulman 2016 (PhD thesis, University of California, Berkeley), as data."""

from __future__ import annotations

from svgbench.reproduce.gae.claims import (
    AFTER_20,
    FIG8_CLAIMS,
    FIG8_FAILURES,
    FIG9_CLAIMS,
    FIG9_FAILURES,
    FIG10_CLAIMS,
    FIG10_FAILURES,
    FIVE_INSIDE,
    FIVE_OUTSIDE,
)
from svgbench.reproduce.gae.deviations import FIG8_DEVIATIONS, FIG9_DEVIATIONS, FIG10_DEVIATIONS
from svgbench.reproduce.on_policy import CART_POLE_BEST, COLUMNS, FINAL_REWARD, MEAN_REWARD
from svgbench.words.experiment import Budget, Experiment, TaskSpec, Variant
from svgbench.words.values import Setting

GAE = "gae"
GAMMAS = (0.9, 0.92, 0.94, 0.96, 0.98, 0.99, 0.995, 1.0)
LAMBDAS = (0.01, 0.36, 0.68, 0.84, 0.92, 0.96, 0.98, 0.99, 1.0)


def variant(gamma: float, gae_lambda: float, tasks: tuple[str, ...] | None = None) -> Variant:
    name = f"gamma-{gamma:g}-lambda-{gae_lambda:g}"
    label = f"γ = {gamma:g}, λ = {gae_lambda:g}"
    return Variant(name, label, GAE, {"gamma": gamma, "gae_lambda": gae_lambda}, profile="code", tasks=tasks)


def no_value_function(gamma: float, tasks: tuple[str, ...] | None = None) -> Variant:
    label = f"γ = {gamma:g}, no VF"
    return Variant(
        f"gamma-{gamma:g}-no-vf", label, GAE, {"gamma": gamma, "baseline": "time"}, profile="code", tasks=tasks
    )


RIGHT_PANEL_ONLY: dict[str, dict[str, Setting]] = {
    f"trpo/cart-pole-barto--{variant(gamma, x).id}": {"iterations": 20}
    for gamma in GAMMAS
    for x in LAMBDAS
    if gamma != 0.99
}
"""Cells that only the map after 20 iterations needs. They were added last; on the first task all have 50."""

FIG8 = Experiment(
    id="gae/fig8",
    title="Cart-pole: learning curves over λ, and performance over γ and λ",
    description=(
        "Generalized advantage estimation with trust regions for policy and value function on cart-pole: 20 paths of "
        "at most 1000 steps an iteration. Left: cost against iterations at γ = 0.99 for every λ, and without a value "
        "function. Right: return after 20 iterations over γ and λ. The constants of Barto, Sutton and Anderson are a "
        "second, harder task."
    ),
    tasks=(
        TaskSpec("trpo/cart-pole", "trpo/cart-pole", "Cart-pole", best=CART_POLE_BEST),
        TaskSpec(
            "trpo/cart-pole-barto",
            "trpo/cart-pole-barto",
            "Cart-pole, Barto et al.",
            best=CART_POLE_BEST,
        ),
    ),
    variants=(
        variant(0.99, 0.0),
        *(variant(gamma, gae_lambda) for gamma in GAMMAS for gae_lambda in LAMBDAS),
        no_value_function(0.99),
    ),
    budgets=(
        Budget("paper", seeds=21, note="", limits={"iterations": 50}, block_size=21, limits_of=RIGHT_PANEL_ONLY),
        Budget("short", seeds=5, note="25 of 50 iterations, 5 of 21 seeds", limits={"iterations": 25}, block_size=5),
        Budget(
            "smoke",
            seeds=2,
            note="20 iterations of 5 paths of at most 200 steps, 2 seeds",
            limits={"iterations": 20},
            config={"simulations": 5, "path_length": 200},
            block_size=2,
        ),
    ),
    columns=COLUMNS,
    measures=(AFTER_20, MEAN_REWARD),
    claims=FIG8_CLAIMS,
    failures=FIG8_FAILURES,
    deviations=FIG8_DEVIATIONS,
    figure="svgbench.reproduce.gae.figures:fig8",
    step_unit="iterations",
    block_size=21,
)

ROBOT: dict[str, Setting] = {
    "hidden": (100, 50, 25),
    "value_hidden": (100, 50, 25),
    "batch": "timesteps",
    "simulations": 64,
    "observation_scaling": "running",
    "observation_clip": 5.0,
}
ROBOT_SHORT: dict[str, Setting] = {"timesteps": 20_000, "simulations": 32}
ROBOT_SMOKE: dict[str, Setting] = {
    "hidden": (16,),
    "value_hidden": (16,),
    "timesteps": 400,
    "simulations": 8,
    "path_length": 100,
}
SHORT = Budget(
    "short",
    seeds=3,
    note="100 iterations of 20k steps, 3 seeds",
    limits={"iterations": 100},
    config=ROBOT_SHORT,
    block_size=3,
)
SMOKE = Budget(
    "smoke",
    seeds=2,
    note="3 iterations of 400 steps, paths of at most 100 steps, 16 units, 2 seeds",
    limits={"iterations": 3},
    config=ROBOT_SMOKE,
    block_size=2,
)

BIPED = ("gae/biped",)

FIVE_SETTINGS = {f"gae/biped--{name}": 3 for name in (*FIVE_INSIDE, *FIVE_OUTSIDE)}

FIG9 = Experiment(
    id="gae/fig9",
    title="3D bipedal and quadrupedal locomotion",
    description=(
        "Cost against iterations for the 3D biped over γ and λ, and for the quadruped with a value function at λ = "
        "0.96 and 1 and without one. Policy and value function have three hidden layers of 100, 50 and 25 units."
    ),
    tasks=(
        TaskSpec(
            "gae/biped",
            "gae/biped",
            "3D biped",
            config={**ROBOT, "timesteps": 50_000},
        ),
        TaskSpec(
            "gae/quadruped",
            "gae/quadruped",
            "Quadruped",
            config={**ROBOT, "timesteps": 200_000},
            limits={"paper": {"iterations": 1000}},
        ),
    ),
    variants=(
        *(variant(gamma, gae_lambda, BIPED) for gamma in (0.96, 0.98, 0.99, 1.0) for gae_lambda in (0.96, 0.99)),
        variant(0.99, 0.92, BIPED),
        variant(0.99, 1.0, BIPED),
        variant(0.995, 0.92, BIPED),
        variant(0.995, 0.96),
        variant(0.995, 0.99, BIPED),
        variant(0.995, 1.0),
        no_value_function(0.995),
    ),
    budgets=(
        Budget("paper", seeds=9, note="", limits={"iterations": 500}, block_size=3, seeds_of=FIVE_SETTINGS),
        SHORT,
        SMOKE,
    ),
    columns=COLUMNS,
    measures=(FINAL_REWARD, MEAN_REWARD),
    claims=FIG9_CLAIMS,
    failures=FIG9_FAILURES,
    deviations=FIG9_DEVIATIONS,
    figure="svgbench.reproduce.gae.figures:fig9",
    step_unit="iterations",
    block_size=3,
)

FIG10 = Experiment(
    id="gae/fig10",
    title="3D biped getting up",
    description=(
        "Cost against iterations for the 3D biped that starts on its back and is paid for the height of its head, with "
        "a value function at λ = 0.96 and 1 and without one, γ = 0.995."
    ),
    tasks=(
        TaskSpec(
            "gae/biped-standing",
            "gae/biped-standing",
            "3D biped, getting up",
            config={**ROBOT, "timesteps": 200_000},
            best={"reward_per_step": 0.0, "return_mean": 0.0},  # minus squares of a height and of torques
        ),
    ),
    variants=(variant(0.995, 0.96), variant(0.995, 1.0), no_value_function(0.995)),
    budgets=(
        Budget("paper", seeds=5, note="", limits={"iterations": 500}, block_size=5),
        SHORT,
        SMOKE,
    ),
    columns=COLUMNS,
    measures=(FINAL_REWARD, MEAN_REWARD),
    claims=FIG10_CLAIMS,
    failures=FIG10_FAILURES,
    deviations=FIG10_DEVIATIONS,
    figure="svgbench.reproduce.gae.figures:fig10",
    step_unit="iterations",
    block_size=5,
)

EXPERIMENTS = (FIG8, FIG9, FIG10)
