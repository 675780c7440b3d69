"""What would silently be zero or wrong is refused, and what is right is not."""

from __future__ import annotations

import pytest
import torch
from scg_kit import accepted, normal, parameter, random_graph, refused
from torch.distributions import (
    Bernoulli,
    Beta,
    Exponential,
    Gamma,
    Independent,
    Normal,
    TransformedDistribution,
    Uniform,
)
from torch.distributions.transforms import AffineTransform

from svgbench import scg

ONE = torch.ones((), dtype=torch.float64)


# -- derivatives that do not exist


STEPS = {
    "a comparison": (lambda v: (v > 0).to(v.dtype), "has a jump"),
    "where": (lambda v: torch.where(v > 0, 1.0, 0.0).to(v.dtype), "has a jump"),
    "round": (lambda v: (3 * v).round(), "has a jump"),
    "sign": (lambda v: v.sign(), "has a jump"),
    "argmax": (lambda v: torch.stack([v, -v], -1).argmax(-1).to(v.dtype), "has a jump"),
    "a table": (lambda v: torch.tensor([1.0, -2.0, 0.5, 3.0]).to(v)[(2 + 2 * v).long().clamp(0, 3)], "has a jump"),
    "a jump on a slope": (lambda v: v + 0.3 * (v > 0.2), "has a jump"),
    "detach": (lambda v: v.detach() * 2, "has the derivative 0 by autograd"),
    "straight through": (lambda v: v.exp() + (v.round() - v.exp()).detach(), "has a jump"),
    "a stopped factor": (lambda v: v * v.detach(), "has the derivative"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_function_without_a_derivative_on_a_differentiated_path_is_refused(step):
    function, words = STEPS[step]
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", lambda: Normal(0 * ONE, ONE))
    y = graph.deterministic("y", lambda t, x: function(t + x), theta, x)
    graph.cost("c", lambda y: y, y)
    refused(graph, f"the edge theta -> y {words}")
    # behind a stochastic node nothing is asked of it
    graph = scg.Graph()
    z = graph.stochastic("z", normal, graph.input("theta"))
    graph.cost("c", function, z)
    accepted(graph)


SMOOTH = {
    "relu": torch.relu,
    "abs": torch.abs,
    "clamp": lambda v: v.clamp(-0.3, 0.3),
    "a root": lambda v: (v.abs() + 1e-3).sqrt(),
    "waves": lambda v: (20 * v).sin(),
    "a steep sigmoid": lambda v: torch.sigmoid(50 * v),
    "a constant": lambda v: torch.ones_like(v) + 0 * v,
    "a logarithm": lambda v: (v.square() + 0.1).log(),
    "a large number": lambda v: 1e8 + v,
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", SMOOTH)
def test_a_continuous_function_with_kinks_is_not(name, dtype):
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", lambda: Normal(torch.zeros((), dtype=dtype), 1.0))
    y = graph.deterministic("y", lambda t, x: SMOOTH[name](t + x), theta, x)
    z = graph.stochastic("z", normal, y, estimator="path")
    graph.cost("c", lambda y, z: y + SMOOTH[name](z), y, z)
    accepted(graph, {"theta": torch.tensor(0.5, dtype=dtype, requires_grad=True)})


@pytest.mark.parametrize("seed", range(4))
def test_a_random_graph_raises_no_false_alarm(seed):
    graph, inputs = random_graph(seed, inner=6, kinds=("bits", "class", "normal", "tanh", "cost"), probes=8)
    assert scg.explain(graph, inputs).ok


def test_what_is_declared_not_smooth_is_refused_where_it_matters_only():
    graph = scg.Graph()
    theta, other = graph.input("theta"), graph.input("other")
    y = graph.deterministic("y", lambda t, o: t * o, theta, other, smooth=[theta])
    graph.cost("c", lambda y: y, y)
    values = {"theta": parameter(0.5), "other": torch.tensor(2.0)}
    accepted(graph, values)
    refused(graph, "the edge other -> y is declared not smooth", values | {"other": parameter(2.0)})


def test_condition_1_as_printed_misses_edges_that_leave_theta():
    """And then Theorem 1 gives 0, where the derivative is the density at 0.5."""
    graph = scg.Graph(probes=0)  # nothing is tested
    theta = graph.input("theta")
    x = graph.stochastic("x", lambda: Normal(0 * ONE, ONE))
    y = graph.deterministic("y", lambda t, x: torch.where(t + x > 0, 1.0, 0.0), theta, x)
    graph.cost("c", lambda y: y, y)
    assert scg.condition_1(graph, theta, "printed") == [(y, graph["c"])]
    assert (theta, y) in scg.condition_1(graph, theta)
    t = parameter(0.5)
    run = scg.sample(graph, {"theta": t}, 200_000)
    assert not scg.gradient(run, theta).any()
    moved = scg.sample(graph, {"theta": t + 0.1}, 200_000)["c"].mean() - run["c"].mean()
    assert abs(moved / 0.1 - 0.3521) < 0.05


def test_condition_1_as_printed_is_too_strict_behind_stochastic_nodes():
    """Figure 11 (4) with a discrete x: the printed condition wants the derivative of f by x."""
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", lambda t: Bernoulli(logits=t), theta)
    y = graph.deterministic("y", torch.square, theta)
    f = graph.cost("f", lambda x, y: torch.where(x > 0.5, y, -y), x, y)
    assert (x, f) in scg.condition_1(graph, theta, "printed")
    assert scg.condition_1(graph, theta) == [(theta, x), (theta, y), (y, f)]
    exact = scg.exact(graph, {theta: parameter(0.5)})
    found = exact.expectation(scg.gradient(exact.run, theta))
    torch.testing.assert_close(found, exact.gradient(theta), rtol=1e-12, atol=1e-12)
    behind = graph.deterministic("behind", torch.round, x)  # which theta does not deterministically influence
    graph.cost("g", lambda y: y, behind)
    assert (x, behind) not in scg.condition_1(graph, theta, "printed")


def test_an_edge_that_leads_to_no_cost_needs_no_derivative():
    graph = scg.Graph()
    theta = graph.input("theta")
    graph.deterministic("diagnosis", torch.round, theta)
    graph.cost("c", torch.square, theta)
    accepted(graph)


# -- laws


def shifted_exponential(t):
    return TransformedDistribution(Exponential(torch.ones_like(t)), AffineTransform(t, 1.0))


MOVING = {
    "uniform": lambda t: Uniform(0 * t, t),
    "uniform, not validated": lambda t: Uniform(0 * t, t, validate_args=False),
    "a vector": lambda t: Independent(Uniform(torch.zeros(2), t.expand(2)), 1),
    "shifted": shifted_exponential,
}


@pytest.mark.parametrize(("name", "probes"), [*((name, 16) for name in MOVING), ("uniform", 0), ("a vector", 0)])
def test_a_support_that_moves_with_a_parameter_is_refused(name, probes):
    """Torch says nothing of it. Without probes the law's own `support` shows it; that of a shifted law does not."""
    graph = scg.Graph(probes)
    x = graph.stochastic("x", MOVING[name], graph.input("theta"))
    graph.cost("c", lambda x: x.reshape(len(x), -1).sum(1), x)
    refused(graph, "the edge theta -> x moves the support", {"theta": parameter(0.8)})


def test_along_a_path_a_moving_support_is_right():
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", lambda t: Uniform(0 * t, t), theta, estimator="path")
    graph.cost("c", lambda x: x, x)
    estimate = scg.gradient(accepted(graph, n=20_000), theta)
    assert abs(estimate.mean() - 0.5) < 0.01


@pytest.mark.parametrize("law", [lambda t: Beta(t, 2.0), lambda t: Gamma(t, t), lambda t: Exponential(t)])
def test_laws_with_bounds_on_their_parameters_are_tested_inside_them(law):
    graph = scg.Graph()
    x = graph.stochastic("x", law, graph.input("theta"))
    graph.cost("c", torch.square, x)
    accepted(graph, {"theta": parameter(0.05)})


def test_a_probability_that_jumps_is_refused():
    graph = scg.Graph()
    theta = graph.input("theta")
    noise = graph.stochastic("noise", lambda: Normal(0 * ONE, ONE))
    x = graph.stochastic("x", lambda t, e: Bernoulli(probs=0.2 + 0.6 * (t + e > 0).double()), theta, noise)
    graph.cost("c", lambda x: x, x)
    refused(graph, "the edge theta -> x has a jump")


def test_a_law_whose_parameter_jumps_is_refused_on_a_path_too():
    for law in (lambda t, e: normal((t + e > 0).double()), lambda t, e: Gamma(1 + (t + e > 0).double(), 1.0)):
        graph = scg.Graph()
        theta = graph.input("theta")
        noise = graph.stochastic("noise", lambda: Normal(0 * ONE, ONE))
        x = graph.stochastic("x", law, theta, noise, estimator="path")
        graph.cost("c", lambda x: x, x)
        refused(graph, "the edge theta -> x has a jump")


def test_a_discrete_node_cannot_be_path_nor_a_continuous_one_be_enumerated():
    graph = scg.Graph()
    x = graph.stochastic("x", lambda t: Bernoulli(logits=t), graph.input("theta"), estimator="path")
    graph.cost("c", lambda x: x, x)
    refused(graph, "x is path and Bernoulli, whose values have no derivative, expected score or enumerate")
    graph = scg.Graph()
    x = graph.stochastic("x", normal, graph.input("theta"), estimator="enumerate")
    graph.cost("c", lambda x: x, x)
    refused(graph, "x is enumerate and Normal, expected a law with a finite support")
    graph = scg.Graph()
    x = graph.stochastic("x", normal, graph.input("theta"))
    graph.cost("c", lambda x: x, x)
    with pytest.raises(scg.GraphError, match="x is Normal, expected a finite support"):
        scg.exact(graph, {"theta": parameter(0.5)})


def test_a_path_node_that_leads_into_a_discrete_choice_is_refused_and_auto_takes_the_score():
    def graph(estimator):
        made = scg.Graph()
        x = made.stochastic("x", normal, made.input("theta"), estimator=estimator)
        made.cost("c", lambda x: x.round(), x)
        return made

    refused(graph("path"), "the edge x -> c has a jump .*: name x score")
    made = graph("auto")
    report = scg.explain(made, {"theta": parameter(0.5)})
    assert report["x"].what == "score"
    assert "auto: the edge x -> c has a jump" in report["x"].why
    run = scg.sample(made, {"theta": parameter(0.5)}, 100_000)
    assert abs(scg.gradient(run, "theta").mean() - 1) < 0.05  # d E[round(x)] / d theta, nearly


def test_too_many_outcomes_are_refused_before_they_are_made():
    graph = scg.Graph()
    x = graph.stochastic("x", lambda t: Bernoulli(logits=t.expand(30)), graph.input("theta"))
    graph.cost("c", lambda x: x.sum(-1), x)
    with pytest.raises(scg.GraphError, match=r"x makes 2\^30 outcomes of each of 1 rows, expected at most"):
        scg.exact(graph, {"theta": parameter(0.5)})


def test_an_unknown_law_is_observed_or_refused():
    graph = scg.Graph()
    theta = graph.input("theta")
    a = graph.stochastic("a", lambda t: Bernoulli(logits=t), theta)
    s = graph.stochastic("s", None, a)
    graph.cost("c", lambda s: s, s)
    values = {"theta": parameter(0.5)}
    with pytest.raises(scg.GraphError, match="the law of s is unknown, expected its value to be observed"):
        scg.sample(graph, values, 3)
    run = scg.observe(graph, values, {"a": torch.tensor([0.0, 1.0]), "s": torch.tensor([3.0, 4.0])})
    p = torch.sigmoid(parameter(0.5))
    torch.testing.assert_close(scg.gradient(run, theta), (torch.tensor([0.0, 1.0]) - p).detach() * run["s"])
    graph = scg.Graph()
    s = graph.stochastic("s", None, graph.input("theta"))
    graph.cost("c", lambda s: s, s)
    with pytest.raises(scg.GraphError, match="the edge theta -> s enters an unknown law"):
        scg.observe(graph, values, {"s": torch.tensor([3.0, 4.0])})
