"""A plugin's algorithm is corrected: its earlier results are stale, and none of its checkpoints is continued."""

from __future__ import annotations

import shutil

import pytest
from harness import PLUGIN, cell_of, expected_csv


@pytest.fixture
def mendable(bench, tmp_path):
    """A bench whose plugin is a copy, and what replaces a line of the copy."""
    copy = tmp_path / "plugin"
    shutil.copytree(PLUGIN, copy, ignore=shutil.ignore_patterns("__pycache__"))
    bench.path = [copy]

    def mend(old, new):
        path = copy / "svgbench_testkit" / "walk.py"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return bench, mend


def test_results_of_a_corrected_algorithm_are_stale_and_run_again(mendable):
    bench, mend = mendable
    cell = cell_of(seeds=2)
    assert bench.walk("--seeds", "2").status == 0
    assert bench.csv(cell) == expected_csv(cell)
    mend("self.config.drift + ", "2 * self.config.drift + ")
    row = bench.status("--seeds", "2")["drift"]
    assert (row["status"], row["seeds_done"]) == ("stale", 2)
    assert row["note"] == "the source of svgbench_testkit has changed"
    again = bench.walk("--seeds", "2")
    assert again.status == 0, again.err
    assert "2 of 2 runs missing" in again.out
    assert "1 cell will be moved to .work/superseded" in again.out
    assert bench.csv(cell) != expected_csv(cell)
    (old,) = (bench.store.work / "superseded").rglob("*.csv")
    assert old.read_bytes() == expected_csv(cell)


def test_a_failed_run_of_a_mended_algorithm_starts_from_its_beginning(mendable):
    """Its checkpoint is from the old source; with it, half of the walk would come from the old code."""
    bench, mend = mendable
    words = ("--seeds", "2", "-o", "raise_at=3")
    cell = cell_of("raise_at=3", seeds=2)
    assert bench.walk(*words).status == 1
    assert list(bench.store.cell_work(cell).rglob("checkpoint.pt")), "there is something that could be gone on with"
    mend('raise ArithmeticError("the walk fell over")', "return")
    row = bench.status(*words)[cell.variant.id]
    assert (row["status"], row["note"]) == ("stale", "the source of svgbench_testkit has changed")
    again = bench.walk(*words)
    assert again.status == 0, again.err
    before, after = sorted(bench.store.cell_work(cell).glob("block-000-*.log"), key=lambda path: path.stat().st_mtime)
    assert "resumed at 15 of 30" in before.read_text()
    assert "resumed" not in after.read_text()
    assert bench.csv(cell) == expected_csv(cell)
