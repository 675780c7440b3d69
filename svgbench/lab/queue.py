"""The blocks that wait for a slot: those to start, in order, and those to look at again later.

A block that another supervisor runs is looked at rarely, the longer it has run: after a tenth of the time since it was
found to run there, between 1 s and 60 s. If many blocks are, there are at most two looks a second at all of them; then
others probably look, too. Each look asks the disk that they share about five times.

A block may take several slots. While there are fewer free ones, narrower blocks behind it start before it.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator

from svgbench.lab.cells import Block

SHORTEST, LONGEST = 1.0, 60.0  # seconds between two looks at a block that runs elsewhere
SHARE = 0.1  # of the time since the first one
LOOKS = 2.0  # a second, at all of them

Entry = tuple[Block, int]
"""A block, and the attempt that is to start."""


class Queue:
    """Blocks, each with its attempt. `now` is on a monotonic clock."""

    def __init__(self, blocks: Iterable[Block], width: Callable[[Block], int] = lambda _: 1) -> None:
        """width: the slots that a block takes."""
        self.width = width
        self.ready: defaultdict[int, deque[tuple[int, Entry]]] = defaultdict(deque)  # by width; numbered in order
        self.later: list[tuple[float, int, Entry]] = []  # a heap, by the time
        self.since: dict[Block, float] = {}  # when it was first seen to run elsewhere
        self.numbers = itertools.count()
        for block in blocks:
            self.add((block, 1))

    def __len__(self) -> int:
        return sum(map(len, self.ready.values())) + len(self.later)

    def __iter__(self) -> Iterator[Block]:
        yield from (entry[0] for _, entry in heapq.merge(*self.ready.values(), key=lambda one: one[0]))
        yield from (entry[0] for _, _, entry in sorted(self.later, key=lambda one: one[1]))

    def add(self, entry: Entry, not_before: float | None = None) -> None:
        """Start it after those that are ready; or not before a time, and then first."""
        if not_before is None:
            self.ready[self.width(entry[0])].append((next(self.numbers), entry))
        else:
            heapq.heappush(self.later, (not_before, next(self.numbers), entry))

    def runs_elsewhere(self, entry: Entry, now: float) -> None:
        """Look at it again later."""
        age = now - self.since.setdefault(entry[0], now)
        self.add(entry, now + max(SHORTEST, min(SHARE * age, LONGEST), len(self.later) / LOOKS))

    def take(self, now: float, free: int = 1) -> Entry | None:
        """The next one to start or to look at, that takes at most `free` slots; None if there is none yet."""
        if self.later and self.later[0][0] <= now and self.width(self.later[0][2][0]) <= free:
            return heapq.heappop(self.later)[2]
        fitting = [own for width, own in self.ready.items() if own and width <= free]
        return min(fitting, key=lambda own: own[0][0]).popleft()[1] if fitting else None
