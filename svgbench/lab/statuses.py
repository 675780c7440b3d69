"""The status of cells as flat rows, and the replicas of cells that are under way or went wrong. Quick to import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from svgbench import strict_json
from svgbench.lab.cells import REPLICAS, Cell
from svgbench.lab.platforms import is_key
from svgbench.lab.replicas import replicated_on
from svgbench.lab.rows import Unfinished, unfinished
from svgbench.lab.store import Store

RUNNING = "running"


def status_rows(store: Store, name: str, cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """One flat row per cell of the experiment with that name.

    `replicated_on`: its platforms, if several. `mixed_seeds`: those that were continued on another platform.
    `replicas_unfinished`: its replicas that run, have begun or went wrong, as "AuthenticAMD-25-17-cc9de893 failed:
    out of memory"; several are separated by "; ".
    """
    replicated, rows = replicated_on(store, cells), []
    unlike: dict[tuple[str, str], list[str]] = {}
    for own in replicas_of(store, cells):
        if words := _trouble(store, own):
            unlike.setdefault(own.key, []).append(f"{own.replica} {words}")
    for cell in cells:
        state = store.state(cell)
        rows.append(
            {
                "experiment": name,
                "task": cell.task.id,
                "variant": cell.variant.id,
                "budget": cell.budget,
                "seeds_done": len(state.done),
                "seeds_total": len(cell.seeds),
                "status": state.status,
                "replicated_on": "; ".join(replicated.get(cell.key, [])),
                "mixed_seeds": " ".join(map(str, state.mixed)),
                "replicas_unfinished": "; ".join(unlike.get(cell.key, [])),
                "note": state.note,
            }
        )
    return rows


def replicas_of(store: Store, cells: Sequence[Cell]) -> list[Cell]:
    """The replicas of these cells that have files or unfinished work, on every platform. They have the same seeds,
    although a replication may ask for fewer."""
    keys: dict[str, list[str]] = {}
    for place in dict.fromkeys(cell.place for cell in cells):
        folders = (root / place / REPLICAS for root in (store.root, store.work))
        keys[place] = sorted({path.name for folder in folders for path in folder.glob("*") if is_key(path.name)})
    found = (replace(cell, replica=key) for cell in cells for key in keys[cell.place])
    return [own for own in found if store.json_path(own).exists() or store.cell_work(own).is_dir()]


def _trouble(store: Store, own: Cell) -> str:
    """What is to be told of a replica: that it runs, has failed or is unfinished; "" of any other."""
    state = store.state(own)
    if state.status == RUNNING:
        return RUNNING
    if state.status == "failed":
        return f"failed: {state.note}"
    return "partial" if any(_asked(block) for block in unfinished(store, own)) else ""


def _asked(block: Unfinished) -> bool:
    """Whether a run asked for seeds of the block that the store lacks. Its other seeds are kept, and nobody waits."""
    try:
        jobs = [strict_json.loads(path.read_bytes())["wanted"] for path in block.folder.glob("job-*.json")]
        return not jobs or not set(block.seeds).isdisjoint(seed for wanted in jobs for seed in wanted)
    except (OSError, ValueError, KeyError, TypeError):
        return True  # nothing shows what was asked


def runs(row: Mapping[str, Any]) -> bool:
    """Whether the cell of a row of `status_rows`, or a replica of it, runs."""
    replicas = (one.partition(" ")[2] for one in row["replicas_unfinished"].split("; "))
    return RUNNING in (row["status"], *replicas)
