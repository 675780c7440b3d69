"""Failed seeds, and how failures and a task's best value bound a mean."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_cells import ERROR, SCORE, by_key, cell, claim, compared, experiment, sample
from scipy import stats

from svgbench.analysis.judge.bounds import Known, Seeds, least_difference
from svgbench.analysis.judge.effects import Beside, effect_interval
from svgbench.analysis.judge.modes import failing
from svgbench.analysis.judge.verdicts import compare
from svgbench.words.claims import BestOf, Change, Comparison, Measure, Term
from svgbench.words.experiment import TaskSpec, Variant

LEADER = [180.0, 182.0, 181.0, 179.0, 183.0]
FAILS = [181.0, 179.0, -250.0, 180.0, 182.5]  # no better than the leader, but for one seed of which it is far worse


def by_seed(values, start=0):
    return dict(enumerate(values, start=start))


# ---- seeds that failed


@pytest.mark.parametrize(
    ("values", "failed"),
    [
        (FAILS, (2,)),
        ([10.0, 10.0, 3.8, 10.0, 9.99], (2,)),
        ([130.0, 129.0, 3.0, -9.0, 131.0, 128.0], (3, 2)),
        ([1.0, 2.0, 3.0, 4.0, 5.0], ()),
        ([5.0] * 6, ()),
        ([0.0, 100.0, 100.0], ()),  # two are left
        ([0.0, 1.0, 100.0, 101.0], ()),  # no minority
        ([0.0, 0.0, 0.0, 100.0, 100.0, 100.0], ()),
        ([0.0, 1.0, 2.0, 3.0, 90.0], ()),  # one that is far better has not failed
        ([-20.0, 100.0, 104.0, 160.0, 107.0], ()),  # twice 60 apart, and no further
        ([-21.0, 100.0, 104.0, 160.0, 107.0], (0,)),
        ([], ()),
    ],
)
def test_which_seeds_failed(values, failed):
    assert failing(by_seed(values)) == failed
    assert failing(by_seed([-x for x in values]), higher_is_better=False) == failed


def test_seeds_that_are_known_to_have_failed_need_not_be_apart():
    assert failing(by_seed([5.0, 5.1, 5.2, 5.3]), known=(1,)) == (1,)
    assert failing(by_seed([5.0, 5.1, 5.2, 5.3]), known=(0, 1)) == ()  # two are left
    assert failing(by_seed([5.0, -90.0, 5.2, 5.3, 5.1]), known=(3,)) == (3, 1)


@given(st.lists(st.floats(-1e3, 1e3), max_size=12), st.floats(0.1, 10), st.floats(-50, 50), st.booleans())
def test_failures_are_few_and_worse_than_all_others(values, factor, constant, higher):
    seeds = by_seed(values)
    failed = failing(seeds, higher)
    assert 2 * len(failed) < max(len(values), 1)
    sign = 1 if higher else -1
    others = [sign * x for seed, x in seeds.items() if seed not in failed]
    assert not failed or max(sign * seeds[seed] for seed in failed) < min(others)


# ---- what bounds a difference


def test_a_mean_is_at_most_that_of_the_seeds_that_did_not_fail():
    found = least_difference(Seeds(by_seed(LEADER)), Seeds(by_seed(FAILS)), 0.0125)
    rest = [x for x in FAILS if x > 0]
    exact = stats.ttest_ind(LEADER, rest, equal_var=False, alternative="greater").confidence_interval(0.9875).low
    assert (found.bound, found.failed) == ("failures", (2,))
    assert found.value == pytest.approx(exact)
    assert -5 < found.value < 0 < stats.ttest_1samp([a - b for a, b in zip(LEADER, FAILS, strict=True)], 0).pvalue
    assert least_difference(Seeds(by_seed(LEADER)), Seeds(by_seed(LEADER)), 0.0125) == Known(-math.inf)


def test_a_mean_is_at_most_the_best_that_there_is():
    wild = [100.0, -80.0, 190.0, 20.0, -90.0]
    found = least_difference(Seeds(by_seed(LEADER)), Seeds(by_seed(wild), best=200.0), 0.0125)
    exact = stats.ttest_1samp(LEADER, 0, alternative="greater").confidence_interval(0.9875).low
    assert (found.bound, found.value) == ("best", pytest.approx(exact - 200.0))
    one = least_difference(Seeds({0: 1.0}), Seeds(by_seed(wild), best=200.0), 0.0125)
    assert one == Known(-math.inf)  # one seed says nothing of a mean


def interval(left, right, higher=True, beside=Beside()):  # noqa: B008  (immutable)
    found = effect_interval([(by_seed(left),)], [(by_seed(x),) for x in right], "difference", higher, 0.95, beside)
    return found.interval, found


def test_a_rival_that_fails_no_longer_hides_that_it_is_no_better():
    others = [[120.0, 121.0, 119.0, 118.0, 122.0]]
    hidden = stats.ttest_1samp([a - b for a, b in zip(LEADER, FAILS, strict=True)], 0).confidence_interval()
    found, effect = interval(LEADER, [*others, FAILS])
    assert hidden.low < -100
    assert -6 < found.low < 0
    assert (effect.right_bound.candidate, effect.right_bound.bound, effect.right_bound.failed) == (1, "failures", (2,))
    turned, mirror = interval([-x for x in LEADER], [[-x for x in y] for y in (*others, FAILS)], higher=False)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    assert mirror.right_bound == effect.right_bound


def test_a_side_that_fails_cannot_be_the_best_either():
    plain = stats.ttest_1samp([a - b for a, b in zip(FAILS, LEADER, strict=True)], 0).confidence_interval()
    found, effect = interval(FAILS, [LEADER])
    assert plain.high > 100
    assert 0 < found.high < 5
    assert (effect.left_bound.bound, effect.right_bound) == ("failures", None)
    assert found.low == pytest.approx(plain.low)


def test_nothing_bounds_a_change_or_three_seeds():
    change = effect_interval(
        [(by_seed(LEADER), by_seed(FAILS))], [(by_seed(LEADER), by_seed(LEADER))], "difference", True, 0.95
    )
    assert (change.left_bound, change.right_bound) == (None, None)
    few, effect = interval(LEADER[:3], [FAILS[:3]])
    assert effect.right_bound is None
    assert few.low < -400


# ---- from cells to verdicts

BEST = 200.0
TASKS = (TaskSpec("t", "m:make", "t", best={"score": BEST}), TaskSpec("u", "m:make", "u"))
VARIANTS = tuple(Variant(v, v, "m:make") for v in ("a", "b", "c"))


def judge(part, *cells, rules=None):
    e = experiment((claim(part),), tasks=TASKS, variants=VARIANTS)
    (verdict,) = compare(e, {"paper": by_key(*cells)})
    return verdict


NOT_BELOW = Comparison(Term("a", SCORE), ">~", BestOf(("b", "c"), SCORE), "the best, within 20", 20.0)


def test_the_best_is_told_although_a_rival_fails():
    verdict = judge(NOT_BELOW, cell("a", LEADER), cell("b", FAILS), cell("c", sample(120.0, 5.0, 5)))
    assert verdict.verdict == "SUPPORTED"
    assert "b is apart in seed 2, and no better than its other seeds" in verdict.reason


def test_a_seed_that_diverged_has_failed_whatever_it_counts_as():
    """It counts as the worst of all, here 110. That widens b's interval less than a failed seed's distance would."""
    b = cell("b", [181.0, 179.0, 999.0, 180.0, 182.5], diverged=(2,))
    verdict = judge(NOT_BELOW, cell("a", LEADER), b, cell("c", sample(120.0, 5.0, 5)))
    assert verdict.verdict == "SUPPORTED"
    assert "b is apart in seed 2, and" in verdict.reason
    assert "failed seeds count (b seed 2 at" in verdict.reason


def test_no_variant_is_better_than_the_task_s_best_value():
    top, wild = cell("a", [x + 12 for x in LEADER]), cell("b", [199.0, 20.0, 199.5, -60.0, 110.0])
    c = cell("c", sample(120.0, 5.0, 5))
    verdict = judge(NOT_BELOW, top, wild, c)
    assert verdict.verdict == "SUPPORTED"
    assert "; no policy betters 200, so b does not" in verdict.reason
    elsewhere = dataclasses.replace(claim(NOT_BELOW), tasks=("u",))
    e = experiment((elsewhere,), tasks=TASKS, variants=VARIANTS)
    moved = by_key(*(dataclasses.replace(x, task="u") for x in (top, wild, c)))
    assert compare(e, {"paper": moved})[0].verdict == "INCONCLUSIVE"


def test_a_best_value_that_a_cell_betters_is_not_believed():
    """An imported one may be in another unit."""
    wild = cell("b", [201.0, 20.0, 199.5, -60.0, 110.0])
    verdict = judge(NOT_BELOW, cell("a", [x + 12 for x in LEADER]), wild, cell("c", sample(120.0, 5.0, 5)))
    assert verdict.verdict == "INCONCLUSIVE"
    assert "betters" not in verdict.reason


def test_a_best_value_is_that_of_the_column_that_is_compared():
    e = experiment(tasks=TASKS, variants=VARIANTS)
    other = Measure("other", "another")
    two = Comparison(Term("a", SCORE), ">~", Term("b", other), "x", 20.0)
    change = Comparison(Change("a", "b", SCORE), "<", Change("a", "c", SCORE), "x")
    assert {t.id: t.best for t in e.tasks} == {"t": {"score": BEST}, "u": {}}
    for part in (two, change):
        cells = [cell("a", [x + 12 for x in LEADER]), cell("b", FAILS), cell("c", FAILS)]
        framed = [dataclasses.replace(c, frame=c.frame.assign(other=c.frame.score)) for c in cells]
        columns = (*experiment().columns, dataclasses.replace(experiment().columns[0], name="other"))
        found = compare(
            experiment((claim(part),), tasks=TASKS, variants=VARIANTS, columns=columns), {"paper": by_key(*framed)}
        )[0]
        assert "betters" not in found.reason


def test_where_less_is_better_the_best_value_is_the_least():
    tasks = (TaskSpec("t", "m:make", "t", best={"score": 0.0}),)
    part = Comparison(Term("a", ERROR), "<~", BestOf(("b", "c"), ERROR), "the least, within 1", 1.0)
    e = experiment((claim(part),), tasks=tasks, variants=VARIANTS)
    cells = by_key(
        cell("a", sample(0.5, 0.1, 5)), cell("b", [0.1, 30.0, 0.1, 90.0, 44.0]), cell("c", sample(7.0, 1.0, 5))
    )
    verdict = compare(e, {"paper": cells})[0]
    assert verdict.verdict == "SUPPORTED"
    assert "; no policy betters 0, so b does not" in verdict.reason


def test_a_level_beyond_the_best_value_is_refused():
    part = compared(">", 201.0)
    with pytest.raises(ValueError, match="its number 201 is beyond 200, which no policy betters on t"):
        judge(part, cell("a", LEADER))
    assert judge(compared(">", 175.0), cell("a", LEADER)).verdict == "SUPPORTED"
