"""One update of SAC-SVG(2) and of SAC, profile "code" at the paper's sizes on Hopper, one seed on two threads.

The limit is the least arithmetic of such an update (`benchmarks.arithmetic`) at the rate of a large float32 product,
timed in turns with the updates in one process, because a machine's speed drifts. Time spent waiting for a core does not
count; on a busy machine use `--threads 1`, because a second thread that waits holds up the first. The process has the
environment that the lab gives its blocks. The authors' code has no package to install, so it is not measured.

Where the processor has products in bfloat16, the same updates and products are timed with them (`--precision bf16`).
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
from benchmarks.turns import PRODUCTS, SIZE, large_product, medians
from svgbench import reproduce
from svgbench.lab import platform
from svgbench.lab.cells import Cell, Selection, expand
from svgbench.products import round_factors

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
    phase = agent.prepare(cell.limits["total_steps"] - 1)  # after the model-free phase, whatever the budget
    draws = {
        name: torch.rand(1, *draw.shape, dtype=torch.float64) if draw.kind == "uniform" else torch.randn(1, *draw.shape)
        for name, draw in agent.draws.items()
    }
    work = least(agent.config, task.observation_dim, task.action_dim)
    return lambda: agent.update(phase, learner.experience, draws, None), work


def child(variant: str, threads: int, repeats: int) -> None:
    """Print the least work and, for each precision, seconds of an update and multiplications a second of a product."""
    import torch

    torch.set_num_threads(threads)
    update, work = make_update(cell_of(variant))
    works = {"update": update, "product": large_product()}
    if platform.has_bfloat16():
        works |= {f"{name} in bfloat16": _rounded(do) for name, do in works.items()}
    found = medians(works, WARM_UP, repeats)
    rates = {name: PRODUCTS * SIZE**3 / spent for name, spent in found.items() if name.startswith("product")}
    print(json.dumps({"work": work, **found, **rates}))


def _rounded(work: Callable[[], Any]) -> Callable[[], None]:
    """The same work with factors of products rounded to bfloat16."""

    def do() -> None:
        round_factors()
        work()
        round_factors(False)

    return do


def measure(threads: int = THREADS, repeats: int = REPEATS) -> list[Result]:
    """Both algorithms, one after the other."""
    return [result for variant in VARIANTS for result in _measure(variant, threads, repeats)]


def _measure(variant: str, threads: int, repeats: int) -> list[Result]:
    words = [sys.executable, "-m", "benchmarks.update", "--child", variant]
    words += ["--threads", str(threads), "--repeats", str(repeats)]
    at = platform.environment(threads)
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=at)
    found = json.loads(done.stdout.splitlines()[-1])
    work, seconds, rate = found["work"], found["update"], found["product"]
    name, limit = f"update/{variant}", work / rate
    gflop, product = 2e-9 * work, f"a float32 product of {SIZE} x {SIZE} on {platform.describe('cpu')['instructions']}"
    rounded = _in_bfloat16(name, found) if "update in bfloat16" in found else []
    return [
        Result(f"{name}/rate", gflop / seconds, "GFLOP/s", product, 2e-9 * rate, limit / seconds, ">= 0.8"),
        Result(name, seconds, "s", f"{gflop:.1f} GFLOP at that rate", limit, seconds / limit, "<= 1.25"),
        *rounded,
        Result(f"{name}/authors", seconds, "s", "the code of Amos et al."),
    ]


def _in_bfloat16(name: str, found: dict[str, float]) -> list[Result]:
    product, rate = "a product in bfloat16", found["product in bfloat16"]
    work, seconds = found["work"], found["update in bfloat16"]
    in_float32 = Result(f"{name}/bf16", seconds, "s", "in float32", found["update"], seconds / found["update"])
    rates = 2e-9 * work / seconds, 2e-9 * rate
    return [in_float32, Result(f"{name}/bf16/rate", rates[0], "GFLOP/s", product, rates[1], rates[0] / rates[1])]


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
