"""Fetching archives of results from a folder or a web address into the folder of reference results."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import re
import shutil
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from svgbench import strict_json
from svgbench.lab.bundle import INDEX, Archive, Index, read_index
from svgbench.lab.files import locked, write_atomic
from svgbench.lab.reference import FETCHED, VARIABLE, fetched, is_plain
from svgbench.lab.unpack import unpack
from svgbench.words.errors import DamagedError, UsageError

SECONDS = 60.0  # without a byte from a server
CHUNK = 2**20
LARGEST_INDEX = 10**6
ENDING = ".tar.gz"
_PARTIAL = ".part-"


@dataclass(frozen=True)
class Fetched:
    """What became of one work: `new` is False if the same archive had been fetched before."""

    archive: Archive
    folder: Path
    new: bool


def fetch(source: str, works: Sequence[str], root: Path, tell: Callable[[str], None] = lambda _: None) -> list[Fetched]:
    """Fetch the archives of `works` (all if none is named) from `source`, verify them, and unpack them under `root`.

    source: a folder with an index, an index, or an archive beside its index; a path or an http(s) address.
    Each archive is unpacked into a folder of its own, which appears as a whole. The list of fetched works
    then names it.
    Raises UsageError for a source that is none of these, DamagedError for contents that differ from the index, OSError
    with the address for what cannot be read.
    """
    if is_plain(root):
        raise UsageError(f"{VARIABLE}={root}: it holds results of its own; expected a folder that only `fetch` fills")
    with _opened(source) as (read, name):
        index = read_index(_read_all(read, name if not name.endswith(ENDING) else INDEX), source)
        chosen = index.of(works)
        if name.endswith(ENDING):
            chosen = [archive for archive in index.archives if archive.file == name]
            if not chosen:
                raise UsageError(f"{source}: the index beside it does not name it")
            index.model_copy(update={"archives": chosen}).of(works)
        with locked(root / ".lock"):
            return [_got(read, archive, index, root, tell) for archive in chosen]


Reader = Callable[[str], contextlib.AbstractContextManager[IO[bytes]]]
"""Opens a file of the source by its name."""


@contextlib.contextmanager
def _opened(source: str) -> Iterator[tuple[Reader, str]]:
    """A reader of the files beside the index, and the name that the source gives: an index or an archive."""
    if re.match(r"https?://[^/]", source, re.IGNORECASE):
        try:
            name = urllib.parse.urlsplit(source).path.rpartition("/")[2]
        except ValueError as error:
            raise UsageError(f"{source}: not a web address: {error}") from None
        if not name.endswith((".json", ENDING)):
            source, name = f"{source.rstrip('/')}/{INDEX}", INDEX
        yield (lambda file: _downloaded(source if file == name else urllib.parse.urljoin(source, file))), name
        return
    if "://" in source:
        raise UsageError(f"{source}: expected a file, a folder, or an address that starts with http:// or https://")
    path = Path(source)
    if path.is_dir():
        path = path / INDEX
        if not path.is_file():
            raise UsageError(f"{source}: it has no {INDEX}; expected a folder that `svgbench bundle --output` wrote")
    elif not path.is_file():
        raise UsageError(f"no file or folder '{source}'")
    elif not path.name.endswith((".json", ENDING)):
        raise UsageError(f"{source}: expected an {INDEX}, a *{ENDING} beside one, or their folder")
    yield (lambda file: (path.parent / file).open("rb")), path.name


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections, except from https to http."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if req.type == "https" and not newurl.lower().startswith("https:"):
            raise urllib.error.URLError(f"it redirects to {newurl}, which is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """An opener of http and https only. urllib's own also opens files and ftp, to which a server might redirect."""
    opener = urllib.request.OpenerDirector()
    request = urllib.request
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
        request.UnknownHandler(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


@contextlib.contextmanager
def _downloaded(address: str) -> Iterator[IO[bytes]]:
    try:
        with _opener().open(address, timeout=SECONDS) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        raise OSError(0, f"{error.code} {error.reason}", address) from None
    except urllib.error.URLError as error:
        raise OSError(0, str(error.reason), address) from None
    except (UnicodeError, http.client.InvalidURL) as error:
        raise UsageError(f"{address}: not a web address: {error}") from None
    except http.client.HTTPException as error:
        raise OSError(0, f"the answer is cut or no HTTP: {error!r}", address) from None
    except (TimeoutError, ConnectionError) as error:
        raise OSError(error.errno or 0, error.strerror or "no answer", address) from None


def _read_all(read: Reader, name: str) -> bytes:
    into = io.BytesIO()
    with read(name) as file:
        _copied(file, into, LARGEST_INDEX, name)
    return into.getvalue()


def _got(read: Reader, archive: Archive, index: Index, root: Path, tell: Callable[[str], None]) -> Fetched:
    """Fetch one archive, unless its folder is there and whole. The caller holds the lock of `root`."""
    folder = root / archive.sha256
    new = not _is_whole(folder, archive)
    if new:
        for left in root.glob(f"{_PARTIAL}*"):  # of a killed `fetch`
            shutil.rmtree(left)
        tell(f"{archive.work}: {archive.file}, {archive.bytes} bytes")
        with tempfile.TemporaryDirectory(prefix=_PARTIAL, dir=root) as place:
            packed, unpacked = Path(place) / "archive", Path(place) / "results"
            _copy_verified(read, archive, packed)
            unpack(packed, archive, unpacked)
            if folder.exists():
                shutil.rmtree(folder)
            unpacked.rename(folder)
    _enlist(root, archive, index)
    return Fetched(archive, folder, new)


def _copy_verified(read: Reader, archive: Archive, path: Path) -> None:
    with read(archive.file) as source, path.open("w+b") as file:
        size = _copied(source, file, archive.bytes, archive.file)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if size != archive.bytes:
        raise DamagedError(f"{archive.file} is cut: {size} bytes, and the index says {archive.bytes}")
    if digest != archive.sha256:
        raise DamagedError(f"{archive.file} is not what the index says: its sha256 is {digest}, not {archive.sha256}")


def _copied(source: IO[bytes], file: BinaryIO | io.BytesIO, most: int, name: str) -> int:
    """Copy up to `most` bytes; the number. Raises DamagedError for more."""
    size = 0
    while part := source.read(CHUNK):
        size += len(part)
        if size > most:
            raise DamagedError(f"{name} is larger than {most} bytes")
        file.write(part)
    return size


def _is_whole(folder: Path, archive: Archive) -> bool:
    """Whether the folder has as many files and bytes as were unpacked into it: a power cut may have lost some."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return (len(sizes), sum(sizes)) == (archive.files, archive.unpacked)


def _enlist(root: Path, archive: Archive, index: Index) -> None:
    """Name the archive in the list of fetched works, and remove the folder of an earlier one."""
    known = fetched(root)
    entry = {"sha256": archive.sha256, "svgbench": index.svgbench}
    before = known.get(archive.work)
    if before == entry:
        return
    text = strict_json.dumps(dict(sorted({**known, archive.work: entry}.items())), indent=1)
    write_atomic(root / FETCHED, (text + "\n").encode())
    if before and before["sha256"] != archive.sha256:
        shutil.rmtree(root / before["sha256"], ignore_errors=True)
