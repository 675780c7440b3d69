"""Monitor files of Stable-Baselines3: one row per training episode.

Source: stable_baselines3/common/monitor.py (`ResultsWriter`, `load_results`) and results_plotter.py (`ts2xy`). The
first line is "#" and a JSON object with `t_start` (a clock) and `env_id`. Then comes a CSV with `r` (return), `l`
(length in steps), `t` (seconds since t_start, at the episode's end) and what the user adds. A row's step is the sum of
`l` up to it. The files of one folder with the same seed are the environments of one run: as in `load_results`, their
episodes are put in the order in which they ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from svgbench import strict_json
from svgbench.analysis.read.foreign import Format, Stated, head_of
from svgbench.analysis.read.import_source import open_source
from svgbench.analysis.read.import_table import Choose, Table, join_tables, read_table
from svgbench.analysis.read.import_values import ColumnKind
from svgbench.words.errors import UsageError

STEPS, EPISODES = "timesteps", "episodes"
LENGTH, TIME = ColumnKind("l", "int", least=0), ColumnKind("t", "float")


def _detect(file: Path) -> bool:
    if file.name.endswith("monitor.csv"):
        return True
    first, _, rest = head_of(file).partition(b"\n")
    return first.startswith(b"#{") and rest.startswith(b"r,l,t")


def _about(file: Path, line: str) -> dict[str, object]:
    try:
        about = strict_json.loads(line.removeprefix("#")) if line.startswith("#") else None
    except ValueError:
        about = None
    if not isinstance(about, dict) or not isinstance(about.get("t_start"), int | float):
        raise UsageError(f"{file}: line 1 is not a monitor file's; expected # and JSON with t_start")
    return about


def _one(file: Path, choose: Choose) -> tuple[Table, list[ColumnKind]]:
    """One file, with `t` as the clock's time."""
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
    return replace(table, columns={**table.columns, "t": table.columns["t"] + about["t_start"]}), asked


def _read(files: Sequence[Path], choose: Choose) -> Table:
    read = [_one(file, choose) for file in files]
    kinds = read[0][1]
    table = join_tables([table for table, _ in read], str(files[0].parent))
    if len(files) > 1:
        table = table.take(np.argsort(table.columns["t"], kind="stable"))
    lengths = table.columns["l"]
    columns = {**table.columns, STEPS: np.cumsum(lengths), EPISODES: np.arange(1, len(lengths) + 1)}
    return replace(table, columns={kind.name: columns[kind.name] for kind in kinds})


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
