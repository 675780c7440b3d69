"""Executors start processes and keep no results: what a block did is in its files.

`local` starts them on this machine. All others are found through the entry-point group `svgbench.executors`, ours
(`svgbench.lab.dask_engine`) and those of other packages: something that takes the number of slots (None: as many as the
engine has), and the text after the name's colon if there is one, and returns an `Executor`. It connects when it is
first asked for its slots. It starts `command(placement)` on some machine that sees the results folder, with
`platform.environment` of that machine, and reports the exit status; `svgbench.lab.remote` does this on a worker.

The process reads its supervisor's lease and stop word itself. It ends when its standard input ends, so whatever holds
the other end should live as long as the placement. If a machine or a worker was lost, the status is `block.GONE`, which
is no attempt of the block. If the engine itself is lost, `slots` or `poll` raises `EngineLostError`.

Three attributes are optional. `waits` of a handle: whether the engine has yet to start the process, or never did; no
hang is noticed meanwhile. `look_seconds` and `close()` of an executor: how often to read a block's progress, and what
to call at the end.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol

from svgbench.lab.platform import environment
from svgbench.words.errors import UsageError, unknown


@dataclass(frozen=True)
class Placement:
    """What an executor needs to know of a block."""

    job: Path
    results: Path
    log: Path
    threads: int
    attempt: int
    lease: Path | None = None  # the supervisor's record; the block ends itself when it stands still


def command(placement: Placement) -> list[str]:
    """The program of the block's process, for `subprocess.Popen` on the machine that runs it."""
    words = [sys.executable, "-m", "svgbench.lab.block", str(placement.job)]
    words += ["--results", str(placement.results), "--attempt", str(placement.attempt)]
    return words + (["--lease", str(placement.lease)] if placement.lease else [])


def start(placement: Placement, device: str = "", settings: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start the block's process on this machine, in a session of its own. Its output goes to its log.

    device: instead of the job's. settings: environment variables that replace this machine's.
    """
    placement.log.parent.mkdir(parents=True, exist_ok=True)
    with placement.log.open("ab") as log:
        return subprocess.Popen(
            command(placement) + (["--device", device] if device else []),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(placement.threads) | dict(settings or {}),
            start_new_session=True,
        )


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
    """Places blocks. `slots` is how many it runs at once, or how many `Cores` they share; it may change."""

    @property
    def slots(self) -> int: ...

    def submit(self, placement: Placement) -> Handle: ...


MakeExecutor = Callable[..., Executor]
"""Makes an executor from its number of slots (None: all that it has) and, if the user gave one, its address."""


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
    """Processes on this machine. With several devices, each block gets the one that runs the fewest."""

    def __init__(self, slots: int, devices: Sequence[str] = ()) -> None:
        self.slots, self.devices = slots, devices
        self.placed: list[tuple[LocalHandle, str]] = []

    def device(self) -> str:
        """The device of the next block; "" where the job says it."""
        if len(self.devices) < 2:
            return ""
        self.placed = [(handle, device) for handle, device in self.placed if handle.poll() is None]
        busy = Counter(device for _, device in self.placed)
        return min(self.devices, key=lambda device: busy[device])

    def submit(self, placement: Placement) -> LocalHandle:
        """Start the block's process."""
        device = self.device()
        handle = LocalHandle(start(placement, device))
        self.placed.append((handle, device))
        return handle


EXECUTORS: dict[str, MakeExecutor] = {"local": Local}
GROUP = "svgbench.executors"
"""Entry points: a name, and what makes the executor of `name` or `name:address`."""


def executors() -> dict[str, MakeExecutor | EntryPoint]:
    """Every executor by name; only `local` is imported."""
    return {**EXECUTORS, **{one.name: one for one in entry_points(group=GROUP) if one.name not in EXECUTORS}}


def make_executor(name: str, slots: int | None, devices: Sequence[str] = ()) -> Executor:
    """The executor of that name; what follows a colon goes to it. Raises UsageError with the nearest name.

    Several `devices` are for `local` only: other executors place one block a device by means of their own.
    """
    kind, colon, address = name.partition(":")
    known = executors()
    if kind not in known or (colon and kind in EXECUTORS):
        raise unknown("executor", name if kind in known else kind, known)
    if kind in EXECUTORS:
        return EXECUTORS[kind](slots or 1, devices)
    if len(devices) > 1:
        raise UsageError(f"--device {','.join(devices)}: --executor {name} takes one device; --executor local several")
    found = known[kind]
    make: MakeExecutor = found.load() if hasattr(found, "load") else found
    return make(slots, address) if colon else make(slots)


@contextmanager
def opened(name: str, slots: int | None, devices: Sequence[str] = ()) -> Iterator[Executor | None]:
    """The engine of that name, for all experiments of a command; closed at the end. None for `local`.

    Raises UsageError as `make_executor` does, before anything is connected.
    """
    made = make_executor(name, slots, devices)
    try:
        yield None if name in EXECUTORS else made
    finally:
        getattr(made, "close", lambda: None)()
