"""A results folder made without training."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import EXPERIMENT, fill

from svgbench.lab.cells import Selection, expand
from svgbench.lab.experiment import Experiment
from svgbench.lab.store import Store


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
