"""Which cells of a plan fit into a time, the cheapest first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from svgbench.lab.calibration import NOT_CALIBRATED, Cost, kind
from svgbench.lab.eta import Work, makespan
from svgbench.lab.plan import CellPlan, Plan
from svgbench.lab.slots import width

Name = tuple[str, str, str, str]
"""An experiment, a budget, a task and a variant."""


@dataclass(frozen=True)
class PricedCell:
    """A cell with missing runs, and the seconds of each missing block; None if they are not known.

    slots: the processes that run at once.
    """

    plan: CellPlan
    slots: int
    blocks: tuple[float, ...] | None
    undecidable: str = ""  # why no runs can decide the cell's published number, if none can
    unknown: str = ""  # why the seconds are not known

    @property
    def seconds(self) -> float:
        """Of one process; infinite if not known."""
        return math.inf if self.blocks is None else sum(self.blocks)

    @property
    def name(self) -> Name:
        """Where the cell is stored. Experiments that draw from another's runs have cells with the same name."""
        own = self.plan.cell
        return own.experiment, own.budget, own.task.id, own.variant.id


def priced(plan: Plan, costs: Mapping[str, Cost], slots: int, never: Mapping[tuple[str, str], str]) -> list[PricedCell]:
    """The cells of a plan with missing runs. costs: by kind of block. slots: processes at once. never: by task and
    variant, why no runs can decide a published number."""
    found = []
    for cell in plan.cells:
        cost = costs.get(kind(cell.cell), Cost(error=NOT_CALIBRATED))
        blocks = None if cost.error else (cost.seconds + cost.start_seconds,) * len(cell.blocks)
        if cell.blocks:
            found.append(PricedCell(cell, slots, blocks, never.get(cell.cell.key, ""), cost.error))
    return found


def distinct(cells: Iterable[PricedCell]) -> list[PricedCell]:
    """Each cell once, although several experiments ask for it: with the most missing runs, because runs are shared."""
    found: dict[Name, PricedCell] = {}
    for cell in cells:
        other = found.get(cell.name, cell)
        most = max(other, cell, key=lambda one: one.plan.runs_missing)
        found[cell.name] = replace(most, undecidable=other.undecidable or cell.undecidable)
    return list(found.values())


def together(names: Iterable[Name]) -> dict[Name, tuple[str, ...]]:
    """The variants that a cell's task has among these cells. Cells of an experiment and a budget with the same variants
    are run by one command.
    """
    named = list(names)
    variants: dict[tuple[str, str, str], list[str]] = {}
    for experiment, budget, task, variant in named:
        variants.setdefault((experiment, budget, task), []).append(variant)
    return {name: tuple(sorted(variants[name[:3]])) for name in named}


def fitted(cells: Iterable[PricedCell], limit: float) -> list[tuple[PricedCell, float | None]]:
    """All cells, the cheapest first. Each that fits has the seconds after which it and those before it are done.

    A cell is taken if the commands that run everything taken so far, one after another, then still end within `limit`
    seconds. Within a command, blocks start in order of their length, as `svgbench run` starts them.
    """
    taken: list[PricedCell] = []
    known: dict[tuple[Name, ...], float] = {}  # seconds of a command, by its cells
    found: list[tuple[PricedCell, float | None]] = []
    for cell in sorted(distinct(cells), key=lambda one: one.seconds):
        after = None
        if cell.blocks is not None:
            whole = _seconds([*taken, cell], known)
            if whole <= limit:
                taken, after = [*taken, cell], whole
        found.append((cell, after))
    return found


def _seconds(taken: Sequence[PricedCell], known: dict[tuple[Name, ...], float]) -> float:
    """Seconds of the commands that run these cells, one after another."""
    variants = together(cell.name for cell in taken)
    commands: dict[tuple[str, str, tuple[str, ...]], list[PricedCell]] = {}
    for cell in taken:
        experiment, budget, *_ = cell.name
        commands.setdefault((experiment, budget, variants[cell.name]), []).append(cell)
    whole = 0.0
    for own in commands.values():
        key = tuple(cell.name for cell in own)
        if key not in known:
            works = [Work(s, width(c.slots, c.plan.cell.threads)) for c in own for s in c.blocks or ()]
            known[key] = makespan((), sorted(works, reverse=True), own[0].slots)
        whole += known[key]
    return whole
