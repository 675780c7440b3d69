"""The Dask executor against made-up clusters: where it places blocks, and what it makes of a task's end."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import dataclass, field

import pytest

from svgbench.lab import dask_engine as module
from svgbench.lab.block import FAILED, FINISHED, GONE, STOPPED
from svgbench.lab.dask_cluster import Cluster, Worker
from svgbench.lab.dask_engine import Dask
from svgbench.lab.executor import Placement
from svgbench.lab.remote import examine, versions
from svgbench.words.errors import EngineLostError, UsageError

pytest.importorskip("distributed")


@dataclass
class Future:
    """A task; `outcome` is its result or its error."""

    worker: str
    resources: dict | None
    words: tuple
    status: str = "pending"
    outcome: object = None

    def result(self, timeout):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def exception(self):
        return self.outcome

    def cancel(self):
        self.status = "cancelled"

    def release(self):
        pass


@dataclass
class Client:
    status: str = "running"
    tasks: list[Future] = field(default_factory=list)

    def submit(self, function, *words, key, workers, resources, pure, retries):
        assert (pure, retries) == (False, 0)
        self.tasks.append(Future(*workers, resources, words))
        return self.tasks[-1]

    def run(self, function, *words, workers, on_error):
        assert function is examine
        return {address: function(*words) | self.seen.get(address, {}) for address in workers}

    seen: dict = field(default_factory=dict)


@pytest.fixture
def engine(tmp_path):
    """`engine(workers, jobs)`: an executor on a made-up cluster; `place(device)` submits a block."""

    def make(*workers, jobs=None):
        dask = Dask(jobs, "tcp://here")
        dask.connected = Cluster("tcp://here", Client())
        join(dask, *workers)
        return dask

    return make


def join(dask, *workers):
    dask.connected.workers = {one.address: one for one in workers}
    dask.connected.alive = frozenset(dask.connected.workers)


def place(dask, folder, device="cpu"):
    job = folder / "results" / "block" / "job-me.json"
    job.parent.mkdir(parents=True, exist_ok=True)
    job.write_text(json.dumps({"device": device}))
    return dask.submit(Placement(job, folder / "results", folder / "log", 1, 1))


def addresses(dask):
    return [task.worker for task in dask.connected.client.tasks]


def test_as_many_blocks_as_threads_or_jobs(engine):
    two = (Worker("a", "n1", 2), Worker("b", "n2", 3))
    assert engine(*two).slots == 5
    assert engine(*two, jobs=4).slots == 4
    assert engine(*two, jobs=9).slots == 5


def test_the_wait_for_workers_is_said_once(engine, capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    dask = engine()
    said = []
    for moment in (100.0, 104.0, 106.0, 120.0):
        now[0] = moment
        assert dask.slots == 0
        said.append(capsys.readouterr().err)
    assert said == ["", "", "waiting for workers at tcp://here\n", ""]
    join(dask, Worker("a", "n1", 1))
    assert dask.slots == 1
    join(dask)
    now[0] = 121.0
    assert (dask.slots, capsys.readouterr().err) == (0, "")


def test_each_block_goes_to_the_worker_with_most_room(engine, tmp_path):
    dask = engine(Worker("a", "n1", 2), Worker("b", "n2", 3))
    handles = [place(dask, tmp_path) for _ in range(5)]
    assert sorted(addresses(dask)) == ["a", "a", "b", "b", "b"]
    dask.connected.client.tasks[0].status, dask.connected.client.tasks[0].outcome = "finished", FINISHED
    assert handles[0].poll() == FINISHED
    place(dask, tmp_path)
    assert addresses(dask)[-1] == addresses(dask)[0]


def test_gpus_that_workers_declare(engine, tmp_path):
    dask = engine(Worker("a", "n1", 8, 2), Worker("b", "n2", 4))
    assert dask.slots == 12
    for _ in range(2):
        place(dask, tmp_path, "cuda")
    assert dask.slots == 2
    assert [task.words[2] for task in dask.connected.client.tasks] == ["cuda:0", "cuda:1"]
    assert {(task.worker, task.resources["GPU"]) for task in dask.connected.client.tasks} == {("a", 1)}


def test_gpus_that_nobody_declares(engine, tmp_path):
    dask = engine(Worker("a", "n1", 1))
    place(dask, tmp_path, "cuda")
    (task,) = dask.connected.client.tasks
    assert (task.words[2], task.resources) == ("cuda", None)


class KilledWorker(Exception):  # noqa: N818 as Dask calls it
    pass


@pytest.mark.parametrize(
    ("status", "outcome", "found"),
    [
        ("pending", None, None),
        ("finished", 5, 5),
        ("finished", ValueError("its result was lost"), GONE),
        ("error", KilledWorker(), GONE),
        ("error", OSError("the disk is full"), FAILED),
        ("cancelled", None, GONE),
        ("lost", None, GONE),
    ],
)
def test_how_a_task_ended(engine, tmp_path, status, outcome, found):
    dask = engine(Worker("a", "n1", 1))
    handle = place(dask, tmp_path)
    (task,) = dask.connected.client.tasks
    task.status, task.outcome = status, outcome
    assert handle.poll() == found
    folder = tmp_path / "results" / "block"
    assert bool(list(folder.glob("*.waiting"))) == (found is None), "a lost worker that lives may not start it any more"
    if found == FAILED:
        assert json.loads((folder / "error.json").read_text())["error"] == "worker a: OSError: the disk is full"


def test_a_worker_that_is_gone(engine, tmp_path):
    dask = engine(Worker("a", "n1", 1))
    handle = place(dask, tmp_path)
    join(dask)
    dask.connected.alive = frozenset("a")
    assert handle.poll() is None, "it takes no new tasks, but goes on with this one"
    dask.connected.alive = frozenset()
    dask.connected.client.status = "connecting"
    assert handle.poll() is None, "what is known of the workers is old"
    dask.connected.client.status = "running"
    assert handle.poll() == GONE


@pytest.mark.parametrize("started", [True, False])
def test_a_lost_worker_gets_nothing_until_it_is_seen_again(engine, tmp_path, started):
    first, second = Worker("a", "n1", 1), Worker("b", "n2", 1)
    dask = engine(first, second)
    handle = place(dask, tmp_path)
    assert not started or handle.ticket.take()
    (task,) = dask.connected.client.tasks
    task.status, task.outcome = "error", KilledWorker()
    assert (handle.poll(), handle.waits) == (GONE, not started)
    assert dask.slots == 1
    place(dask, tmp_path)
    assert addresses(dask)[-1] != addresses(dask)[0]
    join(dask, first, second)
    assert dask.slots == 2


def test_a_scheduler_that_is_gone(engine, tmp_path):
    dask = engine(Worker("a", "n1", 1))
    handle = place(dask, tmp_path)
    (task,) = dask.connected.client.tasks
    task.status = "cancelled"
    dask.connected.client.status = "connecting"
    assert handle.poll() is None
    dask.connected.client.status = "closed"
    for ask in (handle.poll, lambda: dask.slots):
        with pytest.raises(EngineLostError, match="the Dask scheduler at tcp://here is gone; the same command"):
            ask()
    handle.kill()
    assert handle.poll() == -signal.SIGKILL


def test_stop_and_kill(engine, tmp_path, monkeypatch):
    dask = engine(Worker("a", "n1", 3))
    queued, running, hung = (place(dask, tmp_path) for _ in range(3))
    assert running.ticket.take()
    assert hung.ticket.take()
    assert (queued.waits, running.waits) == (True, False)
    for one in (queued, running):
        one.stop()
    assert (queued.poll(), running.poll()) == (STOPPED, None), "the process reads the record"
    hung.kill()
    assert hung.ticket.is_revoked()
    assert hung.poll() is None, "its worker ends it"
    now = module.time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: now + 61.0)
    assert hung.poll() == -signal.SIGKILL, "a worker that does not answer is not waited for longer than a lease"


def seen(**changes):
    return {"host": "n1", "versions": versions(), "nonce": "", "answer": "", "error": "", "locked": True} | changes


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"versions": versions() | {"torch": "1.0"}}, "on n1 has torch 1.0; here is "),
        ({"error": "No such file or directory"}, "on n1 does not share {}: No such file or directory"),
        ({"nonce": "other"}, "on n1 does not share {}: it reads something else there"),
    ],
)
def test_workers_are_examined_before_the_first_block(engine, tmp_path, changes, line):
    dask = engine(Worker("a", "n1", 1), Worker("b", "n2", 1))
    dask.connected.client.seen = {"a": {"host": "n1", **changes}}
    with pytest.raises(UsageError, match="Dask worker a " + line.format(tmp_path / "results")):
        place(dask, tmp_path)
    assert not addresses(dask)
    assert not list((tmp_path / "results" / ".work").iterdir())


def test_later_workers_are_examined_too(engine, tmp_path, capsys):
    first = Worker("a", "n1", 1)
    dask = engine(first)
    place(dask, tmp_path)
    dask.connected.client.seen = {"b": {"error": "Permission denied"}}
    join(dask, first, Worker("b", "n2", 4), Worker("c", "n3", 1))
    assert [dask.slots, dask.slots] == [2, 2]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("Permission denied; it gets no blocks")


def test_a_later_worker_that_does_not_answer_ends_no_run(engine, tmp_path, capsys, monkeypatch):
    first = Worker("a", "n1", 1)
    dask = engine(first)
    place(dask, tmp_path)

    def ask(*_, workers):
        raise UsageError("not every worker answers")

    monkeypatch.setattr(dask.connected, "ask", ask)
    join(dask, first, Worker("b", "n2", 4))
    assert [dask.slots, dask.slots] == [1, 1]
    assert capsys.readouterr().err == "not every worker answers: b; it gets no blocks\n"


def test_locks_that_a_worker_does_not_see_are_said(engine, tmp_path, capsys):
    dask = engine(Worker("a", "n1", 1))
    dask.connected.client.seen = {"a": {"host": "n1", "locked": False}}
    place(dask, tmp_path)
    assert capsys.readouterr().err.startswith("n1 does not see the locks of ")


@pytest.mark.parametrize(
    ("hosts", "places"),
    [("xyx", [("x", "0"), ("y", "1")]), ("xxx", [("x", "0"), ("x", "1")]), ("x", [("x", "0")]), ("", [])],
)
def test_workers_to_test_against_each_other(engine, hosts, places):
    dask = engine(*(Worker(str(index), host, 1) for index, host in enumerate(hosts)))
    assert dask.places() == places


def test_dask_without_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"distributed is not installed; pip install 'svgbench\[dask\]'"):
        Dask(1, "tcp://here")
