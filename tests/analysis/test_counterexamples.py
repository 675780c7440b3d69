"""A sentence about every problem falls with one counterexample, which no mean can hide."""

from __future__ import annotations

import dataclasses
import math

import pytest
from made_cells import by_key, cell, claim, compared, experiment
from scipy import stats

from svgbench.analysis.judge.counterexamples import by_cases
from svgbench.analysis.judge.discoveries import discoveries
from svgbench.analysis.judge.judgement import JudgementRules
from svgbench.analysis.judge.verdicts import Verdict, compare
from svgbench.analysis.show.verdict_text import verdict_lines

RARE = [0.0] * 9 + [0.05]


def judged(relation: str, *cells, right: float | str = 0.0, margin: float = 1e-9, every: bool = True) -> Verdict:
    part = dataclasses.replace(compared(relation, right, margin), every=every)
    (verdict,) = compare(experiment((claim(part),)), {"paper": by_key(*cells)})
    return verdict


def test_one_problem_in_one_seed_refutes_what_a_mean_leaves_open():
    found = judged("<~", cell("a", RARE))
    assert (found.verdict, found.n) == ("REFUTED", 10)
    assert "a counterexample: seed 9 of 10, the worst 0.05" in found.reason
    assert judged("<~", cell("a", RARE), every=False).verdict == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("relation", "margin", "kept", "broken", "worst"),
    [
        ("<~", 0.5, 0.5, 0.6, 0.7),
        (">~", 0.5, -0.5, -0.6, -0.7),
        ("~", 0.5, -0.5, 0.6, -0.7),
        ("<", 0.5, -0.6, -0.5, 0.7),
        (">", 0.5, 0.6, 0.5, -0.7),
    ],
)
def test_the_margin_belongs_to_what_is_allowed(relation, margin, kept, broken, worst):
    zero = dict.fromkeys(range(3), 0.0)
    assert by_cases({0: kept, 1: kept}, zero, relation, margin).word == "SUPPORTED"
    found = by_cases({0: kept, 1: broken, 2: worst}, zero, relation, margin)
    assert (found.word, found.reason) == ("REFUTED", f"counterexamples: seeds 1-2 of 3, the worst {worst}")


def test_each_seed_is_compared_with_itself():
    """The means are equal, and so would be the values in another order."""
    left, right = {0: 1.0, 1: 5.0, 2: 9.0}, {2: 9.0, 0: 1.0, 1: 5.0}
    assert judged("<~", cell("a", left), cell("b", right), right="b").verdict == "SUPPORTED"
    other = judged("<~", cell("a", left), cell("b", {0: 5.0, 1: 1.0, 2: 9.0}), right="b")
    assert other.verdict == "REFUTED"
    assert "a counterexample: seed 1 of 3, the worst 4" in other.reason


INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("left", "right", "relation", "word"),
    [
        (INF, 0.0, "<~", "REFUTED"),  # a bound that is broken without limit
        (-INF, 0.0, "<~", "SUPPORTED"),
        (-INF, 0.0, ">~", "REFUTED"),
        (0.0, -INF, "<", "REFUTED"),
        (0.0, INF, "<", "SUPPORTED"),
        (INF, 0.0, "~", "REFUTED"),
        (INF, INF, "<~", "INCONCLUSIVE"),  # no number: one case is left, which holds
        (NAN, 0.0, "<~", "INCONCLUSIVE"),
    ],
)
def test_an_infinite_violation_is_a_case_and_what_is_no_number_is_none(left, right, relation, word):
    held = {"<": -2.0, ">~": 2.0}.get(relation, 0.0)
    assert by_cases({0: left, 1: held}, {0: right, 1: 0.0}, relation, 1.0).word == word
    if word != "INCONCLUSIVE":
        found = judged(relation, cell("a", [left, held]), cell("b", [right, 0.0]), right="b", margin=1.0)
        assert (found.verdict, found.n, found.value) == (word, 2, None), "infinite cases have no mean"
        assert ("a counterexample: seed 0 of 2, the worst" in found.reason) == (word == "REFUTED")


@pytest.mark.parametrize("lost", ["diverged", "nan", "other seeds"])
@pytest.mark.parametrize("whole", ["a", "b"])
def test_without_a_case_nothing_is_decided(lost, whole):
    seeds = (0, 1, 2)
    gone = {
        "diverged": cell(whole, [0.0] * 3, diverged=seeds),
        "nan": cell(whole, [NAN] * 3),
        "other seeds": cell(whole, dict.fromkeys((7, 8, 9), 0.0)),
    }[lost]
    found = judged("<~", gone, cell("b" if whole == "a" else "a", [0.0] * 3), right="b")
    assert (found.verdict, found.n, found.value) == ("INCONCLUSIVE", 0, None)
    assert "no case is left" in found.reason
    assert (f"failed seeds are no cases ({whole} seeds 0-2)" in found.reason) == (lost != "other seeds")


def test_slack_that_varies_widely_is_no_objection():
    """A mean of slacks would be open: 30 +- 40 does not exclude 0."""
    slack = [0.0, 0.1, 90.0]
    assert judged(">~", cell("a", slack)).verdict == "SUPPORTED"
    assert judged(">~", cell("a", slack), every=False).verdict == "INCONCLUSIVE"


def test_one_seed_supports_nothing_and_refutes_what_it_breaks():
    assert judged("<~", cell("a", [0.0])).verdict == "INCONCLUSIVE"
    assert judged("<~", cell("a", [0.1])).verdict == "REFUTED"


def test_without_a_counterexample_the_share_that_is_not_excluded_is_said():
    said = by_cases(dict.fromkeys(range(10), 0.0), dict.fromkeys(range(10), 0.0), "<~", 1e-9).reason
    most = stats.binomtest(0, 10, alternative="less").proportion_ci(0.95).high
    assert said == f"no counterexample in 10 seeds, so that at most {100 * most:.0f} % of such seeds have one"


def test_a_diverged_seed_is_no_counterexample():
    done = cell("a", {0: 0.0, 1: 0.0, 2: 0.0}, seeds_done=(0, 1, 2, 3), seeds_asked=(0, 1, 2, 3), diverged=(3,))
    found = judged("<~", done)
    assert (found.verdict, found.n) == ("SUPPORTED", 3)
    assert "no counterexample in 3 seeds" in found.reason
    assert "; failed seeds are no cases (a seed 3);" in found.reason


@pytest.mark.parametrize("floors", [{}, {"return": 7.0}])
def test_where_all_seeds_but_one_diverged_one_case_is_left_whatever_a_failed_seed_counts_as(floors):
    done = cell("a", {0: 0.0}, seeds_done=(0, 1, 2), seeds_asked=(0, 1, 2), diverged=(1, 2))
    part = dataclasses.replace(compared("<~", 0.0, 1e-9), every=True)
    (found,) = compare(experiment((claim(part),)), {"paper": by_key(done)}, rules=JudgementRules(floors=floors))
    assert (found.verdict, found.value) == ("INCONCLUSIVE", 0.0)
    assert "no counterexample in 1 seed, at least 2 are needed" in found.reason


def test_a_counterexample_has_no_error_rate():
    declared = experiment((claim(dataclasses.replace(compared("<~", 0.0, 1e-9), every=True)),))
    (found,) = discoveries(declared, compare(declared, {"paper": by_key(cell("a", RARE))}))
    assert (found.p, found.stays) == (0.0, True)


def test_the_screen_names_the_seeds():
    declared = experiment((claim(dataclasses.replace(compared("<~", 0.0, 1e-9), every=True)),))
    lines = "\n".join(verdict_lines(declared, compare(declared, {"paper": by_key(cell("a", RARE))}), 80))
    assert "in every problem. number" in lines
    assert "a counterexample: seed 9 of 10, the worst 0.05" in lines
