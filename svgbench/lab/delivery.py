"""Deliveries: the rows of a finished block, which wait under the block's work until a supervisor merges them.

A block writes `delivery-<name>.csv`, with a header and the rows of the requested seeds, and then the JSON beside it,
with a seed's entry as the cell's JSON will have it. A delivery exists once its JSON exists. The block's process holds
the block's lock, so a block that is neither running nor delivered nor stored still has to be run.

Any supervisor merges the deliveries that it finds, also those of blocks that a dead one started. All deliveries of a
cell are merged at once, because each merge writes the whole CSV. They are removed after the cell's JSON is replaced, so
a killed merge is repeated, and changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svgbench import strict_json
from svgbench.lab import platform
from svgbench.lab.cells import Block, Cell
from svgbench.lab.damage import DamagedFileError
from svgbench.lab.files import remove_temporaries, write_atomic
from svgbench.lab.pair import is_finished, read_rows, split_rows
from svgbench.lab.store import Store
from svgbench.words.errors import DamagedError


@dataclass(frozen=True)
class Delivery:
    """Finished seeds of one block: their CSV lines and their entries."""

    path: Path  # the JSON
    texts: Mapping[int, str]
    entries: Mapping[int, dict[str, Any]]

    def remove(self) -> None:
        """The JSON goes first, because a CSV alone counts for nothing."""
        self.path.unlink(missing_ok=True)
        self.path.with_suffix(".csv").unlink(missing_ok=True)


def deliver(
    store: Store, block: Block, name: str, texts: Mapping[int, str], entries: Mapping[int, dict[str, Any]]
) -> None:
    """Write finished seeds: `texts` their CSV lines, `entries` their JSON. No other delivery may have the name."""
    folder, columns = store.block_work(block), block.cell.columns
    lines = [",".join(("seed", "step", *columns)) + "\n", *(texts[seed] for seed in sorted(texts))]
    hashes = {seed: hashlib.sha256(text.encode()).hexdigest() for seed, text in texts.items()}
    seeds = {str(seed): {**entries[seed], "sha256": hashes[seed]} for seed in sorted(texts)}
    write_atomic(folder / f"delivery-{name}.csv", "".join(lines).encode())
    meta = {"columns": list(columns), "seeds": seeds}
    write_atomic(folder / f"delivery-{name}.json", (strict_json.dumps(meta, indent=1) + "\n").encode())


def delivered(store: Store, block: Block) -> set[int]:
    """The block's seeds that wait to be merged."""
    return {seed for one in _found(store.block_work(block), block.cell) for seed in one.texts}


def collect(store: Store, cell: Cell) -> None:
    """Merge all deliveries of the cell, and remove them and the work of the blocks that are stored as a whole.

    Takes the cell's lock. Raises OSError or DamagedError, as `Store.add` does; the deliveries then stay.
    """
    with store.exclusive(cell):
        folders = sorted(store.cell_work(cell).glob(f"block-*-{cell.identity}/"))
        found = {folder: list(_found(folder, cell, repair=True)) for folder in folders}
        everything = [one for own in found.values() for one in own]
        if not everything:
            return
        texts = {seed: text for one in everything for seed, text in one.texts.items()}
        entries = {seed: entry for one in everything for seed, entry in one.entries.items()}
        meta = store.add(cell, texts, entries)
        stored = {int(seed) for seed, entry in meta["seeds"].items() if is_finished(entry)}
        for folder, own in found.items():
            for one in own:
                one.remove()
            first = int(folder.name.split("-")[1]) * cell.block_size
            if own and stored.issuperset(range(first, first + cell.block_size)):
                shutil.rmtree(folder, ignore_errors=True)


def _found(folder: Path, cell: Cell, repair: bool = False) -> Iterator[Delivery]:
    """The whole deliveries in a block's folder that were made with the cell's platform; others wait for theirs.

    With `repair`, a damaged one is renamed, and what killed writes left is removed.
    """
    for path in sorted(folder.glob("delivery-*.json")):
        if repair:
            remove_temporaries(path)
        try:
            one = _read(path)
        except FileNotFoundError:  # merged meanwhile
            continue
        except DamagedError:
            if repair:
                with suppress(OSError):
                    os.replace(path, path.with_suffix(".refused"))
            continue
        here = platform.compared(cell.device, cell.precision)
        if not any(platform.differing(entry.get("platform", {}), here) for entry in one.entries.values()):
            yield one


def _read(path: Path) -> Delivery:
    """Raises DamagedError for a delivery that differs from what was written."""
    try:
        meta = strict_json.loads(path.read_bytes())
        rows = split_rows(read_rows(path.with_suffix(".csv"), meta))
        entries = {int(seed): dict(entry) for seed, entry in meta["seeds"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFileError(path, f"it is not a delivery: {error}") from None
    return Delivery(path, {seed: rows.get(seed, b"").decode() for seed in entries}, entries)
