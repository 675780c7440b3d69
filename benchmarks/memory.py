"""Memory of runs at the paper's budget with a full replay: the peak of a block's own process.

The process is the lab's. It resumes from a checkpoint, does slices with all their updates, writes a checkpoint after
each, and is stopped. Another process made the first checkpoint; its transitions are random numbers, not simulated.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from benchmarks.result import Result
from svgbench import reproduce
from svgbench.lab import block as child
from svgbench.lab.cells import Block, Selection, describe_job, expand, identity
from svgbench.lab.executor import Local, Placement
from svgbench.lab.platform import environment
from svgbench.lab.store import Store

ROOT = Path(__file__).parents[1]
LIMIT = 1.5  # GB of a seed
# (experiment, task, variant, overrides): the widest transitions; a narrow task with as many; the longest expansion
RUNS = (
    ("sac-svg/fig2", "mbpo/humanoid", "sac-svg-2", ()),
    ("sac-svg/table2", "poplin/hopper", "sac-svg-2", ("total_steps=1000000",)),
    ("sac-svg/table2", "poplin/hopper", "sac-svg-10", ()),
)
Run = tuple[str, str, str, tuple[str, ...]]


def block_of(run: Run, seeds: int) -> Block:
    """One block with this number of the run's seeds."""
    experiment, task, variant, overrides = run
    selection = Selection(seeds=tuple(range(seeds)), tasks=(task,), variants=(variant,), overrides=overrides)
    (cell,) = expand(reproduce.experiments()[experiment], selection)
    cell = replace(cell, block_size=seeds)
    return Block(replace(cell, identity=identity(cell)), 0, cell.seeds)


def fill(job: Path, results: Path) -> None:
    """Write a checkpoint of the block from the middle of the run, with a replay full of made transitions."""
    import torch

    block = child.prepare(json.loads(job.read_bytes()))
    process = child.BlockProcess(Store(results), block, 1)
    learner: Any = process.make()
    replay, horizon = learner.experience.replay, learner.task.horizon
    replay.rows.normal_()
    replay.layout.terminal(replay.rows).zero_()
    ends = torch.arange(replay.capacity) % horizon == horizon - 1
    seeds = len(replay.rows)
    replay.load_state_dict({"rows": replay.rows, "ends": ends.expand(seeds, -1), "added": replay.capacity})
    learner.step = block.cell.limits["total_steps"] // 2
    process.save(learner)


def peak(run: Run, seeds: int) -> float:
    """The peak memory of the block's process, in GB."""
    block = block_of(run, seeds)
    with TemporaryDirectory() as folder, mock.patch.dict(os.environ, {child.CHECKPOINT_SECONDS: "0"}):
        store = Store(Path(folder))
        work = store.block_work(block)
        work.mkdir(parents=True)
        job = work / "job.json"
        job.write_text(json.dumps(describe_job(block)))
        words = [sys.executable, "-m", "benchmarks.memory", "--fill", str(job), "--results", folder]
        subprocess.run(words, check=True, cwd=ROOT, env=environment(block.cell.threads))
        log = store.log_path(block)
        process = Local(1).submit(Placement(job, store.root, log, block.cell.threads, 1)).process
        report = work / "progress.json"
        while not report.exists() and process.poll() is None:
            time.sleep(0.05)
        process.terminate()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != child.STOPPED or "resumed at" not in log.read_text():
            raise RuntimeError(f"the block's process ended with status {process.returncode}:\n{log.read_text()}")
        return used.ru_maxrss * 1024 / 1e9


def measure() -> list[Result]:
    """The memory of a process with one seed, and the increase for a second seed."""
    results = []
    for run in RUNS:
        _, task, variant, _ = run
        alone, both = peak(run, 1), peak(run, 2)
        for name, value in {"one-seed": alone, "second-seed": both - alone}.items():
            words = f"memory/{task}/{variant}/{name}"
            results.append(Result(words, value, "GB", "limit of a seed", LIMIT, value / LIMIT, "<= 1"))
    return results


def main() -> None:
    """Print the results, or be the process that fills a replay."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fill", type=Path, metavar="JOB", help=argparse.SUPPRESS)
    parser.add_argument("--results", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill is not None:
        fill(options.fill, options.results)
        return
    for result in measure():
        print(result.text())


if __name__ == "__main__":
    main()
