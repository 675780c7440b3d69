"""What a report says of a search: which settings were chosen, by which rule, and whether they are written so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from svgbench.analysis.report.data import ExperimentPart
from svgbench.analysis.search.choice_text import choice_sentences, choice_tables, rule
from svgbench.analysis.search.choosing import Choice, Written
from svgbench.words.search import Search


@dataclass(frozen=True)
class Chosen:
    """A search with its choices at one budget, and the values that the experiment is written with."""

    search: Search
    found: Sequence[Choice]
    written: Sequence[Written]


def of_search(part: ExperimentPart, chosen: Chosen) -> ExperimentPart:
    """The part of a search: its choices instead of a table whose bests would be no answer."""
    if not part.begun:
        return part
    search = chosen.search
    said = list(choice_sentences(search, chosen.found, chosen.written))
    answer = f"{rule(search)} {said[-1]}."
    return replace(
        part,
        standing=standing(chosen.written),
        answer=answer,
        caption=answer,
        tables=(),
        choices=tuple(choice_tables(search, part.shown, chosen.found)),
        chosen=(rule(search), *said[1:]),
    )


def standing(written: Sequence[Written]) -> str:
    """The result in a word or two: "chosen", "chosen in part", "not chosen yet", "written otherwise"."""
    words = Counter(row.word for row in written)
    if words["NOT_CHOSEN"]:
        return "written otherwise"
    if words["INCOMPLETE"]:
        return "chosen in part" if words["CHOSEN"] else "not chosen yet"
    return "chosen"
