"""Executors start processes and keep no results: what a block did is in its files.

`local` starts them on this machine. Another executor implements the same two protocols. It must keep the process's
standard input open as long as the supervisor lives, because the process ends when that input ends.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from svgbench.lab.platform import environment
from svgbench.words.errors import unknown


@dataclass(frozen=True)
class Placement:
    """What an executor needs to know of a block."""

    job: Path
    results: Path
    log: Path
    threads: int
    attempt: int


class Handle(Protocol):
    """A placed process."""

    def poll(self) -> int | None:
        """Its exit status (negative: the signal that ended it), or None while it runs."""
        ...

    def stop(self) -> None:
        """Ask it to checkpoint after its slice and exit."""
        ...

    def kill(self) -> None:
        """End it now."""
        ...


class Executor(Protocol):
    """Places blocks. `slots` is how many it runs at once."""

    slots: int

    def submit(self, placement: Placement) -> Handle: ...


class LocalHandle:
    """A child of this process, in a separate session so that the terminal's Ctrl-C reaches only the parent."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def poll(self) -> int | None:
        return self.process.poll()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Local:
    """Processes on this machine."""

    def __init__(self, slots: int) -> None:
        self.slots = slots

    def submit(self, placement: Placement) -> LocalHandle:
        """Start the block's process. Its output goes to its log."""
        command = [sys.executable, "-m", "svgbench.lab.block", str(placement.job)]
        command += ["--results", str(placement.results), "--attempt", str(placement.attempt)]
        placement.log.parent.mkdir(parents=True, exist_ok=True)
        with placement.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(placement.threads),
                start_new_session=True,
            )
        return LocalHandle(process)


EXECUTORS = {"local": Local}


def make_executor(name: str, slots: int) -> Executor:
    """The executor of that name. Raises UsageError with the nearest name."""
    if name not in EXECUTORS:
        raise unknown("executor", name, EXECUTORS)
    return EXECUTORS[name](slots)
