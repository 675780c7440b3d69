"""Maintenance of a results folder: logs, verify, upgrade, clean, doctor."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from svgbench import reproduce, strict_json
from svgbench.lab import platform, sharing
from svgbench.lab.attendance import at_work
from svgbench.lab.cells import REPLICAS, Selection, block_from_job, cell_name, expand
from svgbench.lab.damage import DamagedFileError
from svgbench.lab.files import is_locked, locked
from svgbench.lab.pair import is_cell_file, is_copy, is_finished, read_meta, read_rows
from svgbench.lab.platforms import is_key
from svgbench.lab.store import Store
from svgbench.lab.upgrade import Upgraded, upgrade_cells
from svgbench.lab.upgrade_work import upgrade_blocks
from svgbench.words.errors import BusyError, UsageError
from svgbench.words.experiment import Experiment


def verify(store: Store) -> list[dict[str, Any]]:
    """Check every pair in the store against its hashes and against today's declarations; one flat row per file.

    `status` is "ok", "damaged" (also a replica in a wrong place), "stale" (declared differently now), "undeclared" (no
    experiment declares the cell: it is a user's own, or the experiment was removed), "orphan" (a CSV without a JSON,
    whose rows are ignored) or "stray" (a file that svgbench did not write and does not read).
    """
    now = dict(_declared_identities())
    ours, strays = _files(store)
    rows = [_checked(store, path, now) for path in sorted({path.with_suffix(".csv") for path in ours})]
    return rows + [_verified(store, path, "stray", "not svgbench's, and not read") for path in strays]


def _checked(store: Store, path: Path, now: Mapping[str, str]) -> dict[str, Any]:
    """The row of one pair, found by its CSV's name. `now` has the declared identity of every cell."""
    try:
        meta = read_meta(path.with_suffix(".json"))
        if meta is None:
            return _verified(store, path, "orphan", "a CSV without its JSON: its rows are ignored")
        if is_copy(path, meta):
            name = cell_name(meta["task"], meta["variant"])
            return _verified(store, path, "stray", f"a copy of the cell {name} under another name, not read")
        finished = [s for s, e in meta["seeds"].items() if is_finished(e)]
        if finished:
            read_rows(path, meta)
    except DamagedFileError as error:
        note = error.note.removeprefix(f"{path}: ").removeprefix(f"{path} is damaged: ")
        return _verified(store, path, "damaged", note)
    place = path.relative_to(store.root).with_suffix("").parts
    identity = now.get("/".join((*place[:3], place[-1])))  # a replica has the identity of the first measurement
    if identity is None:
        return _verified(store, path, "undeclared", "imported" if meta.get("imported") else "not declared", finished)
    if identity != meta["config_hash"]:
        return _verified(store, path, "stale", "config or version changed since", finished)
    return _verified(store, path, "ok", "", finished)


def upgrade(store: Store, dry_run: bool) -> list[Upgraded]:
    """Convert results of an older svgbench to names and today's identities, including unfinished work in `.work`.

    Returns one entry for each JSON and each renamed block. Raises BusyError if a block runs.
    """
    if any(is_locked(path) for path in store.work.rglob("*.lock")) or at_work(store):
        raise BusyError(f"a run is at work in {store.work}; wait for it or stop it")
    declared = reproduce.factories()
    blocks = upgrade_blocks(store, declared, dry_run)
    return upgrade_cells(store, declared, dry_run) + blocks


def upgrade_sentences(found: list[Upgraded], dry_run: bool) -> list[str]:
    """The files left unchanged, each with its reason, and the totals."""
    left = [one for one in found if one.status == "left"]
    counts = Counter(one.status for one in found)
    done = f"{counts['upgraded']} {'would be ' * dry_run}upgraded, {counts['as it is']} were so already"
    return [*(f"left as it is: {one.file}: {one.note}" for one in left), f"{done}, {len(left)} left"]


def _verified(store: Store, path: Path, status: str, note: str, finished: Sequence[str] = ()) -> dict[str, Any]:
    return {"file": str(path.relative_to(store.root)), "seeds": len(finished), "status": status, "note": note}


def verify_sentences(rows: list[dict[str, Any]]) -> list[str]:
    """Damaged files and orphans by their causes, other files counted by folder, foreign files, and the total."""
    causes: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row["status"] in ("damaged", "orphan"):
            causes.setdefault((row["status"], row["note"]), []).append(row["file"])
    lines = [f"{status}: {_several(files)}: {note}" for (status, note), files in causes.items()]
    groups = Counter(
        (str(Path(r["file"]).parent), r["status"], r["note"]) for r in rows if r["status"] in ("stale", "undeclared")
    )
    lines += [f"{folder}: {count} {status} ({note})" for (folder, status, note), count in groups.items()]
    strays = [row["file"] for row in rows if row["status"] == "stray"]
    if strays:
        lines.append(f"not svgbench's, not read, harmless: {_several(strays)}")
    whole = sum(r["status"] in ("ok", "stale", "undeclared") for r in rows)
    return [*lines, f"{whole} of {len(rows) - len(strays)} files are as they were written"]


def _several(files: list[str]) -> str:
    return ", ".join(files) if len(files) < 4 else f"{len(files)} files, such as {files[0]}"


def _files(store: Store) -> tuple[list[Path], list[Path]]:
    """The CSVs and JSONs of cells by their names, and the foreign files beside them.

    Hidden folders (`.work`, `.git`), git's own files and READMEs count as neither.
    """
    ours, strays = [], []
    for folder, folders, names in os.walk(store.root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(folder).relative_to(store.root).parts
        is_budget = len(inside) == 3 or (len(inside) == 5 and inside[3] == REPLICAS and is_key(inside[4]))
        for name in sorted(names):
            path = Path(folder, name)
            if is_budget and is_cell_file(path):
                ours.append(path)
            elif not name.startswith((".git", "README")):
                strays.append(path)
    return ours, strays


def _declared_identities() -> Iterator[tuple[str, str]]:
    for experiment in reproduce.experiments().values():
        for budget in experiment.budgets:
            for cell in expand(experiment, Selection(budget=budget.name)):
                yield f"{cell.experiment}/{cell.budget}/{cell.name}", cell.identity


def clean(store: Store, experiment: Experiment | None, checkpoints: bool, dry_run: bool) -> list[Path]:
    """Remove files from `.work` that are no longer needed; return what was (or would be) removed.

    These are superseded pairs, calibrations, logs, and blocks whose results are stored or whose cell is declared
    differently now. With `checkpoints` they include unfinished blocks, which then start again. Results stay. Raises
    BusyError if a block runs.
    """
    base = store.work / experiment.id if experiment else store.work
    if any(is_locked(path) for path in base.rglob("*.lock")) or at_work(store):
        raise BusyError(f"a run is at work in {base}; wait for it or stop it")
    declared = dict(_declared_identities())
    folders = [folder for folder in base.rglob("block-*") if folder.is_dir()]
    doomed = [folder for folder in folders if not _is_needed(store, folder, declared)]
    doomed += [p for p in base.rglob("block-*.log") if p.with_suffix("") in doomed or not p.with_suffix("").is_dir()]
    if experiment:
        doomed += [store.work / "superseded" / experiment.id]
    else:
        doomed += [store.work / "superseded", store.work / "calibration"]
    doomed += list(base.rglob("*.refused"))
    if checkpoints:
        doomed = [store.work] if experiment is None else [base, store.work / "superseded" / experiment.id]
    doomed = sorted(path for path in doomed if path.exists())
    for path in doomed if not dry_run else ():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return doomed


def _is_needed(store: Store, folder: Path, declared: Mapping[str, str]) -> bool:
    """Whether a block's folder can still be resumed, and has something that the store lacks."""
    try:
        job = strict_json.loads(next(folder.glob("job-*.json")).read_bytes())
    except (StopIteration, OSError, ValueError):
        return True  # nothing shows what it is
    block = block_from_job(job)
    cell = replace(block.cell, seeds=block.seeds)
    identity = declared.get(f"{cell.experiment}/{cell.budget}/{cell.name}", cell.identity)
    return identity == cell.identity and set(store.state(cell).usable) != set(block.seeds)


def doctor(store: Store, shared: bool = False, engine: Any = None) -> list[dict[str, Any]]:
    """Check that this machine can run svgbench: one flat row per check, `check`, `ok`, `detail`.

    `shared` adds whether several runs can work in the results folder, also on the workers of an engine.
    """
    checks = [_python(), *(_package(name) for name in ("torch", "mujoco", "gymnasium", "numpy", "scipy", "pandas"))]
    checks += [_row("cores", True, f"{platform.cores()}"), _torch_works(), _mujoco_works(), _writable(store)]
    checks += [_registry(), _published()]
    found = sharing.shared(store.root) if shared else []
    found += sharing.between(store.root, engine) if engine is not None else []
    return checks + [_row(*one) for one in found]


def _row(check: str, ok: bool, detail: str) -> dict[str, Any]:
    return {"check": check, "ok": ok, "detail": detail}


def _python() -> dict[str, Any]:
    version = ".".join(map(str, sys.version_info[:3]))
    return _row("python", sys.version_info >= (3, 11), f"{version}; 3.11 or newer is needed")


def _package(name: str) -> dict[str, Any]:
    version = platform.release(name)
    return _row(name, version != "none", version if version != "none" else "not installed")


def _torch_works() -> dict[str, Any]:
    try:
        import torch

        total = torch.baddbmm(torch.zeros(2, 3, 3), torch.ones(2, 3, 4), torch.ones(2, 4, 3)).sum().item()
        devices = ["cpu"] + [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
        return _row("torch computes", total == 72.0, ", ".join(devices))
    except Exception as error:
        return _row("torch computes", False, f"{type(error).__name__}: {error}")


def _mujoco_works() -> dict[str, Any]:
    try:
        import mujoco

        model = mujoco.MjModel.from_xml_string("<mujoco><worldbody><body><geom size='1'/></body></worldbody></mujoco>")
        return _row("mujoco loads a model", model.nbody == 2, mujoco.__version__)
    except Exception as error:
        return _row("mujoco loads a model", False, f"{type(error).__name__}: {error}")


def _writable(store: Store) -> dict[str, Any]:
    """Whether files and locks work in the results folder, or in the nearest existing folder above it."""
    folder = next(p for p in (store.root, *store.root.parents) if p.is_dir())
    try:
        with tempfile.TemporaryDirectory(prefix=".svgbench-doctor-", dir=folder) as place:
            lock = Path(place) / "lock"
            with locked(lock):
                held = is_locked(lock)
        free = shutil.disk_usage(folder).free
    except (OSError, UsageError) as error:
        return _row("results folder", False, f"{store.root}: {error}")
    detail = f"{store.root}, {free / 1e9:.0f} GB free" + ("" if held else "; locks do not hold here")
    return _row("results folder", held and free > 1e9, detail)


def _registry() -> dict[str, Any]:
    try:
        count = sum(1 for _ in _declared_identities())
        return _row("experiments expand", True, f"{len(reproduce.experiments())} experiments, {count} cells")
    except Exception as error:
        return _row("experiments expand", False, f"{type(error).__name__}: {error}")


def _published() -> dict[str, Any]:
    from svgbench import paper_tables

    try:
        return _row("published numbers load", True, f"{len([paper_tables.load(i) for i in paper_tables.ids()])} tables")
    except Exception as error:
        return _row("published numbers load", False, f"{type(error).__name__}: {error}")
