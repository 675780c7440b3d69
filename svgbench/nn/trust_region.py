"""Steps to the edge of a trust region: conjugate gradients, the longest step, a line search (Schulman 2016, 3.12).

Every seed has its own step lengths, residuals and decisions. A finished seed is masked and waits. Vectors are always
float64 here: they are short, and conjugate gradients lose digits quickly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, no_type_check

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

SLACK = 1e-5
"""Relative slack on the divergence's bound, so that rounding does not reject a step that lies exactly on it."""

Product = Callable[[Float64[Tensor, "S P"]], Float64[Tensor, "S P"]]
"""A v of v, for a symmetric positive semi-definite A of each seed."""

Evaluate = Callable[[Float[Tensor, "S P"]], tuple[Float[Tensor, "S"], Float[Tensor, "S"]]]
"""Evaluates parameters: the objective's gain over the old ones, and the divergence from them."""


@no_type_check  # the tests would spend more time on its checks than on all others
def _dot(a: Float[Tensor, "S P"], b: Float[Tensor, "S P"]) -> Float[Tensor, "S 1"]:
    return (a * b).sum(1, keepdim=True)


def conjugate_gradients(
    product: Product, b: Float[Tensor, "S P"], iterations: int, tolerance: float = 1e-10
) -> Float64[Tensor, "S P"]:
    """x with A x close to b, by the given number of conjugate gradient steps from zero.

    A seed stops when its squared residual is below `tolerance` (the default is the authors'), or if A shows no
    curvature. Each residual is made orthogonal to all earlier ones, as it would be without rounding. Fisher matrices
    are so badly conditioned that otherwise the last of ten steps visibly depends on the order of summation.
    """
    b = b.double()
    x, r, p = torch.zeros_like(b), b.clone(), b.clone()
    rr = _dot(r, r)
    going = rr >= tolerance
    units: list[Float64[Tensor, "S P"]] = []  # the residuals so far, of length 1
    for _ in range(iterations):
        if not going.any():
            break
        Ap = product(p)
        pAp = _dot(p, Ap)
        going = going & (pAp > 0)
        alpha = torch.where(going, rr / pAp, 0.0)
        # where, not a product: a stopped seed's Ap may be infinite
        x = torch.where(going, x + alpha * p, x)
        units.append(torch.where(going, r / rr.sqrt(), 0.0))
        r = torch.where(going, r - alpha * Ap, r)
        for unit in units * 2:  # twice, because the first pass also rounds
            r = torch.where(going, r - _dot(unit, r) * unit, r)
        new_rr = _dot(r, r)
        p = torch.where(going, r + (new_rr / rr) * p, p)
        rr = torch.where(going, new_rr, rr)
        going = going & (rr >= tolerance)
    return x


def max_step(
    s: Float[Tensor, "S P"], As: Float[Tensor, "S P"], max_kl: float, min_multiplier: float = 0.0
) -> Float[Tensor, "S 1"]:
    """beta = sqrt(2 max_kl / s'As), which takes 1/2 (beta s)'A(beta s) to `max_kl`; zero without curvature.

    min_multiplier: a floor on 1 / beta, the Lagrange multiplier of the constraint at s = A^-1 g.
    """
    sAs = _dot(s, As)
    beta = (2 * max_kl / sAs).sqrt()
    if min_multiplier > 0:
        beta = beta.clamp(max=1 / min_multiplier)
    return torch.where((sAs > 0) & beta.isfinite(), beta, 0.0)


class LineSearch(NamedTuple):
    """theta: the new parameters where accepted, otherwise the old ones, bit for bit."""

    theta: Float[Tensor, "S P"]
    accepted: Bool[Tensor, "S"]
    fraction: Float64[Tensor, "S"]  # of the full step; 0 where nothing was accepted
    gain: Float64[Tensor, "S"]  # of the objective, at theta; 0 likewise
    divergence: Float64[Tensor, "S"]  # at theta; 0 likewise


@torch.no_grad()
def line_search(
    theta: Float[Tensor, "S P"],
    step: Float[Tensor, "S P"],
    evaluate: Evaluate,
    max_divergence: float,
    *,
    expected: Float[Tensor, "S"] | None = None,
    accept_ratio: float = 0.0,
    factor: float = 0.5,
    tries: int = 10,
) -> LineSearch:
    """Shrink the step by `factor` until the objective gains and the divergence is at most `max_divergence`.

    expected: the gain of the whole step if the objective were linear; with it the gain must also exceed
    `accept_ratio` times the expected gain of the shrunken step.
    """
    S = len(theta)
    kept = theta.clone()
    accepted = torch.zeros(S, dtype=torch.bool, device=theta.device)
    fraction, gain, divergence = (torch.zeros(S, dtype=torch.float64, device=theta.device) for _ in range(3))
    hopeless = ~step.isfinite().all(1) | (step == 0).all(1)
    share = 1.0
    for _ in range(tries):
        candidate = (theta + share * step).to(theta.dtype)
        new_gain, new_divergence = (value.double() for value in evaluate(candidate))
        good = (new_gain > 0) & (new_divergence <= max_divergence * (1 + SLACK))
        if expected is not None:
            good &= new_gain > accept_ratio * share * expected
        now = good & ~accepted & ~hopeless
        kept = torch.where(now[:, None], candidate, kept)
        fraction = torch.where(now, share, fraction)
        gain = torch.where(now, new_gain, gain)
        divergence = torch.where(now, new_divergence, divergence)
        accepted = accepted | now
        if bool((accepted | hopeless).all()):
            break
        share *= factor
    return LineSearch(kept, accepted, fraction, gain, divergence)


@torch.no_grad()
def whole_step(theta: Float[Tensor, "S P"], step: Float[Tensor, "S P"], evaluate: Evaluate) -> LineSearch:
    """The result of `line_search` if nothing is tested: every finite step is taken whole."""
    taken = step.isfinite().all(1)
    found = torch.where(taken[:, None], (theta + step).to(theta.dtype), theta)
    gain, divergence = (value.double() for value in evaluate(found))
    return LineSearch(found, taken, taken.double(), gain, divergence)
