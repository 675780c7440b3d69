"""The README's answers are those that `svgbench compare WORK` prints for the committed results."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import svgbench
from svgbench import reproduce
from svgbench.analysis.judge.answers import answer, work_answer

ROOT = Path(__file__).parents[1]
ROWS = dict(re.findall(r"^\| \[`([a-z-]+)`\]\([^)]*\), [^|]* \| ([^|]+) \|$", (ROOT / "README.md").read_text(), re.M))


def test_every_work_has_a_row():
    assert sorted(ROWS) == sorted({one.work for one in reproduce.experiments().values()} - {"testkit"})


@pytest.mark.parametrize("work", ROWS)
def test_the_answer_is_the_one_that_compare_prints(work):
    judged = [svgbench.load(one.id, ROOT / "results").judge()[0] for one in reproduce.resolve(work)]
    assert f" hold? {ROWS[work]}." in work_answer(reproduce.title_of(work), judged)


def test_the_page_of_sac_svg_begins_with_what_compare_says_of_table_2():
    """Copy the first sentences of `svgbench compare sac-svg/table2` into the page when results are committed."""
    text = (ROOT / "svgbench/reproduce/sac_svg/README.md").read_text(encoding="utf-8")
    quoted = " ".join(line.removeprefix("> ") for line in text.splitlines() if line.startswith("> "))
    assert quoted == answer(svgbench.load("sac-svg/table2", ROOT / "results").judge()[0])
