"""Atomic file writes, and locks that end with the process that holds them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from svgbench.words.errors import BusyError, UsageError


def write_atomic(
    path: Path, data: bytes | Callable[[BinaryIO], object], durable: bool = True, alone: bool = False
) -> None:
    """Write `data` to `path` atomically: a reader sees the old file or the new one, never a part.

    data: the bytes, or a function that writes them to an open file, for content too large to hold in memory.
    The bytes go to a temporary file in the same folder, which is fsynced and renamed; then the folder is fsynced.
    `durable=False` skips both fsyncs, for files that may be lost in a power cut (progress).
    `alone`: a lock keeps others from writing the file. Then the temporary always has the same name, so that what a
    killed write left is written over. Otherwise only `remove_temporaries` finds it, which lists the whole folder.
    Raises OSError with `path` as its file name.
    """
    temporary = None
    try:
        try:
            handle, temporary = _temporary(path, alone)
        except FileNotFoundError:  # rarely: each look at the folder would ask a network disk
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = _temporary(path, alone)
        with os.fdopen(handle, "wb") as file:
            if callable(data):
                data(file)
            else:
                file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        if durable:
            _sync_folder(path.parent)
    except BaseException as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _temporary(path: Path, alone: bool) -> tuple[int, str]:
    """A new file beside `path`: its handle, open for writing, and its name."""
    if not alone:
        return tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    name = str(path.with_name(f".{path.name}.tmp"))
    return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), name


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


ABSENT = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""How a file system says that it has no locks: NFS without a lock daemon, Lustre mounted without `flock`, some FUSE."""


class NoLocksError(UsageError):
    """The file system has no locks."""


@contextlib.contextmanager
def locked(path: Path, wait: float = float("inf")) -> Iterator[None]:
    """Hold the operating system's lock on `path` (created if needed). The lock ends with the process.

    Raises BusyError if another process still holds it after `wait` seconds, and NoLocksError where there are none.
    """
    handle = _open_lock(path)
    try:
        _take(handle, path, wait)
        yield
    finally:
        os.close(handle)


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _take(handle: int, path: Path, wait: float) -> None:
    deadline = time.monotonic() + wait
    while not _flock(handle, path, fcntl.LOCK_EX):
        if time.monotonic() >= deadline:
            raise BusyError(f"{path} is held by another process")
        time.sleep(0.02)


def _flock(handle: int, path: Path, how: int) -> bool:
    """Whether the lock was taken. Raises NoLocksError, or OSError with the path for any other reason."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in ABSENT:
            raise NoLocksError(f"{path.parent}: no locks on this file system ({error.strerror})") from None
        raise OSError(error.errno, error.strerror, str(path)) from None
    return True


class Held:
    """A lock that was taken without waiting. It ends with `release`, or with the process. Without a handle: no lock."""

    def __init__(self, handle: int | None) -> None:
        self.handle = handle

    def release(self) -> None:
        if self.handle is not None:
            os.close(self.handle)


def take(path: Path, holder: str) -> Held | None:
    """Take the lock on `path` (created if needed) and write the holder's name into it. None: another process has it.

    Raises NoLocksError where there are no locks.
    """
    handle = _open_lock(path)
    taken = False
    try:
        if taken := _flock(handle, path, fcntl.LOCK_EX):
            os.ftruncate(handle, os.pwrite(handle, holder.encode(), 0))
    finally:
        if not taken:
            os.close(handle)
    return Held(handle) if taken else None


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock on `path`. The file may be read-only for us. False without locks."""
    try:
        handle = os.open(path, os.O_RDWR if os.access(path, os.W_OK) else os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _flock(handle, path, fcntl.LOCK_SH)  # shared: two processes that ask do not see each other
    except NoLocksError:
        return False
    finally:
        os.close(handle)


def check_writable(folder: Path) -> None:
    """Raise OSError, naming the path that refuses, unless a file can be created in the folder. It need not exist yet.

    Creates no folder and leaves no file.
    """
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(there)) from None


FileMark = tuple[int, int, int] | None


def file_mark(path: Path) -> FileMark:
    """What changes when `write_atomic` replaces the file: its number, size and time. None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def remove_temporaries(path: Path) -> None:
    """Remove temporary files of a killed `write_atomic` of `path`. The caller must hold the lock that guards `path`."""
    for stray in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(OSError):
            stray.unlink()
