"""Stochastic value gradients: the time saved by the seed axis in a whole run, and the memory of 1000 steps of SVG(inf).

Throughput is measured for SVG(1) with replay on the 3-link swimmer, as in Figure 3: collecting episodes, and all
training after each. Ten seeds in two blocks of five, with one process and one thread each, are compared with one seed
per process, two at a time. Both run the same program and differ only in S. The unit is seed-episodes per second over
all processes of an arrangement, which run at the same time on two cores. The first episodes, with a nearly empty
database, are not timed.

Memory is the peak of a process in which ten seeds of SVG(inf) do episodes of 1000 steps of hand and ball. It runs as
in Figure 2 but in one block, with a full database, and writes a checkpoint after each stage.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.result import Result
from benchmarks.turns import rates_in_turns
from svgbench import reproduce
from svgbench.lab.cells import Selection, expand
from svgbench.lab.platform import environment

ROOT = Path(__file__).parents[1]
SWIMMER = ("svg/fig3", "svg/swimmer-3", "svg-1-er")
HAND = ("svg/fig2", "svg/hand", "svg-inf")
WARM_UP = 3  # episodes
EPISODES = 6  # of each seed in a timed turn
REPEATS = 7
LIMIT = 1.0  # GB

PEER = "one seed a process, two at a time"
BLOCKS = "two_blocks_of_five"
ARRANGEMENTS: dict[str, Sequence[Sequence[int]]] = {PEER: ([0], [1]), BLOCKS: (range(5), range(5, 10))}

Run = tuple[str, str, str]


def learner_of(run: Run, seeds: Sequence[int], episodes: int, overrides: tuple[str, ...] = ()) -> Any:
    """The learner of the run's block, with this number of episodes."""
    from svgbench.lab.block import resolve

    experiment, task, variant = run
    selection = Selection(tasks=(task,), variants=(variant,), overrides=overrides)
    (cell,) = expand(reproduce.experiments()[experiment], selection)
    made = resolve(cell.task.make)(**cell.task.options)
    return resolve(cell.variant.learner)(cell.config, made, list(seeds), {"episodes": episodes}, "cpu")


def turn(learner: Any, episodes: int) -> float:
    """Seed-episodes a second over that many more episodes of each seed."""
    start, stop = time.perf_counter(), learner.episode + episodes
    while learner.episode < stop:
        learner.advance()
    return episodes * len(learner.seeds) / (time.perf_counter() - start)


def child(seeds: Sequence[int], episodes: int, repeats: int, overrides: tuple[str, ...]) -> None:
    """Warm up, say "ready", and answer every line with the rate of a turn."""
    import torch

    torch.set_num_threads(1)
    learner = learner_of(SWIMMER, seeds, WARM_UP + repeats * episodes, overrides)
    turn(learner, WARM_UP)
    print("ready", flush=True)
    for _ in sys.stdin:
        print(turn(learner, episodes), flush=True)


def throughput(repeats: int = REPEATS, episodes: int = EPISODES, overrides: tuple[str, ...] = ()) -> Result:
    """Median seed-episodes a second of the blocks against the peer; repeats are interleaved."""
    commands = {
        name: [_command(seeds, episodes, repeats, overrides) for seeds in blocks]
        for name, blocks in ARRANGEMENTS.items()
    }
    rates = rates_in_turns(commands, repeats, environment(1))
    value, peer = (statistics.median(rates[name]) for name in (BLOCKS, PEER))
    name = f"value_gradients/{SWIMMER[1]}/{BLOCKS}"
    return Result(name, value, "seed-episodes/s", PEER, peer, value / peer, ">= 2.5")


def _command(seeds: Sequence[int], episodes: int, repeats: int, overrides: tuple[str, ...]) -> list[str]:
    words = [*_words("--seeds", *map(str, seeds)), "--episodes", str(episodes), "--repeats", str(repeats)]
    for override in overrides:
        words += ["-o", override]
    return words


def long_episodes(seeds: int = 10, episodes: int = 2, overrides: tuple[str, ...] = ()) -> Any:
    """The learner after that many episodes with a full database, and a checkpoint after each slice."""
    from svgbench.lab import checkpoint

    learner = learner_of(HAND, range(seeds), 10**6, overrides)
    database = learner.agent.database
    database.rows.normal_()
    database.added = [database.capacity] * seeds
    with TemporaryDirectory() as folder:
        while learner.episode < episodes:
            learner.advance()
            checkpoint.save(Path(folder) / "checkpoint.pt", "benchmark", learner.state_dict())
    return learner


def memory() -> Result:
    """The peak of a process."""
    process = subprocess.Popen(_words("--memory"), cwd=ROOT, env=environment(1))
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the process of long episodes ended with status {process.returncode}")
    peak = used.ru_maxrss * 1024 / 1e9
    return Result("value_gradients/memory/svg-inf-1000-steps", peak, "GB", "limit", LIMIT, peak / LIMIT, "< 1")


def _words(*rest: str) -> list[str]:
    """The command of a process of the benchmark's own."""
    return [sys.executable, "-m", "benchmarks.value_gradients", *rest]


def measure() -> list[Result]:
    """Both parts, one after the other."""
    return [throughput(), memory()]


def main() -> None:
    """Print the results, or be the process of one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("-o", dest="overrides", action="append", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--episodes", type=int, default=EPISODES, help="of a timed turn")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options = parser.parse_args()
    if options.seeds:
        child(options.seeds, options.episodes, options.repeats, tuple(options.overrides))
    elif options.memory:
        import torch

        torch.set_num_threads(1)
        long_episodes()
    else:
        for result in (throughput(options.repeats, options.episodes), memory()):
            print(result.text())


if __name__ == "__main__":
    main()
