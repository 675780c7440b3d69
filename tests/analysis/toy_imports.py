"""Imports into the toy experiment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from svgbench.analysis.read.import_words import Import
from svgbench.lab.cells import Selection

PAPER = Selection(budget="paper")
MINE = replace(PAPER, variants=("mine",))


def an_import(file: Path, **changes: object) -> Import:
    return replace(Import(file, "mine", "paper", label="my method"), **changes)  # type: ignore[arg-type]


def uneven(rows: int = 3) -> str:
    """Two seeds, the second of which ends one step before the first."""
    lines = [f"{s},{t},{10 * s + t}.5" for s in range(2) for t in range(rows - s)]
    return "\n".join(["seed,step,score", *lines]) + "\n"
