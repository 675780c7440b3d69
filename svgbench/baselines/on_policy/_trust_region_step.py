"""TRPO's step of a policy for given advantages: eq. (35) of Schulman 2016, solved as in section 3.12."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from svgbench.learners.surrogate import Fisher, Surrogate
from svgbench.nn.gaussian_policy import GaussianPolicy
from svgbench.nn.returns import divided_by_deviation
from svgbench.nn.trust_region import conjugate_gradients, line_search, max_step
from svgbench.simulate.batch import Batch


def trust_region_step(
    policy: GaussianPolicy, old: Tensor, batch: Batch, advantage: Tensor, config: Any
) -> tuple[Tensor, dict[str, Tensor]]:
    """New parameters [S, P], and those of `svgbench.learners.on_policy.COLUMNS` that a step of the policy has.

    old: the parameters that acted. advantage: [S, T, N]. config: has `standardise`, `max_kl`, `fisher_fraction`,
    `cg_iterations`, `cg_damping`, `min_multiplier`, `backtracks`, `backtrack_factor`, `accept_ratio`, `kl_barrier`
    (0: the line search does not check the divergence) and `l2`, as `svgbench.baselines.on_policy.gae.Config`.
    """
    c = config
    samples = batch.samples(divided_by_deviation(advantage, batch.used) if c.standardise else advantage)
    problem = Surrogate(policy, old, samples)
    fisher = Fisher(policy, old, batch.subset(samples, c.fisher_fraction))

    def product(y: Tensor) -> Tensor:
        return fisher.analytic(y) + c.cg_damping * y  # eq. (21)

    def evaluate(theta: Tensor) -> tuple[Tensor, Tensor]:
        gain, mean_kl, _ = problem.evaluate(theta)
        return gain - c.l2 * (theta.double().square() - old.double().square()).sum(1), mean_kl

    g = problem.gradient() - 2 * c.l2 * old
    s = conjugate_gradients(product, g, c.cg_iterations)  # F s = g
    beta = max_step(s, product(s), c.max_kl, c.min_multiplier)
    found = line_search(
        old, beta * s, evaluate, c.kl_barrier * c.max_kl if c.kl_barrier else math.inf,
        expected=(g * beta * s).sum(1), accept_ratio=c.accept_ratio, factor=c.backtrack_factor, tries=c.backtracks,
    )  # fmt: skip
    gain, mean_kl, _ = problem.evaluate(found.theta)
    entropy = policy.entropy(old)
    return found.theta, {"kl": mean_kl, "surrogate_gain": gain, "entropy": entropy, "accepted": found.fraction}
