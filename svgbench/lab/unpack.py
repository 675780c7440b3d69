"""Unpacking an archive of results that somebody else wrote.

A tar may hold links, devices, names with `..` and headers that expand without limit. Here it may hold one kind of
entry: a plain file with the name of a cell's file or of a policy, at its depth. Everything else is refused, so the
filters of `tarfile` would have nothing left to do. Headers are read one block at a time, and no size is believed.
"""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from svgbench.lab.bundle import Archive
from svgbench.lab.cells import REPLICAS
from svgbench.lab.pair import is_cell_name
from svgbench.lab.platforms import is_key
from svgbench.lab.policies import FOLDER
from svgbench.words.errors import DamagedError
from svgbench.words.experiment import BUDGETS

BLOCK = tarfile.BLOCKSIZE
CHUNK = 2**20
_ARTIFACT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_POLICY = re.compile(r"seed-[0-9]{4,10}\.npz")


def unpack(path: Path, archive: Archive, folder: Path) -> None:
    """Write the archive's files under `folder`, which must not hold any of them, read-only.

    Raises DamagedError for an entry that is no cell's file, and for more or less than the index says.
    """
    total = count = 0
    try:
        with gzip.open(path) as stream:
            for name, size in _entries(stream, archive.work):
                total, count = total + size, count + 1
                if total > archive.unpacked or count > archive.files:
                    raise DamagedError("it holds more than the index says")
                _copy(stream, size, folder / name)
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.HeaderError) as error:
        raise DamagedError(f"{archive.file} cannot be unpacked: {error}") from None
    except DamagedError as error:
        raise DamagedError(f"{archive.file} is refused: {error}") from None
    if (total, count) != (archive.unpacked, archive.files):
        raise DamagedError(f"{archive.file} is refused: it holds less than the index says")


def _entries(stream: gzip.GzipFile, work: str) -> Iterator[tuple[str, int]]:
    """The name and size of each file. The caller reads its contents, whole blocks, before it asks for the next."""
    while True:
        block = _exactly(stream, BLOCK)
        if not any(block):
            return
        entry = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise DamagedError(f"{entry.name[:100]!r} is not a plain file")
        if not _is_ours(entry.name, work) or entry.size < 0:
            raise DamagedError(f"{entry.name[:100]!r} is not a file of {work}'s results")
        yield entry.name, entry.size


def _is_ours(name: str, work: str) -> bool:
    parts = name.split("/")
    if parts[0] == FOLDER and len(parts) in (6, 8) and _POLICY.fullmatch(parts[-1]):
        parts = [*parts[1:-2], f"{parts[-2]}.csv"]
    if len(parts) == 6 and parts[3] == REPLICAS and is_key(parts[4]):
        del parts[3:5]
    return (
        len(parts) == 4
        and parts[0] == work
        and bool(_ARTIFACT.fullmatch(parts[1]))
        and parts[2] in BUDGETS
        and is_cell_name(parts[3])
    )


def _copy(stream: gzip.GzipFile, size: int, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = path.open("xb")
    except FileExistsError:
        raise DamagedError(f"{path.name!r} is there twice") from None
    with file:
        left = size
        while left:
            part = _exactly(stream, min(left, CHUNK))
            file.write(part)
            left -= len(part)
    _exactly(stream, -size % BLOCK)
    path.chmod(0o444)


def _exactly(stream: gzip.GzipFile, size: int) -> bytes:
    data = stream.read(size) if size else b""
    if len(data) != size:
        raise EOFError("it is cut")
    return data
