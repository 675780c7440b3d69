"""Response times of commands: start-up, and `plan` and `status` over 10,000 cells, half of them done."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from benchmarks.result import Result
from svgbench.lab.cells import Cell, Selection, expand
from svgbench.lab.platform import describe
from svgbench.lab.store import Store

PLUGIN = Path(__file__).parent / "grid_plugin"
REPEATS = 7


def seconds(arguments: list[str], repeats: int = REPEATS, path: str = "") -> float:
    """The median wall time of a command as a whole process, after one run to warm the file cache."""
    environment = os.environ | {"PYTHONPATH": path}
    command = [str(Path(sys.executable).with_name("svgbench")), *arguments]

    def once() -> float:
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment)
        return time.perf_counter() - begun

    once()
    return statistics.median(once() for _ in range(repeats))


def fill(store: Store, cells: list[Cell], rows: int = 1) -> None:
    """Finished results for the cells, without waiting for the disk after each file."""
    with mock.patch("os.fsync"):
        for cell in cells:
            texts = {seed: "".join(f"{seed},{step},0.5\n" for step in range(rows)) for seed in cell.seeds}
            entry = {"status": "done", "seconds": 1.0, "rows": rows, "platform": describe("cpu")}
            store.merge(cell, texts, {seed: dict(entry) for seed in cell.seeds})


def startup() -> list[Result]:
    """`--help` and `list` against their limits."""
    limits = {"--help": 0.3, "list": 0.6}
    measured = {word: seconds([word]) for word in limits}
    return [
        Result(f"svgbench {word}", value, "s", "limit", limits[word], value / limits[word], "<= 1")
        for word, value in measured.items()
    ]


def grid() -> list[Result]:
    """`plan` and `status` over 10,000 cells, every second one done, against 2 s."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(sys, "path", [str(PLUGIN), *sys.path]):
        import svgbench_grid

        cells = expand(svgbench_grid.EXPERIMENTS[0], Selection())
        fill(Store(folder), cells[::2])
        commands: dict[str, list[str]] = {
            "status, 10,000 cells": ["status", "synthetic/grid", "--json", "--results", folder],
            "plan, 10,000 cells": ["plan", "synthetic/grid", "--no-calibrate", "--results", folder],
        }
        measured = {name: seconds(arguments, 3, str(PLUGIN)) for name, arguments in commands.items()}
    return [Result(name, value, "s", "limit", 2.0, value / 2.0, "<= 1") for name, value in measured.items()]


def measure() -> list[Result]:
    """Everything in this file."""
    parts: list[Callable[[], list[Result]]] = [startup, grid]
    return [result for part in parts for result in part()]
