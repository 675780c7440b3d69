"""The file in which a running block's rows can be read: what is written when, and what a reader takes of it."""

from __future__ import annotations

import os
import time

import pytest
from harness import block_of, cell_of

from svgbench.lab.files import locked
from svgbench.lab.rows import RowsFile, Tail, as_csv, header, parsed, unfinished
from svgbench.lab.store import Store

COLUMNS = ("position", "side")


def rows(first, last, seeds=(0, 1)):
    return [{"seed": s, "step": t, "position": t + 0.1 * s, "side": "up"} for t in range(first, last) for s in seeds]


def expected(found):
    return (header(COLUMNS) + as_csv(found, COLUMNS)).encode()


def test_only_what_is_new_is_added_and_not_too_often(tmp_path):
    file = RowsFile(tmp_path, COLUMNS)
    file.update(rows(0, 3), at_once=False)
    assert not file.path.exists(), "a block of less than a second writes nothing"
    file.update(rows(0, 3), at_once=True)
    assert file.path.read_bytes() == expected(rows(0, 3))
    inode = file.path.stat().st_ino
    file.update(rows(0, 4), at_once=False)
    assert file.path.read_bytes() == expected(rows(0, 3)), "too soon"
    file.wrote -= 2.0
    file.update(rows(0, 4), at_once=False)
    assert file.path.read_bytes() == expected(rows(0, 4))
    assert file.path.stat().st_ino == inode, "the file was not written anew"


def test_a_file_that_somebody_removed_is_whole_again(tmp_path):
    file = RowsFile(tmp_path, COLUMNS)
    file.update(rows(0, 3), at_once=True)
    file.path.unlink()
    file.update(rows(0, 4), at_once=True)
    assert file.path.read_bytes() == expected(rows(0, 4))


def test_files_left_by_an_earlier_process_are_replaced(tmp_path):
    earlier = RowsFile(tmp_path, COLUMNS)
    earlier.update(rows(0, 9), at_once=True)
    with earlier.path.open("ab") as file:
        file.write(b"0,9,9.")
    (tmp_path / ".rows.csv.x.tmp").touch()
    RowsFile(tmp_path, COLUMNS).restart(rows(0, 2))
    assert earlier.path.read_bytes() == expected(rows(0, 2))
    assert os.listdir(tmp_path) == ["rows.csv"]


def test_a_tail_gives_whole_lines_and_says_when_the_file_begins_anew(tmp_path):
    file = RowsFile(tmp_path, COLUMNS)
    tail = Tail(file.path)
    assert tail.read() == (False, [])
    file.update(rows(0, 1), at_once=True)
    anew, lines = tail.read()
    assert anew
    assert b"".join(lines) == expected(rows(0, 1))
    with file.path.open("ab") as torn:
        torn.write(b"0,1,1.")
    assert tail.read() == (False, [])
    with file.path.open("ab") as rest:
        rest.write(b"0,up\n")
    assert tail.read() == (False, [b"0,1,1.0,up\n"])
    RowsFile(tmp_path, COLUMNS).restart(rows(0, 1))
    anew, lines = tail.read()
    assert anew
    assert b"".join(lines) == expected(rows(0, 1))


@pytest.mark.parametrize(
    "text",
    [b"", b"seed,step,other\n0,0,1.0\n", b"\xff\xfe\x00\n", b"0,0,1.0,up\n"],
    ids=["empty", "other columns", "no text", "no header"],
)
def test_a_file_of_another_kind_has_no_rows(text):
    assert parsed(text.splitlines(keepends=True), COLUMNS, (0, 1)) == []


def test_rows_of_other_seeds_and_lines_that_are_no_rows_are_skipped():
    lines = [header(COLUMNS).encode(), b"0,0,1.0,up\n", b"2,0,1.0,up\n", b"0,1\n", b"\xff\n", b"1,0,nan,down\n"]
    found = parsed(lines, COLUMNS, (0, 1))
    assert found == [
        {"seed": "0", "step": "0", "position": "1.0", "side": "up"},
        {"seed": "1", "step": "0", "position": "nan", "side": "down"},
    ]


def test_blocks_that_have_begun_are_found_with_their_reports_and_rows(tmp_path):
    store, cell = Store(tmp_path), cell_of(seeds=4)
    assert unfinished(store, cell) == []
    block = block_of(cell, 1)
    RowsFile(store.block_work(block), cell.columns).update(rows(0, 2, (2, 3)), at_once=True)
    (store.block_work(block) / "progress.json").write_text('{"done": 1, "total": 6}')
    (found,) = unfinished(store, cell)
    assert (found.seeds, found.running, found.progress()["total"]) == ((2, 3), False, 6)
    assert [row["seed"] for row in found.rows(cell.columns)] == ["2", "3", "2", "3"]
    with locked(store.block_lock(block)):
        assert unfinished(store, cell)[0].running
    (store.block_work(block) / "progress.json").write_text("[")
    assert found.progress() == {}


def test_work_of_a_cell_with_other_settings_does_not_count(tmp_path):
    store, cell = Store(tmp_path), cell_of(seeds=2)
    RowsFile(store.block_work(block_of(cell)), cell.columns).update(rows(0, 2), at_once=True)
    assert unfinished(store, cell_of("drift=0.7", seeds=2)) == []


def test_adding_rows_does_not_write_the_others_again(tmp_path):
    """Adding a row costs what the row costs, however many are there."""
    file, many = RowsFile(tmp_path, COLUMNS), rows(0, 50_000)
    file.update(many, at_once=True)
    begun = time.process_time()
    for one in rows(50_000, 50_050):
        many.append(one)
        file.update(many, at_once=True)
    added = time.process_time() - begun
    begun = time.process_time()
    RowsFile(tmp_path / "whole", COLUMNS).update(many, at_once=True)
    assert added < 5 * (time.process_time() - begun)
