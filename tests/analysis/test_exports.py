"""Results for other programs: what each format holds, and that ours reads it back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from toy import fill
from toy_imports import PAPER, an_import

from svgbench.analysis.read.frames import Results, read_results
from svgbench.analysis.read.importing import import_results
from svgbench.analysis.show import exports, following
from svgbench.commands import exchanging
from svgbench.lab.cells import Cell, expand
from svgbench.lab.store import CellState, Store
from svgbench.study import Study
from svgbench.words.errors import UsageError
from svgbench.words.experiment import Experiment

OURS = replace(PAPER, variants=("ours",))


@pytest.fixture
def thirds(store: Store, experiment: Experiment) -> Results:
    """Results whose numbers no short decimal holds."""
    for cell in expand(experiment, OURS):
        store.csv_path(cell).unlink()
        store.json_path(cell).unlink()
        fill(store, cell, lambda seed, step: (seed + 1) / 3 + step / 7)
    return read_results(store, experiment, OURS)


def write(format_: str, results: Results, folder: Path) -> list[Path]:
    return exports.export_of(format_).write(results, folder)


def test_a_csv_comes_back_to_the_last_bit(
    store: Store, experiment: Experiment, thirds: Results, tmp_path: Path
) -> None:
    (file,) = write("csv", thirds, tmp_path / "out")
    assert file.name == "toy_fig1_paper.csv"
    done = import_results(store, experiment, an_import(file, variant="again"))
    assert [cell.rows for cell in done.cells] == [15, 15]
    again = read_results(store, experiment, replace(PAPER, variants=("again",))).frame()
    pd.testing.assert_frame_equal(
        again.drop(columns="variant"), thirds.frame().drop(columns="variant"), check_exact=True
    )


def test_parquet_holds_the_same_rows(thirds: Results, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    (file,) = write("parquet", thirds, tmp_path)
    table = parquet.read_table(file)
    pd.testing.assert_frame_equal(table.to_pandas(), thirds.frame(), check_exact=True, check_dtype=False)
    assert table.schema.metadata[b"experiment"] == b"toy/fig1"
    assert table.schema.metadata[b"budget"] == b"paper"


def test_rliable_has_runs_by_tasks_of_each_algorithm(store: Store, experiment: Experiment, tmp_path: Path) -> None:
    results = read_results(store, experiment, PAPER)
    (key, cell), *_ = results.cells.items()
    fewer = replace(cell, frame=cell.frame[cell.frame["seed"] != 1])
    npz, about = write("rliable", replace(results, cells={**results.cells, key: fewer}), tmp_path)
    scores = dict(np.load(npz))
    assert {name: array.shape for name, array in scores.items()} == {"ours": (4, 2), "theirs": (5, 2)}
    assert scores["ours"].tolist() == [[12.0 + 0.1 * seed] * 2 for seed in (0, 2, 3, 4)]
    said = json.loads(about.read_text())
    assert said["seeds"] == {"ours": [0, 2, 3, 4], "theirs": [0, 1, 2, 3, 4]}
    assert said["tasks"] == ["toy/easy", "toy/hard"]
    assert said["scores"]["theirs"] == scores["theirs"].tolist()
    assert said["left_out"] == {}


def test_a_failed_seed_has_the_worst_score_in_rliable_and_not_its_last_one(
    store: Store, experiment: Experiment, tmp_path: Path
) -> None:
    results = read_results(store, experiment, PAPER)
    cell = results.cells["toy/easy", "ours"]
    broken = {("toy/easy", "ours"): replace(cell, diverged=(2,))}
    npz, about = write("rliable", replace(results, cells={**results.cells, **broken}), tmp_path)
    scores, said = dict(np.load(npz)), json.loads(about.read_text())
    assert said["failed"] == {"ours": {"toy/easy": [2]}}
    assert said["seeds"]["ours"] == [0, 1, 2, 3, 4]
    others = np.delete(scores["ours"][:, 0], 2)
    assert scores["ours"][2].tolist() == [min(*others, *scores["theirs"][:, 0]), scores["ours"][2, 1]]
    every = {("toy/easy", "ours"): replace(cell, diverged=cell.seeds)}
    npz, about = write("rliable", replace(results, cells={**results.cells, **every}), tmp_path)
    assert set(np.load(npz)["ours"][:, 0]) == {scores["theirs"][:, 0].min()}
    assert json.loads(about.read_text())["failed"] == {"ours": {"toy/easy": [0, 1, 2, 3, 4]}}


def test_a_variant_without_a_task_is_left_out_of_rliable_and_said(
    store: Store, experiment: Experiment, my_csv: Path, tmp_path: Path
) -> None:
    rows = my_csv.read_text().splitlines(keepends=True)
    my_csv.write_text("".join(row for row in rows if "toy/hard" not in row))
    import_results(store, experiment, an_import(my_csv))
    npz, about = write("rliable", read_results(store, experiment, PAPER), tmp_path)
    assert set(np.load(npz)) == {"ours", "theirs"}
    assert json.loads(about.read_text())["left_out"] == {"mine": "no results on toy/hard"}


def test_event_files_are_what_tensorboard_reads(thirds: Results, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    (folder,) = write("tensorboard", thirds, tmp_path / "out")
    (file,) = (folder / "toy-hard--ours" / "seed-3").iterdir()
    reader = accumulator.EventAccumulator(str(file.parent))
    reader.Reload()
    assert reader.Tags()["scalars"] == ["score"]
    read = [(event.step, event.value) for event in reader.Scalars("score")]
    assert read == [(step, np.float32(4 / 3 + step / 7).item()) for step in range(3)]
    before = {path: path.read_bytes() for path in folder.rglob("events*")}
    assert len(before) == 10
    write("tensorboard", thirds, tmp_path / "out")
    assert {path: path.read_bytes() for path in folder.rglob("events*")} == before


def test_event_files_come_back(store: Store, experiment: Experiment, thirds: Results, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    (folder,) = write("tensorboard", thirds, tmp_path / "out")
    bare = replace(experiment, columns=experiment.columns[:1])
    wanted = an_import(folder / "toy-easy--ours", variant="again", task="toy/easy", seed_from=r"seed-(\d+)")
    (done,) = import_results(store, bare, replace(wanted, map={"step": "step"})).cells
    assert (done.seeds, done.rows) == ((0, 1, 2, 3, 4), 15)


def test_nothing_to_export_is_refused(experiment: Experiment, tmp_path: Path) -> None:
    empty = read_results(Store(tmp_path / "none"), experiment, PAPER)
    for format_ in exports.names():
        with pytest.raises(UsageError, match="nothing to export"):
            write(format_, empty, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unknown_format_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="no format 'parquett'; did you mean 'parquet'"):
        exports.export_of("parquett")


def test_a_block_that_ends_between_two_reads_is_not_written_twice(
    store: Store, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows are then in the store, and its folder is not yet removed."""
    cell = expand(experiment, OURS)[0]
    header, *lines = store.rows(cell).decode().splitlines()
    rows = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    block = SimpleNamespace(running=True, rows=lambda columns: rows)
    state, looks, written = Store.state, [], []

    def state_of(own: Store, of: Cell) -> CellState:
        return state(own, of) if looks else CellState("running")

    def unfinished(own: Store, of: Cell) -> list[SimpleNamespace]:
        looks.append(of)  # the block ends here
        return [block] if len(looks) == 1 else []

    monkeypatch.setattr(Store, "state", state_of)
    monkeypatch.setattr(following, "unfinished", unfinished)
    growing = SimpleNamespace(add=lambda task, variant, new: written.extend(new))
    follower = following.Follower(store, [cell], growing)
    assert [follower.step() for _ in range(3)] == [(len(rows), True), (0, False), (0, False)]
    assert written == rows


def test_following_ends_when_no_block_has_run_for_a_while(
    store: Store, experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    monkeypatch.setattr(following, "IDLE_SECONDS", 0.02)
    monkeypatch.setattr(following, "POLL_SECONDS", 0.01)
    exchanging._follow([(Study(experiment, store.root), OURS)], "tensorboard", tmp_path / "out")
    out, err = capsys.readouterr()
    assert out == f"{tmp_path}/out/toy/fig1\n"
    assert err == "30 rows written\n"
    reader = accumulator.EventAccumulator(str(tmp_path / "out/toy/fig1/paper/toy-easy--ours/seed-4"))
    reader.Reload()
    assert [event.step for event in reader.Scalars("score")] == [0, 1, 2]
    exchanging._follow([(Study(experiment, tmp_path / "none"), OURS)], "tensorboard", tmp_path / "out")
    assert "no rows: no block has run, and the store has none" in capsys.readouterr().err
