"""What sections 5.1, 5.3 and 5.4 of Clavera et al. 2020 say about Figures 2 and 4 and Table 1.

Each vague word of a claim has a number that was fixed before any run. Speed of learning is compared by the mean of all
evaluations of a run: the area under its curve, divided by its length.
"""

from __future__ import annotations

from svgbench.reproduce.random_returns import no_better_than_random
from svgbench.words.claims import Claim, Comparison, Measure, OfDistance, Published, Term

MEAN = Measure("eval_return", "mean of all evaluations", reduce="mean")
FINAL = Measure("eval_return", "return of the last evaluation")
FAILURES = no_better_than_random(FINAL, "poplin/cheetah", "poplin/hopper", "poplin/walker2d", "poplin/ant")
"""The levels below which a seed has failed."""
AT_55 = Measure("eval_return", "return after 55 rollouts", {"step": 55_000})
AT_150 = Measure("eval_return", "return after 150 rollouts", {"step": 150_000})
CHANGE = Measure("eval_return", "change between evaluations", reduce="mean_change", higher_is_better=False)
PLANNED = Measure("planned_return", "with planning", {"step": "last"})
UNPLANNED = Measure("unplanned_return", "without planning", {"step": "last"})

EFFICIENT = "consistently more sample efficient than existing state-of-the-art model-based algorithms"
FASTER = "In all the four environments, our method learns faster than previous MB and MF methods."
NEAR_OPTIMAL = "We are able to learn near-optimal policies in the half-cheetah environment in just over 50 rollouts"
GAP = "The gap in performance between MAAC and previous work increases as the environments increase in complexity"
ANT = "in complex environments, such as ant, MAAC achieves near-optimal performance within 150 rollouts"
SEVERE = "setting H to be 0 inflicts a severe drop in the algorithm performance"
STEVE = "using the STEVE targets results in slightly more stable training, but it does not have a significant effect"
SIMPLE = "single sample estimates can be used in simple environments"
COMPLEX = "they are not accurate enough in higher dimensional environments such as ant"
PLANNING = "show benefits in online planning in complex domains"
TIMID = "its improvement gains are more timid in easier domains"

AREA = "mean of all evaluations, at equal environment steps; any difference counts"
MORE_UPDATES = f"{AREA}; SAC has as many updates per step as the other"


IN_SHARES = (
    "difference of the means of all evaluations, as a share of the distance from a random policy to the better of the "
    "two; more complex: more dimensions of the action (3, 6, 8)"
)


def ahead(left: str, right: str, number: str) -> Comparison:
    """`left` learns faster than `right`."""
    return Comparison(Term(left, MEAN), ">", Term(right, MEAN), number)


FIG2_CLAIMS = (
    Claim(
        id="more-efficient-than-model-based",
        quote=EFFICIENT,
        source="abstract, Figure 2",
        origin="text",
        parts=(
            ahead("maac", "mbpo", f"than MBPO: {AREA}"),
            ahead("maac", "h0", f"than STEVE on SAC, which is MAAC at H = 0: {AREA}"),
        ),
    ),
    Claim(
        id="faster-than-previous-methods",
        quote=FASTER,
        source="section 5.1",
        origin="text",
        parts=(
            ahead("maac", "sac", f"than the MF method, SAC with one update per step: {AREA}"),
            ahead("maac", "mbpo", f"than the MB method MBPO: {AREA}"),
            ahead("maac", "h0", f"than the MB method STEVE on SAC, which is MAAC at H = 0: {AREA}"),
        ),
    ),
    Claim(
        id="faster-than-sac",
        quote=FASTER,
        source="section 5.1; our question: and than the MF method alone?",
        origin="ours",
        parts=(ahead("maac", "sac", f"than SAC with one update per step: {AREA}"),),
    ),
    Claim(
        id="faster-than-sac-equal-updates",
        quote=FASTER,
        source="section 5.1; our question: is the advantage due to the model?",
        origin="ours",
        parts=(ahead("maac", "sac-maac", f"than SAC: {MORE_UPDATES}"),),
    ),
    Claim(
        id="mbpo-faster-than-sac",
        quote="state-of-the-art model-based baselines: model-based policy-optimization (MBPO)",
        source="section 5.1; our question: does the rival beat SAC?",
        origin="ours",
        parts=(ahead("mbpo", "sac", f"than SAC with one update per step: {AREA}"),),
    ),
    Claim(
        id="mbpo-faster-than-sac-equal-updates",
        quote="state-of-the-art model-based baselines: model-based policy-optimization (MBPO)",
        source="section 5.1; our question: is the advantage due to the model?",
        origin="ours",
        parts=(ahead("mbpo", "sac-mbpo", f"than SAC: {MORE_UPDATES}"),),
    ),
    Claim(
        id="gap-grows-with-complexity",
        quote=GAP,
        source="section 5.1",
        origin="text",
        parts=(
            ahead("maac", "mbpo", f"the gap to MBPO: {IN_SHARES}"),
            ahead("maac", "h0", f"the gap to STEVE on SAC, which is MAAC at H = 0: {IN_SHARES}"),
        ),
        tasks=("poplin/hopper", "poplin/cheetah", "poplin/ant"),
        rising=True,
    ),
    Claim(
        id="near-optimal-in-50-rollouts",
        quote=NEAR_OPTIMAL,
        source="section 5.1",
        origin="text",
        parts=(
            Comparison(
                Term("maac", AT_55),
                ">",
                9630.0,
                "near-optimal: above 90 % of Table 1's 10700; just over 50 rollouts: after 55 of 1000 steps",
            ),
        ),
        tasks=("poplin/cheetah",),
        budgets=("paper",),
    ),
    Claim(
        id="ant-near-optimal-in-150-rollouts",
        quote=ANT,
        source="section 5.1",
        origin="text",
        parts=(Comparison(Term("maac", AT_150), ">", 2754.0, "near-optimal: above 90 % of Table 1's 3060"),),
        tasks=("poplin/ant",),
        budgets=("paper",),
    ),
)

QUARTER = OfDistance(0.25)
TENTH = OfDistance(0.10)
NOT_SIGNIFICANT = "no significant effect: within a tenth of the distance from a random policy, in either direction"

FIG4_CLAIMS = (
    Claim(
        id="h0-drops",
        quote=SEVERE,
        source="section 5.3, Figure 4",
        origin="text",
        parts=(
            Comparison(
                Term("h0", FINAL),
                "<",
                Term("maac", FINAL),
                "severe: a drop by more than a quarter of the distance from a random policy",
                margin=QUARTER,
            ),
        ),
    ),
    Claim(
        id="model-matters-most",
        quote="Using the model is the component that affects the most the performance",
        source="Figure 4",
        origin="text",
        parts=(
            Comparison(Term("h0", FINAL), "<", Term("td", FINAL), "the most: lower return than without STEVE"),
            Comparison(Term("h0", FINAL), "<", Term("single", FINAL), "the most: lower return than with one sample"),
        ),
    ),
    Claim(
        id="steve-more-stable",
        quote=STEVE,
        source="section 5.3, Figure 4",
        origin="text",
        parts=(
            Comparison(
                Term("maac", CHANGE),
                "<",
                Term("td", CHANGE),
                "more stable: smaller mean absolute change between successive evaluations",
            ),
        ),
    ),
    Claim(
        id="steve-no-significant-effect",
        quote=STEVE,
        source="section 5.3, Figure 4",
        origin="text",
        parts=(Comparison(Term("td", FINAL), "~", Term("maac", FINAL), NOT_SIGNIFICANT, margin=TENTH),),
    ),
    Claim(
        id="single-sample-in-simple-environments",
        quote=SIMPLE,
        source="section 5.3, Figure 4",
        origin="text",
        parts=(Comparison(Term("single", FINAL), "~", Term("maac", FINAL), NOT_SIGNIFICANT, margin=TENTH),),
        tasks=("poplin/hopper",),
    ),
    Claim(
        id="single-sample-not-on-ant",
        quote=COMPLEX,
        source="section 5.3, Figure 4",
        origin="text",
        parts=(
            Comparison(
                Term("single", FINAL),
                "<",
                Term("maac", FINAL),
                "not accurate enough: lower by more than a tenth of the distance from a random policy",
                margin=TENTH,
            ),
        ),
        tasks=("poplin/ant",),
    ),
)

TABLE1_CLAIMS = (
    Claim(
        id="planning-helps",
        quote=PLANNING,
        source="section 5.4, Table 1",
        origin="text",
        parts=(Comparison(Term("maac", PLANNED), ">", Term("maac", UNPLANNED), "benefits: any improvement"),),
        tasks=("poplin/ant", "poplin/walker2d"),
    ),
    Claim(
        id="planning-timid-in-easier-domains",
        quote=TIMID,
        source="section 5.4, Table 1",
        origin="text",
        parts=(
            Comparison(
                Term("maac", PLANNED),
                "~",
                Term("maac", UNPLANNED),
                "timid: within a tenth of the distance from a random policy (printed: 1 and 2 %)",
                margin=TENTH,
            ),
        ),
        tasks=("poplin/hopper", "poplin/cheetah"),
    ),
    Claim(
        id="planning-helps-more-in-complex-domains",
        quote=PLANNING,
        source="section 5.4, Table 1: 'its improvement gains are more timid in easier domains'",
        origin="text",
        parts=(
            Comparison(
                Term("maac", PLANNED),
                ">",
                Term("maac", UNPLANNED),
                "gain by planning, as a share of the distance from a random policy to the better of the two; more "
                "complex: more dimensions of the action (3, 6, 8)",
            ),
        ),
        tasks=("poplin/hopper", "poplin/cheetah", "poplin/ant"),
        rising=True,
    ),
    Claim(
        id="level-with-planning",
        quote="maac+mpc: 3970, 10900, 2800, 1760",
        source="Table 1",
        origin="table",
        parts=(
            Comparison(
                Term("maac", PLANNED),
                "~",
                Published("maac+mpc"),
                "reproduced: within a tenth of the distance from a random policy to the printed mean, which counts as "
                "exact, because its n is not printed",
                margin=TENTH,
            ),
        ),
        budgets=("paper",),
    ),
)
