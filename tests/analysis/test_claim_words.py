"""Claims over tasks and claims in the richer words, from made cells to verdicts."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from made_cells import ERROR, SCORE, Printed, Table, by_key, cell, claim, compared, experiment, sample
from scipy import stats

from svgbench.analysis.judge.claim_checks import problems
from svgbench.analysis.judge.claims import count_tasks
from svgbench.analysis.judge.comparisons import relation_holds
from svgbench.analysis.judge.effects import effect_interval
from svgbench.analysis.judge.statistics import t_interval
from svgbench.analysis.judge.verdicts import compare
from svgbench.analysis.show.verdict_text import verdict_lines
from svgbench.analysis.show.wording import words_of
from svgbench.commands import judging
from svgbench.words.experiment import (
    BestOf,
    Change,
    Comparison,
    Measure,
    OfDistance,
    PerTask,
    Published,
    RelativeSD,
    TaskSpec,
    Term,
    Variant,
)

HIGH, LOW, WIDE = sample(10.0, 1.0, 5), sample(7.0, 1.0, 5), sample(7.1, 9.0, 5)
TASKS = tuple(TaskSpec(t, "m:make", f"task {t}", published=t.upper()) for t in "tuvw")
VARIANTS = tuple(Variant(v, v, "m:make", published=v.upper()) for v in ("a", "b", "c", "d", "random"))


def made(*claims, **about):
    return experiment(claims, tasks=TASKS, variants=VARIANTS, **about)


def over_tasks(at_least, *parts, **about):
    return dataclasses.replace(claim(*(parts or (compared(">"),)), tasks=None), at_least=at_least, **about)


def on(task, word):
    """Cells on which "a > b" has that verdict; none for INCOMPLETE."""
    a = {"SUPPORTED": HIGH, "REFUTED": [x - 6 for x in HIGH], "INCONCLUSIVE": WIDE}
    return [] if word == "INCOMPLETE" else [cell("a", a[word], task), cell("b", LOW, task)]


def cells_of(*words):
    return by_key(*(c for task, word in zip("tuvw", words, strict=True) for c in on(task, word)))


S, R, U, M = "SUPPORTED", "REFUTED", "INCONCLUSIVE", "INCOMPLETE"


@pytest.mark.parametrize(
    ("at_least", "words", "verdict"),
    [
        (3, (S, S, S, R), S),
        (3, (S, S, S, M), S),
        (3, (R, R, U, U), R),
        (3, (R, R, M, S), R),
        (3, (S, S, U, U), U),
        (3, (S, S, U, R), U),
        (3, (S, S, U, M), M),  # the missing one could make three
        (3, (S, U, R, M), M),  # and here two refuted
        (3, (S, U, U, M), U),  # here it can do neither
        (4, (S, S, S, U), U),
        (4, (S, S, S, R), R),
        (4, (S, S, S, S), S),
        (1, (R, R, R, R), R),
        (1, (R, R, R, U), U),
        (1, (R, R, R, M), M),
        (2, (M, M, M, M), M),
    ],
)
def test_a_counted_claim_has_a_verdict_beside_its_tasks(at_least, words, verdict):
    *tasks, over = compare(made(over_tasks(at_least)), {"paper": cells_of(*words)})
    assert [v.verdict for v in tasks] == list(words)
    assert [v.task for v in tasks] == list("tuvw")
    assert (over.verdict, over.task, over.kind, over.budget) == (verdict, "", "claim", "paper")
    assert (over.value, over.n, over.unit) == (words.count(S), 4 - words.count(M), "tasks")
    assert (over.id, over.part_of) == ("w/x:c", "")
    assert {v.part_of for v in tasks} == {"w/x:c"}
    assert [v.id for v in tasks] == [f"w/x:c:{t}" for t in "tuvw"]
    assert over.reason.startswith(f"SUPPORTED on {words.count(S)} of 4 tasks, needs {at_least}: {words[0]} task t")
    assert json.dumps(over.as_row(), allow_nan=False)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_counting_agrees_with_every_way_in_which_the_missing_could_come_out(m):
    """INCOMPLETE exactly where completions exist that are SUPPORTED or REFUTED, beside others; else what all say."""

    def settled(words, k):
        true, false = words.count(S), words.count(R)
        return S if true >= k else R if m - false < k else U

    for words in itertools.product((S, R, U, M), repeat=m):
        for k in range(1, m + 1):
            options = [(S, R, U) if word == M else (word,) for word in words]
            outcomes = {settled(done, k) for done in itertools.product(*options)}
            assert count_tasks(words, k) == (outcomes.pop() if len(outcomes) == 1 else M)


@pytest.mark.parametrize(
    ("certain", "ties", "at_least", "word", "bound"),
    [
        ((S,) * 3, 3, 4, S, 3 * 0.025),  # one true task too few: any of three ties can make the fourth
        ((R,) * 2, 4, 4, R, 4 * 0.025),  # one refuted task too few: any of four ties can make the third
        ((S,) * 5, 1, 6, S, 0.025),  # all six asked: the one tie has to fail
    ],
)
def test_a_counted_claim_errs_no_oftener_than_the_docs_say(certain, ties, at_least, word, bound):
    """On tasks that are ties a claim of "above" is wrongly SUPPORTED, or wrongly REFUTED, in one case of forty."""
    rng, repetitions, n = np.random.default_rng(7), 3000, 5
    x = rng.normal(0, 1, (repetitions, ties, n))
    mean, half = x.mean(-1), x.std(-1, ddof=1) / math.sqrt(n) * stats.t.ppf(0.975, n - 1)
    words = np.where(mean - half > 0, S, np.where(mean + half <= 0, R, U)).tolist()
    wrong = sum(count_tasks((*certain, *row), at_least) == word for row in words) / repetitions
    assert 0.75 * bound < wrong <= bound + 2 * math.sqrt(bound / repetitions)


def test_a_counted_claim_is_judged_at_one_budget():
    """Its tasks stand at the largest budget of each; the count at the largest at which all of them decide it."""
    short = cells_of(S, S, R, R)
    by_budget = {"paper": cells_of(R, M, M, M), "short": short, "smoke": cells_of(S, S, S, S)}
    *tasks, over = compare(made(over_tasks(2)), by_budget)
    assert [(v.budget, v.verdict) for v in tasks] == [("paper", R), ("short", S), ("short", R), ("short", R)]
    assert (over.budget, over.verdict) == ("short", S)
    assert over.reason == "SUPPORTED on 2 of 4 tasks, needs 2: SUPPORTED task t, task u; REFUTED task v, task w"
    enough = {**by_budget, "paper": cells_of(S, S, M, M)}
    assert [(v.budget, v.verdict) for v in compare(made(over_tasks(2)), enough)][-1] == ("paper", S)
    nowhere = {"paper": {}, "short": cells_of(S, M, M, M), "smoke": cells_of(M, M, S, M)}
    assert [(v.budget, v.verdict) for v in compare(made(over_tasks(2)), nowhere)][-1] == ("short", M)
    nothing = compare(made(over_tasks(2)), {"short": {}})[-1]
    assert (nothing.budget, nothing.verdict, nothing.n) == ("short", M, 0)
    only = over_tasks(2, budgets=("paper",))
    *rest, over = compare(made(only), {"short": short})
    assert {(v.verdict, v.budget) for v in (*rest, over)} == {(M, "paper")}


def test_a_claim_about_some_tasks_counts_those():
    *tasks, over = compare(made(over_tasks(2, tasks=("t", "w"))), {"paper": cells_of(S, R, R, S)})
    assert [v.task for v in tasks] == ["t", "w"]
    assert (over.verdict, over.value) == (S, 2)


def lines_of(e, verdicts, width=80):
    lines = verdict_lines(e, verdicts, width)
    assert all(len(line) <= width for line in lines)
    return lines


def test_a_counted_claim_reads_in_80_columns():
    e = made(over_tasks(3))
    short = compare(e, {"paper": cells_of(S, S, M, M), "short": cells_of(M, M, U, M)})
    lines = lines_of(e, short)
    text = " ".join(" ".join(lines).split())
    assert (
        "over its tasks, budget paper: INCOMPLETE. SUPPORTED on 2 of 4 tasks, needs 3: SUPPORTED task t, task" in text
    )
    rows = {line.split("  ")[0]: line.split() for line in lines if line.startswith("task ")}
    assert rows["task t"][2:4] == ["SUPPORTED", "paper"]
    assert rows["task v"][2:4] == ["INCONCLUSIVE", "short"]
    assert "task w: a lacks seeds 0-4; b lacks seeds 0-4" in lines
    lines_of(e, short, 44)


def test_strict_looks_at_the_claim_and_not_at_its_tasks(monkeypatch, capsys):
    """ "Usually" may fail on a task; `--json` has both as flat rows."""
    e = made(over_tasks(3))

    def run(*words, named=("t", "u", "v", "w", ""), **options):
        verdicts = [v for v in compare(e, {"paper": cells_of(*words)}) if v.task in named]
        one = SimpleNamespace(experiment=e, verdicts=verdicts, rows=lambda: [v.as_row() for v in verdicts])
        study = SimpleNamespace(experiment=e, judge=lambda *_, **__: (one, ()))
        monkeypatch.setattr(judging, "studies_of", lambda *_: [study])
        judging.compare("w/x", as_json=True, **options)

    run(S, S, S, R, strict=True)
    with pytest.raises(typer.Exit) as refuted:
        run(S, S, R, R, strict=True)
    assert refuted.value.exit_code == 3
    with pytest.raises(typer.Exit) as unfinished:
        run(S, S, R, M, strict=True)
    assert unfinished.value.exit_code == 4
    with pytest.raises(typer.Exit) as asked_about_one:
        run(S, S, S, R, strict=True, named=("w",))
    assert asked_about_one.value.exit_code == 3
    capsys.readouterr()
    run(S, S, S, R)
    rows = json.loads(capsys.readouterr().out)
    assert [(r["id"], r["verdict"], r["part_of"]) for r in rows] == [
        *((f"w/x:c:{t}", word, "w/x:c") for t, word in zip("tuvw", (S, S, S, R), strict=True)),
        ("w/x:c", S, ""),
    ]
    assert len({tuple(r) for r in rows}) == 1


# ---- values per task


def test_variants_and_levels_may_differ_between_tasks():
    part = Comparison(
        Term(PerTask({"t": "a", "u": "c"}), SCORE), ">", PerTask({"t": 8.0, "u": 12.0}), "solved: above these"
    )
    cells = by_key(cell("a", HIGH, "t"), cell("c", HIGH, "u"), cell("a", LOW, "u"))
    e = made(dataclasses.replace(claim(part), tasks=("t", "u")))
    t, u = compare(e, {"paper": cells})
    assert (t.verdict, t.variant, t.value) == (S, "a", pytest.approx(2.0))
    assert (u.verdict, u.cause, u.variant, u.value) == (U, "threshold", "c", pytest.approx(-2.0))
    assert t.details[0].text == "a final score > 8"
    words = " ".join(" ".join(lines_of(e, [t, u])).split())
    assert "a (t) or c (u): last score at step=last > 8 (t) or 12 (u). solved: above these" in words


def test_a_task_lacks_the_cells_of_its_own_variant():
    part = Comparison(Term(PerTask({"t": "a", "u": "c"}), SCORE), ">", Term("b", SCORE), "x")
    e = made(dataclasses.replace(claim(part), tasks=("t", "u"), at_least=2))
    t, u, over = compare(e, {"paper": by_key(cell("a", HIGH, "t"), cell("b", LOW, "t"), cell("a", HIGH, "u"))})
    assert (t.verdict, u.verdict, over.verdict) == (S, M, M)
    assert u.reason == "c lacks seeds 0-4; b lacks seeds 0-4"
    assert over.variant == "a, b, c"


def test_a_margin_may_differ_between_tasks():
    part = dataclasses.replace(compared("~"), margin=PerTask({"t": 5.0, "u": 1.0}))
    e = made(dataclasses.replace(claim(part), tasks=("t", "u")))
    t, u = compare(e, {"paper": by_key(*(cell(v, x, task) for v, x in (("a", HIGH), ("b", LOW)) for task in "tu"))})
    assert [(v.verdict, v.margin) for v in (t, u)] == [(S, 5.0), (R, 1.0)]


def test_a_printed_mean_can_be_the_right_side():
    part = Comparison(Term("a", SCORE), ">", Published("B"), "above B's printed mean")
    e = made(dataclasses.replace(claim(part), tasks=("t", "u"), budgets=("paper",)))
    table = Table({("B", "T"): Printed(8.0, 1.0), ("B", "U"): Printed(12.0, 1.0)})
    cells = by_key(cell("a", HIGH, "t"), cell("a", HIGH, "u"))
    t, u = (v for v in compare(e, {"paper": cells}, table) if v.kind == "claim")
    assert [(v.verdict, v.published, v.value) for v in (t, u)] == [
        (S, 8.0, pytest.approx(2.0)),
        (R, 12.0, pytest.approx(-2.0)),
    ]
    assert t.reason.startswith("a final score > B 8: difference 2 [")
    assert "last score at step=last > B as printed" in " ".join(" ".join(lines_of(e, [t, u])).split())
    with pytest.raises(ValueError, match="no number is printed in row 'B' for t"):
        compare(e, {"paper": cells})


# ---- relations and margins


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=6),
    st.integers(1, 12),
    st.integers(-100, 100),
)
def test_laws_of_not_worse_than(xy, margin, constant):
    """Both ways is "~"; the mirror image; above implies not below; a constant on both sides changes nothing."""
    a, b = (np.array(x, dtype=float) for x in zip(*xy, strict=True))

    def word(relation, left=a, right=b, m=float(margin)):
        effect = effect_interval([(dict(enumerate(left)),)], [(dict(enumerate(right)),)], "difference", True, 0.95)
        return relation_holds(effect.interval, relation, m)

    not_below, not_above = word(">~"), word("<~")
    assert (word("~") == S) == (not_below == not_above == S)
    assert (word("~") == R) == (R in (not_below, not_above))
    assert word("<~", b, a) == not_below
    assert word(">", m=0.0) != S or not_below == S
    assert not_below == {S: R, R: S, U: U}[word("<")]  # its exact contrary: to be below by more than the margin
    for relation in (">~", "<~", "~", "<"):
        assert word(relation, a + constant, b + constant) == word(relation)


def test_a_margin_can_be_a_share_of_the_distance_from_a_random_policy():
    """From -3 (random) to 7: a tenth is 1, so 6.4 +- 0.1 is not worse, and 5.5 is."""
    part = dataclasses.replace(compared(">~"), margin=OfDistance(0.1))
    e = made(claim(part))
    b, random = cell("b", sample(7.0, 0.1, 5)), cell("random", sample(-3.0, 2.0, 5))
    close = compare(e, {"paper": by_key(cell("a", sample(6.4, 0.1, 5)), b, random)})[0]
    assert (close.verdict, close.margin) == (S, pytest.approx(1.0))
    assert close.details[0].threshold == pytest.approx(-1.0)
    assert "needs >= -1; the margin is 10 % of the distance from -3 (random) to 7" in close.reason
    assert close.variant == "a, b, random"
    assert compare(e, {"paper": by_key(cell("a", sample(5.5, 0.1, 5)), b, random)})[0].verdict == R
    without = compare(e, {"paper": by_key(cell("a", sample(6.4, 0.1, 5)), b)})[0]
    assert (without.verdict, without.reason) == (M, "random lacks seeds 0-4")
    elsewhere = dataclasses.replace(random, frame=random.frame.iloc[:0])
    empty = compare(e, {"paper": by_key(cell("a", HIGH), b, elsewhere)})[0]
    assert (empty.verdict, empty.n, empty.reason) == (M, 0, "random has no row of final score at all")
    lower = dataclasses.replace(part, left=Term("a", ERROR), relation="<~", right=BestOf(("b", "c"), ERROR))
    cells = by_key(cell("a", LOW), cell("b", sample(1.0, 0.1, 5)), cell("c", HIGH), random)
    assert compare(made(claim(lower)), {"paper": cells})[0].margin == pytest.approx(0.4)  # from -3 to the best, 1


def test_the_distance_is_that_of_the_setting():
    """Per step, random is at 0 and then at -13: the tenth is 0.7 at step 1 and 2.0 at step 2."""
    part = dataclasses.replace(compared(">~", measure=Measure("score", "score")), margin=OfDistance(0.1))
    cells = []
    for variant, levels in (("a", (7.0, 7.0)), ("b", (7.0, 7.0)), ("random", (0.0, -13.0))):
        rows = [(seed, step, levels[step - 1]) for seed in range(5) for step in (1, 2)]
        frame = pd.DataFrame(rows, columns=["seed", "step", "score"])
        cells.append(dataclasses.replace(cell(variant, HIGH), frame=frame))
    found = compare(made(dataclasses.replace(claim(part), per=("step",))), {"paper": by_key(*cells)})
    assert [(v.setting, v.margin) for v in found] == [("step=1", pytest.approx(0.7)), ("step=2", pytest.approx(2.0))]


# ---- other sides


def test_of_many_variants_only_the_first_are_named():
    part = Comparison(BestOf(("a",), SCORE), ">", BestOf(tuple(f"v{i}" for i in range(40)), SCORE), "the best")
    assert "best of (v0, v1, v2 and 37 more): " in words_of(part)


def test_the_best_inside_a_range_against_the_best_outside():
    part = Comparison(BestOf(("a", "b"), SCORE), ">", BestOf(("c", "d"), SCORE), "the best lies inside")
    e = made(claim(part))
    low, lower = sample(8.0, 0.5, 5), sample(3.0, 0.5, 5)
    inside = by_key(cell("a", lower), cell("b", sample(10.0, 0.5, 5)), cell("c", low), cell("d", lower))
    verdict = compare(e, {"paper": inside})[0]
    assert (verdict.verdict, verdict.value, verdict.n) == (S, pytest.approx(2.0), 5)
    assert verdict.reason.startswith("best of (a, b) final score > best of (c, d): difference 2 [")
    assert verdict.reason.endswith("; best: b against c")
    assert verdict.variant == "a, b, c, d"
    outside = by_key(cell("a", lower), cell("b", low), cell("c", low), cell("d", sample(10.0, 0.5, 5)))
    assert compare(e, {"paper": outside})[0].verdict == R
    missing = compare(e, {"paper": by_key(*list(inside.values())[:3])})[0]
    assert (missing.verdict, missing.reason) == (M, "d lacks seeds 0-4")
    turned = dataclasses.replace(part, left=BestOf(("a", "b"), ERROR), right=BestOf(("c", "d"), ERROR))
    low_is_best = compare(made(claim(turned)), {"paper": inside})[0]
    assert low_is_best.value == pytest.approx(0.0, abs=1e-12)
    assert low_is_best.reason.endswith("; best: a against d")
    assert "best of (a, b): last score at step=last > best of (c, d): last" in " ".join(
        " ".join(lines_of(e, [verdict])).split()
    )


def test_the_best_can_be_compared_with_a_number_and_with_one_variant():
    a, b = cell("a", LOW), cell("b", HIGH)
    level = Comparison(BestOf(("a", "b"), SCORE), ">", 9.5, "x")
    found = compare(made(claim(level)), {"paper": by_key(a, b)})[0]
    exact = t_interval(HIGH, 1 - 0.05 / 2)
    assert (found.value, found.low) == (pytest.approx(0.5), pytest.approx(exact.low - 9.5))
    same = Comparison(Term("b", SCORE), ">~", BestOf(("a", "b"), SCORE), "the best of all", 0.5)
    assert compare(made(claim(same)), {"paper": by_key(a, b)})[0].value == pytest.approx(0.0)


def test_one_degrades_less_than_the_other():
    part = Comparison(Change("a", "b", SCORE), ">", Change("c", "d", SCORE), "degrades less: by any amount")
    drops = {"a": 100.0, "b": 90.0, "c": 100.0, "d": 40.0}
    noise = sample(0.0, 20.0, 5)  # common to all four, so it cancels
    cells = by_key(*(cell(v, [x + level + k for k, x in enumerate(noise)]) for v, level in drops.items()))
    verdict = compare(made(claim(part)), {"paper": cells})[0]
    assert (verdict.verdict, verdict.value) == (S, pytest.approx(50.0))
    assert verdict.high - verdict.low < 1e-6
    assert verdict.reason.startswith("b less a final score > d less c: difference 50")
    assert "b less a: last score at step=last > d less c: last" in " ".join(
        " ".join(lines_of(made(claim(part)), [verdict])).split()
    )


def test_failed_seeds_of_a_best_count_as_the_worst_of_all():
    part = Comparison(BestOf(("a", "b"), SCORE), ">", Term("c", SCORE), "x")
    cells = by_key(cell("a", HIGH, diverged=(0, 1)), cell("b", LOW), cell("c", sample(8.0, 0.2, 5)))
    verdict = compare(made(claim(part)), {"paper": cells})[0]
    floor = min(HIGH[2:] + LOW)
    assert f"a seeds 0-1 at {floor:.4g}" in verdict.reason
    assert verdict.value == pytest.approx(max(sum([floor, floor, *HIGH[2:]]) / 5, 7.0) - 8.0)


# ---- claims that do not fit their experiment


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
