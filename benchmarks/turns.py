"""Processes that are timed in turns, because a machine's speed drifts."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


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
