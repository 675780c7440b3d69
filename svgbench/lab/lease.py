"""Leases: a supervisor counts in a file, and a block that sees the count stand still for too long ends itself.

The record of a supervisor is `.work/supervisors/<name>.json`: `host`, `pid`, `lease` (seconds), `counter`, `stop` (1:
blocks should checkpoint and end, 2: end now), `locks` (whether blocks take locks) and `ready` (false while it looks
whether it may work here). The counter grows six times a lease. Whoever reads it measures with a monotonic clock of its
own, so no clocks are compared. This works through any engine and on any shared file system.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from svgbench import strict_json
from svgbench.lab.platform import seconds_of
from svgbench.words.errors import UsageError

LEASE_SECONDS = "SVGBENCH_LEASE_SECONDS"
LEASE_DEFAULT = 60.0
BEATS = 6  # the counter grows this often in a lease
LOOKS = 30  # a block reads it this often
NEEDED = {"host", "pid", "lease", "counter", "stop", "locks", "ready"}


def lease_seconds() -> float:
    """The lease of a supervisor that starts now. Raises UsageError unless the variable has seconds, more than 0."""
    seconds = seconds_of(LEASE_SECONDS, LEASE_DEFAULT)
    if not seconds:
        raise UsageError(f"{LEASE_SECONDS}=0: expected seconds, more than 0")
    return seconds


def read_record(path: Path) -> dict[str, Any] | None:
    """A supervisor's record; None if there is none or it cannot be read now."""
    try:
        record = strict_json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and record.keys() >= NEEDED else None


@dataclass
class Lease:
    """A supervisor's record, seen by somebody else."""

    path: Path
    seconds: float = LEASE_DEFAULT  # until the record has been read
    stop: int = 0
    counter: int = -1
    changed: float = field(default_factory=lambda: time.monotonic())

    def look(self) -> bool:
        """Read the record. False if the counter has stood still for a lease, by this process's clock."""
        record = read_record(self.path)
        now = time.monotonic()
        if record is not None and record.get("counter") != self.counter:
            self.counter, self.changed = record["counter"], now
            self.seconds, self.stop = float(record["lease"]), int(record["stop"])
        return now - self.changed <= self.seconds
