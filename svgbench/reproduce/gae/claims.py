"""What section 4.6.3 of Schulman 2016 says about Figures 8 to 10. Each word has a number, fixed before any run."""

from __future__ import annotations

from svgbench.reproduce.on_policy import FINAL_REWARD, MEAN_REWARD
from svgbench.words.claims import BestOf, Claim, Comparison, FailureLevel, Measure, Term

AFTER_20 = Measure("return_mean", "return, iteration 20", {"step": 20})
AFTER_13 = Measure("return_mean", "return, iteration 13", {"step": 13})
FIRST_REWARD = Measure("reward_per_step", "reward per step, first 5 % of iterations", reduce="mean", until=0.05)

INSIDE = tuple(f"gamma-{g}-lambda-{x}" for g in ("0.96", "0.98", "0.99") for x in ("0.92", "0.96", "0.98", "0.99"))
OUTSIDE = tuple(
    f"gamma-{g}-lambda-{x}"
    for g in ("0.9", "0.92", "0.94", "0.96", "0.98", "0.99", "0.995", "1")
    for x in ("0.01", "0.36", "0.68", "0.84", "0.92", "0.96", "0.98", "0.99", "1")
    if f"gamma-{g}-lambda-{x}" not in INSIDE
)
FAST = tuple(f"gamma-0.99-lambda-{x}" for x in ("0.92", "0.96", "0.98"))
NOT_FAST = tuple(f"gamma-0.99-lambda-{x}" for x in ("0.01", "0.36", "0.68", "0.84", "0.99", "1"))

BIPED_INSIDE = tuple(f"gamma-{g}-lambda-{x}" for g in ("0.99", "0.995") for x in ("0.96", "0.99"))
BIPED_OUTSIDE = (
    *(f"gamma-{g}-lambda-{x}" for g in ("0.96", "0.98", "1") for x in ("0.96", "0.99")),
    *(f"gamma-{g}-lambda-{x}" for g in ("0.99", "0.995") for x in ("0.92", "1")),
)
BY_096, BY_1, WITHOUT = "gamma-0.995-lambda-0.96", "gamma-0.995-lambda-1", "gamma-0.995-no-vf"
FIVE_INSIDE, FIVE_OUTSIDE = (BY_096, "gamma-0.995-lambda-0.99", "gamma-0.99-lambda-0.96"), (BY_1, WITHOUT)
"""The biped's five settings that are run first, with three seeds: too few to choose a best, enough for each pair."""

LEARN = "Combining these techniques, we are able to learn to solve difficult control tasks"
LEARN_NUMBER = (
    "learn: with γ = 0.995 and λ = 0.96 a higher reward per step over the last 5 iterations than over the first 5 % of "
    "them, by any amount; whether the task is solved is not judged"
)

FALLS = "a path that ends half way: a step that stands pays about 10, and there are 1000"
FIG8_FAILURES = (
    FailureLevel("trpo/cart-pole", AFTER_20, 5000.0, FALLS),
    FailureLevel("trpo/cart-pole-barto", AFTER_20, 5000.0, FALLS),
)
FIG9_FAILURES = (
    FailureLevel("gae/biped", FINAL_REWARD, 0.1, "half of the bonus of 0.2 for a step that does not fall"),
    FailureLevel(
        "gae/quadruped", FINAL_REWARD, 0.0, "at rest it earns the bonus of 0.05 a step; random actions lose 1"
    ),
)
FIG10_FAILURES = (
    FailureLevel("gae/biped-standing", FINAL_REWARD, -0.75, "half of the way from lying (-1.5) to standing (0)"),
)
"""The levels below which a seed has failed. Fixed on 2026-11-29, before Figures 9 and 10 were measured at `paper`."""

BEST = "the best results are obtained at intermediate values of the parameters: γ in [0.96, 0.99] and λ in [0.92, 0.99]"


def best_in_the_box(suffix: str, asked: str, measure: Measure, number: str, task: str = "trpo/cart-pole") -> Claim:
    """The claim about the best settings of Figure 8, as it stands, or asked of something else."""
    return Claim(
        id=f"best-gamma-and-lambda{suffix}",
        quote=BEST,
        source=f"section 4.6.3, Figure 8{asked}",
        origin="text",
        parts=(Comparison(BestOf(INSIDE, measure), ">", BestOf(OUTSIDE, measure), number),),
        tasks=(task,),
    )


FIG8_CLAIMS = (
    best_in_the_box(
        "",
        "",
        AFTER_20,
        "best: the largest mean return after 20 iterations of the grid lies in the box, by any amount",
    ),
    best_in_the_box(
        "-harder",
        ", asked of a harder cart-pole",
        AFTER_20,
        "best: as above, with the constants of Barto, Sutton and Anderson, where no setting at γ = 0.99 "
        "has a mean of 9,800 after 20 iterations; declared on 2026-11-30, before the other γ were run",
        "trpo/cart-pole-barto",
    ),
    best_in_the_box(
        "-earlier",
        ", asked after fewer iterations",
        AFTER_13,
        "best: as above, after 13 iterations: the last one after which no setting has a mean above 9,000. "
        "Declared on 2026-11-30, after the runs; only this rule chose the iteration",
    ),
    Claim(
        id="fastest-lambda",
        quote="The fastest policy improvement is obtain by intermediate values of λ in the range [0.92, 0.98]",
        source="Figure 8",
        origin="text",
        parts=(
            Comparison(
                left=BestOf(FAST, MEAN_REWARD),
                relation=">",
                right=BestOf(NOT_FAST, MEAN_REWARD),
                number="fastest: the largest mean reward per step over all iterations at γ = 0.99, by any amount",
            ),
        ),
    ),
    Claim(
        id="lambda-zero-is-poor",
        quote="we found empirically that the one-step return (λ = 0) leads to excessive bias and poor performance",
        source="section 4.7",
        origin="text",
        parts=(
            Comparison(
                left=Term("gamma-0.99-lambda-0", AFTER_20),
                relation="<",
                right=Term("gamma-0.99-lambda-0.96", AFTER_20),
                margin=5000.0,
                number=(
                    "poor: after 20 iterations, at γ = 0.99, more than 5,000 below the return with λ = 0.96: half of "
                    "the largest possible one. The thesis does not say on which task it was found"
                ),
            ),
        ),
    ),
)

INTERMEDIATE = (
    "The best performance is again obtained using intermediate values of γ in [0.99, 0.995], λ in [0.96, 0.99]"
)
FIG9_CLAIMS = (
    Claim(
        id="biped-best-gamma-and-lambda",
        quote=INTERMEDIATE,
        source="section 4.6.3, Figure 9",
        origin="text",
        parts=(
            Comparison(
                left=BestOf(BIPED_INSIDE, FINAL_REWARD),
                relation=">",
                right=BestOf(BIPED_OUTSIDE, FINAL_REWARD),
                number="best: the largest mean reward per step over the last 5 iterations, by any amount",
            ),
        ),
        tasks=("gae/biped",),
    ),
    Claim(
        id="quadruped-best-at-0.96",
        quote="For quadrupedal locomotion, the best results are obtained using a value function with λ = 0.96",
        source="section 4.6.3, Figure 9",
        origin="text",
        parts=(
            Comparison(
                left=Term(BY_096, FINAL_REWARD),
                relation=">",
                right=BestOf((BY_1, WITHOUT), FINAL_REWARD),
                number="best: the largest mean reward per step over the last 5 iterations, by any amount",
            ),
        ),
        tasks=("gae/quadruped",),
    ),
    Claim(
        id="biped-best-of-five",
        quote=INTERMEDIATE,
        source="section 4.6.3, Figure 9",
        origin="text",
        parts=tuple(
            Comparison(
                left=Term(inside, FINAL_REWARD),
                relation=">",
                right=Term(outside, FINAL_REWARD),
                number=(
                    "a part of the claim, declared before its runs: of five settings each of the three inside the "
                    "range is better (a higher mean reward per step over the last 5 iterations, by any amount) than "
                    "λ = 1 and than no value function at γ = 0.995"
                ),
            )
            for inside in FIVE_INSIDE
            for outside in FIVE_OUTSIDE
        ),
        tasks=("gae/biped",),
    ),
    Claim(
        id="robots-learn-to-move",
        quote=LEARN,
        source="section 4.7; Figure 9",
        origin="text",
        parts=(Comparison(Term(BY_096, FINAL_REWARD), ">", Term(BY_096, FIRST_REWARD), LEARN_NUMBER),),
    ),
)

FIG10_CLAIMS = (
    Claim(
        id="value-function-helps",
        quote="For 3D standing, the value function always helped",
        source="section 4.6.3, Figure 10",
        origin="text",
        parts=(
            Comparison(
                left=Term(BY_096, FINAL_REWARD),
                relation=">",
                right=Term(WITHOUT, FINAL_REWARD),
                number="helped: a higher reward per step over the last 5 iterations; always: at both λ",
            ),
            Comparison(
                left=Term(BY_1, FINAL_REWARD),
                relation=">",
                right=Term(WITHOUT, FINAL_REWARD),
                number="helped: a higher reward per step over the last 5 iterations; always: at both λ",
            ),
        ),
    ),
    Claim(
        id="lambdas-are-alike",
        quote="the results are roughly the same for λ = 0.96 and λ = 1",
        source="section 4.6.3, Figure 10",
        origin="text",
        parts=(
            Comparison(
                left=Term(BY_096, FINAL_REWARD),
                relation="~",
                right=Term(BY_1, FINAL_REWARD),
                margin=0.15,
                number=(
                    "roughly the same: rewards per step within 0.15, a tenth of the way from lying on the back "
                    "(about -1.5) to standing (0)"
                ),
            ),
        ),
    ),
    Claim(
        id="biped-learns-to-get-up",
        quote=LEARN,
        source="section 4.7; Figure 10",
        origin="text",
        parts=(Comparison(Term(BY_096, FINAL_REWARD), ">", Term(BY_096, FIRST_REWARD), LEARN_NUMBER),),
    ),
)
