"""When the deliveries of a cell are merged, and which blocks then are finished.

A merge writes the whole CSV of a cell, so many blocks are merged at once: when no other block of the cell is left here,
when an eighth of what is stored waits, or after some seconds. So the work grows little faster than the CSV.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from svgbench.lab.cells import Block, Cell
from svgbench.lab.delivery import collect
from svgbench.lab.store import Store
from svgbench.words.errors import DamagedError

MERGE_SECONDS = 5.0  # the longest wait, or LONGEST_SHARE merges if they take long
LONGEST_SHARE = 10.0
AT_ONCE = 8  # 1 / the share of the stored seeds
VISIBLE_SECONDS = 60.0
"""A network file system may show a file of another machine this much later."""

_Mark = tuple[tuple[int, int, int] | None, ...]


class Stored:
    """The finished seeds of cells, read again only if a cell's files have changed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.known: dict[Cell, tuple[_Mark, frozenset[int]]] = {}

    def usable(self, cell: Cell) -> frozenset[int]:
        """The requested seeds that a run need not repeat; every row is checked."""
        mark = tuple(map(_mark, (self.store.json_path(cell), self.store.csv_path(cell))))
        if cell not in self.known or self.known[cell][0] != mark:
            self.known[cell] = mark, frozenset(self.store.state(cell, thorough=True).usable)
        return self.known[cell][1]

    def has(self, block: Block) -> bool:
        """Whether the store has the block's requested seeds."""
        return self.usable(block.cell).issuperset(block.wanted)


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


@dataclass
class _Waiting:
    """The delivered blocks of a cell, each with the time of its delivery."""

    blocks: dict[Block, float] = field(default_factory=dict)
    not_before: float = 0.0
    took: float = 0.0  # the last merge


class Merging:
    """Delivered blocks until they are in the store."""

    def __init__(self, store: Store) -> None:
        self.store, self.stored = store, Stored(store)
        self.cells: dict[Cell, _Waiting] = {}

    def __bool__(self) -> bool:
        return any(waiting.blocks for waiting in self.cells.values())

    def add(self, block: Block) -> None:
        """The block's process has delivered, here or elsewhere."""
        self.cells.setdefault(block.cell, _Waiting()).blocks[block] = time.monotonic()

    def merge(self, busy: Collection[Cell], at_once: bool = False) -> Iterator[tuple[Block, str]]:
        """Merge what is due: each block that then is in the store, with "", or that never will be, with the reason.

        busy: the cells that have other blocks here, which may deliver soon.
        """
        for cell, waiting in self.cells.items():
            if waiting.blocks and (at_once or self._is_due(cell, waiting, busy)):
                yield from self._merge(cell, waiting)

    def _is_due(self, cell: Cell, waiting: _Waiting, busy: Collection[Cell]) -> bool:
        now = time.monotonic()
        if now < waiting.not_before:
            return False
        if cell not in busy or now - min(waiting.blocks.values()) >= max(MERGE_SECONDS, LONGEST_SHARE * waiting.took):
            return True
        seeds = sum(len(block.wanted) for block in waiting.blocks)
        return seeds * AT_ONCE >= len(self.stored.usable(cell))

    def _merge(self, cell: Cell, waiting: _Waiting) -> Iterator[tuple[Block, str]]:
        begun = time.monotonic()
        try:
            collect(self.store, cell)
        except (OSError, DamagedError) as error:
            for block in list(waiting.blocks):
                del waiting.blocks[block]
                yield block, f"its rows are delivered, but they could not be merged: {error}"
            return
        now = time.monotonic()
        waiting.took = now - begun
        for block, since in list(waiting.blocks.items()):
            if self.stored.has(block):
                del waiting.blocks[block]
                yield block, ""
            elif now - since > VISIBLE_SECONDS:
                del waiting.blocks[block]
                yield block, f"its process ended well, but its rows are not there after {VISIBLE_SECONDS:.0f} s"
            else:
                waiting.not_before = now + 1.0
