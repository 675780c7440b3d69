"""Records of supervisors, and what others conclude from them."""

from __future__ import annotations

import json

import pytest
from harness import wait_until

from svgbench.lab import attendance as module
from svgbench.lab import lease as leases
from svgbench.lab.attendance import Attendance, at_work
from svgbench.lab.files import NoLocksError, is_locked, locked, take
from svgbench.lab.lease import Lease, read_record
from svgbench.lab.store import Store
from svgbench.words.errors import BusyError, UsageError

RECORD = {"host": "node1", "pid": 7, "lease": 60.0, "counter": 1, "stop": 0, "locks": True, "ready": True}


class Clock:
    now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(leases, "time", clock)
    return clock


def write(path, **changes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(RECORD | changes))


def test_a_lease_lasts_while_the_counter_grows(tmp_path, clock):
    path = tmp_path / "record.json"
    write(path)
    lease = Lease(path, changed=0.0)
    assert lease.look()
    clock.now = 50.0
    write(path, counter=2)
    assert lease.look()
    clock.now = 110.0
    assert lease.look(), "sixty seconds after the last change that this clock saw"
    clock.now = 110.1
    assert not lease.look()


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}"])
def test_a_record_that_cannot_be_read_stands_still(tmp_path, clock, text):
    path = tmp_path / "record.json"
    write(path, lease=20.0)
    lease = Lease(path, changed=0.0)
    assert lease.look()
    path.unlink() if text is None else path.write_text(text)
    clock.now = 20.0
    assert lease.look()
    clock.now = 20.1
    assert not lease.look()


def test_a_record_is_there_while_its_supervisor_works(store, monkeypatch):
    monkeypatch.setenv("SVGBENCH_LEASE_SECONDS", "0.3")
    with Attendance(store) as here:
        first = read_record(here.record)
        assert (first["locks"], first["ready"], first["lease"]) == (True, True, 0.3)
        wait_until(lambda: read_record(here.record)["counter"] > first["counter"] + 2, "beats")
        here.ask_to_stop(1)
        assert read_record(here.record)["stop"] == 1
        assert is_locked(here.record.with_suffix(".lock"))
        with Attendance(store) as second:
            assert second.others == (here.name,)
            assert second.name != here.name
    assert not list(here.record.parent.iterdir())


@pytest.mark.parametrize("text", ["0", "-1", "nan", "soon"])
def test_a_lease_that_is_none_is_refused(store, monkeypatch, text):
    monkeypatch.setenv("SVGBENCH_LEASE_SECONDS", text)
    with pytest.raises(UsageError, match=f"SVGBENCH_LEASE_SECONDS={text}: expected seconds"):
        Attendance(store)
    assert not store.work.exists()


def test_what_a_dead_one_left_on_this_machine_is_removed_at_once(store, clock):
    path = store.work / "supervisors" / "gone.json"
    write(path, host=module.host())
    path.with_suffix(".lock").touch()
    stray = path.with_name(f".{path.name}.x.tmp")
    stray.touch()
    with Attendance(store) as here:
        assert here.others == ()
        assert clock.now == 0.0, "the lock says it: nothing to wait for"
        assert sorted(one.name for one in path.parent.iterdir()) == [f"{here.name}.json", f"{here.name}.lock"]


def test_one_of_another_machine_is_watched_for_two_beats(store, clock):
    path, said = store.work / "supervisors" / "node1-7-abc.json", []
    write(path)
    assert at_work(store) == []
    with Attendance(store, said.append):
        assert 20.0 <= clock.now - 20.0 < 21.0, "twenty seconds by `at_work` and by the supervisor"
        assert not path.exists()
    assert said == ["looking for 20 s whether node1-7-abc is still at work here"]


def beating(monkeypatch, clock, path, **record):
    """The record changes as the clock moves."""
    sleep = clock.sleep

    def slept(seconds):
        sleep(seconds)
        write(path, counter=int(clock.now * 1000), **record)

    monkeypatch.setattr(clock, "sleep", slept)


def test_a_free_lock_of_a_supervisor_at_work_shows_that_locks_do_not_exclude(store, clock, monkeypatch):
    path = store.work / "supervisors" / "node1-7-abc.json"
    write(path)
    beating(monkeypatch, clock, path)
    assert at_work(store) == ["node1-7-abc"]
    with pytest.raises(BusyError, match="takes one run at a time, because locks fail there: node1-7-abc is at work"):
        Attendance(store).__enter__()
    assert [one.name for one in path.parent.iterdir()] == ["node1-7-abc.json"], "the refused one leaves nothing"


@pytest.mark.parametrize(("name", "stays"), [("zzz", True), ("000", False)])
def test_of_two_that_start_at_once_one_stays(store, clock, monkeypatch, name, stays):
    path = store.work / "supervisors" / f"{name}.json"
    write(path, ready=False)
    beating(monkeypatch, clock, path, ready=False)
    here = Attendance(store)
    here.name = "mmm"
    if stays:
        with here:
            assert here.others == ()
    else:
        with pytest.raises(BusyError):
            here.__enter__()


@pytest.fixture
def no_locks(monkeypatch):
    def fail(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("svgbench.lab.files.fcntl.flock", fail)


def test_without_locks_a_takeover_waits_two_leases(store, clock, no_locks):
    path, said = store.work / "supervisors" / "gone.json", []
    write(path, host=module.host(), locks=False)
    with Attendance(store, said.append):
        assert 120.0 <= clock.now < 123.0
        assert not store.locks
    assert said == [
        f"{path.parent}: no locks on this file system (No locks available): this folder takes one run at a time",
        "looking for 120 s whether gone is still at work here",
    ]


def test_locks_that_the_file_system_lacks_are_one_line(tmp_path, no_locks):
    path = tmp_path / "lock"
    with (
        pytest.raises(NoLocksError, match=rf"{tmp_path}: no locks on this file system \(No locks available\)"),
        locked(path),
    ):
        pass
    with pytest.raises(NoLocksError):
        take(path, "me")
    assert not is_locked(path), "nobody can hold it"


def test_a_lock_is_taken_once(tmp_path):
    held = take(tmp_path / "lock", "the first one")
    assert held is not None
    assert take(tmp_path / "lock", "second") is None
    assert (tmp_path / "lock").read_text() == "the first one"
    held.release()
    again = take(tmp_path / "lock", "third")
    assert (tmp_path / "lock").read_text() == "third"
    again.release()
