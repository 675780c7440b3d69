"""Shares of failed seeds, and intervals by ranks, against scipy and printed examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from svgbench.analysis.judge.rates import MOST, rates_power, rates_test, seeds_needed, share_difference, share_interval
from svgbench.analysis.judge.robust import (
    difference,
    median_interval,
    shift_interval,
    skewed_interval,
    skewness,
    two_mode_interval,
)
from svgbench.analysis.judge.statistics import Interval, t_interval

X = np.random.default_rng(3).normal(1.0, 1.0, 8)
Y = np.random.default_rng(4).normal(0.0, 1.0, 6)


@pytest.mark.parametrize(("k", "n"), [(0, 5), (1, 5), (5, 5), (3, 20)])
def test_a_share_has_the_exact_interval(k, n):
    exact = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    found = share_interval(k, n)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


def test_newcombes_own_example():
    found = share_difference(56, 70, 48, 80)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)  # Newcombe 1998, table II, (a)


def test_none_against_five_of_twenty_is_just_told_apart():
    assert rates_test(0, 20, 5, 20) == pytest.approx(0.047, abs=5e-4)
    assert rates_test(0, 5, 1, 5) == 1.0


def test_the_power_of_the_exact_test_is_that_of_all_its_outcomes():
    power = sum(
        stats.binom.pmf(k, 6, 0.1) * stats.binom.pmf(m, 6, 0.8)
        for k in range(7)
        for m in range(7)
        if rates_test(k, 6, m, 6) <= 0.05
    )
    assert rates_power(0.1, 0.8, 6) == pytest.approx(power)


def test_seeds_needed_reach_the_power():
    n = seeds_needed(0.0, 0.25)
    assert rates_power(0.0, 0.25, n) >= 0.8 > rates_power(0.0, 0.25, n - 1)
    assert 25 < n < 40
    assert seeds_needed(0.2, 0.21) == MOST + 1


@pytest.mark.parametrize("shift", [-3.0, 0.0, 2.0])
def test_the_interval_of_a_shift_is_where_the_exact_test_does_not_reject(shift):
    x = X + shift
    found = shift_interval(x, Y)
    for at, inside in (
        (found.low - 1e-6, False),
        (found.low + 1e-6, True),
        (found.high - 1e-6, True),
        (found.high + 1e-6, False),
    ):
        assert (stats.mannwhitneyu(x - at, Y, method="exact").pvalue > 0.05) == inside


def test_below_five_seeds_a_side_ranks_give_no_interval():
    assert shift_interval(X[:4], Y).low == -math.inf
    assert math.isfinite(shift_interval(X[:5], Y[:5]).low)
    assert median_interval(X[:5]).low == -math.inf  # 93.75 % at most
    assert (median_interval(X[:6]).low, median_interval(X[:6]).high) == (X[:6].min(), X[:6].max())


def test_a_mean_in_two_modes_lies_between_the_shares_that_the_seeds_allow():
    values = {0: 0.0, **dict.fromkeys(range(1, 10), 1.0)}
    found = two_mode_interval(values, [0])
    share = share_interval(1, 10)
    assert (found.low, found.high) == pytest.approx((1 - share.high, 1 - share.low))
    assert found.value == 0.9
    for failed in ([], range(10)):
        with pytest.raises(ValueError, match="in the first mode"):
            two_mode_interval(values, failed)


def test_the_correction_for_skewness_moves_the_interval_towards_the_tail():
    x = np.random.default_rng(0).lognormal(0, 1, 20)
    plain, found = t_interval(x), skewed_interval(x)
    assert plain.low < found.low < found.high
    assert found.high > plain.high
    symmetric = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
    assert skewed_interval(symmetric) == t_interval(symmetric)
    mirrored = skewed_interval(-x)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


@pytest.mark.parametrize("exponent", [-1060, -365, 345, 500, 1015])
def test_powers_of_two_change_no_interval_and_no_skewness(exponent):
    """Cubes of values near 1e-110 are 0, and those near 1e104 are infinite, unless the values are scaled first."""
    x = np.round(np.random.default_rng(0).lognormal(0, 1, 20), 3)
    scaled = np.ldexp(x, exponent) if exponent > -1022 else np.ldexp(np.ldexp(x, -1000), exponent + 1000)
    loose = {"rel": 1e-12} if exponent > -1022 else {"rel": 1e-3}  # subnormal numbers have few digits
    assert skewness(scaled) == pytest.approx(skewness(x), **loose)
    modes = [0, 3]
    for found, plain in (
        (skewed_interval(scaled), skewed_interval(x)),
        (two_mode_interval(dict(enumerate(scaled)), modes), two_mode_interval(dict(enumerate(x)), modes)),
    ):
        ends = [math.ldexp(end, exponent) for end in (plain.value, plain.low, plain.high)]
        assert (found.value, found.low, found.high) == pytest.approx(ends, abs=0.0, **loose)


def test_skewness_is_in_units_of_its_critical_value():
    x = np.random.default_rng(0).lognormal(0, 1, 20)
    g1 = stats.skew(x, bias=False)
    assert skewness(x) == pytest.approx(g1 / (1.96 * 0.5121), rel=1e-3)  # the standard error of G1 at n = 20
    assert skewness([1.0, 2.0, 9.0]) == 0.0 == skewness([2.0] * 8)


def test_independent_intervals_subtract_as_welch_nearly_does():
    found = difference(Interval(3.0, 2.0, 4.0, 5), Interval(1.0, 0.0, 2.0, 6))
    assert (found.value, found.low, found.high, found.n) == (2.0, 2.0 - math.sqrt(2), 2.0 + math.sqrt(2), 5)
