"""Whether processes can share a results folder: one holds a lock and another asks, then the first one is killed.

`python -m svgbench.lab.sharing FOLDER` is the first one. For each line on standard input it prints what the file `note`
in the folder contains.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

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
        for _ in sys.stdin:
            sys.stdout.write((place / "note").read_text(encoding="utf-8") + "\n")
            sys.stdout.flush()
