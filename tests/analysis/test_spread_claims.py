"""Claims about spreads between seeds, from made cells to verdicts."""

from __future__ import annotations

import pytest
from made_cells import SCORE, by_key, cell, claim, experiment, sample

from svgbench.analysis.judge.spreads import relative_sd_interval
from svgbench.analysis.judge.verdicts import JudgementRules, compare
from svgbench.analysis.show.verdict_text import verdict_lines
from svgbench.words.claims import Comparison, RelativeSD
from svgbench.words.experiment import TaskSpec, Variant

S, R, U, M = "SUPPORTED", "REFUTED", "INCONCLUSIVE", "INCOMPLETE"
TASKS = (TaskSpec("t", "m:make", "task t"),)
VARIANTS = tuple(Variant(v, v, "m:make") for v in ("a", "random"))


def made(*claims):
    return experiment(claims, tasks=TASKS, variants=VARIANTS)


def lines_of(e, verdicts, width=80):
    lines = verdict_lines(e, verdicts, width)
    assert all(len(line) <= width for line in lines)
    return lines


def test_similar_across_seeds():
    """Five similar seeds do not show that a sixth would be similar; eighty do. Five different ones show that."""
    part = Comparison(RelativeSD("a", SCORE), "<", 0.25, "similar: SD below a quarter of the mean")
    e = made(claim(part))
    values = sample(100.0, 5.0, 80)
    verdict = compare(e, {"paper": by_key(cell("a", values))})[0]
    spread = relative_sd_interval(values)
    assert (verdict.verdict, verdict.cause, verdict.value, verdict.n) == (S, "", pytest.approx(0.05 - 0.25), 80)
    assert (verdict.low, verdict.high) == pytest.approx((spread.low - 0.25, spread.high - 0.25))
    assert verdict.reason.startswith("SD / mean of a final score < 0.25: difference -0.2 [")
    few = compare(e, {"paper": by_key(cell("a", sample(100.0, 5.0, 5)))})[0]
    assert (few.verdict, few.cause) == (U, "seeds")
    assert "SUPPORTED if they are normal, but 5 seeds can all miss a mode at 0 of up to 52 %" in few.reason
    assert few.reason.endswith("to exclude it takes 61")
    plain = compare(e, {"paper": by_key(cell("a", sample(100.0, 15.0, 5)))})[0]
    assert (plain.verdict, plain.cause) == (U, "")
    assert compare(e, {"paper": by_key(cell("a", sample(100.0, 120.0, 5)))})[0].verdict == R
    one = compare(e, {"paper": by_key(cell("a", [100.0]))})[0]
    assert (one.verdict, one.value, one.reason) == (U, None, "one seed has no spread")
    assert "a: SD / mean of last score at step=last < 0.25" in " ".join(" ".join(lines_of(e, [verdict])).split())


def test_modes_that_few_seeds_show_refute_no_spread():
    part = Comparison(RelativeSD("a", SCORE), "<", 0.25, "similar: SD below a quarter of the mean")
    two_modes = [10.0, 11.0, 9.0, 10.5, *sample(100.0, 2.0, 16)]
    few = compare(made(claim(part)), {"paper": by_key(cell("a", two_modes[:10]))})[0]
    assert few.verdict == R  # four of ten
    fewer = compare(made(claim(part)), {"paper": by_key(cell("a", two_modes[2:12]))})[0]
    assert (fewer.verdict, fewer.cause) == (U, "seeds")  # two of ten
    assert "REFUTED if they are normal, but two modes that 10 seeds show in these shares by chance" in fewer.reason


def test_similar_relative_to_what_was_learned():
    """Returns near an arbitrary zero: their SD is many times their mean, and a twentieth of what was learned."""
    part = Comparison(RelativeSD("a", SCORE, of_gain=True), "<", 0.25, "similar: SD below a quarter of the gain")
    e = made(claim(part))
    values = sample(1.0, 5.0, 80)
    cells = by_key(cell("a", values), cell("random", [-99.0, -101.0, -97.0]))
    verdict = compare(e, {"paper": cells})[0]
    spread = relative_sd_interval([x + 99.0 for x in values])
    assert (verdict.verdict, verdict.value, verdict.n) == (S, pytest.approx(0.05 - 0.25), 80)
    assert (verdict.low, verdict.high) == pytest.approx((spread.low - 0.25, spread.high - 0.25))
    assert "SD / gain of a final score < 0.25: difference -0.2 [" in verdict.reason
    assert "; the gain is that upon -99 (random)" in verdict.reason
    plain = Comparison(RelativeSD("a", SCORE), "<", 0.25, "similar")
    assert compare(made(claim(plain)), {"paper": cells})[0].verdict != S
    unknown = compare(e, {"paper": by_key(cell("a", values))})[0]
    assert (unknown.verdict, unknown.reason) == (M, "random lacks seeds 0-4")
    assert "a: SD / gain upon a random policy of last score" in " ".join(" ".join(lines_of(e, [verdict])).split())


def test_seeds_that_gained_nothing_at_all_have_no_relative_spread():
    """0 / 0 is below every number and above it: nothing is decided."""
    part = Comparison(RelativeSD("a", SCORE, of_gain=True), "<", 0.25, "similar: SD below a quarter of the gain")
    cells = by_key(cell("a", [7.0] * 5), cell("random", [7.0] * 5))
    verdict = compare(made(claim(part)), {"paper": cells})[0]
    assert (verdict.verdict, verdict.value, verdict.n) == (U, None, 5)
    assert verdict.reason == "each seed has 7, so that the spread is 0 / 0"


def test_a_failed_seed_is_not_similar_to_the_others():
    """Counted as the worst of the others, it would add no spread. So without a declared floor nothing is decided."""
    e = made(claim(Comparison(RelativeSD("a", SCORE), "<", 0.25, "similar")))
    cells = {"paper": by_key(cell("a", sample(100.0, 5.0, 80), diverged=tuple(range(8))))}
    open_ = compare(e, cells)[0]
    assert (open_.verdict, open_.value) == (U, None)
    assert open_.reason == "a failed seed has no spread and no floor is declared; failed seeds: a seeds 0-7"
    floored = compare(e, cells, rules=JudgementRules(floors={"final score": 0.0}))[0]
    assert floored.verdict != S
    assert "a seeds 0-7 at 0), without them SUPPORTED" in floored.reason
