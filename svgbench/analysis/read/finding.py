"""The files that an import reads: folders are searched, and the format is found by what the files hold."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from svgbench.analysis.read import formats
from svgbench.analysis.read.foreign import Format
from svgbench.analysis.read.import_source import STDIN, open_source
from svgbench.words.errors import UsageError

MOST_FILES = 100_000
CSV = "csv"


@dataclass(frozen=True)
class Found:
    """The files of one format, and the other files of the folders that were searched."""

    name: str
    format: Format
    files: tuple[Path, ...]
    unread: tuple[Path, ...]


def find(paths: Sequence[Path], name: str) -> Found:
    """The files under `paths` of the format of that name; with "auto", of the one that their contents show.

    A path that is a file is always read. Of a folder, the files of the format are read. Raises UsageError if there are
    none, or with "auto" if several formats fit.
    """
    folders = {path for path in paths if os.path.isdir(path)}
    named = tuple(path for path in paths if path not in folders)
    searched = [_files(path) for path in paths if path in folders]
    inside = tuple(file for files, _ in searched for file in files)
    links = tuple(link for _, left in searched for link in left)
    where = ", ".join(map(str, paths[:3])) + (", ..." if len(paths) > 3 else "")
    found = _detected(named, inside, where) if name == formats.AUTO else (name, formats.format_of(name))
    any_csv = name == CSV  # its columns may be called differently
    own = tuple(file for file in inside if found[1].detect(file) or (any_csv and file.suffix == ".csv"))
    if not own and not named:
        raise UsageError(f"{where} holds no file of the format {found[0]}; expected {found[1].expected}")
    claimed = set(own)
    files = tuple(dict.fromkeys((*named, *own)))
    return Found(*found, files, (*(file for file in inside if file not in claimed), *links))


def _detected(named: Sequence[Path], inside: Sequence[Path], where: str) -> tuple[str, Format]:
    """The format that the files have."""
    regular = [file for file in named if _is_regular(file)]
    known = {name: formats.format_of(name) for name in formats.names()}
    claims = {name: {f for f in (*regular, *inside) if format_.detect(f)} for name, format_ in known.items()}
    claims = {name: files for name, files in claims.items() if files}
    for name in list(claims):
        coarse = known[name].refines
        if coarse in claims and claims[coarse] <= claims[name]:
            del claims[coarse]
    if len(claims) > 1:
        said = ", ".join(f"{name} ({_count(len(files))}, such as {min(files)})" for name, files in claims.items())
        raise UsageError(f"{where} holds several formats: {said}; name one with --format")
    for name, files in claims.items():
        other = next((file for file in named if file not in files), None)
        if other is not None:
            raise UsageError(
                f"{other} is not of the format {name}, which {min(files)} has; import one format at a time"
            )
        return name, known[name]
    if not named:
        _refuse_folder(where, inside, known)
    return CSV, known[CSV]  # its reader says best what is wrong with a file


def _refuse_folder(where: str, inside: Sequence[Path], known: dict[str, Format]) -> None:
    if not inside:
        raise UsageError(f"{where} is an empty folder; expected one with results in it")
    expected = "; ".join(f"{name}: {format_.expected}" for name, format_ in known.items())
    hint = "; all its .csv files are read with --format csv" if any(file.suffix == ".csv" for file in inside) else ""
    raise UsageError(f"{where} is a folder of {_count(len(inside))} in no known format{hint}; expected {expected}")


def _count(files: int) -> str:
    return f"{files} file{'s' * (files != 1)}"


def _is_regular(file: Path) -> bool:
    try:
        return str(file) != STDIN and stat.S_ISREG(file.stat().st_mode)
    except OSError:
        return False


def _files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files under a folder, by name, numbers in names by their value; hidden ones left out. And links that lead
    nowhere, or to a folder that is searched anyway.
    """
    found: list[Path] = []
    left: list[Path] = []
    seen = {os.path.realpath(folder)}
    for place, inner, names in os.walk(folder, onerror=_unreadable, followlinks=True):
        inner[:] = sorted((name for name in inner if not name.startswith(".")), key=natural)
        for link in [path for name in inner if (path := Path(place, name)).is_symlink()]:
            real = os.path.realpath(link)
            if _overlap(real, seen):
                inner.remove(link.name)
                left.append(link)
            seen.add(real)
        paths = [Path(place, name) for name in sorted(names, key=natural) if not name.startswith(".")]
        found += filter(_is_regular, paths)
        left += [path for path in paths if path.is_symlink() and not path.exists()]
        if len(found) > MOST_FILES:
            raise UsageError(f"{folder} holds more than {MOST_FILES} files; name the folders of the runs")
    for path in found:
        if not os.access(path, os.R_OK):
            raise UsageError(f"{path} cannot be read: Permission denied")
    return found, left


def _overlap(real: str, seen: set[str]) -> bool:
    """Whether a folder is one of these, lies in one of them, or holds one."""
    return not seen.isdisjoint((real, *map(str, Path(real).parents))) or any(
        other.startswith(real.rstrip(os.sep) + os.sep) for other in seen
    )


def _unreadable(error: OSError) -> None:
    raise UsageError(f"{error.filename} cannot be read: {error.strerror}")


def natural(name: str) -> list[tuple[int, str]]:
    """A key by which "run_2" comes before "run_10"."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def check_readable(file: Path) -> None:
    """Raise the UsageError of a file that is not there or cannot be opened."""
    if not _is_regular(file):
        with open_source(file):
            pass
