"""The lines of a foreign file: its bytes are read once, hashed, unpacked and decoded.

Nothing here knows what a line means. Anything that is not text in lines is a UsageError of one line that names the
file.
"""

from __future__ import annotations

import bz2
import contextlib
import difflib
import gzip
import hashlib
import io
import lzma
import os
import re
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from svgbench.analysis.read.naming import shown
from svgbench.words.errors import UsageError

MOST_BYTES = 1 << 30  # packed, and of text; a larger file is not a table of results, or never ends
BLOCK = 1 << 18  # characters that are checked at one time, and the most that a line may have
WRITER_SECONDS = 5.0  # how long a named pipe may stay without a writer
HEAD = 1 << 16  # bytes that are checked before anything is decoded
STDIN = "-"

_UNDECODED = re.compile("[\udc80-\udcff]")  # the result of `surrogateescape` for bytes that are not UTF-8
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_DAMAGE = (EOFError, OSError, ValueError, RuntimeError, struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""Errors of the system and of the archive modules; `zipfile` raises ValueError for torn offsets."""


@dataclass(frozen=True)
class _Packing:
    """A kind of archive: suffixes, first bytes, and its unpacker (None: not supported)."""

    name: str
    suffix: str
    begins: re.Pattern[bytes]
    unpack: Callable[[Any, str], Any] | None


_PACKINGS = (
    _Packing("gzip", ".gz", re.compile(rb"\x1f\x8b"), lambda stream, _: gzip.GzipFile(fileobj=stream)),
    _Packing("bzip2", ".bz2", re.compile(rb"BZh[1-9]1AY&SY"), lambda stream, _: bz2.BZ2File(stream)),
    _Packing("xz", ".xz", re.compile(rb"\xfd7zXZ\x00"), lambda s, _: lzma.open(s)),  # noqa: SIM115 (open_source closes)
    _Packing("zip", ".zip", re.compile(rb"PK(\x03\x04|\x05\x06)"), lambda stream, name: _member(stream, name)),
    _Packing("Zstandard", ".zst", re.compile(rb"\x28\xb5\x2f\xfd"), None),
    _Packing("7-Zip", ".7z", re.compile(rb"7z\xbc\xaf\x27\x1c"), None),
)
_WIDE_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


class TextFile:
    """An open file: iterate over `lines()` to its end, then ask for `sha256`, the hash of the bytes that were read."""

    def __init__(self, name: str, kept_name: str, stream: _Hashed, text: IO[bytes]) -> None:
        self.name = name  # in messages
        self.kept_name = kept_name  # in the results
        self.ends_with_newline = True  # whether the last line read does
        self._stream, self._text = stream, text
        self._lines = self._read_lines()

    @property
    def sha256(self) -> str:
        """The hash of everything that was read, as stored in the file; for a packed file, of the archive."""
        return self._stream.digest.hexdigest()

    def lines(self) -> Iterator[str]:
        """The lines not read yet, with their ends (\\n, \\r\\n or \\r). UsageError for the first that is not text."""
        return self._lines

    def _read_lines(self) -> Iterator[str]:
        try:
            for block in self._blocks():
                yield from io.StringIO(block, newline="")
            while self._stream.read(BLOCK):  # data after an archive's end
                pass
        except _DAMAGE as error:
            raise _unreadable(self.name, error) from None

    def _blocks(self) -> Iterator[str]:
        """The text in pieces of whole lines."""
        text = io.TextIOWrapper(self._text, encoding="utf-8-sig", errors="surrogateescape", newline="")
        tail, total, lines = "", 0, 0
        while piece := text.read(BLOCK):
            total += len(piece)
            if total > MOST_BYTES:
                raise UsageError(f"{self.name} holds more than {MOST_BYTES} characters; import fewer rows")
            block = tail + piece
            end = block.rfind("\n") + 1 or block.rfind("\r", 0, -1) + 1  # a last \r may be half of \r\n
            if not end and len(block) > BLOCK:
                raise UsageError(f"{self.name}: line {lines + 1} is longer than {BLOCK} characters; is it a CSV?")
            tail = block[end:]
            yield self._checked(block[:end], lines)
            lines += line_ends(block[:end])
        if tail:
            self.ends_with_newline = tail[-1] in "\r\n"
            yield self._checked(tail, lines)
        text.detach()  # must be collected without closing its source

    def _checked(self, block: str, lines: int) -> str:
        """The block, if all of it is text; `lines` stand before it."""
        if (at := block.find("\0")) >= 0:
            number = lines + line_ends(block[:at]) + 1
            raise UsageError(f"{self.name}: line {number} has NUL bytes; the file is damaged there")
        if not block.isascii() and (bad := _UNDECODED.search(block)):
            number = lines + line_ends(block[: bad.start()]) + 1
            byte = f"0x{ord(bad.group()) - 0xDC00:02x}"
            raise UsageError(f"{self.name}: line {number} is not UTF-8 (byte {byte}); save the file as UTF-8")
        return block


def line_ends(text: str) -> int:
    """How many lines end in a text: by \\n, \\r\\n or \\r."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


class _Hashed(io.RawIOBase):
    """`start` and the rest of a raw stream, hashed as it is read; the first bytes, `head`, are available before."""

    def __init__(self, raw: io.RawIOBase, start: bytes) -> None:
        self._raw, self.digest, self.head = raw, hashlib.sha256(), start
        while len(self.head) < HEAD and (more := raw.read(HEAD - len(self.head))):
            self.head += more
        self._rest = self.head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._rest[: len(buffer)] or self._raw.read(len(buffer)) or b""
        self._rest = self._rest[len(data) :]
        self.digest.update(data)
        buffer[: len(data)] = data
        return len(data)


@contextlib.contextmanager
def open_source(file: Path) -> Iterator[TextFile]:
    """Open a file, a pipe, or standard input ("-"), packed or not. Raises UsageError if it is not text."""
    name = "standard input" if str(file) == STDIN else str(file)
    try:
        raw, start = _open(file, name)
    except OSError as error:
        raise _unreadable(name, error) from None
    with raw:
        try:
            stream = _Hashed(raw, start)
            text = _unpacked(name, stream)
            _check_text(name, text.peek(HEAD)[:HEAD])
        except _DAMAGE as error:
            raise _unreadable(name, error) from None
        regular = stat.S_ISREG(os.fstat(raw.fileno()).st_mode)
        kept = "standard input" if str(file) == STDIN else file.name if regular else "a pipe"
        yield TextFile(name, storable(kept), stream, text)


def storable(name: str) -> str:
    """A name that a file of UTF-8 text can hold and a terminal can show: other characters become question marks."""
    return shown(name.encode("utf-8", "replace").decode())


def _open(file: Path, name: str) -> tuple[io.FileIO, bytes]:
    """The raw file, and the bytes that were already read from it."""
    if str(file) == STDIN:
        return io.FileIO(0, closefd=False), b""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a named pipe must not block here
    except FileNotFoundError:
        raise UsageError(
            f"no file '{file}'{_nearest(file)}; expected a CSV, or a file or folder of another --format"
        ) from None
    try:
        about = os.fstat(handle)
        if stat.S_ISDIR(about.st_mode):
            raise UsageError(f"{name} is a folder; expected a CSV")
        if stat.S_ISREG(about.st_mode) and about.st_size > MOST_BYTES:
            raise UsageError(f"{name} has {about.st_size} bytes; expected a CSV of at most {MOST_BYTES}")
        start = b""
        if stat.S_ISFIFO(about.st_mode) and os.path.exists(os.path.realpath(file)):  # <(...) has no name of its own
            start = _await_writer(handle, name)
        os.set_blocking(handle, True)
        return io.FileIO(handle), start
    except BaseException:
        os.close(handle)
        raise


def _await_writer(handle: int, name: str) -> bytes:
    """Wait until somebody has opened the pipe to write, however long they take then; what was read meanwhile."""
    deadline = time.monotonic() + WRITER_SECONDS
    while time.monotonic() < deadline:
        try:
            if start := os.read(handle, 1):  # nothing: there is no writer
                return start
        except BlockingIOError:  # there is a writer, who has not written yet
            return b""
        time.sleep(0.01)
    raise UsageError(f"{name} is a pipe that nobody wrote to within {WRITER_SECONDS:g} s; expected a CSV")


def _nearest(file: Path) -> str:
    try:
        near = difflib.get_close_matches(file.name, os.listdir(file.parent), n=1)
    except OSError:
        return ""
    return f"; did you mean '{file.parent / near[0]}'?" if near else ""


def _unpacked(name: str, stream: _Hashed) -> io.BufferedReader:
    found = next((p for p in _PACKINGS if p.begins.match(stream.head)), None)
    named = next((p for p in _PACKINGS if name.lower().endswith(p.suffix)), None)
    if stream.head and named is not None and named is not found:
        raise UsageError(
            f"{name} is named {named.suffix} but is not a {named.name} archive; if it is a CSV, name it .csv"
        )
    if found is None:
        return io.BufferedReader(stream, HEAD)
    if found.unpack is None:
        raise UsageError(f"{name} is a {found.name} archive; unpack it first, expected a CSV")
    return io.BufferedReader(found.unpack(io.BufferedReader(stream, HEAD), name), HEAD)


def _member(stream: io.BufferedReader, name: str) -> IO[bytes]:
    """The one file in a zip archive."""
    archive = zipfile.ZipFile(io.BytesIO(stream.read(MOST_BYTES)))
    files = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
    if any(m.filename == "[Content_Types].xml" for m in files):
        raise UsageError(f"{name} is an office document; save the sheet as CSV")
    if len(files) != 1:
        raise UsageError(f"{name} is a zip archive of {len(files)} files; expected one CSV, unpack it first")
    return archive.open(files[0])


def _check_text(name: str, head: bytes) -> None:
    """Refuse an empty file, another encoding and anything that is not text, by the first bytes."""
    if not head:
        raise UsageError(f"{name} is empty; expected a CSV with a header and rows")
    if wide := _wide_encoding(head):
        raise UsageError(f"{name} is {wide} text; save it as UTF-8 (iconv -f {wide} -t UTF-8 OLD > NEW)")
    first = re.split(rb"[\r\n]", head, maxsplit=1)[0]
    if b"\0" in first or (not _is_utf8(head) and _CONTROL.search(head)):
        raise UsageError(f"{name} is a binary file, not text; expected a CSV")


def _wide_encoding(head: bytes) -> str:
    """UTF-16 or UTF-32, by its byte-order mark or by the zeros between ASCII letters; "" for anything else."""
    for mark, kind in _WIDE_MARKS.items():
        if head.startswith(mark):
            return kind
    for kind, unit in (("UTF-16", 2), ("UTF-32", 4)):
        start = head[: 8 * unit]
        for place in (0, unit - 1):  # of the letter among its zeros: little endian, big endian
            letters = start[place::unit]
            if len(letters) == 8 and all(letters) and start.count(0) == len(start) - len(letters):
                return kind
    return ""


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4  # a character that the head cuts
    return True


def _unreadable(name: str, error: BaseException) -> UsageError:
    """The message of the system or of an archive module, as one line."""
    if isinstance(error, OSError) and error.errno is not None:
        return UsageError(f"{name} cannot be read: {error.strerror}")
    return UsageError(f"{name} is a torn or damaged archive: {error}")
