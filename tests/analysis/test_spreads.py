"""The SD between seeds over their mean: Vangel's interval for normal values, and one that knows of two modes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from svgbench.analysis.judge.spreads import relative_sd_interval, seeds_to_see, unseen_share, vangel_interval

quick = settings(deadline=None, max_examples=30)
numbers = st.integers(1, 400).map(lambda k: k / 8)


@pytest.fixture
def rng():
    return np.random.default_rng(20261201)


def at_most(repetitions):
    """How often an event of probability 1/40 happens; oftener in one of ten thousand such tests."""
    return stats.binom.ppf(0.9999, repetitions, 0.025)


def exact(values, level):
    """Ends of the SD over the mean by scipy's noncentral t, inverted by bisection: sqrt(n) mean / SD has one."""
    x = np.asarray(values)
    n, t = len(x), math.sqrt(len(x)) * x.mean() / x.std(ddof=1)
    ends = []
    for p in ((1 - level) / 2, (1 + level) / 2):
        low, high = 1e-6, 5 * t
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if stats.nct.cdf(t, n - 1, middle) > p else (low, middle)
        ends.append(math.sqrt(n) / low)
    return tuple(ends)


@pytest.mark.parametrize("spread", [0.02, 0.1, 0.2])
@pytest.mark.parametrize("n", [3, 5, 10])
def test_vangels_interval_is_nearly_the_exact_one(n, spread):
    z = stats.norm.ppf((np.arange(n) + 0.5) / n)
    found = vangel_interval(300 * (1 + spread * z / z.std(ddof=1)))
    assert found.value == pytest.approx(spread)
    assert (found.low, found.high) == pytest.approx(exact(1 + spread * z / z.std(ddof=1), 0.95), rel=0.06)


def test_edges_of_vangels_interval():
    one = vangel_interval([3.0])
    assert math.isnan(one.value)
    assert (one.low, one.high, one.n) == (0.0, math.inf, 1)
    same = vangel_interval([-4.0] * 3)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    around_zero = vangel_interval([-1.0, 0.0, 1.0])
    assert (around_zero.value, around_zero.high) == (math.inf, math.inf)
    assert 0 < around_zero.low < math.inf


def test_edges_with_modes():
    one = relative_sd_interval([3.0])
    assert math.isnan(one.value)
    assert (one.low, one.high, one.n) == (0.0, math.inf, 1)
    nothing = relative_sd_interval([0.0] * 4)  # 0 / 0
    assert math.isnan(nothing.value)
    assert (nothing.low, nothing.high, nothing.n) == (0.0, math.inf, 4)
    for around in ([-1.0, 0.0, 1.0], [5.0, -4.0, 5.0, -4.0]):
        assert relative_sd_interval(around).high == math.inf


@pytest.mark.parametrize("n", [2, 5, 10, 60])
def test_seeds_that_are_all_alike_leave_room_for_failures_that_none_of_them_is(n):
    """A share p at 0 beside 1 - p at 1 has an SD of sqrt(p (1 - p)) and a mean of 1 - p."""
    share = unseen_share(n)
    assert (1 - share) ** n == pytest.approx(0.025)
    found = relative_sd_interval([7.0] * n)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(math.sqrt(share * (1 - share)) / (1 - share))


@pytest.mark.parametrize(("spread", "seeds"), [(0.25, 61), (0.5, 17), (1.0, 6)])
def test_how_many_seeds_a_spread_takes(spread, seeds):
    assert seeds_to_see(spread) == seeds
    assert relative_sd_interval([7.0] * seeds).high <= spread < relative_sd_interval([7.0] * (seeds - 1)).high
    with pytest.raises(ValueError, match=r"the spread is 0\.0"):
        seeds_to_see(0.0)


def test_the_share_of_a_mode_is_as_little_as_its_seeds_allow():
    """Three of ten at 0: by the exact interval of a share as few as 6.67 % are; an SD of at least 0.2674 means."""
    found = relative_sd_interval([0.0] * 3 + [1.0] * 7)
    share = stats.binomtest(3, 10).proportion_ci(0.95, "exact").low
    assert found.low == pytest.approx(math.sqrt(share / (1 - share)))
    assert found.low < vangel_interval([0.0] * 3 + [1.0] * 7).low


@pytest.mark.parametrize(("share", "n"), [(0.05, 5), (0.05, 10), (0.1, 3), (0.2, 5), (0.2, 10)])
def test_two_modes_at_the_threshold_pass_in_one_case_of_forty_and_vangels_interval_lets_them(share, n, rng):
    """Failures at 0 beside values at 1, each with a deviation of 0.02; the threshold is the mixture's own spread."""
    failed = rng.random((300, n)) < share
    rows = np.where(failed, 0.0, 1.0) + rng.normal(0, 0.02, failed.shape)
    truth = math.sqrt(share * (1 - share) + 0.02**2) / (1 - share)
    errors = []
    for interval in (vangel_interval, relative_sd_interval):
        found = [interval(row) for row in rows]
        errors.append((sum(x.high < truth for x in found), sum(x.low > truth for x in found)))
    assert max(errors[0]) > 0.08 * len(rows)
    assert max(errors[1]) <= at_most(len(rows))


@quick
@given(st.lists(numbers, min_size=2, max_size=8, unique=True), st.integers(-20, 20))
def test_a_relative_sd_knows_no_scale_and_no_sign(xs, exponent):
    here, there = relative_sd_interval(xs), relative_sd_interval([-(2.0**exponent) * x for x in xs])
    assert (there.value, there.low, there.high) == pytest.approx((here.value, here.low, here.high))
    assert here.low <= here.value <= here.high


@pytest.mark.parametrize("n", [3, 5, 10])
def test_normal_values_at_the_threshold_pass_in_one_case_of_forty(n, rng):
    """A bootstrap's upper end would have passed one case in eight with ten seeds, and one in two with three."""
    rows, truth = rng.normal(1, 0.15, (800, n)), 0.15
    for interval in (vangel_interval, relative_sd_interval):
        found = [interval(row) for row in rows]
        below, above = sum(x.high < truth for x in found), sum(x.low > truth for x in found)
        assert max(below, above) <= at_most(len(rows))
    drawn = rows[:200, rng.integers(n, size=(400, n))]
    ends = np.quantile(drawn.std(-1, ddof=1) / abs(drawn.mean(-1)), 0.975, axis=1)
    assert (ends < truth).mean() > {3: 0.4, 5: 0.25, 10: 0.12}[n]
