"""What must not change a verdict, and what must turn it around."""

from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st
from made_cells import ERROR, SCORE, Printed, Table, by_key, cell, claim, compared, experiment

from svgbench.analysis.judge.levels import LevelCase, judge_levels
from svgbench.analysis.judge.statistics import Summary
from svgbench.analysis.judge.verdicts import compare

# few digits, so that effects of every size and exact ties both occur
numbers = st.integers(1, 400).map(lambda k: k / 8)
pairs = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=8)
quick = settings(deadline=None, max_examples=30)

RELATIONS = [("<", 0.0), (">", 0.0), ("~", 0.3), ("<", 0.2), (">~", 0.3)]
MIRROR = {"<": ">", ">": "<", "~": "~", ">~": "<~"}


def claims(mirrored=False, scale="log_ratio", factor=1.0):
    made = []
    for i, (relation, margin) in enumerate(RELATIONS):
        part = compared(MIRROR[relation] if mirrored else relation, "b", margin * factor, scale)
        if mirrored:
            part = dataclasses.replace(part, left=part.right, right=part.left)
        made.append(dataclasses.replace(claim(part), id=f"c{i}"))
    return tuple(made)


def cells(a, b, seeds=None, flip=False):
    seeds = list(seeds or range(len(a)))
    made = [cell("a", dict(zip(seeds, a, strict=True))), cell("b", dict(zip(seeds, b, strict=True)))]
    if flip:
        made = [dataclasses.replace(c, frame=c.frame.iloc[::-1].reset_index(drop=True)) for c in made]
    return by_key(*made)


def table(factor=1.0):
    return Table({("A", "T"): Printed(20.0 * factor, 6.0 * factor, "sd", 5)})


def words(verdicts):
    return [v.verdict for v in verdicts]


def nameless(verdict):
    """Without the sentences, which name seeds."""
    details = tuple(dataclasses.replace(part, reason="") for part in verdict.details)
    return dataclasses.replace(verdict, reason="", details=details)


@quick
@given(pairs, st.permutations(range(100, 108)), st.sampled_from(["difference", "log_ratio"]))
def test_names_of_seeds_and_order_of_rows_change_nothing(xy, names, scale):
    a, b = zip(*xy, strict=True)
    e = experiment(claims(scale=scale))
    plain = compare(e, {"paper": cells(a, b)}, table())
    renamed = compare(e, {"paper": cells(a, b, names[: len(a)], flip=True)}, table())
    assert [nameless(v) for v in plain] == [nameless(v) for v in renamed]
    assert len(plain) == len(RELATIONS) + 1


@quick
@given(pairs, st.integers(-20, 20))
def test_a_common_factor_changes_no_verdict(xy, exponent):
    a, b = zip(*xy, strict=True)
    factor = 2.0**exponent
    scaled = cells([x * factor for x in a], [y * factor for y in b])
    for scale, of_margin in (("log_ratio", 1.0), ("difference", factor)):
        there = compare(experiment(claims(scale=scale)), {"paper": cells(a, b)}, table())
        here = compare(experiment(claims(scale=scale, factor=of_margin)), {"paper": scaled}, table(factor))
        assert words(there) == words(here)


@quick
@given(pairs, st.sampled_from(["difference", "log_ratio"]))
def test_a_claim_read_from_the_other_side_has_the_same_verdict(xy, scale):
    a, b = zip(*xy, strict=True)
    there = compare(experiment(claims(scale=scale)), {"paper": cells(a, b)})
    back = compare(experiment(claims(mirrored=True, scale=scale)), {"paper": cells(a, b)})
    assert words(there) == words(back)


TURN = {"WORSE": "BETTER", "BETTER": "WORSE"}


@quick
@given(st.floats(-4, 4), st.floats(0.1, 3), st.integers(2, 12))
def test_swapping_the_sides_turns_worse_into_better(gap, sd, n):
    """With equal spreads and n the margin is the same from both sides."""
    high, low = Summary(50 + gap, sd, n), Summary(50.0, sd, n)
    there = judge_levels([LevelCase(high, low.mean, (sd,), n)])[0].verdict
    back = judge_levels([LevelCase(low, high.mean, (sd,), n)])[0].verdict
    assert back == TURN.get(there, there)


AROUND = {"HIGHER": "LOWER", "LOWER": "HIGHER"}


def rivals(mine, ours, shared, measure=SCORE):
    own = cell("mine", mine, imported=True, foreign=not shared)
    return words(compare(experiment((), measure), {"paper": by_key(cell("a", ours), own)}))


@quick
@given(pairs, st.booleans())
def test_higher_and_lower_do_not_ask_what_is_better(xy, shared):
    a, b = zip(*xy, strict=True)
    assert rivals(a, b, shared) == rivals(a, b, shared, ERROR)


@quick
@given(pairs, st.booleans())
def test_numbers_of_the_other_sign_turn_higher_into_lower(xy, shared):
    a, b = zip(*xy, strict=True)
    turned = rivals([-x for x in a], [-y for y in b], shared)
    assert turned == [AROUND.get(word, word) for word in rivals(a, b, shared)]


def test_the_laws_have_seen_every_turn():
    """The generators above would prove nothing if they never produced a decided verdict."""
    a, b = [1.0, 1.1, 0.9], [9.0, 9.1, 8.9]
    assert [rivals(b, a, shared) for shared in (True, False)] == [["HIGHER"]] * 2
    decided = words(compare(experiment(claims()), {"paper": cells(a, b)}, table()))
    assert decided == ["SUPPORTED", "REFUTED", "REFUTED", "SUPPORTED", "REFUTED", "WORSE"]
