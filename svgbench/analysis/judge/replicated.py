"""Whether a verdict is the same on every platform: it is judged again with each platform's own cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from svgbench.analysis.judge.judgement import Cells, PlatformWord, PublishedNumbers, Verdict
from svgbench.analysis.judge.verdict_words import word_over
from svgbench.analysis.judge.verdicts import compare
from svgbench.analysis.read.on_platforms import FEWEST, OnPlatform
from svgbench.lab.cells import Selection
from svgbench.words.experiment import Experiment

UNJUDGED = ("INCOMPLETE", "NOT_COMPARABLE")
MOST_UNLIKE = 3
"""Most places of a claim that are listed beside its verdict."""


def on_each(
    verdicts: Sequence[Verdict],
    experiment: Experiment,
    cells: Mapping[str, Cells],
    found: Sequence[OnPlatform],
    published: PublishedNumbers | None = None,
    asked: Selection | None = None,
) -> list[Verdict]:
    """The verdicts, each with what it is on every platform that has all of its cells at its budget.

    `cells` are those behind the verdicts, by budget. Whether a level can be reached is a fact about the task, so it is
    taken from all of them. A verdict that is INCOMPLETE or NOT_COMPARABLE has no platform, nor has one against a rival.
    Where several platforms have measured a part of its cells and none has all, a caveat names them.
    """
    words: dict[str, list[PlatformWord]] = {}
    for one in found:
        again = verdicts if one.whole else compare(experiment, one.cells, published, asked=asked, shown=cells)
        for verdict in again:
            word = PlatformWord(one.name, verdict.verdict, verdict.budget, verdict.n)
            words.setdefault(verdict.id, []).append(word)
    judged = [replace(verdict, platforms=_measured(verdict, words.get(verdict.id, []))) for verdict in verdicts]
    return [replace(verdict, caveats=(*verdict.caveats, *_together(verdict, found))) for verdict in judged]


def _measured(verdict: Verdict, words: Sequence[PlatformWord]) -> tuple[PlatformWord, ...]:
    if verdict.verdict in UNJUDGED or verdict.rival:
        return ()
    least = 0 if verdict.unit == "tasks" else min(FEWEST, verdict.n)  # cells with five seeds may share one or two only
    return tuple(w for w in words if w.verdict not in UNJUDGED and w.budget == verdict.budget and w.n >= least)


def _together(verdict: Verdict, found: Sequence[OnPlatform]) -> tuple[str, ...]:
    if verdict.platforms or verdict.rival or verdict.verdict in UNJUDGED or verdict.unit == "tasks":
        return ()
    names = [
        one.name
        for one in found
        if any(
            cell.seeds_done and variant in verdict.variants and verdict.task in (task, "")
            for (task, variant), cell in one.cells.get(verdict.budget, {}).items()
        )
    ]
    return (f"measured on {' and '.join(sorted(names))} together",) if len(names) > 1 else ()


def over_platforms(verdicts: Sequence[Verdict]) -> list[tuple[str, str, int | None]]:
    """A claim on each platform that has every place of its verdicts: the platform, the word over the places, the
    smallest number of seeds (a number of tasks is none). Of one verdict alone, the same."""
    judged = [v for v in verdicts if v.verdict not in UNJUDGED]
    found: list[tuple[str, str, int | None]] = []
    for name in dict.fromkeys(w.platform for v in judged for w in v.platforms):
        words = [(v, w) for v in judged for w in v.platforms if w.platform == name]
        if len(words) == len(judged):
            there = [replace(v, verdict=w.verdict, n=w.n) for v, w in words]
            found.append((name, word_over(there), min((v.n for v in there if v.unit != "tasks"), default=None)))
    return found


def same_on(verdicts: Sequence[Verdict]) -> tuple[int, int]:
    """On how many platforms a claim comes out as its verdicts say, and on how many it is judged."""
    found = over_platforms(verdicts)
    word = word_over([v for v in verdicts if v.verdict not in UNJUDGED] or verdicts)
    return sum(own == word for _, own, _ in found), len(found)


def is_told(verdicts: Sequence[Verdict]) -> bool:
    """Whether platforms are worth a word: a verdict is judged on two, or is not the same on the only one."""
    return any(len(v.platforms) > 1 or _is_unlike(v) for v in verdicts)


def unlike(verdicts: Sequence[Verdict], labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """What is not the same on every platform, as a place and "SUPPORTED on AMD 25/17 (n = 5), REFUTED on Intel 6/207
    (n = 5)": a claim as a whole, with the place "", or else each of its places that is not. `labels` are the tasks'.

    Where the platforms agree with each other and not with the first measurement, its word is named too.
    """
    same, judged = same_on(verdicts)
    if same < judged:
        first = word_over([v for v in verdicts if v.verdict not in UNJUDGED])
        return [("", _on_each(first, over_platforms(verdicts)))]
    return [
        (
            " ".join([labels.get(v.task, v.task), *v.setting.split()]),
            _on_each(v.verdict, [(w.platform, w.verdict, None if v.unit == "tasks" else w.n) for w in v.platforms]),
        )
        for v in verdicts
        if _is_unlike(v)
    ]


def in_words(verdicts: Sequence[Verdict], labels: Mapping[str, str]) -> str:
    """ "on 2 of 2 platforms", or what is not the same on every platform; "" if there is nothing to tell."""
    if found := unlike(verdicts, labels):
        told = [f"{place}: {words}" if place else words for place, words in found[:MOST_UNLIKE]]
        return "; ".join([*told, *([f"and {len(found) - MOST_UNLIKE} more"] if len(found) > MOST_UNLIKE else [])])
    same, judged = same_on(verdicts)
    return f"on {same} of {judged} platforms" if judged > 1 else ""


def _is_unlike(verdict: Verdict) -> bool:
    return any(word.verdict != verdict.verdict for word in verdict.platforms)


def _on_each(first: str, words: Sequence[tuple[str, str, int | None]]) -> str:
    agree = len({word for _, word, _ in words}) == 1
    each = [f"{word} on {name}" + ("" if n is None else f" (n = {n})") for name, word, n in words]
    return ", ".join([*([f"{first} as first measured"] if agree else []), *each])
