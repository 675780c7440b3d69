"""Curves of running blocks, for people: what the rows so far say, as numbers and as a line of characters."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from svgbench.lab.rows import Tail, header

BLOCKS, PLAIN = "▁▂▃▄▅▆▇█", "_.-~=+*#"
"""Eight levels; the second for terminals that cannot show the first."""


class Curve:
    """The mean over seeds of one column, step by step, read from files of rows as they grow."""

    def __init__(self, columns: Sequence[str], column: str) -> None:
        self.first = header(columns).encode()
        self.place = 2 + list(columns).index(column)
        self.tails: dict[Path, Tail] = {}
        self.values: dict[Path, dict[int, dict[bytes, float]]] = {}  # step -> seed -> value

    def read(self, path: Path) -> None:
        """Take in what is new in a file. A file of other columns counts as empty."""
        tail = self.tails.setdefault(path, Tail(path))
        anew, lines = tail.read()
        if anew:
            self.values[path] = {}
            if lines[:1] != [self.first]:
                lines = []
        own = self.values.setdefault(path, {})
        for line in lines:
            fields = line.rstrip(b"\n").split(b",")
            try:
                step, value = int(fields[1]), float(fields[self.place])
            except (ValueError, IndexError):  # the header, a word, or a line that others changed
                continue
            if math.isfinite(value):
                own.setdefault(step, {})[fields[0]] = value

    def points(self, paths: Sequence[Path] | None = None) -> list[tuple[int, float]]:
        """(step, mean over the seeds that have a row there), of these files, or of all."""
        steps: dict[int, list[float]] = {}
        for path in self.values if paths is None else paths:
            for step, by_seed in self.values.get(path, {}).items():
                steps.setdefault(step, []).extend(by_seed.values())
        return [(step, mean(values)) for step, values in sorted(steps.items())]


def mean(values: Sequence[float]) -> float:
    """The mean of finite numbers, also of a learner's that diverges: their sum may be too large for a float."""
    try:
        return statistics.fmean(values)
    except OverflowError:
        return math.fsum(value / len(values) for value in values)


def sparkline(values: Sequence[float], width: int, plain: bool = False) -> str:
    """The values as at most `width` characters, the lowest and the highest level for the smallest and the largest.

    More values than characters are averaged in groups of neighbours. Empty without values; a constant is a middle line.
    """
    if not values or width < 1:
        return ""
    n = min(width, len(values))
    cuts = [i * len(values) // n for i in range(n + 1)]
    means = [mean(values[a:b]) / 2 for a, b in itertools.pairwise(cuts)]  # half, so that their distance is finite
    low, high = min(means), max(means)
    levels = PLAIN if plain else BLOCKS
    if not high > low:
        return levels[len(levels) // 2 - 1] * n
    return "".join(levels[round((half - low) / (high - low) * (len(levels) - 1))] for half in means)


def can_show_blocks(encoding: str | None) -> bool:
    """Whether that encoding has the characters of a sparkline."""
    try:
        BLOCKS.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
