"""The lab's overhead: a block under the lab, compared with a process that runs the same learner alone."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.result import Result
from svgbench import reproduce
from svgbench.lab.cells import Block, Selection, blocks, describe_job, expand

EXPERIMENT, BUDGET = "maac/fig3", "short"
TASK, VARIANT = "double-integrator/gamma0.99-far", "learned-f-learned-q"
REPEATS = 3

DIRECT = """
import json, sys
from svgbench.lab.block import prepare, resolve
from svgbench.lab.cells import block_from_job
job = json.load(sys.stdin)
prepare(job)
block = block_from_job(job)
cell = block.cell
task = resolve(cell.task.make)(**cell.task.options)
learner = resolve(cell.variant.learner)(cell.config, task, list(block.seeds), cell.limits, cell.device)
rows = []
while not learner.finished:
    rows += learner.advance()
"""


def direct(block: Block) -> float:
    """Seconds of a process that imports, makes the learner and calls it to its end."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    begun = time.perf_counter()
    job = json.dumps(describe_job(block))
    subprocess.run([sys.executable, "-c", DIRECT], input=job, text=True, check=True, env=environment)
    return time.perf_counter() - begun


def under_the_lab() -> float:
    """Seconds of `svgbench run` for the same block: supervisor, checkpoints, progress, store."""
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(sys.executable).with_name("svgbench"))
        command = [program, "run", EXPERIMENT, "--budget", BUDGET, "--tasks", TASK, "--variants", VARIANT]
        arguments = ["--results", folder, "--jobs", "1", "--yes"]
        subprocess.run([program, "plan", *command[2:], *arguments[:4]], check=True, capture_output=True)  # calibrate
        begun = time.perf_counter()
        subprocess.run([*command, *arguments], check=True, capture_output=True)
        return time.perf_counter() - begun


def measure() -> list[Result]:
    """One block at the short budget, the two ways in turn; medians."""
    selection = Selection(budget=BUDGET, tasks=(TASK,), variants=(VARIANT,))
    (cell,) = expand(reproduce.experiments()[EXPERIMENT], selection)
    (block,) = blocks(cell, cell.seeds)
    alone, lab = [], []
    for _ in range(REPEATS):
        alone.append(direct(block))
        lab.append(under_the_lab())
    value, reference = statistics.median(lab), statistics.median(alone)
    return [Result("lab overhead, one block", value, "s", "the learner alone", reference, value / reference, "<= 1.05")]
