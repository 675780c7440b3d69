"""From rows to one number per seed."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from svgbench.analysis.read.measures import CellData, Sample, measure_values, read_sample, worst
from svgbench.words.claims import Measure

# seed 7 comes first in the file, and stops at another step than seed 3
FRAME = pd.DataFrame(
    [
        (7, 10, "s0", 0.1, 4.0),
        (7, 20, "s0", 0.1, 1.0),
        (7, 20, "s1", 0.3, 2.0),
        (3, 10, "s0", 0.1, 8.0),
        (3, 20, "s0", 0.1, -6.0),
        (3, 30, "s1", 0.30000000000000004, 5.0),
    ],
    columns=["seed", "step", "start", "noise", "x"],
)


def values(measure: Measure, frame: pd.DataFrame = FRAME, **where: object) -> dict[int, float]:
    found = measure_values(frame, measure, where)  # type: ignore[arg-type]
    assert found.index.name == "seed"
    assert found.dtype == float
    return found.to_dict()


@pytest.mark.parametrize(
    ("reduce", "k", "expected"),
    [
        ("last", 1, {3: 5.0, 7: 2.0}),
        ("mean", 1, {3: 7 / 3, 7: 7 / 3}),
        ("min", 1, {3: -6.0, 7: 1.0}),
        ("max", 1, {3: 8.0, 7: 4.0}),
        ("mean_of_last", 2, {3: -0.5, 7: 1.5}),
        ("mean_of_last", 9, {3: 7 / 3, 7: 7 / 3}),
        ("mean_change", 1, {3: (14 + 11) / 2, 7: (3 + 1) / 2}),
        ("best_mean", 2, {3: 1.0, 7: 2.5}),
        ("best_mean", 1, {3: 8.0, 7: 4.0}),
        ("best_mean", 9, {3: 7 / 3, 7: 7 / 3}),
        ("fall", 2, {3: 1.5, 7: 1.0}),
        ("fall", 1, {3: 3.0, 7: 2.0}),
        ("fall", 9, {3: 0.0, 7: 0.0}),
        ("share_lost", 1, {3: 1.0, 7: 1.0}),  # the first row is the highest: without a rise
        ("share_lost", 9, {3: 0.0, 7: 0.0}),
    ],
)
def test_reductions_in_the_order_of_the_file(reduce, k, expected):
    found = values(Measure("x", "x", reduce=reduce, k=k))
    assert found == pytest.approx(expected)
    assert list(found) == [3, 7]


def test_last_is_each_seeds_own_last_step_whatever_the_other_conditions():
    last = Measure("x", "x", {"step": "last"})
    assert values(last) == {3: 5.0, 7: 2.0}
    assert values(last, start="s1") == {3: 5.0, 7: 2.0}
    assert values(last, start="s0") == {7: 1.0}  # at its last step seed 3 has no row from s0
    assert values(Measure("x", "x", {"step": 20}), start="s0") == {3: -6.0, 7: 1.0}


def test_floats_compare_exactly_and_nothing_matches_nothing():
    assert values(Measure("x", "x", {"noise": 0.3})) == {7: 2.0}
    assert values(Measure("x", "x", {"noise": 0.1 + 0.2})) == {3: 5.0}
    assert values(Measure("x", "x", {"start": "s2"})) == {}
    assert values(Measure("x", "x", {"start": 1})) == {}
    empty = pd.DataFrame({name: [] for name in FRAME.columns})
    for reduce in ("last", "mean_of_last"):
        assert values(Measure("x", "x", {"step": "last"}, reduce=reduce), empty) == {}


def test_a_measure_pins_a_column_against_the_setting():
    assert values(Measure("x", "x", {"step": 10}), step=20) == {3: 8.0, 7: 4.0}


def test_the_mean_change_is_of_the_rows_that_the_measure_selects_and_of_their_size_alone():
    change = Measure("x", "x", {"start": "s0"}, reduce="mean_change")
    assert values(change) == {3: 14.0, 7: 3.0}
    assert values(change, FRAME.assign(x=5 - 2 * FRAME.x)) == {3: 28.0, 7: 6.0}
    assert values(change, FRAME.assign(x=1.5)) == {3: 0.0, 7: 0.0}
    shuffled = FRAME.iloc[[3, 0, 4, 1, 2, 5]]
    assert values(change, shuffled) == values(change)


def test_a_single_row_has_no_change_so_its_seed_is_no_evidence():
    change = Measure("x", "x", {"start": "s1"}, reduce="mean_change")
    assert all(math.isnan(value) for value in values(change).values())
    assert read_sample(made(), change) == Sample({}, failed=(3, 7))


def test_the_mean_change_agrees_with_a_loop():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"seed": rng.integers(0, 9, 500), "step": np.arange(500), "x": rng.random(500)})
    found = values(Measure("x", "x", reduce="mean_change"), frame)
    for seed in range(9):
        x = frame[frame.seed == seed].x.tolist()
        changes = [abs(after - before) for before, after in itertools.pairwise(x)]
        assert found[seed] == pytest.approx(sum(changes) / len(changes), rel=1e-12)


def test_where_lower_is_better_the_best_mean_is_the_lowest_and_a_fall_stays_a_fall():
    for k, best, fall in ((1, {3: -6.0, 7: 1.0}, {3: 3.0, 7: 2.0}), (2, {3: -0.5, 7: 1.5}, {3: 1.5, 7: 1.0})):
        assert values(Measure("x", "x", reduce="best_mean", k=k, higher_is_better=False)) == best
        assert values(Measure("x", "x", reduce="fall", k=k, higher_is_better=False)) == fall


def curve(*returns, errors=None):
    return pd.DataFrame({"seed": 1, "step": range(len(returns)), "x": returns, "e": errors or [0.0] * len(returns)})


@pytest.mark.parametrize(
    ("returns", "lost"),
    [
        ((-50.0, 0.0, 50.0), 0.0),
        ((-50.0, 50.0, 0.0), 0.5),  # half of a rise of 100, whatever the zero of the return
        ((-50.0, 50.0, -50.0), 1.0),
        ((-50.0, 50.0, -99.0), 1.0),  # at most 1
        ((5.0, 5.0, 5.0), 1.0),  # nothing was gained
        ((9.0, 5.0, 8.0), 1.0),
        ((10.0,), 1.0),
    ],
)
def test_the_share_of_its_rise_that_a_curve_loses(returns, lost):
    measure = Measure("x", "x", reduce="share_lost", higher_is_better=False)
    assert values(measure, curve(*returns)) == {1: lost}
    scaled = curve(*(1000 + 3 * value for value in returns))
    assert values(measure, scaled) == pytest.approx({1: lost})


def test_the_rank_correlation_is_of_the_rows_after_the_peak_of_the_column_beside():
    def found(returns, errors, k=1):
        measure = Measure("e", "x", reduce="rank_correlation", beside="x", k=k)
        return values(measure, curve(*returns, errors=errors))[1]

    falls, rises = [0.0, 1.0, 9.0, 8.0, 6.0, 5.0, 1.0], [9.0, 8.0, 7.0, 1.0, 2.0, 4.0, 8.0]
    assert found(falls, rises) == pytest.approx(-1.0)
    assert found(falls, [0.0, 0.0, 0.0, 4.0, 3.0, 2.0, 1.0]) == pytest.approx(1.0)
    swapped = [0.0, 0.0, 0.0, 2.0, 1.0, 4.0, 8.0]  # ranks 2, 1, 3, 4 against 4, 3, 2, 1
    assert found(falls, swapped) == pytest.approx(stats.spearmanr(falls[3:], swapped[3:])[0]) == pytest.approx(-0.8)
    assert found(falls, rises, k=2) == pytest.approx(-1.0)  # the rows after the two that are best
    assert found([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]) == 0.0  # nothing comes after the peak
    assert found(falls, [1.0] * 7) == 0.0
    assert math.isnan(found(falls, [math.nan] * 7))


def test_until_selects_rows_up_to_a_share_of_a_seed_s_own_steps_and_at_least_the_first():
    steps = pd.DataFrame({"seed": [1] * 4 + [2], "step": [25, 50, 75, 100, 100], "x": [4.0, 2.0, 1.0, 9.0, 5.0]})
    for until, expected in ((0.1, 4.0), (0.25, 4.0), (0.5, 3.0), (0.74, 3.0), (0.75, 7 / 3), (1.0, 4.0)):
        assert values(Measure("x", "x", reduce="mean", until=until), steps) == pytest.approx({1: expected, 2: 5.0})
    assert values(Measure("x", "x", until=0.5), steps) == {1: 2.0, 2: 5.0}
    assert values(Measure("x", "x", {"step": "last"}, until=0.5), steps) == {2: 5.0}


@pytest.mark.parametrize(
    "reduce", ["last", "mean", "min", "max", "mean_of_last", "mean_change", "best_mean", "fall", "share_lost"]
)
def test_nan_is_never_skipped(reduce):
    frame = FRAME.assign(x=[4.0, 1.0, math.nan, 8.0, -6.0, 5.0])
    found = values(Measure("x", "x", reduce=reduce, k=2), frame)
    assert math.isnan(found[7])
    assert math.isfinite(found[3])


def test_an_unknown_column_names_the_columns_and_the_nearest():
    for measure in (Measure("nois", "x"), Measure("x", "x", {"nois": 1})):
        with pytest.raises(ValueError, match=r"no column 'nois'.*seed, step, start, noise, x.*nearest is 'noise'"):
            measure_values(FRAME, measure)


def test_order_of_rows_between_seeds_does_not_matter():
    shuffled = FRAME.iloc[[3, 0, 4, 1, 2, 5]]
    for reduce in ("last", "mean", "mean_of_last"):
        pd.testing.assert_series_equal(
            measure_values(FRAME, Measure("x", "x", reduce=reduce, k=2)),
            measure_values(shuffled, Measure("x", "x", reduce=reduce, k=2)),
        )


def test_many_rows_agree_with_a_loop():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"seed": rng.integers(0, 9, 5000), "step": rng.integers(0, 50, 5000), "x": rng.random(5000)})
    expected = {}
    for seed in range(9):
        rows = frame[frame.seed == seed]
        expected[seed] = rows[rows.step == rows.step.max()].x.iloc[-3:].mean()
    found = values(Measure("x", "x", {"step": "last"}, "mean_of_last", 3), frame)
    assert found == pytest.approx(expected, rel=1e-12)


def made(done=(3, 7), asked=(3, 7), diverged=()):
    return CellData("t", "v", FRAME, done, asked, diverged)


def test_a_sample_has_the_requested_seeds_that_are_done():
    last = Measure("x", "x")
    assert read_sample(made(), last) == Sample({3: 5.0, 7: 2.0})
    assert read_sample(made(done=(3, 7), asked=(7,)), last) == Sample({7: 2.0})
    assert read_sample(made(done=(7,), asked=(3, 7)), last) == Sample({7: 2.0})
    assert made(done=(7,), asked=(3, 7, 8)).missing == (3, 8)
    assert made(done=(7,), asked=(3, 7), diverged=(3,)).missing == ()


def test_failed_and_absent_seeds_are_told_apart():
    frame = FRAME.assign(x=[4.0, 1.0, math.inf, 8.0, -6.0, 5.0])
    both = CellData("t", "v", frame, (3, 5, 7), (3, 5, 7), (3,))
    found = read_sample(both, Measure("x", "x"))
    assert found == Sample({}, failed=(3, 7), absent=(5,), infinite={7: math.inf})
    assert found.n == 2
    assert found.counted(-1.0) == {3: -1.0, 7: -1.0}


def test_the_worst_value_is_finite_and_knows_which_way_is_worse():
    assert worst([3.0, -math.inf, 1.0, math.nan], higher_is_better=True) == 1.0
    assert worst([3.0, math.inf, 1.0], higher_is_better=False) == 3.0
    assert worst([math.nan], higher_is_better=True) is None
