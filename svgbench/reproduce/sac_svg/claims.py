"""What Amos et al. 2020 claim, as tests; every word that needed one has its number.

POPLIN-P and SAC* are printed means, taken as exact: such a claim is judged at the budget `paper` only.
"""

from __future__ import annotations

from svgbench.reproduce.random_returns import RANDOM_RETURN, no_better_than_random
from svgbench.words.claims import Claim, Comparison, Measure, OfDistance, Published, Term
from svgbench.words.values import PerTask

FINAL = Measure("eval_return", "return of the last evaluation")
FAILURES = no_better_than_random(FINAL, *RANDOM_RETURN)
"""The levels below which a seed of Table 2 has failed."""

BEST_H = PerTask(
    {
        "poplin/ant": "sac-svg-2",
        "poplin/hopper": "sac-svg-2",
        "poplin/swimmer": "sac-svg-2",
        "poplin/cheetah": "sac-svg-3",
        "poplin/walker2d": "sac-svg-4",
    }
)
OUTPERFORM_POPLIN = (
    "We outperform POPLIN in most of the locomotion tasks, though it has a strong exploration strategy and works "
    "exceedingly well in the cheetah environment from PETS"
)
MATCH_AND_SURPASS = (
    "a single deterministic dynamics model are sufficient to match and surpass the final performance of "
    "model-based and model-free methods"
)

TABLE2_CLAIMS = (
    Claim(
        id="outperforms-poplin",
        quote=OUTPERFORM_POPLIN,
        source="section 5, Table 2",
        origin="text",
        parts=(
            Comparison(
                left=Term(BEST_H, FINAL),
                relation=">",
                right=Published("POPLIN-P"),
                number=(
                    "the printed best H against POPLIN-P's printed mean; outperform: above it; most of the six tasks: "
                    "at least 4 of the five other than PETS Cheetah (printed: 5)"
                ),
            ),
        ),
        tasks=("poplin/ant", "poplin/hopper", "poplin/swimmer", "poplin/cheetah", "poplin/walker2d"),
        budgets=("paper",),
        at_least=4,
    ),
    Claim(
        id="poplin-ahead-on-pets-cheetah",
        quote=OUTPERFORM_POPLIN,
        source="section 5, Table 2",
        origin="text",
        parts=(
            Comparison(
                left=Term("sac-svg-4", FINAL),
                relation="<",
                right=Published("POPLIN-P"),
                number="the printed best H against POPLIN-P's printed mean; exceedingly well: ours is below it",
            ),
        ),
        tasks=("poplin/pets-cheetah",),
        budgets=("paper",),
    ),
    Claim(
        id="h2-improves-upon-sac",
        quote="setting H = 2 usually improves upon our SAC baseline (H = 0)",
        source="section 5",
        origin="text",
        parts=(
            Comparison(
                left=Term("sac-svg-2", FINAL),
                relation=">",
                right=Term("sac", FINAL),
                number="improves: by any amount, task by task; usually: on at least 4 of the 6 tasks (printed: 4)",
            ),
        ),
        at_least=4,
    ),
    Claim(
        id="sac-above-reported",
        quote="our SAC baseline often also outperforms the SAC baseline reported in Wang and Ba (2019)",
        source="section 5, Table 2",
        origin="text",
        parts=(
            Comparison(
                left=Term("sac", FINAL),
                relation=">",
                right=Published("SAC*"),
                number="outperforms: above the printed mean of SAC*; often: on at least 4 of the 6 tasks (printed: 5)",
            ),
        ),
        budgets=("paper",),
        at_least=4,
    ),
    Claim(
        id="h10-below-h2",
        quote="the row of SAC-SVG(10) lies below the row of SAC-SVG(2) in every column",
        source="Table 2",
        origin="table",
        parts=(
            Comparison(
                left=Term("sac-svg-10", FINAL),
                relation="<",
                right=Term("sac-svg-2", FINAL),
                number="below: by any amount, on every task",
            ),
        ),
        at_least=6,
    ),
)

FIG2_CLAIMS = (
    Claim(
        id="matches-sac",
        quote=MATCH_AND_SURPASS,
        source="section 1; Figure 2",
        origin="text",
        parts=(
            Comparison(
                left=Term("sac-svg-2", FINAL),
                relation=">~",
                right=Term("sac", FINAL),
                margin=OfDistance(0.10),
                number=(
                    "match: the last evaluation is not below SAC's after as many steps by more than 10 % of the "
                    "distance from a random policy to SAC (the margin of levels without a printed spread), on every "
                    "task"
                ),
            ),
        ),
        at_least=5,
    ),
    Claim(
        id="surpasses-sac",
        quote=MATCH_AND_SURPASS,
        source="section 1; Figure 2",
        origin="text",
        parts=(
            Comparison(
                left=Term("sac-svg-2", FINAL),
                relation=">",
                right=Term("sac", FINAL),
                number="surpass: the last evaluation is above SAC's after as many steps, by any amount, on every task",
            ),
        ),
        at_least=5,
    ),
    Claim(
        id="runs-as-a-humanoid",
        quote="is able to learn a running gait on the humanoid",
        source="section 5",
        origin="text",
        parts=(
            Comparison(
                left=Term("sac-svg-2", FINAL),
                relation=">",
                right=6000.0,
                number="running: a return above 6000; standing through all 1000 steps earns 5000",
            ),
        ),
        tasks=("mbpo/humanoid",),
        budgets=("paper",),
    ),
)
