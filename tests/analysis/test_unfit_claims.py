"""Claims that do not fit their experiment are refused."""

from __future__ import annotations

import dataclasses

import pytest
from four_tasks import VARIANTS, made
from made_cells import ERROR, SCORE, Printed, Table, claim, compared, experiment

from svgbench.analysis.judge.claim_checks import problems
from svgbench.analysis.judge.verdicts import compare
from svgbench.words.claims import BestOf, Change, OfDistance, Published, RelativeSD, Term
from svgbench.words.values import PerTask


def wrong(**changes):
    return dataclasses.replace(claim(compared(">")), **changes)


def with_part(**changes):
    return wrong(parts=(dataclasses.replace(compared(">"), **changes),))


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (wrong(tasks=("t", "x")), "claim c: no task 'x' (there are: t, u, v, w)"),
        (wrong(budgets=("long",)), "no budget 'long'"),
        (wrong(parts=()), "no part or no task"),
        (wrong(tasks=()), "no part or no task"),
        (wrong(at_least=2), "at_least is 2; expected 1 to 1"),
        (wrong(at_least=0), "at_least is 0"),
        (wrong(at_least=1, per=("step",)), "counted over tasks and judged per column"),
        (with_part(right=Term("x", SCORE)), "no variant 'x' (there are: a, b, c, d, random)"),
        (with_part(left=BestOf(("a", "x"), SCORE)), "no variant 'x'"),
        (with_part(left=Change("a", "x", SCORE)), "no variant 'x'"),
        (with_part(left=Term(PerTask({"t": "x"}), SCORE)), "no variant 'x'"),
        (with_part(left=Term(PerTask({"u": "a"}), SCORE)), "a value per task has u; expected t"),
        (with_part(right=PerTask({"t": 1.0, "u": 2.0})), "a value per task has t, u; expected t"),
        (with_part(margin=PerTask({})), "a value per task has none; expected t"),
        (with_part(margin=-1.0), "the margin of '>' is -1.0; expected a number >= 0"),
        (with_part(margin=PerTask({"t": -1.0})), "the margin of '>' is -1.0"),
        (with_part(every=True, left=BestOf(("a", "b"), SCORE)), "it is about every problem; expected a term"),
        (with_part(every=True, right=Published("B")), "it is about every problem"),
        (with_part(every=True, scale="log_ratio"), "it is about every problem"),
        (with_part(every=True, margin=OfDistance(0.1)), "it is about every problem"),
        (with_part(relation=">~"), "the margin of '>~' is 0.0; expected a number > 0"),
        (with_part(margin=OfDistance(10.0)), "a share of 10.0"),
        (with_part(margin=OfDistance(0.1), scale="log_ratio"), "expected a difference of means"),
        (with_part(margin=OfDistance(0.1), right=Change("a", "b", SCORE)), "expected a difference of means"),
        (with_part(right=Term("b", ERROR)), "one side is better when higher"),
        (with_part(left=BestOf((), SCORE)), "expected different variants, at least one"),
        (with_part(left=BestOf(("a", "a"), SCORE)), "the best of (a, a)"),
        (with_part(left=BestOf(("a", "b"), SCORE), right=BestOf(("b", "c"), SCORE)), "the two bests share a variant"),
        (with_part(left=RelativeSD("a", SCORE)), "a relative SD is compared; expected it on the left"),
        (with_part(right=RelativeSD("a", SCORE)), "a relative SD is compared"),
        (with_part(left=RelativeSD("a", SCORE), right=0.2, scale="log_ratio"), "a relative SD is compared"),
        (with_part(right=0.0, scale="log_ratio"), "a number that is not positive"),
        (with_part(right=PerTask({"t": -1.0}), scale="log_ratio"), "a number that is not positive"),
        (with_part(right=Published("B")), "expected budgets ('paper',)"),
        (
            wrong(parts=(compared(">", 1.0), dataclasses.replace(compared(">"), margin=-2.0))),
            "the margin of '>' is -2.0",
        ),
    ],
)
def test_a_claim_that_does_not_fit_is_refused(declared, said):
    with pytest.raises(ValueError, match=r"^w/x: claim c: ") as refused:
        compare(made(declared), {"paper": {}}, Table({("B", "T"): Printed(9.0, 1.0)}))
    assert said in str(refused.value)


def test_a_share_of_a_distance_needs_a_random_policy():
    part = dataclasses.replace(compared(">~"), margin=OfDistance(0.1))
    with pytest.raises(ValueError, match="no variant 'random'"):
        compare(experiment((claim(part),)), {"paper": {}})


def test_a_claim_must_be_about_variants_that_run_on_its_tasks():
    e = made(dataclasses.replace(claim(compared(">")), tasks=("t", "u")))
    somewhere = tuple(dataclasses.replace(v, tasks=("t",)) if v.id == "b" else v for v in VARIANTS)
    assert problems(e, None) == []
    (problem,) = problems(dataclasses.replace(e, variants=somewhere), None)
    assert problem.endswith("variant 'b' is not run on u")
