"""How many blocks run at once: a number of blocks, or a number of cores that blocks share by their threads."""

from __future__ import annotations

from collections.abc import Iterable


class Cores(int):
    """A number of slots that are cores: a block takes one for each of its threads. Of another number it takes one."""


def width(slots: int, threads: int) -> int:
    """The slots that a block takes: all of them, if it has more threads than there are cores."""
    return min(threads, max(int(slots), 1)) if isinstance(slots, Cores) else 1


def at_once(slots: int, widths: Iterable[int]) -> int:
    """The most blocks that run at once, of blocks that take so many slots each."""
    left, count = int(slots), 0
    for own in sorted(widths):
        if own > left:
            break
        left, count = left - own, count + 1
    return count
