"""An imported or a user's method against ours: each verdict appears where it should, and only there."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from made_cells import ERROR, SCORE, by_key, cell, experiment, sample
from scipy import stats

from svgbench.analysis.judge.statistics import summarise, welch
from svgbench.analysis.judge.verdicts import compare
from svgbench.lab.cells import Selection
from svgbench.words.claims import Measure
from svgbench.words.experiment import Variant

OURS = sample(10.0, 1.0, 20)  # the margin is 1: a tenth of the mean, and one SD


def theirs(variant, values, task="t", **about):
    """Cells of somebody's own program."""
    return cell(variant, values, task, imported=True, foreign=True, **about)


def rivals(values, n_declared=20, measure=SCORE, **about):
    cells = by_key(cell("a", sample(10.0, 1.0, n_declared)), theirs("mine", values, **about))
    return compare(experiment((), measure), {"paper": cells})


@pytest.mark.parametrize(
    ("mean", "sd", "n", "word"),
    [
        (12.0, 1.0, 20, "HIGHER"),
        (8.0, 1.0, 20, "LOWER"),
        (10.5, 0.01, 20, "EQUIVALENT"),  # not 0, but less than what matters
        (10.0, 0.5, 20, "EQUIVALENT"),
        (10.5, 2.0, 5, "INCONCLUSIVE"),
        (12.0, 5.0, 5, "INCONCLUSIVE"),
        (12.0, 1.0, 1, "INCONCLUSIVE"),
    ],
)
def test_a_rival_is_judged_against_ours(mean, sd, n, word):
    (verdict,) = rivals(sample(mean, sd, n) if n > 1 else [mean])
    assert verdict.verdict == word
    assert (verdict.kind, verdict.variant, verdict.setting, verdict.budget) == ("level", "mine", "against a", "paper")
    assert verdict.id == "w/x:mine:t:against-a"
    assert (verdict.rival, verdict.as_row()["rival"]) == ("a", "a")
    assert verdict.published is None


def test_a_difference_that_is_equivalent_but_not_zero_says_so():
    (verdict,) = rivals(sample(10.5, 0.01, 20))
    assert "within the margin, but not 0" in verdict.reason
    (verdict,) = rivals(sample(10.0, 0.5, 20))
    assert "not 0" not in verdict.reason


def test_a_rivals_value_is_the_difference_with_welchs_interval():
    values = sample(12.0, 1.5, 10)
    (verdict,) = rivals(values)
    test = welch(summarise(values), summarise(OURS))
    assert (verdict.value, verdict.low, verdict.high) == (test.difference, test.low, test.high)
    assert (verdict.unit, verdict.n, verdict.margin) == ("difference", 10, pytest.approx(1.0))
    assert verdict.reason.startswith("mine 12, a 10 (n=10 against n=20)")


def test_words_say_whether_a_rival_is_higher_and_not_which_is_better():
    assert rivals(sample(12.0, 1.0, 20), measure=ERROR)[0].verdict == "HIGHER"
    assert rivals(sample(8.0, 1.0, 20), measure=ERROR)[0].verdict == "LOWER"


def test_identical_means_the_same_bits():
    assert rivals(OURS)[0].verdict == "IDENTICAL"
    last_bit = [math.nextafter(OURS[0], 99.0), *OURS[1:]]
    assert rivals(last_bit)[0].verdict == "EQUIVALENT"
    assert rivals(OURS[:-1])[0].verdict == "EQUIVALENT"  # a seed less


def test_a_random_policy_gives_the_margin():
    """A tenth of the distance of ours from it, whatever the spread."""
    cells = by_key(cell("a", OURS), cell("random", [2.0] * 20), theirs("mine", sample(10.0, 1.0, 30)))
    own = experiment().variants[0]
    declared = experiment(variants=(own, dataclasses.replace(own, id="random")))
    against_ours, against_random = compare(declared, {"paper": cells})
    assert (against_ours.rival, against_ours.margin) == ("a", pytest.approx(0.8))
    assert "10 % of the distance from a random policy's 2" in against_ours.reason
    assert (against_random.rival, against_random.margin) == ("random", pytest.approx(2e-4, rel=1.0))
    assert against_random.verdict == "HIGHER"


def test_without_a_random_policy_the_reason_says_what_the_margin_is():
    assert (
        "one SD between the rival's seeds; no distance from a random policy is known"
        in rivals(sample(12.0, 1.0, 9), 5)[0].reason
    )
    wide = by_key(cell("a", sample(10.0, 3.0, 20)), theirs("mine", OURS))
    (verdict,) = compare(experiment(), {"paper": wide})
    assert verdict.margin == pytest.approx(1.0)
    assert "10 % of the rival's mean; no distance from a random policy is known" in verdict.reason


def test_a_variant_of_ours_is_paired_by_seed_and_somebody_elses_is_not():
    rng = np.random.default_rng(0)
    ours = rng.normal(10.0, 3.0, 8)
    changed = ours + rng.normal(1.2, 0.2, 8)  # far within the spread between seeds
    for foreign, word in ((False, "HIGHER"), (True, "INCONCLUSIVE")):
        made = cell("a+0123abcd", changed, imported=True, foreign=foreign)
        (verdict,) = compare(experiment(), {"paper": by_key(cell("a", ours), made)})
        assert verdict.verdict == word
        assert ("paired by seed, n=8" in verdict.reason) is not foreign
    p = stats.ttest_rel(changed, ours).pvalue
    assert p < 1e-5 < stats.ttest_ind(changed, ours, equal_var=False).pvalue


def test_holm_runs_over_all_rivals_of_a_budget():
    edge = theirs("mine", sample(10.7, 1.0, 20))  # p = 0.033 alone
    alone = compare(experiment(), {"paper": by_key(cell("a", OURS), edge)})
    assert [v.verdict for v in alone] == ["HIGHER"]
    other = theirs("other", sample(10.0, 3.0, 20))
    both = compare(experiment(), {"paper": by_key(cell("a", OURS), edge, other)})
    assert [v.verdict for v in both if v.variant == "mine"] == ["INCONCLUSIVE"]
    asked = compare(experiment(), {"paper": by_key(cell("a", OURS), edge, other)}, asked=Selection(variants=("mine",)))
    assert [(v.variant, v.verdict) for v in asked] == [("mine", "HIGHER")]


MINE = theirs("mine", OURS)


def test_a_rival_meets_every_declared_variant_of_its_task_and_budget_and_no_other():
    paper = by_key(cell("a", OURS), cell("b", OURS), MINE, cell("a", OURS, "u"), theirs("mine2", OURS))
    found = compare(experiment(), {"paper": paper, "short": by_key(cell("a", OURS)), "smoke": by_key(MINE)})
    assert [(v.variant, v.rival) for v in found] == [("mine", "a"), ("mine", "b"), ("mine2", "a"), ("mine2", "b")]


@pytest.mark.parametrize(
    ("asked", "met"),
    [
        (Selection(variants=("mine",)), ["mine a", "mine b"]),
        (Selection(variants=("b",)), ["mine b", "mine2 b"]),
        (Selection(variants=("mine2", "a")), ["mine2 a"]),
        (Selection(tasks=("u",)), []),
    ],
)
def test_what_is_named_narrows_each_side(asked, met):
    paper = by_key(cell("a", OURS), cell("b", OURS), MINE, theirs("mine2", OURS))
    found = compare(experiment(), {"paper": paper}, asked=asked)
    assert [f"{v.variant} {v.rival}" for v in found] == met


def test_a_rival_waits_for_our_seeds():
    cells = by_key(cell("a", OURS[:3], seeds_asked=(0, 1, 2, 3)), MINE)
    (verdict,) = compare(experiment(), {"paper": cells})
    assert (verdict.verdict, verdict.reason) == ("INCOMPLETE", "a lacks seed 3")
    assert verdict.value is None


def test_a_rivals_diverged_seed_counts_at_the_worst_of_both_sides():
    (verdict,) = rivals(sample(12.0, 0.1, 20), diverged=(3,))
    assert f"mine seed 3 failed, counted at {min(OURS):.4g}" in verdict.reason
    assert "without them HIGHER" in verdict.reason


def test_two_measurements_are_not_equivalent_where_other_seeds_failed():
    """A failed seed counts as a value that the other side has, so that a collapse could look like the same."""
    close = sample(10.0, 0.1, 20)
    (found,) = rivals(close, diverged=(3,))
    assert found.verdict == "INCONCLUSIVE"
    assert found.reason.endswith("not EQUIVALENT, because the same seeds did not fail on both sides")
    cells = by_key(cell("a", close, diverged=(0,)), theirs("mine", close, diverged=(3,)))
    assert compare(experiment(), {"paper": cells})[0].verdict == "EQUIVALENT", "one of 20 on both sides"
    own = by_key(cell("a", close, diverged=(0,)), cell("mine", close, imported=True, diverged=(3,)))
    assert compare(experiment(), {"paper": own})[0].verdict == "INCONCLUSIVE", "a seed of ours is the same on both"


def test_a_rival_that_diverged_in_every_seed_is_not_judged_and_a_random_policy_bounds_the_floor():
    (found,) = rivals(sample(10.0, 0.1, 20), diverged=tuple(range(20)))
    assert (found.verdict, found.value) == ("INCONCLUSIVE", None)
    assert found.reason == "every seed of mine failed, and no floor is declared"
    assert [(lost.variant, len(lost.seeds)) for lost in found.failed] == [("mine", 20)]
    variants = (*experiment().variants, Variant("random", "r", "m:make"))
    cells = by_key(cell("a", OURS), theirs("mine", OURS, diverged=(3,)), cell("random", [-5.0, -7.0]))
    made = dataclasses.replace(experiment(), variants=variants)
    first = next(v for v in compare(made, {"paper": cells}) if v.rival == "a")
    assert "mine seed 3 failed, counted at -6" in first.reason


def test_a_rival_without_a_row_for_one_of_its_seeds_is_incomplete():
    at_2 = Measure("score", "score at 2", {"step": 2})
    cut = dataclasses.replace(MINE, frame=MINE.frame[(MINE.frame.seed != 4) | (MINE.frame.step == 1)])
    (verdict,) = compare(experiment((), at_2), {"paper": by_key(cell("a", OURS), cut)})
    assert (verdict.verdict, verdict.reason) == ("INCOMPLETE", "mine lacks seed 4")


def test_a_variant_with_an_override_is_compared_with_its_original_only():
    made = cell("a+0123abcd", [x + 5 for x in OURS], imported=True)
    cells = by_key(cell("a", OURS), cell("b", OURS), made, MINE)
    asked = Selection(variants=("a+0123abcd", "b+0123abcd"), overrides=("k=1",))
    there, absent = compare(experiment(), {"paper": cells}, asked=asked)
    assert (there.variant, there.rival, there.verdict) == ("a+0123abcd", "a", "HIGHER")
    assert (absent.variant, absent.rival, absent.verdict) == ("b+0123abcd", "b", "INCOMPLETE")
    assert absent.reason == "b+0123abcd lacks seeds 0-4"
