"""How often intervals hold the truth: the study that made `judge/coverage.toml`, in small, and what it says."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import coverage_study as study
import numpy as np
import pytest
from coverage_kinds import fails
from scipy import stats

from svgbench.analysis.judge.cell_statistics import Spread
from svgbench.analysis.judge.coverage import (
    MOST_MISSED,
    NORMAL,
    NUMBER,
    SEEDS,
    covered,
    failing_kind,
    missed,
    skewed_kind,
)
from svgbench.analysis.judge.effects import FEWEST
from svgbench.analysis.judge.seed_kinds import kinds_of, worst_of
from svgbench.analysis.judge.statistics import t_interval

STORED = {
    (row["interval"], row["data"], row["against"]): row for row in tomllib.loads(study.WHERE.read_text("utf-8"))["rows"]
}
ROWS = {(row.interval, row.data, row.against): row for row in study.rows()}
OF_MEANS = ("t", "Welch", "band of a curve")


def agree(row, repetitions, share):
    """Whether new shares are those stored, within what chance does in one of 10,000 such tests."""
    stored = STORED[row.interval, row.data, row.against]
    made = max(int(row.repetitions * share), 1)
    for place, n in enumerate(SEEDS):
        if n < row.least:
            assert math.isnan(stored["below"][place])
            continue
        below, above, given = row.rates(n, made, seed=repetitions)
        for new, old in ((below, stored["below"][place]), (above, stored["above"][place])):
            if given:
                error = math.sqrt(old * (1 - old) / max(row.repetitions / 5, 50))
                low, high = max(old - 5 * error - 0.01, 0.0), min(old + 5 * error + 0.01, 1.0)
                k = round(new * given)
                assert stats.binom.cdf(k, given, low) > 1e-5, (row, n, new, old)
                assert stats.binom.sf(k - 1, given, high) > 1e-5, (row, n, new, old)


def test_every_interval_of_the_study_is_stored():
    assert [*STORED] == [*ROWS]


def test_the_documented_table_is_the_stored_one():
    text = (Path(__file__).parents[2] / "docs/statistics.md").read_text("utf-8")
    assert study.shown([*STORED.values()]) in text


@pytest.mark.parametrize("interval", dict.fromkeys(row.interval for row in ROWS.values()))
def test_the_stored_coverages_are_those_of_the_intervals(interval):
    for row in ROWS.values():
        if row.interval == interval:
            agree(row, 1, 0.02 if row.repetitions > study.FEWER else 0.04)


@pytest.mark.slow
@pytest.mark.parametrize("interval", dict.fromkeys(row.interval for row in ROWS.values()))
def test_the_stored_coverages_again_with_all_repetitions(interval):
    for row in ROWS.values():
        if row.interval == interval:
            agree(row, 2, 1.0)


def test_students_intervals_of_many_are_those_of_one():
    x = fails(0.2)(np.random.default_rng(0), (5, 3))
    lows, highs = study._bands(x)
    for column, low, high in zip(x.T, lows, highs, strict=True):
        found = t_interval(column)
        assert (found.low, found.high) == pytest.approx((low, high))


@pytest.mark.parametrize("interval", OF_MEANS)
def test_on_normal_seeds_student_holds_what_it_says_at_every_n(interval):
    for key in (key for key in STORED if key[0] == interval and {*key[1:]} <= {NORMAL, NUMBER}):
        assert all(abs(covered(*key, n) - 0.95) < 0.02 for n in SEEDS)


def test_with_a_fifth_of_collapses_student_holds_half_two_thirds_and_nine_tenths():
    held = [covered("t", "20 % fail", NUMBER, n) for n in (3, 5, 10, 20)]
    assert held == pytest.approx([0.48, 0.66, 0.88, 0.92], abs=0.03)


@pytest.mark.parametrize(
    "interval",
    [
        "Hall's, where skewness is seen",
        "shift by ranks",
        "median",
        "share, exact",
        "difference of shares",
        "time to a level",
        "rise of a share",
    ],
)
def test_intervals_that_stand_in_for_students_hold_nine_tenths(interval):
    keys = [key for key in STORED if key[0] == interval]
    assert keys
    for key in keys:
        for n in SEEDS:
            held = covered(*key, n)
            assert math.isnan(held) or held >= 0.88, (key, n)


def test_where_a_verdict_may_use_it_the_interval_for_two_modes_holds_nine_tenths():
    for data in ("20 % fail", "40 % fail"):
        for against in (NUMBER, NORMAL):
            assert all(covered("two modes, where they are seen", data, against, n) >= 0.9 for n in (5, 10, 20))
    assert all(covered("two modes, where they are seen", "10 % fail", NUMBER, n) >= 0.95 for n in (10, 20))


def test_what_is_refused_below_five_runs_misses_too_often_there():
    for name in (
        "IQM over 1 task",
        "bootstrap of a mean, percentile",
        "bootstrap of a mean, BCa",
        "share above a level",
    ):
        against = NUMBER
        assert covered(name, NORMAL, against, 3) < 0.85 < covered(name, NORMAL, against, 20)


def test_bounds_and_choices_miss_no_more_than_students_intervals_do():
    """A bound of rivals that fail adds at most five points; a best of several equal candidates is conservative."""
    for interval, data, against in STORED:
        for n in SEEDS:
            if interval == "t, with bounds":
                assert covered(interval, data, against, n) >= covered("t", data, against, n) - 0.05
            if interval == "best of two" and n >= FEWEST:
                assert covered(interval, data, against, n) >= 0.975
            if interval.startswith("change of shares"):
                assert covered(interval, data, against, n) >= 0.94


def test_a_verdict_rests_on_one_end_and_only_that_end_is_asked():
    assert missed("t", "20 % fail", NORMAL, 5, "low") > 0.25 > MOST_MISSED > missed("t", "20 % fail", NORMAL, 5, "high")
    assert missed("t", NORMAL, "20 % fail", 5, "low") < 0.02
    assert missed("t", "20 % fail", "20 % fail", 5, "low") < 0.05  # both fail alike: their difference is fair


def test_a_side_that_was_not_simulated_is_the_mirror_image_of_the_other():
    name = "two modes, where they are seen"
    assert missed(name, NORMAL, "20 % fail", 5, "high") == missed(name, "20 % fail", NORMAL, 5, "low")


def test_numbers_of_seeds_between_count_as_the_next_lower():
    assert missed("t", "20 % fail", NUMBER, 8, "low") == missed("t", "20 % fail", NUMBER, 5, "low")
    assert missed("t", "20 % fail", NUMBER, 2, "low") == missed("t", "20 % fail", NUMBER, 3, "low")
    assert missed("t", "20 % fail", NUMBER, 50, "low") == missed("t", "20 % fail", NUMBER, 20, "low")


@pytest.mark.parametrize(
    ("failed", "n", "kind"),
    [
        (0, 5, "normal"),
        (1, 5, "20 % fail"),
        (2, 5, "40 % fail"),
        (1, 10, "10 % fail"),
        (3, 10, "20 % fail"),
        (5, 10, "40 % fail"),
        (4, 5, "20 % fail"),  # the mirror image of one that fails
        (9, 10, "10 % fail"),
        (10, 10, "normal"),
    ],
)
def test_the_kind_is_that_of_the_nearest_share(failed, n, kind):
    assert failing_kind(failed, n) == kind


def spread(failed, n=10):
    return Spread(0.0, tuple(range(failed)), n)


@pytest.mark.parametrize(("k", "m"), [(1, 0), (1, 2), (4, 1), (0, 3), (1, 8)])
@pytest.mark.parametrize(("end", "other"), [("low", "high"), ("high", "low")])
def test_a_majority_that_fails_is_the_mirror_image_of_a_minority(k, m, end, other):
    """With each seed's fate reversed on both sides, the one end misses as the other did, and where lower is better."""

    def oftenest(left, right, end, **about):
        return max(kind.missed("t", end) for kind in kinds_of([spread(left)], [spread(right)], 10, **about))

    assert oftenest(k, m, end) == oftenest(10 - k, 10 - m, other) == oftenest(k, m, other, higher_is_better=False)


def test_a_collapse_on_the_left_and_a_rare_success_on_the_right_are_both_asked():
    """Either could make the difference of means lower than it looks; where both fail alike it is fair."""
    rare = kinds_of([spread(1)], [spread(8)], 10)
    assert [(kind.data, kind.against, kind.named) for kind in rare] == [
        ("10 % fail", NORMAL, "10 % fail"),
        (NORMAL, "20 % fail", "80 % fail"),
    ]
    assert worst_of(rare, ["low"]) == (rare[0], "low")
    assert worst_of(rare, ["high"]) is None
    assert worst_of(kinds_of([spread(2)], [spread(2)], 5), ["low"]) is None


def test_skewness_counts_beyond_its_critical_value():
    assert [skewed_kind(x) for x in (0.9, 1.1, -1.1)] == [NORMAL, "skewed, a tail above", "skewed, a tail below"]
