"""What a plan says of the seeds that its blocks hold beside those that are asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from svgbench_testkit.experiments import EXPERIMENTS

from svgbench.describe import plan_sentences, power_sentences
from svgbench.lab.cells import Block, Selection, expand
from svgbench.lab.plan import Companions, make_plan
from svgbench.lab.platform import compared
from svgbench.lab.rows import as_csv
from svgbench.lab.store import CHECKPOINT, Store
from svgbench.words.experiment import Budget

WALK = EXPERIMENTS[0]  # blocks of two seeds
DRIFT = {"budget": "smoke", "tasks": ("field/calm",), "variants": ("drift",)}


@pytest.fixture
def stored(tmp_path):
    """Seed 0 of a block of seeds 0 and 1."""
    store = Store(tmp_path / "results")
    (cell,) = expand(WALK, Selection(seeds=1, **DRIFT))
    rows = as_csv([{"seed": 0, "step": 30, "position": 1.0, "side": "up"}], cell.columns)
    store.merge(cell, {0: rows}, {0: {"status": "done", "rows": 1, "seconds": 1.0, "platform": compared("cpu")}})
    return store, store.block_work(Block(cell, 0, (1,)))


def said(store, seeds):
    made = make_plan(store, WALK, Selection(seeds=seeds, **DRIFT))
    lines = [line for line in plan_sentences(made, None) if "whole" in line]
    return made.cells[0].companions, lines


def test_a_first_run_trains_seeds_that_nobody_has_asked_for(tmp_path):
    assert said(Store(tmp_path / "none"), 1) == (
        Companions(kept=1),
        ["blocks train whole: 1 seed beyond those requested is trained, and kept for later"],
    )
    assert said(Store(tmp_path / "none"), 2) == (Companions(), [])


def test_a_later_run_only_stores_what_its_block_has_trained(stored):
    store, folder = stored
    folder.mkdir(parents=True)
    (folder / CHECKPOINT).touch()
    assert said(store, 2) == (
        Companions(trained=1),
        ["1 block was trained whole by an earlier run: the missing seeds are only stored"],
    )
    assert said(store, 3)[0] == Companions(trained=1, kept=1), "and seed 2 of the next block brings seed 3"


def test_without_its_checkpoint_a_later_run_trains_stored_seeds_again(stored):
    store, _ = stored
    assert said(store, 2) == (
        Companions(again=1),
        ["blocks train whole: 1 stored seed among them; what is stored stays"],
    )


def test_a_plan_tells_the_power_of_what_its_budget_can_decide():
    short = replace(WALK, budgets=(WALK.budgets[0], Budget("short", 4, ""), WALK.budgets[1]))
    told = {b.name: [line.split(":")[0] for line in power_sentences(short, b.name, 4, [5])] for b in short.budgets}
    assert told == {"paper": ["power", "power"], "short": ["power"], "smoke": []}
    assert "published" in power_sentences(short, "paper", 4, [5])[1]
