"""Wrong words and values, each refused in one line that names it."""

from __future__ import annotations

import re

import pytest
import torch
from scg_kit import normal, parameter
from torch import nn
from torch.distributions import AbsTransform, Bernoulli, Independent, Normal, TransformedDistribution

from svgbench import scg

ONE = torch.ones((), dtype=torch.float64)


def graph_of(law=normal, cost=torch.square):
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", law, theta)
    graph.cost("c", cost, x)
    return graph, theta, x


def one_line(words, call):
    with pytest.raises(scg.GraphError, match=re.escape(words)) as raised:
        call()
    assert "\n" not in str(raised.value)


def test_nodes_and_parents():
    graph, theta, _ = graph_of()
    t = parameter(0.5)
    one_line("Tensor instead of a node, expected a node or its name", lambda: graph.find(t))
    one_line("list instead of a node", lambda: graph.deterministic("d", torch.square, [theta]))
    one_line("the function of d is of the type int, expected a function", lambda: graph.deterministic("d", 3, theta))
    one_line("d is said to be smooth in x, expected", lambda: graph.deterministic("d", torch.exp, theta, smooth="x"))
    assert graph.deterministic("d", torch.exp, theta, smooth="theta").smooth == (True,)
    assert graph.deterministic("e", torch.exp, theta, smooth=theta).smooth == (True,)
    report = scg.explain(graph, {theta: t})
    one_line("the report has no node 'tetha', did you mean 'theta'?", lambda: report["tetha"])


def test_baselines_and_vectors():
    graph, theta, _ = graph_of()
    run = scg.sample(graph, {theta: parameter(0.5)}, 4)
    for wrong, word in ((0.3, "float"), (scg.LeaveOneOut, "LeaveOneOut")):
        for estimate in (scg.gradient, lambda run, theta, baseline: scg.surrogate(run, "dice", baseline)):
            one_line(
                f"the baseline is {word}, expected one such as", lambda e=estimate, b=wrong: e(run, theta, baseline=b)
            )
        one_line(f"the baseline is {word}", lambda b=wrong: scg.backward_pass(run, baseline=b))
    one_line("kind is of the type LeaveOneOut, expected one of log,", lambda: scg.surrogate(run, scg.LeaveOneOut()))
    one_line("the vector is of the type float, expected a tensor of 1 numbers", lambda: scg.hvp(run, theta, 1.0))


def test_a_learned_baseline_may_be_a_number():
    graph, theta, x = graph_of()
    run = scg.sample(graph, {theta: parameter(0.5)}, 4)
    number = scg.Learned(graph, {x: (lambda: 0.7, [])})
    found = scg.gradient(run, theta, baseline=number)
    torch.testing.assert_close(found, scg.gradient(run, theta, baseline=scg.Constant({x: 0.7})))


def test_numbers_of_samples_and_of_parameters():
    graph, theta, _ = graph_of()
    one_line("n is 4.5, expected a whole number of samples", lambda: scg.sample(graph, {theta: parameter(0.5)}, 4.5))
    none = torch.zeros(0, dtype=torch.float64, requires_grad=True)
    flat = graph_of(lambda t: normal(t.sum() * ONE))[0]
    one_line("theta has no numbers, expected one at least", lambda: scg.sample(flat, {"theta": none}, 4))


def test_laws():
    swallowed = scg.Graph()
    z = swallowed.stochastic("z", normal, swallowed.input("theta"))
    x = swallowed.stochastic("x", lambda z: Independent(Normal(z, 1.0), 1), z)
    swallowed.cost("c", torch.square, x)
    values = {"theta": parameter(0.5)}
    words = "the law of x has the batch (), expected the 16 samples as its first axis"
    one_line(words, lambda: scg.sample(swallowed, values, 50))
    crossed = scg.Graph()
    z = crossed.stochastic("z", normal, crossed.input("theta"))
    x = crossed.stochastic("x", lambda z: Normal(z, z[:, None].exp()), z)
    crossed.cost("c", lambda x: x.sum(1), x)
    one_line("x mixes samples: among some of them its shape is another", lambda: scg.sample(crossed, values, 50))
    folded = graph_of(lambda t: TransformedDistribution(Normal(t, 1.0), [AbsTransform()]))[0]
    one_line("torch has no log_prob of x, which is TransformedDistribution", lambda: scg.sample(folded, values, 50))


@pytest.mark.filterwarnings("ignore:.*weight_norm.*")
def test_a_module_that_cannot_be_copied():
    net = nn.utils.weight_norm(nn.Linear(1, 1).double())
    net(torch.ones(1, dtype=torch.float64))
    graph = graph_of(lambda net: Bernoulli(logits=net(torch.ones(1, dtype=torch.float64))), lambda x: x[:, 0])[0]
    one_line("the module theta cannot be copied for the tests", lambda: scg.sample(graph, {"theta": net}, 5))


def test_a_law_that_changes_a_parameter_leaves_it_as_it_was():
    graph = graph_of(lambda t: Bernoulli(logits=t.add_(1)))[0]
    t = parameter(0.5)
    one_line("a function changes the input theta in place", lambda: scg.sample(graph, {"theta": t}, 4))
    assert t.item() == 0.5


def test_a_jump_names_the_way_out():
    """The lines of the tests cross a pole."""
    graph = scg.Graph()
    theta = graph.input("theta")
    graph.cost("c", torch.tan, theta)
    words = "if it is none, Graph(probes=0) leaves the tests out"
    one_line(words, lambda: scg.sample(graph, {theta: parameter(0.5)}))
