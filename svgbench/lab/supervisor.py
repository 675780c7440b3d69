"""Runs blocks to their end: one process each, as many at once as the executor has slots.

The supervisor knows a block only by its process's exit status and its files, so an executor may place processes on
other machines. Killing the supervisor stops the blocks; running it again resumes them.

Several supervisors may work in one results folder. A block's process is started by one that holds the block's
`placed_lock`, and only if the block is neither running, nor delivered, nor stored; they are looked at in this order, in
which a block passes through them.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from svgbench import strict_json
from svgbench.lab import block as child
from svgbench.lab.attendance import Attendance
from svgbench.lab.cells import Block, Cell, describe_job
from svgbench.lab.delivery import delivered
from svgbench.lab.executor import Executor, Handle, Placement
from svgbench.lab.files import Held, is_locked, take, write_atomic
from svgbench.lab.merging import Merging
from svgbench.lab.platform import seconds_of
from svgbench.lab.queue import Entry, Queue
from svgbench.lab.slots import width
from svgbench.lab.store import Store

POLL_SECONDS = 0.05
LOOK_SECONDS, LOOK_SHARE, LOOK_LONGEST, LOOKS = 0.5, 0.01, 10.0, 200.0
"""A block's report is read again after a hundredth of the time that the block has run here, from 0.5 s to 10 s; and at
most 200 reports are read a second."""
FILL_SECONDS = 1.0  # the longest search for blocks to start, between two looks at those that run
HANG_SECONDS = "SVGBENCH_HANG_SECONDS"
ATTEMPTS = 2
LOSSES = 3
"""How many workers a block may lose one after the other without getting any further."""

Event = Literal["started", "progress", "finished", "retry", "failed", "waiting", "stopped"]


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
    held: Held
    handle: Handle
    attempt: int
    seen: float  # when it last showed progress
    begun: float
    look: float = 0.0  # when its report is read again
    report: bytes = b""
    first_report: bytes = b""  # of an earlier process
    killed: str = ""


@dataclass
class _Losses:
    """Workers that were lost under a block since it last got further."""

    done: int = -1
    count: int = 0


class Supervisor:
    """Runs blocks under an executor and reports events to `listen(event, block, text)`."""

    def __init__(
        self,
        store: Store,
        executor: Executor,
        listen: Callable[[Event, Block, str], None] = lambda *_: None,
        here: Attendance | None = None,
    ) -> None:
        self.store, self.executor, self.listen, self.here = store, executor, listen, here
        self.name = here.name if here else "supervisor"
        self.merging = Merging(store)
        self.hang_seconds = seconds_of(HANG_SECONDS, 1800.0)
        seconds_of(child.CHECKPOINT_SECONDS, child.CHECKPOINT_DEFAULT)  # every block reads it: check it once here
        self.stopping = 0  # how often a stop was requested
        self.told: set[Block] = set()  # that another process runs it
        self.left: Counter[Cell] = Counter()  # blocks that wait or run here
        self.losses: defaultdict[Block, _Losses] = defaultdict(_Losses)

    def stop(self) -> None:
        """Once: checkpoint and end. Twice: end now; the last checkpoint stays."""
        self.stopping += 1

    def run(self, blocks: Sequence[Block], deadline: float | None = None) -> BlockOutcomes:
        """Run the blocks; `deadline` is on the monotonic clock, and stops them at a checkpoint."""
        outcome = BlockOutcomes()
        waiting = Queue(blocks, self._width)
        self.left.update(block.cell for block in blocks)
        placed: list[_Placed] = []
        asked = 0
        try:
            while placed or self.merging or (waiting and not self.stopping):
                if deadline is not None and time.monotonic() >= deadline and not self.stopping:
                    self.stop()
                if self.stopping > asked:
                    asked = self.stopping
                    if self.here:
                        self.here.ask_to_stop(asked)
                    for one in placed:
                        one.handle.kill() if asked > 1 else one.handle.stop()
                self._fill(waiting, placed, outcome)
                self._poll(waiting, placed, outcome)
                self._merge(outcome)
                time.sleep(POLL_SECONDS)
        finally:
            for one in placed:
                one.handle.kill()
                one.held.release()
        outcome.unfinished += waiting
        return outcome

    def _fill(self, waiting: Queue, placed: list[_Placed], outcome: BlockOutcomes) -> None:
        """Start blocks in all free slots."""
        begun = time.monotonic()
        while (free := self.executor.slots - sum(self._width(one.block) for one in placed)) > 0 and not self.stopping:
            now = time.monotonic()
            entry = waiting.take(now, free) if now - begun < FILL_SECONDS else None
            if entry is None:
                return
            block, attempt = entry
            try:
                if self.merging.stored.had(block):
                    self._leave(block)
                    self._finished(block, outcome)
                elif (held := self._claim(block)) is not None:
                    placed.append(self._place(block, attempt, held))
                elif self._is_done(block):
                    self._delivered(block)
                else:
                    waiting.runs_elsewhere(entry, now)
            except OSError as error:  # its job cannot be written; other blocks may still start
                self._fail(Failure(block, f"could not be started: {error}"), outcome)

    def _width(self, block: Block) -> int:
        return width(self.executor.slots, block.cell.threads)

    def _claim(self, block: Block) -> Held | None:
        """The block's `placed_lock`, if the block needs a process and no other supervisor sees to it."""
        path = self.store.placed_lock(block)
        held = take(path, self.name) if self.store.locks else Held(None)
        if held is None:
            self._tell_waiting(block, path)
        elif is_locked(self.store.block_lock(block)):  # it outlives its supervisor for a moment
            self._tell_waiting(block)
        elif not self._is_done(block):
            return held
        if held is not None:
            held.release()
        return None

    def _is_done(self, block: Block) -> bool:
        """Whether the block's seeds are delivered or stored. Deliveries first: a merge takes from them to the store."""
        there = delivered(self.store, block)
        return there.union(self.merging.stored.usable(block.cell)).issuperset(block.wanted)

    def _tell_waiting(self, block: Block, path: Path | None = None) -> None:
        if block not in self.told:
            self.told.add(block)
            self.listen("waiting", block, f"{_holder(path) or 'another process'} runs it")

    def _place(self, block: Block, attempt: int, held: Held) -> _Placed:
        try:
            folder = self.store.block_work(block)
            text = strict_json.dumps(describe_job(block), indent=1).encode()
            job = folder / f"job-{self.name}.json"  # another `run` may want other seeds of the same block
            write_atomic(job, text, durable=False)
            (folder / "error.json").unlink(missing_ok=True)
            log = self.store.log_path(block)
            lease = self.here.record if self.here else None
            handle = self.executor.submit(Placement(job, self.store.root, log, block.cell.threads, attempt, lease))
        except BaseException:
            held.release()
            raise
        self.listen("started" if attempt == 1 else "retry", block, "")
        report, now = self._report(block), time.monotonic()
        return _Placed(block, held, handle, attempt, now, now, report=report, first_report=report)

    def _poll(self, waiting: Queue, placed: list[_Placed], outcome: BlockOutcomes) -> None:
        """Watch the running blocks, and see to those that have ended."""
        for one in list(placed):
            status = one.handle.poll()
            if status is None:
                self._watch(one, len(placed))
                continue
            placed.remove(one)
            one.held.release()
            again = self._ended(one, status, outcome)
            if again is not None:
                waiting.add(*again)

    def _leave(self, block: Block) -> None:
        """The block neither waits nor runs here any more."""
        self.left[block.cell] -= 1
        if not self.left[block.cell]:
            del self.left[block.cell]

    def _delivered(self, block: Block) -> None:
        self._leave(block)
        self.merging.add(block)

    def _merge(self, outcome: BlockOutcomes) -> None:
        """Merge deliveries that are due."""
        for block, error in self.merging.merge(self.left, at_once=bool(self.stopping)):
            if error:
                outcome.failures.append(Failure(block, error, self.store.log_path(block)))
                self.listen("failed", block, error)
            else:
                self._finished(block, outcome)

    def _finished(self, block: Block, outcome: BlockOutcomes) -> None:
        """The store has the block."""
        self.store.tidy(block)
        outcome.finished.append(block)
        self.listen("finished", block, "")

    def _watch(self, one: _Placed, placed: int) -> None:
        """Report progress. End a block that has made none for too long."""
        now = time.monotonic()
        if now < one.look:
            return
        if _waits(one.handle):
            one.seen = one.begun = now
        rare = min(LOOK_SHARE * (now - one.begun), LOOK_LONGEST)
        one.look = now + max(LOOK_SECONDS, placed / LOOKS, rare, getattr(self.executor, "look_seconds", 0.0))
        report = self._report(one.block) or one.report
        if report != one.report:
            one.report, one.seen = report, now
            self.listen("progress", one.block, report.decode())
        elif now - one.seen > self.hang_seconds and not one.killed:
            one.killed = f"no progress for {self.hang_seconds:.0f} s"
            one.handle.kill()

    def _report(self, block: Block) -> bytes:
        """The block's progress file; a file from an earlier process does not count."""
        try:
            return (self.store.block_work(block) / "progress.json").read_bytes()
        except OSError:
            return b""

    def _ended(self, one: _Placed, status: int, outcome: BlockOutcomes) -> tuple[Entry, float | None] | None:
        """Note how a process ended; return what to start again, and the earliest time."""
        block = one.block
        if status == child.FINISHED:
            self._delivered(block)
        elif status == child.STOPPED or self.stopping:
            self._leave(block)
            outcome.unfinished.append(block)
            self.listen("stopped", block, "")
        elif status == child.BUSY:
            self._tell_waiting(block)
            return (block, one.attempt), time.monotonic() + 1.0
        elif status == child.LOST and (self._report(block) or one.report) != one.first_report:
            return (block, one.attempt), None  # this machine slept, and the block had made progress
        elif status == child.GONE and not one.killed and (_waits(one.handle) or self._may_lose(one)):
            return (block, one.attempt), None
        else:
            error = one.killed or self._error(block, status)
            if one.attempt < ATTEMPTS and status != child.UNBUILT:
                return (block, one.attempt + 1), None
            log = self.store.log_path(block)
            self._record(block, error, one.attempt, log)
            self._fail(Failure(block, error, log), outcome)
        return None

    def _may_lose(self, one: _Placed) -> bool:
        """Whether a block that lost its worker is placed again without counting an attempt: not if it loses one after
        the other at the same place, because then it probably is the reason."""
        losses, done = self.losses[one.block], _done(self._report(one.block) or one.report)
        if done > losses.done:
            losses.done, losses.count = done, 0
        losses.count += 1
        return losses.count <= LOSSES

    def _fail(self, failure: Failure, outcome: BlockOutcomes) -> None:
        self._leave(failure.block)
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
            if status == child.GONE:
                return f"lost {self.losses[block].count} workers in turn without getting further"
            return f"ended by signal {-status}" if status < 0 else f"exit status {status}"


def _waits(handle: Handle) -> bool:
    """Whether the engine has not started the process, or never did."""
    return bool(getattr(handle, "waits", False))


def _done(report: bytes) -> int:
    """How far a progress file says that the block is."""
    try:
        return int(strict_json.loads(report)["done"])
    except (ValueError, KeyError, TypeError):
        return 0


def _holder(path: Path | None) -> str:
    """The name in a lock's file."""
    try:
        return "" if path is None else path.read_text(encoding="utf-8", errors="replace")[:100]
    except OSError:
        return ""
