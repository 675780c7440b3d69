"""Statistics against statsmodels and scipy, closed forms, and edges."""

from __future__ import annotations

import json
import math

import golden
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svgbench.analysis.judge import statistics as ours

GOLDEN = json.loads(golden.FILE.read_text())
finite = st.floats(-1e6, 1e6)


def leaves(tree):
    if isinstance(tree, dict):
        return [x for key in tree for x in leaves(tree[key])]
    return [x for item in tree for x in leaves(item)] if isinstance(tree, list) else [tree]


def test_the_committed_golden_file_is_what_its_script_makes():
    fresh = json.loads(json.dumps(golden.build()))
    assert [len(fresh[key]) for key in fresh] == [len(GOLDEN[key]) for key in fresh]
    assert leaves(fresh) == pytest.approx(leaves(GOLDEN), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("case", GOLDEN["two_samples"])
def test_tost_and_welch_agree_with_tests_on_the_raw_values(case):
    a, b = ours.summarise(case["a"]), ours.summarise(case["b"])
    assert ours.tost(a, b, case["margin"]) == pytest.approx(case["tost"], rel=1e-9)
    test = ours.welch(a, b, level=0.9)
    assert (test.p, test.df, test.low, test.high) == pytest.approx(
        (case["p"], case["df"], case["low_90"], case["high_90"]), rel=1e-9
    )


def test_the_golden_pairs_tell_tost_from_its_mistakes():
    """With swapped alternatives, or the smaller p-value, some pair would be wrong by more than a tenth."""
    swapped = [1 - case["tost"] for case in GOLDEN["two_samples"]]
    assert max(abs(s - case["tost"]) for s, case in zip(swapped, GOLDEN["two_samples"], strict=True)) > 0.1
    assert any(case["tost"] < 0.05 for case in GOLDEN["two_samples"])
    assert any(case["tost"] > 0.95 and case["p"] < 0.05 for case in GOLDEN["two_samples"])


def test_tost_is_small_only_within_the_margin():
    here, near, far = (ours.Summary(m, 1.0, 50) for m in (0.0, 0.1, 3.0))
    assert ours.tost(here, near, 1.0) < 0.001
    assert ours.tost(here, far, 1.0) > 0.999
    assert ours.tost(far, here, 1.0) > 0.999
    with pytest.raises(ValueError, match="margin is -1"):
        ours.tost(here, near, -1.0)


@pytest.mark.parametrize("case", GOLDEN["one_sample"])
def test_t_interval_is_scipys(case):
    interval = ours.t_interval(case["values"])
    assert (interval.low, interval.high) == pytest.approx((case["low"], case["high"]), rel=1e-9)
    assert interval.n == len(case["values"])


@pytest.mark.parametrize("case", GOLDEN["holm"])
def test_holm_is_statsmodels(case):
    assert ours.holm(case["p"]) == pytest.approx(case["adjusted"], rel=1e-12)


def test_holm_by_hand_and_bad_input():
    assert ours.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert ours.holm([]) == []
    for bad in (math.nan, -0.1, 1.1):
        with pytest.raises(ValueError, match="between 0 and 1"):
            ours.holm([0.5, bad])


@pytest.mark.parametrize("case", GOLDEN["interquartile_mean"])
def test_interquartile_mean_is_scipys_trimmed_mean(case):
    assert float(ours.interquartile_mean(case["values"])) == pytest.approx(case["mean"], rel=1e-9)


def test_interquartile_mean_ignores_the_outer_quarters_of_the_last_axis():
    rows = [[-100, 1, 2, 100], [5, 5, 7, 7]]
    assert ours.interquartile_mean(rows).tolist() == [1.5, 6.0]


@pytest.mark.parametrize("case", GOLDEN["stratified"])
def test_stratified_bootstrap_agrees_with_scipys_bootstrap_of_several_samples(case):
    by_task = {str(i): sample for i, sample in enumerate(case["samples"])}
    interval = ours.stratified_bootstrap_interval(by_task, ours.interquartile_mean, 20_000, seed=3)
    tolerance = 0.03 * (case["high"] - case["low"])  # an unstratified bootstrap is off by more than a tenth
    assert (interval.low, interval.high) == pytest.approx((case["low"], case["high"]), abs=tolerance)


def test_stratified_bootstrap_never_moves_seeds_between_tasks():
    """Constant tasks: within each, a resample is the sample; across them the mean would vary."""

    def mean(x):
        return x.mean(axis=-1)

    interval = ours.stratified_bootstrap_interval({"a": [0.0] * 4, "b": [1.0] * 4}, mean, 200, seed=0)
    assert (interval.low, interval.value, interval.high) == (0.5, 0.5, 0.5)


def test_stratified_bootstrap_is_its_seed_and_nothing_else():
    values = {"b": [3.0, 1.0, 2.5, 0.0], "a": [0.3, -1.0, 7.0]}
    shuffled = {"a": [7.0, 0.3, -1.0], "b": [2.5, 3.0, 0.0, 1.0]}

    def interval(by_task, seed):
        return ours.stratified_bootstrap_interval(by_task, ours.interquartile_mean, 500, seed)

    np.random.seed(1)  # noqa: NPY002  the global generator must not matter
    first = interval(values, 5)
    np.random.seed(2)  # noqa: NPY002
    assert interval(shuffled, 5) == first
    assert interval(values, 6) != first
    with pytest.raises(ValueError, match="at least one"):
        interval({}, 5)


def test_bootstrap_interval_is_its_seed_and_contains_its_estimate():
    values = np.random.default_rng(0).lognormal(size=20)
    for method in ("BCa", "percentile"):
        interval = ours.bootstrap_interval(values, np.median, method, seed=1)
        assert interval == ours.bootstrap_interval(values[::-1], np.median, method, seed=1)
        assert interval != ours.bootstrap_interval(values, np.median, method, seed=2)
        assert interval.low < interval.value == np.median(values) < interval.high


def test_bootstrap_and_t_intervals_degenerate_alike():
    for interval in (ours.t_interval, ours.bootstrap_interval):
        assert interval([2.0]) == ours.Interval(2.0, -math.inf, math.inf, 1)
        assert interval([0.1] * 7) == ours.Interval(0.1, 0.1, 0.1, 7)
        for bad in ([], [[1.0]], [1.0, math.nan]):
            with pytest.raises(ValueError, match="values"):
                interval(bad)


def test_tests_without_spread_or_without_a_second_seed():
    a, same, other, one = (ours.Summary(m, s, n) for m, s, n in [(1, 0, 3), (1, 0, 4), (2, 0, 3), (1, math.nan, 1)])
    assert (ours.welch(a, same).p, ours.welch(a, other).p) == (1.0, 0.0)
    assert (ours.welch(a, other).low, ours.welch(a, other).high) == (-1.0, -1.0)
    assert (ours.tost(a, other, 1.5), ours.tost(a, other, 1.0)) == (0.0, 1.0)
    assert ours.welch(a, one) == ours.Welch(0.0, -math.inf, math.inf, 1.0, 0.0)
    assert ours.tost(one, a, 5.0) == 1.0


def test_t_interval_covers_as_often_as_it_says():
    """Standard error of the share: 0.004. A normal quantile in place of t would cover 0.88."""
    draws = np.random.default_rng(0).normal(size=(3000, 5))
    intervals = [ours.t_interval(row) for row in draws]
    assert np.mean([i.low < 0 < i.high for i in intervals]) == pytest.approx(0.95, abs=0.015)


@settings(deadline=None, max_examples=50)
@given(st.lists(finite, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_a_summary_does_not_know_the_order_of_the_seeds(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    first, second = ours.summarise(values), ours.summarise(shuffled)
    assert (first.mean, first.n) == (second.mean, second.n)
    assert first.sd == second.sd or (len(values) == 1 and math.isnan(second.sd))


@settings(deadline=None, max_examples=50)
@given(st.lists(finite, min_size=2, max_size=8), st.lists(finite, min_size=2, max_size=8))
def test_welch_and_tost_are_symmetric(x, y):
    a, b = ours.summarise(x), ours.summarise(y)
    there, back = ours.welch(a, b), ours.welch(b, a)
    assert (there.difference, there.low, there.high) == (-back.difference, -back.high, -back.low)
    assert there.p == pytest.approx(back.p, rel=1e-9)
    assert ours.tost(a, b, 1.0) == pytest.approx(ours.tost(b, a, 1.0), rel=1e-6, abs=1e-12)


def test_spreads_become_standard_deviations():
    values = np.random.default_rng(0).normal(size=7)
    summary = ours.summarise(values)
    interval = ours.t_interval(values)
    assert ours.to_sd(summary.sd, "sd", 7) == (summary.sd,)
    assert ours.to_sd(summary.sd / math.sqrt(7), "se", 7) == pytest.approx((summary.sd,))
    assert ours.to_sd((interval.high - interval.low) / 2, "ci95", 7) == pytest.approx((summary.sd,))
    assert ours.to_sd(2, "unknown", 9) == (2.0, 6.0)
    with pytest.raises(ValueError, match="iqr"):
        ours.to_sd(1, "iqr", 9)
    with pytest.raises(ValueError, match="at least 2"):
        ours.to_sd(1, "se", 1)


def test_seed_grid_leaves_holes_and_refuses_two_values():
    seeds, steps, values = ours.seed_grid([1, 0, 0], [20, 10, 20], [3.0, 1.0, 2.0])
    assert (seeds.tolist(), steps.tolist()) == ([0, 1], [10, 20])
    np.testing.assert_array_equal(values, [[1.0, 2.0], [math.nan, 3.0]])
    with pytest.raises(ValueError, match="two values at one step"):
        ours.seed_grid([0, 0], [10, 10], [1.0, 2.0])


def test_curve_band_is_a_t_interval_at_every_step_and_fills_no_hole():
    nan = math.nan
    values = np.array([[1.0, 2.0, nan, nan, 5.0], [2.0, nan, nan, nan, 5.0], [4.0, 7.0, 3.0, nan, 5.0]])
    band = ours.curve_band(values, level=0.9)
    assert band.n.tolist() == [3, 2, 1, 0, 3]
    for t in (0, 1, 4):
        expected = ours.t_interval(values[~np.isnan(values[:, t]), t], 0.9)
        assert (band.mean[t], band.low[t], band.high[t]) == pytest.approx((expected.value, expected.low, expected.high))
    assert band.mean[2] == 3.0
    assert np.isnan([band.low[2], band.high[2], band.mean[3], band.low[3]]).all()
    with pytest.raises(ValueError, match=r"expected \[S, T\]"):
        ours.curve_band(values[0])
