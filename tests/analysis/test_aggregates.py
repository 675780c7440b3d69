"""Statistics over tasks: closed forms, laws, and the aggregates of small experiments."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_cells import ERROR, Printed, by_key, cell, experiment

from svgbench.analysis.judge.aggregating import aggregates_of
from svgbench.analysis.judge.cell_statistics import spread_of
from svgbench.analysis.judge.curve_statistics import area, first_time, kaplan_meier, time_to_level
from svgbench.analysis.judge.effect_sizes import hedges_g, probability_of_improvement, vargha_delaney
from svgbench.analysis.judge.profiles import shares_above
from svgbench.analysis.judge.resampling import Stratified
from svgbench.analysis.judge.statistics import interquartile_mean, t_interval
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import Sample
from svgbench.analysis.report.drawing import profile_picture
from svgbench.analysis.show.aggregate_text import aggregate_lines, leaders
from svgbench.analysis.show.profile_plot import draw_profiles
from svgbench.words.errors import UsageError
from svgbench.words.experiment import TaskSpec, Variant

values = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=5, max_size=8)


# ---- closed forms


def test_without_censoring_the_restricted_mean_is_the_mean_of_the_times():
    times = [100.0, 300.0, 300.0, 700.0, 900.0, 1200.0]
    found = kaplan_meier(times, [True] * 6).restricted_mean(1000.0)
    plain = t_interval(np.minimum(times, 1000.0))
    assert (found.value, found.low, found.high) == pytest.approx((plain.value, plain.low, plain.high), abs=1e-9)


def test_a_run_that_never_reaches_a_level_censors_the_median():
    steps = np.array([0.0, 10.0, 20.0])
    curves = {0: (steps, np.array([0.0, 1.0, 5.0])), 1: (steps, np.zeros(3)), 2: (steps[:2], np.zeros(2))}
    found = time_to_level(curves, 5.0, "a test", 20.0, failed=(2,))
    assert (found.reached, found.n, found.median) == (1, 3, None)
    assert found.mean.value == 20.0
    assert "below 5 runs" in found.mean.why
    assert time_to_level({0: curves[0]}, 1.0, "a test", 20.0).median == 10.0


@pytest.mark.parametrize("n", range(2, 60, 2))
def test_half_of_the_runs_is_half_also_after_rounding(n):
    assert kaplan_meier(range(1, n + 1), [True] * n).median() == n // 2


def test_a_failed_run_without_a_curve_is_censored_at_the_end():
    steps = np.array([0.0, 10.0, 20.0])
    curves = dict.fromkeys(range(4), (steps, np.array([0.0, 1.0, 5.0])))
    found = time_to_level(curves, 1.0, "a test", 20.0, failed=(4,))
    assert (found.reached, found.n, found.mean.value) == (4, 5, pytest.approx(12.0))


def test_a_window_must_be_full_before_a_level_counts_as_reached():
    curve = (np.arange(5.0), np.array([5.0, 0.0, 4.0, 4.0, 4.0]))
    assert first_time(curve, 4.0) == 0.0
    assert first_time(curve, 4.0, window=3) == 4.0
    assert first_time(curve, 0.5, higher_is_better=False) == 1.0
    assert first_time(curve, 10.0) is None
    assert first_time(curve, 1.0, window=6) is None


def test_the_area_is_the_mean_height_up_to_a_step():
    curve = (np.array([0.0, 10.0, 20.0]), np.array([0.0, 10.0, 10.0]))
    assert area(curve, 20.0) == 7.5
    assert area(curve, 15.0) == pytest.approx((50 + 50) / 15)
    assert np.isnan(area(curve, 21.0))


def test_effects_without_spread_or_runs_are_unknown():
    assert np.isnan(hedges_g([1.0], [1.0, 2.0]))
    assert np.isnan(hedges_g([1.0, 1.0], [2.0, 2.0]))
    with pytest.raises(ValueError, match="expected the same ones"):
        probability_of_improvement({"t": [1.0]}, {"u": [1.0]})


def test_a_complete_separation_gives_no_interval():
    found = probability_of_improvement({"t": [6.0, 7, 8, 9, 10]}, {"t": [1.0, 2, 3, 4, 5]})
    assert (found.value, found.low, found.why) == (1.0, None, "every resample gives the same value")


# ---- laws


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), values, min_size=1), st.randoms())
def test_neither_the_order_of_seeds_nor_that_of_tasks_changes_a_digit(runs, random):
    mixed = {task: random.sample(own, len(own)) for task, own in random.sample(list(runs.items()), len(runs))}
    assert Stratified(runs).estimate(interquartile_mean) == Stratified(mixed).estimate(interquartile_mean)
    other = {task: [x + 1 for x in own] for task, own in runs.items()}
    assert probability_of_improvement(runs, other) == probability_of_improvement(mixed, other)


@settings(max_examples=25, deadline=None)
@given(values, values, st.floats(0.1, 10), st.floats(-50, 50))
def test_a_change_of_units_changes_no_effect(x, y, factor, shift):
    moved = ([factor * a + shift for a in own] for own in (x, y))
    one, two = (np.round(own, 9) for own in moved)
    gaps = {abs(a - b) for a in x for b in y} - {0.0}
    if not gaps or min(gaps) * factor > 1e-6:  # else a tie may appear or vanish by rounding
        assert vargha_delaney(one, two) == vargha_delaney(x, y)
    assert vargha_delaney(x, y) + vargha_delaney(y, x) == pytest.approx(1.0, abs=1e-12)
    if max(np.std(x), np.std(y)) > 1e-3:
        assert hedges_g(one, two) == pytest.approx(hedges_g(x, y), rel=1e-3, abs=1e-6)
        assert hedges_g(y, x) == pytest.approx(-hedges_g(x, y), rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(values, st.floats(0.1, 10), st.floats(-50, 50))
def test_an_affine_change_of_scores_changes_the_interquartile_mean_and_its_interval_alike(x, factor, shift):
    plain = Stratified({"t": x}).estimate(interquartile_mean)
    moved = Stratified({"t": [factor * a + shift for a in x]}).estimate(interquartile_mean)
    assert moved.value == pytest.approx(factor * plain.value + shift, abs=1e-6)
    if plain.low is not None and moved.low is not None:
        assert moved.low == pytest.approx(factor * plain.low + shift, abs=1e-6)
        assert moved.high == pytest.approx(factor * plain.high + shift, abs=1e-6)


def test_a_profile_falls_from_one_to_nothing():
    shares = shares_above(np.array([0.2, 0.4, 0.6]), np.array([0.0, 0.4, 1.0]))
    assert shares.tolist() == [1.0, pytest.approx(1 / 3), 0.0]


# ---- an experiment's aggregates


GOOD, WEAK = [8.0, 9.0, 10.0, 11.0, 12.0], [3.0, 4.0, 5.0, 6.0, 7.0]
RANDOM = [-1.0, 0.0, 1.0, 0.0, 0.0]


def results(*cells, tasks=("t", "u"), **about):
    declared = experiment(**about)
    declared = replace(
        declared,
        tasks=tuple(replace(task, published=task.id.upper()) for task in declared.tasks if task.id in tasks),
        variants=(*declared.variants, Variant("random", "random", "m:make")),
    )
    labels = {variant.id: variant.label for variant in declared.variants}
    return Results(declared, "paper", by_key(*cells), labels, ())


def two_tasks(good=GOOD, weak=WEAK, random=RANDOM, **about):
    made = [cell(v, x, t) for t in ("t", "u") for v, x in (("a", good), ("b", weak), ("random", random))]
    return results(*made, **about)


class Table:
    rows = ("A", "B")

    def get(self, row, column):
        return Printed({"A": 20.0, "B": 5.0}[row], 1.0)


def test_scores_go_from_the_random_policy_to_the_best_printed_number():
    found = aggregates_of(two_tasks(), Table())
    assert found.scale.words == "0 is the random policy's mean, 1 the paper's best number on the task"
    a, b = found.scores
    assert (a.variant, a.n, a.iqm.value) == ("a", 10, pytest.approx(0.5))
    assert (b.iqm.value, b.gap.value) == (pytest.approx(0.25), pytest.approx(0.75))
    assert a.iqm.low < 0.5 < a.iqm.high
    assert [(p.variant, p.other, p.improvement.value) for p in found.pairs] == [("a", "b", 1.0)]
    assert [profile.variant for profile in found.profiles] == ["a", "b"]


def test_without_a_printed_number_the_bound_of_the_tasks_or_the_best_mean_is_one():
    bounded = tuple(TaskSpec(t, "m:make", t, published=t.upper(), best={"score": 40.0}) for t in ("t", "u"))
    found = aggregates_of(two_tasks(tasks=("t", "u")))
    assert found.scale.one == "the best mean measured here"
    assert found.scores[0].mean.value == pytest.approx(1.0)
    whole = two_tasks()
    whole = replace(whole, experiment=replace(whole.experiment, tasks=bounded))
    assert aggregates_of(whole).scale.ends == {"t": (0.0, 40.0), "u": (0.0, 40.0)}


def test_without_a_random_policy_several_tasks_have_no_scores_but_ranks():
    cells = [cell(v, x, t) for t in ("t", "u") for v, x in (("a", GOOD), ("b", WEAK))]
    found = aggregates_of(results(*cells))
    assert not found.scores
    assert "random policy is not measured on t, u at paper" in found.scale.refused
    assert found.pairs[0].improvement.value == 1.0
    alone = aggregates_of(results(*[c for c in cells if c.task == "t"]))
    assert alone.scores[0].iqm.value == 10.0
    assert alone.scores[0].gap is None


def test_nothing_better_than_random_is_no_scale():
    found = aggregates_of(two_tasks(random=[50.0] * 5), Table())
    assert "no level is better than a random policy on every task" in found.scale.refused
    assert "the paper's best number on the task (20 on t, 20 on u)" in found.scale.refused


def test_lower_may_be_better():
    found = aggregates_of(two_tasks(good=WEAK, weak=GOOD, random=[20.0] * 5, measure=ERROR))
    assert [(p.variant, p.other) for p in found.pairs] == [("a", "b")]
    assert found.scores[0].mean.value == pytest.approx(1.0)
    assert found.scores[1].mean.value == pytest.approx(2 / 3)


def test_few_runs_have_no_interval():
    found = aggregates_of(two_tasks(good=GOOD[:3], weak=WEAK[:3]))
    assert found.scores[0].iqm.why == "no interval below 5 runs a task (n = 3)"
    assert found.scores[0].iqm.low is None
    assert found.pairs[0].improvement.low is None
    assert found.profiles[0].low is None


def test_a_variant_without_a_task_is_left_out_and_named():
    cells = [cell(v, x, t) for t in ("t", "u") for v, x in (("a", GOOD), ("random", RANDOM))]
    found = aggregates_of(results(*cells, cell("b", WEAK, "t")))
    assert [s.variant for s in found.scores] == ["a"]
    assert found.notes == ("left out, without runs on u: b",)


def test_a_diverged_seed_counts_as_the_worst_value_of_the_task():
    broken = cell("a", GOOD, "t", diverged=(4,))
    found = aggregates_of(results(broken, cell("b", WEAK, "t"), cell("random", RANDOM, "t"), tasks=("t",)))
    assert min(Stratified({"t": [8.0, 9.0, 10.0, 11.0, -1.0]}).pooled) == -1.0
    ours = next(c for c in found.cells if c.variant == "a")
    assert ours.failed == (4,)
    assert ours.two_modes
    assert ours.mean == 9.5
    assert found.scores[0].n == 5
    assert found.scores[0].mean.value == pytest.approx((38 - 1) / 5 / 9.5)


def test_a_variant_whose_every_run_failed_is_not_left_out():
    """To leave it out would hide that it breaks; its rows of before count nowhere."""
    broken = cell("a", GOOD, "t", diverged=tuple(range(5)))
    others = [cell("a", GOOD, "u"), *(cell(v, x, t) for t in ("t", "u") for v, x in (("b", WEAK), ("random", RANDOM)))]
    found = aggregates_of(results(broken, *others), Table())
    a, b = found.scores
    assert (a.variant, a.n, b.variant, b.n) == ("a", 10, "b", 10)
    assert a.mean.value == pytest.approx((-0.05 + 0.5) / 2)  # -1 of 20 on t: the worst value there
    assert "every run of a on t failed, and counts as the worst value there" in found.notes
    nowhere = aggregates_of(results(broken, cell("a", GOOD, "u"), cell("b", WEAK, "u")))
    assert nowhere.tasks == ("u",)


def test_modes_that_differ_little_are_not_a_failure():
    sample = Sample({0: 9.0, 1: 9.99, 2: 9.99, 3: 9.991})
    assert spread_of(sample, True).failed == (0,)
    assert spread_of(sample, True, span=20.0).failed == ()
    assert spread_of(sample, True, span=5.0).failed == (0,)
    assert spread_of(Sample(sample.values, failed=(7,)), True, span=20.0).failed == (7,)


# ---- rows and text


def test_every_number_is_a_row_with_the_same_keys():
    rows = aggregates_of(two_tasks(), Table()).rows()
    assert {tuple(row) for row in rows} == {tuple(rows[0])}
    assert {row["kind"] for row in rows} == {"score", "profile", "pair", "effect", "cell"}
    (iqm,) = [row for row in rows if (row["statistic"], row["variant"]) == ("iqm", "a")]
    assert iqm["value"] == pytest.approx(0.5)
    assert iqm["note"] == "0 is the random policy's mean, 1 the paper's best number on the task"
    (reached,) = [r for r in rows if (r["statistic"], r["variant"], r["task"]) == ("reached", "a", "u")]
    assert (reached["level"], reached["value"], reached["note"]) == (10.0, 3, "score 0.5")
    censored = [r["note"] for r in rows if (r["statistic"], r["variant"]) == ("time_median", "b")]
    assert censored == ["score 0.5; censored: fewer than half of the runs reach it"] * 2


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("verbose", [False, True])
def test_the_text_keeps_to_the_width_and_says_how_scores_are_made(width, verbose):
    lines = aggregate_lines(aggregates_of(two_tasks(), Table()), width, verbose)
    assert max(map(len, lines)) <= width
    assert verbose or len(lines) <= 40
    text = " ".join(" ".join(lines).split())
    assert "Scores over 2 tasks: 0 is the random policy's mean, 1 the paper's best number on the task." in text
    assert ("Hedges' g" in text) == verbose


def test_the_text_names_what_is_refused():
    cells = [cell(v, x, t) for t in ("t", "u") for v, x in (("a", GOOD), ("b", WEAK))]
    text = " ".join(" ".join(aggregate_lines(aggregates_of(results(*cells)), 80)).split())
    assert "no scores over tasks: the random policy is not measured on t, u at paper" in text
    assert aggregate_lines(aggregates_of(results()), 80)[-1] == "nothing is measured"


def test_profiles_are_drawn_or_it_is_said_why_not(tmp_path):
    whole = two_tasks()
    paths, note = draw_profiles(whole, aggregates_of(whole, Table()), tmp_path)
    assert [path.name for path in paths] == ["w-x-profile.png", "w-x-profile.pdf"]
    first = [path.read_bytes() for path in paths]
    assert note == ""
    assert [path.read_bytes() for path in draw_profiles(whole, aggregates_of(whole, Table()), tmp_path)[0]] == first
    bare = results(*[cell(v, x, t) for t in ("t", "u") for v, x in (("a", GOOD), ("b", WEAK))])
    with pytest.raises(UsageError, match="no profile of w/x: the random policy is not measured on t, u at paper"):
        draw_profiles(bare, aggregates_of(bare), tmp_path)


def test_a_report_shows_the_profiles_of_several_tasks_only():
    whole = two_tasks()
    found = aggregates_of(whole, Table())
    picture = profile_picture(whole, found, "w-x")
    assert picture.svg.startswith("<svg")
    assert "share of runs above" in picture.svg
    assert "2 tasks pooled" in picture.said
    labels = [scores.label for scores in found.ranked]
    assert re.match(rf"best interquartile mean over 2 tasks: {labels[0]} \(.*\); next {labels[1]} \(", leaders(found))
    assert [s.iqm.value for s in found.ranked] == sorted((s.iqm.value for s in found.scores), reverse=True)
    one_task = results(*[cell(v, x, "t") for v, x in (("a", GOOD), ("b", WEAK))])
    assert profile_picture(one_task, aggregates_of(one_task), "w-x") is None
    assert leaders(aggregates_of(results())) == "nothing is measured"
