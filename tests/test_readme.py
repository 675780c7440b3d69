"""The README's answers are those that `svgbench compare WORK` prints for the committed results."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import svgbench
from svgbench import reproduce
from svgbench.analysis.judge.answers import work_answer

ROOT = Path(__file__).parents[1]
ROWS = dict(re.findall(r"^\| \[`([a-z-]+)`\]\([^)]*\), [^|]* \| ([^|]+) \|$", (ROOT / "README.md").read_text(), re.M))


def test_every_work_has_a_row():
    assert sorted(ROWS) == sorted({one.work for one in reproduce.experiments().values()} - {"testkit"})


@pytest.mark.parametrize("work", ROWS)
def test_the_answer_is_the_one_that_compare_prints(work):
    judged = [svgbench.load(one.id, ROOT / "results").judge()[0] for one in reproduce.resolve(work)]
    assert f" hold? {ROWS[work]}." in work_answer(reproduce.title_of(work), judged)
