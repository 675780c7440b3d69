"""Numbers that were wrong without an error: each is refused now, or right."""

from __future__ import annotations

import pytest
import torch
from scg_kit import normal, parameter, refused, within
from torch import nn
from torch.distributions import Bernoulli, Categorical, OneHotCategoricalStraightThrough

from svgbench import scg


def of_law(law, cost, estimator="score"):
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", law, theta, estimator=estimator)
    graph.cost("c", cost, x)
    return graph, theta, x


@pytest.mark.parametrize(
    "cost", [torch.round, lambda x: (x > 0).double(), lambda x: x.detach() ** 2], ids=["round", "step", "detached"]
)
def test_quadrature_refuses_costs_without_a_derivative(cost):
    """It differentiates the values of a score node, which the plan of a sampled run does not."""
    graph, theta, _ = of_law(normal, cost)
    exact = scg.exact(graph, {theta: parameter(0.3)}, points=40)
    for wanted in (exact.gradient, exact.hessian):
        with pytest.raises(scg.GraphError, match="quadrature differentiates values, and the edge x -> c has"):
            wanted(theta)
    assert within(scg.gradient(scg.sample(graph, {theta: parameter(0.3)}, 100), theta).detach(), 1.0, 20)


def test_a_straight_through_law_is_not_a_path():
    def graph(estimator):
        made = of_law(
            lambda t: OneHotCategoricalStraightThrough(logits=t),
            lambda x: (x @ torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)) ** 2,
            estimator,
        )
        return made[0]

    values = {"theta": parameter(0.1, 0.2, 0.3)}
    refused(graph("path"), "x is path and OneHotCategoricalStraightThrough, whose values have no derivative", values)
    torch.manual_seed(0)
    run = scg.sample(graph("auto"), values, 20_000)
    assert run.plan.report["x"].what == "score"
    assert within(scg.gradient(run, "theta"), scg.exact(graph("auto"), values).gradient("theta"))


@pytest.mark.parametrize("offset", [1e6, 1e8])
def test_costs_keep_their_type_beside_coarser_parameters(offset):
    graph, theta, x = of_law(lambda t: Bernoulli(logits=t), lambda x: offset + x.double())
    values = {theta: torch.tensor(0.5, dtype=torch.float32, requires_grad=True)}
    p = torch.sigmoid(torch.tensor(0.5)).item()
    torch.manual_seed(0)
    run = scg.sample(graph, values, 10_000)
    assert set((run.cost_values - offset).unique().tolist()) == {0.0, 1.0}
    for baseline in (scg.Constant({x: offset}), scg.LeaveOneOut()):
        assert within(scg.gradient(run, theta, baseline=baseline), p * (1 - p))
    assert scg.gradient(run, theta, baseline=scg.Constant({x: offset})).any()
    exact = scg.exact(graph, values)
    assert abs(exact.gradient(theta).item() - p * (1 - p)) < 1e-6
    assert exact.objective.item() == pytest.approx(offset + p, rel=1e-12)


def test_an_observed_value_that_carries_a_gradient_is_refused():
    graph = scg.Graph()
    theta = graph.input("theta")
    s = graph.stochastic("s", None)
    graph.cost("c", lambda s, t: s**2 + t, s, theta)
    t = parameter(0.5)
    with pytest.raises(scg.GraphError, match="the observed s carries a gradient, which is not followed"):
        scg.observe(graph, {theta: t}, {s: t + torch.ones(3, dtype=torch.float64)})
    with pytest.raises(scg.GraphError, match="the observed s is list, expected a tensor with an axis of samples"):
        scg.observe(graph, {theta: t}, {s: [1.0, 2.0]})
    with pytest.raises(scg.GraphError, match=r"the observed s is a tensor of the shape \(\), expected"):
        scg.observe(graph, {theta: t}, {s: torch.tensor(1.0)})


@pytest.mark.parametrize("estimator", ["enumerate", "score"])
@pytest.mark.parametrize("p", [0.0, 1.0])
def test_a_probability_at_its_edge_is_refused(estimator, p):
    """torch clamps it, so the derivative 3 would be 0."""
    graph, theta, _ = of_law(lambda t: Bernoulli(probs=t), lambda x: 3 * x, estimator)
    with pytest.raises(scg.GraphError, match="x has a probability of 0 or 1, where its derivative is lost"):
        scg.gradient(scg.sample(graph, {theta: parameter(p)}, 2), theta)
    with pytest.raises(scg.GraphError, match="x has a probability of 0 or 1"):
        scg.exact(graph, {theta: parameter(p)})
    near = scg.exact(graph, {theta: parameter(1e-3)})
    torch.testing.assert_close(near.gradient(theta).item(), 3.0)


def test_a_probability_at_its_edge_that_is_constant_is_not_refused():
    graph = scg.Graph()
    theta = graph.input("theta")
    k = graph.stochastic("k", lambda: Categorical(probs=torch.tensor([0.0, 0.4, 0.6], dtype=torch.float64)))
    x = graph.stochastic("x", lambda t, k: Bernoulli(logits=t * k), theta, k)
    graph.cost("c", lambda x: x, x)
    p = torch.sigmoid(torch.tensor([0.5, 1.0], dtype=torch.float64))
    truth = (0.4 * p * (1 - p))[0] + (0.6 * 2 * p * (1 - p))[1]
    torch.testing.assert_close(scg.exact(graph, {theta: parameter(0.5)}).gradient(theta), truth)


def test_a_module_with_a_frozen_parameter_is_differentiated_by_the_others():
    net = nn.Linear(1, 1).double()
    net.bias.requires_grad_(False)
    graph, theta, _ = of_law(lambda net: Bernoulli(logits=net(torch.ones(1).double())), lambda x: x[:, 0])
    run, exact = scg.sample(graph, {theta: net}, 5), scg.exact(graph, {theta: net})
    p = torch.sigmoid(net.weight + net.bias).detach().flatten()
    torch.testing.assert_close(exact.gradient(theta), p * (1 - p))
    assert scg.gradient(run, theta).shape == (5, 1) == scg.backward_pass(run)[theta].shape
    assert scg.optimal(exact.run, theta).numbers
