"""Failed seeds: what they count as, and the words that they leave open."""

from __future__ import annotations

import dataclasses

import pytest
from made_cells import OUTLOOK, SCORE, Printed, Table, by_key, cell, claim, compared, experiment, sample

from svgbench.analysis.judge.answers import Judged
from svgbench.analysis.judge.verdicts import JudgementRules, Verdict, compare
from svgbench.analysis.show.answer_text import several_lines, summary_lines
from svgbench.analysis.show.verdict_text import verdict_lines
from svgbench.words.claims import BestOf, Comparison, Term
from svgbench.words.experiment import Variant

A, B = sample(10.0, 1.0, 5), sample(7.0, 1.0, 5)


def one(part, *cells, rules=None) -> Verdict:
    (verdict,) = compare(experiment((claim(part),)), {"paper": by_key(*cells)}, rules=rules or JudgementRules())
    return verdict


def test_the_default_floor_takes_in_a_random_policy_and_the_number_on_the_right():
    a = cell("a", A, diverged=(4,))
    about = {"variants": tuple(Variant(v, v, "m:make") for v in ("a", "b", "random"))}
    made = experiment((claim(compared(">")),), **about)
    for random, floor in (([-3.0, -5.0], "-4"), ([90.0, 90.0], f"{min(A[:4] + B):.4g}")):
        (verdict,) = compare(made, {"paper": by_key(a, cell("b", B), cell("random", random))})
        assert f"a seed 4 at {floor})" in verdict.reason
    assert "a seed 4 at 3)" in one(compared(">", 3.0), a).reason
    assert one(compared(">", 3.0), cell("a", [9.0] * 5, diverged=(0, 1, 2, 3))).verdict == "INCONCLUSIVE"


SIMILAR = [10.0, 10.1, 10.2, 10.3, 10.4, 10.5, 10.6, 10.7, 10.8, 10.9]


@pytest.mark.parametrize(
    ("relation", "lost", "failed", "word"),
    [
        ("~", "a", 1, "SUPPORTED"),
        ("~", "a", 2, "INCONCLUSIVE"),
        ("~", "b", 2, "INCONCLUSIVE"),
        (">~", "a", 2, "INCONCLUSIVE"),
        (">~", "b", 9, "SUPPORTED"),  # a is no worse than what is left of b
        ("<~", "b", 2, "INCONCLUSIVE"),
        ("<~", "a", 9, "SUPPORTED"),
        ("<", "a", 2, "INCONCLUSIVE"),  # "not less", refuted by seeds that collapsed
        (">", "b", 2, "INCONCLUSIVE"),
    ],
)
def test_a_collapse_is_not_like_the_worst_that_the_other_side_has(relation, lost, failed, word):
    margin = 5.0
    asked = compared(relation, margin=margin)
    cells = [cell(v, SIMILAR, diverged=tuple(range(failed)) if v == lost else ()) for v in "ab"]
    found = one(asked, *cells)
    assert found.verdict == word
    assert (found.cause == "failed") == (word == "INCONCLUSIVE")
    if word == "INCONCLUSIVE":
        assert f"{failed} of 10 seeds of {lost} failed: no floor is declared, and more than 10 %" in found.reason
        declared = one(asked, *cells, rules=JudgementRules(floors={"final score": 10.0}))
        assert declared.verdict == ("REFUTED" if relation in "<>" else "SUPPORTED")


@pytest.mark.parametrize("relation", ["~", ">~", "<~"])
def test_where_lower_is_better_the_other_side_may_not_collapse(relation):
    measure = dataclasses.replace(SCORE, higher_is_better=False)
    part = compared(relation, margin=5.0, measure=measure)
    open_ = {v: one(part, *(cell(w, SIMILAR, diverged=(0, 1) if w == v else ()) for w in "ab")).cause for v in "ab"}
    assert open_ == {"a": "" if relation == ">~" else "failed", "b": "" if relation == "<~" else "failed"}


def test_a_candidate_of_which_every_seed_failed_is_not_the_best():
    variants = tuple(Variant(v, v, "m:make") for v in "abc")
    best = Comparison(Term("a", SCORE), ">", BestOf(("b", "c"), SCORE), "number")
    cells = [cell("a", A), cell("b", B), cell("c", A, diverged=tuple(range(5)))]
    (found,) = compare(experiment((claim(best),), variants=variants), {"paper": by_key(*cells)})
    assert "c seeds 0-4 at" in found.reason
    assert found.value is not None
    assert [(lost.task, lost.variant, lost.seeds) for lost in found.failed] == [("t", "c", (0, 1, 2, 3, 4))]


@pytest.mark.parametrize(
    ("failed", "word"), [(0, "REPRODUCED"), (1, "REPRODUCED"), (2, "INCONCLUSIVE"), (10, "INCONCLUSIVE")]
)
def test_a_published_number_is_not_reproduced_by_seeds_that_collapsed(failed, word):
    """Without a random policy the published number itself may be the worst value that a failed seed counts as."""
    made = experiment(())
    numbers = Table({("A", "T"): Printed(10.0, 3.0)})
    cells = {"paper": by_key(cell("a", sample(10.0, 0.1, 10), diverged=tuple(range(failed))))}
    (found,) = compare(made, cells, numbers)
    assert found.verdict == word
    assert found.reason.startswith("failed seeds: REPRODUCED, but ") == (word == "INCONCLUSIVE")
    assert bool(found.failed) == bool(failed)
    if failed:
        declared = compare(made, cells, numbers, rules=JudgementRules(floors={"final score": 9.9}))
        assert [v.verdict for v in declared] == ["REPRODUCED"]
        assert found.as_row()["failed"] == f"a on t: seed{'s' * (failed > 1)} 0" + (
            f"-{failed - 1}" if failed > 1 else ""
        )


@pytest.mark.parametrize("diverged", [(0, 1, 2, 3, 4), (2,)])
def test_the_summary_and_the_details_name_failed_seeds_whatever_the_word(diverged):
    made = experiment((claim(compared("<")),))
    verdicts = compare(made, {"paper": by_key(cell("a", B, diverged=diverged), cell("b", A))})
    told = "seeds 0-4" if len(diverged) > 1 else "seed 2"
    judged = Judged(made, verdicts, OUTLOOK)
    for lines in (summary_lines(judged, 80), summary_lines(judged, 80, more=False)):
        assert f"seeds that failed: t, a: {told}" in lines
    assert any(line.startswith("seeds that failed: w/x t, a: ") for line in several_lines([judged] * 2, "", 80))
    details = " ".join(" ".join(verdict_lines(made, verdicts, 80)).split())
    assert f"failed seeds: a {told}" in details or f"failed seeds count (a {told} at" in details
    none = compare(made, {"paper": by_key(cell("a", A), cell("b", B))})
    assert "failed" not in " ".join(summary_lines(Judged(made, none, OUTLOOK), 80))


def test_more_of_the_same_seeds_are_not_asked_for():
    """More seeds would not make a collapse similar; the column says why it is open."""
    made = experiment((claim(compared("~", margin=5.0)),))
    verdicts = compare(made, {"paper": by_key(cell("a", SIMILAR, diverged=(0, 1)), cell("b", SIMILAR))})
    (line,) = (line for line in summary_lines(Judged(made, verdicts, OUTLOOK), 80) if line.startswith("c "))
    assert line.split() == ["c", "INCONCLUSIVE", "10", "failed", "seeds"]
