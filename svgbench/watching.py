"""The cells that run now, with their curves: what `status --running` and `status --watch` show."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from svgbench import reproduce
from svgbench.lab.cells import Cell, Selection, expand
from svgbench.lab.curves import Curve, mean, sparkline
from svgbench.lab.rows import Unfinished, unfinished
from svgbench.lab.statuses import replicas_of
from svgbench.study import Study

CURVE_WIDTH = 24


def measured_column(study: Study) -> str:
    """The column that a curve shows: of the experiment's first measure, or else eval_return; empty without either."""
    names = [column.name for column in study.experiment.columns]
    measures = [measure.column for measure in study.experiment.measures]
    return next((name for name in (*measures, "eval_return") if name in names), "")


class Watch:
    """Looks at the same cells again and again, and reads only what is new."""

    def __init__(self, chosen: Sequence[tuple[Study, Selection]]) -> None:
        extra = reproduce.installed_algorithms()
        self.chosen = [(study, expand(study.experiment, selection, extra)) for study, selection in chosen]
        self.known: dict[Path, Cell] = {}  # two experiments may show the same runs
        self.curves: dict[Cell, Curve] = {}

    def rows(self) -> list[dict[str, Any]]:
        """One row for each cell that a process holds a block of, in declared order; replicas come last."""
        found = []
        for study, cell in self._cells():
            running = [block for block in unfinished(study.store, cell) if block.running]
            if running:
                found.append(self._row(study, cell, running))
        return found

    def _cells(self) -> list[tuple[Study, Cell]]:
        """Each cell once, and each replica that has begun by now."""
        places: dict[Path, tuple[Study, Cell]] = {}
        firsts = [(study, cell) for study, cells in self.chosen for cell in cells]
        for study, cell in [*firsts, *((s, own) for s, cells in self.chosen for own in replicas_of(s.store, cells))]:
            path = study.store.cell_work(cell)
            places.setdefault(path, (study, self.known.setdefault(path, cell)))
        return list(places.values())

    def _row(self, study: Study, cell: Cell, running: Sequence[Unfinished]) -> dict[str, Any]:
        reports = [block.progress() for block in running]
        column = measured_column(study)
        seeds = [seed for block in running for seed in block.seeds]
        last = [row for report in reports for row in _rows_of(report) if row.get("seed") in seeds]
        steps, values = self._curve(cell, column, running)
        return {
            "experiment": study.experiment.id,
            "budget": cell.budget,
            "task": cell.task.id,
            "variant": cell.variant.id,
            "replica": cell.replica,
            "seeds": seeds,
            "done": statistics.fmean(_share(report) for report in reports),
            "seconds": sum(_number(report.get("seconds")) or 0.0 for report in reports),
            "diverged": sum(int(_number(report.get("diverged")) or 0) for report in reports),
            "step": max((int(step) for row in last if (step := _number(row.get("step"))) is not None), default=None),
            "measure": column,
            "value": _mean([_number(row.get(column)) for row in last]),
            "steps": steps,
            "values": values,
        }

    def _curve(self, cell: Cell, column: str, running: Sequence[Unfinished]) -> tuple[list[int], list[float]]:
        if not column:
            return [], []
        curve = self.curves.setdefault(cell, Curve(cell.columns, column))
        for block in running:
            curve.read(block.path)
        points = curve.points([block.path for block in running])
        return [step for step, _ in points], [value for _, value in points]


def _rows_of(report: dict[str, Any]) -> list[dict[str, Any]]:
    rows = report.get("rows")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _share(report: dict[str, Any]) -> float:
    done, total = _number(report.get("done")), _number(report.get("total"))
    return done / total if done is not None and total else 0.0


def _mean(values: Sequence[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return mean(numbers) if numbers else None


def sentences(rows: Sequence[dict[str, Any]], width: int, plain: bool) -> list[str]:
    """One line for each running cell, at most `width` wide: name, share, step, last value, curve."""
    names = [f"{row['task']} {row['variant']}" + " (replica)" * bool(row["replica"]) for row in rows]
    facts = [_facts(row) for row in rows]
    curve = min(CURVE_WIDTH, max(width // 4, 8))
    name_width = max(12, min(max(map(len, names), default=0), width - curve - 2 - max(map(len, facts), default=0) - 2))
    lines = []
    for name, fact, row in zip(names, facts, rows, strict=True):
        shown = name if len(name) <= name_width else name[: name_width - 3] + "..."
        line = f"{shown:{name_width}}  {fact:{max(map(len, facts))}}  {sparkline(row['values'], curve, plain)}"
        lines.append(line[:width])
    return [line.rstrip() for line in lines]


def _facts(row: dict[str, Any]) -> str:
    """Percent, seeds, step and value."""
    parts = [f"{100 * row['done']:3.0f} %"]
    if row["step"] is not None:
        parts.append(f"step {row['step']}")
    if row["value"] is not None:
        parts.append(f"{row['measure']} {row['value']:.4g}")
    if row["diverged"]:
        parts.append(f"{row['diverged']} diverged")
    return ", ".join(parts)
