"""The worker's half of an engine: it starts a block's process on its machine, keeps its input open, and ends it.

An engine makes a `Ticket` and calls `run_block` on a worker. Both halves agree through files, so nothing depends on the
engine once the block runs. Before the first block an engine calls `examine` on every worker.
"""

from __future__ import annotations

import os
import platform as python
import subprocess
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svgbench.lab.attendance import host
from svgbench.lab.block import GONE, LOST, STOPPED
from svgbench.lab.executor import Placement, start
from svgbench.lab.files import is_locked, write_atomic
from svgbench.lab.lease import LEASE_DEFAULT, LOOKS, Lease
from svgbench.lab.platform import release

POLL_SECONDS = 0.1
END_SECONDS = 2.0  # for a process whose input has ended


@dataclass(frozen=True)
class Ticket:
    """A placement's right to run: a file beside the job that is renamed when the process starts, once.

    Without the file the placement is taken back: a process that has not been started never will be, and one that runs
    is ended by its worker.
    """

    job: Path
    name: str

    @staticmethod
    def issue(job: Path) -> Ticket:
        """A new one for the job."""
        ticket = Ticket(job, uuid.uuid4().hex[:12])
        write_atomic(ticket.waiting, host().encode(), durable=False)
        return ticket

    @property
    def waiting(self) -> Path:
        return self.job.with_suffix(f".{self.name}.waiting")

    @property
    def running(self) -> Path:
        return self.job.with_suffix(f".{self.name}.running")

    def take(self) -> bool:
        """Whether the process may be started now."""
        try:
            os.rename(self.waiting, self.running)
        except FileNotFoundError:
            return False
        return True

    def withdraw(self) -> bool:
        """Take the placement back unless it has been started; whether this was so."""
        try:
            self.waiting.unlink()
        except FileNotFoundError:
            return False
        return True

    def revoke(self) -> None:
        """Take it back in any case."""
        for path in (self.waiting, self.running):
            path.unlink(missing_ok=True)

    def is_revoked(self) -> bool:
        """Whether a process that was started must end."""
        try:
            self.running.stat()
        except FileNotFoundError:
            return True
        except OSError:  # a network file system that does not answer now
            return False
        return False


def run_block(placement: Placement, ticket: Ticket, device: str, settings: Mapping[str, str]) -> int:
    """Run the block's process to its end on this machine; return its exit status.

    device: instead of the job's, or "". settings: the supervisor's environment variables for the block. The rest of the
    environment is this machine's. GONE if the placement was taken back, or was started before, or if the process was
    told to stop by somebody else than the supervisor, as a batch system does that ends a job.
    """
    if not ticket.take():
        return GONE
    try:
        process = start(placement, device, settings)
        try:
            return _watched(process, ticket, Lease(placement.lease) if placement.lease else None)
        finally:
            _end(process)
    finally:
        with suppress(OSError):
            ticket.running.unlink()


def _watched(process: subprocess.Popen[bytes], ticket: Ticket, lease: Lease | None) -> int:
    """Wait for the end of the process, or for a reason to end it. It looks at the lease too; this is for one that
    hangs so that its own thread cannot."""
    looked = time.monotonic()
    while (status := process.poll()) is None:
        seconds = lease.seconds if lease else LEASE_DEFAULT
        if time.monotonic() - looked >= seconds / LOOKS:
            looked = time.monotonic()
            if ticket.is_revoked():
                return GONE
            if lease is not None and not lease.look():
                return LOST
        time.sleep(POLL_SECONDS)
    if status == STOPPED and lease is not None and lease.look() and not lease.stop:
        return GONE
    return status


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process if it lives: it ends itself when its input ends."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def versions() -> dict[str, str]:
    """What must be the same on all machines of a run."""
    found = {"python": ".".join(python.python_version_tuple()[:2])}
    return found | {name: release(name) for name in ("svgbench", "torch", "mujoco")}


def examine(folder: Path, lock: Path | None) -> dict[str, Any]:
    """What a worker sees: its `host`, its `versions`, the file `nonce` of a shared folder, whether `lock` is held.

    Leaves a file in the folder, whose name is `answer`. `error`: why the folder cannot be read or written.
    """
    seen: dict[str, Any] = {"host": host(), "versions": versions(), "nonce": "", "answer": "", "error": ""}
    try:
        seen["nonce"] = (folder / "nonce").read_text(encoding="utf-8")
        answer = folder / f"answer-{uuid.uuid4().hex}"
        write_atomic(answer, seen["nonce"].encode(), durable=False)
        seen["answer"] = answer.name
    except OSError as error:
        seen["error"] = error.strerror or str(error)
    seen["locked"] = lock is None or is_locked(lock)
    return seen
