"""p-values of claims, and the false discovery rate over an experiment."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_cells import by_key, cell, claim, compared, experiment, sample
from scipy import stats

from svgbench.analysis.judge.claims import claim_verdicts
from svgbench.analysis.judge.discoveries import Discovery, discoveries, not_staying, p_of, p_of_part, told
from svgbench.analysis.judge.judgement import Evidence, PartResult

GOLDEN = json.loads(Path(__file__).with_name("golden_aggregates.json").read_text())
LEFT = [1.0, 2.0, 4.0, 3.5, 2.5]


def part(value, low, high, threshold=0.0, unit="difference", n=5, **about):
    return PartResult("", "INCONCLUSIVE", unit, "", n, value, low, high, threshold, **about)


def judged(*claims, left=LEFT, right=(0.0, 1.5, 1.0, 0.5, 2.0), tasks=("t",)):
    cells = [cell(v, x, t) for t in tasks for v, x in (("a", left), ("b", right))]
    made = experiment(claims)
    return made, claim_verdicts(Evidence(made, {"paper": by_key(*cells)}))


@pytest.mark.parametrize(("relation", "threshold"), [(">", 0.5), ("<", -0.5), (">~", -0.5), ("<~", 0.5)])
def test_the_p_of_paired_seeds_is_that_of_a_paired_t_test(relation, threshold):
    right = [0.0, 1.5, 1.0, 0.5, 2.0]
    one = claim(compared(relation, margin=0.5))
    made, (verdict,) = judged(one)
    expected = stats.ttest_1samp(np.subtract(LEFT, right), threshold).pvalue
    assert p_of_part(verdict.details[0], relation)[1] == pytest.approx(expected, rel=1e-9)
    assert discoveries(made, [verdict])[0].p == p_of(one, verdict)


@pytest.mark.parametrize("gap", np.linspace(-2.0, 2.0, 9))
@pytest.mark.parametrize("relation", [">", "<", "~", ">~", "<~"])
def test_the_p_is_below_five_per_cent_where_the_interval_decides(relation, gap):
    one = claim(compared(relation, margin=0.7))
    _, (verdict,) = judged(one, left=sample(gap, 0.6, 5), right=[0.0] * 5)
    assert (p_of(one, verdict) < 0.05) == (verdict.verdict != "INCONCLUSIVE")


def test_a_ratio_is_judged_by_its_logarithm():
    word, p = p_of_part(part(2.0, 1.0, 4.0, threshold=1.0, unit="ratio"), ">")
    assert (word, p) == ("SUPPORTED", pytest.approx(0.05))
    assert p_of_part(part(1.0, 0.5, 2.0, threshold=2.0, unit="ratio"), "~") == ("SUPPORTED", pytest.approx(0.05))


def test_what_has_no_interval_or_is_left_open_by_a_rule_has_p_one():
    assert p_of_part(part(1.0, -np.inf, np.inf, n=1), ">") == ("INCONCLUSIVE", 1.0)
    assert p_of_part(part(1.0, -np.inf, np.inf), ">") == ("SUPPORTED", 1.0)
    assert p_of_part(part(5.0, 4.0, 6.0, cause="budget"), ">") == ("INCONCLUSIVE", 1.0)
    assert p_of_part(part(None, None, None), ">") == ("INCONCLUSIVE", 1.0)
    assert p_of_part(part(1.0, 1.0, 1.0), ">") == ("SUPPORTED", 0.0)
    assert p_of_part(part(0.0, 0.0, 0.0), ">") == ("REFUTED", 1.0)


def test_of_several_parts_the_worst_counts_for_and_each_may_count_against():
    one = claim(compared(">"), compared(">", margin=0.1))
    _, (verdict,) = judged(one)
    single = [p_of_part(result, ">")[1] for result in verdict.details]
    assert p_of(one, verdict) == max(single)
    against = claim(compared("<"), compared("<", margin=0.1))
    _, (refuted,) = judged(against)
    assert refuted.verdict == "REFUTED"
    assert p_of(against, refuted) == pytest.approx(2 * min(p_of_part(r, "<")[1] for r in refuted.details))


def test_a_claim_over_tasks_has_the_p_of_a_partial_conjunction():
    one = replace(claim(compared(">"), tasks=("t", "u")), at_least=1)
    made, verdicts = judged(one, tasks=("t", "u"))
    (found,) = discoveries(made, verdicts)
    each = p_of(one, verdicts[0])
    assert found.verdict.task == ""
    assert found.p == pytest.approx(2 * each), "one of two tasks: twice the least p"
    both = replace(one, at_least=2)
    made, verdicts = judged(both, tasks=("t", "u"))
    assert discoveries(made, verdicts)[0].p == pytest.approx(each), "both tasks: the largest p"


def test_tasks_stand_for_themselves_where_the_claim_over_them_is_not_shown():
    """With --tasks there is no verdict over the tasks, so those that are asked for count."""
    one = replace(claim(compared(">"), tasks=("t", "u")), at_least=1)
    made, verdicts = judged(one, tasks=("t", "u"))
    named = [v for v in verdicts if v.task == "t"]
    (found,) = discoveries(made, named)
    assert found.verdict is named[0]
    assert found.p == pytest.approx(p_of(one, named[0]))


@pytest.mark.parametrize("case", GOLDEN["false_discoveries"]["cases"])
def test_the_adjusted_p_are_those_of_benjamini_and_hochberg(case):
    claims = tuple(replace(claim(compared(">")), id=f"c{i}") for i in range(len(case["p"])))
    made, verdicts = judged(*claims)
    shifted = []
    for verdict, p in zip(verdicts, case["p"], strict=True):
        half = stats.t.ppf(0.975, 4) / stats.t.ppf(1 - p / 2, 4)
        shifted.append(replace(verdict, details=(part(1.0, 1 - half, 1 + half),), verdict="SUPPORTED"))
    found = discoveries(made, shifted)
    assert [one.p for one in found] == pytest.approx(case["p"], rel=1e-9)
    assert [one.adjusted for one in found] == pytest.approx(case["adjusted"], rel=1e-9)
    m, ranks = len(found), np.argsort(np.argsort(case["p"]))
    assert all(one.adjusted <= m * one.p / (rank + 1) + 1e-12 for one, rank in zip(found, ranks, strict=True))


def test_the_sentence_counts_what_stays():
    _, (found,) = judged(claim(compared(">")))
    verdict = replace(found, verdict="SUPPORTED")
    yes, no = Discovery(verdict, 0.001, 0.01), Discovery(replace(verdict, claim="d"), 0.04, 0.06)
    open_ = Discovery(replace(verdict, verdict="INCONCLUSIVE"), 0.3, 0.3)
    over = "At a false discovery rate of 5 % over its"
    assert told([yes, open_]) == f"{over} 2 verdicts (Benjamini-Hochberg) the 1 decided stays."
    assert told([yes, yes]) == f"{over} 2 verdicts (Benjamini-Hochberg) all 2 decided stay."
    assert told([yes, no]) == f"{over} 2 verdicts (Benjamini-Hochberg) 1 of 2 decided stay, not all of d."
    assert told([open_]) == ""


def test_what_does_not_stay_is_named_with_its_place():
    _, (found,) = judged(claim(compared(">")))
    yes = Discovery(replace(found, verdict="SUPPORTED"), 0.001, 0.01)
    no = Discovery(replace(yes.verdict, claim="d", task="t", setting="H=5"), 0.04, 0.0612)
    undecided = Discovery(replace(found, verdict="INCONCLUSIVE"), 0.3, 0.3)
    assert not_staying([yes, no, undecided]) == ["does not stay: d t H=5, SUPPORTED (p = 0.04, adjusted 0.061)"]
