"""Levels against published numbers: each rule fires on constructed numbers, and its neighbour does not."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import replace
from decimal import Decimal

import pytest
from made_cells import ERROR, SCORE, Printed, Table, by_key, cell, experiment, sample

from svgbench.analysis.judge.claim_checks import problems
from svgbench.analysis.judge.foregone import undecidable
from svgbench.analysis.judge.levels import LevelCase, judge_levels, level_margin
from svgbench.analysis.judge.power import power_tost
from svgbench.analysis.judge.statistics import Summary, t_interval
from svgbench.analysis.judge.verdicts import Evidence, JudgementRules, Verdict, compare
from svgbench.words.claims import Measure
from svgbench.words.experiment import Deviation, Variant


def ours(mean, sd=1.0, n=10):
    return Summary(mean, sd, n)


def word(mean, sd=1.0, n=10, **about):
    """Published: 100 +- 1, n = 10, random policy at 90, so that the margin is 1."""
    return judge_levels([LevelCase(ours(mean, sd, n), **{"published": 100.0, "sds": (1.0,), "n": 10, **about})])[0]


@pytest.mark.parametrize(
    ("sd", "random", "margin", "too_wide"),
    [
        (1.0, 0.0, 10.0, False),  # a tenth of the distance
        (15.0, 0.0, 15.0, False),  # one SD
        (25.0, 0.0, 25.0, False),  # one SD, at the cap
        (25.1, 0.0, 25.0, True),
        (1.0, 200.0, 10.0, False),  # a published number below random
        (300.0, None, 300.0, False),
    ],
)
def test_the_margin(sd, random, margin, too_wide):
    assert level_margin(100.0, sd, random) == (pytest.approx(margin), too_wide)


def test_reproduced_needs_equivalence_within_the_margin():
    assert word(100.0, 0.4, 30, random=90.0).verdict == "REPRODUCED"
    assert word(100.0, 2.0, 10, random=90.0).verdict == "CONSISTENT"
    assert word(100.0, 2.0, 10, random=0.0).verdict == "REPRODUCED"  # the same numbers, a margin of 10


def test_worse_and_better_need_significance_and_more_than_the_margin():
    assert word(98.0, random=90.0).verdict == "WORSE"
    assert word(102.0, random=90.0).verdict == "BETTER"
    assert word(98.0, 4.0, 5, random=90.0).verdict == "INCONCLUSIVE"  # beyond, not significant
    assert word(99.1, 0.1, 10, sds=(0.1,), random=90.0).verdict == "REPRODUCED"
    within = word(99.05, 0.5, 30, sds=(1.0,), random=90.0)  # significant, within, not equivalent
    assert within.verdict == "CONSISTENT"
    assert "Holm" not in within.reason


def test_lower_can_be_better():
    assert word(98.0, random=110.0, higher_is_better=False).verdict == "BETTER"
    assert word(102.0, random=110.0, higher_is_better=False).verdict == "WORSE"


def test_consistent_is_printed_with_its_power():
    outcome = word(100.2, 2.0, random=90.0)
    assert outcome.verdict == "CONSISTENT"
    assert f"power {power_tost(0.0, 1 / math.sqrt(2.5), 10, 10):.2f}" in outcome.reason


def test_a_published_spread_beyond_the_cap_leaves_nothing_to_say():
    for mean in (0.0, 100.0, 1000.0):
        outcome = word(mean, sds=(3.0,), random=90.0)
        assert (outcome.verdict, outcome.margin) == ("INCONCLUSIVE", 2.5)
        assert "published spread too wide" in outcome.reason
    assert word(1000.0, sds=(2.5,), random=90.0).verdict == "BETTER"


def test_without_a_random_level_the_margin_is_the_published_sd():
    outcome = word(97.0, sds=(1.5,))
    assert (outcome.verdict, outcome.margin) == ("WORSE", 1.5)
    assert "no random level is known" in outcome.reason
    assert "no random level" not in word(97.0, random=90.0).reason


def test_one_seed_of_ours_has_no_verdict():
    outcome = word(50.0, math.nan, 1, random=90.0)
    assert outcome.verdict == "INCONCLUSIVE"
    assert "one seed has no spread" in outcome.reason


def test_holm_runs_over_the_table():
    """A cell with p = 0.03 alone is WORSE; beside nineteen that show nothing it is not."""
    case = LevelCase(ours(98.5, 1.5), 100.0, (1.25,), 10, 95.0)
    dull = LevelCase(ours(100.0, 3.0), 100.0, (1.25,), 10, 95.0)
    assert judge_levels([case])[0].verdict == "WORSE"
    assert judge_levels([case, *[dull] * 19])[0].verdict == "INCONCLUSIVE"
    too_wide = LevelCase(ours(100.0, 3.0), 100.0, (9.0,), 10, 95.0)
    untestable = LevelCase(ours(100.0, math.nan, 1), 100.0, (1.25,), 10, 95.0)
    assert judge_levels([case, *[too_wide] * 19, *[untestable] * 9])[0].verdict == "WORSE"


def test_a_spread_of_unknown_kind_counts_only_if_both_readings_agree():
    far = word(50.0, sds=(1.0, math.sqrt(10)), random=0.0)
    assert (far.verdict, far.margin) == ("WORSE", 10.0)
    near = word(99.6, 0.1, 10, sds=(0.2, 0.2 * math.sqrt(10)))
    assert (near.verdict, near.margin) == ("NOT_COMPARABLE", None)
    assert "WORSE as SD, CONSISTENT as SE" in near.reason


def test_a_known_spread_beside_unknown_ones_takes_the_larger_p():
    """As an SD the other spread leaves this p of 0.03 as it is; as an SE it doubles it."""
    known = LevelCase(ours(98.5, 1.5), 100.0, (1.25,), 10, 95.0)
    readings = (0.5, 0.5 * math.sqrt(10))
    as_sd, as_se, unknown = (
        LevelCase(ours(99.0, 0.1), 100.0, s, 10, 93.0) for s in (readings[:1], readings[1:], readings)
    )
    found = [judge_levels([known, other])[0].verdict for other in (as_sd, as_se, unknown)]
    assert found == ["WORSE", "INCONCLUSIVE", "INCONCLUSIVE"]


PRINTED = Table({("A", "T"): Printed(10.0, 1.0)})


def levels(cells, table=PRINTED, budget="paper", measure=SCORE, rules=None, **about) -> list[Verdict]:
    return compare(experiment((), measure, **about), {budget: cells}, table, rules=rules or JudgementRules())


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (Printed(10.0, 2.0), ""),
        (Printed(10.0, 2.1), "published spread too wide: SD 2.1, while the margin is capped at 2"),
        (Printed(10.0, 1.0, spread_kind="unknown"), "published spread too wide: SD 3.162"),  # as an SE
        (Printed(10.0, 1.0, n=None), "the published n is not printed"),
        (Printed(10.0, None), "the published number has no spread"),
    ],
)
def test_what_no_runs_can_decide_is_known_before_they_are_run(number, why):
    """A random policy at 2, measured at another budget. Where a reason is given, no mean of ours has a verdict."""
    table, random = Table({("A", "T"): number}), by_key(cell("random", sample(2.0, 0.1, 5)))
    marked, unknown = undecidable(Evidence(experiment((), SCORE), {"smoke": random}), table)
    assert [(one.task, one.variant, one.reason[: len(why)]) for one in marked] == [("t", "a", why)] * bool(why)
    assert unknown == []
    words = {one(by_key(cell("a", sample(mean, 0.1, 9))) | random, table).verdict for mean in (2.0, 9.9, 10.0, 90.0)}
    assert (words <= {"INCONCLUSIVE", "NOT_COMPARABLE"}) == bool(why)


def test_without_a_random_policy_it_is_open_whether_a_spread_is_too_wide():
    wide = Table({("A", "T"): Printed(10.0, 99.0)})
    assert undecidable(Evidence(experiment((), SCORE), {}), wide) == ([], ["t"])


def one(cells, *args, **about) -> Verdict:
    (verdict,) = levels(cells, *args, **about)
    return verdict


def test_a_level_verdict_carries_our_mean_and_the_published_one():
    values = sample(10.1, 0.5, 30)
    verdict = one(by_key(cell("a", values), cell("random", sample(2.0, 0.1, 5))))
    interval = t_interval(values)
    assert (verdict.id, verdict.kind, verdict.budget) == ("w/x:a:t:final-score", "level", "paper")
    assert (verdict.value, verdict.low, verdict.high) == (interval.value, interval.low, interval.high)
    assert (verdict.n, verdict.published, verdict.unit) == (30, 10.0, "mean")
    assert (verdict.verdict, verdict.margin) == ("REPRODUCED", pytest.approx(1.0))
    assert (verdict.task, verdict.variant, verdict.setting) == ("t", "a", "final score")


def test_decimals_are_numbers():
    table = Table({("A", "T"): Printed(Decimal("10.0"), Decimal("1.0"), "sd")})  # type: ignore[arg-type]
    assert one(by_key(cell("a", sample(10, 0.5, 30))), table).verdict == "REPRODUCED"


def test_the_random_level_is_declared_or_read_from_the_random_cell():
    a = cell("a", sample(10.0, 0.5, 30))
    assert one(by_key(a)).margin == 1.0
    assert one(by_key(a, cell("random", [-10.0, -10.0]))).margin == pytest.approx(2.0)
    declared = JudgementRules(random_levels={("t", "final score"): -30.0})
    assert one(by_key(a, cell("random", [-10.0, -10.0])), rules=declared).margin == pytest.approx(4.0)


def test_without_a_run_of_a_declared_random_policy_a_level_is_incomplete():
    """Else the margin would have no cap: `plan` says of this number that no runs can decide it."""
    declared = tuple(Variant(v, v, "m:make", published=v.upper()) for v in ("a", "random"))
    wide, ours = Table({("A", "T"): Printed(10.0, 3.0)}), by_key(cell("a", sample(10.0, 0.5, 30)))
    (found,) = levels(ours, wide, variants=declared)
    assert (found.verdict, found.margin) == ("INCOMPLETE", None)
    assert found.value == pytest.approx(10.0)
    assert found.reason == "the margin takes random, which has no run at budget paper"
    (known,) = levels(ours | by_key(cell("random", [2.0, 2.0])), wide, variants=declared)
    assert (known.verdict, known.margin) == ("INCONCLUSIVE", pytest.approx(2.0))
    other = dataclasses.replace(declared[1], tasks=("u",))  # not on this task: the published SD is all there is
    assert [v.verdict for v in levels(ours, wide, variants=(declared[0], other))] == ["REPRODUCED"]


def test_a_level_is_judged_at_the_paper_budget_only():
    a = by_key(cell("a", sample(10.0, 0.5, 30)))
    for budget in ("short", "smoke"):
        verdict = one(a, budget=budget)
        assert (verdict.verdict, verdict.budget) == ("NOT_COMPARABLE", budget)
        assert "budget" in verdict.reason
        assert verdict.value == pytest.approx(10.0)
    assert one(a).verdict == "REPRODUCED"


def test_the_largest_budget_with_anything_of_the_cell_shows_its_value():
    full, part = cell("a", sample(10.0, 0.5, 5)), cell("a", [10.0], seeds_asked=(0, 1))
    (short,) = compare(experiment(), {"paper": {}, "short": by_key(full)}, PRINTED)
    assert (short.verdict, short.budget) == ("NOT_COMPARABLE", "short")
    (paper,) = compare(experiment(), {"paper": by_key(part), "short": by_key(full)}, PRINTED)
    assert (paper.verdict, paper.budget, paper.value) == ("INCOMPLETE", "paper", 10.0)
    assert paper.reason == "lacks seed 1"
    (nothing,) = compare(experiment(), {"paper": {}, "short": {}}, PRINTED)
    assert (nothing.verdict, nothing.budget, nothing.value) == ("INCOMPLETE", "paper", None)


def test_a_deviation_that_changes_the_metric_ends_it():
    words = {"paper": "", "ours": "", "reason": "", "source": ""}
    a = by_key(cell("a", sample(10.0, 0.5, 30)))
    harmless = Deviation("harmless", **words)
    assert one(a, deviations=(harmless,)).verdict == "REPRODUCED"
    verdict = one(a, deviations=(harmless, Deviation("other-reward", **words, changes_metric=True)))
    assert verdict.verdict == "NOT_COMPARABLE"
    assert "other-reward" in verdict.reason


def test_a_deviation_that_changes_the_metric_of_some_variants_ends_theirs_only():
    words = {"paper": "", "ours": "", "reason": "", "source": ""}
    a = by_key(cell("a", sample(10.0, 0.5, 30)))
    variants = Deviation("noisy-paths", **words, changes_metric=True, variants=("a", "b"))
    other = replace(variants, variants=("b",))
    assert one(a, deviations=(other,)).verdict == "REPRODUCED"
    assert one(a, deviations=(variants,)).verdict == "NOT_COMPARABLE"
    random = by_key(cell("random", sample(2.0, 0.1, 5)))
    evidence = [Evidence(experiment((), SCORE, deviations=(d,)), {"smoke": random}) for d in (other, variants)]
    marked = [[found.variant for found in undecidable(one, PRINTED)[0]] for one in evidence]
    assert marked == [[], ["a"]]  # nothing is printed of b
    assert variants.concerns("a+1a2b3c4d")
    assert replace(variants, variants=None).concerns("c")


def test_a_deviation_names_variants_that_there_are():
    known = experiment((), SCORE)
    concerned = [Deviation("d", "", "", "", "", variants=names) for names in (None, ("a",), ("a", "mistyped"), ())]
    found = [problems(replace(known, deviations=(one,)), None) for one in concerned]
    assert found[:2] == [[], []]
    assert "deviation d: no variant 'mistyped' (there are: a" in found[2][0]
    assert "deviation d: it concerns no variant" in found[3][0]


@pytest.mark.parametrize(
    ("printed", "why"),
    [
        (Printed(10.0, None, "none"), "no spread"),
        (Printed(10.0, 1.0, "iqr"), "'iqr'"),
        (Printed(10.0, 1.0, "sd", None), "not printed"),
        (Printed(10.0, 1.0, "sd", 1), "n is 1"),
    ],
)
def test_a_published_number_without_a_usable_spread_is_not_comparable(printed, why):
    verdict = one(by_key(cell("a", sample(10.0, 0.5, 30))), Table({("A", "T"): printed}))
    assert verdict.verdict == "NOT_COMPARABLE"
    assert why in verdict.reason


def test_se_and_ci95_are_turned_into_sds():
    a = by_key(cell("a", sample(10.0, 0.5, 30)))
    assert one(a, Table({("A", "T"): Printed(10.0, 1.0, "se", 9)})).margin == pytest.approx(3.0)
    assert one(a, Table({("A", "T"): Printed(10.0, 1.0, "ci95", 10)})).margin == pytest.approx(1.398, abs=1e-3)
    assert one(a, Table({("A", "T"): Printed(10.0, 1.0, None)})).verdict == "REPRODUCED"  # unknown, and agrees


def test_only_cells_with_a_published_number_have_a_level():
    cells = by_key(cell("a", sample(10.0, 0.5, 30)), cell("b", sample(10.0, 0.5, 30)))
    assert [(v.variant, v.task) for v in levels(cells)] == [("a", "t")]
    assert levels(cells, None) == []


def test_a_diverged_seed_counts_at_the_floor_and_the_reason_gives_the_verdict_without_it():
    values = sample(10.0, 0.1, 20)
    cells = by_key(cell("a", values, diverged=(0,)), cell("random", [0.0, 0.0]))
    verdict = one(cells)
    assert verdict.value == pytest.approx(sum(values[1:]) / 20)  # the floor: a random policy's 0
    assert verdict.n == 20
    assert "seed 0 failed, counted at 0" in verdict.reason
    assert "without them REPRODUCED" in verdict.reason
    assert verdict.verdict != "REPRODUCED"
    declared = one(cells, rules=JudgementRules(floors={"final score": 10.0}))
    assert declared.verdict == "REPRODUCED"


def test_lower_is_better_takes_the_largest_as_floor():
    values = sample(10.0, 0.1, 20)
    verdict = one(by_key(cell("a", values, diverged=(0,)), cell("random", [50.0, 50.0])), measure=ERROR)
    assert "counted at 50" in verdict.reason


def test_the_published_number_bounds_the_floor_too():
    verdict = one(by_key(cell("a", sample(12.0, 0.1, 20), diverged=(0,))))
    assert "counted at 10," in verdict.reason


def test_when_every_seed_failed_the_floor_is_the_value():
    verdict = one(by_key(cell("a", [1.0, 1.0, 1.0], diverged=(0, 1, 2)), cell("random", [2.0, 2.0])))
    assert (verdict.verdict, verdict.value) == ("WORSE", 2.0)
    assert "nothing is left without" in verdict.reason


def test_alpha_sets_the_interval_and_the_tests():
    values = sample(10.0, 1.0, 20)
    cells = by_key(cell("a", values))
    strict = one(cells, rules=JudgementRules(alpha=0.001))
    assert (strict.low, strict.high) == (t_interval(values, 0.999).low, t_interval(values, 0.999).high)
    assert (one(cells).verdict, strict.verdict) == ("REPRODUCED", "CONSISTENT")


def test_a_done_seed_without_its_row_is_incomplete():
    a = cell("a", sample(10.0, 0.5, 30))
    first = Measure("score", "score at 2", {"step": 2})
    cut = dataclasses.replace(a, frame=a.frame[(a.frame.seed != 4) | (a.frame.step == 1)])
    verdict = one(by_key(cut), measure=first)
    assert (verdict.verdict, verdict.reason) == ("INCOMPLETE", "no row for seed 4")
    assert one(by_key(a), measure=first).verdict == "REPRODUCED"
    assert one(by_key(dataclasses.replace(a, seeds_asked=()))).reason == "no seed was requested"
