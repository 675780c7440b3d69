"""Where our runs and chapter 5 of Schulman 2016 differ, as data. The chapter prints no numbers."""

from __future__ import annotations

from svgbench.lab.experiment import Deviation

BUDGET = Deviation(
    id="budget",
    paper="the chapter has no experiments: nothing is printed of samples or repeats",
    ours="`paper` is our choice, written down before the first run: ten seeds and the samples that `show` lists",
    reason="minutes on two cores, and margins that ten seeds can show",
    source="sections 5.2 to 5.9; our choice",
)

FIG11_DEVIATIONS = (
    BUDGET,
    Deviation(
        id="functions",
        paper="Figure 11 names f, y and p; it says nothing of what they are",
        ours="normal laws of variance 1, a Bernoulli law, polynomials, and in motif 2 a step function",
        reason="the gradients are then known in closed form, and motif 2 has a function without a derivative, as the "
        "text stresses",
        source="section 5.2.3, Figure 11; our choice",
    ),
    Deviation(
        id="algorithm-4",
        paper="the score of v is multiplied by the sum of costs below its parent w",
        ours="both: as printed, and with the sum of costs below v, which is the estimator of Theorem 1",
        reason="the printed line credits v with costs that it does not influence; that is unbiased, and another "
        "estimator",
        source="section 5.5, Algorithm 4, against eq. (38)",
    ),
    Deviation(
        id="optimal-baseline",
        paper="the formula is given for one stochastic node, E[f s^2] / E[s^2]",
        ours="one constant for each stochastic node, with the direct derivative's covariance; from Gauss-Hermite "
        "quadrature of 40 points a node, in motif 2, whose f is a step, an approximation",
        reason="any constant is unbiased; motifs 4 and 5 have more terms than the formula",
        source="section 5.4, footnote 3",
    ),
)
