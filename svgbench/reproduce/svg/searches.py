"""How the settings of Heess et al. 2015 that are not published were chosen, as data.

"We optimized hyper-parameters separately for each algorithm by first identifying a reasonable range for the relevant
hyper-parameters and then performing a more systematic grid search" (appendix D). A grid for each algorithm, at a part
of the episodes, on seeds from 9000. The winners are in `variants.py` and `experiments.py`; `svgbench tune --check`
compares them.
"""

from __future__ import annotations

from dataclasses import replace

from svgbench.reproduce.svg.experiments import FIG2, FIG3, FIG4, FOUR_TARGET
from svgbench.words.claims import Measure
from svgbench.words.experiment import Budget
from svgbench.words.search import Axis, Grid, Search
from svgbench.words.values import Setting

LATE = Measure("train_return", "return, last 50 episodes", reduce="mean_of_last", k=50)

FIRST_SEED = 9000
SMOKE_CUTS: dict[str, Setting] = {"value_updates": 5, "batch_size": 16, "hidden": (8, 8)}
SMOKE = Budget(
    "smoke",
    seeds=2,
    note="2 episodes, 2 seeds; 8 x 8 units in the policy, 5 updates of the critic, batches of 16",
    limits={"episodes": 2},
    config=SMOKE_CUTS,
    block_size=2,
)

RATES = Axis("policy_lr", (3e-4, 1e-3, 3e-3), name="lr")  # of one update an episode
SLOW_RATES = Axis("policy_lr", (1e-4, 3e-4, 1e-3), name="lr")  # of many

FIRST_NORM: dict[str, Setting] = {"max_grad_norm": 10.0}  # of the searches that come before those of the norm
UPDATE_NORMS = Axis("max_grad_norm", (1.0, 10.0), name="norm")  # a minibatch's are about 1 to 30
TRAJECTORY_NORMS = Axis("max_grad_norm", (10.0, 1000.0), name="norm")  # an episode's: above 60, early ones up to 1e27


FIRST_UPDATES: dict[str, Setting] = {"policy_updates": 50}  # of SVG(1)-ER, before its own search of them


def of_norms(first: Search, name: str, title: str) -> Search:
    """V_max of the same variants, with the settings that `first` chose for them."""

    def norms(grid: Grid) -> Axis:
        return TRAJECTORY_NORMS if grid.variant in ("svg-inf", "planner") else UPDATE_NORMS

    return replace(
        first,
        id=name,
        title=title,
        description=f"With the settings of {first.id}, as many episodes.",
        grids=tuple(replace(grid, axes=(norms(grid),)) for grid in first.grids),
        config={},
    )


ER_UPDATES = Axis("policy_updates", (25, 50, 100, 150), name="updates")  # its rivals': 25, 100 and 50, 150


def of_updates(first: Search, name: str, title: str) -> Search:
    """The policy's updates of SVG(1)-ER, with the settings that `first` and the search of V_max chose for it."""
    (grid,) = (grid for grid in first.grids if grid.variant == "svg-1-er")
    return replace(
        first,
        id=name,
        title=title,
        description=f"With the settings of {first.id} and of the search of V_max, as many episodes and seeds.",
        grids=(replace(grid, axes=(ER_UPDATES,), config={}),),
        config={},
    )


TRAJECTORY_AXES = (  # 1e-2 and 1.0 were added when the largest so far had won on hand or swimmer
    Axis("policy_lr", (*RATES.values, 1e-2), name="lr"),
    Axis("model_updates", (100, 400), name="updates"),
    Axis("policy_std", (0.1, 0.3, 1.0), name="std"),
)
CART_POLE_STD = Axis("policy_std", (0.2, 0.6), name="std")
CART_POLE_AXES = (RATES, Axis("policy_updates", (25, 100), name="updates"), CART_POLE_STD)
CART_POLE_ER_AXES = (RATES, Axis("kl_weight", (0.0, 0.1, 1.0), name="kl"), CART_POLE_STD)
FIG2_SEARCH = Search(
    id="svg/fig2-search",
    title="Settings of Figure 2",
    description="A fifth of the episodes of the figure.",
    experiment=FIG2,
    grids=(
        Grid("svg-inf", TRAJECTORY_AXES),
        Grid("planner", TRAJECTORY_AXES),
        Grid("svg-1-er", CART_POLE_ER_AXES, config=FIRST_UPDATES),
        Grid("svg-1", CART_POLE_AXES, chosen_for=("svg-1", "svg-1-100", "svg-1-50")),
        Grid("svg-0", CART_POLE_AXES),
        Grid("dpg", CART_POLE_AXES, chosen_for=("dpg", "dpg-100", "dpg-50")),
    ),
    measure=LATE,
    budgets=(
        Budget("paper", seeds=3, note="200 episodes, 3 seeds", limits={"episodes": 200}, block_size=3),
        SMOKE,
    ),
    config=FIRST_NORM,
    first_seed=FIRST_SEED,
)

FIG2_NORM_SEARCH = of_norms(FIG2_SEARCH, "svg/fig2-norm-search", "V_max of Figure 2")

FIG2_ER_SEARCH = of_updates(FIG2_SEARCH, "svg/fig2-er-search", "Policy updates of SVG(1)-ER in Figure 2")

PENALTIES = Axis("kl_weight", (0.0, 1.0), name="kl")  # of steps that leave D's actions; only replay has such
SWIMMER_STD = Axis("policy_std", (0.5, 1.0), name="std")
SWIMMER_AXES = (  # 3e-5 was added when 1e-4, the slowest so far, had won
    Axis("policy_lr", (3e-5, *SLOW_RATES.values), name="lr"),
    Axis("policy_updates", (50, 150), name="updates"),  # 150: one for each step
    SWIMMER_STD,
)
FIG3_SEARCH = Search(
    id="svg/fig3-search",
    title="Settings of Figure 3",
    description="A fifth of the episodes of the figure, on the swimmer of three links; that of five has its settings.",
    experiment=FIG3,
    tasks=("svg/swimmer-3",),
    grids=(
        Grid(
            "svg-inf",
            (TRAJECTORY_AXES[0], Axis("model_updates", (100, 400), name="updates"), SWIMMER_STD),
            chosen_for=("svg-inf", "svg-inf-10", "svg-inf-5"),
            also_on=("svg/swimmer-5",),
        ),
        Grid("svg-1", SWIMMER_AXES, chosen_for=("svg-1", "svg-1-10", "svg-1-5"), also_on=("svg/swimmer-5",)),
        Grid("svg-1-er", (SLOW_RATES, PENALTIES, SWIMMER_STD), also_on=("svg/swimmer-5",), config=FIRST_UPDATES),
        Grid("svg-0", SWIMMER_AXES, also_on=("svg/swimmer-5",)),
        Grid("dpg", SWIMMER_AXES, also_on=("svg/swimmer-5",)),
        Grid("ac", SWIMMER_AXES, also_on=("svg/swimmer-5",)),
    ),
    measure=LATE,
    budgets=(
        Budget("paper", seeds=3, note="400 episodes, 3 seeds", limits={"episodes": 400}, block_size=3),
        SMOKE,
    ),
    config=FIRST_NORM,
    first_seed=FIRST_SEED,
)

FIG3_NORM_SEARCH = of_norms(FIG3_SEARCH, "svg/fig3-norm-search", "V_max of Figure 3")

FIG3_ER_SEARCH = of_updates(FIG3_SEARCH, "svg/fig3-er-search", "Policy updates of SVG(1)-ER in Figure 3")

FIG4_BUDGETS = (
    Budget("paper", seeds=4, note="150 episodes, 4 seeds", limits={"episodes": 150}, block_size=2),
    SMOKE,
)
CRITIC_RATES = Axis("value_lr", (3e-4, 1e-3), name="value")
ARM_AXES = (SLOW_RATES, CRITIC_RATES, Axis("policy_std", (0.3, 1.0), name="std"))
FIG4_SEARCH = Search(
    id="svg/fig4-search",
    title="Settings of Figure 4: arms",
    description=(
        "A tenth of the episodes of the figure. The moving target has the settings of the four, the swimmer of seven "
        "links those of that of three."
    ),
    experiment=FIG4,
    grids=(
        Grid("svg-1-er", ARM_AXES, tasks=(*FOUR_TARGET, "svg/gripper")),
        Grid("svg-1", ARM_AXES, tasks=FOUR_TARGET),
        Grid("svg-0", ARM_AXES),
        Grid("dpg", ARM_AXES),
        Grid("ac", ARM_AXES, tasks=FOUR_TARGET),
    ),
    measure=LATE,
    budgets=FIG4_BUDGETS,
    first_seed=FIRST_SEED,
    limits={},
)
LEG_RATES = Axis("policy_lr", (3e-5, *SLOW_RATES.values, 3e-3), name="lr")  # both ends added: winners lay at them
FIG4_LEGS_SEARCH = replace(
    FIG4_SEARCH,
    id="svg/fig4-legs-search",
    title="Settings of Figure 4: robots on legs",
    description="A tenth of the episodes of the figure. The cheetah without springs has the settings of the one with.",
    grids=(
        Grid(
            "svg-1-er",
            (LEG_RATES, CRITIC_RATES, Axis("policy_std", (0.3, 0.6), name="std")),  # with 1.0 they only fall
            tasks=("svg/monoped", "svg/cheetah", "svg/walker"),
        ),
    ),
)

SEARCHES = (
    FIG2_SEARCH,
    FIG2_NORM_SEARCH,
    FIG2_ER_SEARCH,
    FIG3_SEARCH,
    FIG3_NORM_SEARCH,
    FIG3_ER_SEARCH,
    FIG4_SEARCH,
    FIG4_LEGS_SEARCH,
)
