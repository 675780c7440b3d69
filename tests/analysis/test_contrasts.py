"""Rivals and differences between result folders: each rule fires, and its neighbour does not."""

from __future__ import annotations

import dataclasses
import math

import pytest
from made_cells import ERROR, SCORE, by_key, cell, experiment, sample

from svgbench.analysis.statistics import summarise, welch
from svgbench.analysis.verdicts import Rules, compare, difference_verdicts
from svgbench.lab.experiment import Measure

OURS = sample(10.0, 1.0, 20)


def rivals(values, n_declared=20, measure=SCORE, **about):
    cells = by_key(cell("a", sample(10.0, 1.0, n_declared)), cell("mine", values, imported=True, **about))
    return compare(experiment((), measure), {"paper": cells})


@pytest.mark.parametrize(
    ("mean", "sd", "n", "word"),
    [
        (12.0, 1.0, 20, "BETTER"),
        (8.0, 1.0, 20, "WORSE"),
        (10.5, 0.01, 20, "BETTER"),  # significant and equivalent: whether it wins is the question
        (10.0, 0.5, 20, "REPRODUCED"),
        (10.5, 2.0, 5, "CONSISTENT"),
        (12.0, 5.0, 5, "INCONCLUSIVE"),
        (12.0, 1.0, 1, "INCONCLUSIVE"),
    ],
)
def test_a_rival_is_judged_against_ours(mean, sd, n, word):
    (verdict,) = rivals(sample(mean, sd, n) if n > 1 else [mean])
    assert verdict.verdict == word
    assert (verdict.kind, verdict.variant, verdict.setting, verdict.budget) == ("level", "mine", "against a", "paper")
    assert verdict.id == "w/x:mine:t:against-a"
    assert verdict.published is None


def test_a_rivals_value_is_the_difference_with_welchs_interval():
    values = sample(12.0, 1.5, 10)
    (verdict,) = rivals(values)
    test = welch(summarise(values), summarise(OURS))
    assert (verdict.value, verdict.low, verdict.high) == (test.difference, test.low, test.high)
    assert (verdict.unit, verdict.n, verdict.margin) == ("difference", 10, pytest.approx(1.0))
    assert verdict.reason.startswith("12 (n=10) against 10 (n=20)")


def test_lower_can_be_better_for_a_rival():
    assert rivals(sample(12.0, 1.0, 20), measure=ERROR)[0].verdict == "WORSE"
    assert rivals(sample(8.0, 1.0, 20), measure=ERROR)[0].verdict == "BETTER"


def test_holm_runs_over_all_rivals_of_a_budget():
    edge = cell("mine", sample(10.7, 1.0, 20), imported=True)  # p = 0.033 alone
    alone = compare(experiment(), {"paper": by_key(cell("a", OURS), edge)})
    assert [v.verdict for v in alone] == ["BETTER"]
    other = cell("other", sample(10.0, 3.0, 20), imported=True)
    both = compare(experiment(), {"paper": by_key(cell("a", OURS), edge, other)})
    assert [v.verdict for v in both if v.variant == "mine"] == ["CONSISTENT"]


def test_a_rival_meets_every_declared_variant_of_its_task_and_budget_and_no_other():
    mine = cell("mine", OURS, imported=True)
    paper = by_key(cell("a", OURS), cell("b", OURS), mine, cell("a", OURS, "u"), cell("mine2", OURS, imported=True))
    found = compare(experiment(), {"paper": paper, "short": by_key(cell("a", OURS)), "smoke": by_key(mine)})
    assert [(v.variant, v.setting) for v in found] == [
        ("mine", "against a"),
        ("mine", "against b"),
        ("mine2", "against a"),
        ("mine2", "against b"),
    ]


def test_a_rival_waits_for_our_seeds():
    cells = by_key(cell("a", OURS[:3], seeds_asked=(0, 1, 2, 3)), cell("mine", OURS, imported=True))
    (verdict,) = compare(experiment(), {"paper": cells})
    assert (verdict.verdict, verdict.reason) == ("INCOMPLETE", "a lacks seed 3")
    assert verdict.value is None


def test_a_rivals_diverged_seed_counts_at_the_worst_of_both_sides():
    (verdict,) = rivals(sample(12.0, 0.1, 20), diverged=(3,))
    assert f"seed 3 failed, counted at {min(OURS):.4g}" in verdict.reason
    assert "without them BETTER" in verdict.reason


def differences(a, b, measure=SCORE, rules=None):
    return difference_verdicts(by_key(*a), by_key(*b), experiment((), measure), "short", rules or Rules())


def difference(a, b, **about):
    (verdict,) = differences([cell("a", a)], [cell("a", b)], **about)
    return verdict


@pytest.mark.parametrize(
    ("b", "word"),
    [
        (OURS, "IDENTICAL"),
        (sample(10.0, 1.0 + 1e-12, 20), "EQUIVALENT"),
        (sample(10.5, 0.01, 20), "EQUIVALENT"),  # significant as well: equivalence comes first
        (sample(12.0, 1.0, 20), "BETTER"),
        (sample(8.0, 1.0, 20), "WORSE"),
        (sample(10.5, 1.5, 8), "CONSISTENT"),
        (sample(12.0, 5.0, 5), "INCONCLUSIVE"),
        ([10.0], "INCONCLUSIVE"),
    ],
)
def test_b_is_judged_against_a(b, word):
    verdict = difference(OURS, b)
    assert (verdict.verdict, verdict.kind, verdict.budget, verdict.setting) == (word, "level", "short", "final score")
    assert verdict.n == len(b)


def test_identical_means_the_same_bits_and_the_same_seeds():
    assert difference([0.0, 1.0], [0.0, 1.0]).verdict == "IDENTICAL"
    assert difference([0.0, 1.0], [-0.0, 1.0]).verdict != "IDENTICAL"
    assert difference([0.0, 1.0], [0.0, math.nextafter(1.0, 2.0)]).verdict != "IDENTICAL"
    assert difference([0.0, 1.0], {0: 0.0, 2: 1.0}).verdict != "IDENTICAL"
    (diverged,) = differences([cell("a", [0.0, 1.0, 2.0])], [cell("a", [0.0, 1.0, 2.0], diverged=(2,))])
    assert diverged.verdict != "IDENTICAL"
    (both,) = differences([cell("a", [0.0, 1.0], diverged=(1,))], [cell("a", [0.0, 7.0], diverged=(1,))])
    assert both.verdict == "IDENTICAL"


def test_lower_can_be_better_between_folders():
    assert difference(OURS, sample(12.0, 1.0, 20), measure=ERROR).verdict == "WORSE"


def test_a_cell_that_only_one_folder_has_is_named():
    a, b = [cell("a", OURS), cell("b", OURS)], [cell("b", OURS), cell("b", OURS, "u"), cell("a", {})]
    found = {(v.task, v.variant): v.verdict for v in differences(a, b)}
    assert found == {("t", "a"): "ONLY_IN_A", ("t", "b"): "IDENTICAL", ("u", "b"): "ONLY_IN_B"}
    assert differences([cell("a", {})], [cell("a", {})]) == []


def test_identical_cells_do_not_weigh_on_the_correction():
    edge = sample(10.7, 1.0, 20)
    a, b = [cell("a", OURS), cell("b", OURS)], [cell("a", edge), cell("b", OURS)]
    assert [v.verdict for v in differences(a, b)] == ["BETTER", "IDENTICAL"]
    weighed = differences(a, [cell("a", edge), cell("b", sample(10.0, 3.0, 20))])
    assert weighed[0].verdict == "CONSISTENT"


def test_when_every_seed_failed_in_different_places_nothing_is_judged():
    a, b = cell("a", [1.0, 2.0], diverged=(0, 1)), cell("a", [1.0, 2.0, 3.0], diverged=(0, 1, 2))
    (verdict,) = differences([a], [b])
    assert (verdict.verdict, verdict.value) == ("INCONCLUSIVE", None)
    assert "no floor is declared" in verdict.reason
    (floored,) = differences([a], [b], rules=Rules(floors={"final score": 0.0}))
    assert floored.verdict == "CONSISTENT"


def test_alpha_sets_the_interval_of_a_difference():
    b = sample(12.0, 1.0, 20)
    test = welch(summarise(b), summarise(OURS), 0.99)
    verdict = difference(OURS, b, rules=Rules(alpha=0.01))
    assert (verdict.low, verdict.high) == (test.low, test.high)


def test_a_rival_without_a_row_for_one_of_its_seeds_is_incomplete():
    mine = cell("mine", OURS, imported=True)
    at_2 = Measure("score", "score at 2", {"step": 2})
    cut = dataclasses.replace(mine, frame=mine.frame[(mine.frame.seed != 4) | (mine.frame.step == 1)])
    (verdict,) = compare(experiment((), at_2), {"paper": by_key(cell("a", OURS), cut)})
    assert (verdict.verdict, verdict.reason) == ("INCOMPLETE", "mine lacks seed 4")


@pytest.mark.parametrize(("shift", "word"), [(1e-15, "EQUIVALENT"), (1e-7, "EQUIVALENT"), (1e-4, "BETTER")])
def test_rounding_is_no_difference_where_a_result_is_exact(shift, word):
    """Five equal seeds have no spread, and another processor's last bit must not read as a change."""
    a, b = by_key(cell("a", [0.9284] * 5)), by_key(cell("a", [0.9284 + shift] * 5))
    (verdict,) = difference_verdicts(a, b, experiment((), SCORE), "paper")
    assert verdict.verdict == word
