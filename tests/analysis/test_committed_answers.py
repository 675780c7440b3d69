"""What `svgbench compare WORK` says of the committed results: within a screen of 80 x 40, and as the README and the
page on robustness repeat it.

One test for each work, because judging its experiments takes seconds.
"""

from __future__ import annotations

import re

import pytest
from harness import ROOT

import svgbench
from svgbench import reproduce
from svgbench.analysis.judge.answers import answer, work_answer
from svgbench.analysis.show.answer_text import SCREEN, several_lines, summary_lines

ROWS = dict(re.findall(r"^\| \[`([a-z-]+)`\]\([^)]*\), [^|]* \| ([^|]+) \|$", (ROOT / "README.md").read_text(), re.M))
"""The README's answer for each work. Copy it from `svgbench compare WORK` when results are committed."""
ROBUSTNESS = (ROOT / "docs/robustness.md").read_text(encoding="utf-8")
_WORD = r"[A-Z]+(?: \([a-z ]+\))?"
DISAGREE = re.findall(rf"^\| `([a-z0-9-]+)` \| `([a-z0-9/-]+)`[^|]* \| ({_WORD}) \| ({_WORD}) \|", ROBUSTNESS, re.M)
"""Its verdicts on which means and medians disagree: the claim, the experiment, and both words."""


def test_the_page_on_robustness_has_rows_of_every_kind_of_word():
    assert len(DISAGREE) >= 5
    assert {name.partition("/")[0] for _, name, *_ in DISAGREE} <= set(ROWS)


def test_every_work_has_a_row_in_the_readme():
    assert sorted(ROWS) == sorted({one.work for one in reproduce.experiments().values()} - {"testkit"})


@pytest.mark.parametrize("work", ROWS)
def test_answers_read_within_a_screen_and_stand_in_the_readme(work):
    judged = [svgbench.load(one.id, ROOT / "results").judge()[0] for one in reproduce.resolve(work)]
    assert f" hold? {ROWS[work]}." in work_answer(reproduce.title_of(work), judged)
    claiming = [one for one in judged if one.experiment.claims]
    for one in claiming:
        lines = fitting(summary_lines(one, 80))
        claims = {claim.id for claim in one.experiment.claims}
        assert not one.begun or claims <= {line.split()[0] for line in lines if line}, "a line for each claim"
        if one.experiment.id == "sac-svg/table2":
            assert answer(one) == quoted_on_the_page("sac_svg")
    disagree = {(v.claim, one.experiment.id, v.disagreement) for one in judged for v in one.verdicts if v.disagreement}
    assert disagree == {
        (claim, name, f"{means} by means, {medians} by medians")
        for claim, name, means, medians in DISAGREE
        if name.startswith(f"{work}/")
    }
    for one in judged:
        for verdict in one.verdicts:
            assert verdict.cause != "coverage" or f"`{verdict.claim}`" in ROBUSTNESS
    lines = fitting(several_lines(claiming, reproduce.title_of(work), 80))
    assert lines[0].startswith("Do the results of ")
    for one in claiming:
        assert not one.begun or any(line.startswith(f"{one.experiment.id}: ") for line in lines)


def fitting(lines):
    assert lines[-1]
    assert len(lines) <= SCREEN
    assert all(len(line) <= 80 for line in lines)
    return lines


def quoted_on_the_page(folder):
    """The answer that a work's page begins with. Copy it from `svgbench compare` too."""
    text = (ROOT / f"svgbench/reproduce/{folder}/README.md").read_text(encoding="utf-8")
    return " ".join(line.removeprefix("> ") for line in text.splitlines() if line.startswith("> "))
