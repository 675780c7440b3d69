"""Where measurements come from: versions, processors, releases and code revisions, as stored beside the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from svgbench.analysis.show.tables import DisplayTable, Rounded
from svgbench.lab import platforms
from svgbench.lab.pair import is_finished, read_meta
from svgbench.lab.store import Store
from svgbench.words.errors import DamagedError
from svgbench.words.experiment import Experiment

RELEASES = ("python", "numpy", "torch", "mujoco")


def origins(store: Store, experiment: Experiment, budgets: Iterable[str]) -> DisplayTable | None:
    """A row per origin with its number of runs; None if nothing is stored.

    Damaged files are left out: the notes on the measurements name them.
    """
    counts: dict[str, Counter[str]] = {}
    tasks = {task.id for task in experiment.tasks}
    for budget in budgets:
        where = experiment.draws_from or experiment.id
        for path in (*store.cell_files(where, budget), *store.replica_files(where, budget)):
            try:
                meta = read_meta(path)
            except DamagedError:
                continue
            if meta is None or meta["variant"] in experiment.leaves or meta["task"] not in tasks:
                continue
            runs = [entry for entry in meta["seeds"].values() if is_finished(entry)]
            for entry in runs:
                for kind, value in _origin(meta, entry):
                    counts.setdefault(kind, Counter())[value] += 1
    rows = [
        (kind, (value, Rounded(runs, 0)))
        for kind, values in counts.items()
        for value, runs in sorted(values.items(), key=lambda item: (-item[1], item[0]))
    ]
    return DisplayTable("Origin of the runs", "", ("", "runs"), tuple(rows)) if rows else None


def _origin(meta: Mapping[str, Any], entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if meta.get("imported"):
        yield "imported from", str(meta.get("source", "unknown"))
        return
    host = entry.get("platform", {})
    versions = {**meta["versions"], **entry.get("versions", {})}
    yield "revision", str(entry.get("revision", "unknown"))
    yield "algorithm", f"{meta.get('learner', meta['variant'])}, version {versions.get('algorithm', 'unknown')}"
    yield "task", f"{meta.get('factory', meta['task'])}, version {versions.get('task', 'unknown')}"
    cores = f", {host['cores']} cores" if "cores" in host else ""
    device = f", {host['accelerator']}" if "accelerator" in host else ""
    products = f", products in {host['precision']}" if "precision" in host else ""
    yield "processor", f"{host.get('processor', 'unknown')} {host.get('machine', '')}{cores}{device}{products}".strip()
    yield "platform", _platform(entry)
    yield "releases", ", ".join(f"{name} {host[name]}" for name in RELEASES if name in host) or "unknown"
    yield "seeds that train together", str(meta.get("block_size", "unknown"))
    yield "threads", str(entry.get("threads", "unknown"))


def _platform(entry: Mapping[str, Any]) -> str:
    """The platform of a run and the arithmetic that ran, or those of a mixed run in turn."""
    records = [*entry.get(platforms.EARLIER, []), entry.get("platform", {})]
    words = [", ".join(filter(None, (*platforms.named([one]), one.get("kernels")))) for one in records]
    return f"mixed: {', then '.join(words)}" if len(words) > 1 else words[0]
