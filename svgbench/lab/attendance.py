"""Who is at work in a results folder. Each supervisor keeps a record (`svgbench.lab.lease`), and a lock beside it.

Where locks work, any number of supervisors share a folder. Where the file system has none, or where those of two
machines do not exclude each other, a folder takes one: another one sees that the first one's record changes although
nothing locks it. A record that stands still for two leases is a dead supervisor's, whose blocks ended after one.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from svgbench import strict_json
from svgbench.lab.files import Held, NoLocksError, is_locked, remove_temporaries, take, write_atomic
from svgbench.lab.lease import BEATS, lease_seconds, read_record
from svgbench.lab.store import Store
from svgbench.words.errors import BusyError


def host() -> str:
    """This machine's name, as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", socket.gethostname()).strip("-.")[:40] or "host"


class Attendance:
    """This supervisor in a results folder. `name` has the host, the process and some random digits.

    Entering it raises BusyError if locks do not exclude here and another supervisor works. It sets `store.locks`.
    """

    def __init__(self, store: Store, tell: Callable[[str], None] = lambda _: None) -> None:
        self.store, self.tell = store, tell
        self.name = f"{host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.record = _folder(store) / f"{self.name}.json"
        self.lease = lease_seconds()
        self.others: tuple[str, ...] = ()  # at work when this one started
        self.held: Held | None = None
        self.counter = self.asked = 0
        self.ready = False
        self.writing = threading.Lock()
        self.over = threading.Event()

    def __enter__(self) -> Attendance:
        try:
            self.held = take(self.record.with_suffix(".lock"), self.name)
        except NoLocksError as error:
            self.store.locks = False
            self.tell(f"{error}: this folder takes one run at a time")
        self._write()
        threading.Thread(target=self._beat, daemon=True).start()
        try:
            self.others = tuple(self._living())
        except BaseException:
            self.__exit__()
            raise
        self.ready = True
        self._write()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        with self.writing:
            for path in (self.record, self.record.with_suffix(".lock")):
                path.unlink(missing_ok=True)
        if self.held is not None:
            self.held.release()

    def ask_to_stop(self, how: int) -> None:
        """Let the blocks read that they should checkpoint and end (1), or end now (2)."""
        self.asked = how
        with suppress(OSError):  # the next beat writes it
            self._write()

    def _beat(self) -> None:
        while not self.over.wait(self.lease / BEATS):
            with suppress(OSError):  # the next one may be written; if none is, the blocks end themselves
                self._write()

    def _write(self) -> None:
        with self.writing:
            if self.over.is_set():
                return
            self.counter += 1
            record = {"host": host(), "pid": os.getpid(), "lease": self.lease, "counter": self.counter}
            record |= {"stop": self.asked, "locks": self.store.locks, "ready": self.ready}
            write_atomic(self.record, strict_json.dumps(record).encode(), durable=False)

    def _living(self) -> list[str]:
        """The names of other supervisors at work. Records of dead ones are removed."""
        records = [path for path in sorted(_folder(self.store).glob("*.json")) if path != self.record]
        living = [path for path in records if is_locked(path.with_suffix(".lock"))]
        self._watch(_unsure(self.store))
        for path in records:
            if path not in living:
                _remove(path)
        return [path.stem for path in living]

    def _watch(self, unsure: dict[Path, dict[str, Any]]) -> None:
        """Raise BusyError if one of these records changes: its lock is free here, but its supervisor is at work.

        Without locks the wait is two leases, so that blocks of a dead one have ended. Otherwise a machine that sees its
        own locks only is found in two beats. Of two supervisors that start at once, the first by name stays.
        """
        unsure.pop(self.record, None)
        if not unsure:
            return
        wait = max(2 * float(record["lease"]) for record in unsure.values()) / (BEATS if self.store.locks else 1)
        names = ", ".join(path.stem for path in unsure)
        self.tell(f"looking for {wait:.0f} s whether {names} is still at work here")
        end = time.monotonic() + wait
        while time.monotonic() < end:
            time.sleep(wait / 50)
            for path, before in unsure.items():
                now = read_record(path) or before
                if now["counter"] != before["counter"] and (now["ready"] or path.stem < self.name):
                    root = self.store.root
                    raise BusyError(f"{root} takes one run at a time, because locks fail there: {path.stem} is at work")


def at_work(store: Store) -> list[str]:
    """The names of supervisors at work although nothing locks their records. Waits for two beats if any may be."""
    unsure = _unsure(store)
    if unsure:
        time.sleep(max(2 * float(record["lease"]) / BEATS for record in unsure.values()))
    return [path.stem for path, before in unsure.items() if (read_record(path) or before) != before]


def _unsure(store: Store) -> dict[Path, dict[str, Any]]:
    """The records whose lock is free, although their supervisors may live: on another machine, or without locks."""
    found = {}
    for path in sorted(_folder(store).glob("*.json")):
        record = read_record(path)
        if record is None or (record["locks"] and (record["host"] == host() or is_locked(path.with_suffix(".lock")))):
            continue
        found[path] = record
    return found


def _folder(store: Store) -> Path:
    return store.work / "supervisors"


def _remove(record: Path) -> None:
    remove_temporaries(record)
    for path in (record, record.with_suffix(".lock")):
        with suppress(OSError):
            path.unlink()
