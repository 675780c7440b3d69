"""Which cells of a plan fit into a time, the cheapest first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from svgbench.lab.calibration import Cost, kind
from svgbench.lab.eta import Work, makespan
from svgbench.lab.plan import CellPlan, Plan
from svgbench.lab.slots import width


@dataclass(frozen=True)
class PricedCell:
    """A cell with missing runs, and the seconds of each missing block; None if they are not known.

    run: the id of the experiment, whose cells run together with `slots` processes. Experiments run one after another.
    """

    plan: CellPlan
    run: str
    slots: int
    blocks: tuple[float, ...] | None
    undecidable: str = ""  # why no runs can decide the cell's published number, if none can

    @property
    def seconds(self) -> float:
        """Of one process; infinite if not known."""
        return math.inf if self.blocks is None else sum(self.blocks)


def priced(plan: Plan, costs: Mapping[str, Cost], slots: int, never: Mapping[tuple[str, str], str]) -> list[PricedCell]:
    """The cells of a plan with missing runs. costs: by kind of block. slots: processes at once. never: by task and
    variant, why no runs can decide a published number."""
    found = []
    for cell in plan.cells:
        cost = costs.get(kind(cell.cell), Cost(error="not calibrated"))
        blocks = None if cost.error else (cost.seconds + cost.start_seconds,) * len(cell.blocks)
        if cell.blocks:
            found.append(PricedCell(cell, plan.experiment.id, slots, blocks, never.get(cell.cell.key, "")))
    return found


def fitted(cells: Sequence[PricedCell], limit: float) -> list[tuple[PricedCell, float | None]]:
    """All cells, the cheapest first. Each that fits has the seconds after which it and those before it are done.

    A cell is taken if everything taken so far then still ends within `limit` seconds. Within an experiment, blocks
    start in order of their length, as `svgbench run` starts them.
    """
    taken: dict[str, list[Work]] = {}
    slots = {cell.run: cell.slots for cell in cells}
    found: list[tuple[PricedCell, float | None]] = []
    for cell in sorted(cells, key=lambda one: one.seconds):
        after = None
        if cell.blocks is not None:
            own = width(cell.slots, cell.plan.cell.threads)
            tried = taken | {cell.run: [*taken.get(cell.run, []), *(Work(seconds, own) for seconds in cell.blocks)]}
            whole = sum(makespan((), sorted(works, reverse=True), slots[run]) for run, works in tried.items())
            if whole <= limit:
                taken, after = tried, whole
        found.append((cell, after))
    return found
