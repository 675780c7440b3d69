"""TensorBoard event files: a folder per run, a tag per column.

The folders are EXPERIMENT/BUDGET/TASK--VARIANT/seed-N. Values have single precision, as all scalars of TensorBoard's
writers. Rows hold no clock, so an event's time is its step, and equal results give equal bytes. Texts and absent values
are left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from svgbench.analysis.read.formats import needs
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.tfrecords import framed
from svgbench.analysis.show.exported import Export, check_any
from svgbench.lab.cells import cell_name
from svgbench.lab.files import write_atomic

NAME = "events.out.tfevents.0.svgbench"


def _event_class() -> Any:
    try:
        from tensorboard.compat.proto.event_pb2 import Event
    except ImportError as error:
        raise needs("tensorboard", error) from None
    return Event


class Events:
    """Event files that grow. The first rows of a run replace the file that an earlier export left."""

    def __init__(self, folder: Path, experiment: str, budget: str) -> None:
        self._event = _event_class()
        self.folder = folder / experiment / budget
        self._begun: set[Path] = set()

    def add(self, task: str, variant: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows of one cell."""
        by_seed: dict[str, list[bytes]] = {}
        for row in rows:
            by_seed.setdefault(str(row["seed"]), []).append(self._record(row))
        for seed, records in by_seed.items():
            self._write(self.folder / cell_name(task, variant) / f"seed-{seed}" / NAME, records)

    def close(self) -> None:
        """Nothing is held open."""

    def _write(self, path: Path, records: list[bytes]) -> None:
        if path in self._begun:
            with path.open("ab") as file:
                file.write(framed(records))
            return
        version = self._event(wall_time=0.0, file_version="brain.Event:2").SerializeToString()
        write_atomic(path, framed([version, *records]), durable=False)
        self._begun.add(path)

    def _record(self, row: Mapping[str, Any]) -> bytes:
        step = int(row["step"])
        event = self._event(wall_time=float(step), step=step)
        for name, value in row.items():
            number = _number(value) if name not in ("seed", "step") else math.nan
            if not math.isnan(number):
                event.summary.value.add(tag=name, simple_value=number)
        data: bytes = event.SerializeToString()
        return data


def _number(value: Any) -> float:
    """A value as a number; NaN for a text."""
    try:
        return float(value)
    except ValueError:
        return math.nan


def write(results: Results, folder: Path) -> list[Path]:
    check_any(results)
    events = Events(folder, results.experiment.id, results.budget)
    for (task, variant), cell in results.cells.items():
        events.add(task, variant, cell.frame.to_dict("records"))
    return [events.folder]


EXPORT = Export("TensorBoard event files", write, follow=Events)
