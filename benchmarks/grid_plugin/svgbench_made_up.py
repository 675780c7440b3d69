"""An executor without processes: after a moment, a block delivers made-up rows. It measures what the lab itself costs.

`svgbench run synthetic/growth --executor made-up`. With `made-up:FILE` it writes there, at the end, the CPU seconds
that it spent on the rows itself, which on a real grid the blocks' own machines spend.
"""

from __future__ import annotations

import atexit
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from svgbench.lab.cells import Block, block_from_job
from svgbench.lab.delivery import deliver
from svgbench.lab.executor import Placement
from svgbench.lab.files import write_atomic
from svgbench.lab.platform import describe
from svgbench.lab.store import Store
from svgbench.words.errors import INCOMPLETE, OK

SECONDS = 0.25  # from a block's start to its delivery
ROWS = 50  # of a seed; half of the seeds in `results` have fewer


def rows_of(block: Block) -> dict[int, str]:
    """The CSV lines of each requested seed: the same ones whenever they are made."""
    return {seed: "".join(f"{seed},{1000 * i},{(7919 * seed + i) % 99991 / 99991!r}\n" for i in range(ROWS))
            for seed in block.wanted}  # fmt: skip


class MadeUp:
    """The handle of a block that nobody runs."""

    def __init__(self, executor: Executor, placement: Placement) -> None:
        self.executor, self.placement = executor, placement
        self.status: int | None = None
        self.begun = time.monotonic()
        with executor.counted(), placement.log.open("a") as log:
            log.write("started\n")
            self._report(0)

    def poll(self) -> int | None:
        if self.status is None and time.monotonic() - self.begun >= self.executor.seconds:
            with self.executor.counted():
                self._deliver()
            self.status = OK
        return self.status

    def stop(self) -> None:
        self.status = INCOMPLETE if self.status is None else self.status

    kill = stop

    def _report(self, done: int) -> None:
        report = {"done": done, "total": 2, "seconds": 0.1, "diverged": 0, "outlook": 1.0, "last": {"score": 0.5}}
        write_atomic(self.placement.job.parent / "progress.json", json.dumps(report).encode(), durable=False)

    def _deliver(self) -> None:
        block = block_from_job(json.loads(self.placement.job.read_bytes()))
        entry = {
            "status": "done",
            "config_hash": block.cell.identity,
            "versions": dict(block.cell.versions),
            "platform": describe("cpu"),
            "block": f"{block.seeds[0]}-{block.seeds[-1]}",
            "threads": 1,
            "attempts": self.placement.attempt,
            "seconds": 1.0,
            "revision": "made up",
            "rows": ROWS,
        }
        entries = {seed: dict(entry) for seed in block.wanted}
        deliver(Store(self.placement.results), block, uuid.uuid4().hex[:8], rows_of(block), entries)


class Executor:
    """Places blocks nowhere. `spent`: CPU seconds in which it made up rows."""

    def __init__(self, slots: int, address: str = "", seconds: float = SECONDS) -> None:
        self.slots, self.seconds, self.spent = slots, seconds, 0.0
        if address:
            atexit.register(self._note, Path(address))

    def _note(self, path: Path) -> None:
        if self.spent:  # `run` makes one executor to check the name, and another one to use
            path.write_text(repr(self.spent), encoding="ascii")

    def submit(self, placement: Placement) -> MadeUp:
        return MadeUp(self, placement)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """What is done in here is counted, and does not wait for the disk."""
        begun = time.thread_time()
        with mock.patch("os.fsync"):
            yield
        self.spent += time.thread_time() - begun
