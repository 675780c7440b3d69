"""The pages of the works: each mean with its SD, and each interval, is one that a command prints.

Paragraphs on runs that are not in `results/` say so: they name a commit, the history, or that they were not committed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

import pytest
from harness import ROOT

import svgbench
from svgbench import reproduce
from svgbench.lab.cells import Selection

PAGES = {path.parent.name.replace("_", "-"): path for path in ROOT.glob("svgbench/reproduce/*/README.md")}
NUMBER = r"-?\d+(?:,\d{3})*(?:\.\d+)?"
WITH_SD = re.compile(rf"({NUMBER}) ± ({NUMBER})")
WITH_INTERVAL = re.compile(rf"({NUMBER})(?: of the steps more)? \[({NUMBER}), ({NUMBER})\]")
ELSEWHERE = re.compile(r"commit|history")


Means = list[tuple[float, float]]
Effects = list[tuple[float, float, float]]


def printed(work: str) -> tuple[Means, Effects]:
    """What the commands print of a work: (mean, SD) of cells and of papers, and (value, low, high) of verdicts."""
    means: Means = []
    effects: Effects = []
    for declared in reproduce.resolve(work):
        study = svgbench.load(declared.id, ROOT / "results")
        rows = chain.from_iterable(study.table_rows(Selection(budget)) for budget in study.budgets())
        means += [(row["mean"], row["sd"]) for row in rows if row["mean"] is not None and row["sd"] is not None]
        table = study.published()
        means += [(float(n.value), float(n.spread)) for n in (table.numbers if table else ()) if n.spread is not None]
        judged, _ = study.judge()
        parts = chain.from_iterable((v, *v.details, *(p.robust for p in v.details)) for v in judged.verdicts)
        found = [(p.value, p.low, p.high) for p in parts if p is not None]
        effects += [effect for effect in found if None not in effect]
    return means, effects


def paragraphs(text: str) -> Iterator[str]:
    """Paragraphs, points and table rows, each on one line."""
    for block in re.split(r"\n(?=\n|\s*[*|] )", text):
        yield " ".join(block.split())


def rounds_to(value: float, text: str) -> bool:
    """Whether a number is printed like this with as many decimals; halves may go either way."""
    step = 10.0 ** -len(text.partition(".")[2])
    return abs(value - float(text.replace(",", ""))) <= step / 2 * (1 + 1e-6)


@pytest.mark.parametrize("work", sorted(PAGES))
def test_means_with_their_sds_and_intervals_are_printed_by_a_command(work):
    """One test for each work, because judging its experiments takes seconds. A page may say "behind by 5" where the
    verdict has -5.
    """
    means, effects = printed(work)
    for where in paragraphs(PAGES[work].read_text(encoding="utf-8")):
        if ELSEWHERE.search(where):
            continue
        for mean, sd in WITH_SD.findall(where):
            assert any(rounds_to(a, mean) and rounds_to(b, sd) for a, b in means), f"{mean} ± {sd}: {where}"
        for value, low, high in WITH_INTERVAL.findall(where):
            assert any(
                all(map(rounds_to, effect, (value, low, high)))
                or all(map(rounds_to, (-effect[0], -effect[2], -effect[1]), (value, low, high)))
                for effect in effects
            ), f"{value} [{low}, {high}]: {where}"


def test_the_numbers_of_a_page_are_found():
    text = "* A return of 1,000 ± 20.5\n  and a lead of -3 [-5, -1.5].\n* Another.\n| x | 7 ± 1 |\n\nA commit: 9 ± 9."
    found = list(paragraphs(text))
    assert [WITH_SD.findall(one) for one in found] == [[("1,000", "20.5")], [], [("7", "1")], [("9", "9")]]
    assert WITH_INTERVAL.findall(found[0]) == [("-3", "-5", "-1.5")]
    assert [bool(ELSEWHERE.search(one)) for one in found] == [False, False, False, True]
    assert rounds_to(1000.49, "1,000")
    assert not rounds_to(1.49, "2")
    assert not rounds_to(83.469, "84")
