"""Supports that move with a parameter where torch does not say so, and surrogate losses without a gradient."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from scg_kit import accepted, parameter, refused
from torch.distributions import Bernoulli, Distribution, Exponential, Normal, TransformedDistribution
from torch.distributions.transforms import AffineTransform, TanhTransform

from svgbench import scg

ONE = torch.ones((), dtype=torch.float64)


class Own(Distribution):
    """A law of somebody else's, without a `support`."""

    arg_constraints: ClassVar[dict] = {}

    def __init__(self, base):
        super().__init__(base.batch_shape, validate_args=False)
        self.base = base

    def sample(self, shape=()):
        return self.base.sample(shape)

    def log_prob(self, x):
        return self.base.log_prob(x)


class Truncated(Own):
    """A standard normal law above t."""

    def __init__(self, t):
        super().__init__(Normal(torch.zeros_like(t), torch.ones_like(t)))
        self.below = self.base.cdf(t)

    def sample(self, shape=()):
        u = torch.rand(shape + self.below.shape, dtype=self.below.dtype)
        return self.base.icdf(self.below + u * (1 - self.below)).detach()

    def log_prob(self, x):
        return self.base.log_prob(x) - (1 - self.below).log()


def moved_exponential(t):
    return TransformedDistribution(Exponential(ONE), [AffineTransform(t, ONE)], validate_args=False)


def of_law(law, through_noise=False):
    graph = scg.Graph()
    theta = graph.input("theta")
    if through_noise:
        theta = graph.stochastic("noise", lambda t: Normal(t, 0.1 * torch.ones_like(t)), theta, estimator="path")
    x = graph.stochastic("x", law, theta)
    graph.cost("f", torch.square, x)
    return graph


@pytest.mark.parametrize("through_noise", [False, True], ids=["one law", "a law for each sample"])
def test_a_support_that_moves_unnoticed_is_refused(through_noise):
    refused(of_law(Truncated, through_noise), "whose mean is .*, not 0: its support moves")
    refused(of_law(moved_exponential, through_noise), "moves the support")


def test_a_density_that_lacks_a_factor_is_refused():
    class Lacking(Own):
        def log_prob(self, x):
            return self.base.log_prob(x) + self.base.loc

    refused(of_law(lambda t: Lacking(Normal(t, 1.0))), "whose mean is .*, not 0")


@pytest.mark.parametrize(
    "law",
    [
        lambda t: Own(Normal(t, 1.0)),
        lambda t: Own(Normal(0.0, t)),
        lambda t: TransformedDistribution(Normal(t, 1.0), [TanhTransform(cache_size=1)]),
        lambda t: TransformedDistribution(Exponential(ONE), [AffineTransform(0.0, t)], validate_args=False),
    ],
    ids=["location", "scale", "tanh", "scale of a half-line"],
)
def test_laws_whose_support_stays_are_accepted(law):
    accepted(of_law(law))


@pytest.mark.parametrize("p", [1e-6, 1e-3, 0.01, 0.03, 0.5])
def test_rare_outcomes_are_not_taken_for_a_support_that_moves(p):
    accepted(of_law(lambda t: Own(Bernoulli(probs=t))), {"theta": parameter(p)})


def test_the_test_of_a_score_leaves_the_random_state_alone():
    state = torch.random.get_rng_state()
    scg.explain(of_law(lambda t: Own(Normal(t, 1.0))), {"theta": parameter(0.5)}, 50)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_surrogate_without_a_gradient_is_refused():
    graph = of_law(lambda t: Normal(t, 1.0))
    graph.input("phi")
    values = {"theta": parameter(0.5), "phi": parameter(0.5)}
    detached = {name: value.detach() for name, value in values.items()}
    with pytest.raises(scg.GraphError, match="the run differentiates no input, expected one that requires a gradient"):
        scg.surrogate(scg.sample(graph, detached, 5))
    with pytest.raises(scg.GraphError, match="no cost is influenced by phi, expected a differentiated input that acts"):
        scg.surrogate(scg.sample(graph, {**detached, "phi": values["phi"]}, 5))
    with torch.no_grad():
        run = scg.sample(graph, values, 5)
    with pytest.raises(scg.GraphError, match=r"the run was drawn under torch.no_grad\(\), expected it outside"):
        scg.surrogate(run)
