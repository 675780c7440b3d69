"""What a graph's tests saw is compared with later runs, and a run with the values of its inputs afterwards."""

from __future__ import annotations

import copy
import io
import math
import pickle
import weakref

import pytest
import torch
from scg_kit import normal, parameter, within
from torch import nn
from torch.distributions import Bernoulli, Normal

from svgbench import scg

DOUBLE = {"dtype": torch.float64}


def of_law(law, cost, estimator="score"):
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", law, theta, estimator=estimator)
    graph.cost("c", cost, x)
    return graph, theta, x


def test_auto_is_chosen_again_where_the_parameters_are_now():
    """A step at 30 is not seen from 0, and there the path derivative lacks 100 / sqrt(2 pi)."""
    graph, theta, _ = of_law(lambda t: normal(t, 0.01), lambda x: (x > 30).double() + x - 30, "auto")
    assert scg.sample(graph, {theta: parameter(0.0)}, 10).plan.report["x"].what == "path"
    torch.manual_seed(0)
    run = scg.sample(graph, {theta: parameter(30.0)}, 10_000)
    assert run.plan.report["x"].what == "score" == scg.explain(graph, {theta: parameter(30.0)})["x"].what
    assert within(scg.gradient(run, theta), 1 + 100 / math.sqrt(2 * math.pi))


def test_a_report_is_that_of_the_run():
    """Near the tested values the choice stays, also in the report."""
    graph, theta, _ = of_law(lambda t: normal(t, 0.01), lambda x: (x > 0.9).double() + x, "auto")
    first = scg.sample(graph, {theta: parameter(0.0)}, 10).plan
    near = {theta: parameter(0.3)}
    assert scg.sample(graph, near, 10).plan is first
    assert scg.explain(graph, near) is first.report


def test_a_parameter_that_is_changed_in_place_is_tested_again():
    graph = scg.Graph()
    theta = graph.input("theta")
    graph.cost("c", lambda t: t * 2 if t < 10 else (t * 2).detach(), theta)
    t = parameter(0.0)
    scg.sample(graph, {theta: t})
    with torch.no_grad():
        t.fill_(50.0)
    with pytest.raises(scg.GraphError, match="theta -> c has the derivative 0 by autograd"):
        scg.sample(graph, {theta: t})


def test_a_module_is_tested_again_after_it_moved():
    graph = scg.Graph()
    net = nn.Linear(1, 1, **DOUBLE)
    theta = graph.input("net")
    graph.cost("c", lambda net: net.bias[0] * 2 if net.bias < 10 else (net.bias[0] * 2).detach(), theta)
    for _ in range(3):
        scg.sample(graph, {theta: net})
    net.bias.data.fill_(50.0)  # torch has no record of it
    scg.sample(graph, {theta: net})  # modules are compared on runs 1, 2, 4, 8, ...
    with pytest.raises(scg.GraphError, match="net -> c has the derivative 0 by autograd"):
        scg.sample(graph, {theta: net})


def test_another_module_is_tested_before_it_is_used():
    """At once, also if it has other shapes."""
    graph = scg.Graph()
    theta = graph.input("net")
    graph.cost("c", lambda net: net.weight.sum() if len(net.weight) < 3 else net.weight.sum().detach(), theta)
    for _ in range(3):
        scg.sample(graph, {theta: nn.Linear(1, 1, **DOUBLE)})
    scg.sample(graph, {theta: nn.Linear(1, 2, **DOUBLE)})
    with pytest.raises(scg.GraphError, match="net -> c has the derivative 0 by autograd"):
        scg.sample(graph, {theta: nn.Linear(1, 3, **DOUBLE)})


def test_a_plan_keeps_no_input_alive():
    graph, theta, _ = of_law(lambda t: Bernoulli(logits=t), torch.square)
    t = parameter(0.3)
    scg.sample(graph, {theta: t})
    scg.sample(graph, {theta: t})
    gone = weakref.ref(t)
    del t
    assert gone() is None


def test_a_graph_is_pickled_with_its_plans():
    graph = scg.Graph()
    theta = graph.input("theta")
    graph.cost("c", torch.square, theta)
    t = parameter(0.3)
    scg.sample(graph, {theta: t})
    again = pickle.loads(pickle.dumps(graph))  # noqa: S301  # our own bytes
    assert scg.gradient(scg.sample(again, {"theta": t}), "theta").item() == pytest.approx(0.6)


def test_a_module_in_another_mode_is_tested_again():
    net = nn.Sequential(nn.Linear(1, 8), nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 1))).double().eval()
    graph = scg.Graph()
    theta, data = graph.input("net"), graph.input("data", per_sample=True)
    x = graph.stochastic("x", lambda net, d: Bernoulli(logits=net(d)[:, 0]), theta, data)
    graph.cost("c", torch.square, x)
    values = {theta: net, data: torch.linspace(-1, 1, 64, **DOUBLE)[:, None]}
    scg.sample(graph, values)
    net[1][0].train()  # a part of a part
    with pytest.raises(scg.GraphError, match="x has another value when it is computed again"):
        scg.sample(graph, values)


def test_data_of_another_size_is_tested_again():
    graph = scg.Graph()
    theta, data = graph.input("theta"), graph.input("data", per_sample=True)
    graph.cost("c", lambda t, d: t * d if d.max() < 10 else (t * d).detach(), theta, data)
    t, values = parameter(0.5), torch.linspace(0, 2, 20, **DOUBLE)
    first = scg.sample(graph, {theta: t, data: values}).plan
    assert scg.sample(graph, {theta: t, data: 2 * values}).plan is first
    with pytest.raises(scg.GraphError, match="theta -> c has the derivative 0 by autograd"):
        scg.sample(graph, {theta: t, data: 50 + values})


def test_one_row_of_data_does_not_speak_for_many():
    graph = scg.Graph()
    theta, data = graph.input("theta"), graph.input("data", per_sample=True)
    x = graph.stochastic("x", lambda t, d: Normal(t * d, 1.0), theta, data)
    graph.cost("c", lambda x: x - x.mean(), x)
    scg.sample(graph, {theta: parameter(0.5), data: torch.ones(1, **DOUBLE)})
    with pytest.raises(scg.GraphError, match="c mixes samples"):
        scg.sample(graph, {theta: parameter(0.5), data: torch.ones(64, **DOUBLE)})


# -- inputs of inputs


def test_an_input_that_is_computed_from_another_is_refused():
    """The estimate by theta would follow autograd through the other in the score terms, and the nodes in the paths."""
    graph = scg.Graph()
    theta, h = graph.input("theta"), graph.input("h", per_sample=True)
    x = graph.stochastic("x", lambda t, h: Bernoulli(logits=t + h), theta, h)
    graph.cost("c", lambda x, h: x + h, x, h)
    t = parameter(0.5)
    for made in (t * torch.ones(4, **DOUBLE), t.expand(4)):
        with pytest.raises(scg.GraphError, match="the input h is computed from the input theta, expected a node"):
            scg.sample(graph, {theta: t, h: made})
    u = t * 2
    with pytest.raises(scg.GraphError, match="the input h is computed from the input theta"):
        scg.sample(graph, {theta: u, h: u * torch.ones(4, **DOUBLE)})
    scg.sample(graph, {theta: t * 2, h: t * torch.ones(4, **DOUBLE)})  # of a third one: both are variables of their own
    scg.sample(graph, {theta: t, h: (t * torch.ones(4, **DOUBLE)).detach()})


# -- what is computed again after a step


def test_a_run_is_refused_after_a_step_where_it_is_computed_again():
    graph, theta, _ = of_law(lambda t: Bernoulli(logits=t), lambda x: -((x - 0.45) ** 2))
    t = parameter(0.5)
    run, exact = scg.sample(graph, {theta: t}, 4), scg.exact(graph, {theta: t})
    old = scg.backward_pass(run)[theta]
    torch.testing.assert_close(scg.backward_pass(run)[theta], old)
    t.data.add_(2.0)
    with pytest.raises(scg.GraphError, match="x has other values than in the run: an input was changed in place"):
        scg.backward_pass(run)
    with pytest.raises(scg.GraphError, match="has other values than in the run"):
        exact.gradient(theta)


def test_the_bound_is_refused_after_a_step_of_another_input():
    """It was .595 for costs of at most 0."""
    graph = scg.Graph()
    theta, s = graph.input("theta"), graph.input("s")
    x = graph.stochastic("x", lambda t, s: Bernoulli(logits=t * s), theta, s)
    graph.cost("c", lambda x: -x, x)
    other = parameter(2.0)
    exact = scg.exact(graph, {theta: parameter(0.5), s: other})
    new = {theta: torch.tensor(1.0, **DOUBLE)}
    assert scg.bound(exact.run, new) < 0
    other.data.sub_(4.0)
    with pytest.raises(scg.GraphError, match="x has other values than in the run"):
        scg.bound(exact.run, new)


def test_a_running_baseline_is_copied_without_the_runs_it_has_seen():
    graph, theta, _ = of_law(lambda t: Bernoulli(logits=t), torch.square)
    running = scg.Running()
    run = scg.sample(graph, {theta: parameter(0.3)}, 4)
    running.update(run)
    again = copy.deepcopy(running)
    torch.save(running, io.BytesIO())
    assert again.sums == running.sums
    again.update(run)
    assert again.weight > running.weight
