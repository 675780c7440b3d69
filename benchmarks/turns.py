"""Work that is timed in turns with other work, because a machine's speed drifts."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

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
    a, b, c = torch.randn(3, SIZE, SIZE)

    def product() -> None:
        for _ in range(PRODUCTS):
            torch.mm(a, b, out=c)

    for _ in range(warm_up):
        step()
        product()
    seconds: dict[Callable[[], Any], list[float]] = {step: [], product: []}
    for _ in range(repeats):
        for turn, spent in seconds.items():
            begun = time.perf_counter()
            turn()
            spent.append(time.perf_counter() - begun)
    return statistics.median(seconds[step]), PRODUCTS * SIZE**3 / statistics.median(seconds[product])
