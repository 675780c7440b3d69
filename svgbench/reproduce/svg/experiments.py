"""The experiments of Heess et al. 2015, as data. Text and appendix: arXiv 1510.09142.

The settings that searches chose, and what the experiments share, are in `variants.py`; the other values, and those that
the paper prints, are with the tasks in `tasks.py`. Experiments that the paper has no figure of are in `noise.py` and
`remarks.py`.
"""

from __future__ import annotations

from dataclasses import replace

from svgbench.reproduce.svg.actions import CART_POLE_ACTIONS
from svgbench.reproduce.svg.claims import (
    FAILURES,
    FIG2_CLAIMS,
    FIG3_CLAIMS,
    FINAL,
    HAND_MODEL_CLAIMS,
    LEARNING,
    ROUGH_MODELS,
)
from svgbench.reproduce.svg.claims_fig4 import FAILURES as FIG4_FAILURES
from svgbench.reproduce.svg.claims_fig4 import FIG4_CLAIMS, TRIED
from svgbench.reproduce.svg.deviations import FIG2_DEVIATIONS, FIG3_DEVIATIONS, FIG4_DEVIATIONS, HAND_MODEL_DEVIATIONS
from svgbench.reproduce.svg.noise import HAND_NOISE
from svgbench.reproduce.svg.reached import IN_FIG4, ON_HAND, ON_SWIMMERS
from svgbench.reproduce.svg.remarks import REMARKS
from svgbench.reproduce.svg.tasks import CART_POLE, FIG4_TASKS, HAND, SWIMMER_3, SWIMMER_5
from svgbench.reproduce.svg.variants import (
    ACTOR_CRITIC,
    CART_POLE_DPG,
    CART_POLE_ER,
    CART_POLE_INF,
    CART_POLE_ONE,
    CART_POLE_ZERO,
    COLUMNS,
    HAND_INF,
    HAND_PLANNER,
    ON_CART_POLE,
    ON_SWIMMER_3,
    PLANNER,
    SMOKE,
    SVG_INF,
    SVG_ONE,
    SVG_ZERO,
    SWIMMER_AC,
    SWIMMER_DPG,
    SWIMMER_ER,
    SWIMMER_INF,
    SWIMMER_ONE,
    SWIMMER_ZERO,
    TRIALS,
    UNTRAINED,
    Chosen,
    Settings,
    per_task,
)
from svgbench.words.experiment import Budget, Experiment, Variant
from svgbench.words.values import PerTask

FIG2 = Experiment(
    id="svg/fig2",
    title="Real trajectories against planning; the cart-pole; smaller critics",
    description=(
        "Returns of training episodes. Left: SVG(∞), with its gradient along real trajectories, and an otherwise "
        "identical planner on imagined ones, in 1000 steps of hand and ball. Middle: SVG(0), SVG(1), SVG(1)-ER, SVG(∞) "
        "and DPG on a cart-pole. Right: SVG(1) and DPG there with 200, 100 and 50 units in the critic's first layer."
    ),
    tasks=(HAND, CART_POLE),
    variants=(
        Variant("svg-inf", "SVG(∞)", SVG_INF, per_task({"svg/hand": HAND_INF, "svg/cart-pole": CART_POLE_INF})),
        Variant("planner", "planner", PLANNER, HAND_PLANNER, tasks=("svg/hand",)),
        Variant("svg-1-er", "SVG(1)-ER", SVG_ONE, CART_POLE_ER, tasks=ON_CART_POLE),
        Variant("svg-1", "SVG(1)", SVG_ONE, CART_POLE_ONE, tasks=ON_CART_POLE),
        Variant("svg-1-100", "SVG(1), 100", SVG_ONE, CART_POLE_ONE | {"value_hidden": (100, 100)}, tasks=ON_CART_POLE),
        Variant("svg-1-50", "SVG(1), 50", SVG_ONE, CART_POLE_ONE | {"value_hidden": (50, 100)}, tasks=ON_CART_POLE),
        Variant("svg-0", "SVG(0)", SVG_ZERO, CART_POLE_ZERO, tasks=ON_CART_POLE),
        Variant("dpg", "DPG", SVG_ZERO, CART_POLE_DPG, tasks=ON_CART_POLE),
        Variant("dpg-100", "DPG, 100", SVG_ZERO, CART_POLE_DPG | {"value_hidden": (100, 100)}, tasks=ON_CART_POLE),
        Variant("dpg-50", "DPG, 50", SVG_ZERO, CART_POLE_DPG | {"value_hidden": (50, 100)}, tasks=ON_CART_POLE),
        UNTRAINED,
    ),
    budgets=(
        Budget("paper", seeds=5, note="", limits={"episodes": 1000}, seeds_of={"svg/hand": 10}),
        Budget("short", seeds=3, note="200 episodes for 1000, 3 seeds", limits={"episodes": 200}, block_size=3),
        SMOKE,
    ),
    columns=COLUMNS,
    measures=(FINAL, LEARNING),
    claims=FIG2_CLAIMS,
    failures=FAILURES,
    reached=ON_HAND,
    deviations=FIG2_DEVIATIONS,
    figure="svgbench.reproduce.svg.figures:fig2",
    step_unit="episodes",
    block_size=5,
)

HAND_MODEL = Experiment(
    id="svg/hand-model",
    title="Real trajectories against planning, with models that are hardly trained",
    description=(
        "Not in the paper: the left panel of Figure 2 with 10, 3 and 1 updates of the model per episode. The planner's "
        "imagined paths are then far from the real ones; SVG(∞) uses only the Jacobians of the same model."
    ),
    tasks=(HAND,),
    variants=(
        *(Variant(f"svg-inf-{k}", f"SVG(∞), {k}", SVG_INF, HAND_INF | {"model_updates": k}) for k in ROUGH_MODELS),
        *(Variant(f"planner-{k}", f"planner, {k}", PLANNER, HAND_PLANNER | {"model_updates": k}) for k in ROUGH_MODELS),
        UNTRAINED,
    ),
    budgets=(
        Budget("paper", seeds=5, note="", limits={"episodes": 500}),
        Budget("short", seeds=3, note="200 episodes for 500, 3 seeds", limits={"episodes": 200}, block_size=3),
        Budget(
            "smoke",
            seeds=2,
            note="3 episodes, 2 seeds; 8 x 8 units in the policy, batches of 16",
            limits={"episodes": 3},
            config={"hidden": (8, 8), "batch_size": 16},
            block_size=2,
        ),
    ),
    columns=COLUMNS,
    measures=(FINAL, LEARNING),
    claims=HAND_MODEL_CLAIMS,
    failures=FAILURES,
    reached=ON_HAND,
    deviations=HAND_MODEL_DEVIATIONS,
    figure="svgbench.reproduce.svg.figures:hand_model",
    ours=True,
    question="Does SVG(∞) learn where a planner with the same, hardly trained model fails?",
    step_unit="episodes",
    block_size=5,
)

FIG3 = Experiment(
    id="svg/fig3",
    title="Swimmers, and the capacity of the model",
    description=(
        "Returns of training episodes. Left: SVG(∞), SVG(1), SVG(0), DPG and an actor-critic on a swimmer of three "
        "links. Middle: SVG(∞) and SVG(1) there with models of 20, 10 and 5 hidden units for each dimension of the "
        "state. Right: SVG(1)-ER and the others on a swimmer of five links."
    ),
    tasks=(SWIMMER_3, SWIMMER_5),
    variants=(
        Variant("svg-inf", "SVG(∞)", SVG_INF, SWIMMER_INF),
        Variant("svg-inf-10", "SVG(∞), 10", SVG_INF, SWIMMER_INF | {"model_hidden": (10, 10)}, tasks=ON_SWIMMER_3),
        Variant("svg-inf-5", "SVG(∞), 5", SVG_INF, SWIMMER_INF | {"model_hidden": (5, 5)}, tasks=ON_SWIMMER_3),
        Variant("svg-1", "SVG(1)", SVG_ONE, SWIMMER_ONE),
        Variant("svg-1-10", "SVG(1), 10", SVG_ONE, SWIMMER_ONE | {"model_hidden": (10, 10)}, tasks=ON_SWIMMER_3),
        Variant("svg-1-5", "SVG(1), 5", SVG_ONE, SWIMMER_ONE | {"model_hidden": (5, 5)}, tasks=ON_SWIMMER_3),
        Variant("svg-1-er", "SVG(1)-ER", SVG_ONE, SWIMMER_ER),
        Variant("svg-0", "SVG(0)", SVG_ZERO, SWIMMER_ZERO),
        Variant("dpg", "DPG", SVG_ZERO, SWIMMER_DPG),
        Variant("ac", "AC", ACTOR_CRITIC, SWIMMER_AC),
        UNTRAINED,
    ),
    budgets=(
        Budget(
            "paper",
            seeds=5,
            note="",
            limits={"episodes": 2000},
            seeds_of={
                "svg/swimmer-3--svg-inf": 10,
                "svg-inf-10": 10,
                "svg-inf-5": 10,
                "svg/swimmer-3--svg-1": 10,
                "svg-1-10": 10,
                "svg-1-5": 10,
            },
        ),
        Budget("short", seeds=3, note="400 episodes for 2000, 3 seeds", limits={"episodes": 400}, block_size=3),
        SMOKE,
    ),
    columns=COLUMNS,
    measures=(FINAL, LEARNING),
    claims=FIG3_CLAIMS,
    failures=FAILURES,
    reached=ON_SWIMMERS,
    deviations=FIG3_DEVIATIONS,
    figure="svgbench.reproduce.svg.figures:fig3",
    step_unit="episodes",
    block_size=5,
)

FOUR_TARGET = ("svg/reacher-4-target",)
RIVALRY = ("svg/swimmer-7", *FOUR_TARGET)
REACHER_ER: Chosen = {"replay": True, "policy_lr": 1e-3, "value_lr": 1e-3, "kl_weight": 1.0, "policy_std": 1.0}
REACHER_ONE: Chosen = {"policy_lr": 3e-4, "value_lr": 1e-3, "policy_std": 1.0}
REACHER_ZERO: Settings = {"policy_lr": 3e-4, "value_lr": 1e-3, "policy_std": 1.0}
REACHER_DPG: Settings = {"deterministic": True, "policy_lr": 1e-3, "value_lr": 1e-3, "policy_std": 1.0}
REACHER_AC: Chosen = {"policy_lr": 1e-4, "value_lr": 1e-3, "policy_std": 0.3}
GRIPPER_ER: Chosen = {"replay": True, "policy_lr": 1e-3, "value_lr": 1e-3, "kl_weight": 1.0, "policy_std": 1.0}
MONOPED_ER: Chosen = {"replay": True, "policy_lr": 1e-3, "value_lr": 1e-3, "kl_weight": 1.0, "policy_std": 0.6}
CHEETAH_ER: Chosen = {"replay": True, "policy_lr": 3e-5, "value_lr": 3e-4, "kl_weight": 1.0, "policy_std": 0.3}
WALKER_ER: Chosen = {"replay": True, "policy_lr": 1e-3, "value_lr": 1e-3, "kl_weight": 1.0, "policy_std": 0.3}
ER: dict[str, Chosen] = {
    "svg/swimmer-7": SWIMMER_ER,
    "svg/reacher-4-target": REACHER_ER,
    "svg/reacher-moving": REACHER_ER,
    "svg/gripper": GRIPPER_ER,
    "svg/monoped": MONOPED_ER,
    "svg/cheetah": CHEETAH_ER,
    "svg/cheetah-no-springs": CHEETAH_ER,
    "svg/walker": WALKER_ER,
}
NOISE = PerTask({task: chosen["policy_std"] for task, chosen in ER.items()})
"""Of the untrained policy in Figure 4, where it decides how far robots get: SVG(1)-ER's."""

TEN_ER = {"svg-1-er": 10, "random": 10}  # the claim about similar optima compares seeds

FIG4 = Experiment(
    id="svg/fig4",
    title="SVG(1)-ER on eight tasks",
    description=(
        "Returns of training episodes: SVG(1)-ER on every task, with SVG(1) and an actor-critic on the swimmer of "
        "seven links, and with all others except SVG(∞) on the 4-target reacher. The means of the final policies are "
        "tried; the monoped's for 1000 steps, with training's 5 % torque noise and with 25 %."
    ),
    tasks=FIG4_TASKS,
    variants=(
        Variant(
            "svg-1-er",
            "SVG(1)-ER",
            SVG_ONE,
            per_task(ER),
        ),
        Variant(
            "svg-1",
            "SVG(1)",
            SVG_ONE,
            per_task({"svg/swimmer-7": SWIMMER_ONE, "svg/reacher-4-target": REACHER_ONE}),
            tasks=RIVALRY,
        ),
        Variant("svg-0", "SVG(0)", SVG_ZERO, REACHER_ZERO, tasks=FOUR_TARGET),
        Variant("dpg", "DPG", SVG_ZERO, REACHER_DPG, tasks=FOUR_TARGET),
        Variant(
            "ac",
            "AC",
            ACTOR_CRITIC,
            per_task({"svg/swimmer-7": SWIMMER_AC, "svg/reacher-4-target": REACHER_AC}),
            tasks=RIVALRY,
        ),
        replace(UNTRAINED, config={**UNTRAINED.config, "policy_std": NOISE}),
    ),
    budgets=(
        Budget("paper", seeds=5, note="", limits={"episodes": 1500}, seeds_of=TEN_ER),
        Budget("short", seeds=5, note="500 episodes for 1500", limits={"episodes": 500}, seeds_of=TEN_ER),
        SMOKE,
    ),
    columns=(*COLUMNS, *TRIALS),
    measures=(FINAL, LEARNING, TRIED),
    claims=FIG4_CLAIMS,
    failures=FIG4_FAILURES,
    reached=IN_FIG4,
    deviations=FIG4_DEVIATIONS,
    figure="svgbench.reproduce.svg.figures:fig4",
    headline="reliably-similar-optima",
    step_unit="episodes",
    block_size=5,
)

EXPERIMENTS = (FIG2, HAND_MODEL, HAND_NOISE, CART_POLE_ACTIONS, FIG3, FIG4, REMARKS)
