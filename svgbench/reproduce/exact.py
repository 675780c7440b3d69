"""Claims about numbers that are computed exactly, where only rounding can differ from zero."""

from __future__ import annotations

from typing import Literal

from svgbench.words.claims import Claim, Comparison, Measure, Term

ROUNDING = 1e-9
"""Far above float64's rounding, far below the spread of an estimate and a share of problems."""


def zero(
    variant: str, measure: Measure, number: str, untrained: str, relation: Literal["<~", ">~"] = "<~"
) -> Comparison:
    """That a measure is in no problem above zero ("<~"), or in none below it, except for rounding.

    number: what the claim's word means. untrained: why a larger budget would not change the measure.
    """
    return Comparison(Term(variant, measure), relation, 0.0, number, margin=ROUNDING, no_level=untrained, every=True)


def text_claim(id: str, quote: str, source: str, part: Comparison, per: tuple[str, ...] = ()) -> Claim:
    """A claim of a paper's text with one comparison; per: the columns for whose values it is judged apart."""
    return Claim(id=id, quote=quote, source=source, origin="text", parts=(part,), per=per)
