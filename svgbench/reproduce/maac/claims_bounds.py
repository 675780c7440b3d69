"""What Clavera et al. 2020 say about their bounds, as data.

Every vague word has a number, fixed before any run of ten seeds, but after a pilot of three seeds. A bound holds if no
problem of any seed breaks it. So the share of problems that break it is judged, in every seed: a mean of slacks could
hide one, and a mean of shares leaves open what a single counterexample decides.
"""

from __future__ import annotations

from svgbench.reproduce.exact import text_claim, zero
from svgbench.words.claims import Claim, Comparison, Measure, Term

UNTRAINED = "the sums are computed exactly; nothing is trained"

GRADIENT_SLACK = Measure("gradient_slack", "least slack of Lemma 4.1", reduce="min")
GRADIENT_BROKEN = Measure(
    "gradient_broken", "largest share of problems that break Lemma 4.1", reduce="max", higher_is_better=False
)
DISTANCE_BROKEN = Measure(
    "distance_broken", "largest share of problems that break Lemma 4.2", reduce="max", higher_is_better=False
)
LOSS_SLACK = Measure("loss_slack", "least slack of Theorem 4.1", reduce="min")
LOSS_BROKEN = Measure(
    "loss_broken", "largest share of problems that break Theorem 4.1", reduce="max", higher_is_better=False
)
CORRELATION = Measure("correlation", "rank correlation of error and bound over H")
LEAST_IMPROVEMENT = Measure("least_improvement", "least improvement over the old policy", reduce="min")
GUARANTEED = Measure("guaranteed", "largest guaranteed improvement", {"horizon": 3}, reduce="max")

ERROR = "Then the error on the gradient between the learned objective and the true objective can be bounded by"
DISTANCE = "Then the following bound on the total variation distance holds"
RETURN = "Then the average return of the π_θ̂ satisfies"
IMPROVEMENT = "Hence, we can provide explicit lower bounds of improvement in terms of model error and function error."
CORRELATE = (
    "The results correlate with the assumption that the error in the learned dynamics is lower than the error in the "
    "Q-function, as well as they correlate with the derived bounds."
)
EVERYWHERE = "a bound: not broken in any problem, at any H and α"
AT_EACH_ALPHA = "a bound: not broken in any problem, at any H; judged for each α"


def holds(id: str, variant: str, measure: Measure, quote: str, source: str, per: tuple[str, ...] = ()) -> Claim:
    """The claim that no problem breaks the bound."""
    part = zero(variant, measure, AT_EACH_ALPHA if per else EVERYWHERE, UNTRAINED)
    return text_claim(id, quote, source, part, per)


def above_zero(
    id: str,
    variant: str,
    measure: Measure,
    quote: str,
    source: str,
    number: str,
    per: tuple[str, ...] = (),
    every: bool = False,
) -> Claim:
    part = Comparison(Term(variant, measure), ">", 0.0, number, no_level=UNTRAINED, every=every)
    return text_claim(id, quote, source, part, per)


POSITIVE = "correlate: Spearman's correlation between the gradient's error and its bound, over horizons, is above 0"
SOMEWHERE = "a useful lower bound: J(θ) - bound is above J(θ_o) for the best problem and α at H = 3"

BOUND_CLAIMS = (
    holds("lemma-4.1-printed", "printed", GRADIENT_BROKEN, ERROR, "Lemma 4.1; the last line of appendix A.1"),
    holds("lemma-4.1-corrected", "corrected", GRADIENT_BROKEN, ERROR, "Lemma 4.1, repaired"),
    holds("lemma-4.2-printed", "printed", DISTANCE_BROKEN, DISTANCE, "Lemma 4.2, on the box; Lemma 4.1 as printed"),
    holds("lemma-4.2-corrected", "corrected", DISTANCE_BROKEN, DISTANCE, "Lemma 4.2, on the box; Lemma 4.1 repaired"),
    holds("theorem-4.1-printed", "printed", LOSS_BROKEN, RETURN, "Theorem 4.1; α stands twice", ("alpha",)),
    holds("theorem-4.1-one-alpha", "one-alpha", LOSS_BROKEN, RETURN, "Theorem 4.1 with one α: its proof", ("alpha",)),
    holds(
        "theorem-4.1-corrected", "corrected", LOSS_BROKEN, RETURN,
        "Theorem 4.1 with one α and (1 - γ)²; Lemma 4.1 repaired", ("alpha",),
    ),
    above_zero(
        "monotonic-improvement", "corrected", LEAST_IMPROVEMENT, "Monotonic Improvement", "Theorem 4.1, its name",
        "improvement: J(θ̂) is above J(θ_o) in every problem, at every H; judged for each α", ("alpha",),
        every=True,
    ),
    above_zero(
        "explicit-lower-bound-one-alpha", "one-alpha", GUARANTEED, IMPROVEMENT, "section 4.2; one α", SOMEWHERE
    ),
    above_zero(
        "explicit-lower-bound-corrected", "corrected", GUARANTEED, IMPROVEMENT, "section 4.2; corrected", SOMEWHERE
    ),
    above_zero("correlates", "corrected", CORRELATION, CORRELATE, "Figure 3; model and critic wrong", POSITIVE),
    above_zero("correlates-model-only", "model-only", CORRELATION, CORRELATE, "Figure 3; model wrong", POSITIVE),
    above_zero("correlates-critic-only", "critic-only", CORRELATION, CORRELATE, "Figure 3; critic wrong", POSITIVE),
)  # fmt: skip
