"""The two files of a cell: their names, and how they are read and checked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from svgbench import strict_json
from svgbench.lab.cells import REPLICAS, cell_name
from svgbench.lab.damage import OLD, DamagedFileError, diagnosed, unreadable
from svgbench.lab.platforms import EARLIER, is_key, is_mixed, key
from svgbench.words.errors import DamagedError

FORMAT, OLD_FORMAT = 2, 1
"""Formats of a cell's JSON. The old one has module paths where the new one has names (`svgbench.lab.upgrade`)."""

_SEED_LINES = re.compile(rb"(\d+),[^\n]*+(?:\n\1,[^\n]*+)*+\n?")  # lines of one seed that follow each other
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=-]*--[A-Za-z0-9._+=-]+")
_OPTIONAL: dict[str, type] = {"label": str, "source": str, "read": dict}
_NEEDED = {"task": str, "variant": str, "config_hash": str, "versions": dict, "columns": list, "bytes": int}


def is_finished(entry: Mapping[str, Any]) -> bool:
    """Whether a seed's entry says that its rows are final. A diverged seed is done."""
    return entry.get("status") in ("done", "diverged")


def is_cell_file(path: Path) -> bool:
    """Whether the file exists and has a name that a cell's CSV or JSON may have."""
    return is_cell_name(path.name) and _is_file(path)


def is_cell_name(name: str) -> bool:
    """Whether a cell's CSV or JSON may have this file name."""
    stem, dot, ending = name.rpartition(".")
    return bool(_NAME.fullmatch(stem)) and dot + ending in (".csv", ".json")


def cell_files(root: Path) -> list[Path]:
    """The JSONs of all cells in a results folder, by their file names, and those of their replicas. Hidden folders
    do not count."""
    found = [*root.glob("*/*/*/*--*.json")]
    found += [path for path in root.glob(f"*/*/*/{REPLICAS}/*/*--*.json") if is_key(path.parent.name)]
    return sorted(path for path in found if is_cell_file(path) and not path.relative_to(root).parts[0].startswith("."))


def _is_file(path: Path) -> bool:
    """Whether it is a file or a link. A broken link counts: it may be a result that was not fetched."""
    return path.is_symlink() or path.is_file()


def read_meta(path: Path, old_too: bool = False) -> dict[str, Any] | None:
    """A cell's JSON as a dict; None if there is no such file. Raises DamagedError, also for one of the old format."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise unreadable(path, error) from None
        return None
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        meta = strict_json.loads(data)
    except ValueError as error:
        raise diagnosed(path, data, f"it is not JSON: {error}", lambda _: False) from None
    known = (FORMAT, OLD_FORMAT)
    if isinstance(meta, dict) and isinstance(meta.get("format"), int) and meta["format"] > FORMAT:
        reason = f"a newer svgbench wrote it, in format {meta['format']}; this one reads format {FORMAT}"
        raise DamagedFileError(path, reason, mendable=True, common=True)
    if not isinstance(meta, dict) or meta.get("format") not in known or not isinstance(meta.get("seeds"), dict):
        raise DamagedFileError(path, f"it is not a cell's JSON of format {FORMAT}")
    lacking = [name for name, kind in _NEEDED.items() if not isinstance(meta.get(name), kind)]
    lacking += [name for name, kind in _OPTIONAL.items() if name in meta and not isinstance(meta[name], kind)]
    if not lacking and not all(isinstance(name, str) for name in meta["columns"]):
        lacking = ["columns"]
    if lacking:
        raise DamagedFileError(path, f"{'a wrong' if lacking[0] in meta else 'no'} {lacking[0]}")
    wrong = [seed for seed, entry in meta["seeds"].items() if not (seed.isdecimal() and _is_entry(entry))]
    if wrong:
        raise DamagedFileError(path, f"an entry that is not a seed's, {wrong[0][:40]!r}")
    if meta["format"] == OLD_FORMAT and not old_too:
        raise DamagedFileError(path, OLD, mendable=True)
    return meta


def dump_meta(meta: Mapping[str, Any]) -> bytes:
    """The text of a cell's JSON."""
    return (strict_json.dumps(meta, indent=1, ensure_ascii=False) + "\n").encode()


def _is_entry(entry: Any) -> bool:
    """Whether a seed's entry has every key that is read without a check."""
    if not isinstance(entry, dict) or not isinstance(entry.get("platform", {}), dict):
        return False
    earlier = entry.get(EARLIER, [])
    if not isinstance(earlier, list) or not all(isinstance(one, dict) for one in earlier):
        return False
    if is_finished(entry):
        return isinstance(entry.get("rows"), int) and isinstance(entry.get("sha256"), str)
    return entry.get("status") == "failed" and isinstance(entry.get("error"), str)


def is_copy(path: Path, meta: Mapping[str, Any]) -> bool:
    """Whether the JSON at `path` is a copy of another cell's JSON in the same folder; copies are not read.

    Raises DamagedError if it describes a cell of another name that does not exist, and as `check_place` does.
    """
    check_place(path, meta)
    name = cell_name(meta["task"], meta["variant"])
    if name != path.stem and not path.with_name(f"{name}.json").exists():
        raise DamagedFileError(path, f"it describes another cell, {name}: was it renamed?", mendable=True)
    return name != path.stem


def check_place(path: Path, meta: Mapping[str, Any]) -> None:
    """Raise DamagedError for a replica in the folder of another platform, or among the first measurements."""
    if path.parent.parent.name != REPLICAS:
        if meta.get("replica"):
            reason = f"it is a replica, made on {meta['replica']}, and no first measurement: was it copied?"
            raise DamagedFileError(path, reason, mendable=True, common=True)
        return
    finished = [entry for entry in meta["seeds"].values() if is_finished(entry)]
    made_on = {"several platforms" if is_mixed(entry) else key(entry.get("platform", {})) for entry in finished}
    if others := sorted(made_on - {path.parent.name}):
        place = f"{REPLICAS}/{path.parent.name}"
        reason = f"{place} has runs that were made on {', '.join(others)}: was the folder renamed?"
        raise DamagedFileError(path, reason, mendable=True, common=True)


def without_copies(paths: Sequence[Path]) -> list[Path]:
    """The JSONs of one folder without copies. A file is opened only if its name starts with another one's."""
    names = {path.stem for path in paths}
    return [path for path in paths if not (_begins_with_another(path.stem, names) and _says_copy(path))]


def _begins_with_another(name: str, names: Set[str]) -> bool:
    return any(name[:length] in names for length in range(1, len(name)))


def _says_copy(path: Path) -> bool:
    try:
        meta = read_meta(path)
        return meta is not None and is_copy(path, meta)
    except DamagedError:
        return False


def header_of(columns: Sequence[str]) -> bytes:
    """The first line of a cell's CSV."""
    return ",".join(("seed", "step", *columns)).encode() + b"\n"


def has_size(path: Path, meta: Mapping[str, Any]) -> bool:
    """Whether the CSV has the size that its JSON says."""
    try:
        return bool(path.stat().st_size == meta["bytes"])
    except OSError:
        return False


def read_rows(path: Path, meta: Mapping[str, Any]) -> bytes:
    """The header and the rows of the finished seeds that `meta` lists, each checked against its hash.

    Raises DamagedError if the file is gone, cut, edited or not of these columns.
    """
    rows = rows_by_seed(path, meta)
    return header_of(meta["columns"]) + b"".join(rows[seed] for seed in sorted(rows))


def rows_by_seed(path: Path, meta: Mapping[str, Any]) -> dict[int, bytes]:
    """The lines of each finished seed that has any, checked as `read_rows` does."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None
    rows, reason = _checked(data, meta)
    if reason:
        raise diagnosed(path, data, reason, lambda other: not _checked(other, meta)[1])
    return rows


def _checked(data: bytes, meta: Mapping[str, Any]) -> tuple[dict[int, bytes], str]:
    """The finished seeds' lines in a CSV, or the reason why they differ from what was written."""
    if not data.startswith(header_of(meta["columns"])) or not data.endswith(b"\n"):
        return {}, "its first or last line is not whole"
    try:
        rows = split_rows(data)
    except DamagedError as error:
        return {}, str(error)
    finished = {int(s): e for s, e in meta["seeds"].items() if is_finished(e)}
    for seed, entry in finished.items():
        text = rows.get(seed, b"")
        if text.count(b"\n") != entry["rows"] or hashlib.sha256(text).hexdigest() != entry["sha256"]:
            return {}, f"the rows of seed {seed} are not those that were written"
    return {seed: rows[seed] for seed in finished if seed in rows}, ""


def split_rows(data: bytes) -> dict[int, bytes]:
    """The lines of a CSV by seed, without the header."""
    rows: dict[int, list[bytes]] = {}
    place = data.find(b"\n") + 1 or len(data)
    while place < len(data):
        match = _SEED_LINES.match(data, place)
        if match is None:
            line = data[place:].splitlines(keepends=True)[0]
            raise DamagedError(f"a row that starts with no seed: {line[:40]!r}")
        rows.setdefault(int(match.group(1)), []).append(match.group())
        place = match.end()
    return {seed: b"".join(lines) for seed, lines in rows.items()}
