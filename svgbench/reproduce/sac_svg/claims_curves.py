"""What Amos et al. 2020 say about Figures 2, 4 and 7, beyond `claims.FIG2_CLAIMS`, as tests.

Each vague word has a number that was fixed before any run. Four evaluations are averaged where the end or the best of a
curve is meant: the authors' figures smooth over four.
"""

from __future__ import annotations

import math

from svgbench.reproduce.sac_svg.claims import FINAL
from svgbench.words.claims import BestOf, Claim, Comparison, Measure, OfDistance, Term

MEAN = Measure("eval_return", "mean of all evaluations", reduce="mean")
EARLY = Measure("eval_return", "mean of the first quarter's evaluations", reduce="mean", until=0.25)
LAST = Measure("eval_return", "mean of the last four evaluations", reduce="mean_of_last", k=4)
BEST = Measure("eval_return", "best mean of four evaluations", reduce="best_mean", k=4)
FALL = Measure("eval_return", "fall from the best four to the last four", reduce="fall", k=4, higher_is_better=False)
LOST = Measure(
    "eval_return", "share of its rise that it loses", reduce="share_lost", k=4, higher_is_better=False, ranked=False
)
FOLLOWS = Measure(
    "model_loss",
    "rank correlation of model error and return after the peak",
    reduce="rank_correlation",
    beside="eval_return",
    k=4,
    higher_is_better=False,
    ranked=False,
)
MODEL_LAST = Measure("model_loss", "model error, last four", reduce="mean_of_last", k=4, higher_is_better=False)
MODEL_BEST = Measure("model_loss", "model error, lowest of four", reduce="best_mean", k=4, higher_is_better=False)

TENTH, QUARTER = OfDistance(0.10), OfDistance(0.25)
ALL_BUT_A_TENTH = OfDistance(0.90)
ONE_AND_A_HALF = math.log(1.5)

MATCHES = "SAC-SVG(H) consistently matches the best performance and convergence rates across every task"
SURPASSES = (
    "a single deterministic dynamics model are sufficient to match and surpass the final performance of "
    "model-based and model-free methods"
)
UNWEIGHTED = (
    "Equation (13) could be weighted to deal with an imbalance between termination and non-termination conditions, but "
    "in practice we found this weighting to not be important"
)
DEGRADES = (
    "we find that MVE is competitive on all environments until a certain point in learning, after which performance "
    "gradually degrades"
)
HALTS = (
    "Since value learning is particularly sensitive to dynamics model error, on more complex tasks a slightly "
    "inaccurate model can halt MVE agent improvement"
)
SENSITIVE = (
    "policy evaluation can be significantly more sensitive to model bias than policy improvement, even for short "
    "rollouts"
)
ERROR_GROWS = (
    "As the replay buffer grows, the dynamics model update is less likely to sample recent transitions in each "
    "minibatch, resulting in a gradual increase in model error"
)
POOR = (
    "In MVE trials that perform poorly we can see the model error increase until eventually the agent stops improving"
)
STABLE = "We find value-expanding in the actor typically leads to more stable behavior"

AT_EQUAL_STEPS = "after as many environment steps, although MBPO makes many more updates"

MORE_FIG2_CLAIMS = (
    Claim(
        id="matches-the-best",
        quote=MATCHES,
        source="section 5; Figure 2",
        origin="text",
        parts=(
            Comparison(
                left=Term("sac-svg-2", FINAL),
                relation=">~",
                right=BestOf(("sac", "mbpo"), FINAL),
                margin=TENTH,
                number=(
                    "best performance: the last evaluation is not below that of the better of SAC and MBPO by more "
                    f"than 10 % of its distance from a random policy, {AT_EQUAL_STEPS}; across every task: on each"
                ),
            ),
            Comparison(
                left=Term("sac-svg-2", MEAN),
                relation=">~",
                right=BestOf(("sac", "mbpo"), MEAN),
                margin=TENTH,
                number=(
                    "best convergence rates: the same of the mean of all evaluations, the area under the curve; "
                    f"{AT_EQUAL_STEPS}"
                ),
            ),
        ),
        at_least=5,
    ),
    Claim(
        id="matches-mbpo",
        quote=SURPASSES,
        source="section 1; Figure 2",
        origin="text",
        parts=(
            Comparison(
                left=Term("sac-svg-2", FINAL),
                relation=">~",
                right=Term("mbpo", FINAL),
                margin=TENTH,
                number=(
                    "match, model-based: the last evaluation is not below MBPO's by more than 10 % of its distance "
                    f"from a random policy, {AT_EQUAL_STEPS}; on every task"
                ),
            ),
        ),
        at_least=5,
    ),
    Claim(
        id="surpasses-mbpo",
        quote=SURPASSES,
        source="section 1; Figure 2",
        origin="text",
        parts=(
            Comparison(
                left=Term("sac-svg-2", FINAL),
                relation=">",
                right=Term("mbpo", FINAL),
                number=(
                    "surpass, model-based: the last evaluation is above MBPO's by any amount, "
                    f"{AT_EQUAL_STEPS}; on every task"
                ),
            ),
        ),
        at_least=5,
    ),
    Claim(
        id="weighting-not-important",
        quote=UNWEIGHTED,
        source="section 4.2, eq. (13)",
        origin="text",
        parts=(
            Comparison(
                left=Term("unweighted", FINAL),
                relation="~",
                right=Term("sac-svg-2", FINAL),
                margin=TENTH,
                number=(
                    "not important: without the weights that the code has, the last evaluation is within 10 % of the "
                    "distance from a random policy, in either direction, on every task that terminates"
                ),
            ),
        ),
        tasks=("mbpo/hopper", "mbpo/walker2d", "mbpo/ant", "mbpo/humanoid"),
        at_least=4,
    ),
)


def competitive(expanded: str, without: str, id_: str) -> Claim:
    """The first half of the sentence, for one actor."""
    return Claim(
        id=id_,
        quote=DEGRADES,
        source="section 5.1.2, Figure 4",
        origin="text",
        parts=(
            Comparison(
                left=Term(expanded, EARLY),
                relation=">~",
                right=Term(without, EARLY),
                margin=QUARTER,
                number=(
                    "a certain point: a quarter of the steps; competitive until then: the mean of the evaluations is "
                    "not below that of the same actor with model-free critics by more than a quarter of the distance "
                    "from a random policy; on all environments: on every task"
                ),
            ),
        ),
        at_least=5,
    )


def degrades(expanded: str, without: str, id_: str) -> Claim:
    """The second half of the sentence, for one actor."""
    return Claim(
        id=id_,
        quote=DEGRADES,
        source="section 5.1.2, Figure 4",
        origin="text",
        parts=(
            Comparison(
                left=Term(expanded, LAST),
                relation="<",
                right=Term(expanded, BEST),
                margin=TENTH,
                number=(
                    "degrades: the last four evaluations are below the best four in a row by more than 10 % of the "
                    "distance from a random policy; on all environments: on every task"
                ),
            ),
            Comparison(
                left=Term(expanded, FALL),
                relation=">",
                right=Term(without, FALL),
                number="because of MVE: it falls by more than the same actor with model-free critics does",
            ),
        ),
        at_least=5,
    )


def far_below_sac(number: str, premise: bool = False) -> Comparison:
    """SAC's actor with expanded critics ends far below SAC."""
    return Comparison(Term("mve-sac", LAST), "<", Term("sac", LAST), number, QUARTER, premise=premise)


FIG4_CLAIMS = (
    competitive("mve-sac", "sac", "mve-competitive-at-first"),
    degrades("mve-sac", "sac", "mve-then-degrades"),
    competitive("mve-svg", "sac-svg-2", "mve-svg-competitive-at-first"),
    degrades("mve-svg", "sac-svg-2", "mve-svg-then-degrades"),
    Claim(
        id="mve-halts-on-complex-tasks",
        quote=HALTS,
        source="Figure 4",
        origin="text",
        parts=(
            far_below_sac(
                "halt: the last four evaluations are below SAC's by more than a quarter of the distance from a random "
                "policy; more complex: more dimensions of the action than hopper's three; can: on at least one task"
            ),
        ),
        tasks=("mbpo/walker2d", "mbpo/cheetah", "mbpo/ant", "mbpo/humanoid"),
        at_least=1,
    ),
    Claim(
        id="evaluation-more-sensitive",
        quote=SENSITIVE,
        source="section 1",
        origin="text",
        parts=(
            Comparison(
                left=Term("mve-sac", LAST),
                relation="<",
                right=Term("sac-svg-2", LAST),
                margin=TENTH,
                number=(
                    "significantly more sensitive: with the same two model steps, expansion in the critics only ends "
                    "below expansion in the actor only, by more than 10 % of the distance from a random policy; can: "
                    "on at least one task"
                ),
            ),
        ),
        at_least=1,
    ),
)


def error_grows(variant: str) -> Comparison:
    return Comparison(
        left=Term(variant, MODEL_LAST),
        relation=">",
        right=Term(variant, MODEL_BEST),
        margin=ONE_AND_A_HALF,
        scale="log_ratio",
        number="increase: the error at the last four evaluations is above 1.5 times the lowest mean of four in a row",
    )


def has_learned(variant: str) -> Comparison:
    """An agent that never learns has nothing to lose: without this, it would be the most stable of all."""
    return Comparison(
        left=Term(variant, BEST),
        relation=">~",
        right=Term("sac-svg-2", BEST),
        margin=ALL_BUT_A_TENTH,
        premise=True,
        number=(
            "it has learned: its best four evaluations are at least a tenth of the way from a random policy to the "
            "best four of SAC-SVG(2), whose critics do not follow the model"
        ),
    )


FIG7_CLAIMS = (
    Claim(
        id="model-error-grows",
        quote=ERROR_GROWS,
        source="section 5.1.2, Figure 7",
        origin="text",
        parts=(error_grows("mve-sac"), error_grows("mve-svg")),
    ),
    Claim(
        id="expanding-in-the-actor-is-more-stable",
        quote=STABLE,
        source="Figure 7",
        origin="text",
        parts=(
            has_learned("mve-svg"),
            has_learned("mve-sac"),
            Comparison(
                left=Term("mve-svg", LOST),
                relation="<",
                right=Term("mve-sac", LOST),
                number=(
                    "more stable: with the SVG(2) actor, the share of its own rise that it loses from the best four "
                    "evaluations to the last four is smaller than with SAC's, by any amount"
                ),
            ),
        ),
    ),
    Claim(
        id="model-error-grows-until-it-stops",
        quote=POOR,
        source="appendix A.3, Figure 7",
        origin="text",
        parts=(
            far_below_sac(
                "perform poorly: the last four evaluations are below SAC's by more than a quarter of the distance from "
                "a random policy, over all seeds; the paper selects trials",
                premise=True,
            ),
            error_grows("mve-sac"),
            Comparison(
                left=Term("mve-sac", FOLLOWS),
                relation="<",
                right=0.0,
                number=(
                    "until it stops improving: after a seed's best four evaluations the return is lower where the "
                    "error is higher, by rank correlation, on average over seeds; a seed with fewer than three "
                    "evaluations after them counts as 0"
                ),
                no_level="a correlation of two columns of one run",
            ),
        ),
    ),
)
