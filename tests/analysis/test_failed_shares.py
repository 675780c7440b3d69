"""Claims on shares of failed seeds: by hand, against scipy, and by all outcomes that there are."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from made_cells import SCORE, by_key, cell, claim, experiment
from scipy import stats

from svgbench.analysis.judge.claim_checks import problems
from svgbench.analysis.judge.discoveries import discoveries
from svgbench.analysis.judge.failed_shares import Count, effect_of_shares, forecast, ruled
from svgbench.analysis.judge.outlook import MOST_SEEDS
from svgbench.analysis.judge.outlook import forecast as seeds_that_decide
from svgbench.analysis.judge.rates import rates_power, share_difference
from svgbench.analysis.judge.verdicts import compare
from svgbench.analysis.show.verdict_text import verdict_lines
from svgbench.analysis.show.wording import counted, words_of
from svgbench.words.claims import BestOf, Change, Comparison, FailureLevel, Term
from svgbench.words.experiment import Variant

LEVELS = (FailureLevel("t", SCORE, 50.0, "half of 100"), FailureLevel("u", SCORE, 5.0, "half of 10"))
VARIANTS = tuple(Variant(v, v, "m:make") for v in ("a", "b", "a-50", "b-50"))
SHARES = Comparison(Term("a", SCORE), "<", Term("b", SCORE), "fewer fail", scale="failed_share")
CHANGES = Comparison(Change("a", "a-50", SCORE), "<", Change("b", "b-50", SCORE), "rises less", scale="failed_share")


def declared(*parts, **about):
    one = replace(claim(*parts), **{k: v for k, v in about.items() if k in ("tasks", "across")})
    return experiment((one,), variants=VARIANTS, failures=LEVELS)


def failing(variant, k, n, task="t", diverged=()):
    """n seeds: the first k are below the level of the task, the others above it."""
    high, low = (100.0, 0.0) if task == "t" else (10.0, 0.0)
    return cell(variant, [low] * k + [high] * (n - k), task, diverged=diverged)


def verdict_of(of, *cells):
    return compare(of, {"paper": by_key(*cells)})[0]


@pytest.mark.parametrize(
    ("k", "n", "m", "word"),
    [
        (0, 20, 5, "SUPPORTED"),  # p = 0.047
        (0, 20, 4, "INCONCLUSIVE"),
        (5, 20, 0, "REFUTED"),
        (0, 5, 1, "INCONCLUSIVE"),
        (0, 5, 4, "SUPPORTED"),
        (0, 20, 0, "INCONCLUSIVE"),
        (20, 20, 20, "INCONCLUSIVE"),
    ],
)
def test_a_verdict_has_newcombes_interval_and_fishers_test(k, n, m, word):
    found = verdict_of(declared(SHARES), failing("a", k, n), failing("b", m, n))
    interval, p = share_difference(k, n, m, n), stats.fisher_exact([[k, n - k], [m, n - m]]).pvalue
    assert (found.verdict, found.unit, found.n) == (word, "failed share", n)
    assert (found.value, found.low, found.high) == (interval.value, interval.low, interval.high)
    assert found.details[0].p == pytest.approx(p)
    assert (word != "INCONCLUSIVE") == (p <= 0.05 and not interval.low <= 0 <= interval.high)
    assert f"a {k} of {n} against b {m} of {n}" in found.reason
    assert found.as_row()["unit"] == "failed share"
    of = declared(SHARES)
    lines = " ".join(" ".join(verdict_lines(of, [found], 100)).split())
    assert f"a {k} of {n} against b {m} of {n} failed: exact p" in lines


def test_where_the_interval_decides_and_the_exact_test_does_not_it_stays_open():
    k = next(k for k in range(11) if share_difference(0, 10, k, 10).high < 0)
    p = stats.fisher_exact([[0, 10], [k, 10 - k]]).pvalue
    assert p > 0.05, "otherwise this shows nothing"
    found = verdict_of(declared(SHARES), failing("a", 0, 10), failing("b", k, 10))
    assert found.verdict == "INCONCLUSIVE"
    assert found.details[0].why == "SUPPORTED by the interval, but not by the exact test"


def test_a_diverged_seed_has_failed():
    found = verdict_of(declared(SHARES), failing("a", 0, 20), failing("b", 3, 20, diverged=(18, 19)))
    assert found.value == -0.25
    assert found.verdict == "SUPPORTED"


def test_the_level_is_the_tasks_own():
    on_u = declared(SHARES, tasks=("u",))
    assert verdict_of(on_u, failing("a", 0, 20, "u"), failing("b", 6, 20, "u")).verdict == "SUPPORTED"


def test_changes_are_compared_by_four_shares():
    cells = failing("a", 1, 20), failing("a-50", 2, 20), failing("b", 0, 20), failing("b-50", 14, 20)
    found = verdict_of(declared(CHANGES), *cells)
    a, b = share_difference(2, 20, 1, 20), share_difference(14, 20, 0, 20)
    value = a.value - b.value
    assert found.value == pytest.approx(value)
    assert found.low == pytest.approx(value - np.hypot(a.value - a.low, b.high - b.value))
    assert found.high == pytest.approx(value + np.hypot(a.high - a.value, b.value - b.low))
    assert (found.verdict, found.details[0].p) == ("SUPPORTED", None)
    assert "a-50 2 of 20 less a 1 of 20 against b-50 14 of 20 less b 0 of 20" in found.reason


SIZES = [(5, 0.058), (10, 0.041), (20, 0.029)]
"""Seeds, and the largest chance that a change is called smaller than one that it is not smaller than."""
GRID = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.8, 1.0)


@pytest.mark.parametrize(("n", "most"), SIZES)
def test_a_change_that_is_not_smaller_is_rarely_called_so(n, most):
    """In all outcomes, weighted by their chance, for all true shares of a grid."""
    k = np.arange(n + 1)
    pairs = [share_difference(i, n, j, n) for i, j in product(k, k)]
    value, low, high = (np.array([getattr(one, end) for one in pairs]) for end in ("value", "low", "high"))
    ends = value[:, None] - value + np.hypot((high - value)[:, None], value - low)
    some = effect_of_shares([[Count("", 1, n), Count("", 0, n)], [Count("", 4, n), Count("", 0, n)]])
    assert ends[1 * (n + 1), 4 * (n + 1)] == pytest.approx(some.high), "the same interval, of every outcome at once"
    chance = {p: stats.binom.pmf(k, n, p) for p in GRID}
    true = np.array([after - before for after, before in product(GRID, GRID)])
    weights = np.array([np.outer(chance[after], chance[before]).ravel() for after, before in product(GRID, GRID)])
    wrong = np.where(true[:, None] - true >= -1e-12, weights @ (ends < 0) @ weights.T, 0.0)
    assert most - 0.002 < wrong.max() <= most


@pytest.mark.parametrize("n", [5, 10, 20])
def test_newcombes_interval_holds_the_difference_of_two_shares(n):
    k, shares = np.arange(n + 1), (0.0, 0.05, 0.2, 0.5, 0.8)
    pairs = {(i, j): share_difference(i, n, j, n) for i, j in product(k, k)}
    low, high = (np.array([[getattr(pairs[i, j], end) for j in k] for i in k]) for end in ("low", "high"))
    chance = {p: stats.binom.pmf(k, n, p) for p in shares}
    for p, q in product(shares, shares):
        holds = (low <= p - q + 1e-12) & (p - q <= high + 1e-12)
        assert chance[p] @ holds @ chance[q] >= 0.92, (p, q)


def test_a_false_difference_is_found_in_at_most_five_of_a_hundred_cases():
    for n, p in product((5, 10, 20), (0.05, 0.2, 0.5)):
        chance, wrong = stats.binom.pmf(np.arange(n + 1), n, p), 0.0
        for k, m in product(range(n + 1), range(n + 1)):
            counts = [[Count("a", k, n)], [Count("b", m, n)]]
            word, _, _ = ruled(counts, effect_of_shares(counts), "<", 0.0, 0.05)
            wrong += chance[k] * chance[m] * (word != "INCONCLUSIVE")
        assert wrong <= 0.05, (n, p)


def test_the_forecast_is_what_the_exact_test_needs():
    found = verdict_of(declared(SHARES), failing("a", 0, 20), failing("b", 4, 20))
    n = found.details[0].seeds
    assert rates_power(0.0, 0.2, n) >= 0.8
    assert f"takes about {n} seeds a side (power 80 %)" in found.reason
    assert seeds_that_decide(claim(SHARES), found) == (n, "SUPPORTED")
    same = verdict_of(declared(SHARES), failing("a", 2, 20), failing("b", 2, 20))
    assert same.details[0].seeds is None
    assert seeds_that_decide(claim(SHARES), same)[0] == MOST_SEEDS + 1


def test_the_forecast_of_a_change_is_where_its_interval_decides_if_the_shares_stayed():
    counts = [[Count("a-50", 0, 10), Count("a", 0, 10)], [Count("b-50", 4, 10), Count("b", 0, 10)]]
    assert effect_of_shares(counts).high > 0
    n = forecast(counts, "<", 0.0, 0.95)
    assert effect_of_shares([[one.scaled(n) for one in own] for own in counts]).high < 0
    assert effect_of_shares([[one.scaled(n - 1) for one in own] for own in counts]).high >= 0


def test_a_margin_is_a_share_and_needs_no_exact_test():
    part = replace(SHARES, relation="<~", margin=0.3)
    found = verdict_of(declared(part), failing("a", 0, 20), failing("b", 0, 20))
    assert (found.verdict, found.details[0].p) == ("SUPPORTED", None)
    assert "needs <= 0.3" in found.reason


def test_across_tasks_the_left_is_read_on_the_first_and_the_right_on_the_second():
    part = replace(SHARES, right=Term("a", SCORE))
    of = declared(part, tasks=("u", "t"), across=True)
    assert problems(of, None) == []
    found = verdict_of(of, failing("a", 0, 20, "u"), failing("a", 6, 20, "t"))
    assert (found.verdict, found.task, found.value) == ("SUPPORTED", "", -0.3)
    assert "a on u < a on t: difference" in found.reason
    assert "a 0 of 20 against a 6 of 20 failed" in found.reason
    missing = verdict_of(of, failing("a", 0, 20, "u"))
    assert missing.verdict == "INCOMPLETE"
    assert missing.reason.startswith("t: a lacks")
    assert counted(of, of.claims[0]) == "left on u, right on t"
    lines = "\n".join(verdict_lines(of, [found], 100))
    assert "SUPPORTED" in lines
    (one,) = discoveries(of, [found])
    assert one.p == pytest.approx(stats.fisher_exact([[0, 20], [6, 14]]).pvalue)


def test_a_cell_without_the_measure_is_incomplete():
    bare = failing("b", 5, 20)
    found = verdict_of(declared(SHARES), failing("a", 0, 20), replace(bare, frame=bare.frame[bare.frame.seed > 0]))
    assert found.verdict == "INCOMPLETE"
    assert "b has no row of final score for seed 0" in found.reason


def test_words():
    assert words_of(SHARES) == "share of seeds that failed, a: last score at step=last < b: last score at step=last"


@pytest.mark.parametrize(
    ("part", "about", "problem"),
    [
        (replace(SHARES, right=0.5), {}, "expected two terms, or two changes"),
        (replace(SHARES, left=BestOf(("a",), SCORE)), {}, "expected two terms, or two changes"),
        (replace(SHARES, left=CHANGES.left), {}, "expected two terms, or two changes"),
        (replace(SHARES, margin=1.0), {}, "a margin below 1"),
        (replace(SHARES, left=Term("a", replace(SCORE, k=3))), {}, "failure on t is by 'final score'"),
        (replace(SHARES, scale="difference"), {"tasks": ("t", "u"), "across": True}, "shares of failed seeds only"),
        (SHARES, {"across": True}, "expected two of them, in order"),
    ],
)
def test_what_does_not_fit_is_said(part, about, problem):
    assert any(problem in line for line in problems(declared(part, **about), None))


def test_without_a_level_nothing_has_failed():
    of = replace(declared(SHARES), failures=())
    assert problems(of, None) == ["claim c: no level of failure is declared on t"]
