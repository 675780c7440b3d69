"""Numbers that were wrong at an edge: a draw that is cached or clamped, a law at its limit, a point of no curvature."""

from __future__ import annotations

import pytest
import torch
from scg_kit import parameter, refused, within
from torch.distributions import (
    AffineTransform,
    Bernoulli,
    Binomial,
    Categorical,
    ContinuousBernoulli,
    Gamma,
    Geometric,
    MixtureSameFamily,
    Normal,
    TransformedDistribution,
)

from svgbench import scg

ZERO, ONE = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)


def of_law(law, cost=lambda x: x, estimator="score"):
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", law, theta, estimator=estimator)
    graph.cost("c", cost, x)
    return graph


def test_a_transform_that_caches_its_last_draw_has_a_score():
    """It was 0: the draw's noise came from the cache, without its derivative."""
    graph = of_law(lambda t: TransformedDistribution(Normal(ZERO, ONE), [AffineTransform(t, 1.0, cache_size=1)]))
    torch.manual_seed(0)
    run = scg.sample(graph, {"theta": parameter(0.5)}, 20_000)
    assert within(scg.gradient(run, "theta"), 1.0)
    seen = scg.observe(graph, {"theta": parameter(0.5)}, {"x": run["x"].detach()})
    assert torch.equal(scg.gradient(seen, "theta"), scg.gradient(run, "theta"))


class Clipped(TransformedDistribution):
    """Its derivative is straight through."""

    def __init__(self, t):
        super().__init__(Normal(t, torch.ones_like(t)), [AffineTransform(0.0, 1.0)])

    def rsample(self, shape=()):
        x = super().rsample(shape)
        return x + (x.clamp(-0.5, 0.5) - x).detach()

    def sample(self, shape=()):
        return self.rsample(shape).detach()


def test_a_subclass_that_draws_otherwise_is_not_taken_for_its_transforms():
    refused(of_law(Clipped, estimator="path"), "theta -> x gives values whose (mean|square) has the derivative")


def mixture(t):
    return MixtureSameFamily(Categorical(probs=torch.stack([t, 1 - t])), Normal(torch.stack([ZERO, 3 * ONE]), ONE))


@pytest.mark.parametrize(("law", "at"), [(Geometric, 1.0), (mixture, 0.0)], ids=["geometric", "mixture"])
def test_more_laws_at_a_probability_of_0_or_1_are_refused(law, at):
    with pytest.raises(scg.GraphError, match="x has a probability of 0 or 1, where its derivative is lost"):
        scg.sample(of_law(law), {"theta": parameter(at)}, 5)
    assert scg.gradient(scg.sample(of_law(law), {"theta": parameter(0.4)}, 50), "theta").any()


def test_an_observed_run_at_a_probability_of_1_is_refused():
    graph = of_law(lambda t: Bernoulli(probs=t))
    with pytest.raises(scg.GraphError, match="x has a probability of 0 or 1"):
        scg.observe(graph, {"theta": parameter(1.0)}, {"x": torch.ones(4, dtype=torch.float64)})


def test_draws_that_torch_has_clamped_have_no_score():
    """d/dt E exp(-x) = -log(2) 2^-t; it was 492."""
    graph = of_law(lambda t: Gamma(t, ONE), lambda x: (-x).exp())
    with pytest.raises(scg.GraphError, match=r"x has draws below 2\.2e-308 that torch moves there"):
        scg.sample(graph, {"theta": parameter(0.001)}, 50)
    torch.manual_seed(0)
    run = scg.sample(graph, {"theta": parameter(0.5)}, 20_000)
    assert within(scg.gradient(run, "theta"), -torch.log(2 * ONE) * 2**-0.5)


def test_a_continuous_bernoulli_is_not_a_path():
    """torch's values have the derivative 0 for probabilities near 1/2."""
    law = lambda t: ContinuousBernoulli(logits=t)  # noqa: E731
    refused(of_law(law, estimator="path"), "x is path and ContinuousBernoulli", {"theta": parameter(0.0)})
    torch.manual_seed(0)
    run = scg.sample(of_law(law, estimator="auto"), {"theta": parameter(0.0)}, 20_000)
    assert within(scg.gradient(run, "theta"), 1 / 12)


def test_a_second_derivative_that_torch_loses_at_a_point_is_refused():
    """Of E x^2 of three coins it is .75 at the logit 0, and was 3."""
    graph = of_law(lambda t: Binomial(3, logits=t), torch.square)
    with pytest.raises(scg.GraphError, match="the edge theta -> x has the second derivative"):
        scg.exact(graph, {"theta": parameter(0.0)}).hessian("theta")
    found = scg.exact(graph, {"theta": parameter(0.3)}).hessian("theta").item()
    assert found == pytest.approx(0.357039655)


def test_a_detached_part_of_a_thousandth_is_refused():
    graph = of_law(lambda t: Normal(t, ONE), lambda x: x.sin() + 1e-3 * x.detach().sin(), "path")
    refused(graph, "x -> c has the derivative")


def test_deps_of_an_auto_node_are_decided_with_values():
    graph = of_law(lambda t: Normal(t, ONE), estimator="auto")
    with pytest.raises(scg.GraphError, match="DEPS of c with x, which is auto"):
        graph.deps("c")
    assert graph.deps("x") == (graph["theta"],)


def test_a_node_with_the_name_of_the_noise():
    graph = of_law(lambda t: Normal(t, ONE))
    graph.stochastic("x.noise", lambda x: Normal(x, ONE), "x")
    run = scg.sample(graph, {"theta": parameter(0.5)}, 4)
    with pytest.raises(scg.GraphError, match="the name of the noise of x, expected another name"):
        scg.reparameterised(run, "x")
