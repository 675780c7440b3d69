"""Curves of rows that grow, and the characters that show them."""

from __future__ import annotations

import math

import pytest

from svgbench.lab.curves import BLOCKS, PLAIN, Curve, can_show_blocks, mean, sparkline
from svgbench.lab.rows import RowsFile

COLUMNS = ("side", "position")


def rows(steps, seeds=(0, 1)):
    return [{"seed": s, "step": t, "side": "up", "position": 10.0 * t + s} for t in steps for s in seeds]


def test_a_curve_is_the_mean_over_seeds_and_grows_with_its_files(tmp_path):
    one, two = (RowsFile(tmp_path / name, COLUMNS) for name in "ab")
    curve = Curve(COLUMNS, "position")
    curve.read(one.path)
    assert curve.points() == []
    known = rows([0, 1])
    one.update(known, at_once=True)
    curve.read(one.path)
    assert curve.points() == [(0, 0.5), (1, 10.5)]
    known += [{"seed": 0, "step": 2, "side": "up", "position": math.nan}, *rows([2], seeds=(1,))]
    one.update(known, at_once=True)
    curve.read(one.path)
    assert curve.points()[-1] == (2, 21.0), "what is not finite has no place in a mean"
    two.update(rows([0], seeds=(3,)), at_once=True)
    curve.read(two.path)
    assert curve.points()[0] == (0, pytest.approx(4 / 3))
    assert curve.points([two.path]) == [(0, 3.0)]
    RowsFile(tmp_path / "a", COLUMNS).restart(rows([0]))
    curve.read(one.path)
    assert curve.points([one.path]) == [(0, 0.5)], "the block began anew"


def test_a_file_of_other_columns_or_of_words_has_no_curve(tmp_path):
    file = RowsFile(tmp_path, ("position",))
    file.update([{"seed": 0, "step": 0, "position": 1.0}], at_once=True)
    curve = Curve(COLUMNS, "position")
    curve.read(file.path)
    words = Curve(("position",), "position")
    file.path.write_text("seed,step,position\n0,0,high\n0,x,1.0\n0\n")
    words.read(file.path)
    assert curve.points() == words.points() == []


@pytest.mark.parametrize(
    ("values", "width", "expected"),
    [
        ([], 8, ""),
        ([1.0], 8, "▄"),
        ([2.0, 2.0, 2.0], 8, "▄▄▄"),
        (list(range(8)), 8, BLOCKS),
        (list(range(80)), 8, BLOCKS),
        ([0.0, 1.0], 0, ""),
        ([1e300, -1e300], 2, "█▁"),
        ([3, 0, 0, 3], 2, "▄▄"),
    ],
)
def test_sparklines(values, width, expected):
    assert sparkline(values, width) == expected
    assert sparkline(values, width, plain=True) == "".join(PLAIN[BLOCKS.index(c)] for c in expected)


@pytest.mark.parametrize(("encoding", "can"), [("utf-8", True), ("ascii", False), ("latin-1", False), (None, False)])
def test_which_encodings_show_blocks(encoding, can):
    assert can_show_blocks(encoding) is can


def test_values_of_a_learner_that_diverges_are_drawn(tmp_path):
    """Their sum and their distance are too large for a float; a run must not end because of its own bar."""
    assert sparkline([1e308, -1e308, 1e308], 3) == "█▁█"
    assert sparkline([1e308, 1.5e308, 1.7e308, 1e308], 2) == "▁█"
    assert mean([1e308, 1.5e308, 0.5e308]) == pytest.approx(1e308)
    file = RowsFile(tmp_path / "a", COLUMNS)
    file.update([{"seed": s, "step": 0, "side": "up", "position": 1.5e308} for s in range(3)], at_once=True)
    curve = Curve(COLUMNS, "position")
    curve.read(file.path)
    assert curve.points() == [(0, pytest.approx(1.5e308))]
