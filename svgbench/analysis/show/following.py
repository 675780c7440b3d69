"""Rows of an experiment as they appear: those in the store, and those of the blocks that run."""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from svgbench.analysis.show.exported import Growing
from svgbench.lab.cells import Cell
from svgbench.lab.rows import unfinished
from svgbench.lab.store import Store

POLL_SECONDS = 1.0
IDLE_SECONDS = 10.0
"""How long no block may run before following ends: between two blocks of one run, none does for a moment."""

Row = Mapping[str, str]


class Follower:
    """Hands each new row of some cells to `growing`, once."""

    def __init__(self, store: Store, cells: Sequence[Cell], growing: Growing) -> None:
        self._store, self._cells, self._growing = store, cells, growing
        self._written: dict[str, Counter[str]] = {cell.name: Counter() for cell in cells}
        self._final: dict[str, tuple[int, ...]] = {}

    def step(self) -> tuple[int, bool]:
        """Write what is new. Returns how many rows were, and whether a block runs."""
        count, running = 0, False
        for cell in self._cells:
            stored = self._stored(cell)  # before the blocks: one that ends in between must not be read twice
            blocks = unfinished(self._store, cell)
            running |= any(block.running for block in blocks)
            rows = [*stored, *(row for block in blocks for row in block.rows(cell.columns))]
            new = list(self._new(cell, rows))
            if new:
                self._growing.add(cell.task.id, cell.variant.id, new)
            count += len(new)
        return count, running

    def _stored(self, cell: Cell) -> list[Row]:
        """The rows of the finished seeds, if these changed since the last step."""
        done = self._store.state(cell).done
        if not done or self._final.get(cell.name) == done:
            return []
        self._final[cell.name] = done
        text = self._store.rows(cell).decode()
        return [row for row in csv.DictReader(io.StringIO(text)) if int(row["seed"]) in done]

    def _new(self, cell: Cell, rows: Sequence[Row]) -> Iterator[Row]:
        """The rows after those that were written. A seed's rows keep their order, also when a block began anew."""
        seen: Counter[str] = Counter()
        written = self._written[cell.name]
        for row in rows:
            seen[row["seed"]] += 1
            if seen[row["seed"]] > written[row["seed"]]:
                written[row["seed"]] += 1
                yield row


def follow(follower: Follower, tell: Callable[[int], None]) -> None:
    """Write rows until no block has run for a while. `tell` hears the number of rows of each step that has some."""
    idle = 0.0
    while True:
        count, running = follower.step()
        if count:
            tell(count)
        idle = 0.0 if running or count else idle + POLL_SECONDS
        if idle >= IDLE_SECONDS:
            return
        time.sleep(POLL_SECONDS)
