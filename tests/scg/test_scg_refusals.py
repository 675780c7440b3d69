"""What would silently be zero or wrong is refused, and what is right is not."""

from __future__ import annotations

import re

import pytest
import torch
from scg_kit import random_graph
from torch import nn
from torch.distributions import (
    Bernoulli,
    Beta,
    Categorical,
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


def parameter(*numbers: float) -> torch.Tensor:
    value = torch.tensor(numbers, dtype=torch.float64)
    return (value if len(numbers) > 1 else value[0]).requires_grad_()


def normal(mean, std=1.0):
    return Normal(mean, torch.full_like(mean, std))


def refused(graph, words, values=None, n=50):
    """That a run is refused with these words, and that `explain` says so without raising."""
    values = {"theta": parameter(0.5)} if values is None else values
    with pytest.raises(scg.GraphError, match=words):
        scg.sample(graph, values, n)
    assert any(re.search(words, line) for line in scg.explain(graph, values, n).refusals)


def accepted(graph, values=None, n=50):
    values = {"theta": parameter(0.5)} if values is None else values
    report = scg.explain(graph, values, n)
    assert report.ok, str(report)
    return scg.sample(graph, values, n)


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
    with pytest.raises(RuntimeError, match="must match the size of tensor b"):
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
