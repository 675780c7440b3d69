"""Archives of results, one per work, and the index that holds their hashes. `svgbench fetch` reads them.

An archive is a gzipped tar of a work's cells, `<work>/<artifact>/<budget>/<task>--<variant>.csv` and `.json`, of their
replicas on other platforms, `<work>/<artifact>/<budget>/replicas/<platform>/<task>--<variant>.csv` and `.json`, and of
their policies where they are small (`svgbench.lab.policies`). Names are sorted, and times and owners are 0, so equal
results give equal bytes with the same zlib.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from svgbench import strict_json
from svgbench.lab import policies
from svgbench.lab.files import write_atomic
from svgbench.lab.stored import StoredCell, replicas_in, stored_cells
from svgbench.words.errors import DamagedError, UsageError, unknown

INDEX = "index.json"
MOST_BYTES = 4 * 10**9
"""The largest archive, and the most that one may hold."""

LARGEST_POLICY = 2 * 10**6
"""A larger policy is left out: `svgbench policy` makes it again."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Size = Annotated[int, Field(ge=1, le=MOST_BYTES)]


class Archive(BaseModel):
    """An archive as the index describes it. `unpacked` is the size of its `files` files in bytes."""

    model_config = ConfigDict(strict=True, frozen=True)

    work: Name
    file: Name
    bytes: Size
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    files: Annotated[int, Field(ge=1, le=10**6)]
    unpacked: Size


class Index(BaseModel):
    """The contents of `index.json`."""

    model_config = ConfigDict(strict=True, frozen=True)

    format: Literal[1]
    svgbench: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+-]{1,40}$")]
    archives: Annotated[list[Archive], Field(min_length=1)]

    def of(self, works: Sequence[str]) -> list[Archive]:
        """The archives of these works; all if none is named. Raises UsageError for one that the index lacks."""
        there = {archive.work: archive for archive in self.archives}
        for work in works:
            if work not in there:
                raise unknown("work", work, there)
        return [there[work] for work in dict.fromkeys(works or there)]


def read_index(data: bytes, where: str) -> Index:
    """Parse an index. Raises DamagedError naming `where` it was read, and what is wrong."""
    try:
        return Index.model_validate(strict_json.loads(data))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise DamagedError(f"{where} is no index of `svgbench bundle`: {place}: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{where} is no index of `svgbench bundle`: {error}") from None


def bundle(root: Path, works: Sequence[str], output: Path, version: str) -> Index:
    """Write an archive of each work in the results folder `root` (all if none is named), and the index, into `output`.

    version: svgbench's, which the index names.
    Only finished seeds count, each checked against its hash. Raises DamagedError for a damaged file, and UsageError for
    a work without results.
    """
    cells: dict[str, list[StoredCell]] = {}
    for cell in (cell for replica in ("", *replicas_in(root)) for cell in stored_cells(root, replica=replica).values()):
        if cell.seeds:
            cells.setdefault(cell.experiment.partition("/")[0], []).append(cell)
    for work in works:
        if work not in cells:
            raise unknown("work with results", work, cells)
    if not cells:
        raise UsageError(f"no results in '{root}'")
    archives = [_written(work, root, cells[work], output) for work in dict.fromkeys(works or sorted(cells))]
    index = Index(format=1, svgbench=version, archives=archives)
    write_atomic(output / INDEX, (strict_json.dumps(index.model_dump(), indent=1) + "\n").encode())
    return index


def _written(work: str, root: Path, cells: Sequence[StoredCell], output: Path) -> Archive:
    sizes: list[int] = []

    def write(file: BinaryIO) -> None:
        with (
            gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
        ):
            for path, data in _members(root, cells):
                member = tarfile.TarInfo(path)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
                sizes.append(len(data))

    path = output / f"svgbench-results-{work}.tar.gz"
    try:
        write_atomic(path, write)
    except ValueError as error:  # a name of more than 100 characters
        raise UsageError(f"{work}: {error}") from None
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Archive(
        work=work,
        file=path.name,
        bytes=path.stat().st_size,
        sha256=digest,
        files=len(sizes),
        unpacked=sum(sizes),
    )


def _members(root: Path, cells: Sequence[StoredCell]) -> Iterator[tuple[str, bytes]]:
    """The files of the cells, sorted by name: a CSV with the finished seeds' rows, a JSON as it is, small policies."""
    found: dict[str, Callable[[], bytes]] = {}
    for cell in cells:
        name = cell.path.relative_to(root).with_suffix("")
        found |= {f"{name}.csv": cell.rows, f"{name}.json": cell.path.read_bytes}
        for path in sorted((root / policies.FOLDER / name).glob("seed-*.npz")):
            if path.stat().st_size <= LARGEST_POLICY and _belongs(path, cell):
                found[path.relative_to(root).as_posix()] = path.read_bytes
    for member in sorted(found):
        yield member, found[member]()


def _belongs(path: Path, cell: StoredCell) -> bool:
    """Whether the policy is that of a finished seed of the cell, with the same rows. Raises DamagedError."""
    stored = policies.read(path)
    if stored is None or stored.about["seed"] not in cell.seeds:
        return False
    seed = stored.about["seed"]
    return path.name == policies.file_name(seed) and stored.about["rows_sha256"] == cell.entry(seed)["sha256"]
