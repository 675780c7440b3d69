"""Watching blocks that run, as a user does: real processes, killed in the middle."""

from __future__ import annotations

import json

import pytest
from harness import Bench, block_of, cell_of, expected_csv, wait_until

from svgbench.lab.rows import Tail, header, parsed, unfinished

SLOW = ("-o", "slices=12", "-o", "slice_seconds=0.2")
SEEDS = ("--seeds", "2")


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "results")


def rows_of(bench, cell):
    """The rows of the cell's first block so far, and those of its last report."""
    block = block_of(cell)
    folder = bench.store.block_work(block)
    report = json.loads((folder / "progress.json").read_bytes())
    return parsed(Tail(folder / "rows.csv").read()[1], cell.columns, block.seeds), report["rows"]


def of_seed(rows, seed):
    return [",".join(row.values()) + "\n" for row in rows if row["seed"] == seed]


def test_the_rows_of_a_block_that_is_killed_and_resumed(bench):
    cell = cell_of(*SLOW[1::2], seeds=2)
    folder = bench.store.block_work(block_of(cell))
    whole = expected_csv(cell).decode().splitlines(keepends=True)
    running = bench.start_walk(*SEEDS, *SLOW)
    wait_until(lambda: bench.done_slices(block_of(cell)) >= 3, "three slices")
    running.kill()
    wait_until(lambda: not unfinished(bench.store, cell)[0].running, "the block's end")
    rows, last = rows_of(bench, cell)
    for seed in "01":
        own = of_seed(rows, seed)
        expected = [line for line in whole if line.startswith(f"{seed},")]
        assert 10 <= len(own) < len(expected)
        assert own == expected[: len(own)], "what can be watched are the rows of the result"
    assert [(row["seed"], row["step"] % 5) for row in last] == [(0, 4), (1, 4)]

    with (folder / "rows.csv").open("ab") as torn:
        torn.write(b"0,99,1.")
    running = bench.start_walk(*SEEDS, *SLOW)
    wait_until(lambda: "resumed at" in bench.log(block_of(cell)), "a new start")
    wait_until(lambda: b"\n0,99,1." not in (folder / "rows.csv").read_bytes(), "a file written anew")
    done = running.end()
    assert done.status == 0, done.err
    assert bench.csv(cell) == expected_csv(cell)
    assert not folder.exists(), "the rows are in the store, so the file is gone"


def test_rows_can_be_read_long_before_the_first_checkpoint(bench):
    cell = cell_of(*SLOW[1::2], seeds=2)
    bench.environment["SVGBENCH_CHECKPOINT_SECONDS"] = "1000"
    running = bench.start_walk(*SEEDS, *SLOW)
    folder = bench.store.block_work(block_of(cell))
    wait_until((folder / "rows.csv").exists, "rows")
    assert not (folder / "checkpoint.pt").exists()
    assert (folder / "rows.csv").read_text().startswith(header(cell.columns))
    assert running.end().status == 0
    assert bench.csv(cell) == expected_csv(cell)


def test_a_stray_folder_in_place_of_the_rows_fails_the_block_and_names_it(bench):
    cell = cell_of(seeds=2)
    (bench.store.block_work(block_of(cell)) / "rows.csv").mkdir(parents=True)
    done = bench.walk(*SEEDS)
    assert done.status == 1
    assert "rows.csv" in done.err
