"""How settings of chapter 3's figures were chosen, as data."""

from __future__ import annotations

from svgbench.reproduce.on_policy import FINAL_REWARD
from svgbench.reproduce.trpo.experiments import FIG4
from svgbench.words.experiment import Budget
from svgbench.words.search import Axis, Grid, Search

SWEEP = Search(
    id="trpo/natural-gradient-sweep",
    title="Step sizes of the natural gradient",
    description="The six multipliers of the original code's sweep, with a tenth of the paths of each iteration.",
    experiment=FIG4,
    grids=(
        Grid(
            variant="natural-gradient",
            axes=(Axis("multiplier", (3.0, 1.0, 0.3, 0.1, 0.03, 0.01), name="lambda", label="λ"),),
        ),
    ),
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
