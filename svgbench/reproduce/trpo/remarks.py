"""What sections 2.5 and 3.12 of Schulman 2016 say in passing. Each word has a number, fixed before any run."""

from __future__ import annotations

from svgbench.reproduce.on_policy import FINAL_REWARD, MEAN_REWARD
from svgbench.reproduce.trpo.claims import EASIER, NEAR, SOLVED, on
from svgbench.words.claims import Claim, Comparison, Measure, Term
from svgbench.words.values import PerTask

SWIMMER = ("trpo/swimmer",)
FALL = Measure(
    "reward_per_step", "fall of the reward per step, best 5 to last 5 iterations", reduce="fall", k=5,
    higher_is_better=False,
)  # fmt: skip
CATASTROPHE = PerTask({task: SOLVED[task] / 2 for task in EASIER})

REMARKS_CLAIMS = (
    Claim(
        id="more-conjugate-gradient-steps-are-no-faster",
        quote="We found k = 10 to be quite effective, and using higher k did not result in faster policy improvement",
        source="section 3.12.1",
        origin="text",
        parts=(
            Comparison(
                left=Term("k-20", MEAN_REWARD),
                relation="<~",
                right=Term("single-path", MEAN_REWARD),
                margin=on(NEAR, SWIMMER),
                number=(
                    "higher: k = 20; not faster: the mean reward per step over all iterations is not above that with "
                    "k = 10 by more than 0.0075. The cart-pole's policy has six parameters, which ten steps solve for"
                ),
            ),
        ),
        tasks=SWIMMER,
    ),
    Claim(
        id="a-tenth-of-the-data-is-enough",
        quote="it can be computed on a subset of the data without severely degrading the quality of the final step. "
        "Hence, we can compute it on 10% of the data",
        source="section 3.12.1",
        origin="text",
        parts=(
            Comparison(
                left=Term("tenth", MEAN_REWARD),
                relation=">~",
                right=Term("single-path", MEAN_REWARD),
                margin=on(NEAR, EASIER),
                number=(
                    "without severely degrading: the mean reward per step over all iterations is not below that with "
                    "all data by more than 0.5 (cart-pole), 0.0075 (swimmer)"
                ),
            ),
        ),
        tasks=EASIER,
    ),
    Claim(
        id="whole-steps-end-in-a-catastrophe",
        quote="Without this line search, the algorithm occasionally computes large steps that cause a catastrophic "
        "degradation of performance",
        source="section 3.12",
        origin="text",
        parts=(
            Comparison(
                left=Term("whole-step", FALL),
                relation=">",
                right=Term("single-path", FALL),
                margin=CATASTROPHE,
                number=(
                    "catastrophic: from its best five iterations to its last five, a run without line search loses on "
                    "average at least half of what counts as solved (4.75 on cart-pole, 0.0375 on the swimmer) more "
                    "than one with it; a fall that is made good before the end does not count"
                ),
            ),
        ),
        tasks=EASIER,
    ),
    Claim(
        id="extra-variance-improves-cem",
        quote="It can be improved by artificially adding extra variance, according to a schedule where this added "
        "noise decreases to zero",
        source="section 2.5",
        origin="text",
        parts=(
            Comparison(
                left=Term("cem", FINAL_REWARD),
                relation=">",
                right=Term("cem-without-noise", FINAL_REWARD),
                number="improved: a higher reward per step over the last 5 iterations, by any amount",
            ),
        ),
        tasks=EASIER,
    ),
)
