"""What a block costs here: a few slices of each kind of learner, in a process of its own, kept on disk.

`python -m svgbench.lab.calibration PARENT < JOB` runs slices for a few seconds and prints one JSON object. Cells with
the same learner, config, limits and task factory cost the same and share one calibration.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from svgbench.lab import platform
from svgbench.lab.cells import Block, Cell, block_from_job, describe_job
from svgbench.lab.files import write_atomic
from svgbench.lab.store import Store

SECONDS = 3.0
TIMEOUT = 300.0


@dataclass(frozen=True)
class Cost:
    """What one whole block takes: seconds of computing, seconds to start, bytes of checkpoint, bytes of CSV.

    `csv_bytes` is None where no row fell in the slices that were tried. `error` says why there is no cost.
    """

    seconds: float = 0.0
    start_seconds: float = 0.0
    checkpoint_bytes: int = 0
    csv_bytes: int | None = None
    error: str = ""


@dataclass(frozen=True)
class Estimate:
    """What a plan costs on this machine with `jobs` processes at once."""

    seconds: float
    disk_bytes: int
    disk_exact: bool  # false where the size of some CSV is not known yet
    jobs: int
    unknown: int = 0  # blocks whose cost is not known, and which count as nothing
    errors: tuple[str, ...] = ()


def kind(cell: Cell) -> str:
    """What cells of equal cost have in common, as a short hash."""
    parts: list[Any] = [cell.variant.learner, dict(cell.config), dict(cell.limits), cell.task.make, cell.versions]
    parts += [cell.block_size, cell.threads, cell.device, platform.describe(cell.device)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=dict).encode()).hexdigest()[:16]


def costs(
    store: Store, blocks: Sequence[Block], jobs: int, tell: Callable[[str], None] = lambda _: None
) -> dict[str, Cost]:
    """The cost of each kind among `blocks`, measured now where this machine has not measured it before."""
    kinds: dict[str, Block] = {}
    for block in blocks:
        kinds.setdefault(kind(block.cell), block)
    known = {name: cost for name in kinds if (cost := _remembered(store, name)) is not None}
    new = {name: block for name, block in kinds.items() if name not in known}
    if new:
        tell(f"calibrating {len(new)} kind{'s' * (len(new) > 1)} of block, a few seconds each")
        with ThreadPoolExecutor(jobs) as pool:
            measured = dict(zip(new, pool.map(lambda b: _measure(store, b), new.values()), strict=True))
        for name, cost in measured.items():
            if not cost.error:
                write_atomic(_path(store, name), json.dumps(asdict(cost)).encode(), durable=False)
        known |= measured
    return known


def remembered(store: Store, blocks: Sequence[Block]) -> dict[str, Cost]:
    """The costs that are known without measuring."""
    found = {kind(b.cell): None for b in blocks}
    return {name: cost for name in found if (cost := _remembered(store, name)) is not None}


def estimate(blocks: Sequence[Block], known: Mapping[str, Cost], jobs: int) -> Estimate:
    """The time and disk of `blocks`. Blocks of unknown cost count as nothing, and are among the errors."""
    total, longest, disk, checkpoint = 0.0, 0.0, 0, 0
    exact, unknown, errors = True, 0, []
    for block in blocks:
        cost = known.get(kind(block.cell), Cost(error="not calibrated"))
        if cost.error:
            unknown += 1
            errors.append(f"{block.cell.name}: {cost.error}")
        seconds = cost.seconds + cost.start_seconds
        total += seconds
        longest = max(longest, seconds)
        share = len(block.wanted) / len(block.seeds)
        disk += int((cost.csv_bytes or 0) * share)
        exact &= cost.csv_bytes is not None
        checkpoint = max(checkpoint, cost.checkpoint_bytes)
    at_once = min(jobs, len(blocks))
    seconds = max(total / at_once, longest) if at_once else 0.0
    return Estimate(seconds, disk + at_once * checkpoint, exact, at_once, unknown, tuple(dict.fromkeys(errors)))


def default_jobs(threads: int) -> int:
    """As many blocks at once as use every core once."""
    return max(1, platform.cores() // threads)


def _path(store: Store, name: str) -> Any:
    return store.work / "calibration" / f"{name}.json"


def _remembered(store: Store, name: str) -> Cost | None:
    try:
        return Cost(**json.loads(_path(store, name).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _measure(store: Store, block: Block) -> Cost:
    """Run the calibration process; a Cost with an `error` if it fails."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "svgbench.lab.calibration", str(os.getpid())],
            input=json.dumps(describe_job(block)),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            env=platform.environment(block.cell.threads),
        )
        return Cost(**json.loads(done.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return Cost(error=f"one slice takes longer than {TIMEOUT:.0f} s")
    except (IndexError, ValueError, TypeError):
        lines = done.stderr.strip().splitlines()
        return Cost(error=lines[-1] if lines else f"exit status {done.returncode}")


def measure_here(block: Block) -> Cost:
    """Time slices of the block's learner in this process, for about `SECONDS`."""
    from svgbench.lab.block import as_csv, prepare, resolve

    begun = time.monotonic()
    import torch

    prepare(describe_job(block))
    cell = block.cell
    task = resolve(cell.task.make)(**cell.task.options)
    learner = resolve(cell.variant.learner)(cell.config, task, list(block.seeds), cell.limits, cell.device)
    rows = list(learner.advance()) if not learner.finished else []
    warm, (first, total) = time.monotonic(), learner.progress
    while not learner.finished and time.monotonic() - warm < SECONDS:
        rows += learner.advance()
    now, done = time.monotonic(), learner.progress[0]
    since, units = (warm, done - first) if done > first else (begun, max(done, 1))  # the first slice is a warm-up
    seconds = (now - since) * total / units
    buffer = io.BytesIO()
    torch.save(learner.state_dict(), buffer)
    csv = int(len(as_csv(rows, cell.columns)) * total / done) if rows and done else None
    start = max(warm - begun - seconds * first / total, 0.0)
    return Cost(seconds, start, buffer.tell(), csv)


def watch_parent(parent: int) -> None:
    """End this process soon after the one that started it has ended."""

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    watch_parent(int(sys.argv[1]))
    sys.stdout.write(json.dumps(asdict(measure_here(block_from_job(json.load(sys.stdin))))) + "\n")
    sys.stdout.flush()
    os._exit(0)
