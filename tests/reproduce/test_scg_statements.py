"""`scg/statements`: its exact means against samples, the library's own check, and closed forms."""

from __future__ import annotations

import pytest
import torch
from learner_laws import finish

from svgbench import scg
from svgbench.baselines.scg import scg_statements as statements
from svgbench.nn.streams import Streams

SEED = 5
FORMS = ("printed", "corrected")

pytestmark = pytest.mark.usefixtures("one_thread")


def rows(reading, problems=4):
    return finish(statements.make({"reading": reading}, None, [SEED], {"problems": problems}, "cpu"))


def layout(seed=SEED):
    return statements.Layout.drawn(Streams([seed], "problem 1"))


def within(samples, expected):
    """5 standard errors: once in two million by chance."""
    return abs(samples.mean().item() - expected) <= 5 * samples.std().item() / len(samples) ** 0.5


@pytest.mark.parametrize("form", FORMS)
def test_means_are_those_of_samples_of_the_graph_with_functions_that_jump(form):
    """The objective is that of the Bernoulli laws, and the mean of eq. (38) that of the laws without a score."""
    one = layout()
    jumping = one.may_jump(form)
    with scg.seeds(0):
        run = scg.sample(one.graph(jumping, "noise"), one.inputs(), 20_000)
    found = statements.under_condition_1(one, form)
    assert within(run.cost_values.detach().sum(0), scg.exact(one.graph(jumping, "law"), one.inputs()).objective.item())
    assert within(scg.gradient(run, "theta"), found.mean)
    assert scg.gradient(run, "theta").var().item() == pytest.approx(found.variance, rel=0.1)


def test_the_library_accepts_what_the_corrected_condition_allows_and_refuses_what_the_printed_one_does():
    for seed in range(3):
        one = layout(seed)
        for form in FORMS:
            graph = one.graph(one.may_jump(form), "noise", probes=8)
            assert scg.explain(graph, one.inputs(), 8).ok == (form == "corrected")


def test_the_printed_condition_leaves_out_edges_of_theta_and_asks_for_edges_of_bits():
    one = layout()
    printed, corrected = (set(scg.condition_1(one.smooth, "theta", form)) for form in FORMS)
    assert {v.name for v, _ in corrected - printed} == {"theta"}
    assert {v.kind for v, _ in printed - corrected} == {"stochastic"}


@pytest.mark.parametrize(
    ("corrected", "printed"),
    [
        ("condition-corrected", "condition-printed"),
        ("theorem-2", "own-node"),
        ("theorem-2", "parenthesis"),
        ("support-moves", "support-jumps"),
        ("steps-in-x", "support-jumps"),
    ],
)
def test_statements_hold_as_corrected_and_not_as_printed(corrected, printed):
    assert all(row["bias"] < 1e-12 for row in rows(corrected))
    assert all(row["bias"] > 1e-6 for row in rows(printed))
    assert max(row["bias"] for row in rows(printed)) > 0.1


def test_a_uniform_law_loses_the_value_at_its_end():
    """x ~ U(0, theta): d E f = (f(theta) - E f) / theta, and the score is -1 / theta."""
    theta, coefficients = torch.tensor(0.8, dtype=torch.float64, requires_grad=True), [0.3, -1.0, 0.5, 2.0]
    found = statements.score_function("support-jumps", theta, torch.tensor(coefficients, dtype=torch.float64))
    mean = sum(c * 0.8**k / (k + 1) for k, c in enumerate(coefficients))
    end = sum(c * 0.8**k for k, c in enumerate(coefficients))
    square = sum(a * b * 0.8 ** (i + j) / (i + j + 1) for i, a in enumerate(coefficients)
                 for j, b in enumerate(coefficients))  # fmt: skip
    assert found.exact == pytest.approx((end - mean) / 0.8, rel=1e-12)
    assert found.mean == pytest.approx(-mean / 0.8, rel=1e-12)
    assert found.variance == pytest.approx((square - mean**2) / 0.64, rel=1e-12)


def test_gradients_of_eq_36_are_those_of_the_moments():
    """Beta(2, 3) on (0, theta): E x = .4 theta, E x^3 = 4 theta^3 / 35; of steps E x = .75 - theta / 4."""
    f = torch.tensor([1.0, 2.0, 0.0, 3.0], dtype=torch.float64)
    for reading, exact in (("support-moves", 0.8 + 9 * 0.81 * 4 / 35), ("steps-in-x", -0.5 - 3 * 7 / 32)):
        theta = torch.tensor(0.9, dtype=torch.float64, requires_grad=True)
        assert statements.score_function(reading, theta, f).exact == pytest.approx(exact, rel=1e-12)


def test_the_optimal_constant_is_footnote_3s_and_no_other_has_less_variance():
    stream = Streams([SEED], "problem 1")
    slope, logits, f = numbers = stream.normal((3, statements.OUTCOMES), torch.float64)[0]
    p = logits.softmax(0)
    s = slope - p @ slope
    best = (p @ (f * s**2)) / (p @ s**2)
    variances = {r: statements.one_variable(r, numbers).variance for r in ("optimal", "mean", "no-baseline", "above")}
    wanted = p @ (s * (f - best)).square() - (p @ (s * f)) ** 2
    assert variances["optimal"] == pytest.approx(wanted.item(), rel=1e-12)
    extra = 0.01 * best**2 * (p @ s**2)  # the variance is a parabola in b
    assert variances["above"] == pytest.approx((wanted + extra).item(), rel=1e-12)
    assert variances["optimal"] < min(variances["mean"], variances["no-baseline"])
