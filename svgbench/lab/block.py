"""The process of one block: `python -m svgbench.lab.block JOB.json`.

It takes the block's lock, resumes from the checkpoint, drives the learner slice by slice, and delivers the final rows,
which a supervisor merges into the store. It reports to its supervisor only through files and its exit status. When its
standard input ends, the supervisor is gone, and the process stops at once. If only the machine or the network between
them is gone, it stops when its lease ends (`svgbench.lab.lease`).
"""

from __future__ import annotations

import argparse
import importlib
import math
import os
import signal
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from svgbench import strict_json
from svgbench.lab import platform, platforms
from svgbench.lab.attendance import host
from svgbench.lab.cells import Block, block_from_job
from svgbench.lab.delivery import deliver, delivered
from svgbench.lab.files import locked, remove_temporaries, write_atomic
from svgbench.lab.lease import LOOKS, Lease, read_record
from svgbench.lab.rows import RowsFile, as_csv
from svgbench.lab.source import split_reference
from svgbench.lab.store import CHECKPOINT, Store
from svgbench.words.errors import BusyError, DamagedError, UsageError
from svgbench.words.learner import Learner, MakeLearner, Row

FINISHED, FAILED, STOPPED, UNBUILT, LOST, GONE, BUSY = 0, 1, 4, 5, 6, 7, 75
"""Exit statuses. STOPPED: asked to stop, and checkpointed. UNBUILT: an error before the learner existed, which would
happen again. LOST: the supervisor's record stood still for a lease. GONE is said by an engine that lost the worker on
which the process ran. BUSY: another process has the block."""

CHECKPOINT_SECONDS = "SVGBENCH_CHECKPOINT_SECONDS"  # the least time between checkpoints; 0: after every slice
CHECKPOINT_DEFAULT = 60.0
REPORT_SECONDS, REPORT_SHARE, REPORT_LONGEST = 1.0, 0.01, 10.0
CHECKPOINT_SHARE = 0.02  # the largest share of the time to spend on checkpoints


class BlockProcess:
    """One block from its checkpoint to its delivered rows."""

    def __init__(self, store: Store, block: Block, attempt: int) -> None:
        self.store, self.block, self.attempt = store, block, attempt
        self.folder = store.block_work(block)
        self.checkpoint = self.folder / CHECKPOINT
        self.owner = f"{block.cell.place}/{block.cell.name}/{block.name}"
        self.interval = platform.seconds_of(CHECKPOINT_SECONDS, CHECKPOINT_DEFAULT)
        self.stop_asked = False
        self.unbuilt = False  # while the block is built
        self.rows: list[Row] = []
        self.shown = RowsFile(self.folder, block.cell.columns)
        self.last: dict[str, dict[int, float]] = {}  # column -> seed -> its last number
        self.last_rows: dict[int, Row] = {}  # by seed, as JSON can hold them
        self.seconds = 0.0  # of computing, over all attempts
        self.platforms: list[dict[str, Any]] = []  # that computed a slice, in order
        self.reported = -math.inf  # when progress.json was written

    def run(self) -> int:
        """Do the block; return the exit status."""
        wanted = self._wanted()
        if not wanted:
            self.store.tidy(self.block)
            return FINISHED
        with self.building():
            learner = self.make()
        self.resume(learner)
        started = saved = time.monotonic()
        cost = 0.0
        while not learner.finished:
            if self.stop_asked:
                self.save(learner)
                self.shown.update(self.rows, at_once=True)
                self._report(learner, at_once=True)
                return STOPPED
            self._note_platform()
            rows = learner.advance()
            self.rows += rows
            self._note_last(rows)
            now = time.monotonic()
            self.seconds += now - started
            started = now
            self.shown.update(self.rows, at_once=False)
            self._report(learner)
            wait = max(self.interval, cost / CHECKPOINT_SHARE) if self.interval else 0.0
            if now - saved >= wait and not learner.finished:
                self.save(learner)
                self.shown.update(self.rows, at_once=True)
                saved = time.monotonic()
                cost = saved - now
        self.save(learner)
        self.shown.update(self.rows, at_once=True)
        self._deliver(learner, wanted)
        return FINISHED

    def _wanted(self) -> tuple[int, ...]:
        """The seeds to run. Deliveries first: what is merged between the two looks is then in the store."""
        waiting = delivered(self.store, self.block)
        there = waiting.union(self.store.state(self.block.cell, thorough=True).usable)
        return tuple(seed for seed in self.block.wanted if seed not in there)

    @contextmanager
    def building(self) -> Iterator[None]:
        """An error in here fails the block at once, because the same job would fail again."""
        self.unbuilt = True
        yield
        self.unbuilt = False

    def make(self) -> Learner:
        """A new learner for the block."""
        cell = self.block.cell
        task = resolve(cell.task.make)(**cell.task.options)
        make: MakeLearner = resolve(cell.variant.learner)
        return make(cell.config, task, list(self.block.seeds), cell.limits, cell.device)

    def resume(self, learner: Learner) -> None:
        """Continue from the checkpoint, if there is one that can be used."""
        from svgbench.lab import checkpoint

        remove_temporaries(self.checkpoint)
        here = self._compared()
        try:
            payload = checkpoint.load(self.checkpoint, self.owner, self.block.cell.device)
            if payload is not None and platform.differing(payload["platform"], here):
                raise DamagedError(f"{self.checkpoint} was made with {payload['platform']}; here is {here}")
            if payload is not None:  # an older svgbench noted only what a checkpoint is bound to
                self.platforms = payload.get("platforms", [payload["platform"]])
                self._check_replica()
        except DamagedError as error:
            self.platforms = []
            aside = self.checkpoint.with_suffix(".refused")
            os.replace(self.checkpoint, aside)
            self.shown.restart([])
            say(f"refused: {error}; it is now {aside.name}, and the block starts from its beginning")
            return
        if payload is None:
            self.shown.restart([])
            return
        learner.load_state_dict(payload["learner"])
        self.rows, self.seconds = payload["rows"], payload["seconds"]
        self._note_last(self.rows)
        self.shown.restart(self.rows)
        say(f"resumed at {learner.progress[0]} of {learner.progress[1]}")

    def save(self, learner: Learner) -> None:
        """Write the checkpoint that the block resumes from."""
        from svgbench.lab import checkpoint

        payload = {
            "platform": self._compared(),
            "platforms": self.platforms,
            "rows": self.rows,
            "seconds": self.seconds,
            "learner": learner.state_dict(),
        }
        checkpoint.save(self.checkpoint, self.owner, payload)

    def _compared(self) -> dict[str, str]:
        """The part of the platform that a checkpoint is bound to."""
        return platform.compared(self.block.cell.device, self.block.cell.precision)

    def _note_platform(self) -> None:
        """Before a slice: this platform, unless it is known that the slices before were computed on it."""
        here = self._here()
        if not self.platforms or not platforms.is_known_as(self.platforms[-1], here):
            self.platforms.append(here)

    def _here(self) -> dict[str, Any]:
        return platforms.of_process(self.block.cell.device, self.block.cell.precision)

    def _check_replica(self) -> None:
        """Raise DamagedError for a replica that is not known to be of this platform alone: it would count for none."""
        if self.block.cell.replica and not all(platforms.is_known_as(one, self._here()) for one in self.platforms):
            raise DamagedError(f"{self.checkpoint} may be of another platform than {self.block.cell.replica}")

    def _note_last(self, rows: list[Row]) -> None:
        """Keep every seed's last row, and its last number in each column, for the progress display."""
        newest = {row["seed"]: row for row in rows}
        self.last_rows |= {seed: self._shown_row(row) for seed, row in newest.items()}
        for row in rows:
            for name in self.block.cell.columns:
                value = row.get(name)
                if isinstance(value, int | float) and math.isfinite(value):
                    self.last.setdefault(name, {})[row["seed"]] = float(value)

    def _report(self, learner: Learner, at_once: bool = False) -> None:
        """Write progress.json, again after a hundredth of the time that the block has taken, from 1 s to 10 s.

        With checkpoints after every slice, it is written after every slice.
        """
        now = time.monotonic()
        wait = min(max(REPORT_SECONDS, REPORT_SHARE * self.seconds), REPORT_LONGEST)
        if self.interval and now - self.reported < wait and not at_once:
            return
        self.reported = now
        done, total = learner.progress
        report = {
            "done": done,
            "total": total,
            "seconds": self.seconds,
            "diverged": len(learner.diverged),
            "outlook": float(getattr(learner, "outlook", 1.0)),
            "last": {name: sum(own.values()) / len(own) for name, own in self.last.items()},
            "rows": [row for _, row in sorted(self.last_rows.items())],
        }
        write_atomic(self.folder / "progress.json", strict_json.dumps(report).encode(), durable=False)

    def _shown_row(self, row: Row) -> Row:
        """What JSON can hold of a row's declared columns; null for the rest."""
        values = {name: row.get(name) for name in ("seed", "step", *self.block.cell.columns)}
        plain = {name: value if isinstance(value, str | int | float) else None for name, value in values.items()}
        return dict(strict_json.nulled(plain))

    def _keep_policies(self, learner: Learner, texts: Mapping[int, str]) -> None:
        """The final policies of these seeds, of learners that have any (`svgbench.words.policy.HasPolicies`)."""
        policies_of = getattr(learner, "policies", None)
        if policies_of is None:
            return
        from svgbench.lab import policies

        for seed, policy in policies_of().items():
            if seed in texts:
                policies.keep(self.store, self.block.cell, seed, policy, texts[seed])

    def _deliver(self, learner: Learner, wanted: tuple[int, ...]) -> None:
        cell = self.block.cell
        by_seed: dict[int, list[Row]] = {seed: [] for seed in self.block.seeds}
        for row in self.rows:
            by_seed[row["seed"]].append(row)
        texts = {seed: as_csv(by_seed[seed], cell.columns) for seed in wanted}
        self._keep_policies(learner, texts)
        *earlier, last = self.platforms or [self._here()]
        shared = {
            "config_hash": cell.identity,
            "versions": dict(cell.versions),
            "platform": last,
            **({platforms.EARLIER: earlier} if earlier else {}),
            "block": f"{self.block.seeds[0]}-{self.block.seeds[-1]}",
            "threads": cell.threads,
            "attempts": self.attempt,
            "seconds": round(self.seconds / len(self.block.seeds), 3),
            "revision": platform.revision(),
        }
        entries = {}
        for seed in wanted:
            reason = learner.diverged.get(seed)
            outcome = {"status": "diverged", "reason": reason} if reason else {"status": "done"}
            entries[seed] = outcome | shared | {"rows": len(by_seed[seed])}
        deliver(self.store, self.block, uuid.uuid4().hex[:8], texts, entries)
        say(f"finished seeds {', '.join(map(str, wanted))}")


def resolve(reference: str) -> Any:
    """The object that one of our names, or "module:attribute", refers to."""
    module, attribute = split_reference(reference)
    return getattr(importlib.import_module(module), attribute)


def say(message: str) -> None:
    """One line into the block's log."""
    sys.stdout.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {message}\n")
    sys.stdout.flush()


def watch_supervisor() -> None:
    """End this process when its standard input ends. Files are written atomically, so this is safe at any moment."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        os._exit(STOPPED)

    threading.Thread(target=wait, daemon=True).start()


def watch_lease(lease: Lease, process: BlockProcess) -> None:
    """End this process when the supervisor's record stands still for a lease, or says so; stop it when it says that.

    A thread looks, so a slice that takes long does not keep the process alive.
    """

    def wait() -> None:
        while lease.look():
            process.stop_asked = process.stop_asked or lease.stop > 0
            if lease.stop > 1:
                os._exit(STOPPED)
            time.sleep(lease.seconds / LOOKS)
        say(f"ended: {lease.path.stem} has not been seen for {lease.seconds:g} s")
        os._exit(LOST)

    threading.Thread(target=wait, daemon=True).start()


def prepare(job: Mapping[str, Any]) -> Block:
    """Set threads and precision, then check that the installed code is the code that the job was planned with."""
    from svgbench.lab import precision
    from svgbench.lab.origin import sources
    from svgbench.lab.source import declared

    block = block_from_job(job)
    import torch

    torch.set_num_threads(block.cell.threads)
    precision.use(block.cell.precision)
    versions = {
        "algorithm": declared(block.cell.variant.learner).version,
        "task": declared(block.cell.task.make).version,
    }
    if versions != dict(block.cell.versions):
        raise UsageError(f"the job was planned for versions {dict(block.cell.versions)}; here are {versions}")
    here = sources(block.cell.variant.learner, block.cell.task.make)
    if here != dict(block.cell.sources):
        raise UsageError(f"the job was planned for the source {dict(block.cell.sources)}; here is {here}: run again")
    if block.cell.replica:
        key = platforms.key(platforms.of_process(block.cell.device, block.cell.precision))
        if block.cell.replica != key:
            raise UsageError(f"the job was planned for the platform {block.cell.replica}; this process is on {key}")
    return block


def main(arguments: list[str] | None = None) -> int:
    """Run the job, log any error, and return the exit status."""
    parser = argparse.ArgumentParser(description="Run one block of seeds; svgbench starts this itself.")
    parser.add_argument("job", type=Path)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--attempt", type=int, default=1)
    parser.add_argument("--lease", type=Path)
    parser.add_argument("--device", help="instead of the job's, of the same kind")
    options = parser.parse_args(arguments)
    job = strict_json.loads(options.job.read_bytes())
    job |= {"device": options.device} if options.device else {}
    store = Store(options.results)
    folder = options.job.parent
    watch_supervisor()
    process: BlockProcess | None = None
    try:
        block = block_from_job(job)
        process = BlockProcess(store, block, options.attempt)

        def stop(*_: object, process: BlockProcess = process) -> None:
            process.stop_asked = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        say(f"started on {host()}, process {os.getpid()}, attempt {options.attempt}")
        if options.lease is not None:
            watch_lease(Lease(options.lease), process)
            store.locks = (read_record(options.lease) or {}).get("locks", True)
        with locked(store.block_lock(block), wait=1.0) if store.locks else nullcontext():
            with process.building():
                prepare(job)
            return process.run()
    except BusyError:
        return BUSY
    except BaseException as error:
        traceback.print_exc()
        message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        text = strict_json.dumps({"error": message.splitlines()[0]})
        try:
            write_atomic(folder / "error.json", text.encode(), durable=False)
        except OSError as second:
            say(f"cannot even note the error: {second}")
        return UNBUILT if process is not None and process.unbuilt else FAILED


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # no destructor may outlive the last flush: a thread still waits on standard input
