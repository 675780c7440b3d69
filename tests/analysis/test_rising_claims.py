"""Claims that a difference, as a share of the distance from a random policy, rises from task to task."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from four_tasks import VARIANTS, M, R, S, U, lines_of, made
from made_cells import SCORE, by_key, cell, claim, compared
from scipy import stats

from svgbench.analysis.judge.judgement import DEFAULT_RULES
from svgbench.analysis.judge.rising import rise
from svgbench.analysis.judge.statistics import Interval
from svgbench.analysis.judge.verdicts import compare
from svgbench.analysis.show.wording import counted

NOISE = (-0.1, 0.0, 0.0, 0.0, 0.1)
RISING = dataclasses.replace(claim(compared(">"), tasks=("t", "u", "v")), rising=True)


def on(task, gap, scale, noise=1.0, random=0.0):
    """Cells where b's mean is `random` + scale, a's lead is `gap`, and only the lead differs between seeds."""
    b = [random + scale] * 5
    a = [x + gap + noise * e for x, e in zip(b, NOISE, strict=True)]
    return cell("a", a, task), cell("b", b, task), cell("random", [random] * 5, task)


def verdict_of(*cells, claimed=RISING):
    (found,) = compare(made(claimed), {"paper": by_key(*cells)})
    return found


def test_the_gap_is_counted_in_shares_so_that_tasks_of_different_units_can_be_compared():
    """Leads of 1 of 10, 200 of 1000 and 0.03 of 0.1: absolute leads do not rise, shares do."""
    found = verdict_of(*on("t", 1, 9), *on("u", 200, 800), *on("v", 0.03, 0.07, noise=0.01))
    assert (found.verdict, found.task, found.unit, found.n) == (S, "", "share", 5)
    assert found.value == pytest.approx(0.1)
    assert "t 0.1, u 0.2, v 0.3" in found.reason
    assert json.dumps(found.as_row(), allow_nan=False)


def test_the_interval_of_a_rise_is_that_of_a_difference_of_independent_means():
    """With equal spreads and n, MOVER's width is sqrt(2) of a task's, as that of independent t-intervals."""
    half = stats.t.ppf(0.975, 4) * np.std(NOISE, ddof=1) / math.sqrt(5)
    found = verdict_of(*on("t", 1, 9), *on("u", 2, 8), *on("v", 5, 5))
    assert found.low == pytest.approx(0.1 - math.sqrt(2) * half / 10)
    assert found.high == pytest.approx(0.1 + math.sqrt(2) * half / 10)
    assert rise(Interval(0, -3, 1, 4), Interval(10, 6, 11, 3)) == Interval(
        10, 10 - math.hypot(4, 1), 10 + math.hypot(1, 3), 3
    )


@pytest.mark.parametrize(
    ("gaps", "noise", "word"),
    [
        ((1, 2, 3), 1, S),
        ((1, 3, 2), 1, R),
        ((3, 2, 1), 1, R),
        ((-3, -2, 1), 1, S),
        ((1, 1, 2), 1, U),
        ((1, 2, 3), 30, U),
    ],
)
def test_every_step_must_rise(gaps, noise, word):
    cells = [x for task, gap in zip("tuv", gaps, strict=True) for x in on(task, gap, 10 - gap, noise)]
    assert verdict_of(*cells).verdict == word


def test_the_random_policy_is_the_zero():
    """Leads of 1, 2 and 3, of distances 10 whatever the random policy's return is."""
    cells = [*on("t", 1, 9, random=-500), *on("u", 2, 8), *on("v", 3, 7, random=40)]
    assert verdict_of(*cells).value == pytest.approx(0.1)


def test_a_task_without_its_random_policy_is_missing():
    *cells, _ = [*on("t", 1, 9), *on("u", 2, 8), *on("v", 3, 7)]
    found = verdict_of(*cells)
    assert (found.verdict, found.reason) == (M, "v: random lacks seeds 0-4")


def test_where_nothing_is_learned_there_is_no_share():
    found = verdict_of(*on("t", 0, 0, noise=0), *on("u", 2, 8), *on("v", 3, 7))
    assert (found.verdict, found.reason) == (U, "t: neither side's mean is better than the random policy's")


@pytest.mark.parametrize(("spread", "word"), [(0.1, S), (3.0, U)])
def test_without_a_sure_distance_there_is_no_share(spread, word):
    """On v a's lead is exact, but both means are only 1 and 0.7 above random actions: with a wide spread of the seeds
    the distance may be anything, and so may the share."""
    b = [0.7 + spread * e for e in (-1.0, -0.5, 0.0, 0.5, 1.0)]
    v = cell("a", [x + 0.3 for x in b], "v"), cell("b", b, "v"), cell("random", [0.0] * 5, "v")
    found = verdict_of(*on("t", 1, 9), *on("u", 2, 8), *v)
    assert found.verdict == word, found.reason
    assert ("v: that the better side betters the random policy is not sure" in found.reason) == (word == U)


def test_a_fall_refutes_whatever_is_not_known_of_another_task():
    found = verdict_of(*on("t", 2, 8), *on("u", 1, 9), *on("v", 0, 0, noise=0))
    assert (found.verdict, found.low < found.high < 0) == (R, True)
    assert "from t to u -0.1" in found.reason


def test_a_pair_that_is_worse_than_random_actions_has_no_share():
    """b falls far below a on u, and both are below random actions: 2 of a "distance" of 1 would be a rise."""
    found = verdict_of(*on("t", 1, 9), *on("u", 2, -3), *on("v", 30, 7))
    assert (found.verdict, found.reason) == (U, "u: neither side's mean is better than the random policy's")


def test_failed_seeds_count_as_the_worst_value():
    """Of both sides' values and the random policy's mean, 0, as in other claims. The reason and `failed` name them."""
    a, b, random = on("t", 1, 9)
    failed = dataclasses.replace(a, diverged=(4,))
    found = verdict_of(failed, b, random, *on("u", 2, 8), *on("v", 3, 7))
    values = [9 + 1 + e for e in NOISE[:4]] + [0.0]
    assert found.details[0].text == "a less b"
    assert f"t {(np.mean(values) - 9) / 9:.4g}," in found.reason
    assert "failed seeds count (t: a seed 4 at 0), without them SUPPORTED" in found.reason
    assert [(cell.task, cell.variant, cell.seeds) for cell in found.failed] == [("t", "a", (4,))]


def test_a_rival_that_collapses_on_an_earlier_task_does_not_make_the_gap_rise():
    """Four of b's seeds diverge on t. As the worst value of both sides they would count as 9: almost no gap."""
    a, b, random = on("t", 1, 9)
    rest = *on("u", 2, 8), *on("v", 3, 7)
    assert verdict_of(a, b, random, *rest).verdict == S
    found = verdict_of(a, dataclasses.replace(b, diverged=(0, 1, 2, 3)), random, *rest)
    assert found.verdict != S
    assert found.details[0].value < 0


def test_a_declared_floor_counts_for_a_rise_too():
    a, b, random = on("t", 1, 9)
    cells = by_key(dataclasses.replace(a, diverged=(4,)), b, random, *on("u", 2, 8), *on("v", 3, 7))
    rules = dataclasses.replace(DEFAULT_RULES, floors={SCORE.label: 7.0})
    (found,) = compare(made(RISING), {"paper": cells}, rules=rules)
    assert "t: a seed 4 at 7" in found.reason


def test_no_rise_is_not_said_where_too_many_seeds_failed_to_know_the_share():
    """The lead falls from 95 to about 20 or 30 of 100. With two of b's ten seeds failed on u, b's mean may be lower
    there than it looks, and the lead larger.
    """
    a, few, many = ([x] * 10 for x in (100.0, 5.0, 90.0))
    rest = cell("a", a, "t"), cell("b", few, "t"), cell("random", [0.0], "t"), *on("v", 1, 9)

    def failing(k):
        b = cell("b", [*many[k:], *[math.nan] * k], "u")
        return verdict_of(*rest, cell("a", a, "u"), b, cell("random", [0.0], "u"))

    assert (failing(1).words, failing(1).failed[0].seeds) == (R, (9,))
    assert failing(2).words == "INCONCLUSIVE (failed seeds)"
    assert "REFUTED if they counted as the worst value seen, but 2 of 10 seeds of b failed" in failing(2).reason


def test_a_side_without_any_value_leaves_it_open():
    a, b, random = on("u", 2, 8)
    found = verdict_of(*on("t", 1, 9), a, dataclasses.replace(b, diverged=(0, 1, 2, 3, 4)), random, *on("v", 3, 7))
    assert (found.words, found.reason) == (
        "INCONCLUSIVE (failed seeds)",
        "u: every seed of b failed, and no floor is declared",
    )


def test_a_seed_without_a_row_is_missing_and_not_left_out():
    a, b, random = on("t", 1, 9)
    without = dataclasses.replace(a, frame=a.frame[a.frame.seed != 3])
    found = verdict_of(without, b, random, *on("u", 2, 8), *on("v", 3, 7))
    assert (found.verdict, found.reason) == (M, "t: a has no row of final score for seed 3")


def test_caveats_and_failed_seeds_are_those_of_its_tasks_alone():
    """A cell on another task is not behind the verdict; one on its tasks is, and the caveat names the task."""
    a, b, random = on("u", 2, 8)
    short = dataclasses.replace(a, frame=a.frame[(a.frame.seed != 3) | (a.frame.step == 1)])
    other = dataclasses.replace(cell("a", [1.0] * 5, "w"), diverged=(0,))
    found = verdict_of(*on("t", 1, 9), dataclasses.replace(short), b, random, *on("v", 3, 7), other)
    assert found.failed == ()
    assert any(caveat.startswith("a on u: ") for caveat in found.caveats)


@pytest.mark.parametrize(("first", "word", "cause"), [(1.4, U, "coverage"), (0.1, S, "")])
def test_a_rise_that_rests_on_seeds_in_two_modes_is_left_open(first, word, cause):
    """One of ten seeds learns little on the second task. The low end of its gap, on which a rise rests, lies above the
    truth too often on such seeds. A rise so large that the interval for two modes gives it too stays."""
    many = [5.0, 5.01, 4.99, 5.02, 4.98, 5.0, 5.01, 4.99, 5.0]
    cells = []
    for task, leads in (("t", [first + x - 5 for x in many] + [first]), ("u", [*many, -4.0])):
        cells += [cell("a", [9 + x for x in leads], task), cell("b", [9.0] * 10, task)]
        cells += [cell("random", [0.0] * 10, task)]
    found = verdict_of(*cells, claimed=dataclasses.replace(RISING, tasks=("t", "u")))
    assert found.low > 0, "by means it rises"
    assert (found.verdict, found.cause) == (word, cause), found.reason


def test_it_is_shown_as_one_verdict_over_its_tasks():
    experiment = made(RISING)
    lines = lines_of(experiment, [verdict_of(*on("t", 1, 9), *on("u", 2, 8), *on("v", 3, 7))])
    assert any(line.startswith("over its tasks, budget paper: SUPPORTED") for line in lines)
    assert counted(experiment, RISING) == "rising over task t, task u, task v"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tasks": ("t",)}, "expected at least two of them"),
        ({"at_least": 1}, "no `at_least`"),
        ({"parts": (compared("<"),)}, "by '>', without a margin"),
        ({"parts": (compared(">", 3.0),)}, "compare two means"),
        ({"parts": (compared(">", margin=1.0),)}, "without a margin"),
    ],
)
def test_a_claim_that_cannot_rise_is_refused(changed, said):
    with pytest.raises(ValueError, match=said):
        verdict_of(claimed=dataclasses.replace(RISING, **changed))


def test_without_a_variant_random_it_is_refused():
    experiment = dataclasses.replace(made(RISING), variants=tuple(v for v in VARIANTS if v.id != "random"))
    with pytest.raises(ValueError, match="expected a variant 'random'"):
        compare(experiment, {"paper": {}})
