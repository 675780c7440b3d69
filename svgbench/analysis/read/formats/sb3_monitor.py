"""Monitor files of Stable-Baselines3: one row per training episode.

Source: stable_baselines3/common/monitor.py (`ResultsWriter`, `load_results`) and results_plotter.py (`ts2xy`). The
first line is "#" and a JSON object with `t_start` (a clock) and `env_id`. Then comes a CSV with `r` (return), `l`
(length in steps), `t` (seconds since t_start, at the episode's end) and what the user adds. A row's step is the sum of
`l` up to it. The files of one folder with the same seed are the environments of one run: as in `load_results`, their
episodes are put in the order in which they ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from svgbench import strict_json
from svgbench.analysis.read.foreign import Format, Stated, head_of
from svgbench.analysis.read.import_source import open_source
from svgbench.analysis.read.import_table import Choose, Table, join_tables, read_table
from svgbench.analysis.read.import_values import LARGEST_EXACT, ColumnKind
from svgbench.words.errors import UsageError

STEPS, EPISODES = "timesteps", "episodes"
LENGTH, TIME = ColumnKind("l", "int", least=0), ColumnKind("t", "float")


def _detect(file: Path) -> bool:
    if file.name.endswith("monitor.csv"):
        return True
    first, _, rest = head_of(file).partition(b"\n")
    return first.startswith(b"#{") and rest.startswith(b"r,l,t")


def _about(file: Path, line: str) -> dict[str, Any]:
    try:
        about = strict_json.loads(line.removeprefix("#")) if line.startswith("#") else None
    except ValueError:
        about = None
    if not isinstance(about, dict) or not isinstance(about.get("t_start"), int | float):
        raise UsageError(f"{file}: line 1 is not a monitor file's; expected # and JSON with t_start")
    return about


def _one(file: Path, choose: Choose) -> tuple[Table, list[ColumnKind], float]:
    """One file, with `t` as the clock's time; the chosen columns; when it began."""
    asked: list[ColumnKind] = []

    def with_length_and_time(header: Sequence[str]) -> list[ColumnKind]:
        lacking = [name for name in ("r", "l", "t") if name not in header]
        if lacking:
            raise UsageError(f"{file} has no column '{lacking[0]}'; expected r,l,t on line 2")
        asked.extend(choose([*header, STEPS, EPISODES]))
        own = [kind for kind in asked if kind.name not in ("l", "t", STEPS, EPISODES)]
        return [*own, LENGTH, TIME]

    with open_source(file) as source:
        about = _about(file, next(source.lines(), ""))
        table = read_table(source, with_length_and_time, first=2)
    back = np.flatnonzero(np.diff(table.columns["t"]) < 0)
    if len(back):
        why = "the time t goes back: the file was resumed; split it there, or keep the rows that belong together"
        raise table.refuse(int(back[0]) + 1, why)
    began = float(about["t_start"])
    return replace(table, columns={**table.columns, "t": table.columns["t"] + began}), asked, began


def _read(files: Sequence[Path], choose: Choose) -> Table:
    _check_alike(files)
    read = [_one(file, choose) for file in files]
    kinds = read[0][1]
    table = join_tables([table for table, *_ in read], str(files[0].parent))
    table = replace(table, notes=tuple(_continued([(began, part) for part, _, began in read])))
    if len(files) > 1:
        table = table.take(np.argsort(table.columns["t"], kind="stable"))
    lengths = table.columns["l"]
    if lengths.sum(dtype=float) > LARGEST_EXACT:
        raise UsageError(f"{table.file}: the lengths l sum to more than {LARGEST_EXACT} steps")
    columns = {**table.columns, STEPS: np.cumsum(lengths), EPISODES: np.arange(1, len(lengths) + 1)}
    return replace(table, columns={kind.name: columns[kind.name] for kind in kinds})


def _continued(tables: Sequence[tuple[float, Table]]) -> Iterator[str]:
    """Which files begin after all earlier ones have ended: those of parallel environments overlap in time."""
    ended = -np.inf
    for began, table in sorted(tables, key=lambda one: one[0]):
        if began > ended > -np.inf:
            yield f"{table.file} begins after the other files of its folder end: taken as the same run, continued"
        ended = max(ended, float(table.columns["t"][-1]))


def _check_alike(files: Sequence[Path]) -> None:
    """Refuse files of one folder whose names differ by more than a number: they are not one run's environments."""
    names = {re.sub("[0-9]+", "", file.name): file for file in files}
    if len(names) > 1:
        one, other, *_ = names.values()
        raise UsageError(f"{one} and {other} are not called as the environments of one run (N.monitor.csv); name one")


def _states(file: Path) -> Stated:
    try:
        env = _about(file, head_of(file).partition(b"\n")[0].decode()).get("env_id")
    except (UsageError, UnicodeDecodeError):
        return Stated()
    return Stated(about="" if env in (None, "None") else str(env))


FORMAT = Format(
    title="monitor files of Stable-Baselines3, training episodes",
    expected="monitor.csv or *.monitor.csv",
    detect=_detect,
    read=_read,
    states=_states,
    steps={"environment steps": STEPS, "episodes": EPISODES},
    meanings={"train_return": "r"},
    episodes=True,
    joins=True,
)
