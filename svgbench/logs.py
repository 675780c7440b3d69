"""What `svgbench logs` prints: why blocks failed, then the ends of the logs that say more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from svgbench import reproduce
from svgbench.analysis.read.naming import name_seeds
from svgbench.lab.cells import Selection, expand
from svgbench.lab.statuses import replicas_of
from svgbench.lab.store import Store
from svgbench.words.experiment import Experiment

MOST_NAMED = 5
"""Blocks that share a reason of failure and are named one by one."""


@dataclass(frozen=True)
class Log:
    """The log of one block, which is of `about`. `failures` are its failed seeds by the recorded reason."""

    path: Path
    about: str
    failures: dict[str, list[int]]

    def tail(self, lines: int) -> list[str]:
        """Its last lines."""
        return self.path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:] if lines else []


def logs(store: Store, experiment: Experiment, selection: Selection) -> list[Log]:
    """The logs of the chosen cells' blocks and of those of their replicas, oldest first."""
    found = []
    cells = expand(experiment, selection, reproduce.installed_algorithms())
    for cell in [*cells, *replicas_of(store, cells)]:
        failed = store.state(cell).failed
        for path in store.cell_work(cell).glob("block-*.log"):
            number = path.name.split("-")[1]
            index = int(number) if number.isdecimal() else -1
            failures: dict[str, list[int]] = {}
            for seed, reason in failed.items():
                if seed // cell.block_size == index:
                    failures.setdefault(reason, []).append(seed)
            of_replica = f" (replica {cell.replica})" if cell.replica else ""
            found.append(Log(path, f"{cell.task.id} {cell.variant.id}{of_replica}", failures))
    return sorted(found, key=lambda log: log.path.stat().st_mtime)


def log_lines(found: Sequence[Log], lines: int, verbose: bool) -> Iterator[str]:
    """The reasons of failures, each with its blocks and the end of the newest log; without a failure the newest log's.

    With `verbose` the end of every log instead.
    """
    failed = [log for log in found if log.failures]
    if verbose or len(found) == 1:
        shown = found
    elif failed:
        newest: dict[str, Log] = {}
        for reason, blocks in _by_reason(failed).items():
            where = [f"{log.about} {name_seeds(log.failures[reason])}" for log in blocks]
            more = f" and {len(where) - MOST_NAMED} more blocks" if len(where) > MOST_NAMED else ""
            yield f"failed: {reason}: {', '.join(where[:MOST_NAMED])}{more}"
            newest[str(blocks[-1].path)] = blocks[-1]
        shown = list(newest.values())
    else:
        shown = found[-1:]
    for log in shown:
        yield f"== {log.path}"
        yield from log.tail(lines)
    if len(shown) < len(found):
        fine = f"{len(found) - len(failed)} without a failure; " if failed else ""
        yield f"{len(shown)} of {len(found)} logs, the newest ({fine}all: --verbose)"


def _by_reason(failed: Sequence[Log]) -> dict[str, list[Log]]:
    found: dict[str, list[Log]] = {}
    for log in failed:
        for reason in log.failures:
            found.setdefault(reason, []).append(log)
    return found
