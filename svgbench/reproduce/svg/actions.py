"""The cart-pole with two costs of an action, as data: do seeds fall because actions leave their range?

Not in the paper. Measures, levels of failure and claims were fixed on 2026-11-30: levels and the claims on returns and
actions before the first run, those on shares of failed seeds during it, before any of its results was read.
"""

from __future__ import annotations

from dataclasses import replace

from svgbench.reproduce.svg.claims import (
    DEGRADATION,
    FINAL,
    degrades_less_at_50,
    fails_less_often,
    failures_rise_less,
)
from svgbench.reproduce.svg.deviations import CART_POLE_ACTIONS_DEVIATIONS
from svgbench.reproduce.svg.tasks import CART_POLE, CART_POLE_APPLIED
from svgbench.reproduce.svg.variants import (
    CART_POLE_DPG,
    CART_POLE_ER,
    CART_POLE_ONE,
    CART_POLE_ZERO,
    COLUMNS,
    SMOKE,
    SVG_ONE,
    SVG_ZERO,
    UNTRAINED,
)
from svgbench.words.claims import Claim, Comparison, FailureLevel, Measure, Term
from svgbench.words.experiment import Budget, Column, Experiment, Variant
from svgbench.words.values import Setting

APPLIED = Measure("applied_return", "return for the applied actions, last 100 episodes", reduce="mean_of_last", k=100)
BEYOND = Measure(
    "beyond_range", "steps beyond the range, last 100 episodes", reduce="mean_of_last", k=100, ranked=False
)
MEAN_ACTION = Measure(
    "mean_action", "size of mean actions, last 100 episodes", reduce="mean_of_last", k=100, ranked=False
)
LARGEST_ACTION = Measure("largest_action", "largest action", reduce="max", ranked=False)

ACTIONS = (
    Column("beyond_range", "float", "1", "share of the episode's steps with an action beyond its range"),
    Column("mean_action", "float", "half ranges", "mean size of the policy's mean actions in the episode"),
    Column("largest_action", "float", "half ranges", "size of the episode's largest action, with the policy's noise"),
    Column("applied_return", "float", "return", "train_return if the cost were of the actions clipped to their range"),
)

FALLEN = (
    "a pole that has fallen: one that spins or hangs earns at most half of the 125 of one that stands, whatever was "
    "demanded beyond the range"
)
FAILURES = tuple(FailureLevel(task, APPLIED, 62.5, FALLEN) for task in ("svg/cart-pole", "svg/cart-pole-applied"))


def fewer_fall(variant: str) -> Claim:
    """Poles fall because actions leave the range, where only their cost grows."""
    return Claim(
        id=f"fewer-poles-of-{variant}-fall",
        quote="Seeds fall because actions leave their range, where the cost grows and the force does not",
        source="our own question about the seeds of Figure 2 that fall",
        origin="ours",
        parts=(
            Comparison(
                left=Term(variant, APPLIED),
                relation="<",
                right=Term(variant, APPLIED),
                number="because: with the cost of the applied action a smaller share of poles has fallen in the end",
                scale="failed_share",
            ),
        ),
        tasks=("svg/cart-pole-applied", "svg/cart-pole"),
        across=True,
    )


CLAIMS = (
    *map(fewer_fall, ("svg-0", "dpg", "dpg-50")),
    Claim(
        id="q-functions-leave-the-range",
        quote="A policy that follows the derivative of a Q-function demands more force than there is, more often than "
        "SVG(1)'s",
        source="our own question about the seeds of Figure 2 that fall",
        origin="ours",
        parts=tuple(
            Comparison(
                Term(variant, BEYOND),
                ">",
                Term("svg-1", BEYOND),
                "more often: a larger share of the steps of the last 100 episodes has an action beyond its range",
            )
            for variant in ("svg-0", "dpg")
        ),
    ),
    Claim(
        id="svg-1-degrades-less",
        quote=DEGRADATION,
        source="Figure 2, right, with 20 seeds, and with the cost of the applied action",
        origin="text",
        parts=(degrades_less_at_50(),),
    ),
    *(replace(claim, tasks=None) for claim in (fails_less_often(50, APPLIED), failures_rise_less(APPLIED))),
)

RECORDED: dict[str, Setting] = {"record_actions": True}

CART_POLE_ACTIONS = Experiment(
    id="svg/cart-pole-actions",
    title="Why seeds fall on the cart-pole: how large actions get, and what they cost",
    description=(
        "Not in the paper: the cart-pole of Figure 2 with twenty seeds, once with the cost of the demanded action, as "
        "there, and once with the cost of the applied one, which the range bounds. A seed has failed if its pole has "
        "fallen, whatever the cost."
    ),
    tasks=(CART_POLE, CART_POLE_APPLIED),
    variants=(
        Variant("svg-1-er", "SVG(1)-ER", SVG_ONE, CART_POLE_ER),
        Variant("svg-1", "SVG(1)", SVG_ONE, CART_POLE_ONE),
        Variant("svg-1-50", "SVG(1), 50", SVG_ONE, CART_POLE_ONE | {"value_hidden": (50, 100)}),
        Variant("svg-0", "SVG(0)", SVG_ZERO, CART_POLE_ZERO),
        Variant("dpg", "DPG", SVG_ZERO, CART_POLE_DPG),
        Variant("dpg-50", "DPG, 50", SVG_ZERO, CART_POLE_DPG | {"value_hidden": (50, 100)}),
        UNTRAINED,
    ),
    budgets=(
        Budget("paper", seeds=20, note="", limits={"episodes": 1000, **RECORDED}),
        Budget(
            "short",
            seeds=5,
            note="200 episodes for 1000, 5 seeds for 20",
            limits={"episodes": 200, **RECORDED},
            block_size=5,
        ),
        replace(SMOKE, limits={**SMOKE.limits, **RECORDED}),
    ),
    columns=(*COLUMNS, *ACTIONS),
    measures=(FINAL, APPLIED, BEYOND, MEAN_ACTION, LARGEST_ACTION),
    claims=CLAIMS,
    failures=FAILURES,
    deviations=CART_POLE_ACTIONS_DEVIATIONS,
    figure="svgbench.reproduce.svg.action_figure:cart_pole_actions",
    ours=True,
    question="Do seeds fall on the cart-pole because actions leave their range?",
    step_unit="episodes",
    block_size=20,
)
