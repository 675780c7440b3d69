"""Whether processes can share a results folder: one holds a lock and another asks, then the first one is killed.

`python -m svgbench.lab.sharing FOLDER` is the first one. For each line on standard input it prints what the file `note`
in the folder contains. With a number of seconds after the folder it only holds the lock for so long.

`shared` tests two processes of this machine, `between` this machine and the workers of an engine, in a ring.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from svgbench.lab.files import NoLocksError, is_locked, locked, take, write_atomic

PATIENCE = 20.0  # seconds until a dead process's lock must be free
HOW = "NFS: not nolock or local_lock=flock; Lustre: -o flock; or name another folder with --results"
Found = tuple[str, bool, str]
"""What was tested, whether it holds, and a detail."""


def shared(root: Path) -> list[Found]:
    """Test the folder, or the nearest existing one above it. Leaves nothing there."""
    there = next(path for path in (root, *root.parents) if path.is_dir())
    try:
        with tempfile.TemporaryDirectory(prefix=".svgbench-doctor-", dir=there) as folder:
            return [("file system", True, file_system(there)), *_tested(Path(folder))]
    except OSError as error:
        return [("shared folder", False, f"{there}: {error.strerror or error}")]


def _tested(folder: Path) -> Iterator[Found]:
    lock = folder / "lock"
    try:
        with locked(lock):
            pass
    except NoLocksError as error:
        yield "locks exclude", False, f"{error}: it takes one run at a time. {HOW}"
        return
    command = [sys.executable, "-m", "svgbench.lab.sharing", str(folder)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        held = _say(other) == "held"
        if not held:
            yield "locks exclude", False, "the other process ended at once"
            return
        refused = is_locked(lock) and take(lock, "") is None
        yield "locks exclude", refused, "a second process is refused" if refused else f"two processes hold one. {HOW}"
        seen = []
        for text in ("first", "second"):
            write_atomic(folder / "note", text.encode())
            seen.append(_say(other, "\n") == text)
        yield "replaced files are seen", all(seen), "by another process, at once" if all(seen) else "an old one is read"
        other.kill()
        other.wait()
        free = _freed(lock)
        yield "a dead process's lock is free", free, "" if free else f"not after {PATIENCE:.0f} s"
    finally:
        other.kill()
        other.communicate()


class Reaches(Protocol):
    """An engine that can call a function on its workers."""

    def examine(self, root: Path, folder: Path, lock: Path | None) -> list[str]:
        """A line for each worker that has other versions than this machine or does not see the folder of `root`."""
        ...

    def places(self) -> list[tuple[str, str]]:
        """Workers to test against each other, with their hosts: several hosts if there are any."""
        ...

    def call(self, address: str, function: Callable[..., Any], *words: Any) -> Any:
        """What the function returns on that worker."""
        ...


def between(root: Path, engine: Reaches) -> list[Found]:
    """Test the folder, or the nearest existing one above it, between this machine and workers. Leaves nothing there."""
    there = next(path for path in (root, *root.parents) if path.is_dir())
    places = engine.places()
    hosts = sorted({host for host, _ in places})
    found: list[Found] = [("workers", bool(places), f"on {', '.join(hosts)}" if hosts else "there are none")]
    with tempfile.TemporaryDirectory(prefix=".svgbench-doctor-", dir=there) as name:
        folder = Path(name)
        lines = engine.examine(there, folder / "examined", None) if places else []
        if lines or not places:
            return found + [("workers share the folder", False, line) for line in lines]
        found.append(("workers share the folder", True, "and have the same versions as this machine"))
        ring = [("this machine", lambda function, *words: function(*words))]
        ring += [(f"worker {address}", partial(engine.call, address)) for _, address in places]
        tests: dict[str, str] = {}
        for index, (holder, first) in enumerate(ring):
            other, second = ring[(index + 1) % len(ring)]
            for check, problem in _between(first, second, folder / f"{index}"):
                tests[check] = tests.get(check) or (f"{holder} and {other}: {problem}" if problem else "")
    return found + [(check, not problem, problem) for check, problem in tests.items()]


def _between(first: Callable[..., Any], second: Callable[..., Any], folder: Path) -> Iterator[tuple[str, str]]:
    """Each test of two places, with what is wrong or "". Each place calls a function there."""
    process = first(hold, folder)
    if not process:
        yield "workers' locks exclude", f"no process can take a lock. {HOW}"
        return
    try:
        yield "workers' locks exclude", "" if second(is_refused, folder) else f"both hold one lock. {HOW}"
        seen = []
        for text in ("first", "second"):
            first(write_atomic, folder / "note", text.encode())
            seen.append(second(Path.read_text, folder / "note") == text)
        yield "workers see replaced files", "" if all(seen) else "an old one is read"
    finally:
        first(end, process)
    deadline = time.monotonic() + PATIENCE
    while second(is_locked, folder / "lock") and time.monotonic() < deadline:
        time.sleep(0.05)
    free = not second(is_locked, folder / "lock")
    yield "a dead worker's lock is free", "" if free else f"not after {PATIENCE:.0f} s"


def hold(folder: Path) -> int:
    """Start a process that holds the lock in the folder; its number, or 0 if it cannot."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "svgbench.lab.sharing", str(folder), f"{3 * PATIENCE}"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process.pid if process.stdout.readline().strip() == "held" else 0


def is_refused(folder: Path) -> bool:
    """Whether the lock in the folder is held, and so cannot be taken."""
    return is_locked(folder / "lock") and take(folder / "lock", "") is None


def end(process: int) -> None:
    """Kill a process of `hold`."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _say(other: subprocess.Popen[str], line: str = "") -> str:
    """What the other process prints next, after a line."""
    assert other.stdin is not None
    assert other.stdout is not None
    try:
        other.stdin.write(line)
        other.stdin.flush()
    except BrokenPipeError:
        return ""
    return other.stdout.readline().strip()


def _freed(lock: Path) -> bool:
    end = time.monotonic() + PATIENCE
    while is_locked(lock):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def file_system(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """The type of the file system and the mount options that decide on its locks."""
    try:
        lines = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return "unknown"
    whole = folder.resolve()
    around = [words for words in lines if len(words) > 3 and whole.is_relative_to(words[1])]
    if not around:
        return "unknown"
    _, place, kind, options, *_ = max(around, key=lambda words: len(words[1]))
    said = [one for one in options.split(",") if "lock" in one]
    return f"{place}, {kind}{', ' if said else ''}{', '.join(said)}"


if __name__ == "__main__":
    place = Path(sys.argv[1])
    with locked(place / "lock"):
        sys.stdout.write("held\n")
        sys.stdout.flush()
        if len(sys.argv) > 2:
            time.sleep(float(sys.argv[2]))
        for _ in sys.stdin:
            sys.stdout.write((place / "note").read_text(encoding="utf-8") + "\n")
            sys.stdout.flush()
