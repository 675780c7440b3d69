"""Statistics over tasks against rliable, lifelines, statsmodels and scipy (`golden_aggregates.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from svgbench.analysis.judge.aggregating import median_of_tasks, optimality_gap
from svgbench.analysis.judge.curve_statistics import kaplan_meier
from svgbench.analysis.judge.effect_sizes import hedges_g, probability_of_improvement, vargha_delaney
from svgbench.analysis.judge.profiles import profile_on
from svgbench.analysis.judge.resampling import Stratified
from svgbench.analysis.judge.statistics import interquartile_mean

GOLDEN = json.loads(Path(__file__).with_name("golden_aggregates.json").read_text())
MONTE_CARLO = 0.03
"""Both intervals are quantiles of a few thousand resamples of scores with an SD near 0.5."""
STEP = 0.05
"""The same for a probability from 6 runs against 6, which moves in steps of 1/36."""


def by_task(scores):
    """A matrix [runs, tasks] by the tasks' names."""
    return {f"task {t}": list(column) for t, column in enumerate(np.array(scores).T)}


def near(estimate, interval, error=MONTE_CARLO):
    assert (estimate.low, estimate.high) == pytest.approx(tuple(interval), abs=error)


@pytest.mark.parametrize("case", GOLDEN["scores"]["cases"])
def test_scores_over_tasks_agree_with_rliable(case):
    scores = by_task(case["scores"])
    drawn = Stratified(scores)
    sizes = [len(runs) for runs in scores.values()]
    ours = [
        drawn.estimate(interquartile_mean),
        drawn.estimate(lambda x: x.mean(axis=-1)),
        drawn.estimate(lambda x: median_of_tasks(x, sizes)),
        drawn.estimate(optimality_gap),
    ]
    for place, (estimate, point, interval) in enumerate(zip(ours, case["points"], case["intervals"], strict=True)):
        if place == 2 and len(sizes) == 1:
            continue  # of one task the median is that of its runs, where rliable repeats the mean
        assert estimate.value == pytest.approx(point, abs=1e-12)
        near(estimate, interval)


@pytest.mark.parametrize("case", GOLDEN["improvement"]["cases"])
def test_the_probability_of_improvement_agrees_with_rliable_and_scipy(case):
    x, y = by_task(case["x"]), by_task(case["y"])
    found = probability_of_improvement(x, y)
    assert found.value == pytest.approx(case["point"], abs=1e-12)
    assert [vargha_delaney(x[t], y[t]) for t in x] == pytest.approx(case["a12"], abs=1e-12)
    near(found, case["interval"], STEP)


@pytest.mark.parametrize("case", GOLDEN["profile"]["cases"])
def test_a_performance_profile_agrees_with_rliable(case):
    levels = np.array(case["levels"])
    found = profile_on("x", Stratified(by_task(case["scores"])), levels)
    assert found.shares == pytest.approx(case["shares"], abs=1e-12)
    assert found.low == pytest.approx(case["low"], abs=MONTE_CARLO)
    assert found.high == pytest.approx(case["high"], abs=MONTE_CARLO)


@pytest.mark.parametrize("case", GOLDEN["hedges"]["cases"])
def test_hedges_g_agrees_with_statsmodels(case):
    assert hedges_g(case["x"], case["y"]) == pytest.approx(case["g"], abs=1e-12)


@pytest.mark.parametrize("case", GOLDEN["survival"]["cases"])
def test_times_with_censoring_agree_with_lifelines(case):
    found = kaplan_meier(case["times"], case["reached"])
    shares = [
        float(found.shares[found.steps <= step][-1]) if (found.steps <= step).any() else 1.0 for step in case["steps"]
    ]
    assert shares == pytest.approx(case["shares"], abs=1e-12)
    assert found.median() == case["median"]
    assert found.restricted_mean(case["until"]).value == pytest.approx(case["restricted_mean"], rel=1e-12)
