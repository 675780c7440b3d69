"""From files of other programs to one table of an experiment's columns: which column is which, and whose seed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from svgbench.analysis.read.finding import Found, check_readable, find
from svgbench.analysis.read.import_table import Table, check_header, join_tables
from svgbench.analysis.read.import_values import ColumnKind, quoted
from svgbench.analysis.read.import_words import Import, Preview
from svgbench.analysis.read.resampling import resampled
from svgbench.lab.cells import MOST_SEEDS
from svgbench.words.claims import Side
from svgbench.words.errors import UsageError, unknown
from svgbench.words.experiment import Experiment

CSV = "csv"
IN_ORDER = "order"
SHOWN = 12  # names in a message


@dataclass(frozen=True)
class _Log:
    """The files of one run, or one file that holds several runs."""

    files: tuple[Path, ...]
    name: str
    seed: int | None


def gather(experiment: Experiment, wanted: Import, preview: Preview) -> tuple[Table, str]:
    """All rows of the files, with columns called as the experiment calls them, and a note. Raises UsageError."""
    found = find(wanted.paths, wanted.format)
    preview.format, preview.title, preview.unread = found.name, found.format.title, found.unread
    preview.episodes = found.format.episodes
    _check_map(experiment, wanted.map)
    logs = _logs(found, wanted)
    chooser = _Chooser(experiment, wanted, found, preview)
    tables = [chooser.read(log) for log in logs]
    same = [set(tables[0].columns) ^ set(table.columns) for table in tables]
    for log, differing in zip(logs, same, strict=True):
        if differing:
            name = sorted(differing)[0]
            raise UsageError(
                f"{log.name}: only one of it and {logs[0].name} has '{name}'; leave it out with --map {name}="
            )
    _check_seeds(tables)
    table = join_tables(tables, f"{len(found.files)} files")
    if wanted.every is not None:
        return resampled(table, wanted.every, _without_mean(experiment, table))
    if found.format.episodes:
        _check_episodes(table)
    return table, ""


def selecting(experiment: Experiment) -> set[str]:
    """The columns whose values select the rows of a measure or a claim, except `seed` and `step`."""
    parts = [part for claim in experiment.claims for part in claim.parts]
    sides = [side for part in parts for side in (part.left, part.right) if isinstance(side, Side)]
    names = {name for m in (*experiment.measures, *(side.measure for side in sides)) for name in m.where}
    return (names | {name for claim in experiment.claims for name in claim.per}) - {"seed", "step"}


def _without_mean(experiment: Experiment, table: Table) -> list[str]:
    """The columns that cannot be averaged."""
    apart = selecting(experiment)
    named = {name: values for name, values in table.columns.items() if name not in ("seed", "step")}
    return [name for name, values in named.items() if name in apart or values.dtype.kind != "f"]


# ---- runs and their seeds


def _logs(found: Found, wanted: Import) -> list[_Log]:
    """The runs among the files, with the seeds that names and settings give."""
    for file in found.files if found.name != CSV else ():  # a pipe can be opened only once
        check_readable(file)
    _check_one_kind(found)
    groups: dict[tuple[Any, ...], list[Path]] = {}
    for file in found.files:
        seed = _seed_in(wanted.seed_from, str(file)) if wanted.seed_from not in ("", IN_ORDER) else None
        key = (file.parent, seed) if found.format.joins else (file, seed)
        groups.setdefault(key, []).append(file)
    logs = []
    for number, ((place, seed), files) in enumerate(groups.items()):
        own = number if wanted.seed_from == IN_ORDER else seed
        if not wanted.seed_from:
            own = found.format.states(files[0]).seed
        logs.append(_Log(tuple(files), str(place), own))
    return logs


def _check_one_kind(found: Found) -> None:
    """Refuse runs of several environments or algorithms."""
    kinds: dict[str, Path] = {}
    for file in found.files:
        kinds.setdefault(found.format.states(file).about, file)
    kinds.pop("", None)
    if len(kinds) > 1:
        said = ", ".join(f"{quoted(kind)} ({file})" for kind, file in list(kinds.items())[:3])
        raise UsageError(f"the runs are of several environments or algorithms: {said}; name the folders of one")


def _seed_in(pattern: str, name: str) -> int | None:
    """The number that the pattern's group finds in a name; None if it does not match."""
    groups = {match.group(1) for match in _compiled(pattern).finditer(name)}
    found = set({int(t) if t and t.isascii() and t.isdecimal() else t: t for t in groups}.values())  # 01 is 1
    if not found:
        return None
    if len(found) > 1:
        listed = ", ".join(sorted(map(repr, found)))
        raise UsageError(
            f"--seed-from {quoted(pattern)} finds several seeds in {name}: {listed}; expected one in a name"
        )
    text = found.pop()
    if text is None or not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise UsageError(f"--seed-from {quoted(pattern)} finds {text!r} in {name}; expected a whole number")
    return int(text)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--seed-from {quoted(pattern)}: not a regular expression: {error}") from None
    if compiled.groups != 1:
        raise UsageError(
            f"--seed-from {quoted(pattern)}: expected one group, such as 'seed(\\d+)', or the word {IN_ORDER}"
        )
    return compiled


def _check_seeds(tables: Sequence[Table]) -> None:
    """Refuse two runs of one task that have the same seed: nothing says which counts."""
    owners: dict[tuple[Any, ...], str] = {}
    for table in tables if len(tables) > 1 else ():
        names = [name for name in ("seed", "task") if name in table.columns]
        runs = pd.DataFrame({name: table.columns[name] for name in names}).drop_duplicates()
        for run in runs.head(MOST_SEEDS + 1).itertuples(index=False):
            if tuple(run) in owners:
                both = f"{owners[tuple(run)]} and {table.file}"
                raise UsageError(f"seed {run[0]} is that of two runs, {both}; leave one out, or see --seed-from")
            owners[tuple(run)] = table.file


def _check_onward(table: Table, every: int | None) -> None:
    """Refuse a run whose steps go back: it holds rows of two attempts, and nothing says which of them count.

    Without `every`, a step that stands twice is refused later, with both rows.
    """
    keys = [pd.factorize(table.columns[name])[0] for name in ("task", "seed") if name in table.columns]
    if every is None and pd.DataFrame(dict(enumerate([*keys, table.columns["step"]]))).duplicated().any():
        return
    order = np.lexsort(keys)  # stable: a run's rows keep their order
    back = np.diff(table.columns["step"][order]) < 0
    for key in keys:
        back &= np.diff(key[order]) == 0
    for place in map(int, np.flatnonzero(back)[:1]):
        first, second = (int(order[i]) for i in (place, place + 1))
        steps = [table.columns["step"][i] for i in (second, first)]
        where = table.row(first) + (
            "" if table.file_of(first) == table.file_of(second) else f" of {table.file_of(first)}"
        )
        why = f"step {steps[0]} comes after step {steps[1]} in {where}: was the run resumed?"
        raise table.refuse(second, f"{why} Keep the rows that belong together, in a CSV")


def _check_episodes(table: Table) -> None:
    """Say what helps where several episodes of a run end at one step."""
    order = np.lexsort((table.columns["step"], table.columns["seed"]))
    equal = np.diff(table.columns["seed"][order]) == 0
    equal &= np.diff(table.columns["step"][order]) == 0
    for place in map(int, np.flatnonzero(equal)[:1]):
        first, second = (int(order[i]) for i in (place, place + 1))
        step = table.columns["step"][second]
        why = f"episodes end at step {step} here and in {table.row(first)}; average them with --every STEPS"
        raise table.refuse(second, why)


# ---- columns


def _check_map(experiment: Experiment, map_: Mapping[str, str]) -> None:
    known = ["seed", "step", "task", "variant", *(column.name for column in experiment.columns)]
    for name in map_:
        if name not in known:
            raise UsageError(f"--map {name}={map_[name]}: {unknown(f'column of {experiment.id}', name, known)}")
        if name in experiment.needed_columns and not map_[name]:
            raise UsageError(f"--map {name}=: {experiment.id} needs '{name}'; expected --map {name}=COLUMN")
    twice = [own for own in map_.values() if own and list(map_.values()).count(own) > 1]
    if twice:
        names = " and ".join(name for name, own in map_.items() if own == twice[0])
        raise UsageError(f"--map: {names} are both {quoted(twice[0])}; map a column once")


class _Chooser:
    """Chooses a header's columns, and reads runs with them."""

    def __init__(self, experiment: Experiment, wanted: Import, found: Found, preview: Preview) -> None:
        self._experiment, self._wanted, self._found, self._preview = experiment, wanted, found, preview
        self._file = ""
        self._owners: dict[str, str] = {}  # of each file's hash
        self._own: dict[str, str] = {}  # ours -> the file's, of the run that is being read

    def read(self, log: _Log) -> Table:
        """The rows of one run, or of the runs in one file."""
        self._file = str(log.files[0]) if len(log.files) == 1 else log.name
        by_name = log.seed is not None or bool(self._wanted.seed_from)
        table = self._found.format.read(log.files, lambda header: self._choose(header, by_name))
        columns = {ours: table.columns[own] for ours, own in self._own.items()}
        if "seed" not in columns:
            columns["seed"] = self._seeds(log, table)
        for own in table.ignored:
            self._preview.columns.setdefault(own, "")
        order = ("seed", "step", *(name for name in columns if name not in ("seed", "step")))
        table = replace(table, columns={name: columns[name] for name in order})
        if self._found.format.onward:
            _check_onward(table, self._wanted.every)
        self._note(log, table)
        same = [
            owner for _, digest in table.sources if (owner := self._owners.setdefault(digest, log.name)) != log.name
        ]
        return replace(table, notes=(*table.notes, *(f"{owner} and {log.name} hold the same bytes" for owner in same)))

    def _choose(self, header: Sequence[str], by_name: bool) -> list[ColumnKind]:
        """The columns to read, by the file's own names."""
        format_, experiment, map_ = self._found.format, self._experiment, self._wanted.map
        declared = {column.name: column for column in experiment.columns}
        usual = {**format_.meanings, "step": format_.steps.get(experiment.step_unit, "")}
        own: dict[str, str] = {}
        for name in ("seed", "step", "task", "variant", *declared):
            if name == "seed" and by_name and name not in map_:
                continue
            source = map_.get(name, name if name in header else usual.get(name, ""))
            if name not in map_ and name not in experiment.needed_columns and source in map_.values():
                continue  # the user has said what that column is
            if source and (source in header or name in map_):
                own[name] = source
        self._own = own
        self._preview.columns |= {name: self._preview.columns.get(name, "") for name in header}
        self._preview.columns |= {source: name for name, source in own.items() if source in header}
        self._check(header, own, by_name)
        full = selecting(experiment) | {experiment.measures[0].column}
        full |= {m.column for m in experiment.measures if m.reduce != "last" or m.where}
        kinds = []
        for name, source in own.items():
            if name in ("seed", "step"):
                kinds.append(ColumnKind(source, "int", least=0))
            elif name in ("task", "variant"):
                kinds.append(ColumnKind(source, "str"))
            else:
                kind = declared[name].kind
                kinds.append(ColumnKind(source, kind, whole=kind == "int" or name in full))
        return kinds

    def _check(self, header: Sequence[str], own: Mapping[str, str], by_name: bool) -> None:
        """Refuse a header without a column that is needed, or with one twice."""
        experiment, map_ = self._experiment, self._wanted.map
        sources = list(own.values())
        for name, source in own.items():
            if sources.count(source) > 1:
                others = " and ".join(ours for ours, theirs in own.items() if theirs == source)
                raise UsageError(f"{self._file}: {quoted(source)} would be {others}; see --map {name}=")
        needed = [name for name in experiment.needed_columns if not (name == "seed" and by_name)]
        for name, source in map_.items():
            if source and source not in header and self._found.name != CSV:
                near = difflib.get_close_matches(source, header, n=1, cutoff=0.5)
                meant = f"; did you mean {quoted(near[0])}?" if near else ""
                raise UsageError(f"{self._file} has no {quoted(source)} for {name}{meant} (it has: {_listed(header)})")
        if self._found.name == CSV:
            names = [map_.get(name) or name for name in needed]
            names += [source for name, source in map_.items() if source and source not in names]
            known = ["seed", "step", "task", "variant", *(column.name for column in experiment.columns), *map_.values()]
            known = [name for name in known if not (name == "seed" and by_name)]
            check_header(self._file, header, names, known)
            return
        lacking = next((name for name in sorted(needed, key=lambda name: name == "seed") if name not in own), "")
        twice = next((source for source in own.values() if header.count(source) > 1), "")
        if twice:
            raise UsageError(
                f"{self._file}: the header has column '{twice}' {header.count(twice)} times; expected it once"
            )
        if lacking == "seed":
            raise UsageError(f"{self._file}: no seed; {HOW_SEED}")
        if lacking:
            unit = f" ({experiment.id} counts {experiment.step_unit})" if lacking == "step" else ""
            raise UsageError(
                f"{self._file}: nothing in the format {self._found.name} is known to be '{lacking}'{unit}; "
                f"name it with --map {lacking}=COLUMN (it has: {_listed(header)})"
            )

    def _seeds(self, log: _Log, table: Table) -> Any:
        if table.names is None:
            if log.seed is None:
                pattern = self._wanted.seed_from
                raise UsageError(
                    f"--seed-from {quoted(pattern)} finds no seed in {log.name}; expected one in every name"
                )
            return np.full(len(table), log.seed, dtype=np.int64)
        names = list(dict.fromkeys(table.names))
        if self._wanted.seed_from == IN_ORDER:
            seeds: dict[str, int | None] = dict(zip(names, range(len(names)), strict=True))
        else:
            seeds = {name: _seed_in(self._wanted.seed_from, name) for name in names}
        for name, seed in seeds.items():
            if seed is None:
                said = f"--seed-from {quoted(self._wanted.seed_from)} finds no seed in the run {quoted(name)}"
                raise UsageError(f"{table.file}: {said}")
            other = next(n for n, s in seeds.items() if s == seed)
            if other != name:
                raise UsageError(f"{table.file}: seed {seed} is that of two runs, {quoted(other)} and {quoted(name)}")
        return np.array([seeds[name] for name in table.names], dtype=np.int64)

    def _note(self, log: _Log, table: Table) -> None:
        """One row per seed for the preview."""
        steps = pd.Series(table.columns["step"]).groupby(table.columns["seed"]).agg(["size", "min", "max"])
        for seed, (rows, first, last) in zip(steps.index.tolist(), steps.to_numpy().tolist(), strict=True):
            about = {"seed": seed, "rows": rows, "first_step": first, "last_step": last, "file": log.name}
            self._preview.runs.append(about)


HOW_SEED = (
    "name its place in the files' names with --seed-from, such as 'seed(\\d+)', or number them: --seed-from order"
)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names[:SHOWN])) + (", ..." if len(names) > SHOWN else "")
