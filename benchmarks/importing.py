"""Import of a million rows: the time and the peak memory of the whole process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.result import Result

SEEDS, STEPS = 10, 100_000
SECONDS, MEMORY = 10.0, 300.0  # MB
WORDS = ("--experiment", "sac-svg/table2", "--task", "poplin/hopper", "--as", "mine", "--budget", "short")


def write_csv(file: Path) -> None:
    """A million rows with two columns of numbers at full precision."""
    values = np.random.default_rng(0).normal(size=(SEEDS * STEPS, 2)).tolist()
    with file.open("w") as text:
        text.write("seed,step,eval_return,train_return\n")
        text.writelines(f"{i // STEPS},{i % STEPS},{one!r},{other!r}\n" for i, (one, other) in enumerate(values))


def measure() -> list[Result]:
    """One process of `svgbench import`. Processor time is measured too, because other work stretches the wall time."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "mine.csv"
        write_csv(file)
        words = [sys.executable, "-m", "svgbench.cli", "import", str(file), *WORDS, "--results", f"{folder}/results"]
        begun = time.perf_counter()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"svgbench import ended with status {process.returncode}")
    processor, memory = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6
    return [
        Result("importing/seconds", wall, "s", "limit", SECONDS, wall / SECONDS, "<= 1"),
        Result("importing/processor-seconds", processor, "s", "limit", SECONDS, processor / SECONDS, "<= 1"),
        Result("importing/memory", memory, "MB", "limit", MEMORY, memory / MEMORY, "<= 1"),
    ]
