"""Watching blocks that run, as a user does: real processes, killed in the middle."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from harness import PATIENCE, Bench, block_of, cell_of, environment, expected_csv, wait_until
from svgbench_testkit.experiments import EXPERIMENTS

from svgbench.analysis.read.frames import read_results
from svgbench.analysis.read.running import with_running
from svgbench.lab.cells import Selection
from svgbench.lab.files import locked
from svgbench.lab.platform import compared
from svgbench.lab.rows import RowsFile, Tail, as_csv, header, parsed, unfinished
from svgbench.lab.store import Store
from svgbench.study import Study
from svgbench.watching import Watch, sentences

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


def test_running_cells_are_shown_with_their_curves_and_as_values(bench):
    long = ("-o", "slices=600", "-o", "slice_seconds=0.2")
    cell = cell_of(*long[1::2], seeds=2)
    words = ("status", "testkit/walk", "--budget", "smoke", "--seeds", "2", *long)
    assert bench(*words, "--running").err.splitlines()[-1] == "nothing runs"
    running = bench.start_walk(*SEEDS, *long)
    wait_until(lambda: bench.done_slices(block_of(cell)) >= 4, "four slices")
    (row,) = bench(*words, "--running", "--json").json
    shown = bench(*words, "--running", "--tasks", "field/calm").out
    whole = bench(*words, "--tasks", "field/calm").out
    watching = bench.start("status", "testkit/walk", "--watch", "--json", *long)
    wait_until(lambda: watching.files[0].read_bytes().endswith(b"\n"), "a look")
    running.send(signal.SIGTERM)
    running.end()
    looks = [json.loads(line) for line in watching.end().out.splitlines()]

    rows = [line.split(",") for line in expected_csv(cell).decode().splitlines()[1:]]
    by_step = {}
    for _, step, position, _ in rows:
        by_step.setdefault(int(step), []).append(float(position))
    assert (row["task"], row["variant"].partition("+")[0], row["seeds"]) == ("field/calm", "drift", [0, 1])
    assert row["measure"] == "position"
    assert row["steps"] == list(range(len(row["steps"])))
    assert len(row["steps"]) >= 15
    assert row["values"] == pytest.approx([sum(by_step[step]) / 2 for step in row["steps"]])
    assert row["value"] == pytest.approx(sum(by_step[row["step"]]) / 2)
    assert 0.0 < row["done"] < 1.0
    line = shown.splitlines()[-1]
    assert "field/calm drift" in line
    assert "position" in line
    assert "\u2581" in line
    assert len(line) <= 80
    assert "\u2581" in whole, "status alone shows it too"
    assert "running" in whole
    assert looks[-1] == [], "it ends when nothing runs"
    assert looks[0][0]["variant"] == row["variant"]


def test_a_replica_that_runs_is_shown(bench):
    """Also one that begins while somebody watches."""
    cell = replace(cell_of(seeds=2), replica="AuthenticAMD-25-17-0123abcd")
    block = block_of(cell)
    watch = Watch([(Study(EXPERIMENTS[0], bench.results), Selection("smoke"))])
    assert watch.rows() == []
    rows = [{"seed": s, "step": t, "position": float(t), "side": "up"} for t in range(9) for s in (0, 1)]
    with locked(bench.store.block_lock(block)):
        RowsFile(bench.store.block_work(block), cell.columns).update(rows, at_once=True)
        (row,) = watch.rows()
        shown = sentences([row], 80, plain=True)
        status = bench.status()["drift"]
        below = bench("status", "testkit/walk", "--budget", "smoke").out
    assert (row["variant"], row["replica"], row["values"]) == ("drift", cell.replica, [float(t) for t in range(9)])
    assert shown[0].startswith("field/calm drift (replica)")
    assert (status["status"], status["replicas_unfinished"]) == ("missing", f"{cell.replica} running")
    assert "field/calm drift (replica)" in below
    assert watch.rows() == []


def read_until(terminal, process, words):
    """What the program prints on its terminal until all of the words have come, or until its end."""
    text, deadline = "", time.monotonic() + PATIENCE
    while not all(word in text for word in words) or not words:
        assert time.monotonic() < deadline, text
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                text += os.read(terminal, 65536).decode()
            except OSError:  # Linux's end of a terminal that nobody holds
                break
        elif process.poll() is not None:
            break
    return text


def test_watching_imports_nothing_slow_and_draws_in_place_on_a_terminal(tmp_path):
    store, cell = Store(tmp_path / "results"), cell_of(seeds=2)
    block = block_of(cell)
    rows = [{"seed": s, "step": t, "position": float(t * t), "side": "up"} for t in range(9) for s in (0, 1)]
    RowsFile(store.block_work(block), cell.columns).update(rows, at_once=True)
    report = {"done": 9, "total": 18, "rows": rows[-2:]}
    (store.block_work(block) / "progress.json").write_text(json.dumps(report))
    program = (
        "import sys, svgbench.commands.watching as w; w.REFRESH_SECONDS = 0.1\n"
        "from svgbench import cli\n"
        "sys.argv[1:] = ['status', 'testkit/walk', '--watch', '--results', sys.argv[1]]\n"
        "try: cli.main()\n"
        "finally: print('slow:', [m for m in ('torch', 'scipy', 'matplotlib', 'gymnasium') if m in sys.modules])\n"
    )
    ours, theirs = pty.openpty()
    how = environment(extra={"TERM": "xterm", "PYTHONIOENCODING": "utf-8"})
    with locked(store.block_lock(block)):
        command = [sys.executable, "-c", program, str(store.root)]
        process = subprocess.Popen(command, env=how, stdout=theirs, stderr=theirs, stdin=theirs)
        os.close(theirs)
        text = read_until(ours, process, ["position 64", "\u2588"])
    text += read_until(ours, process, ["slow:"])
    text += read_until(ours, process, [])
    os.close(ours)
    assert process.wait(PATIENCE) == 0
    assert "field/calm drift" in text
    assert " 50 %, step 8" in text
    assert "\u2581" in text
    assert "\x1b[2J" not in text, "the screen is not cleared"
    assert "slow: []" in text
    assert "nothing runs" in text


def test_a_figure_shows_unfinished_rows_as_such_and_no_verdict_reads_them(tmp_path):
    bench = Bench(tmp_path / "results")
    cells = {name: cell_of(seeds=2, variant=name) for name in ("drift", "still")}
    rows = [{"seed": s, "step": t, "position": 0.1 * t + s, "side": "up"} for t in range(9) for s in (0, 1)]
    entry = {"status": "done", "rows": 9, "platform": compared("cpu")}
    texts = {s: as_csv([row for row in rows if row["seed"] == s], cells["still"].columns) for s in (0, 1)}
    bench.store.merge(cells["still"], texts, dict.fromkeys((0, 1), entry))
    words = ("testkit/walk", "--budget", "smoke", "--tasks", "field/calm", "--seeds", "2")
    refused = bench("plot", *words, "--running", "--output", str(tmp_path / "figures"))
    assert (refused.status, "no unfinished block of testkit/walk has rows" in refused.err) == (2, True)

    before = bench("compare", *words, "--json").json
    RowsFile(bench.store.block_work(block_of(cells["drift"])), cells["drift"].columns).update(rows[:8], at_once=True)
    done = bench("plot", *words, "--running", "--output", str(tmp_path / "figures"))
    assert done.status == 0, done.err
    assert "1 cell of unfinished blocks: running, not evidence" in done.err
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == [
        "testkit-walk-running.pdf",
        "testkit-walk-running.png",
    ]
    assert bench("compare", *words, "--json").json == before
    results = with_running(*_read(bench, cells["drift"]))
    assert results.labels["drift~running"] == "drift (running, not evidence)"
    drawn = results.cells["field/calm", "drift~running"].frame
    assert (len(drawn), len(results.cells["field/calm", "drift"].frame)) == (8, 0)
    assert drawn.position.tolist() == [0.1 * t + s for s in (0, 1) for t in range(4)]

    file = bench.store.block_work(block_of(cells["drift"])) / "rows.csv"
    file.write_text(file.read_text() + "0,word,1.0,up\n0,9,\0\0,up\n1,9,inf,up\n")  # after a power cut
    assert bench("plot", *words, "--running", "--output", str(tmp_path / "figures")).status == 0
    drawn = with_running(*_read(bench, cells["drift"])).cells["field/calm", "drift~running"].frame
    assert (len(drawn), drawn.position.isna().sum()) == (10, 2)


def _read(bench, cell):
    from svgbench_testkit.experiments import EXPERIMENTS

    selection = Selection("smoke", (0, 1), ("field/calm",))
    return read_results(bench.store, EXPERIMENTS[0], selection), bench.store, selection, {}
