"""Seeds in two modes: the verdict by medians beside that by means, failure as a level, and intervals that may not
decide.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_cells import ERROR, SCORE, Printed, Table, by_key, cell, claim, compared, experiment, sample

from svgbench import reproduce
from svgbench.analysis.judge.judgement import Robust
from svgbench.analysis.judge.second import told
from svgbench.analysis.judge.verdicts import compare
from svgbench.words.claims import BestOf, Comparison, FailureLevel, Term
from svgbench.words.experiment import Variant

GOOD = sample(10.0, 0.5, 10)
FALLEN = [*sample(10.0, 0.5, 9), -30.0]


def judged(part, a, b=(), level=None, budget="paper", **about):
    """The verdict of one part, on variant a with these seeds and on b."""
    failures = () if level is None else (FailureLevel("t", part.left.measure, level, "declared"),)
    made = experiment((claim(part),), failures=failures, **about)
    cells = [cell("a", a), *([cell("b", b)] if len(b) else [])]
    (found,) = compare(made, {budget: by_key(*cells)})
    return found


def test_one_collapse_in_ten_hides_from_the_mean_what_medians_see():
    found = judged(compared(">"), FALLEN, sample(7.0, 0.5, 10))
    assert (found.verdict, found.robust) == ("INCONCLUSIVE", "SUPPORTED")
    assert found.disagreement == "INCONCLUSIVE by means, SUPPORTED by medians"
    assert "a has mean 6, median 9.9" in found.reason
    assert "1 of 10 failed" in found.reason


def test_a_cell_of_which_every_seed_diverged_has_failed_whole_in_the_exact_test():
    """By hand: of 210 ways to choose the six failures among ten seeds, 5 have one on the left, 5 one on the right."""
    made = experiment((claim(compared(">")),), failures=(FailureLevel("t", SCORE, 0.0, "declared"),))
    lost = cell("b", [5.0] * 5, diverged=(0, 1, 2, 3, 4))
    (found,) = compare(made, {"paper": by_key(cell("a", [9.0, 10.0, 11.0, 10.5, -30.0]), lost)})
    assert found.words == "INCONCLUSIVE (failed seeds)"
    assert "1 of 5 against 5 of 5 failed: exact p 0.04762" in found.reason


def test_shares_of_failures_are_not_those_of_a_random_policy():
    variants = tuple(Variant(v, v, "m:make") for v in ("a", "random"))
    made = experiment(
        (claim(compared(">", "random")),), failures=(FailureLevel("t", SCORE, 0.0, "declared"),), variants=variants
    )
    (found,) = compare(made, {"paper": by_key(cell("a", [9.0, 10.0, 11.0, 10.5, -30.0]), cell("random", [-9.0] * 5))})
    assert "1 of 5 failed" in found.reason
    assert "against" not in found.reason


def test_without_two_modes_there_is_one_verdict():
    found = judged(compared(">"), GOOD, sample(7.0, 0.5, 10))
    assert (found.verdict, found.robust, found.disagreement) == ("SUPPORTED", None, "")
    assert found.as_row()["robust"] is None


def test_a_verdict_that_rests_on_a_collapsing_mean_is_open():
    """The interval lies above the number, but with a tenth of collapses it often does so wrongly."""
    near = [*sample(10.0, 0.5, 9), 4.0]
    found = judged(compared(">", 7.8), near)
    assert (found.verdict, found.cause, found.robust) == ("INCONCLUSIVE", "coverage", "SUPPORTED")
    assert found.words == "INCONCLUSIVE (coverage)"
    assert "SUPPORTED by means, but t-intervals hold the truth in" in found.reason


def test_it_stays_where_the_interval_for_two_modes_decides_too():
    near = [*sample(10.0, 0.5, 9), 4.0]
    found = judged(compared(">", 5.0), near)
    assert (found.verdict, found.cause, found.robust) == ("SUPPORTED", "", "SUPPORTED")


def test_a_rival_that_collapses_does_not_open_a_verdict_above_it():
    found = judged(compared(">"), sample(30.0, 0.5, 10), FALLEN)
    assert (found.verdict, found.robust, found.disagreement) == ("SUPPORTED", "SUPPORTED", "")


def test_what_both_sides_share_by_seed_is_no_second_mode_of_their_difference():
    noise = [*sample(0.0, 1.0, 9), -30.0]
    left, right = [x + 3 + y for x, y in zip(noise, sample(0.0, 0.1, 10), strict=True)], noise
    assert judged(compared(">"), left, right).robust is None
    assert judged(compared(">"), left, right, level=-20.0).robust is not None


def test_a_refutation_that_rests_on_a_collapsing_rival_is_open():
    rival = [*sample(10.0, 0.5, 9), 4.0]
    found = judged(compared(">"), sample(7.5, 0.5, 10), rival)
    assert (found.verdict, found.cause, found.robust) == ("INCONCLUSIVE", "coverage", "REFUTED")


def test_a_published_number_is_not_reproduced_by_seeds_of_which_one_collapses():
    """The t-interval is within the margin, but holds the truth too rarely on such seeds."""
    made = experiment(())
    numbers = Table({("A", "T"): Printed(10.0, 3.0), ("B", "T"): Printed(10.0, 3.0)})
    (found, *_) = compare(made, {"paper": by_key(cell("a", [*sample(10.0, 0.1, 9), 8.0]))}, numbers)
    assert found.verdict == "INCONCLUSIVE"
    assert found.reason.startswith("coverage: REPRODUCED")


def test_where_lower_is_better_the_ends_change_places():
    high = [*sample(10.0, 0.5, 9), 16.0]
    found = judged(compared("<", 12.2, measure=ERROR), high, measure=ERROR)
    assert (found.verdict, found.cause, found.robust) == ("INCONCLUSIVE", "coverage", "SUPPORTED")


@pytest.mark.parametrize("right", [3.5, "b"])
def test_seeds_of_which_most_fail_get_the_verdict_of_their_mirror_image(right):
    """One of ten fails and the mean lies above 6.5; or nine of ten fail and it lies below 3.5."""
    collapse, other = [*sample(10.0, 0.1, 9), 0.0], sample(6.5, 0.1, 10)
    turned = [10.0 - x for x in collapse], [10.0 - x for x in other]
    one = judged(compared(">", right if right == "b" else 6.5), collapse, other if right == "b" else (), level=5.0)
    two = judged(compared("<", right), turned[0], turned[1] if right == "b" else (), level=1.0)
    assert (one.verdict, one.cause) == (two.verdict, two.cause) == ("INCONCLUSIVE", "coverage")
    assert one.low == pytest.approx(-two.high)
    held = f"t-intervals hold the truth in {65 if right == 'b' else 66} % of cases on such seeds"
    assert f"{held} (10 % fail)" in one.reason
    assert f"{held} (90 % fail)" in two.reason


def test_an_interval_for_two_modes_that_agrees_and_misses_too_often_itself_says_so():
    """One of ten seeds fails, and only five of them have a partner."""
    near = [*sample(10.0, 0.1, 9), 6.0]
    found = judged(compared(">"), near, sample(2.0, 0.1, 5), level=8.0)
    assert (found.verdict, found.cause, found.n) == ("INCONCLUSIVE", "coverage", 5)
    assert "the interval for two modes (" in found.reason
    assert ") misses too often too, on so few" in found.reason
    assert judged(compared(">"), near, sample(2.0, 0.1, 10), level=8.0).verdict == "SUPPORTED"


def test_skewed_seeds_are_judged_by_the_interval_for_them():
    skewed = [0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.5, 0.6, 1.2, 2.4]
    found = judged(compared("<", 1.15, measure=replace(SCORE, ranked=False)), skewed)
    assert (found.verdict, found.cause, found.robust) == ("INCONCLUSIVE", "coverage", None)
    assert "skewed, a tail above" in found.reason
    assert judged(compared(">", 0.01), skewed).verdict == "SUPPORTED"


def test_ranks_decide_nothing_below_five_seeds():
    found = judged(compared(">"), [10.0, 10.1, 10.2, -30.0], sample(7.0, 0.5, 4), level=0.0)
    assert (found.verdict, found.robust) == ("INCONCLUSIVE", "INCONCLUSIVE")
    assert "ranks decide nothing with 4 seeds, 5 at least" in found.reason


def test_failure_is_the_declared_level_and_not_a_gap():
    values = [10.0, 10.1, 9.9, 10.2, 5.0]  # one is apart
    by_gap, by_level, above = (judged(compared(">"), values, sample(20.0, 0.5, 5), level=x) for x in (None, 6.0, 4.0))
    assert "1 of 5 failed" in by_gap.reason
    assert "1 of 5 failed" in by_level.reason
    assert "1 of 5 apart" in above.reason
    assert "failed: exact" not in above.reason


def test_failure_rates_have_an_exact_test_and_what_it_needs():
    left = [*sample(10.0, 0.5, 4), -30.0]
    found = judged(compared(">"), left, sample(10.0, 0.5, 5), level=0.0)
    assert (
        "1 of 5 against 0 of 5 failed: exact p 1; to tell such shares apart takes about 39 seeds a side" in found.reason
    )
    many = judged(compared("<"), [*sample(10.0, 0.5, 15), *sample(-30.0, 0.5, 5)], sample(10.0, 0.5, 20), level=0.0)
    assert "5 of 20 against 0 of 20 failed: exact p 0.04712" in many.reason


def test_the_best_of_several_has_a_second_verdict_too():
    best = Comparison(Term("a", SCORE), ">", BestOf(("b", "c"), SCORE), "number")
    variants = tuple(Variant(v, v, "m:make") for v in "abc")
    made = experiment((claim(best),), variants=variants)
    cells = by_key(cell("a", sample(12.0, 0.5, 10)), cell("b", FALLEN), cell("c", sample(8.0, 0.5, 10)))
    (found,) = compare(made, {"paper": cells})
    assert found.robust == "SUPPORTED"
    assert "b has mean 6" in found.reason


def test_all_seeds_below_the_level_are_one_mode():
    assert judged(compared(">"), GOOD, sample(7.0, 0.5, 10), level=50.0).robust is None


WORKS = {experiment.id: experiment for experiment in reproduce.experiments().values() if experiment.failures}


def test_each_work_that_learns_a_policy_declares_levels():
    assert {e.work for e in WORKS.values()} == {"svg", "sac-svg", "maac", "trpo", "gae"}


@pytest.mark.parametrize("name", WORKS)
def test_a_level_is_of_one_task_and_says_where_it_comes_from(name):
    one = WORKS[name]
    tasks = [level.task for level in one.failures]
    assert len(tasks) == len({*tasks})
    assert {*tasks} & {task.id for task in one.tasks}
    columns = {column.name for column in one.columns}
    for level in one.failures:
        assert level.source
        if level.task in {task.id for task in one.tasks}:
            assert level.measure.column in columns
            best = next(task.best.get(level.measure.column) for task in one.tasks if task.id == level.task)
            assert best is None or not level.failed(best)


def test_a_reason_describes_the_first_cells_only_and_keeps_the_rest_for_programs():
    cells = [f"v{i} has mean 1, median 2, 1 of 5 failed" for i in range(9)]
    robust = Robust("INCONCLUSIVE", float("nan"), float("nan"), float("nan"), 5, tuple(cells), "", "", "")
    assert told(robust).startswith(f"two modes: {'; '.join(cells[:6])}; and 3 more cells (modes in --json); by medians")
    assert "more cells" not in told(replace(robust, modes=tuple(cells[:6])))
