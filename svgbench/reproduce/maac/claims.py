"""What section 5.2 of Clavera et al. 2020 says about Figure 3. Each vague word has a number, fixed before any run.

Each sentence is judged twice: for the trained model, and for the model early in training.
"""

from __future__ import annotations

from typing import Literal

from svgbench.words.claims import TWICE, Claim, Comparison, Measure, Term

Relation = Literal["<", ">", "~"]
PER = ("start", "target", "step")

ERROR_AT_0 = Measure("error", "error, H = 0", {"horizon": 0}, higher_is_better=False)
ERROR_AT_1 = Measure("error", "error, H = 1", {"horizon": 1}, higher_is_better=False)
ERROR_AT_2 = Measure("error", "error, H = 2", {"horizon": 2}, higher_is_better=False)
ERROR_AT_3 = Measure("error", "error, H = 3", {"horizon": 3}, higher_is_better=False)
ERROR_AT_5 = Measure("error", "error, H = 5", {"horizon": 5}, higher_is_better=False)
ERROR_AT_20 = Measure("error", "error, H = 20", {"horizon": 20}, higher_is_better=False)
MEAN_ERROR = Measure("error", "error, mean over H", reduce="mean", higher_is_better=False)

LOWER = "using the true dynamics yields to lower gradient error"
SCALES = (
    "the error from the learned dynamics is lower than the one in the Q-funtion, but it scales poorly with the horizon"
)
SHORT_HELPS = (
    "For short horizons the error decreases as we increase the horizon. However, large horizons is detrimental since "
    "it magnifies the error on the models."
)


def ratio(
    left: str, error_left: Measure, relation: Relation, right: str, error_right: Measure, number: str
) -> Comparison:
    """The ratio left / right of each seed, on a logarithmic scale."""
    return Comparison(Term(left, error_left), relation, Term(right, error_right), number, scale="log_ratio")


def true_dynamics_lower(learned: str) -> tuple[Comparison, ...]:
    """The claim for one of the variants that learn both."""
    number = "lower: the mean error over the horizons; at H = 0 both sides are equal, so only H >= 1 decides"
    return (ratio("true-f-learned-q", MEAN_ERROR, "<", learned, MEAN_ERROR, number),)


def below_critic_but_scales_poorly(learned: str) -> tuple[Comparison, ...]:
    """The claim for a variant that learns only the dynamics."""
    critic = "true-f-learned-q"
    return (
        ratio(learned, ERROR_AT_1, "<", critic, ERROR_AT_1, "lower, at short horizons: H = 1; one function is learned"),
        ratio(learned, ERROR_AT_2, "<", critic, ERROR_AT_2, "lower, at short horizons: H = 2"),
        ratio(learned, ERROR_AT_3, "<", critic, ERROR_AT_3, "lower, at short horizons: H = 3"),
        Comparison(
            left=Term(learned, ERROR_AT_20),
            relation=">",
            right=Term(learned, ERROR_AT_1),
            scale="log_ratio",
            margin=TWICE,
            number="scales poorly: with exact Q, at least twice the error at H = 20 as at H = 1",
        ),
    )


def short_helps_long_hurts(learned: str) -> tuple[Comparison, ...]:
    """The claim for one of the variants that learn both."""
    short = "decreases for short horizons: less error at H = 5 than at H = 0"
    long = "large horizons are detrimental: more error at H = 20 than at H = 5"
    return (
        ratio(learned, ERROR_AT_5, "<", learned, ERROR_AT_0, short),
        ratio(learned, ERROR_AT_20, ">", learned, ERROR_AT_5, long),
    )


CLAIMS = (
    Claim(
        id="true-dynamics-lower",
        quote=LOWER,
        source="section 5.2",
        origin="text",
        per=PER,
        parts=true_dynamics_lower("learned-f-learned-q"),
    ),
    Claim(
        id="true-dynamics-lower-early",
        quote=LOWER,
        source="section 5.2; the model early in training",
        origin="text",
        per=PER,
        parts=true_dynamics_lower("early-f-learned-q"),
    ),
    Claim(
        id="model-below-critic-but-scales-poorly",
        quote=SCALES,
        source="section 5.2",
        origin="text",
        per=PER,
        parts=below_critic_but_scales_poorly("learned-f-exact-q"),
    ),
    Claim(
        id="model-below-critic-but-scales-poorly-early",
        quote=SCALES,
        source="section 5.2; the model early in training",
        origin="text",
        per=PER,
        parts=below_critic_but_scales_poorly("early-f-exact-q"),
    ),
    Claim(
        id="short-helps-long-hurts",
        quote=SHORT_HELPS,
        source="section 5.2",
        origin="text",
        per=PER,
        parts=short_helps_long_hurts("learned-f-learned-q"),
    ),
    Claim(
        id="short-helps-long-hurts-early",
        quote=SHORT_HELPS,
        source="section 5.2; the model early in training",
        origin="text",
        per=PER,
        parts=short_helps_long_hurts("early-f-learned-q"),
    ),
)
