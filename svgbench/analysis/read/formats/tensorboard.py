"""Event files of TensorBoard: the scalars of a folder, by their tags.

Source: tensorboard, compat/proto/event.proto and summary.proto. A scalar is a `simple_value` (SummaryWriter of torch
and tensorboardX) or a tensor of one number (TensorFlow 2), at an event's `step`, which is what the writer counted.
Values are stored in single precision. The event files of one folder are one run. If several tags are imported, a row is
a step at which any of them was written.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from svgbench.analysis.read.foreign import Format, checked, read_bytes
from svgbench.analysis.read.formats import needs
from svgbench.analysis.read.import_table import Choose, Table, join_tables
from svgbench.analysis.read.import_values import quoted
from svgbench.analysis.read.tfrecords import TornRecordError, records
from svgbench.words.errors import UsageError

STEP = "step"


class _Scalars:
    """The values of one tag, with their steps, and the numbers of their events, from 1."""

    def __init__(self) -> None:
        self.steps, self.values, self.events = array("q"), array("d"), array("q")

    def add(self, step: int, value: float, event: int) -> None:
        self.steps.append(step)
        self.values.append(value)
        self.events.append(event)


Scalars = Mapping[str, _Scalars]


def detect(file: Path) -> bool:
    """Whether it is named as TensorBoard asks."""
    return "tfevents" in file.name


def read(files: Sequence[Path], choose: Choose) -> Table:
    """The scalars of a run's event files."""
    loaded = [(file, *_scalars(file)) for file in files]
    tags = list(dict.fromkeys(tag for _, scalars, _ in loaded for tag in scalars))
    where = str(files[0].parent) if len(files) > 1 else str(files[0])
    if not tags:
        raise UsageError(f"{where} holds no scalars; expected at least one tag")
    kinds = {kind.name: kind for kind in choose([*tags, STEP])}
    chosen = [tag for tag in kinds if tag != STEP]
    tables = [_table(str(file), scalars, chosen) for file, scalars, _ in loaded]
    table = join_tables([t for t in tables if len(t)] or tables[:1], where)
    ignored = tuple(tag for tag in tags if tag not in kinds)
    sources = tuple(source for _, _, of_file in loaded for source in of_file)
    return checked(replace(table, ignored=ignored, sources=sources), list(kinds.values()))


def _table(file: str, scalars: Scalars, tags: Sequence[str]) -> Table:
    """One row per step, or, if the tags were always written together, one per event."""
    found = [scalars.get(tag, _Scalars()) for tag in tags]
    steps = np.array(found[0].steps)
    if all(part.steps == found[0].steps for part in found):
        events = np.array(found[0].events)
        columns = {tag: np.array(part.values) for tag, part in zip(tags, found, strict=True)}
    else:
        _check_once(file, tags, found)
        steps, first = np.unique(np.concatenate([part.steps for part in found]), return_index=True)
        events = np.concatenate([part.events for part in found])[first]
        columns = {tag: np.full(len(steps), np.nan) for tag in tags}
        for tag, part in zip(tags, found, strict=True):
            columns[tag][np.searchsorted(steps, part.steps)] = part.values
    return Table(file, {**columns, STEP: steps}, events, (), place="event {line}")


def _check_once(file: str, tags: Sequence[str], found: Sequence[_Scalars]) -> None:
    """Refuse tags that cannot be put into rows together: one of them has a step twice, or goes back."""
    for tag, part in zip(tags, found, strict=True):
        steps, counts = np.unique(part.steps, return_counts=True)
        for step in steps[counts > 1][:1]:
            raise UsageError(f"{file}: tag {quoted(tag)} has step {step} twice; import it without other tags")
        for place in np.flatnonzero(np.diff(part.steps) < 0)[:1]:
            where = f"event {part.events[place + 1]}: tag {quoted(tag)}: step {part.steps[place + 1]}"
            why = f"comes after step {part.steps[place]}: was the run resumed? Keep the rows that belong together"
            raise UsageError(f"{file}: {where} {why}, in a CSV")


def _scalars(file: Path) -> tuple[Scalars, tuple[tuple[str, str], ...]]:
    try:
        from tensorboard.compat.proto.event_pb2 import Event
    except ImportError as error:
        raise needs("tensorboard", error) from None
    from google.protobuf.message import DecodeError

    data, sources = read_bytes(file)
    found: dict[str, _Scalars] = {}
    try:
        for number, record in enumerate(records(data), 1):
            event = Event.FromString(record)
            for value in event.summary.value:
                for scalar in _numbers(value):
                    found.setdefault(value.tag, _Scalars()).add(event.step, scalar, number)
    except TornRecordError as error:
        raise UsageError(f"{file}: {error}") from None
    except DecodeError:
        raise UsageError(f"{file}: event {number} is not an event; the file is damaged") from None
    return found, sources


def _numbers(value: Any) -> Iterator[float]:
    """The number of a summary's value; nothing for histograms, images and texts."""
    kind = value.WhichOneof("value")
    if kind == "simple_value":
        yield value.simple_value
    elif kind == "tensor" and not value.tensor.tensor_shape.dim and value.tensor.dtype in (1, 2, 3, 9):
        from tensorboard.util.tensor_util import make_ndarray

        yield float(make_ndarray(value.tensor))


FORMAT = Format(
    title="TensorBoard event files",
    expected="events.out.tfevents.*",
    detect=detect,
    read=read,
    steps=dict.fromkeys(("environment steps", "iterations", "episodes"), STEP),
    joins=True,
)
