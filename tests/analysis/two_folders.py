"""Two results folders of the toy, for the tests of `diff`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from toy import EXPERIMENT, FINAL, fill

from svgbench.analysis.judge.difference import CellDifference, differences
from svgbench.analysis.judge.judgement import JudgementRules
from svgbench.analysis.show.difference_text import difference_lines
from svgbench.lab.cells import Cell, Selection, expand
from svgbench.lab.store import Store
from svgbench.lab.stored import stored_cells
from svgbench.words.experiment import Experiment

Score = Callable[[int, int], float]
ONE = replace(EXPERIMENT, measures=(FINAL,))


def folder(root: Path, scores: dict[tuple[str, str], Score], seeds: int = 5, steps: int = 5, **about: Any) -> Path:
    """A results folder with these cells of the toy at budget paper; `about` goes into every JSON."""
    store = Store(root)
    for cell in expand(EXPERIMENT, Selection(budget="paper", seeds=seeds)):
        if cell.key in scores:
            fill(store, cell, scores[cell.key], steps)
            if about:
                edit(store, cell, **about)
    return root


def edit(store: Store, cell: Cell, **about: Any) -> None:
    path = store.json_path(cell)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | about))


def diff(
    a: Path, b: Path, experiment: Experiment = EXPERIMENT, rules: JudgementRules | None = None
) -> list[CellDifference]:
    cells_a, cells_b = stored_cells(a), stored_cells(b)
    asked = list(dict.fromkeys([*cells_a, *cells_b]))
    return differences(cells_a, cells_b, asked, {experiment.id: experiment}, rules or JudgementRules())


def said(cells: list[CellDifference], **how: Any) -> str:
    lines = difference_lines(cells, 80, **how)
    assert all(len(line) <= 80 for line in lines)
    assert len(lines) <= 40 or how
    return " ".join(" ".join(lines).split())


CELL = ("toy/easy", "ours")


def line(seed: int, step: int) -> float:
    return 10.0 + seed + step**1.5


def on_platform(root: Path, **about: Any) -> None:
    """Put this into the platform of every seed."""
    cell = expand(EXPERIMENT, Selection(budget="paper"))[0]
    meta = meta_of(root, cell)
    for entry in meta["seeds"].values():
        entry["platform"] |= about
    edit(Store(root), cell, seeds=meta["seeds"])


def meta_of(root: Path, cell: Cell) -> dict[str, Any]:
    return dict(json.loads(Store(root).json_path(cell).read_bytes()))


def drop(path: Path, key: str) -> dict[str, Any]:
    return {k: v for k, v in json.loads(path.read_bytes()).items() if k != key}
