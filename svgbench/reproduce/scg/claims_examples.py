"""What sections 5.4 and 5.10 of Schulman 2016 say of their examples, as data. Every word has its number.

The numbers were set before any run with ten seeds; pilots of one seed, which is none of the ten, had been seen.
"""

from __future__ import annotations

import math

from svgbench.words.experiment import Claim, Comparison, Measure, Term

VARIANCE_RATIO = Measure(
    "variance_ratio", "variance over that without a baseline", {"step": "last"}, higher_is_better=False
)
REDUCTION = (
    "We describe variance reduction techniques that can be applied to the setting of stochastic computation graphs, "
    "generalizing prior work from reinforcement learning and variational inference."
)
SAME_SAMPLES = "a ratio on the same samples: it compares two estimators, wherever the training has come to"
LESS = math.log(4 / 3)


def _reduces(variant: str) -> Comparison:
    number = "variance reduction: at the end of training at most three quarters of the variance without a baseline"
    return Comparison(
        Term(variant, VARIANCE_RATIO), "<", 1.0, number, margin=LESS, scale="log_ratio", no_level=SAME_SAMPLES
    )


LOG_LIKELIHOOD = Measure("log_likelihood", "log p(x), exact", {"step": "last"})
LOG_LIKELIHOOD_BEFORE = Measure("log_likelihood", "log p(x) before training", {"step": 0})


def _above_none(variant: str) -> Comparison:
    number = "reduction that is of use: with it log p(x) ends higher than without a baseline, by any amount"
    return Comparison(Term(variant, LOG_LIKELIHOOD), ">", Term("none", LOG_LIKELIHOOD), number)


NVIL_CLAIMS = (
    Claim(
        id="variance-reduction",
        quote=REDUCTION,
        source="section 5.1, contributions; eq. (43) with b_l",
        origin="text",
        parts=(_reduces("running"), _reduces("learned"), _reduces("learned-direct")),
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
)
