"""Numbers that must not be lost in silence: by functions that are differentiated once, by modes of torch, by types."""

from __future__ import annotations

import pytest
import torch
from scg_kit import accepted, close, normal, parameter, within
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.distributions import Bernoulli, Beta

from svgbench import scg

# -- functions that are differentiated once only


class Square(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    @once_differentiable
    def backward(ctx, slope):
        return 2 * ctx.saved_tensors[0] * slope


def beta():
    """a ~ Beta(theta, 1), E[a^2] = theta / (theta + 2)."""
    graph = scg.Graph()
    theta = graph.input("theta")
    a = graph.stochastic("a", lambda t: Beta(t, torch.ones_like(t)), theta, estimator="path")
    graph.cost("c", torch.square, a)
    return graph


def squared():
    """A square of theta in front of a scored bit, and one of the bit and theta as the cost."""
    graph = scg.Graph()
    theta = graph.input("theta")
    s = graph.deterministic("s", Square.apply, theta)
    x = graph.stochastic("x", lambda s: Bernoulli(logits=s), s)
    graph.cost("c", lambda x, s: x * s + s, x, s)
    return graph


def test_the_derivative_of_a_law_that_is_differentiated_once():
    with scg.seeds(0):
        run = accepted(beta(), {"theta": parameter(1.5)}, 400)
    found = scg.gradient(run, "theta")
    assert within(found, parameter(2 / 3.5**2))
    assert close(scg.gradient(run, "theta", "upstream"), found)
    scg.surrogate(run).mean().backward()
    assert close(run["theta"].grad, found.mean(0))


def test_a_function_that_is_differentiated_once_in_front_of_a_scored_node():
    graph = squared()
    exact = scg.exact(graph, {"theta": parameter(0.7)})
    s = torch.tensor(0.49, dtype=torch.float64)
    p = s.sigmoid()
    truth = 1.4 * (1 + p + s * p * (1 - p))
    best = scg.optimal(exact.run, "theta").numbers[graph["x"]]
    for found in (
        exact.gradient("theta"),
        exact.expectation(scg.gradient(exact.run, "theta")),
        exact.expectation(scg.gradient(exact.run, "theta", "upstream")),
        exact.expectation(scg.backward_pass(exact.run)[graph["theta"]]),
    ):
        assert close(found, truth)
    plain = scg.Graph()
    theta = plain.input("theta")
    s = plain.deterministic("s", torch.square, theta)
    x = plain.stochastic("x", lambda s: Bernoulli(logits=s), s)
    plain.cost("c", lambda x, s: x * s + s, x, s)
    assert best == pytest.approx(scg.optimal(scg.exact(plain, {"theta": parameter(0.7)}).run, "theta").numbers[x])


def test_second_derivatives_of_what_is_differentiated_once_are_refused_by_name():
    words = "can be differentiated once only"
    run = scg.sample(beta(), {"theta": parameter(1.5)}, 5)
    with pytest.raises(scg.GraphError, match=f"a {words}"):
        scg.hvp(run, "theta", torch.ones((), dtype=torch.float64))
    exact = scg.exact(squared(), {"theta": parameter(0.7)})
    with pytest.raises(scg.GraphError, match=f"s {words}"):
        exact.hessian("theta")


def test_a_cost_behind_a_drawn_value_is_differentiated_twice_in_an_exact_hessian():
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", normal, theta)
    graph.cost("c", Square.apply, x)
    with pytest.raises(scg.GraphError, match="can be differentiated once only"):
        scg.exact(graph, {"theta": parameter(0.7)}, 3).hessian("theta")
