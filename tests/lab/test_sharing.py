"""`doctor --shared`, and executors: names, devices."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from harness import block_of, cell_of, environment

from svgbench.commands.options import device_list
from svgbench.lab import executor, sharing
from svgbench.lab.block import FINISHED
from svgbench.lab.cells import describe_job
from svgbench.lab.delivery import delivered
from svgbench.lab.executor import Local, LocalHandle, Placement, make_executor
from svgbench.lab.files import write_atomic
from svgbench.lab.store import Store
from svgbench.words.errors import UsageError


def test_a_local_folder_can_be_shared(tmp_path):
    found = sharing.shared(tmp_path / "not" / "there")
    assert [(check, ok) for check, ok, _ in found] == [
        ("file system", True),
        ("locks exclude", True),
        ("replaced files are seen", True),
        ("a dead process's lock is free", True),
    ]
    assert not list(tmp_path.iterdir()), "nothing is left"


def test_locks_that_only_their_process_sees(tmp_path, monkeypatch):
    monkeypatch.setattr("svgbench.lab.files.fcntl.flock", lambda *_: None)
    _, (check, ok, detail), *_ = sharing.shared(tmp_path)
    assert (check, ok) == ("locks exclude", False)
    assert detail.startswith("two processes hold one. NFS: ")


def test_a_folder_without_locks(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("svgbench.lab.files.fcntl.flock", fail)
    _, (check, ok, detail) = sharing.shared(tmp_path)
    assert (check, ok) == ("locks exclude", False)
    assert "(No locks available): it takes one run at a time. NFS: " in detail


def test_doctor_tests_the_folder_when_asked(bench):
    def checks(*words):
        return {row["check"]: row["ok"] for row in bench("doctor", "--json", *words).json}

    assert "locks exclude" not in checks()
    assert checks("--shared")["locks exclude"]


class Here:
    """An engine whose workers are this process."""

    def __init__(self, *places, lines=()):
        self.made, self.lines = places, list(lines)

    def places(self):
        return list(self.made)

    def examine(self, root, folder, lock):
        return self.lines

    def call(self, address, function, *words):
        return function(*words)


def test_workers_of_an_engine_are_tested_against_each_other(tmp_path):
    found = sharing.between(tmp_path / "not" / "there", Here(("n1", "a"), ("n2", "b")))
    assert [(check, ok) for check, ok, _ in found] == [
        ("workers", True),
        ("workers share the folder", True),
        ("workers' locks exclude", True),
        ("workers see replaced files", True),
        ("a dead worker's lock is free", True),
    ]
    assert found[0][2] == "on n1, n2"
    assert not list(tmp_path.iterdir()), "nothing is left"


def test_two_workers_that_hold_one_lock(tmp_path, monkeypatch):
    """The first tests are between this machine and the first worker; the last two workers fail."""
    asked = []

    def is_refused(folder):
        asked.append(folder)
        return len(asked) != 2

    monkeypatch.setattr(sharing, "is_refused", is_refused)
    found = {check: (ok, detail) for check, ok, detail in sharing.between(tmp_path, Here(("n1", "a"), ("n2", "b")))}
    ok, detail = found["workers' locks exclude"]
    assert not ok
    assert detail.startswith("worker a and worker b: both hold one lock. NFS: ")
    assert found["workers see replaced files"] == (True, "")


def test_workers_that_do_not_share_the_folder(tmp_path):
    found = sharing.between(tmp_path, Here(("n1", "a"), lines=["worker a is elsewhere"]))
    assert found[-1] == ("workers share the folder", False, "worker a is elsewhere")
    assert sharing.between(tmp_path, Here()) == [("workers", False, "there are none")]


def test_the_file_system_and_its_lock_options(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"/dev/a / ext4 rw 0 0\nnas:/x {tmp_path} nfs4 rw,local_lock=none,vers=4.2 0 0\nb /other xfs rw 0 0\n"
    )
    assert sharing.file_system(tmp_path, mounts) == f"{tmp_path}, nfs4, local_lock=none"
    assert sharing.file_system(Path("/"), mounts) == "/, ext4"
    assert sharing.file_system(tmp_path, tmp_path / "none") == "unknown"


@pytest.mark.parametrize(
    ("text", "devices"),
    [("cpu", ("cpu",)), ("cuda", ("cuda",)), ("cuda:3", ("cuda:3",)), ("cuda:0,cuda:1", ("cuda:0", "cuda:1"))],
)
def test_devices(text, devices):
    assert device_list(text) == devices


@pytest.mark.parametrize("text", ["gpu", "cuda:0,", "cpu,cuda:0", "cuda,cuda:1", "cuda:0,cuda:0", "cuda:0 cuda:1"])
def test_devices_that_are_refused(text):
    with pytest.raises(UsageError, match=f"--device {text}"):
        device_list(text)


class Process:
    """A process that runs until it is told to end."""

    def __init__(self, command, **_):
        self.command, self.status = command, None

    def poll(self):
        return self.status

    @property
    def device(self):
        return self.command[self.command.index("--device") + 1] if "--device" in self.command else ""


@pytest.fixture
def started(monkeypatch):
    monkeypatch.setattr(executor.subprocess, "Popen", Process)


def placement(tmp_path):
    return Placement(tmp_path / "job.json", tmp_path, tmp_path / "log", 1, 1)


def test_blocks_are_spread_over_the_gpus(started, tmp_path):
    local = Local(4, ("cuda:0", "cuda:1"))
    first = [local.submit(placement(tmp_path)).process for _ in range(4)]
    assert [one.device for one in first] == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]
    for index in (1, 3):
        first[index].status = 0
    assert [local.submit(placement(tmp_path)).process.device for _ in range(2)] == ["cuda:1", "cuda:1"]


@pytest.mark.parametrize("devices", [(), ("cuda:1",)])
def test_one_device_is_the_jobs(started, tmp_path, devices):
    handle = make_executor("local", 2, devices).submit(placement(tmp_path))
    assert isinstance(handle, LocalHandle)
    assert handle.process.device == ""


def test_an_engine_takes_one_device():
    with pytest.raises(UsageError, match="--device cuda:0,cuda:1: --executor detached:x takes one device"):
        make_executor("detached:x", 2, ("cuda:0", "cuda:1"))
    with pytest.raises(UsageError, match="no executor 'local:x'"):
        make_executor("local:x", 2)


def test_the_slots_device_replaces_the_jobs(tmp_path):
    """The job names the first device of the list. Here the slot's is the CPU, which every machine has."""
    store, block = Store(tmp_path), block_of(cell_of(seeds=2))
    place = Placement(store.block_work(block) / "job-me.json", tmp_path, tmp_path / "log", 1, 1)
    write_atomic(place.job, json.dumps(describe_job(block) | {"device": "cuda:7"}).encode())
    words = [*executor.command(place), "--device", "cpu"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
    output, status = process.stdout.read().decode(), process.wait()
    process.stdin.close()
    assert status == FINISHED, output
    assert delivered(store, block) == {0, 1}, "delivered for the CPU"
