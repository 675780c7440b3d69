"""Errors that a user can act on. Each is one line: the value, what was expected, the nearest valid one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

OK, FAILED, USAGE, WORSE, INCOMPLETE, BUSY = 0, 1, 2, 3, 4, 75
"""Exit statuses of commands; 130 is that of SIGINT. SIGTERM ends a run with INCOMPLETE."""


class UsageError(Exception):
    """The command, or the call, asks for something that does not exist. Exit code 2."""


class BusyError(Exception):
    """Another process is writing there. Exit code 75."""


class EngineLostError(Exception):
    """The engine that places blocks is gone. Exit code 4: everything up to the last checkpoints is kept."""


class DamagedError(Exception):
    """A file differs from what was written there."""


def unknown(kind: str, value: str, known: Iterable[str]) -> UsageError:
    """An error for `value`, naming the nearest of `known`.

    >>> str(unknown("budget", "papr", ["paper", "smoke"]))
    "no budget 'papr'; did you mean 'paper'? (there are: paper, smoke)"
    """
    names = list(known)
    folded = {name.casefold(): name for name in reversed(names)}
    close = difflib.get_close_matches(value.casefold(), folded, n=1, cutoff=0.5)
    near = [folded[name] for name in close] or [n for n in names if value in n][:1]
    meant = f"; did you mean '{near[0]}'?" if near else ""
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return UsageError(f"no {kind} '{value}'{meant} (there are: {shown or 'none'})")
