"""A large grid without its learners: 1,000 cells of 10 blocks of 10 seeds, with made-up rows, 64 blocks at once.

What is left is what the lab costs. The run is stopped at half and continued. Times of the run are CPU seconds of its
process without those that the executor spent on making up the rows. See `grid_plugin/svgbench_made_up.py`.
"""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.commands import PLUGIN
from benchmarks.result import Result
from svgbench.words.errors import INCOMPLETE, OK

TASKS = 10  # of a hundred cells each
SLOTS = 64
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Spent:
    """A process that has ended: its exit status, CPU and wall seconds, and its largest memory in MB."""

    status: int
    cpu: float
    wall: float
    memory: float


class Process:
    """A command of svgbench under way; its output goes to a file."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.output = folder / f"output-{time.monotonic_ns()}"
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (PLUGIN, ROOT)))}
        command = [sys.executable, "-m", "svgbench.cli", *words, "--results", str(folder / "results")]
        self.begun = time.perf_counter()
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=file, env=environment, cwd=folder)

    def finished(self) -> int:
        """The blocks that it says are done."""
        found = re.findall(r"^\[(\d+)/", self.output.read_text(encoding="utf-8"), re.MULTILINE)
        return int(found[-1]) if found else 0

    def end(self) -> Spent:
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - self.begun
        return Spent(self.process.returncode, usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)

    def runs(self) -> bool:
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def cpu(self) -> float:
        """CPU seconds so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Grid:
    """The experiment's first tasks in a folder."""

    def __init__(self, folder: Path, tasks: int = TASKS) -> None:
        self.folder, self.blocks = folder, 1000 * tasks
        names = ",".join(f"task-{i:03d}" for i in range(tasks))
        self.selection = ("synthetic/growth", "--budget", "smoke", "--tasks", names)
        self.looks: list[Spent] = []  # status meanwhile

    def command(self, word: str, *more: str) -> Spent:
        spent = Process(self.folder, word, *self.selection, *more).end()
        assert spent.status == OK
        return spent

    def run(self, until: int, first: Callable[[Process], None] = lambda _: None) -> tuple[Spent, float]:
        """Run, and stop when so many blocks are done; how it ended, and the executor's CPU seconds.

        `first` is called when the first block is done. `status` is asked meanwhile, five times.
        """
        made_up = self.folder / "made-up"
        words = ("--executor", f"made-up:{made_up}", "--jobs", str(SLOTS), "--yes")
        process = Process(self.folder, "run", *self.selection, *words)
        marks: Iterator[int] = iter([until * i // 6 for i in range(1, 6)])
        mark = next(marks, None)
        while process.runs():
            done = process.finished()
            if done and first is not None:
                first(process)
                first = None
            if mark is not None and done >= mark:
                mark = next(marks, None)
                self.looks.append(self.command("status", "--json"))
            if done >= until and until < self.blocks:
                process.process.send_signal(signal.SIGTERM)
                until = self.blocks
            time.sleep(0.1)
        return process.end(), float(made_up.read_text(encoding="ascii"))


def measure(tasks: int = TASKS) -> list[Result]:
    """Plan, run to the half, plan the rest, run it; `status` meanwhile and at the end."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("SVGBENCH_GROWTH")) as folder:
        grid, resumed = Grid(Path(folder), tasks), []
        empty = grid.command("plan", "--no-calibrate")
        half, first_rows = grid.run(grid.blocks // 2)
        rest = grid.command("plan", "--no-calibrate")
        whole, second_rows = grid.run(grid.blocks, lambda process: resumed.append(process.cpu()))
        assert (half.status, whole.status) == (INCOMPLETE, OK)
        looks = grid.looks
        done = grid.command("status", "--json")
    cpu = half.cpu + whole.cpu - first_rows - second_rows
    print(f"run: {cpu:.1f} CPU s, {half.wall + whole.wall:.0f} s of wall time, in which other processes had a share; "
          f"made-up rows {first_rows + second_rows:.1f} CPU s; "
          f"status meanwhile {max(look.wall for look in looks):.2f} s at most; resumed after {resumed[0]:.2f} CPU s",
          file=sys.stderr)  # fmt: skip
    cells = f"{100 * tasks:,} cells"
    rate = grid.blocks / cpu
    memory = max(half.memory, whole.memory)
    status = statistics.median(look.cpu for look in looks)
    return [
        Result("growth/blocks placed and merged", rate, "a CPU second", "limit", 50.0, rate / 50, ">= 1"),
        Result("growth/memory of the run", memory, "MB", "limit", 300.0, memory / 300, "<= 1"),
        *(
            Result(f"growth/{name}, {cells}", value, "CPU s", "limit", 2.0, value / 2, "<= 1")
            for name, value in (
                ("status meanwhile", status),
                ("status of the whole", done.cpu),
                ("plan of nothing", empty.cpu),
                ("plan of a half", rest.cpu),
                ("resumed, to the first block", resumed[0]),
            )
        ),
    ]
