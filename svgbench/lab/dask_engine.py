"""`--executor dask:ADDRESS`: blocks on the workers of a Dask cluster. `dask:local` starts one on this machine.

The Dask task of a block is `svgbench.lab.remote.run_block`: it starts the block's process, keeps its lease and ends it.
Dask holds nothing else. Each block goes to a worker that is chosen here, so that none waits behind another one while a
thread is free. Dask repeats no task: a `Ticket` is taken once. When a worker is lost, the supervisor places the block
again. This is no attempt of the block (`block.GONE`).
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from svgbench import strict_json
from svgbench.lab import remote
from svgbench.lab.attendance import host
from svgbench.lab.block import CHECKPOINT_SECONDS, FAILED, GONE, STOPPED
from svgbench.lab.dask_cluster import ANSWER_SECONDS, Cluster, Worker, connect, line_of
from svgbench.lab.executor import Placement
from svgbench.lab.files import write_atomic
from svgbench.lab.lease import lease_seconds, read_record
from svgbench.lab.store import Store
from svgbench.words.errors import UsageError

ADDRESS = "expected dask:ADDRESS, such as dask:tcp://node7:8786 or dask:/shared/scheduler.json, or dask:local"
WAIT_SECONDS = 5.0  # without workers, until this is said
LOST_ERRORS = ("KilledWorker", "NoValidWorkerError", "NoWorkerError")
"""How Dask says that a task's worker was lost."""


class DaskHandle:
    """A block's task on one worker."""

    def __init__(self, cluster: Cluster, worker: Worker, ticket: remote.Ticket, future: Any, device: str) -> None:
        self.cluster, self.worker, self.ticket, self.future = cluster, worker, ticket, future
        self.places = [(worker.address, device), (worker.address, "")]
        self.cluster.busy.update(self.places)
        self.status: int | None = None
        self.started = False
        self.ends = float("inf")  # when not to wait any longer for a worker that was told to end it

    @property
    def waits(self) -> bool:
        """Whether the task waits on its worker, behind other tasks; at its end, whether it never was started."""
        if self.status is None and not self.started:
            self.started = not self.ticket.waiting.exists()
        return not self.started

    def poll(self) -> int | None:
        if self.status is None and (status := self._status()) is not None:
            self._end(status)
        return self.status

    def stop(self) -> None:
        """The process reads the supervisor's record. A task that still waits is taken back."""
        if self.status is None and self.ticket.withdraw():
            self._end(STOPPED)

    def kill(self) -> None:
        """The worker ends the process when it sees that the ticket is gone."""
        if self.status is None:
            never_started = self.ticket.withdraw()
            self.ticket.revoke()
            self.ends = min(self.ends, time.monotonic() + lease_seconds())
            if never_started or not self.cluster.is_connected:
                self._end(-signal.SIGKILL)

    def _status(self) -> int | None:
        if time.monotonic() > self.ends:
            return -signal.SIGKILL
        found = self.future.status
        if found == "finished":
            return self._result()
        if found == "error":
            return self._failed(self.future.exception())
        if found == "pending":
            return None if self.worker.address in self.cluster.alive or not self.cluster.is_connected else GONE
        self.cluster.check()  # cancelled by somebody, or lost with the connection
        return GONE if self.cluster.is_connected else None

    def _result(self) -> int | None:
        from distributed import TimeoutError as NotYetError

        try:
            return int(self.future.result(timeout=1.0))
        except NotYetError:
            return None
        except Exception:  # the worker was lost with its result; what the block did is in its files
            return GONE

    def _failed(self, error: BaseException) -> int:
        """The task raised an error before or beside the block's process. KilledWorker: the worker was lost."""
        if type(error).__name__ in LOST_ERRORS:
            return GONE
        text = f"worker {self.worker.address}: {type(error).__name__}: {line_of(error)}"
        with suppress(OSError):
            note = strict_json.dumps({"error": text}).encode()
            write_atomic(self.ticket.job.parent / "error.json", note, durable=False)
        return FAILED

    def _end(self, status: int) -> None:
        """Leave nothing of the task in the cluster, and no right to run on a lost worker that is still alive."""
        self.status = status
        self.cluster.busy.subtract(self.places)
        if status == GONE:
            self.cluster.forget(self.worker)
        with suppress(OSError):
            self.started = self.started or not self.ticket.withdraw()
            self.ticket.revoke()
        with suppress(Exception):
            if self.future.status == "pending" and self.cluster.is_connected:
                self.future.cancel()
            self.future.release()


class Dask:
    """Blocks on the workers of a cluster: at most `slots` at once, and on a worker as many as it has threads.

    Raises UsageError if the address is none, or if Dask is not installed. Connects when it is first asked for slots.
    """

    def __init__(self, slots: int | None, address: str = "") -> None:
        if not address.strip():
            raise UsageError(f"--executor dask: {ADDRESS}")
        try:
            import distributed  # noqa: F401
        except ImportError as error:
            raise UsageError(f"{error.name} is not installed; pip install 'svgbench[dask]'") from None
        self.jobs, self.address = slots, address
        self.connected: Cluster | None = None
        self.root: Path | None = None
        self.fit: dict[str, bool] = {}  # by address, of the workers that were examined
        self.on_gpu = False
        self.usable: list[Worker] = []
        self.idle: float | None = None  # since when there is no worker; infinity once this has been said
        self.room = 0

    @property
    def cluster(self) -> Cluster:
        if self.connected is None:
            self.connected = connect(self.address, self.jobs)
        return self.connected

    @property
    def slots(self) -> int:
        """How many blocks fit on the workers now. Raises EngineLostError if the scheduler is gone."""
        self.cluster.check()
        self._choose()
        room = sum(one.room(self.on_gpu) for one in self.usable)
        self._tell_waiting(room)
        self.room = room
        return room if self.jobs is None else min(self.jobs, room)

    def _tell_waiting(self, room: int) -> None:
        """Say once that there are no workers, unless one comes soon: a nanny starts one within a second or two."""
        if room:
            self.idle = None
        elif self.idle is None:
            self.idle = time.monotonic()
        elif time.monotonic() - self.idle > WAIT_SECONDS:
            self.idle = math.inf
            sys.stderr.write(f"waiting for workers at {self.address}\n")

    @property
    def look_seconds(self) -> float:
        """How often to read a block's progress: all blocks' files together a hundred times a second, at most."""
        return max(1.0, self.room / 100)

    def _choose(self) -> None:
        """Find the workers that may run blocks. Those that have come since the first block are examined first."""
        workers = list(self.cluster.workers.values())
        new = [one.address for one in workers if one.address not in self.fit]
        if self.root is not None and new:
            try:
                lines = self._examine(self.root)
            except (UsageError, OSError) as error:  # the blocks that run are worth more than a new worker
                self.fit |= dict.fromkeys(new, False)
                lines = [f"{error}: {', '.join(new)}"]
            for line in lines:
                sys.stderr.write(f"{line}; it gets no blocks\n")
        usable = [one for one in workers if self.fit.get(one.address, self.root is None)]
        with_gpu = [one for one in usable if one.gpus]
        self.usable = with_gpu if self.on_gpu and with_gpu else usable

    def submit(self, placement: Placement) -> DaskHandle:
        """Place the block on the worker with most room. Examines all workers before the first block: raises UsageError
        unless each has our versions and sees the results folder."""
        device = str(strict_json.loads(placement.job.read_bytes())["device"])
        self.on_gpu = device != "cpu"
        if self.root is None:
            wrong = self._examine(placement.results, placement.lease)
            if wrong:
                raise UsageError(wrong[0] + (f" ({len(wrong) - 1} more)" if len(wrong) > 1 else ""))
            self.root = placement.results
            self._choose()
        busy = self.cluster.busy
        worker = max(self.usable, key=lambda one: one.room(self.on_gpu) - busy[one.address, ""])
        if worker.gpus and self.on_gpu:
            device = min((f"cuda:{index}" for index in range(worker.gpus)), key=lambda one: busy[worker.address, one])
        ticket = remote.Ticket.issue(placement.job)
        future = self.cluster.client.submit(
            remote.run_block,
            placement,
            ticket,
            device,
            {name: os.environ[name] for name in (CHECKPOINT_SECONDS,) if name in os.environ},
            key=f"svgbench-{placement.job.parent.name}-{ticket.name}",
            workers=[worker.address],
            resources={"GPU": 1} if worker.gpus and self.on_gpu else None,
            pure=False,
            retries=0,
        )
        return DaskHandle(self.cluster, worker, ticket, future, device)

    def examine(self, root: Path, folder: Path, lock: Path | None) -> list[str]:
        """Compare the workers that were not examined yet with this machine, and let each read and write a new folder.

        Returns a line for each that differs, or does not share `root`, where the folder is.
        """
        new = [address for address in self.cluster.workers if address not in self.fit]
        nonce = uuid.uuid4().hex
        lines = []
        try:
            write_atomic(folder / "nonce", nonce.encode())
            for address, seen in self.cluster.ask(remote.examine, folder, lock, workers=new).items():
                if isinstance(seen, OSError):  # lost meanwhile
                    continue
                line = _problem(seen, folder, nonce)
                self.fit[address] = not line
                if line:
                    lines.append(f"Dask worker {address} {line.replace('ROOT', str(root))}")
                elif not seen["locked"]:
                    sys.stderr.write(f"{seen['host']} does not see the locks of {root}: let no second run use it\n")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return lines

    def _examine(self, root: Path, lease: Path | None = None) -> list[str]:
        lock = lease.with_suffix(".lock") if lease and (read_record(lease) or {}).get("locks") else None
        return self.examine(root, Store(root).work / f"nonce-{uuid.uuid4().hex}", lock)

    def places(self) -> list[tuple[str, str]]:
        """Workers to test against each other: host and address, one of each host; or two of the only host."""
        by_host: dict[str, str] = {}
        for one in self.cluster.workers.values():
            by_host.setdefault(one.host, one.address)
        if len(by_host) > 1:
            return list(by_host.items())
        return [(one.host, one.address) for one in list(self.cluster.workers.values())[:2]]

    def call(self, address: str, function: Callable[..., Any], *words: Any) -> Any:
        """Call the function on a worker. Raises what it raises."""
        (found,) = self.cluster.ask(function, *words, workers=[address]).values()
        if isinstance(found, BaseException):
            raise found
        return found

    def close(self) -> None:
        if self.connected is not None:
            self.connected.close()


def _problem(seen: Any, folder: Path, nonce: str) -> str:
    """What is wrong with a worker, by what it saw, or ""."""
    if isinstance(seen, BaseException):
        return f"cannot run svgbench: {type(seen).__name__}: {line_of(seen)}"
    here = remote.versions()
    for name, version in here.items():
        if seen["versions"].get(name) != version:
            return f"on {seen['host']} has {name} {seen['versions'].get(name)}; here is {version}"
    if seen["error"]:
        return f"on {seen['host']} does not share ROOT: {seen['error']}"
    end = time.monotonic() + ANSWER_SECONDS
    while seen["nonce"] == nonce and not (folder / seen["answer"]).exists():
        if time.monotonic() > end:
            return f"on {seen['host']} does not share ROOT: what it writes is not seen on {host()}"
        time.sleep(0.1)
    return "" if seen["nonce"] == nonce else f"on {seen['host']} does not share ROOT: it reads something else there"
