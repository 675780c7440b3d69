"""Runs blocks to their end: one process each, as many at once as the executor has slots.

The supervisor knows a block only by its process's exit status and its files, so an executor may place processes on
other machines. Killing the supervisor stops the blocks; running it again resumes them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from svgbench import strict_json
from svgbench.lab import block as child
from svgbench.lab.cells import Block, describe_job
from svgbench.lab.executor import Executor, Handle, Placement
from svgbench.lab.files import is_locked, write_atomic
from svgbench.lab.platform import seconds_of
from svgbench.lab.store import Store

POLL_SECONDS = 0.05
HANG_SECONDS = "SVGBENCH_HANG_SECONDS"
ATTEMPTS = 2

Event = Literal["started", "progress", "finished", "retry", "failed", "waiting", "stopped"]


_Waiting = tuple[Block, int, float]  # block, attempt, not before (monotonic seconds)


@dataclass(frozen=True)
class Failure:
    """A block that failed, why in one line, and its log; None where it could not be started."""

    block: Block
    error: str
    log: Path | None = None


@dataclass
class BlockOutcomes:
    """How the blocks ended."""

    finished: list[Block] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    unfinished: list[Block] = field(default_factory=list)


@dataclass
class _Placed:
    block: Block
    handle: Handle
    attempt: int
    seen: float  # when it last showed progress
    report: bytes = b""
    killed: str = ""


class Supervisor:
    """Runs blocks under an executor and reports events to `listen(event, block, text)`."""

    def __init__(
        self, store: Store, executor: Executor, listen: Callable[[Event, Block, str], None] = lambda *_: None
    ) -> None:
        self.store, self.executor, self.listen = store, executor, listen
        self.hang_seconds = seconds_of(HANG_SECONDS, 1800.0)
        seconds_of(child.CHECKPOINT_SECONDS, child.CHECKPOINT_DEFAULT)  # every block reads it: check it once here
        self.stopping = 0  # how often a stop was requested
        self.told: set[Block] = set()  # that another process runs it

    def stop(self) -> None:
        """Once: checkpoint and end. Twice: end now; the last checkpoint stays."""
        self.stopping += 1

    def run(self, blocks: Sequence[Block], deadline: float | None = None) -> BlockOutcomes:
        """Run the blocks; `deadline` is on the monotonic clock, and stops them at a checkpoint."""
        outcome = BlockOutcomes()
        waiting: list[_Waiting] = [(b, 1, 0.0) for b in blocks]
        placed: list[_Placed] = []
        asked = 0
        try:
            while placed or (waiting and not self.stopping):
                if deadline is not None and time.monotonic() >= deadline and not self.stopping:
                    self.stop()
                if self.stopping > asked:
                    asked = self.stopping
                    for one in placed:
                        one.handle.kill() if asked > 1 else one.handle.stop()
                while waiting and len(placed) < self.executor.slots and not self.stopping:
                    ready = self._ready(waiting)
                    if ready is None:
                        break
                    waiting.remove(ready)
                    try:
                        placed.append(self._place(*ready[:2]))
                    except OSError as error:  # its job cannot be written; other blocks may still start
                        self._fail(Failure(ready[0], f"could not be started: {error}"), outcome)
                for one in list(placed):
                    status = one.handle.poll()
                    if status is None:
                        self._watch(one)
                        continue
                    placed.remove(one)
                    again = self._ended(one, status, outcome)
                    if again is not None:
                        waiting.append(again)
                time.sleep(POLL_SECONDS)
        finally:
            for one in placed:
                one.handle.kill()
        outcome.unfinished += [block for block, _, _ in waiting]
        return outcome

    def _ready(self, waiting: list[_Waiting]) -> _Waiting | None:
        """The first block that may start now. Blocks that another `run` holds are skipped and checked again later."""
        for index, (block, attempt, not_before) in enumerate(waiting):
            if not_before > time.monotonic():
                continue
            if not is_running(self.store, block):
                return waiting[index]
            waiting[index] = (block, attempt, time.monotonic() + 1.0)
            self._tell_waiting(block)
        return None

    def _tell_waiting(self, block: Block) -> None:
        if block not in self.told:
            self.told.add(block)
            self.listen("waiting", block, "another process runs it")

    def _place(self, block: Block, attempt: int) -> _Placed:
        folder = self.store.block_work(block)
        text = strict_json.dumps(describe_job(block), indent=1).encode()
        job = folder / f"job-{os.getpid()}.json"  # another `run` may want other seeds of the same block
        write_atomic(job, text, durable=False)
        (folder / "error.json").unlink(missing_ok=True)
        log = self.store.log_path(block)
        threads = block.cell.threads
        handle = self.executor.submit(Placement(job, self.store.root, log, threads, attempt))
        self.listen("started" if attempt == 1 else "retry", block, "")
        return _Placed(block, handle, attempt, time.monotonic(), self._report(block))

    def _watch(self, one: _Placed) -> None:
        """Report progress. End a block that has made none for too long."""
        report = self._report(one.block) or one.report
        if report != one.report:
            one.report, one.seen = report, time.monotonic()
            self.listen("progress", one.block, report.decode())
        elif time.monotonic() - one.seen > self.hang_seconds and not one.killed:
            one.killed = f"no progress for {self.hang_seconds:.0f} s"
            one.handle.kill()

    def _report(self, block: Block) -> bytes:
        """The block's progress file; a file from an earlier process does not count."""
        try:
            return (self.store.block_work(block) / "progress.json").read_bytes()
        except OSError:
            return b""

    def _ended(self, one: _Placed, status: int, outcome: BlockOutcomes) -> _Waiting | None:
        """Note how a process ended; return what to start again, and the earliest time."""
        block = one.block
        if status == child.FINISHED:
            outcome.finished.append(block)
            self.listen("finished", block, "")
        elif status == child.STOPPED or self.stopping:
            outcome.unfinished.append(block)
            self.listen("stopped", block, "")
        elif status == child.BUSY:
            self._tell_waiting(block)
            return block, one.attempt, time.monotonic() + 1.0
        else:
            error = one.killed or self._error(block, status)
            if one.attempt < ATTEMPTS and status != child.UNBUILT:
                return block, one.attempt + 1, 0.0
            log = self.store.log_path(block)
            self._record(block, error, one.attempt, log)
            self._fail(Failure(block, error, log), outcome)
        return None

    def _fail(self, failure: Failure, outcome: BlockOutcomes) -> None:
        outcome.failures.append(failure)
        self.listen("failed", failure.block, failure.error)

    def _record(self, block: Block, error: str, attempts: int, log: Path) -> None:
        try:
            self.store.record_failure(block, error, attempts, log)
        except OSError as second:  # a full disk must not hide the first error
            self.listen("failed", block, f"the failure could not be recorded: {second}")

    def _error(self, block: Block, status: int) -> str:
        try:
            return str(strict_json.loads((self.store.block_work(block) / "error.json").read_bytes())["error"])
        except (OSError, ValueError, KeyError):
            return f"ended by signal {-status}" if status < 0 else f"exit status {status}"


def is_running(store: Store, block: Block) -> bool:
    """Whether a living process holds the block."""
    return is_locked(store.block_lock(block))
