"""How settings of chapter 3's figures were chosen, as data."""

from __future__ import annotations

from svgbench.reproduce.on_policy import FINAL_REWARD
from svgbench.reproduce.trpo.claims import LARGER
from svgbench.reproduce.trpo.experiments import FIG4
from svgbench.words.experiment import Budget
from svgbench.words.search import Axis, Grid, Search

OF_THE_CODE = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
OURS = (30.0, 10.0)  # smaller steps, added on 2026-11-30: where 3, the smallest step of the code's, had won
INNER = ("trpo/cart-pole", "trpo/swimmer")  # tasks whose best value of the code's six has a worse one on either side
EXTENDED = ("trpo/cart-pole-barto", *LARGER)


def multipliers(values: tuple[float, ...], tasks: tuple[str, ...]) -> Grid:
    axis = Axis("multiplier", values, name="lambda", label="λ")
    return Grid(variant="natural-gradient", axes=(axis,), tasks=tasks)


SWEEP = Search(
    id="trpo/natural-gradient-sweep",
    title="Step sizes of the natural gradient",
    description=(
        "The six multipliers of the original code's sweep, and two larger ones (smaller steps) of ours on hopper, "
        "walker and the second cart-pole, with 40 paths per iteration."
    ),
    experiment=FIG4,
    grids=(multipliers((*OURS, *OF_THE_CODE), EXTENDED), multipliers(OF_THE_CODE, INNER)),
    measure=FINAL_REWARD,
    budgets=(
        Budget("paper", seeds=5, note="", limits={"iterations": 50}, config={"simulations": 40}),
        Budget(
            "smoke",
            seeds=2,
            note="5 iterations of 8 paths of at most 100 steps, 2 seeds",
            limits={"iterations": 5},
            config={"simulations": 8, "path_length": 100},
            block_size=2,
        ),
    ),
    first_seed=9000,
    figure="svgbench.reproduce.trpo.figures:sweep",
)

SEARCHES = (SWEEP,)
