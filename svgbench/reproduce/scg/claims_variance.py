"""What sections 5.2.1 and 5.4 of Schulman 2016 say about variances, as data. Each word of a claim has a number.

The numbers were set before any run with ten seeds; pilots of one seed had been seen.
Only `increases-with-dimension` was added after it.
"""

from __future__ import annotations

import math

from svgbench.words.claims import TWICE, Claim, Comparison, Measure, Term


def at(size: int) -> Measure:
    return Measure("variance", f"variance of one estimate, size {size}", {"size": size}, higher_is_better=False)


LARGEST = Measure("variance", "variance of one estimate, largest size", higher_is_better=False)  # the last row
EACH = Measure("variance", "variance of one estimate", higher_is_better=False)
DECADES = math.log(100)

LINEARLY = "The variance of SF increases (often linearly) with the dimensionality of the sampled variables."


def _grows(small: int, large: int) -> Comparison:
    number = f"increases: more at {large} dimensions than at {small}, by any amount"
    return Comparison(Term("score", at(large)), ">", Term("score", at(small)), number, scale="log_ratio")


VARIANCE_CLAIMS = (
    Claim(
        id="linear-in-dimension",
        quote=LINEARLY,
        source="section 5.2.1, property 3; of the words in brackets",
        origin="text",
        parts=(
            Comparison(
                Term("score", at(1000)),
                ">",
                Term("score", at(10)),
                "linearly: from 10 to 1000 dimensions by at least 100 to the power of 0.8",
                margin=0.8 * DECADES,
                scale="log_ratio",
            ),
            Comparison(
                Term("score", at(1000)),
                "<~",
                Term("score", at(10)),
                "linearly: from 10 to 1000 dimensions by at most 100 to the power of 1.2",
                margin=1.2 * DECADES,
                scale="log_ratio",
            ),
        ),
        tasks=("dimension/mean", "dimension/sum"),
    ),
    Claim(
        id="increases-with-dimension",
        quote=LINEARLY,
        source="section 5.2.1, property 3; its main clause",
        origin="text",
        parts=(_grows(1, 10), _grows(10, 100), _grows(100, 1000)),
        tasks=("dimension/mean", "dimension/sum"),
    ),
    Claim(
        id="score-above-path",
        quote="SF tends to have higher variance than PD, when both estimators are applicable",
        source="section 5.2.1, property 3",
        origin="text",
        parts=(
            Comparison(
                Term("score", EACH),
                ">",
                Term("path", EACH),
                "higher: by any amount, at each size",
                scale="log_ratio",
            ),
        ),
        per=("size",),
    ),
    Claim(
        id="path-of-rough-functions",
        quote="PD has high variance if the function f is rough, which occurs in many time-series problems due to an "
        "“exploding gradient problem” / “butterfly effect”.",
        source="section 5.2.1, property 3",
        origin="text",
        parts=(
            Comparison(
                Term("path", at(16)),
                ">",
                Term("path", at(1)),
                "rough: at size 16 against size 1 at least ten times the variance",
                margin=math.log(10),
                scale="log_ratio",
            ),
            Comparison(
                Term("path", at(16)),
                ">",
                Term("score", at(16)),
                "high: at size 16 at least twice that of the score function",
                margin=TWICE,
                scale="log_ratio",
            ),
        ),
        tasks=("rough/wave", "rough/chain"),
    ),
    Claim(
        id="baseline",
        quote="Taking b = E_x [f(x)] generally leads to substantial variance reduction",
        source="section 5.4",
        origin="text",
        parts=(
            Comparison(
                Term("score-baseline", EACH),
                "<",
                Term("score", EACH),
                "substantial: at most three quarters of the variance, at each size",
                margin=math.log(4 / 3),
                scale="log_ratio",
            ),
        ),
        per=("size",),
    ),
)
