"""Who is at work in a results folder: each supervisor has a record in `.work/supervisors`, and holds a lock beside it.

The record is JSON: `host`, `pid`. It is there while its supervisor lives. What a killed one left is removed by the next
one that starts.
"""

from __future__ import annotations

import os
import re
import socket
import uuid
from contextlib import suppress

from svgbench import strict_json
from svgbench.lab.files import Held, is_locked, take, write_atomic
from svgbench.lab.store import Store


def host() -> str:
    """This machine's name, as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", socket.gethostname()).strip("-.")[:40] or "host"


class Attendance:
    """This supervisor in a results folder. `name` has the host, the process and some random digits."""

    def __init__(self, store: Store) -> None:
        self.name = f"{host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.folder = store.work / "supervisors"
        self.record = self.folder / f"{self.name}.json"
        self.others: tuple[str, ...] = ()  # at work when this one started
        self.held: Held | None = None

    def __enter__(self) -> Attendance:
        self.held = take(self.record.with_suffix(".lock"), self.name)
        write_atomic(self.record, strict_json.dumps({"host": host(), "pid": os.getpid()}).encode(), durable=False)
        self.others = tuple(self._living())
        return self

    def __exit__(self, *error: object) -> None:
        self.record.unlink(missing_ok=True)
        self.record.with_suffix(".lock").unlink(missing_ok=True)
        if self.held is not None:
            self.held.release()

    def _living(self) -> list[str]:
        """The names of other supervisors at work. Records of dead ones are removed."""
        living = []
        for path in sorted(self.folder.glob("*.json")):
            if path == self.record:
                continue
            if is_locked(path.with_suffix(".lock")):
                living.append(path.stem)
                continue
            for left in (path, path.with_suffix(".lock")):
                with suppress(OSError):
                    left.unlink()
        return living
