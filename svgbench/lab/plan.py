"""What a run would do: which cells are done, and which blocks are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from svgbench.lab.cells import Block, Cell, Selection, blocks, expand
from svgbench.lab.store import CHECKPOINT, CellState, Store
from svgbench.words.experiment import Experiment, Variant


@dataclass(frozen=True)
class Companions:
    """What becomes of the seeds that a cell's missing blocks hold beside the wanted ones.

    `trained` counts blocks whose checkpoint of an earlier run is complete: nothing is computed. The other blocks train
    `kept` seeds that nobody has asked for, and do `again` seeds that the store has.
    """

    trained: int = 0
    kept: int = 0
    again: int = 0


@dataclass(frozen=True)
class CellPlan:
    """A cell, its state in the store, and its missing blocks."""

    cell: Cell
    state: CellState
    blocks: tuple[Block, ...]
    companions: Companions = Companions()

    @property
    def runs_missing(self) -> int:
        return sum(len(block.wanted) for block in self.blocks)


@dataclass(frozen=True)
class Plan:
    """One experiment, one selection."""

    experiment: Experiment
    selection: Selection
    cells: tuple[CellPlan, ...]
    notes: tuple[str, ...] = ()  # of a replication: what it repeats, and what it does not

    @property
    def blocks(self) -> list[Block]:
        return [block for cell in self.cells for block in cell.blocks]

    @property
    def runs_total(self) -> int:
        return sum(len(c.cell.seeds) for c in self.cells)

    @property
    def runs_missing(self) -> int:
        return sum(c.runs_missing for c in self.cells)

    def statuses(self) -> Mapping[str, int]:
        """How many cells have each status, the most common first."""
        return dict(Counter(c.state.status for c in self.cells).most_common())


def make_plan(
    store: Store,
    experiment: Experiment,
    selection: Selection,
    extra: Mapping[str, Variant] | None = None,
    thorough: bool = False,
) -> Plan:
    """Look at the store and say what `selection` still needs. Runs nothing, writes nothing.

    `thorough` checks every row against its hash; otherwise a file of the right size is trusted.

    Seeds that are done with the current settings and platform are not run again; those of stale and other cells are.
    A diverged seed is done; a failed one is tried again.
    """
    cells = []
    for cell in expand(experiment, selection, extra):
        state = store.state(cell, thorough)
        missing = [seed for seed in cell.seeds if seed not in state.usable]
        found = tuple(blocks(cell, missing))
        cells.append(CellPlan(cell, state, found, _companions(store, found)))
    return Plan(experiment, selection, tuple(cells))


def _companions(store: Store, missing: Sequence[Block]) -> Companions:
    trained = kept = again = 0
    for block in missing:
        others = set(block.seeds) - set(block.wanted)
        if others:
            there = others & set(store.state(replace(block.cell, seeds=block.seeds)).usable)
            if there and (store.block_work(block) / CHECKPOINT).exists():  # a block stores seeds when all have ended
                trained += 1
            else:
                kept, again = kept + len(others - there), again + len(there)
    return Companions(trained, kept, again)
