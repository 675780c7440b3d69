"""The connection to a Dask cluster, for `svgbench.lab.dask_engine`: its workers, and calls on them.

A thread asks the scheduler every second for its workers, so the supervisor never waits for the network.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from svgbench.lab.platform import cores
from svgbench.words.errors import EngineLostError, UsageError

WORKERS_SECONDS = 1.0  # between two looks at the cluster's workers
ANSWER_SECONDS = 60.0  # for what a worker should answer at once; a network file system may show a file this much later
LOCAL_WORKERS = 4  # the most processes of `dask:local`; more blocks share them


@dataclass(frozen=True)
class Worker:
    """A worker of the cluster. `gpus` is the amount of the resource GPU that it declares, or None."""

    address: str
    host: str
    threads: int
    gpus: int | None = None

    def room(self, on_gpu: bool) -> int:
        """How many blocks it runs at once."""
        return self.threads if self.gpus is None or not on_gpu else min(self.threads, self.gpus)


@dataclass(eq=False)
class Cluster:
    """The connection to a scheduler, its workers as of the last second, and how many blocks of ours are on each."""

    address: str
    client: Any
    local: Any = None  # the cluster that was started for this run
    workers: dict[str, Worker] = field(default_factory=dict)  # by address, those that take tasks
    alive: frozenset[str] = frozenset()
    busy: Counter[tuple[str, str]] = field(default_factory=Counter)  # by address and device, or "" for all devices
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def is_connected(self) -> bool:
        return bool(self.client.status == "running")

    def check(self) -> None:
        """Raise EngineLostError if the scheduler is gone. The client first tries to connect again for half a minute."""
        if self.client.status not in ("running", "connecting"):
            raise EngineLostError(f"the Dask scheduler at {self.address} is gone; the same command continues")

    def look(self) -> None:
        """Ask the scheduler for its workers."""
        # `client.scheduler_info` may return what the client's own clock fetched meanwhile, which has no workers
        found = self.client.sync(self.client.scheduler.identity, n_workers=-1)["workers"]
        self.alive = frozenset(found)
        self.workers = {
            address: Worker(address, one["host"], one["nthreads"], _gpus(one["resources"]))
            for address, one in found.items()
            if one["status"] == "running"
        }

    def forget(self, worker: Worker) -> None:
        """Place nothing on a worker that probably is lost, until the next look finds it."""
        self.workers = {address: one for address, one in self.workers.items() if address != worker.address}

    def watch(self) -> None:
        """Look every second, in a thread."""

        def watch() -> None:
            while not self.over.wait(WORKERS_SECONDS):
                with suppress(Exception):  # a scheduler that does not answer: the client's status says more
                    if self.is_connected:
                        self.look()

        threading.Thread(target=watch, daemon=True).start()

    def ask(self, function: Callable[..., Any], *words: Any, workers: Sequence[str]) -> dict[str, Any]:
        """Call the function on workers at once, whatever they run: its result, or an exception, by address."""
        answers: list[Any] = []

        def run() -> None:
            try:
                answers.append(self.client.run(function, *words, workers=list(workers), on_error="return"))
            except Exception as error:
                answers.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(ANSWER_SECONDS)
        if not answers:
            raise UsageError(f"Dask at {self.address}: not every worker answers within {ANSWER_SECONDS:.0f} s")
        if isinstance(answers[0], Exception):
            self.check()
            raise UsageError(f"Dask at {self.address}: {line_of(answers[0])}")
        return dict(answers[0])

    def close(self) -> None:
        self.over.set()
        for one in (self.client, self.local):
            if one is not None:
                with suppress(Exception):
                    one.close()


def _gpus(resources: Mapping[str, float]) -> int | None:
    return int(resources["GPU"]) if "GPU" in resources else None


def connect(address: str, jobs: int | None) -> Cluster:
    """Connect to the scheduler at an address or in a scheduler file, or start a cluster on this machine ("local").

    Raises UsageError if none answers.
    """
    import distributed

    for name in ("distributed", "distributed.client"):  # they would write into the progress display
        logging.getLogger(name).setLevel(logging.CRITICAL)
    local, how = None, {"address": address}
    if address == "local":
        count = jobs or cores()
        workers = min(count, LOCAL_WORKERS)
        local = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=-(-count // workers),
            memory_limit=0,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
            preload=[__name__],
        )
        how = {"address": local}
    elif Path(address).is_file():
        how = {"scheduler_file": address}
    try:
        cluster = Cluster(address, distributed.Client(**how, set_as_default=False), local)
        cluster.look()
    except (OSError, ValueError, TypeError, ImportError) as error:
        if local is not None:
            local.close()
        raise UsageError(f"no Dask scheduler answers at {address}: {line_of(error)}") from None
    cluster.watch()
    return cluster


def dask_setup(worker: Any) -> None:
    """Dask calls this in the workers of `dask:local`. Ctrl-C in the terminal is for the supervisor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def line_of(error: BaseException) -> str:
    """The first line of an error's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]
