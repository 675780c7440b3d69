"""The results folder: one CSV and one JSON per cell, and a folder `.work` for unfinished work.

`<work>/<artifact>/<budget>/<task>--<variant>.csv` holds the rows of all finished seeds. The JSON beside it says, per
seed, how the rows were made, and has their hash. Seeds in a CSV that its JSON does not list are ignored. So a process
killed between the two replacements neither loses nor adds a result.

A cell's second measurements, on other platforms, have the same two files in `replicas/<platform>/` beside them.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

from svgbench import strict_json
from svgbench.lab import platform, source
from svgbench.lab.cells import REPLICAS, Block, Cell
from svgbench.lab.damage import DamagedFileError, unreadable
from svgbench.lab.files import check_writable, is_locked, locked, write_atomic
from svgbench.lab.pair import (
    FORMAT,
    check_place,
    dump_meta,
    header_of,
    is_cell_file,
    is_cell_name,
    is_finished,
    read_meta,
    read_rows,
    rows_by_seed,
    without_copies,
)
from svgbench.lab.platforms import is_key, is_mixed

CHECKPOINT = "checkpoint.pt"
"""The file in a block's folder that it resumes from. A block saves it before it delivers rows."""
_BLOCK_LOCK = re.compile(r"block-[0-9]+-[^.]*(\.placed)?\.lock")

Status = Literal["done", "running", "partial", "failed", "diverged", "stale", "other", "missing"]


@dataclass(frozen=True)
class CellState:
    """What the store knows about a cell, for the requested seeds."""

    status: Status
    done: tuple[int, ...] = ()  # finished, and the file has the right size
    usable: tuple[int, ...] = ()  # the done ones that a new run need not repeat
    diverged: tuple[int, ...] = ()  # among the done
    mixed: tuple[int, ...] = ()  # among the done: computed on several platforms, one after the other
    failed: Mapping[int, str] = field(default_factory=dict)
    note: str = ""
    seconds: float = 0.0  # spent on the done seeds
    damage: DamagedFileError | None = None


class Store:
    """A results folder. Creating the object creates nothing on disk."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).absolute()
        self.work = self.root / ".work"
        self.locks = True  # false if the folder was found to have none

    # -- paths --------------------------------------------------------------------------------------------

    def folder(self, experiment: str, budget: str) -> Path:
        return self.root / experiment / budget

    def variants(self, experiment: str, budget: str) -> set[str]:
        """The variants that have files, declared or not, by their file names. Copies do not count."""
        return {path.stem.partition("--")[2] for path in without_copies(self.cell_files(experiment, budget))}

    def cell_files(self, experiment: str, budget: str) -> list[Path]:
        """The JSONs of cells, declared or not, by their file names. Hidden files and folders do not count."""
        return sorted(filter(is_cell_file, self.folder(experiment, budget).glob("*--*.json")))

    def replica_files(self, experiment: str, budget: str) -> list[Path]:
        """The JSONs of the cells' replicas, on all platforms, by the names of files and folders only."""
        found = self.folder(experiment, budget).glob(f"{REPLICAS}/*/*--*.json")
        return sorted(path for path in found if is_key(path.parent.name) and is_cell_name(path.name))

    def csv_path(self, cell: Cell) -> Path:
        return Path(f"{self.root}/{cell.place}/{cell.name}.csv")

    def json_path(self, cell: Cell) -> Path:
        return Path(f"{self.root}/{cell.place}/{cell.name}.json")

    def cell_work(self, cell: Cell) -> Path:
        return Path(f"{self.work}/{cell.place}/{cell.name}")

    def block_work(self, block: Block) -> Path:
        return self.cell_work(block.cell) / block.name

    def cell_lock(self, cell: Cell) -> Path:
        return self.cell_work(cell) / "cell.lock"

    def block_lock(self, block: Block) -> Path:
        return self.cell_work(block.cell) / f"{block.name}.lock"

    def placed_lock(self, block: Block) -> Path:
        """Held by the supervisor that has started the block's process, and contains its name."""
        return self.cell_work(block.cell) / f"{block.name}.placed.lock"

    # -- reading ------------------------------------------------------------------------------------------

    def meta(self, cell: Cell) -> dict[str, Any] | None:
        """The cell's JSON; None if it does not exist. Raises DamagedError if it cannot be read."""
        return read_meta(self.json_path(cell))

    def state(self, cell: Cell, thorough: bool = False) -> CellState:
        """The cell's status. Reads one JSON and one file size; the rows are read only if `thorough`."""
        names = self._work_names(cell)
        running = False
        try:
            meta = self.meta(cell)
            if locks := self._unstored_locks(cell, names, meta or {}):
                running = any(map(is_locked, locks))
                meta = meta if running else self.meta(cell)  # a block may have ended between the two looks
        except DamagedFileError as error:
            running = any(map(is_locked, self._unstored_locks(cell, names, {})))
            return CellState("running" if running else "failed", note=error.note, damage=error)
        if meta is None:
            begun = (name for name in names if name.startswith("block-") and name.endswith(f"-{cell.identity}"))
            started = any((self.cell_work(cell) / name / CHECKPOINT).exists() for name in begun)
            return CellState("running" if running else "partial" if started else "missing")
        unfit, note = self._unfit(cell, meta)
        damage = None if unfit else self._damage(cell, meta, thorough)
        if damage is not None:
            unfit, note = "failed", damage.note
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
        seconds = sum(recorded[s].get("seconds", 0.0) for s in done)
        mixed = tuple(s for s in done if is_mixed(recorded[s]))
        return CellState(status, done, () if unfit else done, diverged, mixed, failed, note, seconds, damage)

    def stored(self, cell: Cell, thorough: bool) -> frozenset[int]:
        """`state(cell, thorough).usable`, without a look at `.work`."""
        try:
            meta = self.meta(cell)
        except DamagedFileError:
            return frozenset()
        if meta is None or self._unfit(cell, meta)[0] or self._damage(cell, meta, thorough):
            return frozenset()
        finished = (int(seed) for seed, entry in meta["seeds"].items() if is_finished(entry))
        return frozenset(finished).intersection(cell.seeds)

    def _unfit(self, cell: Cell, meta: Mapping[str, Any]) -> tuple[Status | None, str]:
        """The status of a pair to which no seeds can be added, with the reason."""
        if meta["config_hash"] != cell.identity:
            return "stale", _what_changed(cell, meta)
        here = platform.compared(cell.device, cell.precision)
        for entry in filter(is_finished, meta["seeds"].values()):
            for name, (there, value) in platform.differing(entry.get("platform", {}), here).items():
                return "other", f"measured with {name} {there} (here {value})"
        return None, ""

    def _work_names(self, cell: Cell) -> list[str]:
        """What lies in the cell's folder under `.work`."""
        try:
            return os.listdir(self.cell_work(cell))
        except OSError:
            return []

    def _unstored_locks(self, cell: Cell, names: Iterable[str], meta: Mapping[str, Any]) -> list[Path]:
        """The locks of the cell's blocks, except of those that are stored as a whole, which nobody needs to ask."""
        finished = {int(seed) for seed, entry in meta.get("seeds", {}).items() if is_finished(entry)}
        now = cell.identity if meta.get("config_hash") == cell.identity else None

        def is_stored(name: str) -> bool:
            index, identity = name.split(".")[0].split("-", 2)[1:]
            return identity == now and finished.issuperset(Block(cell, int(index), ()).seeds)

        folder = self.cell_work(cell)
        return [folder / name for name in names if _BLOCK_LOCK.fullmatch(name) and not is_stored(name)]

    def _damage(self, cell: Cell, meta: Mapping[str, Any], thorough: bool) -> DamagedFileError | None:
        """Why the CSV differs from what was written, or None. An equal size is trusted unless `thorough`."""
        if not any(is_finished(entry) for entry in meta["seeds"].values()):
            return None
        path = self.csv_path(cell)
        try:
            check_place(path, meta)
            if thorough or path.stat().st_size != meta["bytes"]:
                read_rows(path, meta)
        except OSError as error:
            return unreadable(path, error)
        except DamagedFileError as error:
            return error
        return None

    def rows(self, cell: Cell) -> bytes:
        """The checked text of the cell's CSV, header and listed seeds. Raises DamagedError, or FileNotFoundError
        if there is no JSON."""
        meta = self.meta(cell)
        if meta is None:
            raise FileNotFoundError(self.json_path(cell))
        return read_rows(self.csv_path(cell), meta)

    def rows_by_seed(self, cell: Cell) -> dict[int, bytes]:
        """The lines of each finished seed. Raises as `rows` does."""
        meta = self.meta(cell)
        if meta is None:
            raise FileNotFoundError(self.json_path(cell))
        return rows_by_seed(self.csv_path(cell), meta)

    # -- writing ------------------------------------------------------------------------------------------

    def check_writable(self, cells: Iterable[Cell]) -> None:
        """Raise OSError naming a place that cannot be written, before a run of these cells would fail at its end."""
        folders = {self.work, *(self.csv_path(cell).parent for cell in cells)}
        try:
            for folder in sorted(folders):
                check_writable(folder)
        except OSError as error:
            reason = f"{error.strerror}: results cannot be written there; name another folder with --results"
            raise OSError(error.errno, reason, error.filename) from None

    def exclusive(self, cell: Cell) -> AbstractContextManager[None]:
        """Hold the cell's lock: only its holder writes the cell's two files. Without `locks`, only one run does."""
        return locked(self.cell_lock(cell)) if self.locks else nullcontext()

    def merge(self, cell: Cell, texts: Mapping[int, str], entries: Mapping[int, dict[str, Any]]) -> None:
        """`add`, with the cell's lock."""
        with self.exclusive(cell):
            self.add(cell, texts, entries)

    def add(self, cell: Cell, texts: Mapping[int, str], entries: Mapping[int, dict[str, Any]]) -> Mapping[str, Any]:
        """Add finished seeds: `texts` their CSV lines, `entries` their JSON. Finished ones are never replaced.

        The caller holds the cell's lock. A pair of another identity or platform, or a damaged one, is moved aside
        first. Returns the cell's JSON.
        """
        meta, kept = self._current(cell)
        new = [seed for seed in texts if not is_finished(meta["seeds"].get(str(seed), {}))]
        if not new:
            return meta
        for seed in new:
            kept[seed] = texts[seed].encode()
            digest = hashlib.sha256(kept[seed]).hexdigest()
            meta["seeds"][str(seed)] = {**entries[seed], "sha256": digest}
        data = b"".join([header_of(cell.columns), *(kept[seed] for seed in sorted(kept))])
        write_atomic(self.csv_path(cell), data, alone=True)
        self._write_meta(cell, {**meta, "bytes": len(data)})
        return meta

    def record_failure(self, block: Block, error: str, attempts: int, log: Path) -> None:
        """Note in the JSON that the block's wanted seeds failed. A failure never counts as a result."""
        cell = block.cell
        with self.exclusive(cell):
            meta, _ = self._current(cell)
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
        write_atomic(path.with_suffix(".json"), dump_meta({**meta, "seeds": seeds, "bytes": path.stat().st_size}))

    def _current(self, cell: Cell) -> tuple[dict[str, Any], dict[int, bytes]]:
        """The JSON to add to, and the checked lines of its finished seeds.

        A new one if there is none, or if the pair does not fit and was moved aside.
        """
        rows: dict[int, bytes] = {}
        try:
            meta = self.meta(cell)
            if meta is not None and any(map(is_finished, meta["seeds"].values())):
                rows = rows_by_seed(self.csv_path(cell), meta)
            unfit = meta is not None and self._unfit(cell, meta)[0] is not None
            if meta is not None and not unfit:
                check_place(self.json_path(cell), meta)
        except DamagedFileError as error:
            if error.mendable:
                raise
            meta, unfit = None, True
        if unfit:
            self.move_aside(cell)
        elif meta is not None:
            return meta, rows
        return self._new(cell), {}

    def _new(self, cell: Cell) -> dict[str, Any]:
        """The JSON of a cell without seeds."""
        return {
            "format": FORMAT,
            "experiment": cell.experiment,
            "budget": cell.budget,
            "task": cell.task.id,
            "variant": cell.variant.id,
            "label": cell.variant.label,
            "learner": cell.variant.learner,
            "factory": cell.task.make,
            "config_hash": cell.identity,
            "config": dict(cell.config),
            "limits": dict(cell.limits),
            "task_options": dict(cell.task.options),
            "versions": dict(cell.versions),
            **({"sources": dict(cell.sources)} if cell.sources else {}),
            **({"replica": cell.replica} if cell.replica else {}),
            "columns": list(cell.columns),
            "block_size": cell.block_size,
            "bytes": 0,
            "seeds": {},
        }

    def _write_meta(self, cell: Cell, meta: Mapping[str, Any]) -> None:
        seeds = dict(sorted(meta["seeds"].items(), key=lambda item: int(item[0])))
        write_atomic(self.json_path(cell), dump_meta({**meta, "seeds": seeds}), alone=True)

    def move_aside(self, cell: Cell) -> Path:
        """Put the cell's pair under `.work/superseded`, where `clean` finds it. Returns the folder."""
        aside = self.work / "superseded" / cell.place
        number = 1 + len(list(aside.glob(f"{cell.name}.*.json"))) + len(list(aside.glob(f"{cell.name}.*.csv")))
        aside.mkdir(parents=True, exist_ok=True)
        for path in (self.json_path(cell), self.csv_path(cell)):
            if path.exists():
                os.replace(path, aside / f"{cell.name}.{number:03d}{path.suffix}")
        return aside

    def log_path(self, block: Block) -> Path:
        return self.cell_work(block.cell) / f"{block.name}.log"

    def tidy(self, block: Block) -> None:
        """Remove the block's checkpoint and job if the store has all its seeds, requested or not. Its log stays."""
        folder = self.block_work(block)
        everyone = replace(block.cell, seeds=block.seeds)
        if folder.is_dir() and set(block.seeds) <= set(self.state(everyone, thorough=True).usable):
            shutil.rmtree(folder, ignore_errors=True)


def _what_changed(cell: Cell, meta: Mapping[str, Any]) -> str:
    """The part of the identity that differs, in words."""
    later = source.declared(cell.variant.learner)
    config = {n: v for n, v in cell.config.items() if n in meta.get("config", {}) or not later.is_as_before(n, v)}
    now = {"config": config, "limits": cell.limits, "task_options": cell.task.options}
    found = []  # new settings; a version that rose with them says more
    for part, values in now.items():
        before = meta.get(part, {})
        for name in sorted({*values, *before}):
            old, new = before.get(name), values.get(name)
            if strict_json.dumps(old) != strict_json.dumps(new):
                if name in before:
                    return f"{name} was {old}, is now {new}"
                found.append(f"{name} = {new} is a new setting")
    for name, number in cell.versions.items():
        if meta["versions"].get(name) != number:
            return f"{name} version was {meta['versions'].get(name)}, is now {number}"
    if found:
        return found[0]
    before = meta.get("sources", {})
    for name, digest in cell.sources.items():
        if before.get(name) != digest:
            return f"the source of {name} {'has changed' if name in before else 'was not recorded'}"
    return "columns, block size, threads or learner differ"
