"""Graphs whose gradients and variances are known in closed form: the motifs of Figure 11 and the examples of 5.10."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Normal

from svgbench import scg


def number(x: float) -> Tensor:
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def bernoulli(logit: Tensor) -> Bernoulli:
    return Bernoulli(logits=logit)


def unit_normal(mean: Tensor) -> Normal:
    return Normal(mean, torch.ones_like(mean))


def near(value: Tensor, expected: float, relative: float = 1e-10) -> bool:
    return abs(value.item() - expected) <= relative * (1 + abs(expected))


def expected_gradient(exact, name="theta", **how) -> Tensor:
    return exact.expectation(scg.gradient(exact.run, name, **how))


def test_figure_11_1_theta_x_deterministic_y_stochastic():
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.deterministic("x", torch.square, theta)
    y = graph.stochastic("y", unit_normal, x)
    graph.cost("f", torch.square, y)
    exact = scg.exact(graph, {theta: number(0.8)}, 6)
    assert near(exact.gradient(theta), 4 * 0.8**3)
    assert near(expected_gradient(exact), 4 * 0.8**3)


def test_figure_11_2_nothing_is_asked_of_what_is_behind_a_stochastic_node():
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", unit_normal, theta)
    y = graph.deterministic("y", lambda x: (x > 0).double(), x, smooth=False)
    graph.cost("f", lambda y: y, y)
    run = scg.sample(graph, {theta: number(0.5)}, 200_000)
    estimate = scg.gradient(run, theta)
    phi = math.exp(-0.125) / math.sqrt(2 * math.pi)
    assert abs(estimate.mean() - phi) < 5 * estimate.std() / math.sqrt(len(estimate))
    assert phi > 100 * estimate.std() / math.sqrt(len(estimate))  # so that 0 would not pass


def test_figure_11_3_two_stochastic_nodes_in_series():
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", bernoulli, theta)
    y = graph.stochastic("y", lambda x: unit_normal(2 * x - 1), x)
    graph.cost("f", lambda y: y**3, y)
    exact = scg.exact(graph, {theta: number(0.3)}, 6)
    assert near(expected_gradient(exact), 1.955667, 1e-6)
    assert exact.run.plan.scored == (x.index,)  # p(y | x) does not appear


def test_figure_11_4_a_distribution_and_a_direct_path():
    graph = scg.Graph()
    theta = graph.input("theta")
    x = graph.stochastic("x", unit_normal, theta)
    y = graph.deterministic("y", torch.square, theta)
    graph.cost("f", lambda x, y: x * y, x, y)
    exact = scg.exact(graph, {theta: number(0.8)}, 6)
    assert near(expected_gradient(exact), 3 * 0.8**2)


def test_figure_11_5_a_score_is_credited_with_future_costs_only():
    theta, x0 = 0.9, 0.7
    graph = scg.Graph()
    t = graph.input("theta")
    start = graph.input("x0")
    x1 = graph.stochastic("x1", lambda t, x: unit_normal(t * x), t, start)
    x2 = graph.stochastic("x2", lambda t, x: unit_normal(t * x), t, x1)
    graph.cost("f1", torch.square, x1)
    graph.cost("f2", torch.square, x2)
    exact = scg.exact(graph, {t: number(theta), start: torch.tensor(x0, dtype=torch.float64)}, 8)
    assert near(expected_gradient(exact), 2 * theta * x0**2 + 4 * theta**3 * x0**2 + 2 * theta)
    run = exact.run
    assert torch.equal(run.q(x2), run["f2"].detach())
    corrected, printed = (scg.backward_pass(run, form)[t] for form in ("corrected", "printed"))
    scores = scg.per_sample(run.log_prob(x2), run[t])
    assert torch.allclose(printed - corrected, scores * run["f1"], rtol=1e-12)  # f1 is not x2's doing
    assert near(exact.expectation(printed), float(exact.gradient(t)))


@pytest.mark.parametrize(("estimator", "variance"), [("score", 30.0), ("path", 4.0), ("auto", 4.0)])
def test_the_variances_of_both_estimators_of_a_normal_mean(estimator, variance):
    theta = 1.0  # sigma = 1: theta^4 + 14 theta^2 + 15, and 4
    graph = scg.Graph()
    t = graph.input("theta")
    x = graph.stochastic("x", unit_normal, t, estimator=estimator)
    graph.cost("f", torch.square, x)
    exact = scg.exact(graph, {t: number(theta)}, 8)
    estimate = scg.gradient(exact.run, t)
    assert near(exact.expectation(estimate), 2.0)
    assert near(exact.variance(estimate), variance)
    assert near(exact.hessian(t)[0, 0], 2.0)


@pytest.mark.parametrize(("b", "variance"), [(2.0, 18.0), (4.0, 14.0)])  # E f, and E[f s^2] / E[s^2]
def test_the_variance_with_a_constant_baseline(b, variance):
    graph = scg.Graph()
    t = graph.input("theta")
    x = graph.stochastic("x", unit_normal, t)
    graph.cost("f", torch.square, x)
    exact = scg.exact(graph, {t: number(1.0)}, 8)
    estimate = scg.gradient(exact.run, t, baseline=scg.Constant({x: b}))
    assert near(exact.expectation(estimate), 2.0)
    assert near(exact.variance(estimate), variance)
    assert near(torch.tensor(scg.optimal(exact.run, t).numbers[x]), 4.0)


def two_steps():
    """A Markov decision process: s_1 = 0, a_t ~ B(sigma(theta)), s_2 = a_1, rewards -0.3 a_1 and s_2 a_2."""
    graph = scg.Graph()
    t = graph.input("theta")
    a1 = graph.stochastic("a1", bernoulli, t)
    s2 = graph.deterministic("s2", lambda a: a.round(), a1, smooth=False)  # dynamics need no derivative
    a2 = graph.stochastic("a2", lambda t, s: bernoulli(t.expand_as(s)), t, s2)
    graph.cost("c1", lambda a: 0.3 * a, a1)
    graph.cost("c2", lambda s, a: -s * a, s2, a2)
    return graph, t, a1, a2, s2


def test_reinforce_on_two_steps_and_its_variance():
    graph, t, a1, a2, s2 = two_steps()
    exact = scg.exact(graph, {t: number(0.4)})
    p = float(torch.sigmoid(torch.tensor(0.4, dtype=torch.float64)))
    assert near(exact.gradient(t), -p * (1 - p) * (2 * p - 0.3))
    to_go = scg.gradient(exact.run, t)
    value = scg.Learned(graph, {a1: (lambda: torch.tensor(0.3 * p - p * p), []), a2: (lambda s: -s * p, [s2])})
    with_values = scg.gradient(exact.run, t, baseline=value)
    whole = scg.per_sample(exact.run.log_probs.sum(0), exact.run[t]) * exact.run.cost_values.detach().sum(0)
    for estimate, variance in ((whole, 0.067499), (to_go, 0.123823), (with_values, 0.013880)):
        assert near(exact.expectation(estimate), -0.2156041, 1e-7)
        assert near(exact.variance(estimate), variance, 1e-6)


def one_bit():
    """The sigmoid belief net of one bit: p(h) = sigma(a), p(x = 1 | h) = sigma(b + c h), q(h | x) = sigma(d), x = 1."""
    graph = scg.Graph()
    a, b, c, d = (graph.input(name) for name in "abcd")
    h = graph.stochastic("h", bernoulli, d)
    log_q = graph.log_prob("log q", h)
    joint = graph.deterministic(
        "log p",
        lambda a, b, c, h: bernoulli(a).log_prob(h) + bernoulli(b + c * h).log_prob(torch.ones_like(h)),
        a, b, c, h,
    )  # fmt: skip
    graph.cost("-elbo", lambda q, p: q - p, log_q, joint)
    values = dict(zip((a, b, c, d), map(number, (0.2, -0.5, 1.5, 0.4)), strict=True))
    return graph, values, h


def test_the_elbo_of_one_bit_and_its_gradients():
    graph, values, _ = one_bit()
    exact = scg.exact(graph, values)
    assert near(-exact.objective, -0.5833162, 1e-7)
    for theta, expected in zip(values, (0.0488537, 0.4108125, 0.1610119, 0.1107158), strict=True):
        assert near(-exact.gradient(theta), expected, 1e-6)
        assert near(-expected_gradient(exact, theta), expected, 1e-6)


def test_without_the_direct_terms_of_log_q_nvil_stays_unbiased():
    """Eq. (43) drops d log q from the cost: it is zero in expectation."""
    graph, values, h = one_bit()
    exact = scg.exact(graph, values)
    run, d = exact.run, graph["d"]
    score = scg.per_sample(run.log_prob(h), run[d])
    b = -0.5833162
    variances = [exact.variance(score * (-run.q(h) - shift)) for shift in (0.0, b)]
    assert near(exact.expectation(score * -run.q(h)), 0.1107158, 1e-6)
    assert near(variances[0], 0.109232, 1e-5)
    assert near(variances[1], 0.00198757, 1e-5)


def test_a_variational_autoencoder_of_numbers():
    """x | h ~ N(mean .7 h - .2, variance .5), q = N(.4, .6^2), prior N(0, 1), x = 1.3: eq. L_re of section 5.10.1."""
    graph = scg.Graph()
    mu, sigma, w, b = (graph.input(name) for name in ("mu", "sigma", "w", "b"))
    h = graph.stochastic("h", Normal, mu, sigma, estimator="path")
    log_q = graph.log_prob("log q", h)

    def joint(w, b, h):
        likelihood = Normal(w * h + b, torch.full_like(h, 0.5**0.5)).log_prob(torch.full_like(h, 1.3))
        return unit_normal(torch.zeros_like(h)).log_prob(h) + likelihood

    log_p = graph.deterministic("log p", joint, w, b, h)
    graph.cost("-elbo", lambda q, p: q - p, log_q, log_p)
    values = dict(zip((mu, sigma, w, b), map(number, (0.4, 0.6, 0.7, -0.2)), strict=True))
    exact = scg.exact(graph, values, 6)
    assert near(-exact.objective, -2.5079906, 1e-7)
    for theta, expected in zip(values, (1.308, 0.4786667, 0.472, 2.44), strict=True):
        assert near(-exact.gradient(theta), expected, 1e-6)
        assert near(-expected_gradient(exact, theta), expected, 1e-6)


def three_layers():
    """The generative model h_3 -> h_2 -> h_1 -> x of one bit each, and its posterior q(h_1 | x) q(h_2 | h_1) ..."""
    graph = scg.Graph()
    theta3, theta2, theta1, phi = (graph.input(name) for name in ("theta3", "theta2", "theta1", "phi"))
    h1 = graph.stochastic("h1", lambda f: bernoulli(f[0]), phi)
    h2 = graph.stochastic("h2", lambda f, h: bernoulli(f[1] + f[2] * h), phi, h1)
    h3 = graph.stochastic("h3", lambda f, h: bernoulli(f[3] + f[4] * h), phi, h2)
    log_q = [graph.log_prob(f"log q{i}", h) for i, h in enumerate((h1, h2, h3), 1)]

    def log_p(above, below):
        return lambda t, up, down: bernoulli(t[0] + t[1] * above(up)).log_prob(below(down))

    same = lambda h: h  # noqa: E731  # three uses, each one line
    ones = torch.ones_like
    c1 = graph.deterministic("p1", lambda t, h: log_p(same, ones)(t, h, h), theta1, h1)
    c2 = graph.deterministic("p2", log_p(same, same), theta2, h2, h1)
    # of theta_3 the first two are of h_2 given h_3, the last of h_3
    given = lambda t, h3, h2: bernoulli(t[0] + t[1] * h3).log_prob(h2)  # noqa: E731  # used twice below
    last = graph.deterministic("p3", lambda t, h3, h2: given(t, h3, h2) + bernoulli(t[2]).log_prob(h3), theta3, h3, h2)
    for i, (q, p) in enumerate(zip(log_q, (c1, c2, last), strict=True), 1):
        graph.cost(f"-r{i}", lambda q, p: q - p, q, p)
    values = {
        theta3: torch.tensor([0.3, -0.8, 0.5]),
        theta2: torch.tensor([-0.4, 1.1]),
        theta1: torch.tensor([0.2, 0.9]),
        phi: torch.tensor([0.1, 0.6, -1.2, -0.3, 0.8]),
    }
    return graph, {k: v.double().requires_grad_() for k, v in values.items()}


def test_equation_42_is_biased_as_printed_and_exact_as_corrected():
    """Its third term is printed as log p(h_2); it must be log p(h_2 | h_3) p(h_3)."""
    graph, values = three_layers()
    exact = scg.exact(graph, values)
    run, theta = exact.run, graph["theta3"]
    corrected = -exact.expectation(scg.gradient(run, theta))
    assert torch.allclose(corrected, -exact.gradient(theta), rtol=1e-12)
    t, h2 = run[theta], run["h2"]
    one, zero = (bernoulli(t[0] + t[1] * h).probs for h in (torch.ones(()), torch.zeros(())))
    marginal = torch.sigmoid(t[2]) * one + (1 - torch.sigmoid(t[2])) * zero
    printed = exact.expectation(scg.per_sample(Bernoulli(marginal).log_prob(h2), t))
    assert (printed - corrected).abs().max() > 0.02
