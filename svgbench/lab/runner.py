"""Runs a list of blocks for a command: progress, signals, time limit, exit status."""

from __future__ import annotations

import signal
import sys
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from svgbench.lab.attendance import Attendance
from svgbench.lab.calibration import Cost
from svgbench.lab.cells import Block
from svgbench.lab.executor import Executor, make_executor
from svgbench.lab.progress import Expected, reporter
from svgbench.lab.store import Store
from svgbench.lab.supervisor import BlockOutcomes, Supervisor
from svgbench.words.errors import FAILED, INCOMPLETE, OK


@dataclass(frozen=True)
class RunOptions:
    """How to run. `jobs` blocks at once, or as many as share so many `svgbench.lab.slots.Cores`, in processes on this
    machine unless there is an `engine`, which has slots of its own. `time_limit` is in seconds. `devices`: the GPUs to
    share the blocks, if there are several."""

    jobs: int
    engine: Executor | None = None
    time_limit: float | None = None
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunResult:
    """The result of a run. `signal_number` is the signal that stopped it, or 0."""

    outcome: BlockOutcomes
    signal_number: int = 0

    @property
    def exit_status(self) -> int:
        """After SIGTERM or a time limit, "incomplete" even if a block failed, so that a batch system requeues."""
        if self.signal_number == signal.SIGINT:
            return 128 + self.signal_number
        if self.signal_number or self.outcome.unfinished:
            return INCOMPLETE
        return FAILED if self.outcome.failures else OK


def run_blocks(
    store: Store,
    blocks: Sequence[Block],
    options: RunOptions,
    column: str = "",
    costs: Mapping[str, Cost] | None = None,
) -> RunResult:
    """Run the blocks to their end, or until a signal or the time limit stops them at a checkpoint.

    The progress display shows the last values of `column`. Its first time estimates use the known `costs` of kinds.

    The first SIGINT or SIGTERM makes each block checkpoint after its current slice. A second one ends them at once, and
    the work since the last checkpoint is repeated next time.

    Other runs may work in the same folder. Each begins at another block, so that they rarely look at the same one.
    """
    deadline = None if options.time_limit is None else time.monotonic() + options.time_limit
    executor = options.engine or make_executor("local", options.jobs, options.devices)
    expected = Expected(options.jobs, column, costs or {}, store)
    with Attendance(store, _say) as here, reporter(blocks, expected) as listen:
        supervisor = Supervisor(store, executor, listen, here)
        with _signals(supervisor) as received:
            outcome = supervisor.run(rotated(blocks, here.name, here.others), deadline)
    return RunResult(outcome, received[0] if received else 0)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def rotated(blocks: Sequence[Block], name: str, others: Sequence[str]) -> list[Block]:
    """The blocks in the order in which this supervisor starts them: as given if it is alone, or else from a place that
    its name decides."""
    start = zlib.crc32(name.encode()) % len(blocks) if others and blocks else 0
    return [*blocks[start:], *blocks[:start]]


@contextmanager
def _signals(supervisor: Supervisor) -> Iterator[list[int]]:
    received: list[int] = []

    def hear(number: int, _: object) -> None:
        received.append(number)
        supervisor.stop()

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
