"""Hand and ball in a noisier world, as data: does planning fail because of the noise, as the paper says?

Not in the paper, which prints no size of its noise. LEARNS is, for each noise, a return that is as far on the way from
doing nothing to a policy written by hand as Figure 2's -1.2 is with a noise of 1 N (`by_hand.py` prints both ends). It
and the levels of failure were fixed before the first run.
"""

from __future__ import annotations

from svgbench.reproduce.svg.claims import FAILURES as OTHERS
from svgbench.reproduce.svg.claims import FINAL, HAND_QUOTE, LEARNING, fails
from svgbench.reproduce.svg.deviations import HAND_NOISE_DEVIATIONS
from svgbench.reproduce.svg.reached import ON_NOISY_HANDS
from svgbench.reproduce.svg.tasks import HAND, NOISY_HANDS
from svgbench.reproduce.svg.variants import COLUMNS, HAND_INF, HAND_PLANNER, PLANNER, SMOKE, SVG_INF, UNTRAINED
from svgbench.words.claims import Claim, Comparison, FailureLevel, Term
from svgbench.words.experiment import Budget, Experiment, Variant
from svgbench.words.values import PerTask

HANDS = (HAND, *NOISY_HANDS)
EVERY_HAND = tuple(task.id for task in HANDS)
LEARNS = PerTask({"svg/hand": -1.2, "svg/hand-noise-2": -1.3, "svg/hand-noise-4": -1.55})

FAILED = 'half of the way from a policy that does nothing ({} m, both distances at the end) to the {} m of "learns"'
FAILURES = (
    *(level for level in OTHERS if level.task == "svg/hand"),
    FailureLevel("svg/hand-noise-2", FINAL, -2.8, FAILED.format(4.4, 1.3)),
    FailureLevel("svg/hand-noise-4", FINAL, -3.0, FAILED.format(4.4, 1.55)),
)

CLAIMS = (
    Claim(
        id="planner-fails-in-noise",
        quote=HAND_QUOTE,
        source="section 6.1, asked of forces of 1, 2 and 4 N",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-inf", FINAL),
                relation=">",
                right=LEARNS,
                number=(
                    "learns: a return above -1.2, -1.3 and -1.55 at 1, 2 and 4 N, 74 % of the way from doing nothing "
                    "to a policy written by hand"
                ),
            ),
            fails("planner", "svg-inf"),
        ),
        tasks=EVERY_HAND,
    ),
    Claim(
        id="real-trajectories-are-better",
        quote=(
            "We use learned models but only require observations from the environment instead of observations from "
            "model-predicted trajectories, minimizing the impact of compounded model errors"
        ),
        source="abstract",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-inf", FINAL),
                relation=">",
                right=Term("planner", FINAL),
                number="minimizing the impact: a higher return of SVG(∞) than of the planner, by any amount",
            ),
        ),
        tasks=EVERY_HAND,
    ),
    Claim(
        id="planning-suffers-from-noise",
        quote="To demonstrate the difficulty of planning with a stochastic model",
        source="section 6.1",
        origin="text",
        parts=(
            Comparison(
                left=Term("svg-inf", FINAL),
                relation=">",
                right=Term("planner", FINAL),
                number=(
                    "difficulty: the planner's distance behind SVG(∞), as a share of what the better one learns, is "
                    "larger at 4 N than at 1 N"
                ),
            ),
        ),
        tasks=("svg/hand", "svg/hand-noise-4"),
        rising=True,
    ),
)

HAND_NOISE = Experiment(
    id="svg/hand-noise",
    title="Real trajectories against planning, in a noisier world",
    description=(
        "Not in the paper: the left panel of Figure 2 with random forces on the ball of 1 N, as there, of 2 N and of "
        "4 N. If planning fails because the world is noisy, the planner falls behind SVG(∞) as the noise grows."
    ),
    tasks=HANDS,
    variants=(
        Variant("svg-inf", "SVG(∞)", SVG_INF, HAND_INF),
        Variant("planner", "planner", PLANNER, HAND_PLANNER),
        UNTRAINED,
    ),
    budgets=(
        Budget("paper", seeds=10, note="", limits={"episodes": 500}),
        Budget("short", seeds=5, note="200 episodes for 500, 5 seeds", limits={"episodes": 200}, block_size=5),
        SMOKE,
    ),
    columns=COLUMNS,
    measures=(FINAL, LEARNING),
    claims=CLAIMS,
    failures=FAILURES,
    reached=ON_NOISY_HANDS,
    deviations=HAND_NOISE_DEVIATIONS,
    figure="svgbench.reproduce.svg.figures:hand_noise",
    ours=True,
    question="Does planning fail where the world is noisy?",
    step_unit="episodes",
    block_size=10,
)
