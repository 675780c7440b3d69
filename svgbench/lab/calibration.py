"""The cost of a block on this machine: a few slices of its learner are timed in a separate process, and kept on disk.

Cells with the same learner, config, limits and task factory are of one kind: they cost the same and share one
calibration. The kinds of one learner are a family. If the learner's module defines `estimated_work`, only the kind with
the least work in a family is measured. The times of the others are scaled by their estimates.

`python -m svgbench.lab.calibration PARENT` reads JSON from standard input and prints JSON: for a job its cost, from
slices run for a few seconds; for a list of jobs the list of their estimated work, null where there is none.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal

from svgbench import strict_json
from svgbench.lab import platform
from svgbench.lab.cells import Block, Cell, block_from_job, describe_job
from svgbench.lab.files import NoLocksError, take, write_atomic
from svgbench.lab.slots import Cores, at_once, width
from svgbench.lab.store import Store

SECONDS = 3.0
MOST_SECONDS = 300  # of computing a thread: a slice that takes longer is not measured
PATIENCE = 6 * MOST_SECONDS  # seconds, on a machine whose cores are busy with other work
MOST_WAITING = 30.0  # seconds that a plan's measurements may wait for cores; then the rest is not measured
BUSY = "not measured: the machine is busy with other work"
NOT_CALIBRATED = "not calibrated"
LOOK = 0.25  # seconds between two looks at a measurement
SILENCE = 15.0  # seconds between two messages while kinds are measured


@dataclass(frozen=True)
class Cost:
    """The cost of one whole block: seconds of computing, seconds to start, bytes of checkpoint, bytes of CSV.

    `csv_bytes` is None if the measured slices returned no row. `error` says why there is no cost. `basis` says where
    the seconds come from: slices of this kind, or of another kind, scaled by estimates of work.
    """

    seconds: float = 0.0
    start_seconds: float = 0.0
    checkpoint_bytes: int = 0
    csv_bytes: int | None = None
    error: str = ""
    basis: Literal["measured", "scaled"] = "measured"


@dataclass(frozen=True)
class CostEstimate:
    """The cost of a plan on this machine with `jobs` processes at once."""

    seconds: float
    disk_bytes: int
    disk_exact: bool  # false if the size of some CSV is not known yet
    jobs: int
    unknown: int = 0  # blocks of unknown cost, counted as 0
    errors: tuple[str, ...] = ()
    measured: int = 0  # kinds of block
    scaled: int = 0


def kind(cell: Cell) -> str:
    """A short hash that cells of equal cost share."""
    parts: list[Any] = [cell.variant.learner, dict(cell.config), dict(cell.limits), cell.task.make, cell.versions]
    parts += [cell.block_size, cell.threads, cell.device, platform.describe(cell.device, cell.precision)]
    parts += [dict(cell.sources)] * bool(cell.sources)
    return hashlib.sha256(strict_json.dumps(parts, sort_keys=True, default=dict).encode()).hexdigest()[:16]


def costs(
    store: Store, blocks: Sequence[Block], jobs: int, tell: Callable[[str], None] = lambda _: None
) -> dict[str, Cost]:
    """The cost of each kind among `blocks`; measured now if this machine has not measured it before."""
    kinds: dict[str, Block] = {}
    for block in blocks:
        kinds.setdefault(kind(block.cell), block)
    known = remembered(store, blocks)
    if len(known) == len(kinds):
        return known
    with _alone(store, tell):
        known = remembered(store, blocks)  # another run may have measured meanwhile
        return known | _measured(store, kinds, known, jobs, tell)


@contextmanager
def _alone(store: Store, tell: Callable[[str], None]) -> Iterator[None]:
    """One run calibrates at a time; others then find its measurements. Without a writable folder each does its own."""
    path = store.work / "calibration" / "calibration.lock"
    held = None
    try:
        held = take(path, "")
        if held is None:
            tell("another run calibrates here; this one waits for what it measures")
        while held is None:
            time.sleep(0.2)
            held = take(path, "")
    except (OSError, NoLocksError):  # `costs` says what cannot be kept
        pass
    try:
        yield
    finally:
        if held is not None:
            held.release()


def _measured(
    store: Store, kinds: Mapping[str, Block], known: Mapping[str, Cost], jobs: int, tell: Callable[[str], None]
) -> dict[str, Cost]:
    """The costs of the kinds that are not known; they are kept on disk."""
    new = [name for name in kinds if name not in known]
    if not new:
        return {}
    work = _works(kinds)
    scale = _references(kinds, known, work)
    measure = [name for name in new if name not in scale]
    if measure:
        tell(
            f"calibrating {len(measure)} kind{'s' * (len(measure) > 1)} of block, a few seconds each"
            + f"; {len(scale)} more are scaled by their arithmetic" * bool(scale)
        )
    widest = max((width(jobs, kinds[name].cell.threads) for name in measure), default=1)
    pool, waits = ThreadPoolExecutor(max(jobs // widest, 1)), Waits(MOST_WAITING * max(jobs // widest, 1))
    try:
        found = _each({name: pool.submit(_measure, kinds[name], waits) for name in measure}, tell)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C does not wait: measurements end with this process
    found |= {name: _scaled({**known, **found}[by], work[name] / work[by]) for name, by in scale.items()}
    try:
        for name in new:
            if not found[name].error:
                write_atomic(_path(store, name), strict_json.dumps(asdict(found[name])).encode(), durable=False)
    except OSError as error:  # a plan works without a writable folder
        tell(f"what was measured is not kept: {store.work}: {error.strerror}")
    return found


def _each(asked: Mapping[str, Future[Cost]], tell: Callable[[str], None]) -> dict[str, Cost]:
    """The results of all measurements; now and then it tells how many there are, without those that failed."""
    said, measured = time.monotonic(), 0
    for count, future in enumerate(as_completed(asked.values()), start=1):
        measured += not future.result().error
        if time.monotonic() - said > SILENCE and count < len(asked):
            said = time.monotonic()
            tell(f"{measured} of {len(asked)} kinds of block measured")
    return {name: future.result() for name, future in asked.items()}


def remembered(store: Store, blocks: Sequence[Block]) -> dict[str, Cost]:
    """The costs that are known without measuring."""
    found = {kind(b.cell): None for b in blocks}
    return {name: cost for name in found if (cost := _remembered(store, name)) is not None}


def estimate(blocks: Sequence[Block], known: Mapping[str, Cost], jobs: int) -> CostEstimate:
    """The time and disk of `blocks`. Blocks of unknown cost count as nothing, and are among the errors."""
    total, longest, disk, checkpoint = 0.0, 0.0, 0, 0  # total: slots times seconds
    exact, unknown, errors = True, 0, []
    basis: dict[str, str] = {}
    for block in blocks:
        name = kind(block.cell)
        cost = known.get(name, Cost(error=NOT_CALIBRATED))
        if not cost.error:
            basis[name] = cost.basis
        if cost.error:
            unknown += 1
            errors.append(f"{block.cell.name}: {cost.error}")
        seconds = cost.seconds + cost.start_seconds
        total += seconds * width(jobs, block.cell.threads)
        longest = max(longest, seconds)
        share = len(block.wanted) / len(block.seeds)
        disk += int((cost.csv_bytes or 0) * share)
        exact &= cost.csv_bytes is not None
        checkpoint = max(checkpoint, cost.checkpoint_bytes)
    widths = [width(jobs, block.cell.threads) for block in blocks]
    used = min(jobs - jobs % min(widths), sum(widths)) if blocks else 1  # slots
    seconds, processes = max(total / used, longest), at_once(jobs, widths)
    counts = [list(basis.values()).count(word) for word in ("measured", "scaled")]
    return CostEstimate(
        seconds, disk + processes * checkpoint, exact, processes, unknown, tuple(dict.fromkeys(errors)), *counts
    )


def default_jobs(blocks: Sequence[Block]) -> int:
    """All cores, which blocks share by their threads; 1 on a GPU, because one block can fill it."""
    return 1 if any(block.cell.device != "cpu" for block in blocks) else Cores(platform.cores())


def _family(cell: Cell) -> tuple[Any, ...]:
    """A key that kinds share if one learner's work estimates can compare them."""
    where = cell.threads, cell.device, cell.precision
    return cell.variant.learner, cell.versions["algorithm"], cell.block_size, *where


def _references(kinds: Mapping[str, Block], known: Mapping[str, Cost], work: Mapping[str, float]) -> dict[str, str]:
    """The kinds to scale, each with the kind to scale from: a measured one of its family, or the one of least work."""
    families: dict[tuple[Any, ...], list[str]] = {}
    for name in sorted(work, key=lambda name: work[name]):
        families.setdefault(_family(kinds[name].cell), []).append(name)
    scale: dict[str, str] = {}
    for names in families.values():
        measured = [name for name in names if name in known and known[name].basis == "measured"]
        by = (measured or [name for name in names if name not in known] or names)[0]
        scale |= {name: by for name in names if name != by and name not in known}
    return scale


def _scaled(cost: Cost, ratio: float) -> Cost:
    if cost.error:
        return cost
    return replace(cost, seconds=cost.seconds * ratio, csv_bytes=None, basis="scaled")


def _path(store: Store, name: str) -> Any:
    return store.work / "calibration" / f"{name}.json"


def _remembered(store: Store, name: str) -> Cost | None:
    try:
        return Cost(**strict_json.loads(_path(store, name).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


class Waits:
    """How long processes have waited for a core, each as Linux counts it, against what they may wait together."""

    def __init__(self, most: float) -> None:
        self.most = most
        self._by_process: dict[int, float] = {}

    def note(self, process: int) -> None:
        with suppress(OSError, ValueError, IndexError):  # it has ended, or the system does not count
            self._by_process[process] = int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9

    @property
    def over(self) -> bool:
        return sum(list(self._by_process.values())) >= self.most


def _ask(question: Any, threads: int, waits: Waits | None = None) -> subprocess.CompletedProcess[str]:
    """Run the calibration process on a job or on a list of jobs. Raises TimeoutExpired if `waits` is over."""
    command = [sys.executable, "-m", "svgbench.lab.calibration", str(os.getpid())]
    begun, pipe, env = time.monotonic(), subprocess.PIPE, platform.environment(threads)
    with TemporaryFile("w+") as asked:  # a question may be larger than a pipe holds while the process starts
        asked.write(strict_json.dumps(question))
        asked.seek(0)
        process = subprocess.Popen(command, stdin=asked, stdout=pipe, stderr=pipe, text=True, env=env)
    with process:
        while True:
            try:
                output, errors = process.communicate(timeout=LOOK)
                return subprocess.CompletedProcess(command, process.returncode, output, errors)
            except subprocess.TimeoutExpired:
                if waits is not None:
                    waits.note(process.pid)
                if (waits is not None and waits.over) or time.monotonic() - begun > PATIENCE:
                    process.kill()
                    raise
            except BaseException:
                process.kill()
                raise


def _measure(block: Block, waits: Waits) -> Cost:
    """A Cost with an `error` if it cannot be measured."""
    if waits.over:
        return Cost(error=BUSY)
    try:
        done = _ask(describe_job(block), block.cell.threads, waits)
        return Cost(**strict_json.loads(done.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return Cost(error=BUSY)
    except (IndexError, ValueError, TypeError):
        if done.returncode == -signal.SIGXCPU:
            return Cost(error=f"one slice takes longer than {MOST_SECONDS} s")
        lines = done.stderr.strip().splitlines()
        return Cost(error=lines[-1] if lines else f"exit status {done.returncode}")


def _works(kinds: Mapping[str, Block]) -> dict[str, float]:
    """The estimated work of each kind that has one and whose family has others."""
    sizes = Counter(_family(block.cell) for block in kinds.values())
    names = [name for name, block in kinds.items() if sizes[_family(block.cell)] > 1]
    if not names:
        return {}
    try:
        done = _ask([describe_job(kinds[name]) for name in names], 1)
        works = strict_json.loads(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, ValueError):
        return {}
    return {name: work for name, work in zip(names, works, strict=True) if work}


def work_here(blocks: Sequence[Block]) -> list[float | None]:
    """Each block's work by its learner's own estimate; None if the learner has no estimate or it fails."""
    from svgbench.lab.block import resolve
    from svgbench.lab.source import split_reference

    tasks: dict[str, Any] = {}
    works: list[float | None] = []
    for block in blocks:
        cell = block.cell
        try:
            estimate = resolve(f"{split_reference(cell.variant.learner)[0]}:estimated_work")
            if cell.task.id not in tasks:
                tasks[cell.task.id] = resolve(cell.task.make)(**cell.task.options)
            work = float(estimate(cell.config, tasks[cell.task.id], list(block.seeds), cell.limits))
            works.append(work if math.isfinite(work) else None)
        except Exception:
            works.append(None)
    return works


class _Counted(io.BytesIO):
    """A file that keeps only its size, because a state can fill most of a machine's memory."""

    size = 0

    def write(self, data: Any) -> int:
        self.size += len(data)
        return len(data)


def measure_here(block: Block) -> Cost:
    """Time slices of the block's learner in this process, for about `SECONDS`, as if nothing else ran here."""
    from svgbench.lab.block import prepare, resolve
    from svgbench.lab.rows import as_csv

    begun = platform.idle_clock()
    import torch

    prepare(describe_job(block))
    cell = block.cell
    task = resolve(cell.task.make)(**cell.task.options)
    learner = resolve(cell.variant.learner)(cell.config, task, list(block.seeds), cell.limits, cell.device)
    rows = list(learner.advance()) if not learner.finished else []
    warm, (first, total) = platform.idle_clock(), learner.progress
    last = time.monotonic() + 2 * SECONDS  # on a busy machine
    while not learner.finished and platform.idle_clock() - warm < SECONDS and time.monotonic() < last:
        rows += learner.advance()
    now, done = platform.idle_clock(), learner.progress[0]
    since, units = (warm, done - first) if done > first else (begun, max(done, 1))  # the first slice is a warm-up
    seconds = (now - since) * total / units * getattr(learner, "outlook", 1.0)
    checkpoint = _Counted()
    torch.save(learner.state_dict(), checkpoint)
    csv = int(len(as_csv(rows, cell.columns)) * total / done) if rows and done else None
    start = max(warm - begun - seconds * first / total, 0.0)
    return Cost(seconds, start, checkpoint.size, csv)


def watch_parent(parent: int) -> None:
    """End this process soon after the one that started it has ended."""

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def limit_seconds(most: int) -> None:
    """The system ends this process with SIGXCPU after so many seconds of computing."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    watch_parent(int(sys.argv[1]))
    asked = strict_json.loads(sys.stdin.read())
    limit_seconds(MOST_SECONDS * (1 if isinstance(asked, list) else block_from_job(asked).cell.threads))
    if isinstance(asked, list):
        answer: Any = work_here([block_from_job(job) for job in asked])
    else:
        answer = asdict(measure_here(block_from_job(asked)))
    sys.stdout.write(strict_json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(0)
