"""What sections 5.4 and 5.10 of Schulman 2016 say about their examples, as data. Each word of a claim has a number.

The numbers were set before any run with ten seeds; pilots of one seed, which is none of the ten, had been seen, and
runs at `smoke`. Runs at `smoke` barely learn a baseline, so claims about learned ones are judged at `paper` only.
The return without a memory was added to `recurrent` after the runs.
"""

from __future__ import annotations

import math

from svgbench.words.claims import TWICE, Claim, Comparison, Measure, Term

VARIANCE = Measure("variance", "variance, mean over the training", reduce="mean", higher_is_better=False)
WITHOUT = Measure(
    "variance_without", "without a baseline, mean over the training", reduce="mean", higher_is_better=False
)

REDUCTION = (
    "We describe variance reduction techniques that can be applied to the setting of stochastic computation graphs, "
    "generalizing prior work from reinforcement learning and variational inference."
)
LESS = math.log(4 / 3)


def _reduces(variant: str) -> Comparison:
    number = (
        "variance reduction: at most three quarters of the variance without a baseline, at the same parameters and on "
        "the same samples, both averaged over the training"
    )
    return Comparison(Term(variant, VARIANCE), "<", Term(variant, WITHOUT), number, margin=LESS, scale="log_ratio")


LOG_LIKELIHOOD = Measure("log_likelihood", "log p(x), exact", {"step": "last"})
LOG_LIKELIHOOD_BEFORE = Measure("log_likelihood", "log p(x) before training", {"step": 0})


def _above_none(variant: str) -> Comparison:
    number = "reduction that is of use: with it log p(x) ends higher than without a baseline, by any amount"
    return Comparison(Term(variant, LOG_LIKELIHOOD), ">", Term("none", LOG_LIKELIHOOD), number)


ESTIMATOR = "an identity of the estimator: nothing is trained that a larger budget would bring nearer to a level"


def _exact_42(column: str) -> Comparison:
    measure = Measure(column, "largest bias of eq. (42)", reduce="max", higher_is_better=False)
    number = (
        "unbiased: at each time of the training the mean over all values of h is within 1 % of the gradient (2-norm)"
    )
    return Comparison(Term("learned", measure), "<~", 0.0, number, margin=0.01, no_level=ESTIMATOR)


UNBIASED = "Given a sample h ∼ q_φ an unbiased estimate of the gradient is given by Theorem 2 as"

NVIL_CLAIMS = (
    Claim(
        id="variance-reduction",
        quote=REDUCTION,
        source="section 5.1, contributions; eq. (43) with b_l",
        origin="text",
        parts=(_reduces("running"), _reduces("learned"), _reduces("learned-direct")),
        budgets=("paper",),
    ),
    Claim(
        id="learns-better",
        quote=REDUCTION,
        source="section 5.1, contributions; read as: training gains by it",
        origin="text",
        parts=(_above_none("running"), _above_none("learned")),
        budgets=("paper",),
    ),
    Claim(
        id="trains",
        quote="It is used to train generative models using neural networks with discrete stochastic units in Mnih and "
        "Gregor [MG14]",
        source="section 5.6, of the score function method",
        origin="text",
        parts=(
            Comparison(
                Term("learned", LOG_LIKELIHOOD),
                ">",
                Term("learned", LOG_LIKELIHOOD_BEFORE),
                "to train: log p(x) rises by at least 4 nats, half of the way from the start to the best value",
                margin=4.0,
            ),
        ),
        budgets=("paper",),
    ),
    Claim(
        id="equation-42",
        quote=UNBIASED,
        source="section 5.10.1, eq. (42), with log p(h2 | h3) + log p(h3) for log p(h2) (corrected)",
        origin="text",
        parts=(_exact_42("bias_42"),),
    ),
    Claim(
        id="equation-42-printed",
        quote=UNBIASED,
        source="section 5.10.1, eq. (42) as printed: its last term is log p of the last layer but one",
        origin="text",
        parts=(_exact_42("bias_42_printed"),),
    ),
)

AFTER = Measure(
    "variance_after", "of the pathwise derivative, mean over the training", reduce="mean", higher_is_better=False
)


def _after_better(variant: str) -> Comparison:
    number = "preferable: training by it ends with a higher log p(x), by any amount"
    return Comparison(Term("after", LOG_LIKELIHOOD), ">", Term(variant, LOG_LIKELIHOOD), number)


def _after_less(variant: str) -> Comparison:
    number = "higher variance than PD: at the same parameters, by any amount"
    return Comparison(Term(variant, VARIANCE), ">", Term(variant, AFTER), number, scale="log_ratio")


VAE_CLAIMS = (
    Claim(
        id="score-above-path",
        quote="SF tends to have higher variance than PD, when both estimators are applicable",
        source="section 5.2.1, property 3; Figure 13 (right), before and after",
        origin="text",
        parts=(_after_less("before"), _after_less("before-baseline")),
    ),
    Claim(
        id="path-preferable",
        quote="Hence, PD is usually preferable when x is high-dimensional.",
        source="section 5.2.1, property 3; of 10 hidden numbers",
        origin="text",
        parts=(_after_better("before"), _after_better("before-baseline")),
        tasks=("latent/10",),
        budgets=("paper",),
    ),
)

RETURN = Measure("expected_return", "expected return, exact", {"step": "last"})
REGRET = Measure("regret", "regret", {"step": "last"}, higher_is_better=False)
REGRET_BEFORE = Measure("regret", "regret before training", {"step": 0}, higher_is_better=False)
ERROR = Measure("error", "mean error of the gradient", reduce="mean", ranked=False)


def _unbiased(variant: str, margin: float, words: str) -> Comparison:
    number = (
        f"an estimate of the gradient: over seeds, its mean error along the gradient is within {words} of the scale"
    )
    return Comparison(Term(variant, ERROR), "~", 0.0, number, margin=margin, no_level=ESTIMATOR)


def _maximises(variant: str) -> Comparison:
    number = "to maximize: the regret falls to less than half of what it was before training"
    return Comparison(Term(variant, REGRET), "<", Term(variant, REGRET_BEFORE), number, margin=TWICE, scale="log_ratio")


MDP_CLAIMS = (
    Claim(
        id="unbiased",
        quote="The classic REINFORCE [Wil92] estimate of the gradient is given by",
        source="section 5.10.2, eq. (44)",
        origin="text",
        parts=tuple(_unbiased(v, 0.02, "2 %") for v in ("none", "running", "learned", "value")),
        budgets=("paper",),
    ),
    Claim(
        id="variance-reduction",
        quote=REDUCTION,
        source="section 5.1, contributions; eq. (44) with b_t(s_t)",
        origin="text",
        parts=tuple(_reduces(v) for v in ("running", "learned", "value")),
        budgets=("paper",),
    ),
    Claim(
        id="maximises",
        quote="the goal is to maximize the expected sum of rewards, called the return.",
        source="section 5.10.2",
        origin="text",
        parts=(_maximises("learned"), _maximises("value")),
        budgets=("paper",),
    ),
)

WITHOUT_MEMORY = 0.9
"""The largest expected return of a policy that sees only the last observation, exactly."""

POMDP_CLAIMS = (
    Claim(
        id="history",
        quote="The policy therefore has to be a function of the history of past observations",
        source="section 5.10.2",
        origin="text",
        parts=(
            Comparison(
                Term("learned", RETURN),
                ">",
                Term("memoryless", RETURN),
                "has to: without memory the return is lower by at least 0.3, two thirds of what a memory is worth here",
                margin=0.3,
            ),
        ),
        budgets=("paper",),
    ),
    Claim(
        id="unbiased",
        quote="Applying Theorem 2, we obtain a gradient estimator",
        source="section 5.10.2, eq. (45)",
        origin="text",
        parts=tuple(_unbiased(v, 0.05, "5 %") for v in ("none", "running", "learned", "memoryless")),
        budgets=("paper",),
    ),
    Claim(
        id="variance-reduction",
        quote=REDUCTION,
        source="section 5.1, contributions; eq. (45) with b_t(o_1 ... o_t)",
        origin="text",
        parts=tuple(_reduces(v) for v in ("running", "learned")),
        budgets=("paper",),
    ),
    Claim(
        id="recurrent",
        quote="these functions can be parameterized as recurrent neural networks [Wie+10; Mni+14].",
        source="section 5.10.2, of the policy and the baseline",
        origin="text",
        parts=(
            _maximises("learned"),
            Comparison(
                Term("learned", RETURN),
                ">",
                WITHOUT_MEMORY,
                "recurrent: a return above 0.9, the best without a memory",
                no_level="the exact best of another class of policies; the best with a memory is 1",
            ),
        ),
        budgets=("paper",),
    ),
)
