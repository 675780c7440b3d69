"""Rows of blocks that are not finished, for a look at a figure. They are no results and reach no verdict."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import CellData
from svgbench.lab.cells import Selection, expand_declared
from svgbench.lab.rows import unfinished
from svgbench.lab.store import Store
from svgbench.words.errors import UsageError
from svgbench.words.experiment import Variant

MARK = "~running"
"""Added to a variant's id, so that nothing takes its rows for the variant's."""
WORDS = "running, not evidence"


def with_running(results: Results, store: Store, selection: Selection, extra: Mapping[str, Variant]) -> Results:
    """The results with the rows so far of unfinished blocks, as variants of their own that say so in their label.

    Raises UsageError if there are no such rows at the selection's budget.
    """
    cells, labels, count = dict(results.cells), dict(results.labels), 0
    experiment = results.experiment
    stored = store.variants(experiment.draws_from or experiment.id, selection.budget)
    for cell in expand_declared(experiment, selection, extra, stored):
        rows = [row for block in unfinished(store, cell) for row in block.rows(cell.columns)]
        if not rows:
            continue
        names = ("seed", "step", *cell.columns)
        text = "\n".join(",".join(row[name] for name in names) for row in rows)
        frame = pd.read_csv(io.StringIO(text), names=names, keep_default_na=False, na_values=["", "nan"])
        for name in ("step", *(column.name for column in experiment.columns if column.kind != "str")):
            frame[name] = pd.to_numeric(frame[name], errors="coerce")  # what a kill or others left is no number
        frame = frame.replace([math.inf, -math.inf], math.nan)
        frame = frame[frame["step"].notna()].sort_values("seed", kind="stable", ignore_index=True)
        if not len(frame):
            continue
        seeds, variant = tuple(sorted(set(frame.seed.tolist()))), cell.variant.id + MARK
        cells[cell.task.id, variant] = CellData(
            task=cell.task.id,
            variant=variant,
            frame=frame,
            seeds_done=seeds,
            seeds_asked=seeds,
            diverged=(),
            imported=False,
        )
        labels[variant] = f"{cell.variant.label} ({WORDS})"
        count += 1
    if not count:
        raise UsageError(f"no unfinished block of {experiment.id} has rows at budget {selection.budget}")
    caveat = f"{count} cell{'s' * (count > 1)} of unfinished blocks: {WORDS}"
    return replace(results, cells=cells, labels=labels, caveats=(caveat, *results.caveats))
