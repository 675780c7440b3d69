"""Second derivatives behind a kink: refused where its place is random, and right elsewhere."""

from __future__ import annotations

import pytest
import torch
from scg_kit import normal, parameter, within
from torch import nn
from torch.distributions import Bernoulli, Gamma, Laplace, Normal

from svgbench import scg

ONE = torch.ones((), dtype=torch.float64)


def of_law(law, cost, estimator="score"):
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", law, theta, estimator=estimator)
    graph.cost("c", cost, x)
    return graph, theta


def hvp(graph, theta, n=100, at=0.3):
    return scg.hvp(scg.sample(graph, {theta: parameter(at)}, n), theta, ONE)


KINKS = {
    "on a path": (normal, torch.abs, "path", "x -> c"),  # it was 0; 2 phi(.3) is right
    "of a density": (lambda t: Laplace(t, 1.0), torch.square, "score", "theta -> x"),  # it was 2.08 for 2
}


@pytest.mark.parametrize("name", KINKS)
def test_a_kink_at_a_random_place_is_refused(name):
    law, cost, estimator, edge = KINKS[name]
    graph, theta = of_law(law, cost, estimator)
    with pytest.raises(scg.GraphError, match=f"the edge {edge} has a kink, where its derivative has a jump"):
        hvp(graph, theta)
    assert scg.gradient(scg.sample(graph, {theta: parameter(0.3)}, 100), theta).any()  # the first one is right


def test_a_parameter_that_meets_a_random_kink_is_refused():
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", lambda: Normal(0 * ONE, ONE))
    graph.cost("c", lambda x, t: torch.relu(x - t), x, theta)
    with pytest.raises(scg.GraphError, match="the edge theta -> c has a kink"):
        hvp(graph, theta)


def test_an_exact_hessian_by_quadrature_is_refused_there():
    for estimator in ("score", "path"):
        graph, theta = of_law(normal, torch.abs, estimator)
        with pytest.raises(scg.GraphError, match="the edge x -> c has a kink"):
            scg.exact(graph, {theta: parameter(0.3)}, points=30).hessian(theta)


def test_behind_a_score_node_a_kink_is_right():
    graph, theta = of_law(normal, torch.abs)
    torch.manual_seed(0)
    run = scg.sample(graph, {theta: parameter(0.3)}, 100_000)
    slopes = scg.per_sample(scg.surrogate(run, "dice"), run[theta])
    score = (run["x"] - 0.3).detach()
    estimates = (score.square() - 1) * run["c"].detach()
    assert within(estimates, 2 * Normal(0.0, 1.0).log_prob(parameter(0.3)).exp().detach())
    torch.testing.assert_close(scg.hvp(run, theta, ONE), estimates.mean())
    assert slopes.shape == (100_000,)


def test_a_kink_at_a_place_that_is_not_random_is_right():
    """A network of ReLUs that takes data, in front of bits and of normal noise."""
    net = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 1)).double()
    data = torch.linspace(-1, 1, 8, dtype=torch.float64)[:, None]
    for law, estimator in (
        (lambda net, s: Bernoulli(logits=net(s)[:, 0]), "score"),
        (lambda net, s: normal(net(s)[:, 0]), "score"),
        (lambda net, s: normal(net(s)[:, 0]), "path"),
    ):
        graph = scg.Graph()
        theta, s = graph.input("net"), graph.input("s", per_sample=True)
        x = graph.stochastic("x", law, theta, s, estimator=estimator)
        graph.cost("c", torch.square, x)
        run = scg.sample(graph, {theta: net, s: data})
        vector = torch.ones(sum(p.numel() for p in net.parameters()), dtype=torch.float64)
        assert scg.hvp(run, theta, vector).any()


def test_a_law_without_a_second_derivative_in_torch_is_refused():
    graph, theta = of_law(lambda t: Gamma(t, 1.0), torch.square, "path")
    with pytest.raises(scg.GraphError, match="torch has no second derivative of the graph"):
        hvp(graph, theta)
