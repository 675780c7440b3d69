"""Functions, inputs, words and baselines that a graph, a run or an estimate refuses."""

from __future__ import annotations

import re

import pytest
import torch
from scg_kit import accepted, normal, parameter, refused
from torch import nn
from torch.distributions import (
    Bernoulli,
    Categorical,
    Normal,
)

from svgbench import scg

ONE = torch.ones((), dtype=torch.float64)


# -- functions


def with_cost(function):
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", lambda t: normal(t.expand(3)), theta)
    graph.cost("c", function, x)
    return graph


IMPURE = {
    "mixes samples": lambda x: (x - x.mean(0)).sum(-1),
    "mixes samples: a sample": lambda x: x.cumsum(0).sum(-1),
    "mixes samples: a": lambda x: torch.cat([x[1:], x[-1:]]).sum(-1),
    "has another value when it is computed again": lambda x: x.sum(-1) + torch.randn(len(x)),
    "changes the value of a parent in place": lambda x: x.add_(1).sum(-1),
    "carries a gradient that no parent brings": lambda x: x.sum(-1) * parameter(1.0),
}


@pytest.mark.parametrize("words", IMPURE)
def test_what_is_not_a_function_of_one_sample_is_refused(words):
    refused(with_cost(IMPURE[words]), f"c {words}")


def test_a_law_that_holds_parameters_of_its_own_is_refused():
    """Its gradient would be missing: no input of the graph is above the node."""
    net = nn.Linear(1, 1).double()
    graph = scg.Graph()
    s = graph.input("s", per_sample=True)
    a = graph.stochastic("a", lambda s: Bernoulli(logits=net(s)), s)
    graph.cost("c", lambda a: a[:, 0], a)
    refused(graph, "a carries a gradient that no parent brings", {"s": torch.ones(5, 1, dtype=torch.float64)}, None)
    graph = scg.Graph()
    s, policy = graph.input("s", per_sample=True), graph.input("policy")
    a = graph.stochastic("a", lambda net, s: Bernoulli(logits=net(s)), policy, s)
    graph.cost("c", lambda a: a[:, 0], a)
    run = accepted(graph, {"s": torch.ones(5, 1, dtype=torch.float64), "policy": net}, None)
    assert scg.gradient(run, policy).shape == (5, 2)


SHAPES = {
    "a cost of two numbers": (
        lambda x: x,
        "the cost c has the shape (2, 3), expected one number for each sample, (2,)",
    ),
    "a mean": (lambda x: x.mean(), "the cost c has the shape (), expected one number for each sample, (2,)"),
    "no tensor": (lambda x: 3.0, "c is float, expected a tensor"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_named(name):
    function, words = SHAPES[name]
    graph = with_cost(function)
    with pytest.raises(scg.GraphError) as raised:
        scg.sample(graph, {"theta": parameter(0.5)}, 2)
    assert words.replace("(2,", "(16,") in str(raised.value)  # of the tests before the first run
    assert "at the node 'c' of the graph" in raised.value.__notes__


def test_a_law_without_the_sample_axis_is_refused():
    graph = scg.Graph()
    x = graph.stochastic("x", normal, graph.input("theta"))
    y = graph.stochastic("y", lambda x: Normal(0 * ONE, ONE), x)
    graph.cost("c", lambda y: y, y)
    with pytest.raises(scg.GraphError, match="y has the shape \\(\\), expected its first axis to be the 16 samples"):
        scg.sample(graph, {"theta": parameter(0.5)}, 2)


def test_a_parameter_is_not_taken_for_samples():
    """theta has as many numbers as there are samples: x * theta would pair them."""
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", lambda: Normal(0 * ONE, ONE))
    graph.cost("c", lambda t, x: x * t, theta, x)
    with pytest.raises(scg.GraphError, match=r"must match the size of tensor b .*per_sample=True"):
        scg.sample(graph, {"theta": parameter(1.0, 2.0, 3.0)}, 3)


# -- inputs, runs and estimates


def test_inputs_are_checked():
    graph = with_cost(lambda x: x.sum(-1))
    t = parameter(0.5)
    with pytest.raises(scg.GraphError, match="no node 'tetha', did you mean 'theta'"):
        scg.sample(graph, {"tetha": t})
    with pytest.raises(scg.GraphError, match=r"no value for the inputs \['theta'\]"):
        scg.sample(graph, {})
    with pytest.raises(scg.GraphError, match="a value is given for x, expected inputs only, and x is stochastic"):
        scg.sample(graph, {"theta": t, "x": t})
    with pytest.raises(scg.GraphError, match="the input theta is float, expected a tensor"):
        scg.sample(graph, {"theta": 0.5})
    with pytest.raises(scg.GraphError, match="n is 0, expected at least one sample"):
        scg.sample(graph, {"theta": t}, 0)
    with pytest.raises(scg.GraphError, match="node 'theta' belongs to another graph"):
        scg.sample(graph, {scg.Graph().input("theta"): t})
    two = scg.Graph()
    two.cost("c", torch.add, two.input("theta"), two.input("phi"))
    refused(two, "theta and phi are one tensor or share one", {"theta": t, "phi": t})


def test_data_has_one_number_of_samples():
    graph = scg.Graph()
    a, b = (graph.input(name, per_sample=True) for name in "ab")
    graph.cost("c", torch.add, a, b)
    with pytest.raises(scg.GraphError, match="the input b has 3 samples, expected 2"):
        scg.sample(graph, {a: torch.ones(2), b: torch.ones(3)})
    with pytest.raises(scg.GraphError, match="the input a has no axis, expected the samples as its first axis"):
        scg.sample(graph, {a: torch.tensor(1.0), b: torch.ones(3)})
    assert scg.sample(graph, {a: torch.ones(2), b: torch.ones(2)}).n == 2


def test_nodes_are_checked_when_they_are_made():
    graph = scg.Graph()
    theta = graph.input("theta")
    with pytest.raises(scg.GraphError, match="the graph has a node 'theta' already"):
        graph.input("theta")
    with pytest.raises(
        scg.GraphError, match=r"the estimator of x is 'scroe', expected one of score, .*, did you mean 'score'"
    ):
        graph.stochastic("x", normal, theta, estimator="scroe")
    with pytest.raises(scg.GraphError, match="belongs to another graph"):
        graph.deterministic("y", torch.square, scg.Graph().input("other"))
    with pytest.raises(scg.GraphError, match="y is said to be smooth in theta, expected one of its parents"):
        graph.deterministic("y", torch.ones, smooth=[theta])
    with pytest.raises(scg.GraphError, match="expected a stochastic node with a known law"):
        graph.log_prob("log p", theta)


def test_words_are_checked():
    """Any other word would take the last branch."""
    graph = with_cost(lambda x: x.sum(-1))
    run = scg.sample(graph, {"theta": parameter(0.5)}, 3)
    calls = [
        ("kind is 'Dice', expected one of log, ratio, dice, did you mean 'dice'", lambda: scg.surrogate(run, "Dice")),
        ("form is 'up', expected one of downstream, upstream", lambda: scg.gradient(run, "theta", "up")),
        ("form is 'print', expected one of corrected, printed", lambda: scg.backward_pass(run, "print")),
        ("form is 'as printed', expected", lambda: scg.condition_1(graph, "theta", "as printed")),
        ("baseline_order is 3, expected 1 or 2", lambda: scg.surrogate(run, "dice", baseline_order=3)),
    ]
    for words, call in calls:
        with pytest.raises(scg.GraphError, match=re.escape(words)):
            call()


def test_an_estimate_by_what_is_not_differentiated_is_refused():
    graph = with_cost(lambda x: x.sum(-1))
    run = scg.sample(graph, {"theta": torch.tensor(0.5)}, 3)
    for estimate in (scg.gradient, lambda run, theta: scg.hvp(run, theta, torch.ones(()))):
        with pytest.raises(
            scg.GraphError, match="theta is not differentiated by the run, expected an input that requires"
        ):
            estimate(run, "theta")
    with torch.no_grad():
        assert not scg.sample(graph, {"theta": parameter(0.5)}, 3).plan.wrt


def test_baselines_that_bias_the_estimate_are_refused():
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", normal, theta)
    y = graph.stochastic("y", normal, x)
    z = graph.deterministic("z", torch.square, y)
    c = graph.cost("c", lambda z, x: z + x, z, x)
    net = lambda v: v  # noqa: E731
    for w in (y, z, c):
        with pytest.raises(scg.GraphError, match=f"the baseline of x depends on {w}, which x influences"):
            scg.Learned(graph, {x: (net, [w])})
    other = graph.input("other")
    shared = scg.Learned(graph, {x: (net, [other])})
    with pytest.raises(scg.GraphError, match="the baseline of x depends on other, a module, expected one of its own"):
        scg.surrogate(scg.sample(graph, {"theta": parameter(0.5), "other": nn.Linear(1, 1)}, 4), baseline=shared)
    with pytest.raises(scg.GraphError, match="the baseline of x depends on x itself"):
        scg.Learned(graph, {x: (net, [x])})
    values = {"theta": parameter(0.5), "other": ONE}
    run = scg.sample(graph, values, 4)

    class Attached(scg.Baseline):
        def at(self, run, node):
            return run["theta"] * 2

    with pytest.raises(scg.GraphError, match="the baseline of x carries a gradient, which biases the estimate"):
        scg.surrogate(run, baseline=Attached())
    with pytest.raises(scg.GraphError, match="a baseline is given for y, expected nodes with a score term"):
        scg.gradient(run, theta, baseline=scg.Constant({y: 1.0}))
    with pytest.raises(scg.GraphError, match="fitted to the same samples, which biases the estimate"):
        scg.gradient(run, theta, baseline=scg.optimal(run, theta))
    with pytest.raises(scg.GraphError, match="the run has 4 samples, expected a multiple of 3"):
        scg.gradient(run, theta, baseline=scg.LeaveOneOut(3))
    with pytest.raises(scg.GraphError, match="the run has 1 samples, expected a multiple of 2"):
        scg.gradient(scg.sample(graph, values, 1), theta, baseline=scg.LeaveOneOut())
    with pytest.raises(scg.GraphError, match="expected the form downstream"):
        scg.gradient(run, theta, "upstream", scg.LeaveOneOut())
    with pytest.raises(scg.GraphError, match="decay is 1"):
        scg.Running(1)


def test_the_bound_refuses_what_it_does_not_hold_for():
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", normal, theta)
    y = graph.deterministic("y", lambda t, x: t * x, theta, x)
    graph.cost("c", lambda y: -y.square(), y)
    t = parameter(0.5)
    with pytest.raises(
        scg.GraphError, match="theta deterministically influences the cost c, expected it to act through"
    ):
        scg.bound(scg.sample(graph, {theta: t}, 3), {theta: t + 1})
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", normal, theta, estimator="path")
    graph.cost("c", lambda x: -x.square(), x)
    with pytest.raises(scg.GraphError, match="theta deterministically influences the cost c"):  # along the path
        scg.bound(scg.sample(graph, {theta: t}, 3), {theta: t + 1})


def test_a_categorical_state_is_an_index_and_not_differentiated():
    graph = scg.Graph()
    theta = graph.input("theta")
    k = graph.stochastic("k", lambda t: Categorical(logits=t), theta)
    graph.cost("c", lambda k: torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64)[k], k)
    exact = scg.exact(graph, {theta: parameter(0.3, -0.2, 0.5)})
    expected = torch.tensor([0.229615, 0.353747, -0.583361], dtype=torch.float64)
    torch.testing.assert_close(exact.gradient(theta), expected, rtol=1e-5, atol=1e-6)
    found = exact.expectation(scg.gradient(exact.run, theta))
    torch.testing.assert_close(found, exact.gradient(theta), rtol=1e-12, atol=1e-12)
