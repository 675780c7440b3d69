"""Absolute levels: verdicts at smaller budgets, and for levels that no run has reached."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from made_cells import ERROR, SCORE, Printed, Table, by_key, cell, claim, compared, experiment, sample

from svgbench import reproduce
from svgbench.analysis.judge.absolute import level_of
from svgbench.analysis.judge.judgement import CAUSES
from svgbench.analysis.judge.verdicts import compare
from svgbench.analysis.show.verdict_text import verdict_lines
from svgbench.words.claims import BestOf, Change, Comparison, OfDistance, Published, Reached, RelativeSD, Term
from svgbench.words.experiment import TaskSpec, Variant
from svgbench.words.values import PerTask

S, R, U, M = "SUPPORTED", "REFUTED", "INCONCLUSIVE", "INCOMPLETE"
TASKS = tuple(TaskSpec(t, "m:make", f"task {t}", published=t.upper()) for t in "tuvw")
VARIANTS = tuple(Variant(v, v, "m:make") for v in ("a", "b", "c", "random"))
LOW, HIGH = sample(5.0, 0.1, 5), sample(15.0, 0.1, 5)
WIDE = sample(10.0, 6.0, 5)


def made(*claims, **about):
    return experiment(claims, tasks=TASKS, variants=VARIANTS, **about)


def reached(value, task="t", measure=SCORE):
    return Reached(task, measure, value, by="a policy by hand", command="python by_hand.py")


def judge(part, *cells, budget="short", shown=(20.0,), **about):
    measure = part.left.measure
    e = made(claim(part), reached=tuple(reached(x, measure=measure) for x in shown), **about)
    (verdict,) = compare(e, {budget: by_key(*cells)})
    return verdict


def found(verdict):
    return verdict.verdict, verdict.cause


# ---- what is about a level


@pytest.mark.parametrize(
    ("part", "relation"),
    [
        (compared(">", 10.0), ">"),
        (compared("<", 10.0), "<"),
        (compared(">", 10.0, measure=ERROR), "<"),  # more error is to miss it
        (compared("<~", 10.0, margin=1.0, measure=ERROR), ">~"),
        (compared("~", 10.0, margin=1.0), "~"),
        (compared(">", 10.0, scale="log_ratio"), ">"),
        (Comparison(Term("a", SCORE), ">", PerTask({"t": 10.0}), "x"), ">"),
        (Comparison(BestOf(("a", "b"), SCORE), ">", 10.0, "x"), ">"),
        (Comparison(Term(PerTask({"t": "a"}), SCORE), ">", 10.0, "x"), ">"),
        (Comparison(Term("a", SCORE), ">", Term("random", SCORE), "x"), ">"),
        (Comparison(Term("random", SCORE), "<", Term("a", SCORE), "x"), ">"),  # the same from the other side
        (Comparison(Term("random", SCORE), "<", Term("a", ERROR), "x"), "<"),
        (Comparison(Change("random", "a", SCORE), ">", 10.0, "x"), ">"),
        (Comparison(Change("a", "random", SCORE), "<", -10.0, "x"), ">"),
        (compared(">", "b"), None),
        (compared(">", "b", margin=10.0), None),
        (Comparison(Term("a", SCORE), ">", BestOf(("b", "random"), SCORE), "x"), None),
        (Comparison(Change("a", "b", SCORE), ">", -1.0, "x"), None),  # what a change in the method does
        (Comparison(Change("a", "b", SCORE), ">", Change("a", "c", SCORE), "x"), None),
        (Comparison(Change("random", "a", SCORE), ">", Term("b", SCORE), "x"), None),
        (Comparison(RelativeSD("a", SCORE), "<", 0.25, "x"), None),
        (Comparison(RelativeSD("a", SCORE, of_gain=True), "<", 0.25, "x"), None),
        (Comparison(Term("a", SCORE), ">", Published("B"), "x"), None),
        (Comparison(Term("random", SCORE), ">", 10.0, "x"), None),  # nothing learns
        (dataclasses.replace(compared(">", 10.0), no_level="a correlation"), None),
    ],
)
def test_which_claims_are_about_a_level(part, relation):
    level = level_of(part, "t")
    assert (None if level is None else level.relation) == relation


# ---- the two rules

CASES = [
    # relation and margin; where the values are; the word at paper; whether it says "not reached"
    (">", 0.0, HIGH, S, False),
    (">", 0.0, LOW, R, True),
    ("<", 0.0, HIGH, R, False),
    ("<", 0.0, LOW, S, True),
    (">~", 1.0, HIGH, S, False),
    (">~", 1.0, LOW, R, True),
    ("<~", 1.0, HIGH, R, False),
    ("<~", 1.0, LOW, S, True),
    ("~", 1.0, sample(10.0, 0.1, 5), S, True),  # not above it
    ("~", 1.0, LOW, R, True),
    ("~", 1.0, HIGH, R, False),
    (">", 0.0, WIDE, U, None),
    ("<", 0.0, WIDE, U, None),
]


@pytest.mark.parametrize(
    ("relation", "margin", "values", "word", "missed", "scale", "lower"),
    [
        (*case, scale, lower)
        for case in CASES
        for scale, lower in itertools.product(("difference", "log_ratio"), (False, True))
        if scale == "log_ratio" or not (lower and case[1])  # a difference's margin does not turn with the values
    ],
)
def test_a_level_that_is_not_reached_says_nothing_below_the_paper(relation, margin, values, word, missed, scale, lower):
    """It is decided at the paper's budget. Where lower is better, the same holds with 100 divided by each value."""
    if scale == "log_ratio":
        margin /= 10
    if lower:
        values, turned = [100 / x for x in values], {"<": ">", ">": "<", "<~": ">~", ">~": "<~", "~": "~"}
        relation = turned[relation]
    part = compared(relation, 10.0, margin, scale, ERROR if lower else SCORE)
    shown = (100 / 20.0,) if lower else (20.0,)
    paper = judge(part, cell("a", values), budget="paper", shown=shown)
    assert found(paper) == (word, "")
    for budget in ("short", "smoke"):
        small = judge(part, cell("a", values), budget=budget, shown=shown)
        assert found(small) == ((U, "budget") if missed else (word, ""))
        assert (small.value, small.low, small.high, small.n) == (paper.value, paper.low, paper.high, 5)
        if missed:
            assert small.words == "INCONCLUSIVE (budget)"
            assert f"budget: {budget} is less than the paper spent" in small.reason


@pytest.mark.parametrize(("relation", "margin", "values", "word", "missed"), CASES)
@pytest.mark.parametrize("budget", ["paper", "short"])
def test_a_level_that_no_run_has_reached_cannot_be_missed(relation, margin, values, word, missed, budget):
    """At every budget, whatever else is open. Any run that reaches the level shows that it can be reached."""
    part = compared(relation, 30.0, margin)
    verdict = judge(part, cell("a", [x + 20 for x in values]), budget=budget, shown=())
    alone = found(verdict)
    shown = any(x + 20 > 30 for x in values)
    if missed and not shown:
        assert alone == (U, "threshold")
        assert verdict.words == "INCONCLUSIVE (threshold not shown to be reachable)"
        assert "threshold not shown to be reachable: the nearest came to" in verdict.reason
    else:
        assert alone == ((U, "budget") if missed and budget != "paper" else (word, ""))


def test_the_nearest_is_named():
    verdict = judge(compared(">", 10.0), cell("a", LOW), cell("b", sample(9.0, 0.1, 5)), shown=(7.0,))
    assert found(verdict) == (U, "threshold")
    assert verdict.reason.endswith("the nearest came to 9.131 (b, seed 4, budget short)")
    declared = judge(compared(">", 10.0), cell("a", LOW), shown=(9.5,))
    assert declared.reason.endswith("the nearest came to 9.5 (a policy by hand)")


@pytest.mark.parametrize(
    ("value", "relation", "margin", "reachable"),
    [
        (12.0, ">", 1.0, True),
        (10.9, ">", 1.0, False),
        (9.1, ">~", 1.0, True),
        (8.9, ">~", 1.0, False),
        (9.1, "<", 1.0, True),  # to be below 9
        (8.9, "<", 1.0, False),
        (11.1, "<~", 1.0, True),  # not to be above 11
        (10.9, "<~", 1.0, False),
        (9.1, "~", 1.0, True),
        (8.9, "~", 1.0, False),
    ],
)
def test_a_margin_moves_the_level_that_must_be_reached(value, relation, margin, reachable):
    verdict = judge(compared(relation, 10.0, margin), cell("a", LOW), budget="paper", shown=(value,))
    assert (verdict.cause == "threshold") == (not reachable)


def test_what_shows_that_a_level_can_be_reached():
    """Any run of the task at this budget or a larger one, whatever the variant; none of a smaller or another task."""
    part = compared(">", 10.0)
    low = cell("a", LOW)
    one = cell("b", [1.0, 1.0, 12.0, 1.0, 1.0])

    def cause(budget, **others):
        cells = {budget: [low], **{name: [c] for name, c in others.items()}}
        if budget in others:
            cells[budget] = [low, others[budget]]
        e = made(claim(part))
        return compare(e, {name: by_key(*group) for name, group in cells.items()})[0].cause

    assert cause("short") == "threshold"
    assert cause("short", short=one) == "budget"
    assert cause("short", paper=one) == "budget"
    assert cause("short", smoke=one) == "threshold"
    assert cause("paper", paper=one) == ""
    assert cause("short", short=dataclasses.replace(one, task="u")) == "threshold"
    assert cause("short", short=cell("mine", [11.0], imported=True)) == "budget"
    assert cause("short", short=dataclasses.replace(one, diverged=(2,))) == "threshold"


def test_evidence_is_of_the_same_measure_and_task():
    part = compared(">", 10.0)
    another = dataclasses.replace(SCORE, reduce="max")
    for shown, cause in (
        (reached(12.0), "budget"),
        (reached(12.0, measure=dataclasses.replace(SCORE, label="in other words")), "budget"),
        (reached(12.0, measure=another), "threshold"),
        (reached(12.0, task="u"), "threshold"),
        (reached(9.0), "threshold"),
    ):
        e = made(claim(part), reached=(shown,))
        assert compare(e, {"short": by_key(cell("a", LOW))})[0].cause == cause


def test_a_random_policy_counts_as_a_level_at_its_mean():
    """It does not learn. Not being above it at a small budget shows nothing; being above it reaches the level."""
    part = Comparison(Term("a", SCORE), ">", Term("random", SCORE), "learns: above an untrained policy")
    random, below, above = cell("random", LOW), cell("a", [x - 3 for x in LOW]), cell("a", HIGH)
    assert found(judge(part, below, random, budget="paper", shown=(9.0,))) == (R, "")
    assert found(judge(part, below, random, shown=(9.0,))) == (U, "budget")
    assert found(judge(part, above, random, shown=())) == (S, "")
    further = dataclasses.replace(part, margin=8.0)  # 13
    assert found(judge(further, below, random, budget="paper", shown=(12.0,))) == (U, "threshold")
    assert found(judge(further, below, random, budget="paper", shown=(14.0,))) == (R, "")
    turned = Comparison(Term("random", SCORE), "<", Term("a", SCORE), "the same")
    assert found(judge(turned, below, random, shown=(9.0,))) == (U, "budget")
    gain = Comparison(Change("random", "a", SCORE), ">", 8.0, "gains")
    assert found(judge(gain, below, random, shown=(14.0,))) == (U, "budget")
    assert found(judge(gain, below, random, shown=(12.0,))) == (U, "threshold")


def test_relations_spreads_and_printed_numbers_are_judged_as_before():
    a, b = cell("a", LOW), cell("b", HIGH)
    assert found(judge(compared(">"), a, b, shown=())) == (R, "")
    assert found(judge(compared("<"), a, b, shown=())) == (S, "")
    spread = Comparison(RelativeSD("a", SCORE), "<", 0.25, "similar")
    assert found(judge(spread, cell("a", sample(1.0, 3.0, 8)), shown=())) == (R, "")
    ratio = dataclasses.replace(compared(">", 10.0), no_level="a share of steps")
    assert found(judge(ratio, a, shown=())) == (R, "")
    printed = Comparison(Term("a", SCORE), ">", Published("B"), "above the printed mean")
    e = made(dataclasses.replace(claim(printed), budgets=("paper",)))
    table = Table({("B", "T"): Printed(8.0, 1.0)})
    assert found(compare(e, {"paper": by_key(a)}, table)[0]) == (R, "")


def test_a_reason_for_failed_seeds_keeps_the_rules_too():
    verdict = judge(compared(">", 10.0), cell("a", [*LOW, 9.0], diverged=(5,)))
    assert found(verdict) == (U, "budget")
    assert "without them INCONCLUSIVE (budget)" in verdict.reason


# ---- claims of several parts, and over tasks

REACHES, MISSES = compared(">", 10.0), compared(">", 12.0)
ORDER_FAILS, ORDER_OPEN = compared("<", "b"), compared(">", "c")


def test_parts_that_are_decided_otherwise_decide_and_budget_parts_leave_it_open():
    cells = [cell("a", sample(11.0, 0.1, 5)), cell("b", LOW), cell("c", sample(11.0, 3.0, 5))]
    e = made(reached=(reached(20.0),))

    def parts(*these):
        whole = dataclasses.replace(e, claims=(claim(*these),))
        return compare(whole, {"short": by_key(*cells)})[0]

    assert found(parts(MISSES, ORDER_FAILS)) == (R, "")
    assert found(parts(MISSES)) == found(parts(MISSES, MISSES)) == found(parts(REACHES, MISSES)) == (U, "budget")
    both = parts(ORDER_OPEN, MISSES)  # no more seeds would help
    assert found(both) == (U, "budget")
    assert both.reason.startswith("a final score > 12")
    assert found(parts(ORDER_OPEN, REACHES)) == (U, "")
    unknown = compared(">", 30.0)
    assert found(parts(MISSES, unknown)) == found(parts(unknown, MISSES)) == (U, "threshold")
    assert found(parts(unknown, ORDER_FAILS)) == (R, "")


def level_on(task, word):
    """A cell for which "a > 10" has that word at the budget short, where 20 is reached on every task but w."""
    values = {S: HIGH, "budget": LOW, U: WIDE, "threshold": LOW}
    return [] if word == M else [cell("a", values[word], task)]


@pytest.mark.parametrize(
    ("at_least", "words", "expected"),
    [
        (4, (S, "budget", S, S), (U, "budget")),
        (4, (S, "budget", S, "threshold"), (U, "threshold")),
        (3, (S, S, U, "budget"), (U, "")),  # more seeds could make it three
        (4, (S, S, U, "budget"), (U, "budget")),
        (4, (S, S, U, S), (U, "")),
        (2, (S, S, "budget", "threshold"), (S, "")),
        (4, ("budget",) * 4, (U, "budget")),
    ],
)
def test_a_claim_over_tasks_names_what_keeps_it_open(at_least, words, expected):
    part = dataclasses.replace(claim(compared(">", 10.0)), tasks=None, at_least=at_least)
    shown = tuple(reached(20.0, task=t) for t, word in zip("tuvw", words, strict=True) if word != "threshold")
    cells = by_key(*(c for task, word in zip("tuvw", words, strict=True) for c in level_on(task, word)))
    e = made(part, reached=shown)
    *tasks, over = compare(e, {"short": cells})
    assert found(over) == expected
    assert [v.cause or v.verdict for v in tasks] == list(words)
    listed = {v.words for v in tasks}
    assert all(f"{words} task" in over.reason for words in listed)
    row = over.as_row()
    assert (row["verdict"], row["cause"]) == expected


def test_the_claim_is_read_with_its_cause():
    part = dataclasses.replace(claim(compared(">", 10.0)), tasks=("t", "u"), at_least=2)
    e = made(part, reached=(reached(20.0, "t"), reached(20.0, "u")))
    cells = by_key(cell("a", LOW, "t"), cell("a", HIGH, "u"))
    text = " ".join(" ".join(verdict_lines(e, compare(e, {"short": cells}), 80)).split())
    assert "budget short: INCONCLUSIVE (budget). SUPPORTED on 1 of 2 tasks" in text


def test_causes_are_asked_in_the_order_that_the_docs_give():
    assert list(CAUSES) == ["premise", "threshold", "budget", "failed", "seeds", "coverage"]


# ---- every claim of the registry

LEVELS = [
    (e, c, part, task)
    for e in reproduce.experiments().values()
    for c in e.claims
    for part in c.parts
    for task in e.tasks_of(c)
    if level_of(part, task) is not None
]
NOT_SHOWN = {  # what the README of each work says of them
    ("trpo/fig4", "trpo/walker", "reward_per_step", 1.25),
    ("sac-svg/fig2", "mbpo/humanoid", "eval_return", 6000.0),
    ("maac/fig2", "poplin/cheetah", "eval_return", 9630.0),
    ("maac/fig2", "poplin/ant", "eval_return", 2754.0),
}


def test_no_claim_that_compares_with_a_number_escapes():
    """Each is about a level, a spread or a printed number, or says why not. A relation's only number is its margin."""
    for e in reproduce.experiments().values():
        for c in e.claims:
            for part, task in itertools.product(c.parts, e.tasks_of(c)):
                with_number = isinstance(part.right, int | float | PerTask)
                if with_number and not isinstance(part.left, RelativeSD | Change):
                    assert (level_of(part, task) is not None) != bool(part.no_level), (e.id, c.id)
                if not with_number:
                    random = Term("random", part.left.measure) in (part.left, part.right)
                    assert (level_of(part, task) is not None) == random, (e.id, c.id)


def test_every_level_of_the_registry_is_reached_by_what_is_declared_or_is_known_not_to_be():
    unreached = set()
    for e, _, part, task in LEVELS:
        if isinstance(part.right, Term):
            continue
        level, number = level_of(part, task), part.right
        number = number.values[task] if isinstance(number, PerTask) else number
        assert not isinstance(part.margin, OfDistance)
        shown = [x.value for x in e.reached if x.shows(task, level.side.measure)]
        if not any(level.sign * (value - number) > 0 for value in shown):
            unreached.add((e.id, task, level.side.measure.column, number))
    assert unreached == NOT_SHOWN
