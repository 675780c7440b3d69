"""The report as one HTML page: no request to anywhere, readable without JavaScript."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from svgbench.analysis.report.data import Report
from svgbench.analysis.report.inks import variables
from svgbench.analysis.show.grids import Amount, DisplayTable, Entry, RoundedInterval, amount_of, lines_of
from svgbench.words.experiment import BUDGETS

SHAPES = {
    **dict.fromkeys(("yes", "SUPPORTED", "REPRODUCED", "done", "EQUIVALENT", "IDENTICAL", "chosen"), "●"),
    **dict.fromkeys(("in part", "mixed", "partial", "nothing against it so far", "chosen in part"), "◐"),
    **dict.fromkeys(("no", "REFUTED", "written otherwise"), "✕"),
    **dict.fromkeys(("open", "INCONCLUSIVE", "CONSISTENT"), "○"),
    **dict.fromkeys(("WORSE", "LOWER"), "▼"),
    **dict.fromkeys(("BETTER", "HIGHER"), "▲"),
    **dict.fromkeys(("INCOMPLETE",), "…"),
}
"""A shape beside each word, so that a reader finds equal ones at a glance; the word says it."""
MEANINGS = {
    "yes": "Every claim is SUPPORTED.",
    "in part": "Some claims are SUPPORTED, others are not or differ between tasks.",
    "nothing against it so far": "Some claims are SUPPORTED and none is REFUTED; others are not decided.",
    "no": "No claim is SUPPORTED and at least one is REFUTED.",
    "open": "Nothing is decided.",
    "SUPPORTED": "The whole 95 % interval lies on the claim's side of its threshold.",
    "REFUTED": "The whole interval lies on the other side.",
    "mixed": "The tasks or settings of a claim have different verdicts.",
    "INCONCLUSIVE": "The interval contains the threshold, or the budget or the number of seeds is too small to tell.",
    "INCOMPLETE": "Runs are missing.",
    "REPRODUCED": "Our mean equals the published one within a margin that was fixed before the runs.",
    "WORSE": "Our mean differs from the published one for the worse, by more than the margin.",
    "BETTER": "Our mean differs from the published one for the better, by more than the margin.",
    "CONSISTENT": "The means are within the margin, but equality is not shown.",
    "NOT_COMPARABLE": "The published number means something else, or belongs to another budget.",
    "HIGHER": "One measurement exceeds the other (of two measurements, not of a published number).",
    "LOWER": "One measurement is below the other.",
    "EQUIVALENT": "Two measurements are equal within the margin.",
    "chosen": "A search for settings: the experiment is written with the settings that its rule chose.",
    "chosen in part": "Some settings of a search are chosen; runs are missing for the others.",
    "written otherwise": "The experiment is not written with the settings that the search chose.",
}
OTHER_SHAPE = "–"
VERDICTS = {word for word in (*SHAPES, "NOT_COMPARABLE") if word.isupper()}
LONG = 12  # rows of a table; a longer one is folded
QUOTE = 140  # characters of a sentence in the table of verdicts


def html(report: Report) -> str:
    """The page. Equal reports give equal text."""
    environment = Environment(
        loader=PackageLoader("svgbench.analysis.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"cell": cell, "shape": shape, "is_number": is_number, "kind": kind, "brief": brief}
    environment.filters |= {"drawing": Markup, "tally": tally, "is_long": is_long}
    drawn = [picture.svg for one in report.experiments for picture in one.pictures]
    return environment.get_template("page.html").render(
        title=report.title,
        summary=report.summary,
        works=report.works,
        claims=report.claims,
        claim_words=list(dict.fromkeys(claim.verdict for _, claim in report.claims)),
        notes=report.notes,
        version=report.version,
        inks=variables(drawn),
        budget_names=BUDGETS,
        meanings=MEANINGS,
    )


def cell(entry: Entry) -> Markup:
    """A table's cell: its lines, and the best of a column in bold."""
    amount = amount_of(entry)
    if amount is not None and amount.best:
        rest = str(Amount("", amount.spread, amount.n, amount.more))
        return Markup("<strong>{}</strong> {}").format(amount.mean, rest)
    first, *lines = lines_of(entry)
    word = first.split(" ")[0]
    mark = Markup('<span class="shape {}" aria-hidden="true">{}</span> ').format(kind(word), shape(word))
    return Markup("<br>").join([(mark if word in VERDICTS else Markup()) + first, *lines])


def is_number(entry: Entry) -> bool:
    return amount_of(entry) is not None or isinstance(entry, RoundedInterval)


def shape(word: str) -> str:
    return SHAPES.get(word.split(" (")[0], OTHER_SHAPE)


def kind(word: str) -> str:
    """The group of a word, for its colour: "for", "against", "between", "open"."""
    groups = {"●": "for", "▲": "for", "✕": "against", "▼": "against", "◐": "between"}
    return groups.get(shape(word), "open")


def brief(text: str) -> str:
    return textwrap.shorten(text, QUOTE, placeholder=" …")


def tally(words: Iterable[str]) -> str:
    """ "12 in part, 6 yes", commonest first."""
    return ", ".join(f"{count} {word}" for word, count in Counter(words).most_common())


def is_long(grid: DisplayTable) -> bool:
    return len(grid.rows) > LONG
