"""Effects and their intervals: transcriptions written out, laws, and how often they err on made data."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from svgbench.analysis.judge.effects import Effect, effect_interval, spread_effect
from svgbench.analysis.judge.modes import failing
from svgbench.analysis.judge.spreads import relative_sd_interval
from svgbench.analysis.judge.statistics import t_interval

quick = settings(deadline=None, max_examples=30)
numbers = st.integers(1, 400).map(lambda k: k / 8)


@pytest.fixture
def rng():
    return np.random.default_rng(20261201)


def terms(columns):
    """Arrays [S, V] as V candidates of one cell each."""
    return [(dict(enumerate(column)),) for column in np.asarray(columns, dtype=float).T.tolist()]


def best(left, right, higher=True, scale="difference", level=0.95) -> Effect:
    effect = effect_interval(terms(left), terms(right), scale, higher, level)
    assert isinstance(effect, Effect)
    return effect


def lower_end(x, y, error):
    """Of the mean of x - y by scipy, the larger the better: paired, and against what of y has not failed."""
    paired = stats.ttest_1samp(x - y, 0.0, alternative="greater").confidence_interval(1 - error).low
    rest = np.delete(y, list(failing(dict(enumerate(y)))))
    if len(rest) == len(y):
        return float(paired)
    apart = stats.ttest_ind(x, rest, equal_var=False, alternative="greater").confidence_interval(1 - error / 2).low
    return max(float(paired), float(apart))


@pytest.mark.parametrize("scale", ["difference", "log_ratio"])
@pytest.mark.parametrize("failed", [False, True])
def test_the_best_of_several_by_brute_force(scale, failed, rng):
    """Means, then every pair at its Bonferroni level, by loops and scipy; higher is better, then lower."""
    left, right = rng.lognormal(1.0, 0.3, (6, 3)), rng.lognormal(0.8, 0.3, (6, 4))
    if failed:
        left[2, 1], right[4, :3], right[3, 3] = 0.01, 0.02, 90.0
    x, y = (np.log(left), np.log(right)) if scale == "log_ratio" else (left, right)
    high = best(left, right, True, scale)
    assert high.interval.value == pytest.approx(x.mean(0).max() - y.mean(0).max())
    assert (high.left, high.right) == (x.mean(0).argmax(), y.mean(0).argmax())
    lower = max(min(lower_end(x[:, i], y[:, j], 0.025 / 3) for j in range(4)) for i in range(3))
    upper = min(max(-lower_end(y[:, j], x[:, i], 0.025 / 4) for i in range(3)) for j in range(4))
    assert (high.interval.low, high.interval.high) == pytest.approx((lower, upper), rel=1e-9)
    low = best(left, right, False, scale)
    assert low.interval.value == pytest.approx(x.mean(0).min() - y.mean(0).min())
    assert (low.left, low.right) == (x.mean(0).argmin(), y.mean(0).argmin())
    lower = max(min(lower_end(-y[:, j], -x[:, i], 0.025 / 4) for i in range(3)) for j in range(4))
    upper = min(max(-lower_end(-x[:, i], -y[:, j], 0.025 / 3) for j in range(4)) for i in range(3))
    assert (low.interval.low, low.interval.high) == pytest.approx((lower, upper), rel=1e-9)


def test_the_best_of_one_is_that_one(rng):
    x, y = rng.normal(5, 1, (7, 1)), rng.normal(4, 1, (7, 1))
    assert best(x, y).interval == best(x, y, higher=False).interval == t_interval((x - y)[:, 0])


values = st.lists(st.lists(numbers, min_size=5, max_size=5), min_size=3, max_size=6)


@quick
@given(values, st.integers(1, 2), st.booleans())
def test_laws_of_the_best(columns, cut, higher):
    """Sides swapped, signs turned, candidates shuffled, a constant added to all, a candidate given twice."""
    array = np.array(columns).T
    left, right = array[:, :cut], array[:, cut:]
    here = best(left, right, higher).interval
    assert here.low <= here.value <= here.high
    back = best(right, left, higher).interval
    assert (-back.value, -back.high, -back.low) == pytest.approx((here.value, here.low, here.high))
    turned = best(-left, -right, not higher).interval
    assert (-turned.value, -turned.high, -turned.low) == pytest.approx((here.value, here.low, here.high))
    assert best(left[:, ::-1], right[:, ::-1], higher).interval == here
    shifted = best(left + 64.0, right + 64.0, higher).interval
    assert (shifted.value, shifted.low, shifted.high) == pytest.approx((here.value, here.low, here.high), abs=1e-9)
    doubled = best(np.hstack([left, left]), right, higher).interval
    assert doubled.value == here.value
    wider, same = ("low", "high") if higher else ("high", "low")  # more to choose from: the same mean says less
    assert abs(getattr(doubled, wider) - here.value) >= abs(getattr(here, wider) - here.value)
    assert getattr(doubled, same) == pytest.approx(getattr(here, same))


def test_cells_are_paired_only_by_seeds_that_all_have():
    """Candidate 1 lacks seed 0, so nobody's seed 0 counts; without any common seed each pair is Welch's."""
    a, b, c = {0: 99.0, 1: 5.0, 2: 6.0, 3: 5.5}, {1: 4.0, 2: 4.5, 3: 4.1}, {0: 0.0, 1: 1.0, 2: 2.2, 3: 1.4}
    found = effect_interval([(a,), (b,)], [(c,)], "difference", True, 0.95)
    assert isinstance(found, Effect)
    assert (found.interval.n, found.left) == (3, 0)
    assert found.interval.value == pytest.approx((4.0 + 3.8 + 4.1) / 3)
    apart = {10 + seed: x for seed, x in c.items()}
    unpaired = effect_interval([(b,)], [(apart,)], "difference", True, 0.95)
    assert isinstance(unpaired, Effect)
    by_scipy = stats.ttest_ind(list(b.values()), list(apart.values()), equal_var=False).confidence_interval(0.95)
    assert (unpaired.interval.low, unpaired.interval.high) == pytest.approx((by_scipy.low, by_scipy.high))
    assert effect_interval([(a, b)], [(apart,)], "difference", True, 0.95) == "no seed is common to all of its cells"


@pytest.mark.parametrize("scale", ["difference", "log_ratio"])
def test_a_change_is_paired_through_all_four_cells(scale, rng):
    after, before, after2, before2 = rng.lognormal(1, 0.4, (4, 6))
    cells = [dict(enumerate(x.tolist())) for x in (after, before, after2, before2)]
    found = effect_interval([(cells[0], cells[1])], [(cells[2], cells[3])], scale, True, 0.95)
    f = np.log if scale == "log_ratio" else np.asarray
    expected = t_interval((f(after) - f(before)) - (f(after2) - f(before2)))
    assert isinstance(found, Effect)
    assert (found.interval.value, found.interval.low, found.interval.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )


def at_most(repetitions):
    """How often an event of probability 1/40 happens; oftener in one of ten thousand such tests."""
    return stats.binom.ppf(0.9999, repetitions, 0.025)


TIES = [((0.0,), (0.0,)), ((0.0,) * 2, (0.0,) * 5), ((0.0,) * 5, (0.0,) * 2), ((0.0, -9.0), (0.0, -9.0, -9.0))]


@pytest.mark.parametrize(("left", "right"), TIES)
@pytest.mark.parametrize("n", [3, 10])
def test_equal_bests_are_told_apart_in_one_case_of_forty_at_most(left, right, n, rng):
    """The truth is a difference of 0, at ties on either side, and where one candidate stands out."""
    above = below = 0
    for _ in range(300):
        interval = best(rng.normal(left, 1, (n, len(left))), rng.normal(right, 1, (n, len(right)))).interval
        above, below = above + (interval.low > 0), below + (interval.high < 0)
    assert max(above, below) <= at_most(300)


def test_a_bootstrap_of_the_best_would_tell_equals_apart(rng):
    """Why there is none: best of five against best of two, all equal, is called better in one case of ten and more."""
    n, repetitions, resamples = 5, 300, 400
    wrong = wrong_here = 0
    for _ in range(repetitions):
        x = rng.normal(0, 1, (n, 7))
        means = rng.multinomial(n, np.full(n, 1 / n), resamples) / n @ x
        wrong += np.quantile(means[:, :5].max(1) - means[:, 5:].max(1), 0.025) > 0
        wrong_here += best(x[:, :5], x[:, 5:]).interval.low > 0
    assert wrong > 0.10 * repetitions
    assert wrong_here <= 0.025 * repetitions


@pytest.mark.parametrize(("candidates", "in_errors"), [(1, 0.0), (2, 0.5642), (5, 1.1630), (16, 1.7660)])
def test_the_best_of_equals_looks_better_than_it_is_by_known_amounts(candidates, in_errors, rng):
    """The value's bias, in standard errors of one mean: the expected maximum of normals (Tippett 1925), as in the docs.

    Against a side of one candidate; 4000 repetitions leave a standard error of 0.02.
    """
    n = 10
    means = rng.normal(0, 1, (4000, n, candidates + 1))
    found = [best(x[:, :candidates], x[:, candidates:]).interval.value for x in means[:40]]
    brute = means.mean(1)[:, :candidates].max(1) - means.mean(1)[:, candidates]
    assert found == pytest.approx(brute[:40].tolist())
    assert brute.mean() * math.sqrt(n) == pytest.approx(in_errors, abs=0.08)


def test_the_effect_of_a_spread_is_its_excess_over_the_number():
    xs = {4: 9.0, 1: 10.0, 7: 11.0}
    found, spread = spread_effect(xs, 0.0, 0.25, 0.9), relative_sd_interval([9.0, 10.0, 11.0], 0.9)
    assert isinstance(found, Effect)
    assert (found.interval.value, found.interval.n) == (pytest.approx(-0.15), 3)
    assert (found.interval.low, found.interval.high) == pytest.approx((spread.low - 0.25, spread.high - 0.25))
    assert spread_effect({3: 1.0}, 0.0, 0.25, 0.95) == "one seed has no spread"


def test_levels_widen_every_interval(rng):
    x, y = rng.normal(0, 1, (5, 3)), rng.normal(0, 1, (5, 2))
    narrow, wide = best(x, y, level=0.9).interval, best(x, y, level=0.99).interval
    assert wide.low < narrow.low < narrow.high < wide.high
    assert all(a.low < b.low for a, b in itertools.pairwise([relative_sd_interval(x[:, 0], v) for v in (0.99, 0.9)]))
