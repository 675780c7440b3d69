"""The step under a bound on every state's KL, eq. (13) of Schulman 2016, in its quadratic model.

    maximize g'x   subject to   1/2 x'A_n x <= max_kl   for every state n

Its dual is a distribution w over states, found by the multiplicative algorithm of optimal design: with A(w) =
sum_n w_n A_n, minimizing g'A(w)^-1 g over w is c-optimality, and w_n <- w_n sqrt(x'A_n x), normalised, at
x = A(w)^-1 g, never increases it (Yu 2010, "Monotonic convergence of a general algorithm for computing optimal
designs"). At the optimum x'A_n x is the same at every state that has weight, and smaller elsewhere.
"""

from __future__ import annotations

import torch
from torch import Tensor

from svgbench.learners.surrogate import Fisher
from svgbench.nn.trust_region import conjugate_gradients


def direction(fisher: Fisher, g: Tensor, max_kl: float, cg_iterations: int, damping: float, rounds: int) -> Tensor:
    """The step [S, P] that solves this problem, scaled so that its largest 1/2 x'A_n x is `max_kl`.

    rounds: of the multiplicative algorithm; with 0 it is the direction of the mean KL.
    """
    weight = fisher.samples.weight.double()
    present = weight > 0

    def product(y: Tensor) -> Tensor:
        return fisher.analytic(y, weight.to(fisher.theta.dtype)) + damping * y

    x = conjugate_gradients(product, g, cg_iterations)
    for _ in range(rounds):
        weight = torch.where(present, weight * fisher.by_state(x).sqrt(), 0.0)
        weight = weight / weight.sum(1, keepdim=True)
        x = conjugate_gradients(product, g, cg_iterations)
    largest = torch.where(present, fisher.by_state(x), 0.0).amax(1, keepdim=True)
    return torch.where(largest > 0, x * (2 * max_kl / largest).sqrt(), 0.0)
