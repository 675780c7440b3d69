"""Running svgbench as a user does, in processes of its own, and looking at what it left behind.

The runs are those of the test kit's random walk on one task: `Bench.walk`. What their CSV must be is computed here,
in process and without the lab's machinery, by `expected_csv`.

A command that a test waits for is a fork of a process that has imported what it needs (`forking.py`), because imports
take longer than most commands. What a test starts and then kills is a program with programs for its blocks.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svgbench.lab.cells import Block, Cell, Selection, blocks, expand
from svgbench.lab.delivery import deliver
from svgbench.lab.platform import compared
from svgbench.lab.rows import as_csv
from svgbench.lab.store import Store

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = ROOT / "tests" / "plugin"
SABOTAGE = ROOT / "tests" / "cli" / "sabotage"
PATIENCE = 90.0  # seconds until a test gives up on a process; nothing is measured against it


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Running:
    """A command under way. Its output goes to files, so that a full pipe never stops it."""

    def __init__(self, command: Sequence[str], folder: Path, **how: Any) -> None:
        self.files = [folder / f"{name}-{time.monotonic_ns()}" for name in ("out", "err")]
        out, err = (path.open("wb") for path in self.files)
        with out, err:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, start_new_session=True, **how
            )

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> Done:
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return Done(status, *(path.read_text(encoding="utf-8") for path in self.files))

    def blocks(self) -> list[int]:
        """The processes of blocks that it has started and that live."""
        return self.children("svgbench.lab.block")

    def children(self, module: str) -> list[int]:
        """Its living processes that run the module."""
        return [pid for pid in _children(self.process.pid) if alive(pid) and module in _command(pid)]


class Forks:
    """`forks(folder, *words, **case)` runs a case of `forking.py` in that folder: how it ended."""

    def __init__(self, kind: str) -> None:
        program = [sys.executable, str(ROOT / "tests" / "forking.py"), kind]
        extra = {"OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"}
        self.lock = threading.Lock()
        self.server = subprocess.Popen(
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment((ROOT, PLUGIN), extra),
        )
        atexit.register(self.server.communicate)

    def __call__(self, folder: Path, *words: str, **case: Any) -> Done:
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        with self.lock:
            self.server.stdin.write(json.dumps(case | {"folder": str(folder), "words": words}) + "\n")
            self.server.stdin.flush()
            return Done(*json.loads(self.server.stdout.readline()))


@functools.cache
def forks(kind: str = "whole") -> Forks:
    """The server of that kind, one in each process of the tests."""
    return Forks(kind)


class Bench:
    """`svgbench` on one results folder."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.store = Store(results)
        self.folder = results.parent
        self.environment: dict[str, str] = {"SVGBENCH_CHECKPOINT_SECONDS": "0"}  # after every slice
        self.path = [PLUGIN]

    def start(self, *words: str, **how: Any) -> Running:
        command = [sys.executable, "-m", "svgbench.cli", *words, "--results", str(self.results)]
        return Running(command, self.folder, env=environment(self.path, self.environment), cwd=self.folder, **how)

    def __call__(self, *words: str, **how: Any) -> Done:
        """Run the command to its end."""
        if how or self.path != [PLUGIN]:  # something that only a new program sees
            return self.start(*words, **how).end()
        return forks()(self.folder, *words, "--results", str(self.results), environment=self.environment)

    def start_walk(self, *words: str, **how: Any) -> Running:
        return self.start(*self.walking(*words), **how)

    def walking(self, *words: str) -> tuple[str, ...]:
        """`run` of one cell, the walk with drift on the calm field, at the smoke budget."""
        variants = () if "--variants" in words else ("--variants", "drift")
        return ("run", "testkit/walk", "--budget", "smoke", "--tasks", "field/calm", *variants, *words)

    def walk(self, *words: str, **how: Any) -> Done:
        return self(*self.walking(*words), **how)

    def status(self, *words: str) -> dict[str, dict[str, Any]]:
        """The rows of `status` on the calm field, by variant."""
        done = self("status", "testkit/walk", "--budget", "smoke", "--tasks", "field/calm", "--json", *words)
        assert done.status == 0, done.err
        return {row["variant"]: row for row in done.json}

    def csv(self, cell: Cell) -> bytes:
        return self.store.csv_path(cell).read_bytes()

    def entries(self, cell: Cell) -> dict[str, Any]:
        """The cell's JSON, seed by seed."""
        return json.loads(self.store.json_path(cell).read_bytes())["seeds"]

    def log(self, block: Block) -> str:
        return self.store.log_path(block).read_text(encoding="utf-8")

    def done_slices(self, block: Block, steps: int = 5) -> int:
        """How far a block that runs has come."""
        try:
            return int(json.loads((self.store.block_work(block) / "progress.json").read_bytes())["done"]) // steps
        except OSError:
            return 0

    def litter(self) -> list[Path]:
        """What killed writes left."""
        return sorted(self.results.rglob("*.tmp"))


def environment(path: Sequence[Path] = (PLUGIN,), extra: dict[str, str] | None = None) -> dict[str, str]:
    """Ours, without settings of svgbench that the developer may have. What runs is the code beside these tests."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SVGBENCH_")}
    return clean | {"PYTHONPATH": os.pathsep.join(map(str, [*path, ROOT])), "COLUMNS": "80"} | (extra or {})


def cell_of(*overrides: str, seeds: int | Sequence[int] = 4, variant: str = "drift", budget: str = "smoke") -> Cell:
    """A cell of the walk on the calm field."""
    from svgbench_testkit.experiments import EXPERIMENTS

    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    selection = Selection(budget, chosen, ("field/calm",), (variant,), overrides)
    return expand(EXPERIMENTS[0], selection)[0]


def block_of(cell: Cell, index: int = 0) -> Block:
    return blocks(cell, cell.seeds)[index]


def expected_csv(cell: Cell, without: Sequence[int] = ()) -> bytes:
    """What an undisturbed run of the cell's seeds writes, by driving the learner here."""
    from svgbench_testkit import walk

    calm = dict(cell.config) | {"raise_at": -1, "die_at": -1, "hang_at": -1, "slice_seconds": 0.0}
    texts = [",".join(("seed", "step", *cell.columns)) + "\n"]
    for block in blocks(cell, cell.seeds):
        learner = walk.make(calm, cell.task.options["scale"], block.seeds, {}, "cpu")
        rows: list[dict[str, Any]] = []
        while not learner.finished:
            rows += learner.advance()
        texts += [
            as_csv([row for row in rows if row["seed"] == s], cell.columns) for s in block.wanted if s not in without
        ]
    return "".join(texts).encode()


def deliver_made_up(store: Store, block: Block) -> None:
    """Deliver the block's requested seeds of a walk, one made-up row each, without a process."""
    texts = {seed: f"{seed},1,0.5,up\n" for seed in block.wanted}
    entry = {"status": "done", "platform": compared("cpu"), "seconds": 1.0, "rows": 1}
    deliver(store, block, uuid.uuid4().hex[:8], texts, {seed: dict(entry) for seed in block.wanted})


def wait_until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    wait_until(lambda: not alive(pid), f"the end of process {pid}")


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""
