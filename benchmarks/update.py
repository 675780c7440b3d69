"""One update of SAC-SVG(2) and of SAC, profile "code" at the paper's sizes on Hopper, one seed on two threads.

The limit is the least arithmetic of such an update (`benchmarks.arithmetic`) at the rate of a large float32 product,
timed in turns with the updates in one process, because a machine's speed drifts. The process has the environment that
the lab gives its blocks. The authors' code has no package to install, so it is not measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.result import Result
from benchmarks.turns import SIZE, beside_product
from svgbench import reproduce
from svgbench.lab.cells import Cell, Selection, expand
from svgbench.lab.platform import environment

ROOT = Path(__file__).parents[1]
EXPERIMENT, TASK, VARIANTS = "sac-svg/table2", "poplin/hopper", ("sac", "sac-svg-2")
THREADS = 2
WARM_UP, REPEATS = 2, 15  # updates


def cell_of(variant: str, budget: str = "paper") -> Cell:
    """The cell of Table 2."""
    selection = Selection(budget, tasks=(TASK,), variants=(variant,))
    (cell,) = expand(reproduce.experiments()[EXPERIMENT], selection)
    return cell


def make_update(cell: Cell) -> tuple[Callable[[], None], int]:
    """An update of seed 0 with all its losses, on the transitions of the random steps; its least multiplications."""
    import torch

    from benchmarks.arithmetic import least
    from svgbench.lab.block import resolve

    task = resolve(cell.task.make)(**cell.task.options)
    learner: Any = resolve(cell.variant.learner)(cell.config, task, [0], cell.limits, "cpu")
    learner.advance()  # all steps before the first update
    agent = learner.agent
    phase = agent.prepare(cell.limits["total_steps"] // 2)
    draws = {
        name: torch.rand(1, *draw.shape, dtype=torch.float64) if draw.kind == "uniform" else torch.randn(1, *draw.shape)
        for name, draw in agent.draws.items()
    }
    work = least(agent.config, task.observation_dim, task.action_dim)
    return lambda: agent.update(phase, learner.experience, draws, None), work


def child(variant: str, threads: int, repeats: int) -> None:
    """Print the seconds of an update, the rate of the product, multiplications a second, and the least work."""
    update, work = make_update(cell_of(variant))
    seconds, rate = beside_product(update, threads, WARM_UP, repeats)
    print(json.dumps([seconds, rate, work]))


def measure(threads: int = THREADS, repeats: int = REPEATS) -> list[Result]:
    """Both algorithms, one after the other."""
    return [result for variant in VARIANTS for result in _measure(variant, threads, repeats)]


def _measure(variant: str, threads: int, repeats: int) -> list[Result]:
    words = [sys.executable, "-m", "benchmarks.update", "--child", variant]
    words += ["--threads", str(threads), "--repeats", str(repeats)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment(threads))
    seconds, rate, work = json.loads(done.stdout.splitlines()[-1])
    name, limit = f"update/{variant}", work / rate
    gflop, product = 2e-9 * work, f"a float32 product of {SIZE} x {SIZE}"
    return [
        Result(f"{name}/rate", gflop / seconds, "GFLOP/s", product, 2e-9 * rate, limit / seconds, ">= 0.8"),
        Result(name, seconds, "s", f"{gflop:.1f} GFLOP at that rate", limit, seconds / limit, "<= 1.25"),
        Result(f"{name}/authors", seconds, "s", "the code of Amos et al."),
    ]


def main() -> None:
    """Print the results, or be the child of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options = parser.parse_args()
    if options.child is not None:
        child(options.child, options.threads, options.repeats)
        return
    for result in measure(options.threads, options.repeats):
        print(result.text())


if __name__ == "__main__":
    main()
