"""What chapter 5 of Schulman 2016 says about its estimators, as data. Each word of a claim has a number.

The numbers were set before any run with ten seeds. Pilots of one seed of `hessian`, `mm` and `variance` had been
seen, and one of `fig11` at `smoke`, after which its unbiasedness is judged at `paper` only.
"""

from __future__ import annotations

from svgbench.reproduce.exact import ROUNDING, zero
from svgbench.words.claims import Claim, Comparison, Measure, Term

ERROR = Measure("relative_error", "mean error over the exact gradient", {"step": "last"}, ranked=False)
VARIANCE = Measure("variance", "variance of one estimate", {"step": "last"}, higher_is_better=False)
DIFFERENCE = Measure("difference", "difference from eq. (38), each sample", {"step": "last"}, higher_is_better=False)

PERCENT = "unbiased: over seeds, the mean error at the most samples is within 1 % of the exact value"
PAPER = ("paper",)  # with fewer samples the sampling error alone exceeds the margin
UNTRAINED = "an identity of the estimator: nothing is trained that a larger budget would bring nearer to a level"


def _unbiased(variant: str) -> Comparison:
    return Comparison(Term(variant, ERROR), "~", 0.0, PERCENT, margin=0.01, no_level=UNTRAINED)


def _same(variant: str) -> Comparison:
    number = "the estimator: on each sample the number of eq. (38), up to rounding (root mean square, over the scale)"
    return Comparison(Term(variant, DIFFERENCE), "~", 0.0, number, margin=ROUNDING, no_level=UNTRAINED, every=True)


ALGORITHM_4 = (
    "Algorithm 4 shows explicitly how to compute the gradient estimator in a backwards pass through the stochastic "
    "computation graph."
)

FIG11_CLAIMS = (
    Claim(
        id="theorem-1",
        quote="Then the following two equivalent equations hold",
        source="section 5.3.1, Theorem 1, eq. (38) and (39)",
        origin="text",
        parts=(_unbiased("downstream"), _unbiased("upstream"), _same("upstream")),
        budgets=PAPER,
    ),
    Claim(
        id="algorithm-4-unbiased",
        quote="The gradient can be computed efficiently in a backwards traversal through the graph",
        source="section 5.7, of Algorithm 4: as corrected and as printed",
        origin="text",
        parts=(_unbiased("algorithm-4"), _unbiased("algorithm-4-printed")),
        budgets=PAPER,
    ),
    Claim(
        id="algorithm-4",
        quote=ALGORITHM_4,
        source="section 5.5, Algorithm 4 with the costs below v at the score of v (corrected)",
        origin="text",
        parts=(_same("algorithm-4"),),
    ),
    Claim(
        id="algorithm-4-printed",
        quote=ALGORITHM_4,
        source="section 5.5, Algorithm 4 as printed: the costs below the parent w at the score of v",
        origin="text",
        parts=(_same("algorithm-4-printed"),),
    ),
    Claim(
        id="baseline-unbiased",
        quote="we can add a baseline to every stochastic node, which depends all of the nodes it doesn't influence",
        source="section 5.4, Theorem 2",
        origin="text",
        parts=(_unbiased("optimal-baseline"),),
        budgets=PAPER,
    ),
    Claim(
        id="optimal-baseline",
        quote="The optimal baseline for scalar θ is in fact the weighted expectation",
        source="section 5.4, footnote 3",
        origin="text",
        parts=(
            Comparison(
                Term("optimal-baseline", VARIANCE),
                "<",
                Term("downstream", VARIANCE),
                "optimal: less variance than without a baseline, by any amount",
                scale="log_ratio",
            ),
        ),
    ),
)

FINAL_ERROR = Measure("error", "error of the Hessian", {"step": "last"}, higher_is_better=False)
BIAS = Measure("bias", "bias of the Hessian", {"step": "last"}, higher_is_better=False)

AGAIN = (
    "Hence, it is possible to compute the gradient yet again (for each component of the gradient vector), and get an "
    "estimator of the Hessian."
)


def _exact_hessian(variant: str) -> Comparison:
    number = "an estimator of the Hessian: its expectation over all outcomes is within 1 % of it (2-norm)"
    return Comparison(Term(variant, BIAS), "<~", 0.0, number, margin=0.01, no_level=UNTRAINED)


HESSIAN_CLAIMS = (
    Claim(
        id="estimator-again",
        quote=AGAIN,
        source="section 5.3.3, by a loss whose first derivative is itself differentiated as a graph (DiCE)",
        origin="text",
        parts=(
            _exact_hessian("dice"),
            _exact_hessian("dice-first-order"),
            _exact_hessian("dice-second-order"),
        ),
    ),
    Claim(
        id="surrogate-twice-log",
        quote=AGAIN,
        source="sections 5.3.2 and 5.3.3, read as: differentiate Corollary 1's surrogate loss twice",
        origin="text",
        parts=(_exact_hessian("log"),),
    ),
    Claim(
        id="surrogate-twice-ratio",
        quote=AGAIN,
        source="sections 5.3.2 and 5.3.3, read as: differentiate the surrogate with p / p-hat twice",
        origin="text",
        parts=(_exact_hessian("ratio"),),
    ),
)

LEAST_GAP = Measure("gap", "least bound - objective", reduce="min")
LARGEST_RISE = Measure("change", "largest rise of the objective", reduce="max", higher_is_better=False)
TOUCHING = Measure("gap", "largest gap at theta_old", {"offset": 0.0}, reduce="max", higher_is_better=False)
SLOPES = Measure("slope_gap", "difference of slopes at theta_old", reduce="max", higher_is_better=False)
GAIN = Measure("gain", "objective lowered by", {"step": "last", "offset": 0.0})
BOTH = ("one-step", "ten-steps")

MM_CLAIMS = (
    Claim(
        id="upper-bound",
        quote="Under certain conditions, L is an upper bound on the true objective (plus a constant).",
        source="section 5.9, eq. (41)",
        origin="text",
        parts=tuple(
            part
            for v in BOTH
            for part in (
                zero(v, LEAST_GAP, "upper bound: nowhere below, up to rounding", UNTRAINED, ">~"),
                zero(v, TOUCHING, "plus a constant: that with which they touch", UNTRAINED),
                zero(v, SLOPES, "a bound that touches has the objective's slope", UNTRAINED),
            )
        ),
    ),
    Claim(
        id="never-worse",
        quote="Equation (41) allows for majorization-minimization algorithms (like the EM algorithm) to be used to "
        "optimize with respect to θ.",
        source="section 5.9",
        origin="text",
        parts=tuple(
            part
            for v in BOTH
            for part in (
                zero(v, LARGEST_RISE, "majorization: no iteration raises it, up to rounding", UNTRAINED),
                Comparison(
                    Term(v, GAIN), ">", 0.0, "to optimize: the objective ends lower, by any amount",
                    no_level=UNTRAINED,
                ),
            )
        ),
    ),
)  # fmt: skip
