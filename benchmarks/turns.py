"""Work that is timed in turns with other work, because a machine's speed drifts."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from svgbench.lab.platform import idle_clock

ROOT = Path(__file__).parents[1]
SIZE, PRODUCTS = 2048, 2  # of the product beside which steps are timed; products after each step


def rates_in_turns(
    arrangements: Mapping[str, Sequence[Sequence[str]]], repeats: int, environment: Mapping[str, str] | None = None
) -> dict[str, list[float]]:
    """The total rate of each arrangement's processes in each repeat; repeats are interleaved.

    arrangements: the command of each process. A process says "ready", and then answers every line with its rate.
    Raises RuntimeError if one ends instead.
    """
    processes: dict[str, list[subprocess.Popen[str]]] = {name: [] for name in arrangements}
    rates: dict[str, list[float]] = {name: [] for name in arrangements}
    try:
        for name, commands in arrangements.items():
            processes[name] += [_start(words, environment) for words in commands]
        for started in processes.values():
            for process in started:
                _answer(process)  # "ready"
        for _ in range(repeats):
            for name, started in processes.items():
                for process in started:
                    assert process.stdin is not None
                    process.stdin.write("go\n")
                    process.stdin.flush()
                rates[name].append(sum(float(_answer(process)) for process in started))
    finally:
        for started in processes.values():
            for process in started:
                process.kill()
                process.wait()
    return rates


def _start(words: Sequence[str], environment: Mapping[str, str] | None) -> subprocess.Popen[str]:
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)


def _answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a benchmark process ended with status {process.wait()}, expected an answer")
    return line


def beside_product(step: Callable[[], Any], threads: int, warm_up: int, repeats: int) -> tuple[float, float]:
    """Median seconds of `step`, and multiplications per second of a large float32 product timed after each step."""
    import torch

    torch.set_num_threads(threads)
    found = medians({"step": step, "product": large_product()}, warm_up, repeats)
    return found["step"], PRODUCTS * SIZE**3 / found["product"]


def large_product() -> Callable[[], None]:
    """A few float32 products of matrices of `SIZE`."""
    import torch

    a, b, c = torch.randn(3, SIZE, SIZE)

    def product() -> None:
        for _ in range(PRODUCTS):
            torch.mm(a, b, out=c)

    return product


def medians(works: Mapping[str, Callable[[], Any]], warm_up: int, repeats: int) -> dict[str, float]:
    """Median seconds of each, done in turns. The time that this thread waits for a core does not count."""
    for _ in range(warm_up):
        for work in works.values():
            work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            begun = idle_clock()
            work()
            seconds[name].append(idle_clock() - begun)
    return {name: statistics.median(spent) for name, spent in seconds.items()}
