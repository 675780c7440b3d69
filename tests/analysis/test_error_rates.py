"""A few of the numbers of docs/verdicts.md on how often verdicts err, by the script that prints them."""

from __future__ import annotations

import numpy as np
import pytest
from error_rates import ALIKE, BOUNDED, SPREADS, Made, chance, failing, normal, rates, spread_errors
from scipy import stats

REPETITIONS = 250


def at_most(repetitions):
    """How often an event of probability 1/40 happens; oftener in one of ten thousand such tests."""
    return stats.binom.ppf(0.9999, repetitions, 0.025) / repetitions


@pytest.mark.parametrize("name", ALIKE)
@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_best_of_rivals_that_are_alike_is_told_apart_in_one_case_of_forty_at_most(name, n):
    for lead in (0.0, 3.0):
        above, _ = rates(Made(*ALIKE[name], lead=lead), n, REPETITIONS)["now"]
        assert above <= at_most(REPETITIONS)
    for lead in (0.0, -3.0):
        _, not_above = rates(Made(*ALIKE[name], lead=lead), n, REPETITIONS)["now"]
        assert not_above <= at_most(REPETITIONS)


def test_failures_of_rivals_hide_less_than_they_did():
    made = Made(failing(0.1), failing(0.1), lead=-3.0)
    found = rates(made, 5, REPETITIONS)
    assert found["now"][0] > found["t"][0] + 0.08
    assert rates(Made(normal, failing(0.2), lead=0.0), 5, REPETITIONS)["now"][0] <= at_most(REPETITIONS)
    bounded = rates(BOUNDED, 5, REPETITIONS)
    assert bounded["now"][0] > 0.9 > 0.6 > bounded["t"][0]


def test_three_seeds_tell_no_best_of_several_and_ranks_say_so_too():
    made = Made(normal, normal, lead=-9.0)
    found = rates(made, 3, 50)
    assert (found["t"][0], found["now"][0], found["ranks"][0]) == (1.0, 0.0, 0.0)
    assert rates(made, 4, 50)["now"][0] == 1.0


@pytest.mark.parametrize(("n", "wins"), [(3, 9), (5, 23), (10, 77)])
def test_the_ranks_test_is_scipys(n, wins):
    y = np.arange(n) + 0.5
    beaten = np.full(n, wins // n) + (np.arange(n) < wins % n)  # how many each x beats
    x = beaten + 0.01 * np.arange(n)
    exact = stats.mannwhitneyu(x, y, alternative="greater", method="exact")
    assert exact.statistic == wins
    assert chance(n, wins) == pytest.approx(exact.pvalue)


@pytest.mark.parametrize("name", SPREADS)
@pytest.mark.parametrize("n", [3, 10])
def test_a_spread_is_wrong_about_itself_in_one_case_of_forty(name, n):
    draw, truth = SPREADS[name]
    _, _, below, above = spread_errors(draw, truth, n, REPETITIONS)
    assert max(below, above) <= at_most(REPETITIONS)
