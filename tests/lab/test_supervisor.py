"""The supervisor against an executor that follows a script, on a clock that only it moves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import pytest
from harness import cell_of, deliver_made_up

from svgbench.lab import merging
from svgbench.lab import supervisor as module
from svgbench.lab.block import BUSY, FAILED, FINISHED, GONE, STOPPED, UNBUILT
from svgbench.lab.cells import block_from_job, blocks
from svgbench.lab.delivery import collect
from svgbench.lab.files import locked, take
from svgbench.lab.runner import rotated
from svgbench.lab.slots import Cores
from svgbench.lab.store import Store
from svgbench.lab.supervisor import Supervisor
from svgbench.words.errors import UsageError


class Clock:
    now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        assert self.now < 10_000, "the supervisor never comes to an end"


@dataclass
class Handle:
    """A process that ends with `status` after `seconds`, or a second after it was asked to stop. One that finishes
    has delivered its rows."""

    clock: Clock
    status: int
    seconds: float
    deliver: Callable[[], None]
    waits: bool = False  # in the queue of its engine
    ends: float = 0.0
    delivered: bool = False
    was_killed: bool = False
    stops: int = 0

    def __post_init__(self):
        self.ends = self.clock.now + self.seconds

    def poll(self):
        if self.clock.now < self.ends:
            return None
        if self.status == FINISHED and not self.delivered:
            self.delivered = True
            self.deliver()
        return self.status

    def stop(self):
        self.stops += 1
        if self.poll() is None:
            self.status, self.ends = STOPPED, self.clock.now + 1.0

    def kill(self):
        if self.poll() is None:
            self.was_killed = True
            self.status, self.ends = -9, self.clock.now


@dataclass
class Scripted:
    """An executor: for each block, the (status, seconds) of its processes in turn."""

    clock: Clock
    script: dict[int, list[tuple[int, float]]]
    slots: int = 2
    placed: list[tuple[int, int]] = field(default_factory=list)  # block, attempt
    handles: list[Handle] = field(default_factory=list)
    most_at_once: int = 0
    threads: list[int] = field(default_factory=list)

    def submit(self, placement):
        job = json.loads(placement.job.read_bytes())
        self.placed.append((job["block"], placement.attempt))
        assert placement.threads == job["threads"]
        self.threads.append(placement.threads)
        deliver = partial(deliver_made_up, Store(placement.results), block_from_job(job))
        handle = Handle(self.clock, *self.script[job["block"]].pop(0), deliver)
        self.handles.append(handle)
        self.most_at_once = max(self.most_at_once, sum(h.poll() is None for h in self.handles))
        return handle


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(merging, "time", clock)
    return clock


@pytest.fixture
def cell():
    return cell_of(seeds=8)  # four blocks of two


@pytest.fixture
def supervise(tmp_path, clock, cell):
    def run(script, slots=2, deadline=None, at=(), count=4, own=None):
        executor = run.executor = Scripted(clock, script, slots)
        events = []
        one = Supervisor(
            Store(tmp_path), executor, lambda event, block, text: events.append((event, block.index, text))
        )
        moments = list(at)
        real = clock.sleep

        def sleep(seconds):
            real(seconds)
            if moments and clock.now >= moments[0][0]:
                moments.pop(0)[1](one)

        clock.sleep = sleep
        outcome = one.run(own or blocks(cell, cell.seeds)[:count], deadline)
        return outcome, executor, events

    return run


def indices(found):
    return [block.index for block in found]


def test_every_block_once_and_no_more_at_once_than_slots(supervise):
    outcome, executor, events = supervise({i: [(FINISHED, 1.0 + i)] for i in range(4)})
    assert sorted(indices(outcome.finished)) == [0, 1, 2, 3]
    assert executor.placed == [(0, 1), (1, 1), (2, 1), (3, 1)]
    assert executor.most_at_once == 2
    assert [name for name, *_ in events].count("started") == 4
    assert not outcome.failures
    assert not outcome.unfinished


@pytest.mark.parametrize(
    ("slots", "order", "seconds"),
    [
        (Cores(2), [(1, 0), (1, 1), (2, 0), (1, 2)], 17.0),  # one passes the wide one, which then has both cores
        (2, [(1, 0), (2, 0), (1, 1), (1, 2)], 14.0),  # a requested number of blocks, whatever their threads
    ],
)
def test_a_block_of_two_threads_takes_two_cores_and_the_others_one(supervise, clock, slots, order, seconds):
    wide, narrow = replace(cell_of(seeds=2, variant="still"), threads=2), cell_of(seeds=6)
    first, *rest = blocks(narrow, narrow.seeds)
    found = [first, *blocks(wide, wide.seeds), *rest]
    outcome, executor, _ = supervise({i: [(FINISHED, 5.0), (FINISHED, 5.0)] for i in range(3)}, slots, own=found)
    assert len(outcome.finished) == 4
    assert executor.threads == [threads for threads, _ in order]
    assert [block for block, _ in executor.placed] == [block for _, block in order]
    assert executor.most_at_once == 2
    assert seconds - 4.0 <= clock.now <= seconds


def test_a_failure_is_tried_once_more_and_then_recorded(supervise, cell, tmp_path):
    outcome, executor, events = supervise({0: [(FAILED, 1.0), (-11, 1.0)], 1: [(-9, 1.0), (FINISHED, 1.0)]}, count=2)
    assert sorted(executor.placed) == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert indices(outcome.finished) == [1]
    (failure,) = outcome.failures
    assert failure.block.index == 0
    assert failure.error == "ended by signal 11"
    assert failure.log == Store(tmp_path).log_path(failure.block)
    state = Store(tmp_path).state(cell)
    assert state.failed == {0: "ended by signal 11", 1: "ended by signal 11"}
    assert ("failed", 0, failure.error) in events


def test_a_block_that_cannot_be_built_is_not_tried_again(supervise, cell, tmp_path):
    outcome, executor, events = supervise({0: [(UNBUILT, 1.0)], 1: [(FAILED, 1.0), (UNBUILT, 1.0)]}, count=2)
    assert sorted(executor.placed) == [(0, 1), (1, 1), (1, 2)]
    assert indices(outcome.finished) == []
    assert [name for name, index, _ in events if index == 0] == ["started", "failed"]
    seeds = Store(tmp_path).meta(cell)["seeds"]
    assert {seed: entry["attempts"] for seed, entry in seeds.items()} == {"0": 1, "1": 1, "2": 2, "3": 2}


def test_the_error_that_the_block_noted_is_the_one_that_is_told(supervise, cell, tmp_path):
    """Not the error of an earlier attempt."""
    path = Store(tmp_path).block_work(blocks(cell, cell.seeds)[0]) / "error.json"

    def note(text):
        return lambda _: path.write_text(json.dumps({"error": text}))

    script = {0: [(FAILED, 1.0), (FAILED, 1.0)]}
    outcome, *_ = supervise(script, count=1, at=[(0.5, note("early")), (1.6, note("late"))])
    assert outcome.failures[0].error == "late"
    script = {0: [(FAILED, 1.0), (FAILED, 1.0)]}
    outcome, *_ = supervise(script, count=1)
    assert outcome.failures[0].error == "exit status 1"


def test_a_busy_block_is_looked_at_again_and_costs_no_attempt(supervise):
    script = {0: [(BUSY, 0.1)] * 5 + [(FAILED, 1.0), (FINISHED, 1.0)], 1: [(FINISHED, 1.0)]}
    outcome, executor, events = supervise(script, slots=1, count=2)
    assert sorted(indices(outcome.finished)) == [0, 1]
    assert executor.placed.count((0, 1)) == 6
    assert executor.placed.count((0, 2)) == 1
    assert executor.placed.index((1, 1)) == 1, "others do not wait for it"
    assert [name for name, *_ in events].count("waiting") == 1, "said once, not every second"


def note_progress(tmp_path, cell, done):
    path = Store(tmp_path).block_work(blocks(cell, cell.seeds)[0]) / "progress.json"
    return lambda _: path.write_text(json.dumps({"done": done, "total": 9, "diverged": 0, "seconds": done}))


def test_lost_workers_cost_no_attempt_while_the_block_gets_further(supervise, cell, tmp_path):
    script = {0: [(GONE, 1.0)] * 8 + [(FAILED, 1.0), (FINISHED, 1.0)]}
    at = [(0.5 + n, note_progress(tmp_path, cell, n)) for n in range(8)]
    outcome, executor, _ = supervise(script, count=1, at=at)
    assert executor.placed == [(0, 1)] * 9 + [(0, 2)]
    assert indices(outcome.finished) == [0]


def test_a_block_that_loses_one_worker_after_the_other_has_failed(supervise, cell, tmp_path):
    """Its process reports again what it had done before, so it gets no further."""
    script = {0: [(GONE, 1.0)] * 5, 1: [(FINISHED, 1.0)]}
    at = [(0.5 + n, note_progress(tmp_path, cell, 3)) for n in range(5)]
    outcome, executor, _ = supervise(script, count=2, at=at)
    assert executor.placed.count((0, 1)) == 4
    assert executor.placed.count((0, 2)) == 1
    (failure,) = outcome.failures
    assert failure.error == "lost 5 workers in turn without getting further"
    assert failure.log == Store(tmp_path).log_path(failure.block)
    assert indices(outcome.finished) == [1]


def test_a_worker_that_is_lost_before_it_starts_the_block_is_no_loss(supervise, monkeypatch):
    monkeypatch.setattr(Handle, "waits", property(lambda self: self.status == GONE, lambda *_: None))
    script = {0: [(GONE, 1.0)] * 9 + [(FINISHED, 1.0)]}
    outcome, executor, _ = supervise(script, count=1)
    assert executor.placed == [(0, 1)] * 10
    assert indices(outcome.finished) == [0]


def test_waiting_in_the_queue_of_an_engine_is_no_hang(supervise, monkeypatch):
    monkeypatch.setenv(module.HANG_SECONDS, "20")

    def waits(whether):
        return lambda _: setattr(supervise.executor.handles[-1], "waits", whether)

    script = {0: [(FINISHED, 200.0), (FINISHED, 5.0)]}
    outcome, executor, _ = supervise(script, count=1, at=[(0.0, waits(True)), (100.0, waits(False))])
    assert executor.placed == [(0, 1), (0, 2)]
    assert 120.0 <= executor.handles[0].ends < 121.0, "twenty seconds after it was started"
    assert indices(outcome.finished) == [0]


def test_a_worker_that_is_lost_with_a_block_that_hangs_is_an_attempt(supervise, monkeypatch):
    monkeypatch.setenv(module.HANG_SECONDS, "20")
    script = {0: [(FINISHED, 200.0)] * 2}

    def kill(handle):
        handle.status, handle.ends = GONE, handle.clock.now

    monkeypatch.setattr(Handle, "kill", kill)
    outcome, executor, _ = supervise(script, count=1)
    assert executor.placed == [(0, 1), (0, 2)]
    assert outcome.failures[0].error == "no progress for 20 s"


def test_a_block_of_another_run_is_not_placed(supervise, cell, tmp_path, clock):
    store, block = Store(tmp_path), blocks(cell, cell.seeds)[0]
    lock = locked(store.block_lock(block))
    lock.__enter__()
    outcome, executor, events = supervise(
        {0: [(FINISHED, 1.0)], 1: [(FINISHED, 1.0)]},
        count=2,
        at=[(30.0, lambda _: lock.__exit__(None, None, None))],
    )
    assert executor.placed == [(1, 1), (0, 1)]
    assert clock.now > 30.0
    assert indices(outcome.finished) == [1, 0]
    assert [name for name, *_ in events].count("waiting") == 1


def test_blocks_that_are_delivered_or_stored_are_not_started(supervise, cell, tmp_path):
    """A dead supervisor's block has delivered, another run has stored a second one, and a third one was planned."""
    store, (first, second, *_) = Store(tmp_path), blocks(cell, cell.seeds)
    deliver_made_up(store, second)
    collect(store, cell)
    deliver_made_up(store, first)
    outcome, executor, events = supervise({2: [(FINISHED, 1.0)], 3: [(FINISHED, 1.0)]})
    assert executor.placed == [(2, 1), (3, 1)]
    assert sorted(indices(outcome.finished)) == [0, 1, 2, 3]
    assert [name for name, *_ in events].count("finished") == 4
    assert store.state(cell, thorough=True).usable == cell.seeds


def test_a_block_that_another_supervisor_has_placed_is_left_to_it(supervise, cell, tmp_path):
    """Its process may not have the block's lock yet."""
    store, (first, *_) = Store(tmp_path), blocks(cell, cell.seeds)
    held = take(store.placed_lock(first), "node7-123-abc")
    script = {0: [(FINISHED, 1.0)], 1: [(FINISHED, 1.0)]}
    outcome, executor, events = supervise(script, count=2, at=[(9.0, lambda _: held.release())])
    assert executor.placed == [(1, 1), (0, 1)]
    assert sorted(indices(outcome.finished)) == [0, 1]
    assert ("waiting", 0, "node7-123-abc runs it") in events


def test_a_delivery_of_another_supervisor_ends_the_wait(supervise, cell, tmp_path):
    store, (first, *_) = Store(tmp_path), blocks(cell, cell.seeds)
    held = take(store.placed_lock(first), "node7-123-abc")

    def end(_):
        deliver_made_up(store, first)
        held.release()

    outcome, executor, _ = supervise({1: [(FINISHED, 1.0)]}, count=2, at=[(9.0, end)])
    assert executor.placed == [(1, 1)]
    assert sorted(indices(outcome.finished)) == [0, 1]


def test_the_order_of_blocks_is_another_for_each_supervisor_beside_others(cell):
    several = blocks(cell, cell.seeds)
    assert rotated(several, "a", ()) == several
    orders = [rotated(several, name, ("b",)) for name in "cdefghijklmnop"]
    assert {order[0].index for order in orders} == {0, 1, 2, 3}
    for order in orders:
        assert set(order) == set(several)


def test_one_stop_asks_and_leaves_the_rest_unplaced(supervise):
    outcome, executor, events = supervise({i: [(FINISHED, 100.0)] for i in range(4)}, at=[(5.0, Supervisor.stop)])
    assert executor.placed == [(0, 1), (1, 1)]
    assert [h.stops for h in executor.handles] == [1, 1]
    assert not any(h.was_killed for h in executor.handles)
    assert sorted(indices(outcome.unfinished)) == [0, 1, 2, 3]
    assert [name for name, *_ in events].count("stopped") == 2
    assert not outcome.failures


def test_a_second_stop_kills(supervise, clock):
    stop_twice = [(5.0, Supervisor.stop), (5.2, Supervisor.stop)]
    outcome, executor, _ = supervise({i: [(FINISHED, 100.0)] for i in range(4)}, at=stop_twice)
    assert all(h.was_killed for h in executor.handles)
    assert clock.now < 5.5
    assert sorted(indices(outcome.unfinished)) == [0, 1, 2, 3]
    assert not outcome.failures, "a killed block has not failed"


def test_a_deadline_is_a_stop(supervise):
    outcome, executor, _ = supervise({i: [(FINISHED, 8.0)] for i in range(4)}, deadline=10.0)
    assert indices(outcome.finished) == [0, 1]
    assert [h.stops for h in executor.handles] == [0, 0, 1, 1]
    assert indices(outcome.unfinished) == [2, 3]


def test_a_block_without_progress_is_ended_and_tried_again(supervise, cell, tmp_path, monkeypatch):
    monkeypatch.setenv(module.HANG_SECONDS, "20")
    path = Store(tmp_path).block_work(blocks(cell, cell.seeds)[0]) / "progress.json"

    def progress(n):
        return lambda _: path.write_text(json.dumps({"done": n, "total": 9, "diverged": 0, "seconds": n}))

    script = {0: [(FINISHED, 1000.0), (FINISHED, 30.0)]}
    outcome, executor, events = supervise(script, count=1, at=[(float(t), progress(t)) for t in (15, 30, 45, 70, 80)])
    assert executor.placed == [(0, 1), (0, 2)]
    assert executor.handles[0].was_killed
    assert 65.0 <= executor.handles[0].ends < 66.0, "twenty seconds after its last progress"
    assert not executor.handles[1].was_killed
    assert indices(outcome.finished) == [0]
    assert [text for name, _, text in events if name == "progress"]


def test_an_error_of_the_supervisor_itself_leaves_no_process(supervise):
    def fall(_):
        raise OSError(28, "No space left on device", "somewhere")

    with pytest.raises(OSError, match="No space left"):
        supervise({i: [(FINISHED, 100.0)] for i in range(4)}, at=[(5.0, fall)])
    assert [handle.was_killed for handle in supervise.executor.handles] == [True, True]


def test_a_failure_that_cannot_be_recorded_is_still_told(supervise, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "cell.json")

    monkeypatch.setattr(Store, "record_failure", full)
    outcome, _, events = supervise({0: [(FAILED, 1.0)] * 2}, count=1)
    assert len(outcome.failures) == 1
    assert any("could not be recorded" in text and "cell.json" in text for _, _, text in events)


def test_a_block_whose_job_cannot_be_written_fails_alone(supervise, cell, tmp_path):
    """As on a full disk: the folder's place is taken by a file, so that even root cannot make it."""
    store = Store(tmp_path)
    place = store.block_work(blocks(cell, cell.seeds)[0])
    place.parent.mkdir(parents=True)
    place.write_text("in the way")
    outcome, executor, _ = supervise({1: [(FINISHED, 1.0)]}, count=2)
    assert indices(outcome.finished) == [1]
    (failure,) = outcome.failures
    assert failure.block.index == 0
    assert failure.log is None
    assert str(place) in failure.error
    assert executor.placed == [(1, 1)]


@pytest.mark.parametrize("variable", ["SVGBENCH_HANG_SECONDS", "SVGBENCH_CHECKPOINT_SECONDS"])
@pytest.mark.parametrize("text", ["nan", "-1", "1e400", "soon"])
def test_seconds_that_are_none_are_refused_before_a_block_starts(supervise, monkeypatch, tmp_path, variable, text):
    monkeypatch.setenv(variable, text)
    with pytest.raises(UsageError, match=f"{variable}={text}: expected seconds, 0 or more"):
        supervise({0: [(FINISHED, 1.0)]}, count=1)
    assert not list(tmp_path.iterdir())
