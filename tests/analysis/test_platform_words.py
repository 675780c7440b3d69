"""Which words count for a platform, and what they say of their number of seeds: from made-up cells."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_cells import OUTLOOK, by_key, cell, claim, compared, experiment, sample

from svgbench.analysis.judge.answers import Judged
from svgbench.analysis.judge.replicated import on_each, unlike
from svgbench.analysis.judge.verdicts import compare
from svgbench.analysis.read.on_platforms import OnPlatform
from svgbench.analysis.show.answer_text import summary_lines


@pytest.mark.parametrize(("shared", "counts"), [(2, False), (4, False), (5, True)])
def test_a_verdict_on_a_platform_rests_on_as_many_paired_seeds_as_a_cell_must_have(shared, counts):
    """Both cells have five seeds or more there, and a difference is of the seeds that both have."""
    made = experiment((claim(compared(">")),))
    cells = {"paper": by_key(cell("a", sample(10.0, 0.5, 10)), cell("b", sample(7.0, 0.5, 10)))}
    first = compare(made, cells)
    right = range(5 - shared, 10 - shared)
    there = {"paper": by_key(cell("a", sample(10.0, 0.5, 5)), cell("b", dict(zip(right, [7.0] * 5, strict=True))))}
    (found,) = on_each(first, made, cells, [OnPlatform("Intel", there, False)])
    assert [(w.platform, w.n) for w in found.platforms] == ([("Intel", 5)] if counts else [])
    few = {"paper": by_key(cell("a", [9.0, 10.0, 11.0]), cell("b", [1.0, 2.0, 1.0]))}
    (found,) = on_each(compare(made, few), made, few, [OnPlatform("Intel", few, False)])
    assert [w.n for w in found.platforms] == [3], "the first measurement has no more"


def test_a_number_of_tasks_is_no_number_of_seeds():
    one = replace(claim(compared(">"), tasks=("t", "u")), at_least=2)
    made = experiment((one,))

    right = sample(7.0, 0.5, 6)

    def cells(left):
        return {"paper": by_key(*(cell(v, x, task) for task in "tu" for v, x in (("a", left), ("b", right))))}

    here, there = cells(sample(10.0, 0.5, 6)), cells(sample(4.0, 0.5, 6))
    on = [OnPlatform("AMD", here, whole=True), OnPlatform("Intel", there, whole=False)]
    verdicts = on_each(compare(made, here), made, here, on)
    over = next(v for v in verdicts if not v.task)
    assert [(w.verdict, w.n) for w in over.platforms] == [("SUPPORTED", 2), ("REFUTED", 2)]
    assert over.as_row()["by_platform"] == "AMD: SUPPORTED; Intel: REFUTED"
    assert unlike([over], {}) == [("", "SUPPORTED on AMD, REFUTED on Intel")]
    assert unlike(verdicts, {}) == [("", "SUPPORTED on AMD (n = 6), REFUTED on Intel (n = 6)")]


def test_without_room_for_a_column_a_line_says_on_how_many_platforms_a_claim_is_the_same():
    names = ("natural-gradient-solves-the-easier-of-them", "c")
    made = experiment(tuple(replace(claim(compared(">")), id=name) for name in names))
    cells = {"paper": by_key(cell("a", sample(10.0, 0.5, 6)), cell("b", sample(7.0, 0.5, 6)))}
    on = [OnPlatform("AMD", cells, whole=True), OnPlatform("Intel", cells, whole=False)]
    judged = Judged(made, on_each(compare(made, cells), made, cells, on), OUTLOOK)
    narrow, wide = (summary_lines(judged, width) for width in (72, 100))
    heads = [next(line for line in lines if line.startswith("claim ")).split() for lines in (narrow, wide)]
    assert heads == [["claim", "verdict", "n", "open"], ["claim", "verdict", "platforms", "n", "open"]]
    assert "platforms: 2/2 natural-gradient-solves-the-easier-of-them, c" in narrow
    assert not any(line.startswith("platforms:") for line in wide)
