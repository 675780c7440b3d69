"""The worker's half of an engine: tickets, and how it ends a process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading

import pytest
from harness import alive, wait_until

from svgbench.lab import remote
from svgbench.lab.block import FINISHED, GONE, LOST, STOPPED
from svgbench.lab.executor import Placement
from svgbench.lab.files import locked
from svgbench.lab.remote import Ticket, examine, run_block, versions

SLEEPS = "import os, sys, time; sys.stdout.write('up'); sys.stdout.flush(); os.read(0, 1) if {} else time.sleep(600)"
RECORD = {"host": "here", "pid": 1, "lease": 0.6, "counter": 1, "stop": 0, "locks": True, "ready": True}


@pytest.fixture
def placement(tmp_path):
    (tmp_path / "record.json").write_text(json.dumps(RECORD | {"lease": 60.0}))
    return Placement(tmp_path / "job-me.json", tmp_path, tmp_path / "log", 1, 1, tmp_path / "record.json")


@pytest.fixture
def program(monkeypatch):
    """What the block's process is."""

    def become(code):
        def start(placement, device, settings):
            started.append(
                subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
            )
            return started[-1]

        monkeypatch.setattr(remote, "start", start)

    become.started = started = []
    monkeypatch.setattr(remote, "END_SECONDS", 0.2)
    return become


def status(code):
    return f"raise SystemExit({code})"


def test_a_ticket_is_taken_once(tmp_path):
    ticket = Ticket.issue(tmp_path / "job-node.example.org-1.json")
    assert ticket.take()
    assert not ticket.take(), "Dask repeats a task whose worker died"
    assert not ticket.withdraw()
    assert not ticket.is_revoked()
    ticket.revoke()
    assert ticket.is_revoked()
    assert not list(tmp_path.iterdir())


def test_a_withdrawn_ticket_starts_nothing(placement, program):
    program(status(0))
    ticket = Ticket.issue(placement.job)
    assert ticket.withdraw()
    assert run_block(placement, ticket, "cpu", {}) == GONE
    assert not program.started


@pytest.mark.parametrize(("stop", "code", "found"), [(0, 0, FINISHED), (0, 5, 5), (1, 4, STOPPED), (0, 4, GONE)])
def test_how_the_process_ended(placement, program, stop, code, found):
    """STOPPED without a stop of the supervisor's: somebody else sent the signal."""
    placement.lease.write_text(json.dumps(RECORD | {"lease": 60.0, "stop": stop}))
    program(status(code))
    ticket = Ticket.issue(placement.job)
    assert run_block(placement, ticket, "cpu", {}) == found
    assert not list(placement.job.parent.glob("*.running"))


@pytest.mark.parametrize("obeys", [True, False])
@pytest.mark.parametrize("reason", ["revoked", "lease"])
def test_a_process_is_ended(placement, program, obeys, reason):
    """Also one that does not notice the end of its input."""
    placement.lease.write_text(json.dumps(RECORD | {"lease": 60.0 if reason == "revoked" else 1.0}))
    program(SLEEPS.format(obeys))
    ticket, found = Ticket.issue(placement.job), []
    thread = threading.Thread(target=lambda: found.append(run_block(placement, ticket, "cpu", {})))
    thread.start()
    wait_until(lambda: program.started, "the process")
    if reason == "revoked":
        ticket.revoke()
    thread.join(90.0)
    assert found == [GONE if reason == "revoked" else LOST]
    (process,) = program.started
    assert not alive(process.pid)
    assert process.returncode == (0 if obeys else -signal.SIGKILL)


def test_what_a_worker_sees(tmp_path):
    (tmp_path / "nonce").write_text("abc")
    seen = examine(tmp_path, None)
    assert (seen["nonce"], seen["error"], seen["locked"], seen["versions"]) == ("abc", "", True, versions())
    assert (tmp_path / seen["answer"]).read_text() == "abc"
    seen = examine(tmp_path / "elsewhere", tmp_path / "lock")
    assert (seen["error"], seen["answer"], seen["locked"]) == ("No such file or directory", "", False)
    with locked(tmp_path / "lock"):
        assert examine(tmp_path, tmp_path / "lock")["locked"]
    assert set(versions()) == {"python", "svgbench", "torch", "mujoco"}
