"""A results folder made without training, and imports into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from foreign_runs import bring
from toy import EXPERIMENT, fill
from toy_imports import an_import

from svgbench.analysis.read.import_words import Imported
from svgbench.analysis.read.importing import import_results
from svgbench.lab.cells import Selection, expand
from svgbench.lab.store import Store
from svgbench.words.experiment import Experiment

__all__ = ["bring"]  # a fixture


@pytest.fixture
def experiment() -> Experiment:
    return EXPERIMENT


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Every cell of the toy at both budgets: ours scores ten more than theirs."""
    made = Store(tmp_path / "results")
    for budget in ("paper", "smoke"):
        for cell in expand(EXPERIMENT, Selection(budget=budget)):
            lead = 10.0 if cell.variant.id == "ours" else 0.0
            fill(made, cell, lambda seed, step, lead=lead: lead + 0.1 * seed + step)
    return made


@pytest.fixture
def my_csv(tmp_path: Path) -> Path:
    rows = [
        f"{t},{s},{step},{30 + 0.1 * s + step}" for t in ("toy/easy", "toy/hard") for s in range(5) for step in range(3)
    ]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(["task,seed,step,score", *rows]) + "\n")
    return path


@pytest.fixture
def take(store: Store, experiment: Experiment, tmp_path: Path) -> Callable[..., Imported]:
    """Import a text as toy/easy of an experiment."""

    def take(text: str, of: Experiment = experiment, **changes: object) -> Imported:
        file = tmp_path / "text.csv"
        file.write_text(text)
        return import_results(store, of, an_import(file, **{"task": "toy/easy", **changes}))

    return take
