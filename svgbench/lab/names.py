"""Short names that mean several experiments."""

from __future__ import annotations

from collections.abc import Iterable


def meant(name: str, ids: Iterable[str]) -> list[str]:
    """The ids, written work/artifact, that `name` means: an exact id, or else a work's ids, or else an artifact's.

    If a work and an artifact share a name, the work is meant; the artifact's ids can be given in full.

    >>> meant("fig4", ["svg/fig3", "svg/fig4", "trpo/fig4"]), meant("svg", ["svg/fig3", "svg/fig4", "trpo/fig4"])
    (['svg/fig4', 'trpo/fig4'], ['svg/fig3', 'svg/fig4'])
    """
    known = list(ids)
    if name in known:
        return [name]
    of_work = [i for i in known if i.split("/", 1)[0] == name]
    return of_work or [i for i in known if i.split("/", 1)[1] == name]


def with_short_names(ids: Iterable[str]) -> list[str]:
    """Everything that a person may name: the ids, then their works, then their artifacts."""
    known = list(ids)
    halves = [i.split("/", 1) for i in known]
    return list(dict.fromkeys([*known, *(work for work, _ in halves), *(artifact for _, artifact in halves)]))
