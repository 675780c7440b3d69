"""Runs: estimators named at the nodes, data, modules, observed values, baselines in use, what is computed when."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from scg_kit import POINTS, close, graphs, one_bit, parameter, random_graph, within
from torch import nn
from torch.distributions import Bernoulli, Gumbel, Independent, Laplace, LogNormal, MultivariateNormal, Normal, Uniform

from svgbench import scg

# -- estimators at the nodes


@pytest.mark.parametrize("which", ["x", "y"])
def test_one_enumerated_node_leaves_the_mean_and_takes_its_variance(which):
    graph, inputs, *_ = one_bit()
    exact = scg.exact(graph, inputs)
    with scg.seeds(0):
        plain = scg.gradient(scg.sample(graph, inputs, 4000), "theta")
        object.__setattr__(graph[which], "estimator", "enumerate")
        graph.plans.clear()
        run = scg.sample(graph, inputs, 4000)
    summed = scg.gradient(run, "theta")
    assert run.rows == 8000
    assert summed.shape == plain.shape
    for samples in (plain, summed):
        assert within(samples, exact.gradient("theta"))
    k = 0 if which == "x" else 1  # theta[k] acts through this node
    assert summed[:, k].var() < 0.5 * plain[:, k].var()
    for other in (
        scg.gradient(run, "theta", "upstream"),
        scg.backward_pass(run)[graph["theta"]],
        scg.per_sample(scg.surrogate(run), run["theta"]),
        scg.per_sample(scg.surrogate(run, "dice"), run["theta"]),
    ):
        assert close(other, summed)
    assert within(scg.gradient(run, "theta", baseline=scg.LeaveOneOut()), exact.gradient("theta"))


LAWS = {
    "normal": lambda t: Normal(t[0], t[1].exp()),
    "laplace": lambda t: Laplace(t[0], t[1].exp()),
    "uniform": lambda t: Uniform(t[0], t[0] + t[1].exp()),
    "log-normal": lambda t: LogNormal(0.1 * t[0], 0.3 * t[1].exp()),
    "gumbel": lambda t: Gumbel(t[0], t[1].exp()),
    "vector": lambda t: Independent(Normal(t, t.exp()), 1),
    "covariance": lambda t: MultivariateNormal(t, torch.eye(2, dtype=torch.float64) + t[0].square()),
}


@pytest.mark.parametrize("name", LAWS)
def test_noise_pulled_out_of_a_law_makes_the_same_values_and_gradients(name):
    graph = scg.Graph()
    theta = graph.input("theta")
    z = graph.stochastic("z", LAWS[name], theta, estimator="path")
    w = graph.stochastic("w", lambda z: Bernoulli(logits=z.reshape(len(z), -1).sum(1)), z)
    graph.cost("c", lambda z, w: (z.reshape(len(z), -1).sum(1) + w).sin(), z, w)
    inputs = {"theta": parameter(0.4, -0.3)}
    run = scg.sample(graph, inputs, 5)
    again = scg.reparameterised(run, z)
    assert [node.kind for node in again.nodes[:3]] == ["input", "stochastic", "deterministic"]
    assert not again.influences("theta", "z.noise")
    noise = run.record.drawn[z.index].noise
    other = scg.observe(again, inputs, {"z.noise": noise, "w": run[w]})
    assert close(other["z"], run[z])
    for estimate in (scg.gradient, lambda run, name: scg.backward_pass(run)[run.graph[name]]):
        assert close(estimate(other, "theta"), scg.gradient(run, "theta"))
    assert scg.sample(again, inputs, 3)["z"].shape == run[z][:3].shape


def test_a_law_whose_noise_is_not_known_has_a_path_but_no_algorithm_4():
    from torch.distributions import Gamma

    graph = scg.Graph()
    z = graph.stochastic("z", lambda t: Gamma(t[0].exp(), t[1].exp()), graph.input("theta"), estimator="path")
    graph.cost("c", lambda z: z, z)
    t = parameter(0.4, -0.3)
    run = scg.sample(graph, {"theta": t}, 20_000)
    mean = (t[0] - t[1]).exp().detach()
    assert within(scg.gradient(run, "theta"), torch.stack([mean, -mean]))
    with pytest.raises(scg.GraphError, match="z is path and Gamma, expected a law whose noise can be pulled out"):
        scg.backward_pass(run)
    with pytest.raises(scg.GraphError, match="z is Gamma, expected a law whose noise can be pulled out"):
        scg.reparameterised(run, "z")


def test_the_log_probability_of_a_node_is_what_a_function_of_its_parents_gives():
    values = []
    for as_node in (True, False):
        graph = scg.Graph()
        theta = graph.input("theta")
        law = lambda t: Normal(t, t.exp())  # noqa: E731
        x = graph.stochastic("x", law, theta, estimator="path")
        y = graph.stochastic("y", lambda t, x: Bernoulli(logits=t * x), theta, x)
        for node in (x, y):
            if as_node:
                log_p = graph.log_prob(f"log {node}", node)
            else:
                function = node.function
                log_p = graph.deterministic(
                    f"log {node}", lambda v, *p, f=function: f(*p).log_prob(v).sum(1), node, *node.parents
                )
            graph.cost(f"cost {node}", torch.square, log_p)
        exact = scg.exact(graph, {theta: parameter(0.4, -0.3)}, 3)
        values.append([exact.objective, exact.gradient(theta), exact.hessian(theta), scg.gradient(exact.run, theta)])
    assert all(close(a, b) for a, b in zip(*values, strict=True))


def test_auto_takes_the_path_where_every_edge_allows_it():
    graph = scg.Graph()
    theta = graph.input("theta")
    free = graph.stochastic("free", lambda: Normal(0.0, 1.0), estimator="auto")
    one = graph.stochastic("one", lambda t, f: Normal(t + f, 1.0), theta, free, estimator="auto")
    two = graph.stochastic("two", lambda x: Normal(x, 1.0), one, estimator="auto")
    bit = graph.stochastic("bit", lambda x: Bernoulli(logits=x), two, estimator="auto")
    graph.cost("c", lambda x, b: x * b, two, bit)
    report = scg.explain(graph, {theta: parameter(0.5)})
    assert [report[name].what for name in ("free", "one", "two", "bit")] == ["path", "path", "path", "score"]
    assert "Bernoulli has no derivative" in report["bit"].why
    assert "no parameter reaches it" in report["free"].why
    assert "two -> bit    ok" in str(report)
    run = scg.sample(graph, {theta: parameter(0.5)}, 6)
    assert close(scg.backward_pass(run)[theta], scg.gradient(run, theta))


# -- inputs


def test_data_has_a_gradient_of_its_own_for_each_sample():
    graph = scg.Graph()
    theta, s = graph.input("theta"), graph.input("s", per_sample=True)
    a = graph.stochastic("a", lambda t, s: Bernoulli(logits=t[0] + t[1] * s), theta, s)
    graph.cost("c", lambda s, a: s * a, s, a)
    data, t = torch.linspace(-1, 1, 6, dtype=torch.float64).requires_grad_(), parameter(0.4, -0.8)
    run = scg.sample(graph, {theta: t, s: data})
    p = torch.sigmoid(t[0] + t[1] * data)
    expected = run[a] + (run[a] - p) * t[1] * data * run[a]
    for estimate in (scg.gradient(run, s), scg.backward_pass(run)[s]):
        assert close(estimate, expected.detach())
    exact = scg.exact(graph, {theta: t, s: data})
    assert close(exact.objective, (data * p).mean())
    assert close(exact.gradient(s), torch.autograd.grad((data * p).mean(), data)[0])
    with pytest.raises(scg.GraphError, match="s has 6 samples and the run 12 rows"):
        scg.gradient(exact.run, s)


def small_policy():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()


def with_module():
    graph = scg.Graph()
    policy, s = graph.input("policy"), graph.input("s", per_sample=True)
    a = graph.stochastic("a", lambda net, s: Bernoulli(logits=net(s)[:, 0]), policy, s)
    s2 = graph.deterministic("s2", lambda s, a: s.roll(1, 1) - a[:, None], s, a)
    b = graph.stochastic("b", lambda net, s: Bernoulli(logits=net(s)[:, 0]), policy, s2)
    graph.cost("c", lambda a, b, s: -(a + 2 * b) * s[:, 0].square() - 0.1, a, b, s)
    data = torch.randn(5, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return graph, {"policy": small_policy(), "s": data}


def test_the_parameters_of_a_module_are_one_flat_vector():
    graph, inputs = with_module()
    exact = scg.exact(graph, inputs)
    first = scg.gradient(exact.run, "policy")
    assert first.shape == (20, 13)
    for one in (scg.gradient(exact.run, "policy", "upstream"), scg.backward_pass(exact.run)[graph["policy"]]):
        assert close(one, first)
    assert close(exact.expectation(first), exact.gradient("policy"))
    v = torch.linspace(-1, 1, 13, dtype=torch.float64)
    assert close(scg.hvp(exact.run, "policy", v), exact.hessian("policy") @ v, 1e-11)
    exact.run.expectation(scg.surrogate(exact.run)).backward()
    trained = torch.cat([p.grad.flatten() for p in inputs["policy"].parameters()])
    assert close(trained, exact.gradient("policy"))


def test_steps_down_the_bound_never_worsen_the_objective():
    """Majorisation and minimisation, section 5.9, with a module's parameters."""
    graph, inputs = with_module()
    objective = scg.exact(graph, inputs).objective.item()
    first = objective
    for _ in range(3):
        exact = scg.exact(graph, inputs)
        moved = small_policy()
        moved.load_state_dict(inputs["policy"].state_dict())
        optimiser = torch.optim.Adam(moved.parameters(), 0.03)
        before = scg.bound(exact.run, {"policy": moved})
        assert close(before, exact.objective)
        for _ in range(5):
            optimiser.zero_grad()
            bound = scg.bound(exact.run, {"policy": moved})
            bound.backward()
            optimiser.step()
        bound = scg.bound(exact.run, {"policy": moved}).item()
        inputs = {**inputs, "policy": moved}
        assert scg.exact(graph, inputs).objective.item() <= bound + 1e-12 < objective
        objective = scg.exact(graph, inputs).objective.item()
    assert objective < first - 0.05


# -- what is computed when


def test_a_graph_is_analysed_once_and_each_function_is_then_called_once_a_run():
    calls = {"law": 0, "cost": 0}

    def law(t):
        calls["law"] += 1
        return Bernoulli(logits=t)

    def cost(x):
        calls["cost"] += 1
        return x

    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", law, theta)
    graph.log_prob("log p", x)
    graph.cost("c", cost, x)
    inputs = {theta: parameter(0.3)}
    scg.sample(graph, inputs, 3)
    calls.update(law=0, cost=0)
    for _ in range(3):
        scg.surrogate(scg.sample(graph, inputs, 3)).mean().backward()
    assert calls == {"law": 3, "cost": 3}
    graph.cost("another", lambda x: 2 * x, x)  # it must be analysed again
    assert scg.sample(graph, inputs, 3).cost_values.shape == (2, 3)
    assert calls["law"] > 4


def test_the_tests_of_a_graph_leave_the_random_numbers_alone_and_are_repeatable():
    def drawn(probes):
        graph, inputs = random_graph(3, probes=probes)
        torch.manual_seed(7)
        return scg.sample(graph, inputs, 5)

    assert close(drawn(8).cost_values, drawn(0).cost_values, 0.0)
    reports = []
    for seed in range(3):
        torch.manual_seed(seed)
        graph = scg.Graph()
        x = graph.stochastic("x", lambda: Normal(torch.zeros((), dtype=torch.float64), 1.0))
        graph.cost("c", lambda t, x: (t + x).round(), graph.input("theta"), x)
        reports.append(str(scg.explain(graph, {"theta": parameter(0.3)})))
    assert len(set(reports)) == 1
    assert "jump" in reports[0]
    with scg.seeds(1):
        one = torch.randn(3)
    torch.manual_seed(1)
    assert torch.equal(one, torch.randn(3))


def test_an_observed_run_is_the_run_that_was_drawn():
    graph, inputs, x, y = one_bit()
    run = scg.sample(graph, inputs, 9)
    again = scg.observe(graph, inputs, {x: run[x], "y": run[y]})
    assert close(scg.gradient(again, "theta"), scg.gradient(run, "theta"), 0.0)
    part = scg.observe(graph, inputs, {x: torch.ones(9, dtype=torch.float64)})
    assert (part[x] == 1).all()
    with pytest.raises(scg.GraphError, match="a value is observed for theta, expected a stochastic node"):
        scg.observe(graph, inputs, {"theta": torch.ones(9)})
    with pytest.raises(scg.GraphError, match="y was observed 2 times, expected 9"):
        scg.observe(graph, inputs, {x: run[x], y: run[y][:2]})


@settings(max_examples=10, deadline=None)
@given(graphs())
def test_a_graph_says_who_influences_whom(made):
    """Against paths that are followed one by one."""
    graph, _ = made

    def paths(v, w, ends):
        return any(p is v or (ends(p) and paths(v, p, ends)) for p in w.parents)

    def deterministic(node):
        return node.kind in ("deterministic", "cost") or node.estimator == "path"

    for w in graph.nodes:
        for v in graph.nodes:
            assert graph.influences(v, w) == paths(v, w, lambda p: True)
            assert graph.influences(v, w, deterministic=True) == paths(v, w, deterministic)
        assert w not in graph.noninfluenced(w)
        assert set(graph.costs_below(w)) == {c for c in graph.costs if paths(w, c, lambda p: True)}
        assert set(graph.deps(w)) == {v for v in graph.nodes if paths(v, w, deterministic) and not deterministic(v)}


def test_quadrature_is_exact_for_polynomials():
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", lambda t: Independent(Normal(t, t.exp()), 1), theta)
    graph.cost("c", lambda x: x[:, 0] ** 3 * x[:, 1] ** 2, x)
    t = parameter(0.4, -0.3)
    m, s = t, t.exp()
    exact = scg.exact(graph, {theta: t}, 4)
    expected = (m[0] ** 3 + 3 * m[0] * s[0] ** 2) * (m[1] ** 2 + s[1] ** 2)
    assert close(exact.objective, expected, 1e-11)
    assert close(exact.expectation(scg.gradient(exact.run, theta)), torch.autograd.grad(expected, t)[0], 1e-10)
    assert not close(scg.exact(graph, {theta: t}, POINTS - 1).objective, expected, 1e-2)
