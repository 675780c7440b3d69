"""The layered layout, and surrogate losses as graphs of their own."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Bernoulli, Gamma, Normal

from svgbench import scg
from svgbench.analysis.show.graph_layout import layout


@st.composite
def graphs(draw):
    """Any graph of up to 9 nodes; kinds do not matter for the layout."""
    graph, nodes = scg.Graph(), []
    for i in range(draw(st.integers(1, 9))):
        parents = draw(st.lists(st.sampled_from(nodes), unique=True, max_size=3)) if nodes else []
        nodes.append(graph.deterministic(f"n{i}", torch.tanh, *parents) if parents else graph.input(f"n{i}"))
    return graph


def drawn_lines(found):
    """The parts of all edges, from one layer to the next: (x, y at x, y at x + 1)."""
    for (parent, node), bends in found.bends.items():
        for (x, y), (x2, y2) in itertools.pairwise([found.place[parent], *bends, found.place[node]]):
            assert x2 == x + 1
            yield x, y, y2


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_parents_are_to_the_left_nothing_overlaps_and_no_edge_runs_through_a_node(graph):
    found = layout(graph)
    assert {*found.place} == {*graph.nodes}
    assert {*found.bends} == {(p, node) for node in graph.nodes for p in node.parents}
    points = [*found.place.values(), *(point for bends in found.bends.values() for point in bends)]
    for (x, y), (x2, y2) in itertools.combinations(points, 2):
        assert x != x2 or abs(y - y2) > 1 - 1e-9
    for parent, node in found.bends:
        assert found.place[parent][0] < found.place[node][0]
    list(drawn_lines(found))
    assert layout(graph) == found


def test_a_diamond_is_symmetric_and_an_input_stands_before_its_first_child():
    graph = scg.Graph()
    a = graph.input("a")
    b, c = graph.deterministic("b", torch.tanh, a), graph.deterministic("c", torch.tanh, a)
    d = graph.deterministic("d", torch.add, b, c)
    late = graph.input("late")
    e = graph.deterministic("e", torch.add, d, late)
    place = layout(graph).place
    assert [place[v][0] for v in (a, b, c, d, late, e)] == [0, 1, 1, 2, 2, 3]
    assert place[b][1] + place[c][1] == pytest.approx(2 * place[a][1])
    assert abs(place[b][1] - place[c][1]) == pytest.approx(1)


def test_two_chains_that_could_cross_do_not():
    graph = scg.Graph()
    first, second = graph.input("first"), graph.input("second")
    low = graph.deterministic("low", torch.tanh, second)
    high = graph.deterministic("high", torch.tanh, first)
    graph.deterministic("one", torch.tanh, low)
    graph.deterministic("two", torch.tanh, high)
    lines = list(drawn_lines(layout(graph)))
    assert not any(a[0] == b[0] and (a[1] - b[1]) * (a[2] - b[2]) < 0 for a, b in itertools.combinations(lines, 2))


def test_hidden_nodes_take_no_room():
    graph = scg.Graph()
    a, b = graph.input("a"), graph.input("b")
    graph.cost("c", torch.add, a, b)
    found = layout(graph, [b])
    assert b not in found.place
    assert {y for _, y in found.place.values()} == {0.0}


# -- Figure 12


def two_layers():
    """theta reaches x (score), z (path), and a cost directly; another cost is reached through x alone."""
    graph = scg.Graph()
    theta, data = graph.input("theta"), graph.input("data", per_sample=True)
    m = graph.deterministic("m", torch.tanh, theta)
    x = graph.stochastic("x", lambda m, d: Bernoulli(logits=m + d), m, data)
    z = graph.stochastic("z", lambda m, x: Normal(m * (1 + x), 1.0), m, x, estimator="path")
    graph.cost("far", lambda x: 3 * x, x)
    graph.cost("near", lambda z, x: z**2 + x, z, x)
    inputs = {"theta": torch.tensor(0.4, dtype=torch.float64, requires_grad=True), "data": torch.randn(50).double()}
    return graph, inputs


def test_the_graph_of_the_surrogate_is_deterministic_and_has_its_gradient_on_each_sample():
    graph, inputs = two_layers()
    run = scg.sample(graph, inputs)
    surrogate, values = scg.surrogate_graph(run)
    assert {node.kind for node in surrogate.nodes} == {"input", "deterministic", "cost"}
    total = scg.sample(surrogate, values).cost_values.sum(0)
    theta = inputs["theta"]
    assert torch.allclose(scg.per_sample(total, theta), scg.gradient(run, "theta"), rtol=0, atol=1e-12)
    without_far = scg.surrogate(run, "log") - run["far"]
    assert torch.allclose(total, without_far, atol=1e-12)
    assert [c.name for c in surrogate.costs] == ["log p(x\u0302) Q\u0302", "near"]


def test_the_graph_of_the_surrogate_holds_at_other_parameters_too():
    """With the samples fixed it is the function L(theta) of Corollary 1."""
    graph, inputs = two_layers()
    run = scg.sample(graph, inputs)
    surrogate, values = scg.surrogate_graph(run)
    other = torch.tensor(-0.7, dtype=torch.float64)
    moved = scg.sample(surrogate, values | {surrogate["theta"]: other}).cost_values
    m, x = other.tanh(), run["x"]
    log_p = Bernoulli(logits=m + inputs["data"]).log_prob(x)
    assert torch.allclose(moved[0], log_p * run.q("x"), atol=1e-12)
    noise = run["z"].detach() - inputs["theta"].detach().tanh() * (1 + x)
    assert torch.allclose(moved[1], (m * (1 + x) + noise) ** 2 + x, atol=1e-12)


def test_what_has_no_surrogate_graph_is_refused():
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", lambda t: Bernoulli(logits=t), theta, estimator="enumerate")
    graph.cost("c", torch.square, x)
    inputs = {"theta": torch.tensor(0.1, requires_grad=True)}
    with pytest.raises(scg.GraphError, match="enumerated nodes, expected a run in which all are drawn"):
        scg.surrogate_graph(scg.sample(graph, inputs, 3))
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", lambda t: Gamma(t.exp(), 1.0), theta, estimator="path")
    graph.cost("c", torch.square, x)
    with pytest.raises(scg.GraphError, match="x is path and Gamma, expected a law whose noise"):
        scg.surrogate_graph(scg.sample(graph, inputs, 3))
