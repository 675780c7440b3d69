"""Power against statsmodels, against the table of the team's fact sheet, and its laws."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import golden
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svgbench.analysis.judge import power

GOLDEN = json.loads(golden.FILE.read_text())

# n of ours and of the paper; Welch "not significant" at a gap of 0 and 1 SD; equivalence shown at a gap of 0 and 1
# SD with a margin of 1 SD, and of 2 SD. From a simulation: normal, equal variances, alpha 0.05.
SHEET = [
    (3, 5, (0.95, 0.82), (0.04, 0.02), (0.49, 0.28)),
    (5, 5, (0.95, 0.74), (0.06, 0.02), (0.77, 0.39)),
    (10, 4, (0.95, 0.70), (0.13, 0.04), (0.78, 0.44)),
    (10, 10, (0.95, 0.45), (0.39, 0.04), (0.99, 0.70)),
    (30, 10, (0.94, 0.28), (0.66, 0.05), (1.0, 0.84)),
    (100, 10, (0.94, 0.22), (0.75, 0.05), (1.0, 0.89)),
]


@pytest.mark.parametrize(("n1", "n2", "missed", "margin_1", "margin_2"), SHEET)
def test_welch_and_tost_have_the_power_that_the_sheet_says(n1, n2, missed, margin_1, margin_2):
    gaps = (0.0, 1.0)
    assert [1 - power.power_welch(gap, n1, n2) for gap in gaps] == pytest.approx(missed, abs=0.02)
    assert [power.power_tost(gap, 1.0, n1, n2) for gap in gaps] == pytest.approx(margin_1, abs=0.02)
    assert [power.power_tost(gap, 2.0, n1, n2) for gap in gaps] == pytest.approx(margin_2, abs=0.02)


@pytest.mark.parametrize("case", GOLDEN["paired_power"])
def test_paired_power_is_statsmodels(case):
    assert power.power_paired(case["effect"], case["n"], case["alpha"]) == pytest.approx(case["power"], abs=1e-3)


@pytest.mark.parametrize("case", GOLDEN["detectable"])
def test_detectable_effect_is_statsmodels(case):
    assert power.detectable_effect(case["n"], case["power"]) == pytest.approx(case["effect"], rel=1e-3)


def test_without_two_seeds_nothing_can_be_shown():
    assert power.power_welch(9.0, 1, 10) == power.power_tost(0.0, 9.0, 10, 1) == power.power_paired(9.0, 1) == 0.0
    assert power.detectable_effect(1) == math.inf
    with pytest.raises(ValueError, match="power is 1"):
        power.detectable_effect(5, power=1.0)


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 5), st.integers(2, 40), st.integers(2, 40))
def test_sides_and_signs_do_not_matter(gap, n1, n2):
    assert power.power_welch(gap, n1, n2) == pytest.approx(power.power_welch(-gap, n2, n1), abs=1e-12)
    assert power.power_tost(gap, 1.0, n1, n2) == pytest.approx(power.power_tost(-gap, 1.0, n2, n1), abs=1e-12)
    assert 0 <= power.power_tost(gap, 1.0, n1, n2) <= 0.06 + (gap < 1)


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 60))
def test_more_seeds_find_smaller_effects(n):
    assert power.detectable_effect(n + 1) < power.detectable_effect(n)
    assert power.power_paired(power.detectable_effect(n), n) == pytest.approx(0.8, abs=1e-6)


def test_plan_does_not_pay_for_scipy_stats():
    loaded = "print('scipy.special' in sys.modules, 'scipy.stats' in sys.modules)"
    code = f"import sys, svgbench.analysis.judge.power; {loaded}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
