"""Why a results file differs from what was written, and how to repair it if nothing is lost.

Sometimes a file was saved in another form (line endings, a byte-order mark), was not fetched, or cannot be read. The
measurement itself is then intact: the user repairs the file, and nothing is measured again.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from svgbench.lab.cells import REPLICAS
from svgbench.words.errors import DamagedError

ENDINGS = "line endings were changed from LF to CRLF, as git does under core.autocrlf; the numbers are the same"
MARK = "a byte-order mark was put before it, as some editors do; the numbers are the same"
POINTER = "it is a Git LFS pointer: `git lfs pull` fetches the file"
CONFLICT = "it has conflict markers of git: a merge was not finished"
LINK = "it is a link to a file that is not here"
OLD = "an older svgbench wrote it; the numbers are the same"


class DamagedFileError(DamagedError):
    """A results file that differs from what was written. `mendable`: the measurement itself is not lost. `common`: the
    reason often holds for many files."""

    def __init__(self, path: Path, reason: str, mendable: bool = False, common: bool = False) -> None:
        super().__init__(f"{path}: {reason}" if mendable else f"{path} is damaged: {reason}")
        self.path, self.reason, self.mendable = path, reason, mendable
        self.common = common or reason in (ENDINGS, MARK, POINTER, OLD)

    @property
    def note(self) -> str:
        """The reason and what to do, with the file's name unless the reason is a common one."""
        if not self.common:
            return str(self)
        how = remedy(self.path, self.reason)
        return f"{self.reason}; {how}" if how else self.reason


def diagnosed(path: Path, data: bytes, reason: str, is_whole: Callable[[bytes], bool]) -> DamagedFileError:
    """The error for a file with that content: the cause that explains the damage, or else `reason`."""
    if data.startswith(b"version https://git-lfs.github.com/spec/"):
        return DamagedFileError(path, POINTER, mendable=True)
    if re.search(rb"^(<{7}|>{7}) ", data, re.MULTILINE):
        return DamagedFileError(path, CONFLICT, mendable=True)
    unmarked = data.removeprefix(b"\xef\xbb\xbf")
    if unmarked != data and is_whole(unmarked):
        return DamagedFileError(path, MARK, mendable=True)
    if is_whole(re.sub(rb"\r\n?", b"\n", unmarked)):
        return DamagedFileError(path, ENDINGS, mendable=True)
    return DamagedFileError(path, reason)


def unreadable(path: Path, error: OSError) -> DamagedFileError:
    """The error for a file that the operating system cannot open or read."""
    if isinstance(error, FileNotFoundError):
        return DamagedFileError(path, LINK, True) if path.is_symlink() else DamagedFileError(path, "it is gone")
    return DamagedFileError(path, f"it cannot be read: {error.strerror or error}", mendable=True)


def remedy(path: Path, reason: str) -> str:
    """The command that repairs the file, for causes that have one. It changes no number."""
    replica = path.parent.parent.name == REPLICAS
    root = path.parents[5 if replica else 3]
    if reason == OLD:
        return f"to repair: svgbench upgrade --results {shlex.quote(str(root))}"
    if reason != ENDINGS:
        return ""
    cells = f"*/*/*/{REPLICAS}/*/*" if replica else "*/*/*/*"
    command = f"cd {shlex.quote(str(root))} && perl -pi -e 's/\\r$//' {cells}.csv {cells}.json"
    in_git = any((folder / ".git").exists() for folder in (root, *root.parents))
    return f"to repair: {command}" + (" && echo '* -text' >> .gitattributes" if in_git else "")


def left_out(errors: Iterable[DamagedError]) -> list[str]:
    """One sentence for each cause that leaves files out; a file that is alone with its cause is named."""
    causes: dict[str, list[DamagedError]] = {}
    for error in errors:
        causes.setdefault(error.note if isinstance(error, DamagedFileError) else str(error), []).append(error)
    return [_left_out(cause, found) for cause, found in causes.items()]


def _left_out(cause: str, errors: Sequence[DamagedError]) -> str:
    if len(errors) > 1:
        return f"left out: {len(errors)} files: {cause}"
    (error,) = errors
    name = f"{error.path}: " if isinstance(error, DamagedFileError) and error.common else ""
    return f"left out: {name}{cause}"
