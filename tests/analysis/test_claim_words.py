"""Claims in the richer words (values per task, margins, the best of several), from made cells to verdicts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from four_tasks import HIGH, LOW, M, R, S, U, lines_of, made
from hypothesis import given, settings
from hypothesis import strategies as st
from made_cells import ERROR, SCORE, Printed, Table, by_key, cell, claim, compared, sample

from svgbench.analysis.judge.effects import effect_interval
from svgbench.analysis.judge.relations import relation_holds
from svgbench.analysis.judge.statistics import t_interval
from svgbench.analysis.judge.verdicts import compare
from svgbench.analysis.show.wording import words_of
from svgbench.words.claims import BestOf, Change, Comparison, Measure, OfDistance, Published, Term
from svgbench.words.values import PerTask

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
    """In both directions it is "~"; mirror images agree; above implies not below; adding a constant changes nothing."""
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


def test_each_part_of_a_claim_has_a_number_and_a_row():
    """One interval for three comparisons was taken for the interval of another one."""
    parts = (
        Comparison(Term("a", SCORE), ">", Term("b", SCORE), "ahead of b"),
        Comparison(Term("a", SCORE), ">", Term("c", SCORE), "ahead of c"),
    )
    cells = by_key(cell("a", HIGH), cell("b", [x - 2.0 for x in HIGH]), cell("c", sample(9.0, 6.0, 5)))
    (verdict,) = compare(made(claim(*parts)), {"paper": cells})
    assert [part.verdict for part in verdict.details] == [S, U]
    first, second = verdict.details
    lines = lines_of(made(claim(*parts)), [verdict])
    assert [line.strip()[:2] for line in lines if "ahead of" in line] == ["1.", "2."]
    rows = {line.split("  ")[0]: line for line in lines if line.startswith(("Task T", "part"))}
    assert list(rows)[-2:] == ["part 1", "part 2"]
    assert (rows["part 1"].split()[2], float(rows["part 1"].split()[3])) == (S, 2.0)
    assert rows["part 2"].split()[2] == U
    assert rows["part 2"].split()[-1] == str(second.n)
    assert float(rows["part 2"].split()[3]) == pytest.approx(second.value, abs=0.1)
    assert verdict.as_row()["parts"] == f"{first.short}; {second.short}"
    assert first.short == f"SUPPORTED {first.value:.6g} [{first.low:.6g}, {first.high:.6g}]"
    (alone,) = compare(made(claim(parts[0])), {"paper": cells})
    assert alone.as_row()["parts"] == ""
    words = lines_of(made(claim(parts[0])), [alone])
    assert not any(line.startswith("part") for line in words)
    assert any(line.startswith("  - ") for line in words)


def test_failed_seeds_of_a_best_count_as_the_worst_of_all():
    part = Comparison(BestOf(("a", "b"), SCORE), ">", Term("c", SCORE), "x")
    cells = by_key(cell("a", HIGH, diverged=(0, 1)), cell("b", LOW), cell("c", sample(8.0, 0.2, 5)))
    verdict = compare(made(claim(part)), {"paper": cells})[0]
    floor = min(HIGH[2:] + LOW)
    assert f"a seeds 0-1 at {floor:.4g}" in verdict.reason
    assert verdict.value == pytest.approx(max(sum([floor, floor, *HIGH[2:]]) / 5, 7.0) - 8.0)
