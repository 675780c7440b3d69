"""Paired tests against scipy's, and their ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from svgbench.analysis.judge.paired import paired, paired_tost

numbers = st.integers(-400, 400).map(lambda k: k / 8)
pairs = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=12).filter(
    lambda xy: len({a - b for a, b in xy}) > 1
)


@settings(deadline=None, max_examples=60)
@given(pairs, st.floats(0.5, 0.999))
def test_paired_agrees_with_scipy(xy, level):
    a, b = map(np.array, zip(*xy, strict=True))
    expected = stats.ttest_rel(a, b)
    interval = expected.confidence_interval(level)
    found = paired((a - b).tolist(), level)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-12)
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert (found.difference, found.df) == (pytest.approx(np.mean(a - b)), expected.df)


@settings(deadline=None, max_examples=60)
@given(pairs, st.floats(0.0, 50.0))
def test_equivalence_is_two_one_sided_tests(xy, margin):
    a, b = map(np.array, zip(*xy, strict=True))
    above = stats.ttest_rel(a + margin, b, alternative="greater").pvalue
    below = stats.ttest_rel(a - margin, b, alternative="less").pvalue
    assert paired_tost((a - b).tolist(), margin) == pytest.approx(max(above, below), rel=1e-9, abs=1e-12)


def test_one_seed_decides_nothing_and_equal_differences_everything():
    assert paired([3.0]) == type(paired([3.0]))(3.0, -math.inf, math.inf, 1.0, 0.0)
    assert paired_tost([0.0], 1.0) == 1.0
    same, moved = paired([0.0, 0.0, 0.0]), paired([0.5, 0.5])
    assert (same.p, same.low, same.high) == (1.0, 0.0, 0.0)
    assert (moved.p, moved.low, moved.high) == (0.0, 0.5, 0.5)
    assert [paired_tost([0.5, 0.5], margin) for margin in (0.4, 0.5, 0.6)] == [1.0, 1.0, 0.0]
    with pytest.raises(ValueError, match="not negative"):
        paired_tost([0.0, 1.0], -1.0)
