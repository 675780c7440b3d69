"""The remaining time is right within a factor of two after a tenth of the time, on traces of many shapes."""

from __future__ import annotations

import random

import pytest

from svgbench.lab.eta import LONGEST_TRACE, Forecast, Pace, Work, duration, makespan, pace_of


def trace_of(costs, units=10, start=7.0):
    """Points of a block whose slices of so many units cost so many seconds each."""
    points, now, done = [], start, 0
    for cost in costs:
        now, done = now + cost, done + units
        points.append((now, done))
    return points


def noisy(costs, seed=0, share=0.3):
    draw = random.Random(seed)
    return [cost * draw.uniform(1 - share, 1 + share) for cost in costs]


def every(n, base, burst, count=200):
    """Slices of which every n-th holds an evaluation."""
    return [base + (burst if i % n == n - 1 else 0.0) for i in range(count)]


SHAPES = {
    "constant": [1.0] * 200,
    "noise": noisy([1.0] * 200, share=0.8),
    "a warm-up of a tenth": [0.01] * 20 + [1.0] * 180,
    "a warm-up of a third": noisy([0.05] * 66 + [1.0] * 134),
    "a dear beginning": [10.0] + [1.0] * 199,
    "small evaluations": every(10, 1.0, 3.0),
    "evaluations that cost more than training": every(20, 1.0, 40.0),
    "rare ones, after a warm-up": [0.01] * 20 + every(15, 1.0, 10.0, 180),
    "few slices": [60.0] * 20,
    "checkpoints": every(7, 1.0, 0.15),
    "slowly dearer": [1.0 + i / 200 for i in range(200)],
    "updates that cost four times the sampling": every(5, 1.0, 20.0),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_rest_of_a_block_is_right_within_a_factor_of_two(shape):
    costs = SHAPES[shape]
    points = trace_of(costs)
    begun, end = points[0][0] - costs[0], points[-1][0]
    forecast = Forecast({"block": "kind"}, 1)
    forecast.started("block", begun)
    checked = 0
    for now, done in points:
        forecast.progressed("block", now, done, 10 * len(costs))
        truth, told = end - now, forecast.of("block", now)
        if now - begun >= 0.1 * (end - begun) and truth > 0.02 * (end - begun):
            assert truth / 2 <= told <= truth * 2, (now - begun, truth, told)
            checked += 1
    assert checked >= 10


def test_what_the_plain_mean_would_say_after_a_warm_up():
    """The reason for leaving a cheap beginning out: the mean over everything is wrong by more than two."""
    points = trace_of([0.01] * 20 + [1.0] * 6)
    everything = (points[-1][0] - points[0][0]) / (points[-1][1] - points[0][1])
    assert everything < 0.1 / 2
    assert pace_of(points).mean == pytest.approx(0.1, rel=0.05)


def test_nothing_is_known_without_progress():
    assert pace_of([]) is None
    assert pace_of([(1.0, 5)]) is None
    assert pace_of([(1.0, 5), (9.0, 5)]) is None
    forecast = Forecast({"a": "kind"}, 1)
    assert forecast.whole(0.0) is None
    forecast.started("a", 0.0)
    assert forecast.of("a", 3.0) is None


def test_time_without_progress_counts():
    assert pace_of([(0.0, 0), (5.0, 0), (10.0, 10)]) == Pace(1.0)


def test_a_burst_that_does_not_come_again():
    costs = [1.0, 30.0] + [1.0] * 8
    assert pace_of(trace_of(costs[:4])).mean > 0.3, "it may come again"
    pace = pace_of(trace_of(costs))
    assert (pace.mean, pace.once) == pytest.approx((0.1, 29.0))


def test_bursts_in_a_crowd_have_no_short_period():
    """Two slices of one unit with an evaluation each, among slices of a hundred: a real trace."""
    trace = [(3.06, 1), (3.52, 101), (4.19, 201), (4.65, 202), (4.7, 203), (5.78, 453), (6.03, 503), (7.91, 753)]
    assert pace_of(trace).rest(753, 804) < 1.0
    assert pace_of(trace[:6]).rest(453, 804) < 4.0


def test_bursts_have_a_size_and_a_period():
    pace = pace_of(trace_of(every(20, 1.0, 40.0, 70)))
    assert (pace.base, pace.burst, pace.period, pace.burst_at) == pytest.approx((0.1, 40.0, 200.0, 600))
    assert pace.rest(790, 800) == pytest.approx(41.0), "the last slice has an evaluation in it"
    assert pace.mean == pytest.approx(0.3)


def test_the_time_since_the_last_report_is_gone():
    forecast = Forecast({"a": "kind"}, 1)
    forecast.started("a", 0.0)
    for now, done in ((10.0, 1), (20.0, 2)):
        forecast.progressed("a", now, done, 10)
    assert [forecast.of("a", now) for now in (20.0, 27.0, 500.0)] == [80.0, 73.0, 0.0]


def test_a_resumed_block_counts_from_where_it_goes_on():
    """A first process was slow; the checkpoint lies before its last report; the second one is fast."""
    forecast = Forecast({"a": "kind"}, 1)
    forecast.started("a", 0.0)
    for now, done in trace_of([100.0] * 5):
        forecast.progressed("a", now, done, 1000)
    forecast.started("a", 1000.0)
    for now, done in ((1010.0, 40), (1011.0, 50), (1012.0, 60)):
        forecast.progressed("a", now, done, 1000)
    assert forecast.of("a", 1012.0) == pytest.approx(94.0)
    forecast.progressed("a", 1020.0, 30, 1000)
    assert forecast.of("a", 1020.0) is None, "it fell back: nothing is known yet"


@pytest.mark.parametrize(
    ("running", "waiting", "slots", "seconds"),
    [
        ([], [], 2, 0.0),
        ([5.0], [], 2, 5.0),
        ([5.0, 9.0], [4.0], 2, 9.0),
        ([5.0, 9.0], [4.0, 1.0, 6.0], 2, 15.0),
        ([], [3.0, 3.0, 3.0], 2, 6.0),
        ([1.0, 2.0, 3.0], [1.0], 1, 3.0),
    ],
)
def test_blocks_wait_for_free_slots(running, waiting, slots, seconds):
    assert makespan(map(Work, running), map(Work, waiting), slots) == seconds


@pytest.mark.parametrize(
    ("running", "waiting", "slots", "seconds"),
    [
        ([], [Work(5.0, 2), Work(3.0), Work(4.0)], 2, 9.0),  # alone, and then two beside each other
        ([Work(2.0)], [Work(5.0, 2), Work(3.0), Work(4.0)], 2, 11.0),  # they pass it: 0 to 3 and 2 to 6
        ([], [Work(5.0, 2), Work(5.0, 2), Work(3.0)], 3, 10.0),
    ],
)
def test_a_wide_block_waits_for_its_slots_and_is_passed_meanwhile(running, waiting, slots, seconds):
    assert makespan(running, waiting, slots) == seconds


def simulate(costs_of, kinds, slots, prior=None, start=2.0):
    """Run blocks with known slices through a forecast; yields (now, what it says of the whole), and the end at last."""
    clock, events, order = [0.0] * slots, [], list(kinds)
    for key in order:
        slot = min(range(slots), key=clock.__getitem__)
        now = clock[slot]
        events.append((now, "started", key, 0))
        points = trace_of(costs_of[key], start=now + start)
        events += [(t, "progressed", key, done) for t, done in points]
        clock[slot] = points[-1][0]
        events.append((clock[slot], "ended", key, 0))
    forecast = Forecast(kinds, slots, prior)
    told = []
    for now, what, key, done in sorted(events, key=lambda e: e[0]):
        if what == "started":
            forecast.started(key, now)
        elif what == "progressed":
            forecast.progressed(key, now, done, 10 * len(costs_of[key]))
        else:
            forecast.ended(key, now, finished=True)
        told.append((now, forecast.whole(now)))
    return told, max(clock)


TWO_KINDS = {f"slow-{i}": "slow" for i in range(3)} | {f"fast-{i}": "fast" for i in range(6)}
COSTS = {key: noisy([4.0 if kind == "slow" else 1.0] * 50, seed=i) for i, (key, kind) in enumerate(TWO_KINDS.items())}


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_a_run_of_two_kinds_with_a_plan_before_it(slots):
    """The plan's seconds are those of an idle machine: here everything takes half as long again."""
    prior = {"slow": 4.0 * 50 / 1.5, "fast": 50 / 1.5}
    told, end = simulate(COSTS, TWO_KINDS, slots, prior)
    for now, seconds in told:
        if 0.1 * end <= now <= 0.98 * end:
            assert (end - now) / 2 <= seconds <= (end - now) * 2, (now, end - now, seconds)


def test_a_run_of_one_kind_without_a_plan():
    kinds = dict.fromkeys(range(8), "kind")
    told, end = simulate({i: noisy([1.0] * 40, seed=i) for i in kinds}, kinds, 2)
    for now, seconds in told:
        if 0.1 * end <= now <= 0.98 * end:
            assert (end - now) / 2 <= seconds <= (end - now) * 2, (now, end - now, seconds)


def test_short_blocks_cost_their_start():
    """Blocks of one slice, whose processes take ten times as long to start: nothing but the start can be seen."""
    kinds = dict.fromkeys(range(20), "kind")
    told, end = simulate({i: [1.0] for i in kinds}, kinds, 2, start=10.0)
    for now, seconds in told:
        if 0.15 * end <= now <= 0.9 * end:
            assert (end - now) / 2 <= seconds <= (end - now) * 2


def test_blocks_that_begin_short_may_become_longer():
    """A learner knows the largest factor; its square root is the safest guess."""
    forecast = Forecast({"a": "kind"}, 1)
    forecast.started("a", 0.0)
    for now, done in trace_of([1.0] * 5, start=0.0):
        forecast.progressed("a", now, done, 100, outlook=4.0)
    assert forecast.of("a", 5.0) == pytest.approx(2 * 5.0)


def test_the_first_slices_of_a_block_are_held_against_others_of_its_kind():
    """A model is fitted first: nothing else is so slow, and no new block makes the whole look ten times as long."""
    kinds = dict.fromkeys(range(12), "kind")
    told, end = simulate({i: noisy([0.1, 5.0] + [0.1] * 60, seed=i) for i in kinds}, kinds, 2)
    for now, seconds in told:
        if 0.15 * end <= now <= 0.95 * end:
            assert (end - now) / 2 <= seconds <= (end - now) * 2, (now, end - now, seconds)


def test_a_finished_block_reports_its_own_time():
    """Its last reports may never be read. For a resumed block, the time before is added."""
    for first, whole in ((1, 6.0), (50, 11.0)):
        forecast = Forecast({"a": "kind", "b": "kind"}, 1)
        forecast.started("a", 0.0)
        forecast.progressed("a", 1.0, first, 100)
        forecast.progressed("a", 3.0, first + 1, 100)
        forecast.ended("a", 6.0, finished=True)
        assert forecast.whole(6.0) == whole


def test_failed_and_postponed_blocks():
    forecast = Forecast({"a": "kind", "b": "kind"}, 1, {"kind": 50.0})
    forecast.started("a", 0.0)
    forecast.ended("a", 1.0, finished=False)
    assert forecast.whole(1.0) == 50.0, "a failure says nothing of the time that a block takes"
    forecast.started("b", 1.0)
    forecast.postponed("b")
    assert forecast.whole(2.0) == 50.0
    forecast.started("b", 2.0)
    forecast.ended("b", 52.0, finished=True)
    assert forecast.whole(52.0) == 0.0


def test_a_long_trace_stays_short():
    forecast = Forecast({"a": "kind"}, 1)
    forecast.started("a", 0.0)
    for i in range(20_000):
        forecast.progressed("a", float(i), i, 100_000)
    assert len(forecast.running["a"].trace) <= LONGEST_TRACE
    assert forecast.of("a", 19_999.0) == pytest.approx(80_001.0)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (75, "75 s"), (600, "10 min"), (5400, "1.5 h"), (3 * 86400, "3 days")]
)
def test_durations_in_words(seconds, words):
    assert duration(seconds) == words
