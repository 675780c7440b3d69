"""Claims: each rule applies to constructed numbers where it should, and only there."""

from __future__ import annotations

import dataclasses
import math

import pandas as pd
import pytest
from made_cells import SCORE, by_key, cell, claim, compared, experiment, sample

from svgbench.analysis.judge.claim_checks import problems
from svgbench.analysis.judge.relations import relation_holds
from svgbench.analysis.judge.statistics import Interval, t_interval
from svgbench.analysis.judge.verdicts import JudgementRules, Verdict, compare
from svgbench.words.claims import FailureLevel, Measure, Term

A, B = sample(10.0, 1.0, 5), sample(7.0, 1.0, 5)


def judge(part_or_parts, *cells, budget="paper", per=(), rules=None, **about) -> list[Verdict]:
    parts = part_or_parts if isinstance(part_or_parts, tuple) else (part_or_parts,)
    declared = experiment((claim(*parts, per=per),), **about)
    return compare(declared, {budget: by_key(*cells)}, rules=rules or JudgementRules())


def one(*args, **about) -> Verdict:
    (verdict,) = judge(*args, **about)
    return verdict


@pytest.mark.parametrize(
    ("relation", "margin", "low", "high", "word"),
    [
        ("<", 0.0, -2.0, -0.1, "SUPPORTED"),
        ("<", 0.0, -2.0, 0.1, "INCONCLUSIVE"),
        ("<", 0.0, 0.1, 2.0, "REFUTED"),
        ("<", 1.0, -2.0, -1.1, "SUPPORTED"),
        ("<", 1.0, -2.0, -0.9, "INCONCLUSIVE"),
        ("<", 1.0, -0.9, -0.1, "REFUTED"),
        (">", 0.0, 0.1, 2.0, "SUPPORTED"),
        (">", 0.0, -0.1, 2.0, "INCONCLUSIVE"),
        (">", 0.0, -2.0, -0.1, "REFUTED"),
        (">", 1.0, 1.1, 2.0, "SUPPORTED"),
        (">", 1.0, 0.9, 2.0, "INCONCLUSIVE"),
        (">", 1.0, 0.1, 0.9, "REFUTED"),
        ("~", 1.0, -0.9, 0.9, "SUPPORTED"),
        ("~", 1.0, -0.9, 1.1, "INCONCLUSIVE"),
        ("~", 1.0, -1.1, 0.9, "INCONCLUSIVE"),
        ("~", 1.0, -2.0, 2.0, "INCONCLUSIVE"),
        ("~", 1.0, 1.1, 2.0, "REFUTED"),
        ("~", 1.0, -2.0, -1.1, "REFUTED"),
        ("<~", 1.0, 0.5, 1.0, "SUPPORTED"),
        ("<~", 1.0, 0.5, 1.1, "INCONCLUSIVE"),
        ("<~", 1.0, 1.1, 2.0, "REFUTED"),
        ("<~", 1.0, -9.0, -8.0, "SUPPORTED"),
        (">~", 1.0, -1.0, 0.5, "SUPPORTED"),
        (">~", 1.0, -1.1, 0.5, "INCONCLUSIVE"),
        (">~", 1.0, -2.0, -1.1, "REFUTED"),
        (">~", 1.0, 8.0, 9.0, "SUPPORTED"),
        ("<", 0.0, 0.0, 0.0, "REFUTED"),
        (">", 0.0, 0.0, 0.0, "REFUTED"),
        ("~", 0.0, 0.0, 0.0, "SUPPORTED"),
    ],
)
def test_where_an_interval_lies(relation, margin, low, high, word):
    assert relation_holds(Interval((low + high) / 2, low, high, 5), relation, margin) == word


def test_a_difference_is_paired_by_seed():
    """Seeds that differ by ten between each other, but by 1 +- 0.01 between the sides."""
    left = {s: 10.0 * s + 1 + 0.01 * (-1) ** s for s in range(5)}
    right = {s: 10.0 * s for s in reversed(range(5))}
    verdict = one(compared(">"), cell("a", left), cell("b", right))
    expected = t_interval([left[s] - right[s] for s in range(5)])
    assert (verdict.verdict, verdict.n, verdict.unit) == ("SUPPORTED", 5, "difference")
    assert (verdict.value, verdict.low, verdict.high) == (expected.value, expected.low, expected.high)


def test_seeds_that_only_one_side_has_are_left_out():
    left, right = cell("a", {0: 1.0, 1: 2.0, 2: 9.0}), cell("b", {1: 1.0, 2: 7.5, 5: 50.0})
    verdict = one(compared(">"), left, right)
    assert verdict.n == 2
    assert verdict.value == pytest.approx(1.25)


def test_without_a_common_seed_the_sides_are_compared_unpaired():
    verdict = one(compared(">"), cell("a", A), cell("b", dict(enumerate(B, start=20))))
    assert (verdict.verdict, verdict.n) == ("SUPPORTED", 5)
    ratio = one(compared(">", scale="log_ratio"), cell("a", A), cell("b", dict(enumerate(B, start=20))))
    assert ratio.verdict == "SUPPORTED"
    assert ratio.value == pytest.approx(10 / 7, rel=0.02)
    zero = one(compared(">", scale="log_ratio"), cell("a", A), cell("b", dict.fromkeys(range(20, 25), 0.0)))
    assert (zero.verdict, zero.value) == ("INCONCLUSIVE", None)


def test_a_number_can_be_the_right_side():
    assert one(compared(">", 9.0, margin=0.5), cell("a", sample(10, 0.1, 5))).verdict == "SUPPORTED"
    high = one(compared("<", 9.0), cell("a", sample(10, 0.1, 5)))
    assert (high.verdict, high.value) == ("REFUTED", pytest.approx(1.0))
    assert "needs < 0" in high.reason


def test_log_ratios_are_reported_as_ratios():
    left, right = cell("a", [2.0, 4.2, 7.9, 2.0]), cell("b", [1.0, 2.0, 4.0, 1.0])
    verdict = one(compared(">", margin=math.log(1.5), scale="log_ratio"), left, right)
    logs = t_interval([math.log(x / y) for x, y in zip([2.0, 4.2, 7.9, 2.0], [1.0, 2.0, 4.0, 1.0], strict=True)])
    assert verdict.verdict == "SUPPORTED"
    assert (verdict.low, verdict.high) == pytest.approx((math.exp(logs.low), math.exp(logs.high)))
    assert (verdict.margin, verdict.unit) == (pytest.approx(1.5), "ratio")
    assert verdict.details[0].threshold == pytest.approx(1.5)
    assert one(compared(">", margin=math.log(2.2), scale="log_ratio"), left, right).verdict == "REFUTED"


def test_a_ratio_of_numbers_that_are_not_positive_decides_nothing():
    left = cell("a", [2.0, 2.1, 2.2, 1.9])
    for bad in (0.0, -1.0):
        verdict = one(compared(">", scale="log_ratio"), left, cell("b", [1.0, 1.0, bad, 1.0]))
        assert (verdict.verdict, verdict.value) == ("INCONCLUSIVE", None)
        assert "seed 2 has 2.2 against" in verdict.reason
    both_zero = one(compared("~", margin=0.5, scale="log_ratio"), cell("a", [0.0] * 4), cell("b", [0.0] * 4))
    assert (both_zero.verdict, both_zero.value) == ("SUPPORTED", 1.0)


def test_one_seed_decides_nothing():
    verdict = one(compared(">"), cell("a", [9.0]), cell("b", [1.0]))
    assert (verdict.verdict, verdict.n, verdict.value) == ("INCONCLUSIVE", 1, 8.0)
    row = verdict.as_row()
    assert (row["value"], row["low"], row["high"]) == (8.0, None, None)


def test_every_part_must_hold_and_the_first_refuted_decides():
    a, b, a_wide = cell("a", A), cell("b", B), cell("a", sample(7.1, 9.0, 5))
    holds, fails, open_ = compared(">"), compared("<"), compared("~", margin=3.0)
    assert one((holds, holds), a, b).verdict == "SUPPORTED"
    assert one((holds, open_), a, b).verdict == "INCONCLUSIVE"
    refuted = one((holds, open_, fails), a, b)
    assert refuted.verdict == "REFUTED"
    assert [part.verdict for part in refuted.details] == ["SUPPORTED", "INCONCLUSIVE", "REFUTED"]
    assert "(1 of 3 parts hold)" in refuted.reason
    assert refuted.reason.startswith("a final score < b")
    assert one((holds,), a_wide, b).verdict == "INCONCLUSIVE"


def test_a_premise_that_does_not_hold_leaves_the_claim_open_whatever_its_other_parts_say():
    a, b = cell("a", B), cell("b", A)
    for premise, part, word in (("<", "<", "SUPPORTED"), ("<", ">", "REFUTED"), (">", ">", "INCONCLUSIVE")):
        found = one((dataclasses.replace(compared(premise), premise=True), compared(part)), a, b)
        assert found.verdict == word
        assert found.words == ("INCONCLUSIVE (premise)" if word == "INCONCLUSIVE" else word)
    assert "the claim takes for granted that this holds; it is REFUTED: " in found.reason


def test_a_premise_that_does_not_hold_leaves_the_verdict_by_medians_open_too():
    """a's seeds split into two modes. By means and by medians a is not above 50, so neither says that it beats b."""
    modes = {"failures": (FailureLevel("t", SCORE, 5.0, "source"),)}
    a, b = cell("a", [10.0 + 0.1 * i for i in range(8)] + [0.0, 0.1]), cell("b", [20.0 + 0.1 * i for i in range(10)])
    premise = dataclasses.replace(compared(">", 50.0), premise=True, no_level="no level")
    found = one((premise, compared(">")), a, b, **modes)
    assert (found.words, found.robust, found.disagreement) == ("INCONCLUSIVE (premise)", "INCONCLUSIVE", "")

    most_fail = cell("a", [100.0 + i for i in range(4)] + [0.1 * i for i in range(6)])
    premise = dataclasses.replace(compared(">", 1.0), premise=True, no_level="no level")
    found = one((premise, compared("<")), most_fail, cell("b", [300.0 + 0.1 * i for i in range(10)]), **modes)
    assert (found.verdict, found.robust) == ("SUPPORTED", "INCONCLUSIVE")  # by means 41, by medians 0.55
    assert found.details[0].robust.cause == "premise"


def test_a_premise_stands_beside_a_part_that_is_none():
    alone = experiment((claim(dataclasses.replace(compared("<"), premise=True)),))
    assert any("it is a premise" in line for line in problems(alone, None))
    beside = claim(compared("<", measure=dataclasses.replace(SCORE, reduce="rank_correlation", beside="mistyped")))
    assert any("no column 'mistyped'" in line for line in problems(experiment((beside,)), None))
    without = claim(compared("<", measure=dataclasses.replace(SCORE, reduce="rank_correlation")))
    assert any("expected that of rank_correlation only" in line for line in problems(experiment((without,)), None))


def test_of_parts_that_all_hold_the_nearest_to_its_threshold_decides():
    near, far = compared(">", margin=2.0), compared(">~", margin=50.0)
    a, b = cell("a", [10.0, 10.1, 9.9, 10.0]), cell("b", [7.0, 7.0, 7.05, 6.95])
    for parts in ((near, far), (far, near)):
        verdict = one(parts, a, b)
        assert (verdict.verdict, verdict.margin) == ("SUPPORTED", 2.0)


def test_a_missing_seed_makes_a_claim_incomplete_and_is_named():
    short = cell("b", B[:3], seeds_asked=(0, 1, 2, 3, 4))
    verdict = one(compared(">"), cell("a", A), short)
    assert (verdict.verdict, verdict.value, verdict.n) == ("INCOMPLETE", None, 0)
    assert verdict.reason == "b lacks seeds 3-4"
    assert one(compared(">"), cell("a", A)).reason == "b lacks seeds 0-4"  # the paper budget declares five
    assert one(compared(">"), cell("a", A), cell("b", B)).verdict == "SUPPORTED"


def test_asked_seeds_say_what_an_absent_cell_lacks():
    found = compare(experiment((claim(compared(">")),)), {"paper": by_key(cell("a", A))}, None, {"paper": (0, 1, 9)})
    assert found[0].reason == "b lacks seeds 0-1, 9"


def test_rows_that_a_done_seed_does_not_have_make_a_claim_incomplete():
    later = Measure("score", "score at 3", {"step": 3})
    verdict = one(compared(">", measure=later), cell("a", A), cell("b", B))
    assert (verdict.verdict, verdict.reason) == ("INCOMPLETE", "a has no row of score at 3 for seeds 0-4")
    a = cell("a", A)
    a = dataclasses.replace(a, frame=a.frame[(a.frame.seed != 2) | (a.frame.step == 1)])
    at_2 = Measure("score", "score at 2", {"step": 2})
    partly = one(compared(">", measure=at_2), a, cell("b", B))
    assert (partly.verdict, partly.reason) == ("INCOMPLETE", "a has no row of score at 2 for seed 2")


def test_the_largest_complete_budget_is_judged_per_task():
    part = dataclasses.replace(claim(compared(">")), tasks=None)
    partial = cell("b", B[:3], seeds_asked=(0, 1, 2, 3, 4))
    by_budget = {
        "smoke": by_key(cell("a", B), cell("b", A), cell("a", A, "u"), cell("b", B, "u")),
        "short": by_key(cell("a", A), cell("b", B)),
        "paper": by_key(cell("a", A), partial),
    }
    t, u = compare(experiment((part,)), by_budget)
    assert (t.task, t.budget, t.verdict) == ("t", "short", "SUPPORTED")
    assert (u.task, u.budget, u.verdict) == ("u", "smoke", "SUPPORTED")
    complete = {**by_budget, "paper": by_key(cell("a", B), cell("b", A))}
    assert (compare(experiment((part,)), complete)[0].budget) == "paper"


def test_a_claim_that_is_complete_nowhere_is_incomplete_at_the_largest_budget_with_anything():
    experiment_ = experiment((claim(compared(">")),))
    by_budget = {"paper": {}, "short": by_key(cell("a", A)), "smoke": by_key(cell("a", A))}
    (verdict,) = compare(experiment_, by_budget)
    assert (verdict.verdict, verdict.budget, verdict.reason) == ("INCOMPLETE", "short", "b lacks seeds 0-2")
    (nothing,) = compare(experiment_, {"short": {}, "smoke": {}})
    assert (nothing.budget, nothing.reason) == ("short", "a lacks seeds 0-2; b lacks seeds 0-2")
    (nobody,) = compare(experiment_, {})
    assert (nobody.budget, nobody.verdict) == ("paper", "INCOMPLETE")


def test_a_claim_for_one_budget_is_judged_at_no_other():
    part = dataclasses.replace(claim(compared(">")), budgets=("paper",))
    smoke = {"smoke": by_key(cell("a", A), cell("b", B))}
    (elsewhere,) = compare(experiment((part,)), smoke)
    assert (elsewhere.verdict, elsewhere.budget) == ("INCOMPLETE", "paper")
    assert elsewhere.reason == "it is judged at budget paper only, which has no results"
    (there,) = compare(experiment((part,)), {**smoke, "paper": by_key(cell("a", A), cell("b", B))})
    assert (there.verdict, there.budget) == ("SUPPORTED", "paper")


def per_start(variant, **by_start):
    rows = [(seed, 1, start, x) for start, xs in by_start.items() for seed, x in enumerate(xs)]
    made = cell(variant, A)
    return dataclasses.replace(made, frame=pd.DataFrame(rows, columns=["seed", "step", "start", "score"]))


def test_a_claim_is_judged_once_per_combination_in_order_of_the_values():
    a, b = per_start("a", s1=B, s0=A), per_start("b", s0=B, s1=A)
    s0, s1 = judge(compared(">"), a, b, per=("start", "step"))
    assert (s0.setting, s0.verdict) == ("start=s0 step=1", "SUPPORTED")
    assert (s1.setting, s1.verdict) == ("start=s1 step=1", "REFUTED")
    assert (s0.id, s1.id) == ("w/x:c:t:start=s0,step=1", "w/x:c:t:start=s1,step=1")


def test_a_combination_that_one_side_lacks_is_incomplete():
    s0, s1 = judge(compared(">"), per_start("a", s0=A), per_start("b", s0=B, s1=A), per=("start",))
    assert (s0.verdict, s1.verdict) == ("SUPPORTED", "INCOMPLETE")
    assert s1.reason == "a has no row of final score for seeds 0-4"


def test_combinations_are_in_order_of_their_values_as_numbers():
    steps = [300, 7, 1000, 12, 80, 4000, 9]
    made = cell("a", A)
    rows = [(seed, step, 1.0) for step in steps for seed in range(5)]
    made = dataclasses.replace(made, frame=pd.DataFrame(rows, columns=["seed", "step", "score"]))
    at_step = Measure("score", "score")
    found = judge(compared(">", 0.0, measure=at_step), made, per=("step",))
    assert [v.setting for v in found] == [f"step={step}" for step in sorted(steps)]


def test_combinations_of_seeds_that_were_not_requested_are_not_judged():
    a, b = per_start("a", s0=A), per_start("b", s0=B)
    stray = pd.DataFrame([(9, 1, "s9", 0.0)], columns=a.frame.columns)
    a = dataclasses.replace(a, frame=pd.concat([a.frame, stray]), seeds_done=(*range(5), 9))
    assert [v.setting for v in judge(compared(">"), a, b, per=("start",))] == ["start=s0"]


def test_columns_that_a_frame_does_not_have_are_refused():
    for bad in ({"per": ("stat",)}, {"parts": (compared(">", measure=Measure("scor", "x")),)}):
        wrong = dataclasses.replace(claim(compared(">")), **bad)
        with pytest.raises(ValueError, match="seed, step, score"):
            compare(experiment((wrong,)), {"paper": by_key(cell("a", A), cell("b", B))})


def test_a_diverged_seed_counts_as_the_worst_of_both_sides():
    a = cell("a", A, diverged=(4,))  # scored best before it diverged
    verdict = one(compared(">"), a, cell("b", B))
    effects = [x - y for x, y in zip([*A[:4], min(A[:4] + B)], B, strict=True)]
    assert verdict.n == 5
    assert verdict.value == pytest.approx(sum(effects) / 5)
    assert verdict.verdict == "INCONCLUSIVE"
    assert "a seed 4 at 5.691" in verdict.reason
    assert "without them SUPPORTED" in verdict.reason
    assert "below ten seeds no interval is honest" in verdict.reason
    assert "failed" not in one(compared(">"), cell("a", A), cell("b", B)).reason


def test_lower_is_better_turns_the_floor_around():
    measure = dataclasses.replace(SCORE, higher_is_better=False)
    verdict = one(compared(">", measure=measure), cell("a", A, diverged=(0,)), cell("b", B))
    assert f"a seed 0 at {max(A):.4g}" in verdict.reason


def test_a_declared_floor_is_used_and_a_nan_is_a_failure():
    values = dict(enumerate(A)) | {2: math.nan}
    rules = JudgementRules(floors={"final score": -100.0})
    verdict = one(compared(">"), cell("a", values), cell("b", B), rules=rules)
    assert "a seed 2 at -100" in verdict.reason
    assert verdict.verdict == "INCONCLUSIVE"


def test_when_every_seed_failed_only_a_declared_floor_decides():
    a, everything = cell("a", A, diverged=tuple(range(5))), tuple(range(5))
    lost = one(compared(">", 0.0), a)
    assert (lost.verdict, lost.value) == ("INCONCLUSIVE", None)
    assert "no floor is declared" in lost.reason
    floored = one(compared("<", 0.0), a, cell("b", B), rules=JudgementRules(floors={"final score": -1.0}))
    assert (floored.verdict, floored.value) == ("SUPPORTED", -1.0)
    assert "without them nothing is left" in floored.reason
    for relation in ("<", ">", "~", "<~", ">~"):
        open_ = one(compared(relation, margin=100.0), a, cell("b", B))
        assert (open_.words, open_.value, open_.n) == ("INCONCLUSIVE (failed seeds)", None, 5)
        assert open_.reason == "every seed of a failed, and no floor is declared; failed seeds: a seeds 0-4"
        other = one(compared(relation, margin=100.0), cell("a", A), cell("b", B, diverged=everything))
        assert other.cause == "failed"


def test_seeds_that_were_not_requested_do_not_count():
    values = dict(enumerate(A)) | {9: -1000.0}
    a = cell("a", values, seeds_asked=tuple(range(5)))
    assert one(compared(">"), a, cell("b", B)).n == 5


def test_a_row_has_the_promised_keys_first():
    row = one(compared(">"), cell("a", A), cell("b", B)).as_row()
    first = ["id", "kind", "verdict", "budget", "n", "value", "low", "high", "published"]
    last = ["unit", "part_of", "rival", "note", "cause", "platforms", "platforms_same", "by_platform"]
    modes = ["robust", "disagreement", "modes"]
    assert list(row) == [*first, "task", "variant", "setting", "margin", "reason", *last, *modes, "failed", "parts"]
    assert (row["kind"], row["variant"], row["published"]) == ("claim", "a, b", None)
    assert (row["budget"], row["task"], row["setting"]) == ("paper", "t", "")


def test_measures_of_one_variant_can_be_compared():
    first = Measure("score", "first", {"step": 1})
    part = dataclasses.replace(compared(">"), right=Term("a", first))
    verdict = one(part, cell("a", A))
    assert (verdict.verdict, verdict.value) == ("SUPPORTED", pytest.approx(10.0))
    assert verdict.details[0].text == "a final score > a first"


def test_alpha_sets_the_interval():
    wide = one(compared(">"), cell("a", A), cell("b", B), rules=JudgementRules(alpha=0.01))
    expected = t_interval([x - y for x, y in zip(A, B, strict=True)], 0.99)
    assert (wide.low, wide.high) == (expected.low, expected.high)
