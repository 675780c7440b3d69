"""Two results folders: what one of them lacks, damaged files, screens and rows for programs."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from toy import EXPERIMENT, fill
from two_folders import CELL, ONE, diff, drop, edit, folder, line, meta_of, said

from svgbench.analysis.judge.difference import differences
from svgbench.analysis.show.difference_text import difference_lines
from svgbench.lab.cells import Selection, expand
from svgbench.lab.store import Store
from svgbench.lab.stored import stored_cells
from svgbench.words.claims import Measure
from svgbench.words.errors import DamagedError
from svgbench.words.experiment import Variant


def test_another_column_is_no_other_number_and_no_other_bits_either(tmp_path) -> None:
    a, b = (folder(tmp_path / name, {CELL: line}) for name in "ab")
    cell = expand(EXPERIMENT, Selection(budget="paper"))[0]
    path, meta = Store(b).csv_path(cell), meta_of(b, cell)
    lines = [f"{text},{'more' if i == 0 else '1.0'}\n" for i, text in enumerate(path.read_text().splitlines())]
    path.write_text("".join(lines))
    for seed, entry in meta["seeds"].items():
        own = "".join(text for text in lines if text.startswith(f"{seed},"))
        entry["sha256"] = hashlib.sha256(own.encode()).hexdigest()
    edit(Store(b), cell, seeds=meta["seeds"], columns=[*meta["columns"], "more"])
    (found,) = diff(a, b)
    assert (found.seen, found.differs, found.leaves) == ("columns", True, None)
    assert [(v.verdict, v.value) for v in found.verdicts] == [("EQUIVALENT", 0.0)] * 2
    assert "columns: [" in said([found])


def test_cells_and_seeds_that_a_side_lacks_are_a_line(store, experiment, tmp_path) -> None:
    shutil.copytree(store.root / "toy/fig1/paper", tmp_path / "copy/toy/fig1/paper")
    lines = difference_lines(diff(store.root, tmp_path / "copy"), 80)
    assert lines == ["Same bits in 4 of 4 cells.", "", "Only in A: 4 cells (toy/fig1 smoke 4)."]
    back = difference_lines(diff(tmp_path / "copy", store.root), 80)
    assert back[-1] == "Only in B: 4 cells (toy/fig1 smoke 4)."
    five, three = (folder(tmp_path / str(n), {CELL: line}, seeds=n) for n in (5, 3))
    (found,) = diff(five, three)
    assert (found.seen, found.seeds, found.only_a, found.only_b) == ("same", (0, 1, 2), (3, 4), ())
    assert said([found]) == "Same bits in 1 of 1 cell. A has seeds that B lacks, in 1 cell: seeds 3-4."
    assert [row["verdict"] for row in diff(five, tmp_path / "nothing")[0].rows()] == ["ONLY_IN_A"]
    assert said(diff(five, tmp_path / "nothing")).startswith("Nothing to compare")


def test_without_a_common_seed_statistics_are_not_paired(tmp_path) -> None:
    a, b = (folder(tmp_path / name, {CELL: line}, seeds=4) for name in "ab")
    cells_a, cells_b = stored_cells(a), stored_cells(b)
    (key,) = cells_a
    low, high = replace(cells_a[key], seeds=(0, 1)), replace(cells_b[key], seeds=(2, 3))
    (found,) = differences({key: low}, {key: high}, [key], {ONE.id: ONE})
    assert (found.seen, found.differs, found.traces) == ("other seeds", False, ())
    (verdict,) = found.verdicts
    assert verdict.value == pytest.approx(2.0)
    assert "(n=2 against n=2)" in verdict.reason
    assert said([found]).startswith("Same bits in 0 of 1 cell; 1 cell without a common seed.")


def test_a_seed_that_diverged_on_one_side_only_is_a_difference(tmp_path) -> None:
    a, b = (folder(tmp_path / name, {CELL: line}) for name in "ab")
    cell = expand(EXPERIMENT, Selection(budget="paper"))[0]
    meta = meta_of(b, cell)
    meta["seeds"]["2"] |= {"status": "diverged", "reason": "step 3: a loss is nan"}
    edit(Store(b), cell, seeds=meta["seeds"])
    (found,) = diff(a, b)
    assert (found.seen, found.differs) == ("changed", True)
    assert said([found]).startswith("1 of 1 cell differs, in how a seed ended.")
    assert "seed 2 is done in A and diverged in B" in said([found])


def test_an_experiment_that_is_not_declared_is_compared_all_the_same(tmp_path) -> None:
    a, b = folder(tmp_path / "a", {CELL: line}), folder(tmp_path / "b", {CELL: lambda s, t: line(s, t) + t})
    cells_a, cells_b = stored_cells(a), stored_cells(b)
    (found,) = differences(cells_a, cells_b, list(cells_a), {})
    assert (found.seen, [v.verdict for v in found.verdicts]) == ("changed", ["INCONCLUSIVE"])
    assert found.verdicts[0].reason == "toy/fig1 is not declared here"


def test_a_measure_that_one_side_cannot_read_is_named(tmp_path) -> None:
    a, b = folder(tmp_path / "a", {CELL: line}), folder(tmp_path / "b", {CELL: line}, steps=4)
    at_4 = replace(EXPERIMENT, measures=(Measure("score", "at 4", {"step": 4}),))
    (found,) = diff(a, b, at_4)
    assert [(v.setting, v.verdict) for v in found.verdicts] == [("at 4", "ONLY_IN_A")]
    assert found.leaves == 4


def test_rows_for_programs_are_flat_and_have_the_same_keys(tmp_path) -> None:
    a = folder(tmp_path / "a", {CELL: line, ("toy/hard", "ours"): line, ("toy/hard", "theirs"): line})
    b = folder(tmp_path / "b", {CELL: line, ("toy/hard", "ours"): lambda s, t: line(s, t) * (1 + 1e-8 * t)})
    rows = [row for cell in diff(a, b) for row in cell.rows()]
    assert len({tuple(row) for row in rows}) == 1
    assert all(isinstance(value, str | int | float | bool | None) for row in rows for value in row.values())
    assert [row["seen"] for row in rows] == ["same", "same", "rounding", "rounding", "only in A"]
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["rival"] for row in rows} == {"A"}


def test_many_different_cells_fit_a_screen(tmp_path) -> None:
    variants = tuple(
        Variant(f"a-variant-with-quite-a-long-name-{i}", "", EXPERIMENT.variants[0].learner) for i in range(10)
    )
    experiment = replace(EXPERIMENT, variants=variants)
    for name in "ab":
        store = Store(tmp_path / name)
        for i, cell in enumerate(expand(experiment, Selection(budget="smoke"))):
            fill(store, cell, lambda s, t, i=i, n=name: line(s, t) + (5.0 + i + s / 9 if n == "b" else 0.0))
            if name == "b":
                long = {f"setting_{k}": [k] * 40 for k in range(9)} | {f"key{i}": 1}
                edit(store, cell, config=long, config_hash=f"{i}", columns=["score", "phase"])
    found = diff(tmp_path / "a", tmp_path / "b", experiment)
    lines = difference_lines(found, 80)
    assert len(lines) <= 40
    assert lines[0] == "20 of 20 cells differ, beyond rounding."
    assert "--verbose" in " ".join(lines)
    whole = difference_lines(found, 80, verbose=True)
    assert all(any(v.id in "\n".join(whole) for v in variants) for v in variants)


@pytest.mark.parametrize(
    ("damage", "said_of_it"),
    [
        (lambda j, c: c.write_bytes(c.read_bytes()[:-3]), "first or last line is not whole"),
        (lambda j, c: c.write_bytes(c.read_bytes().replace(b"10.0", b"10.1", 1)), "not those that were written"),
        (lambda j, c: c.write_bytes(b"\xff\x00" * 40), "is damaged"),
        (lambda j, c: resealed(j, c, b"0,1,", b"0,1.5,"), "a step that is not a whole number: '1.5'"),
        (lambda j, c: resealed(j, c, b"train", b"train,1,2"), "more or fewer values than columns"),
        (lambda j, c: c.unlink(), "is gone"),
        (lambda j, c: j.write_bytes(b"{"), "it is not JSON"),
        (lambda j, c: j.write_bytes(b"\xff\xfe"), "it is not JSON"),
        (lambda j, c: j.write_bytes(b"[]"), "is not a cell's JSON"),
        (lambda j, c: j.write_text(json.dumps(drop(j, "task"))), "no task"),
        (lambda j, c: j.write_text(json.dumps(drop(j, "columns") | {"columns": [1]})), "a wrong columns"),
        (
            lambda j, c: j.write_text(json.dumps(drop(j, "seeds") | {"seeds": {"0": {"status": "done"}}})),
            "not a seed's",
        ),
        (
            lambda j, c: j.write_text(json.dumps(drop(j, "seeds") | {"seeds": {"x": {"status": "done"}}})),
            "not a seed's",
        ),
        (
            lambda j, c: j.write_text(j.read_text().replace('"done"', '"done", "earlier_platforms": "AMD"')),
            "not a seed's",
        ),
        (lambda j, c: j.write_text(json.dumps(drop(j, "task") | {"task": "toy/hard"})), "was it renamed?"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path, damage, said_of_it) -> None:
    a, b = (folder(tmp_path / name, {CELL: line}) for name in "ab")
    cell = expand(EXPERIMENT, Selection(budget="paper"))[0]
    damage(Store(b).json_path(cell), Store(b).csv_path(cell))
    with pytest.raises(DamagedError, match=said_of_it) as raised:
        diff(a, b)
    assert "\n" not in str(raised.value)
    assert cell.name in str(raised.value)


def test_strays_in_a_folder_are_no_cells(tmp_path) -> None:
    a, b = (folder(tmp_path / name, {CELL: line}) for name in "ab")
    for root in (a, b):
        place = root / "toy/fig1/paper"
        (place / "._toy-easy--ours.json").write_bytes(b"\x00")
        (place / "notes.json").write_text("{}")
        (root / ".work/superseded/toy").mkdir(parents=True)
        (root / "figures").mkdir()
    assert said(diff(a, b)) == "Same bits in 1 of 1 cell."


def resealed(meta: Path, rows: Path, old: bytes, new: bytes) -> None:
    """Edit the rows of a cell and put the hashes right, as a program other than svgbench might write them."""
    data = rows.read_bytes().replace(old, new, 1)
    rows.write_bytes(data)
    found = json.loads(meta.read_bytes())
    for seed, entry in found["seeds"].items():
        own = [text for text in data.splitlines(keepends=True) if text.startswith(f"{seed},".encode())]
        entry["sha256"] = hashlib.sha256(b"".join(own)).hexdigest()
    meta.write_text(json.dumps(found))
