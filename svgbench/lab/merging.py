"""When the deliveries of a cell are merged, and which blocks then are finished.

A merge writes the whole CSV of a cell, so many blocks are merged at once: when no other block of the cell is left here,
when an eighth of what is stored waits, or after some seconds. So the work grows little faster than the CSV.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from svgbench.lab.cells import Block, Cell
from svgbench.lab.delivery import collect
from svgbench.lab.files import FileMark, file_mark
from svgbench.lab.store import Store
from svgbench.words.errors import DamagedError

MERGE_SECONDS = 5.0  # the longest wait, or LONGEST_SHARE merges if they take long
LONGEST_SHARE = 10.0
AT_ONCE = 8  # 1 / the share of the stored seeds
VISIBLE_SECONDS = 60.0
"""A network file system may show a file of another machine this much later."""

RECENT_SECONDS = 1.0
TURN_SECONDS = 1.0

_Mark = tuple[FileMark, FileMark]


class Stored:
    """The finished seeds of cells, read again only if a cell's files have changed.

    The rows are checked at the first look; after that by every merge.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.known: dict[Cell, tuple[_Mark, frozenset[int]]] = {}
        self.looked: dict[Cell, float] = {}

    def usable(self, cell: Cell) -> frozenset[int]:
        """The requested seeds that a run need not repeat."""
        self.looked[cell] = time.monotonic()
        mark = file_mark(self.store.json_path(cell)), file_mark(self.store.csv_path(cell))
        if cell not in self.known or self.known[cell][0] != mark:
            self.known[cell] = mark, self.store.stored(cell, thorough=cell not in self.known)
        return self.known[cell][1]

    def has(self, block: Block) -> bool:
        """Whether the store has the block's requested seeds."""
        return self.usable(block.cell).issuperset(block.wanted)

    def had(self, block: Block) -> bool:
        """`has`, as it was within the last second: true for ever, or else not certain."""
        if time.monotonic() - self.looked.get(block.cell, -RECENT_SECONDS) >= RECENT_SECONDS:
            return self.has(block)
        return self.known[block.cell][1].issuperset(block.wanted)

    def count(self, cell: Cell) -> int:
        """How many seeds were usable when the cell was looked at last."""
        return len(self.known[cell][1]) if cell in self.known else 0


@dataclass
class _Waiting:
    """The delivered blocks of a cell, each with the time of its delivery."""

    blocks: dict[Block, float] = field(default_factory=dict)
    not_before: float = 0.0


class Merging:
    """Delivered blocks until they are in the store."""

    def __init__(self, store: Store) -> None:
        self.store, self.stored = store, Stored(store)
        self.cells: dict[Cell, _Waiting] = {}  # those that have blocks that wait
        self.took: dict[Cell, float] = {}  # seconds of the last merge

    def __bool__(self) -> bool:
        return bool(self.cells)

    def add(self, block: Block) -> None:
        """The block's process has delivered, here or elsewhere."""
        self.cells.setdefault(block.cell, _Waiting()).blocks[block] = time.monotonic()

    def merge(self, busy: Collection[Cell], at_once: bool = False) -> Iterator[tuple[Block, str]]:
        """Merge what is due: each block that then is in the store, with "", or that never will be, with the reason.

        busy: the cells that have other blocks here, which may deliver soon. After a second, the rest waits for the next
        call, so that whoever calls sees to the running blocks between.
        """
        begun = time.monotonic()
        for cell, waiting in list(self.cells.items()):
            if at_once or self._is_due(cell, waiting, busy):
                yield from self._merge(cell, waiting)
                if not waiting.blocks:
                    del self.cells[cell]
                if time.monotonic() - begun >= TURN_SECONDS:
                    return

    def _is_due(self, cell: Cell, waiting: _Waiting, busy: Collection[Cell]) -> bool:
        now = time.monotonic()
        if now < waiting.not_before:
            return False
        longest = max(MERGE_SECONDS, LONGEST_SHARE * self.took.get(cell, 0.0))
        if cell not in busy or now - min(waiting.blocks.values()) >= longest:
            return True
        seeds = sum(len(block.wanted) for block in waiting.blocks)
        return seeds * AT_ONCE >= self.stored.count(cell)

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
        self.took[cell] = now - begun
        for block, since in list(waiting.blocks.items()):
            if self.stored.has(block):
                del waiting.blocks[block]
                yield block, ""
            elif now - since > VISIBLE_SECONDS:
                del waiting.blocks[block]
                yield block, f"its process ended well, but its rows are not there after {VISIBLE_SECONDS:.0f} s"
            else:
                waiting.not_before = now + 1.0
