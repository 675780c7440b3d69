"""How the study of the bounds differs from Clavera et al. 2020, as data."""

from __future__ import annotations

from svgbench.words.experiment import Deviation

BOUND_DEVIATIONS = (
    Deviation(
        id="box",
        paper="the maxima (of the distance, and r_max) are over all states",
        ours="over a box: position within 6 m, velocity within 3 m/s, action within 8 m/s²",
        reason="as printed, over unbounded states, Lemma 4.2 and Theorem 4.1 fail: for states far enough away, the "
        "policies of any two gains have distance 1 for every α, and a quadratic cost has no r_max. Returns include "
        "states outside the box; `outside` bounds the share of discounted time spent there",
        source="Lemma 4.2, Theorem 4.1; the box is our choice",
    ),
    Deviation(
        id="two-alphas",
        paper="Theorem 4.1 has 2 α r_max / (1 - γ) times α c_3 (...)",
        ours="as printed, and with one α",
        reason="its proof multiplies 2 r_max / (1 - γ) by Lemma 4.2, which contains the only α. With two, the bound "
        "shrinks as α², but the loss only as α",
        source="Theorem 4.1, appendix A.3",
    ),
    Deviation(
        id="discount",
        paper="2 r_max / (1 - γ) times the distance of the policies",
        ours="as printed, and with (1 - γ)²",
        reason="the proof uses the distance of policies over 1 - γ as the distance of visitations; these differ by "
        "up to another factor 1 / (1 - γ)",
        source="appendix A.3",
    ),
    Deviation(
        id="lemma-4.1",
        paper="c_1 and c_2 as in the last line of appendix A.1",
        ours="as printed, and corrected as in `maac/fig3`; the constants are the smallest that the paths allow",
        reason="the constants are not printed. As printed, the lemma can fail from H = 0 on: the Jacobian of a_0 is "
        "s_0, whose norm can exceed 1",
        source="appendix A.1",
    ),
    Deviation(
        id="exact-step",
        paper="θ is a gradient step on 'the exact objective'",
        ours="a step on the H-step objective with the true f and Q, Q held fixed; J(θ̂) is compared with J(θ), and "
        "J(θ̂) - J(θ_o) is reported too",
        reason="this is the gradient that Lemma 4.1 is about. The theorem bounds the loss against that step, not "
        "against the old policy, although its name is monotonic improvement",
        source="Lemma 4.2, Theorem 4.1",
    ),
    Deviation(
        id="errors",
        paper="errors of learned networks",
        ours="random errors: a linear model whose [A B] is wrong by 0.01 (spectral norm), and a quadratic critic whose "
        "matrix is wrong by a tenth of its norm; 20 problems per seed",
        reason="returns, gradients and distances are then exact. The model's error is similar to that of "
        "`maac/fig3`'s trained model after 400 steps",
        source="our choice",
    ),
    Deviation(
        id="expectation",
        paper="an expectation over the noise of model and policy",
        ours="the mean over all paths with noise -1 or 1 at each time; the model has no noise of its own",
        reason="a path's gradient is quadratic in the noise, so this mean is exact, and the largest norms over "
        "paths are finite",
        source="section 4.1; our choice",
    ),
    Deviation(
        id="correlation",
        paper="'correlate' has no number",
        ours="Spearman's correlation between the error's 2-norm and its bound over H = 0, 1, 2, 3, 5, 8, per problem",
        reason="only the order can agree: the bound grows geometrically in H",
        source="Figure 3's caption",
    ),
)
