"""What chapters 2, 3 and 4 of Schulman 2016 say about estimators and the bound. Each word of a claim has a number.

The numbers were set before any run with ten seeds; a pilot of one other seed had been seen.
Only "stronger" in the claims about Proposition 1a was added after it.
"""

from __future__ import annotations

import math
from typing import Literal

from svgbench.reproduce.exact import ROUNDING, text_claim, zero
from svgbench.reproduce.scg.claims import UNTRAINED
from svgbench.words.claims import Claim, Comparison, Measure, Term

BIAS = Measure("bias", "bias of the gradient, longest episode", {"step": "last"}, higher_is_better=False)
VARIANCE = Measure(
    "variance",
    "variance of the gradient, longest episode",
    {"step": "last"},
    higher_is_better=False,
    scale="log_ratio",
)
WORST_BIAS = Measure("bias", "largest bias of the gradient", reduce="max", higher_is_better=False)
EACH = Measure("variance", "variance of the gradient", higher_is_better=False)


def _zero(variant: str, measure: Measure, number: str) -> Comparison:
    return zero(variant, measure, number, UNTRAINED)


def _unbiased(variant: str) -> Comparison:
    return _zero(variant, WORST_BIAS, "equality: the exact gradient at each length, up to rounding")


def _at_least(variant: str, measure: Measure, number: str) -> Comparison:
    return Comparison(Term(variant, measure), ">", 0.0, number, margin=0.01, no_level=UNTRAINED)


def _ratio(
    left: str,
    relation: Literal["<", ">", "<~"],
    right: str,
    measure: Measure,
    number: str,
    times: float = 1.0,
    other: Measure | None = None,
) -> Comparison:
    """left < right / times, left > right * times, or left <~ right * times; of the right side's `other`, if given."""
    right_side = Term(right, other or measure)
    return Comparison(Term(left, measure), relation, right_side, number, margin=math.log(times), scale="log_ratio")


POLICY_GRADIENT_CLAIMS = (
    Claim(
        id="eq-1",
        quote="We can derive versions of this formula that eliminate terms to reduce variance.",
        source="chapter 2, eq. (1)",
        origin="text",
        parts=(
            _unbiased("total"),
            _unbiased("following"),
            _ratio("following", "<", "total", VARIANCE, "reduce: less variance, by any amount, in the longest episode"),
        ),
    ),
    Claim(
        id="eq-2",
        quote="This equality holds for arbitrary baseline functions b.",
        source="chapter 2, eq. (2)",
        origin="text",
        parts=(_unbiased("baseline-random"), _unbiased("baseline-value"), _unbiased("baseline-optimal")),
    ),
    Claim(
        id="baseline",
        quote="We can further reduce the variance of the policy gradient estimator by using a baseline",
        source="chapter 2, before eq. (2), with b = V",
        origin="text",
        parts=(_ratio("baseline-value", "<", "following", EACH, "reduce: by any amount, at each length"),),
        per=("step",),
    ),
    Claim(
        id="near-optimal-baseline",
        quote="A near-optimal choice of baseline is the state-value function",
        source="chapter 2",
        origin="text",
        parts=(
            _ratio(
                "baseline-value", "<~", "baseline-optimal", EACH,
                "near-optimal: at most 1.25 times the least variance of a b(s_t), at each length", 1.25,
            ),
        ),
        per=("step",),
    ),
    Claim(
        id="formulas",
        quote="There are several different related expressions for the policy gradient",
        source="section 4.2, eq. (22)",
        origin="text",
        parts=tuple(map(_unbiased, ("total", "following", "baseline-value", "q", "advantage", "residual"))),
    ),
    Claim(
        id="advantage",
        quote="The choice Ψ_t = A^π(s_t, a_t) yields almost the lowest possible variance",
        source="section 4.2",
        origin="text",
        parts=tuple(
            _ratio(
                "advantage", "<~", other, EACH,
                "almost the lowest: at most 1.1 times that of each other formula, at each length", 1.1,
            )
            for other in ("total", "following", "baseline-value", "baseline-optimal", "q", "residual")
        ),
        per=("step",),
    ),
    Claim(
        id="discount",
        quote="Thus, practitioners generally use a discount factor, which reduces variance at the cost of some bias.",
        source="chapter 2, before Algorithm 2",
        origin="text",
        parts=(
            _ratio("discounted", "<", "baseline-value", VARIANCE, "reduces variance: by any amount"),
            _at_least("discounted", BIAS, "some bias: more than 1 % of the gradient"),
        ),
    ),
)  # fmt: skip


def gae(column: str, gae_lambda: float) -> Measure:
    words = {"bias_discounted": "bias from g^γ", "target_bias": "bias of targets", "target_variance": "var. of targets"}
    label = f"{words.get(column, column)}, λ = {gae_lambda:g}"
    return Measure(column, label, {"gae_lambda": gae_lambda}, higher_is_better=False)


GAMMAS = ("gamma-1", "gamma-0.9")
EXACT, INACCURATE = ("chain/exact",), ("chain/inaccurate",)
BIASED = "induces bias: more than 1 % of the gradient"

GAE_CLAIMS = (
    Claim(
        id="lambda-1",
        quote="GAE(γ, 1) is γ-just regardless of the accuracy of V, but it has high variance due to the sum of terms.",
        source="section 4.3, eq. (28)",
        origin="text",
        parts=tuple(
            part
            for v in GAMMAS
            for part in (
                _zero(v, gae("bias_discounted", 1.0), "γ-just: the discounted gradient exactly, up to rounding"),
                _ratio(
                    v, ">", v, gae("variance", 1.0), "high: more than with λ = 0, by any amount",
                    other=gae("variance", 0.0),
                ),
            )
        ),
    ),
    Claim(
        id="lambda-0-exact",
        quote="GAE(γ, 0) is γ-just for V = V^{π,γ}",
        source="section 4.3, eq. (27)",
        origin="text",
        parts=tuple(_zero(v, gae("bias_discounted", 0.0), "γ-just: exactly, up to rounding") for v in GAMMAS),
        tasks=EXACT,
    ),
    Claim(
        id="lambda-0-inaccurate",
        quote="and otherwise induces bias",
        source="section 4.3, of GAE(γ, 0)",
        origin="text",
        parts=tuple(_at_least(v, gae("bias_discounted", 0.0), BIASED) for v in GAMMAS),
        tasks=INACCURATE,
    ),
    Claim(
        id="lambda-0-variance",
        quote="but it typically has much lower variance.",
        source="section 4.3, of GAE(γ, 0) against GAE(γ, 1)",
        origin="text",
        parts=tuple(
            _ratio(
                v, "<", v, gae("variance", 0.0), "much lower: at most half of that with λ = 1", 2.0,
                other=gae("variance", 1.0),
            )
            for v in GAMMAS
        ),
    ),
    Claim(
        id="compromise",
        quote="The generalized advantage estimator for 0 < λ < 1 makes a compromise between bias and variance, "
        "controlled by parameter λ.",
        source="section 4.3, judged at λ = 0.75",
        origin="text",
        parts=tuple(
            part
            for v in GAMMAS
            for part in (
                _ratio(
                    v, "<", v, gae("bias_discounted", 0.75), "less bias than with λ = 0, by any amount",
                    other=gae("bias_discounted", 0.0),
                ),
                _ratio(
                    v, "<", v, gae("variance", 0.75), "less variance than with λ = 1, by any amount",
                    other=gae("variance", 1.0),
                ),
            )
        ),
        tasks=INACCURATE,
    ),
    Claim(
        id="gamma-bias",
        quote="Taking γ < 1 introduces bias into the policy gradient estimate, regardless of the value function’s "
        "accuracy.",
        source="section 4.3, judged at λ = 1",
        origin="text",
        parts=(_at_least("gamma-0.9", gae("bias", 1.0), "bias: more than 1 % of the undiscounted gradient"),),
    ),
    Claim(
        id="targets",
        quote="Another natural choice is to compute target values with an estimator based on the TD(λ) backup",
        source="section 4.5, footnote 2: with λ = 1 the targets are eq. (32)'s returns, and λ trades as in GAE",
        origin="text",
        parts=tuple(
            part
            for v in GAMMAS
            for part in (
                _zero(v, gae("target_bias", 1.0), "λ = 1: no bias, up to rounding"),
                _ratio(
                    v, "<", v, gae("target_variance", 0.75), "λ = 0.75: less variance than with 1, by any amount",
                    other=gae("target_variance", 1.0),
                ),
                _ratio(
                    v, "<", v, gae("target_bias", 0.75), "λ = 0.75: less bias than with 0, by any amount",
                    other=gae("target_bias", 0.0),
                ),
            )
        ),
        tasks=INACCURATE,
    ),
)  # fmt: skip

LOCAL = Measure("variance", "variance of the local estimate", higher_is_better=False)
DIFFERENCES = Measure("difference_variance", "variance of Q-value differences", higher_is_better=False)
MOST = Measure("variance", "variance, most actions", {"step": "last"}, higher_is_better=False, scale="log_ratio")
MOST_DIFFERENCES = Measure(
    "difference_variance",
    "of differences, most actions",
    {"step": "last"},
    higher_is_better=False,
    scale="log_ratio",
)
LOWER = (
    "The benefit of the vine method over the single path method that is our local estimate of the objective has much "
    "lower variance given the same number of Q-value samples in the surrogate objective."
)


def _half(left: str, right: str, measure: Measure, number: str) -> tuple[Comparison, ...]:
    return (_ratio(left, "<", right, measure, f"{number}: at most half, at each number of actions", 2.0),)


VINE_CLAIMS = (
    Claim(
        id="vine",
        quote=LOWER,
        source="section 3.5.2, with common random numbers, against single path as section 3.5.1 has it",
        origin="text",
        parts=_half("vine-common", "single-path", LOCAL, "much lower"),
        per=("step",),
    ),
    Claim(
        id="vine-against-baseline",
        quote=LOWER,
        source="section 3.5.2, with common random numbers, against single path with V as its baseline",
        origin="text",
        parts=_half("vine-common", "single-path-baseline", LOCAL, "much lower"),
        per=("step",),
    ),
    Claim(
        id="vine-independent",
        quote=LOWER,
        source="section 3.5.2, with independent rollouts, against single path with V as its baseline",
        origin="text",
        parts=_half("vine-independent", "single-path-baseline", LOCAL, "much lower"),
        per=("step",),
    ),
    Claim(
        id="common-random-numbers",
        quote="We can greatly reduce the variance of the Q-value differences between rollouts by using the same random "
        "number sequence for the noise in each of the K rollouts",
        source="section 3.5.2",
        origin="text",
        parts=_half("vine-common", "vine-independent", DIFFERENCES, "greatly"),
        per=("step",),
    ),
)

SLACK = Measure("slack", "least slack of the bound", reduce="min", ranked=False)
"""Below 0 is broken, far above 0 is loose: more is not better, and less is better only for a bound that holds."""
BROKEN = Measure("broken", "largest share of problems that break it", reduce="max", higher_is_better=False)


def _bound(variant: str) -> Comparison:
    return zero(variant, SLACK, "a lower bound: nowhere above, up to rounding", UNTRAINED, ">~")


def _holds(id: str, variant: str, quote: str, source: str) -> Claim:
    return text_claim(id, quote, source, _bound(variant))


def _stronger(id: str, variant: str, source: str) -> Claim:
    no_looser = Comparison(
        Term(variant, SLACK),
        "<~",
        Term("corrected", SLACK),
        "stronger: its least slack is at most that of Proposition 1 corrected, up to rounding",
        margin=ROUNDING,
        every=True,
    )
    quote = "This method makes it possible to provide slightly stronger bounds."
    return Claim(id=id, quote=quote, source=source, origin="text", parts=(_bound(variant), no_looser))


PROPOSITION = "Let α = D_TV^max(π_old, π_new). Then Equation (9) holds."

BOUND_CLAIMS = (
    _holds(
        "eq-8", "mixture", "Kakade and Langford proved the following result for this update", "section 3.2, eq. (8)"
    ),
    _holds(
        "proposition-1-expected", "expected", PROPOSITION,
        "section 3.3, Proposition 1, with epsilon as in eq. (8): of the new policy's expected advantage",
    ),
    _holds(
        "proposition-1-largest", "largest", PROPOSITION,
        "section 3.3, Proposition 1, with Algorithm 3's epsilon': of the largest advantage",
    ),
    _holds(
        "proposition-1-corrected", "corrected", PROPOSITION,
        "section 3.3, Proposition 1 with twice the penalty, as in Theorem 1 of the authors' paper",
    ),
    _holds(
        "eq-11", "divergence", "The following bound then follows directly from Equation (9)",
        "section 3.3, eq. (11), with Algorithm 3's epsilon'",
    ),
    _stronger(
        "proposition-1a", "perturbation",
        "section 3.11, Proposition 1a and eq. (20) as printed",
    ),
    _stronger(
        "proposition-1a-corrected", "perturbation-corrected",
        "section 3.11, Proposition 1a with the largest size in eq. (20) and the norms of its proof",
    ),
)  # fmt: skip
