"""Numbers that must not be lost in silence: by functions that are differentiated once, by modes of torch, by types."""

from __future__ import annotations

import pytest
import torch
from scg_kit import accepted, close, normal, one_bit, parameter, refused, within
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


# -- modes of torch


@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad])
def test_estimates_are_those_of_the_run_in_every_mode_of_torch(mode):
    graph, inputs, *_ = one_bit()
    run = scg.sample(graph, inputs, 6)
    exact = scg.exact(graph, inputs)
    with mode():
        found = [
            scg.gradient(run, "theta"),
            scg.gradient(run, "theta", "upstream"),
            scg.backward_pass(run)[graph["theta"]],
            scg.hvp(run, "theta", torch.ones(2, dtype=torch.float64)),
            exact.gradient("theta"),
            exact.hessian("theta"),
        ]
    other = scg.exact(graph, inputs)
    expected = [
        scg.gradient(run, "theta"),
        scg.gradient(run, "theta"),
        scg.gradient(run, "theta"),
        scg.hvp(run, "theta", torch.ones(2, dtype=torch.float64)),
        other.gradient("theta"),
        other.hessian("theta"),
    ]
    assert all(y.abs().max() > 0 for y in expected)
    assert all(close(x, y) for x, y in zip(found, expected, strict=True))


def test_a_run_that_was_drawn_without_gradients_says_so():
    graph, inputs, *_ = one_bit()
    with torch.no_grad():
        run = scg.sample(graph, inputs, 6)
    with pytest.raises(scg.GraphError, match="drawn under torch"):
        scg.gradient(run, "theta")
    with torch.inference_mode(), pytest.raises(scg.GraphError, match="inference_mode"):
        scg.sample(graph, inputs, 6)
    run = scg.sample(graph, inputs, 6)
    with torch.inference_mode(), pytest.raises(scg.GraphError, match="inference_mode"):
        scg.gradient(run, "theta")


# -- names


def test_nodes_are_given_by_name_to_baselines_and_as_parents():
    graph, inputs, x, y = one_bit()
    run = scg.sample(graph, inputs, 6)
    for by_name, by_node in (
        (scg.Constant({"x": 0.3}), scg.Constant({x: 0.3})),
        (
            scg.Learned(graph, {"y": (lambda x: 2 * x, ["x"])}),
            scg.Learned(graph, {y: (lambda x: 2 * x, [x])}),
        ),
    ):
        assert by_name.values(run).abs().max() > 0
        assert torch.equal(by_name.values(run), by_node.values(run))
    with pytest.raises(scg.GraphError, match="no node 'z'"):
        scg.Constant({"z": 0.3}).values(run)
    with pytest.raises(scg.GraphError, match="no node 'z'"):
        scg.Learned(graph, {"z": (torch.sin, ["x"])})
    z = graph.stochastic("z", lambda t: Bernoulli(logits=t[0]), "theta", smooth=["theta"])
    assert z.parents == (graph["theta"],)
    assert z.smooth == (True,)


# -- types


@pytest.mark.parametrize("cost", [lambda x: x.long() * 2, lambda x: x == 1, lambda x: x.float(), lambda x: x.double()])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_costs_have_the_type_of_the_parameters(cost, dtype):
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", lambda t: Bernoulli(logits=t), theta)
    graph.cost("c", cost, x)
    t = torch.tensor(0.4, dtype=dtype, requires_grad=True)
    run = accepted(graph, {"theta": t})
    own = cost(run["x"]).dtype
    wide = torch.promote_types(dtype, own) if own.is_floating_point else dtype  # costs are not rounded
    assert run.cost_values.dtype == wide
    c = cost(run["x"]).to(dtype)
    score = run["x"].to(dtype) - t.detach().sigmoid()
    slack = 10 * torch.finfo(dtype).eps
    assert close(scg.gradient(run, "theta"), score * c, slack)
    assert close(scg.gradient(run, "theta", baseline=scg.Constant({"x": 0.38})), score * (c - 0.38), slack)
    assert close(scg.per_sample(scg.surrogate(run, "dice"), t), score * c, slack)
    baseline = scg.Running()
    baseline.update(run)
    assert baseline.at(run, x) == pytest.approx(c.mean().item())
    exact = scg.exact(graph, {"theta": t})
    assert close(exact.gradient("theta"), exact.expectation(scg.gradient(exact.run, "theta")), slack)


def test_a_keyword_with_a_default_makes_another_function():
    """A function is tested at some nodes only; these are four functions."""
    graph = scg.Graph()
    theta = graph.input("theta")
    z = graph.stochastic("z", normal, theta, estimator="path")
    for name, f in (("sin", torch.sin), ("cos", torch.cos), ("tanh", torch.tanh), ("round", torch.round)):
        graph.cost(name, lambda z, *, f=f: f(z), z)
    refused(graph, "z -> round has a jump")


# -- runs that a baseline has seen


def test_a_running_baseline_refuses_the_run_that_it_was_updated_with():
    graph, inputs, *_ = one_bit()
    run, baseline = scg.sample(graph, inputs, 6), scg.Running()
    scg.surrogate(run, "log", baseline)
    baseline.update(run)
    with pytest.raises(scg.GraphError, match="updated with this run"):
        scg.gradient(run, "theta", baseline=baseline)
    scg.gradient(scg.sample(graph, inputs, 6), "theta", baseline=baseline)


def test_a_learned_baseline_refuses_the_run_on_which_it_was_trained():
    graph, inputs, x, y = one_bit()
    b = parameter(0.2)
    baseline = scg.Learned(graph, {y: (lambda x: b * x + b, [x])})
    run = scg.sample(graph, inputs, 6)
    baseline.loss(run).backward()
    scg.gradient(run, "theta", baseline=baseline)  # nothing has changed yet
    with torch.no_grad():
        b.sub_(0.1 * b.grad)
    with pytest.raises(scg.GraphError, match="trained on this run"):
        scg.gradient(run, "theta", baseline=baseline)
    scg.gradient(scg.sample(graph, inputs, 6), "theta", baseline=baseline)


# -- messages


def test_data_of_another_length_names_the_axis_of_samples():
    graph = scg.Graph()
    theta, data = graph.input("theta"), torch.ones(100, dtype=torch.float64)
    x = graph.stochastic("x", normal, theta)
    graph.cost("c", lambda x: x * data, x)
    refusal = r"node 'c'.*the tests take 16 samples, expected .* input\(per_sample=True\)"
    with pytest.raises(scg.GraphError, match=refusal):
        scg.sample(graph, {"theta": parameter(0.5)}, 100)


def test_a_second_backward_is_said_in_one_line():
    graph, inputs, *_ = one_bit()
    run = scg.sample(graph, inputs, 6)
    scg.surrogate(run).mean().backward()
    with pytest.raises(scg.GraphError, match="went through backward"):
        scg.gradient(run, "theta")
