"""Where measurements live: one CSV and one JSON per cell, and a folder `.work` for what is under way.

`<work>/<artifact>/<budget>/<task>--<variant>.csv` holds the rows of all finished seeds; the JSON beside it says,
per seed, how they came about and what their hash is. Seeds in a CSV that its JSON does not list do not exist,
so a process killed between the two replacements loses nothing and invents nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

from svgbench.lab import platform
from svgbench.lab.cells import Block, Cell
from svgbench.lab.errors import DamagedError
from svgbench.lab.files import is_locked, locked, remove_temporaries, write_atomic

Status = Literal["done", "running", "partial", "failed", "diverged", "stale", "other", "missing"]

FORMAT = 1
_SEED_LINE = re.compile(rb"(\d+),")
_NEEDED = {"task": str, "variant": str, "config_hash": str, "versions": dict, "columns": list, "bytes": int}


@dataclass(frozen=True)
class CellState:
    """What the store knows of a cell, for the seeds that were asked for."""

    status: Status
    done: tuple[int, ...] = ()  # finished and, as far as a size tells, whole
    usable: tuple[int, ...] = ()  # the done ones that a new run need not repeat
    diverged: tuple[int, ...] = ()  # among the done
    failed: Mapping[int, str] = field(default_factory=dict)
    note: str = ""
    seconds: float = 0.0  # spent on the done seeds


class Store:
    """A results folder. Creating the object creates nothing on disk."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).absolute()
        self.work = self.root / ".work"

    # -- paths --------------------------------------------------------------------------------------------

    def folder(self, experiment: str, budget: str) -> Path:
        return self.root / experiment / budget

    def variants(self, experiment: str, budget: str) -> set[str]:
        """The variants that have files, declared or not, by file names."""
        return {path.stem.partition("--")[2] for path in self.folder(experiment, budget).glob("*--*.json")}

    def csv_path(self, cell: Cell) -> Path:
        return Path(f"{self.root}/{cell.experiment}/{cell.budget}/{cell.name}.csv")

    def json_path(self, cell: Cell) -> Path:
        return Path(f"{self.root}/{cell.experiment}/{cell.budget}/{cell.name}.json")

    def cell_work(self, cell: Cell) -> Path:
        return Path(f"{self.work}/{cell.experiment}/{cell.budget}/{cell.name}")

    def block_work(self, block: Block) -> Path:
        return self.cell_work(block.cell) / block.name

    def cell_lock(self, cell: Cell) -> Path:
        return self.cell_work(cell) / "cell.lock"

    def block_lock(self, block: Block) -> Path:
        return self.cell_work(block.cell) / f"{block.name}.lock"

    # -- reading ------------------------------------------------------------------------------------------

    def meta(self, cell: Cell) -> dict[str, Any] | None:
        """The cell's JSON; None if there is none. Raises DamagedError if it cannot be read."""
        return read_meta(self.json_path(cell))

    def state(self, cell: Cell, thorough: bool = False) -> CellState:
        """The cell's status. Reads one JSON and asks for one file size; the rows are read only if `thorough`."""
        at_work = self.cell_work(cell).is_dir()
        running = at_work and self._running(cell)
        try:
            meta = self.meta(cell)
        except DamagedError as error:
            return CellState("running" if running else "failed", note=str(error))
        if meta is None:
            started = at_work and any(self.cell_work(cell).glob("block-*/checkpoint.pt"))
            return CellState("running" if running else "partial" if started else "missing")
        unfit, note = self._unfit(cell, meta, thorough)
        recorded = {int(s): e for s, e in meta["seeds"].items() if int(s) in cell.seeds}
        done = tuple(sorted(s for s, e in recorded.items() if is_finished(e))) if unfit != "failed" else ()
        diverged = tuple(s for s in done if recorded[s]["status"] == "diverged")
        failed = {s: e["error"] for s, e in recorded.items() if e["status"] == "failed"}
        if running:
            status: Status = "running"
        elif unfit:
            status = unfit
        elif failed:
            status, note = "failed", next(iter(failed.values()))
        elif len(done) < len(cell.seeds):
            status = "partial" if done else "missing"
        else:
            status = "diverged" if diverged else "done"
        seconds = sum(recorded[s]["seconds"] for s in done)
        return CellState(status, done, () if unfit else done, diverged, failed, note, seconds)

    def _unfit(self, cell: Cell, meta: Mapping[str, Any], thorough: bool) -> tuple[Status | None, str]:
        """Why the pair cannot be added to, and the status that says so."""
        if meta["config_hash"] != cell.identity:
            return "stale", _what_changed(cell, meta)
        here = platform.compared(cell.device)
        for entry in meta["seeds"].values():
            for name, value in here.items():
                if is_finished(entry) and entry["platform"].get(name) != value:
                    return "other", f"measured with {name} {entry['platform'].get(name)} (here {value})"
        damage = self._damage(cell, meta, thorough)
        return ("failed", damage) if damage else (None, "")

    def _running(self, cell: Cell) -> bool:
        return any(is_locked(path) for path in self.cell_work(cell).glob("block-*.lock"))

    def _damage(self, cell: Cell, meta: Mapping[str, Any], thorough: bool) -> str:
        """Why the CSV is not what was written, or nothing. Equal sizes are believed unless `thorough`."""
        if not any(is_finished(entry) for entry in meta["seeds"].values()):
            return ""
        path = self.csv_path(cell)
        try:
            if thorough or path.stat().st_size != meta["bytes"]:
                read_rows(path, meta)
        except FileNotFoundError:
            return f"{path} is gone"
        except DamagedError as error:
            return str(error)
        return ""

    def rows(self, cell: Cell) -> bytes:
        """The checked text of the cell's CSV, header and listed seeds. Raises DamagedError, FileNotFoundError."""
        meta = self.meta(cell)
        if meta is None:
            raise FileNotFoundError(self.json_path(cell))
        return read_rows(self.csv_path(cell), meta)

    # -- writing ------------------------------------------------------------------------------------------

    def merge(self, cell: Cell, texts: Mapping[int, str], entries: Mapping[int, dict[str, Any]]) -> None:
        """Add finished seeds: `texts` their CSV lines, `entries` their JSON. Finished ones are never replaced.

        Takes the cell's lock. A pair of another identity or platform, or a damaged one, is moved aside first.
        """
        with locked(self.cell_lock(cell)):
            meta = self._current(cell)
            kept = _split(self.rows(cell)) if any(map(is_finished, meta["seeds"].values())) else {}
            for seed, text in texts.items():
                if not is_finished(meta["seeds"].get(str(seed), {})):
                    kept[seed] = text.encode()
                    digest = hashlib.sha256(kept[seed]).hexdigest()
                    meta["seeds"][str(seed)] = {**entries[seed], "sha256": digest}
            lines = [",".join(("seed", "step", *cell.columns)).encode() + b"\n"]
            data = b"".join(lines + [kept[seed] for seed in sorted(kept)])
            write_atomic(self.csv_path(cell), data)
            self._write_meta(cell, {**meta, "bytes": len(data)})

    def record_failure(self, block: Block, error: str, attempts: int, log: Path) -> None:
        """Note in the JSON that the block's wanted seeds failed. A failure is never taken for a result."""
        cell = block.cell
        with locked(self.cell_lock(cell)):
            meta = self._current(cell)
            for seed in block.wanted:
                if not is_finished(meta["seeds"].get(str(seed), {})):
                    where = str(log.relative_to(self.root)) if log.is_relative_to(self.root) else str(log)
                    entry = {"status": "failed", "error": error, "attempts": attempts, "log": where}
                    meta["seeds"][str(seed)] = entry
            self._write_meta(cell, meta)

    def adopt(self, folder: Path, stem: str, lines: Iterable[tuple[int, str]], meta: Mapping[str, Any]) -> None:
        """Write a foreign pair (`import`). `lines` are whole lines of the CSV, each text with its seed, in order."""
        hashes: dict[int, Any] = {}
        counts: Counter[int] = Counter()

        def write(file: BinaryIO) -> None:
            file.write(",".join(("seed", "step", *meta["columns"])).encode() + b"\n")
            for seed, text in lines:
                data = text.encode()
                hashes.setdefault(seed, hashlib.sha256()).update(data)
                counts[seed] += data.count(b"\n")
                file.write(data)

        path = folder / f"{stem}.csv"
        write_atomic(path, write)
        seeds = {
            str(seed): {"status": "done", "rows": counts[seed], "sha256": digest.hexdigest()}
            for seed, digest in hashes.items()
        }
        write_atomic(path.with_suffix(".json"), _dump({**meta, "seeds": seeds, "bytes": path.stat().st_size}))

    def _current(self, cell: Cell) -> dict[str, Any]:
        """The JSON to add to; a fresh one if there is none, or after moving an unfit pair aside."""
        remove_temporaries(self.csv_path(cell))
        remove_temporaries(self.json_path(cell))
        try:
            meta = self.meta(cell)
            unfit = meta is not None and self._unfit(cell, meta, thorough=True)[0] is not None
        except DamagedError:
            meta, unfit = None, True
        if unfit:
            self.move_aside(cell)
            meta = None
        return meta or {
            "format": FORMAT,
            "experiment": cell.experiment,
            "budget": cell.budget,
            "task": cell.task.id,
            "variant": cell.variant.id,
            "label": cell.variant.label,
            "learner": cell.variant.learner,
            "config_hash": cell.identity,
            "config": dict(cell.config),
            "limits": dict(cell.limits),
            "task_options": dict(cell.task.options),
            "versions": dict(cell.versions),
            "columns": list(cell.columns),
            "bytes": 0,
            "seeds": {},
        }

    def _write_meta(self, cell: Cell, meta: Mapping[str, Any]) -> None:
        seeds = dict(sorted(meta["seeds"].items(), key=lambda item: int(item[0])))
        write_atomic(self.json_path(cell), _dump({**meta, "seeds": seeds}))

    def move_aside(self, cell: Cell) -> Path:
        """Put the cell's pair under `.work/superseded`, where `clean` finds it. Returns the folder."""
        aside = self.work / "superseded" / cell.experiment / cell.budget
        number = 1 + len(list(aside.glob(f"{cell.name}.*.json"))) + len(list(aside.glob(f"{cell.name}.*.csv")))
        aside.mkdir(parents=True, exist_ok=True)
        for path in (self.json_path(cell), self.csv_path(cell)):
            if path.exists():
                os.replace(path, aside / f"{cell.name}.{number:03d}{path.suffix}")
        return aside

    def log_path(self, block: Block) -> Path:
        return self.cell_work(block.cell) / f"{block.name}.log"

    def drop_work(self, block: Block) -> None:
        """Remove a finished block's checkpoint and job. Its log stays."""
        shutil.rmtree(self.block_work(block), ignore_errors=True)


def is_finished(entry: Mapping[str, Any]) -> bool:
    """Whether a seed's entry says that its rows are final. A diverged seed is done."""
    return entry.get("status") in ("done", "diverged")


def read_meta(path: Path) -> dict[str, Any] | None:
    """A cell's JSON as a dict; None if there is no such file. Raises DamagedError."""
    try:
        meta = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise DamagedError(f"{path} cannot be read: {error}") from None
    if not isinstance(meta, dict) or meta.get("format") != FORMAT or not isinstance(meta.get("seeds"), dict):
        raise DamagedError(f"{path} is not a cell's JSON of format {FORMAT}")
    lacking = [name for name, kind in _NEEDED.items() if not isinstance(meta.get(name), kind)]
    if not all(isinstance(name, str) for name in meta.get("columns", ())):
        lacking = ["columns"]
    if lacking:
        raise DamagedError(f"{path} is damaged: {'no' if lacking[0] not in meta else 'a wrong'} {lacking[0]}")
    for seed, entry in meta["seeds"].items():
        whole = isinstance(entry, dict) and isinstance(entry.get("status"), str)
        hashed = whole and (not is_finished(entry) or {"rows", "sha256"} <= entry.keys())
        if not (seed.isdecimal() and hashed):
            raise DamagedError(f"{path} is damaged: an entry that is no seed's, {seed[:40]!r}")
    return meta


def read_rows(path: Path, meta: Mapping[str, Any]) -> bytes:
    """The header and the rows of the finished seeds that `meta` lists, each checked against its hash.

    Raises DamagedError if the file is cut, edited or not of these columns, FileNotFoundError if it is gone.
    """
    data = path.read_bytes()
    header = ",".join(("seed", "step", *meta["columns"])).encode() + b"\n"
    if not data.startswith(header) or not data.endswith(b"\n"):
        raise DamagedError(f"{path} is damaged: its first or last line is not whole")
    try:
        rows = _split(data)
    except DamagedError as error:
        raise DamagedError(f"{path} is damaged: {error}") from None
    finished = {int(s): e for s, e in meta["seeds"].items() if is_finished(e)}
    for seed, entry in finished.items():
        text = rows.get(seed, b"")
        if text.count(b"\n") != entry["rows"] or hashlib.sha256(text).hexdigest() != entry["sha256"]:
            raise DamagedError(f"{path} is damaged: the rows of seed {seed} are not those that were written")
    return header + b"".join(rows[seed] for seed in sorted(finished) if seed in rows)


def _split(data: bytes) -> dict[int, bytes]:
    """The lines of a CSV by seed, without the header."""
    rows: dict[int, list[bytes]] = {}
    for line in data.splitlines(keepends=True)[1:]:
        match = _SEED_LINE.match(line)
        if match is None:
            raise DamagedError(f"a row that starts with no seed: {line[:40]!r}")
        rows.setdefault(int(match.group(1)), []).append(line)
    return {seed: b"".join(lines) for seed, lines in rows.items()}


def _what_changed(cell: Cell, meta: Mapping[str, Any]) -> str:
    """Which part of the identity differs, in words."""
    now = {"config": cell.config, "limits": cell.limits, "task_options": cell.task.options}
    for part, values in now.items():
        before = meta.get(part, {})
        for name in sorted({*values, *before}):
            old, new = before.get(name), values.get(name)
            if json.dumps(old) != json.dumps(new):
                return f"{name} was {old}, is now {new}"
    for name, number in cell.versions.items():
        if meta["versions"].get(name) != number:
            return f"{name} version was {meta['versions'].get(name)}, is now {number}"
    return "columns, block size, threads or learner differ"


def _dump(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
