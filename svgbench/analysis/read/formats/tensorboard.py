"""Event files of TensorBoard: the scalars of a folder, by their tags.

Source: tensorboard, compat/proto/event.proto and summary.proto. A scalar is a `simple_value` (SummaryWriter of torch
and tensorboardX) or a tensor of one number (TensorFlow 2), at an event's `step`, which is what the writer counted.
Values are stored in single precision. The event files of one folder are one run. If several tags are imported, a row is
a step at which any of them was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svgbench.analysis.read.foreign import Format, checked, head_of, read_bytes
from svgbench.analysis.read.formats import needs
from svgbench.analysis.read.import_table import Choose, Table, join_tables
from svgbench.analysis.read.import_values import quoted
from svgbench.analysis.read.tfrecords import TornRecordError, records
from svgbench.words.errors import UsageError

STEP = "step"
Scalars = Mapping[str, Sequence[tuple[int, float, int]]]  # by tag: step, value, the event's number from 1


def detect(file: Path) -> bool:
    """Whether it is named as TensorBoard asks, and starts with the record of an event."""
    return "tfevents" in file.name and head_of(file)[8:12] != b"" and b"brain.Event:" in head_of(file)[:64]


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
    columns: dict[str, NDArray[Any]]
    there = [np.array(scalars.get(tag, ()), dtype=float).reshape(-1, 3) for tag in tags]
    if all(np.array_equal(part[:, 0], there[0][:, 0]) for part in there):
        columns = {tag: part[:, 1] for tag, part in zip(tags, there, strict=True)}
        steps, events = there[0][:, 0], there[0][:, 2]
    else:
        for tag, part in zip(tags, there, strict=True):
            values, counts = np.unique(part[:, 0], return_counts=True)
            for step in values[counts > 1]:
                raise UsageError(f"{file}: tag {quoted(tag)} has step {step:.0f} twice; import it without other tags")
        steps, first = np.unique(np.concatenate([part[:, 0] for part in there]), return_index=True)
        events = np.concatenate([part[:, 2] for part in there])[first]
        columns = {tag: np.full(len(steps), np.nan) for tag in tags}
        for tag, part in zip(tags, there, strict=True):
            columns[tag][np.searchsorted(steps, part[:, 0])] = part[:, 1]
    return Table(file, {**columns, STEP: steps}, events.astype(np.int64), (), place="event {line}")


def _scalars(file: Path) -> tuple[Scalars, tuple[tuple[str, str], ...]]:
    try:
        from tensorboard.compat.proto.event_pb2 import Event
    except ImportError as error:
        raise needs("tensorboard", error) from None
    from google.protobuf.message import DecodeError

    data, sources = read_bytes(file)
    found: dict[str, list[tuple[int, float, int]]] = {}
    try:
        for number, record in enumerate(records(data), 1):
            event = Event.FromString(bytes(record))
            for value in event.summary.value:
                for scalar in _numbers(value):
                    found.setdefault(value.tag, []).append((event.step, scalar, number))
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
