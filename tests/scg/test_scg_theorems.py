"""Theorems 1 and 2, Corollary 1 and Algorithm 4 of Schulman 2016, chapter 5, on random graphs, exactly."""

from __future__ import annotations

from hypothesis import given, settings
from scg_kit import POINTS, close, graphs

from svgbench import scg

few = settings(max_examples=25, deadline=None)


def by_surrogate(run, name, **how):
    """The gradient of the surrogate loss, sample by sample."""
    return scg.per_sample(scg.surrogate(run, **how), run[name])


ESTIMATES = {
    "eq. (38)": lambda run, name: scg.gradient(run, name),
    "eq. (39)": lambda run, name: scg.gradient(run, name, "upstream"),
    "Corollary 1": lambda run, name: by_surrogate(run, name, kind="log"),
    "ratio": lambda run, name: by_surrogate(run, name, kind="ratio"),
    "DiCE": lambda run, name: by_surrogate(run, name, kind="dice"),
    "Algorithm 4": lambda run, name: scg.backward_pass(run)[run.graph[name]],
}


@few
@given(graphs())
def test_all_forms_agree_sample_by_sample_and_are_unbiased(made):
    graph, inputs = made
    exact = scg.exact(graph, inputs, POINTS)
    for name in inputs:
        first = scg.gradient(exact.run, name)
        for estimate in ESTIMATES.values():
            one = estimate(exact.run, name)
            assert close(one, first)
            assert close(exact.expectation(one), exact.gradient(name))


@few
@given(graphs())
def test_the_value_of_dice_is_the_sum_of_costs_and_its_expectation_the_objective(made):
    graph, inputs = made
    exact = scg.exact(graph, inputs, POINTS)
    loss = scg.surrogate(exact.run, "dice")
    assert close(loss, exact.run.cost_values.sum(0))
    assert close(exact.expectation(loss), exact.objective)
