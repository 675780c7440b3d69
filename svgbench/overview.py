"""The short forms of `show` and `list`: what an experiment is, what is done, within a screen. Quick to import."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from svgbench.analysis.read.naming import amount, question
from svgbench.describe import deviations_of
from svgbench.lab.overrides import settings_of
from svgbench.words.claims import Claim
from svgbench.words.experiment import BUDGETS, OURS, Budget, Experiment

if TYPE_CHECKING:
    from svgbench.study import Study

INDENT = 12
MOST_LINES = 3
"""Lines of one field; a longer list ends in "and 5 more"."""
MOST_CLAIMS = 8
SCREEN = 40
"""Lines of a list from which it has no blank line."""
MOST_DEVIATIONS = 36
LEAST_TITLE = 16


def overview_lines(experiment: Experiment, width: int) -> list[str]:
    """An experiment in at most 40 lines: its title, its question and what it declares; the last line names the rest."""
    name, one = experiment.id, experiment
    settings = settings_of(one.variants)
    heads = [f"{name}: {one.title}", *_cut(one.description, width, 2 * MOST_LINES)]
    lines = [line for head in heads for line in textwrap.wrap(head, width, break_on_hyphens=False)]
    asks = f"{question(one)} (svgbench compare {name})" if one.claims or one.published else ""
    lines += ["", *(_field("question", asks, width) if asks else [])]
    lines += _listing("tasks", [f"{task.label} ({task.id})" for task in one.tasks], width)
    lines += _listing("variants", [_variant(variant.id, variant.label) for variant in one.variants], width)
    better = "; ".join(_measure(m.label, m.higher_is_better, m.ranked) for m in one.measures)
    lines += _field("measures", better, width)
    for place, budget in enumerate(one.budgets):
        lines += _field("budgets" if not place else "", _budget(budget, one), width)
    lines += _claims(one.claims, width)
    needed = {*one.needed_columns}
    columns = [f"{c.name} (needed by import)" if c.name in needed else c.name for c in one.columns]
    lines += _listing("columns", columns, width)
    lines += _listing("settings", list(settings), width) if settings else []
    differs = f"in {amount(len(one.deviations), 'way')} (svgbench deviations {name})"
    if changing := [row for row in deviations_of(one) if row["changes_metric"]]:
        differs += f"; {len(changing)} of them may change what {_changed(changing)} means"
    lines += _field("differs", differs, width)
    return [*lines, "", *_wrap(f"settings, columns and claims in full: svgbench show {name} --verbose", width)]


def several_overviews(title: str, experiments: Sequence[Experiment], width: int) -> list[str]:
    """Several experiments, of the work with that title if it is not "": two or three lines each."""
    lines = textwrap.wrap(title, width)
    for one in experiments:
        claims = f", {amount(len(one.claims), 'claim')}" if one.claims else ""
        size = f"{amount(len(one.tasks), 'task')}, {amount(len(one.variants), 'variant')}{claims}"
        lines += textwrap.wrap(f"{one.id}: {one.title} ({size})", width, subsequent_indent="  ", break_on_hyphens=False)
    return [*lines, "", *textwrap.wrap("one of them in a screen: svgbench show with its name", width)]


def deviation_lines(name: str, rows: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    """Differences from the paper, a line each, within a screen; those that change what a number means come first."""
    ordered = sorted(rows, key=lambda row: not row["changes_metric"])
    changing = [row for row in rows if row["changes_metric"]]
    first = "the first" if len(changing) == 1 else f"the first {len(changing)}"
    means = f"; {first} may change what {_changed(changing)} means" if changing else ""
    head = f"{name}: {amount(len(rows), 'known difference')} from the paper{means}"
    lines = [*_wrap(head, width), ""]
    size = max((len(row["id"]) for row in ordered), default=0)
    for row in ordered[:MOST_DEVIATIONS]:
        text = f"{row['ours']} (paper: {row['paper']})"
        if width - size - 2 < LEAST_TITLE:
            lines += _wrap(f"{row['id']}: {_shortened(text, width)}", width)
        else:
            lines.append(_columns([row["id"], _shortened(text, width - size - 2)], [size]))
    more = len(ordered) - MOST_DEVIATIONS
    last = f"{f'{more} more, and ' if more > 0 else ''}what the paper ran, reasons and sources in full: --verbose"
    return [*lines, *([""] if more <= 0 else []), *_wrap(last, width)] if rows else lines[:1]


def _changed(rows: Sequence[Mapping[str, Any]]) -> str:
    """Which numbers deviations change, as rows of `deviations_of`: those of the variants that they name, or any."""
    named = dict.fromkeys(variant for row in rows for variant in row["variants"].split(", "))
    return "a number" if "" in named else f"a number of {', '.join(named)}"


def list_lines(
    rows: Sequence[Mapping[str, Any]], width: int, hidden: Mapping[str, Collection[str]], verbose: bool
) -> list[str]:
    """The rows of `summaries` as text: how many experiments are done, then a line for each that is not hidden, with
    marks that the last lines explain. `hidden` has ids by what they are.

    A title is cut to what the other columns leave; `verbose` wraps it and adds the number of cells.
    """
    shown = [row for row in rows if not any(row["id"] in ids for ids in hidden.values())]
    runs = [f"{row['runs_done']}/{row['runs_total']}" for row in shown]
    longest = max(map(len, ["runs", *runs]))
    heads = ["experiment", *(["cells"] if verbose else []), "runs".rjust(longest), "budget", "title"]
    table = [
        [row["id"], *([str(row["cells"])] if verbose else []), one.rjust(longest), row["budget"] + _marks(row)]
        for row, one in zip(shown, runs, strict=True)
    ]
    sizes = [max(len(head), *(len(cells[j]) for cells in table)) for j, head in enumerate(heads[:-1])]
    room = width - sum(sizes) - 2 * len(sizes)
    lines = [*_wrap(_done(rows), width), "", *([_columns(heads, sizes), "-" * width] if room >= LEAST_TITLE else [])]
    for row, cells in zip(shown, table, strict=True):
        if room < LEAST_TITLE:  # a paragraph for each experiment
            told = f"{cells[0]}: {cells[-2].strip()} {cells[-1]}"
            lines += [*_wrap(told, width), *(f"  {t}" for t in _wrap(row["title"], width - 2))]
            continue
        title = _wrap(row["title"], room) if verbose else [_shortened(row["title"], room)]
        lines.append(_columns([*cells, title[0]], sizes))
        lines += [" " * (width - room) + more for more in title[1:]]
    explained = [f"{mark} {what}" for mark, what in MARKS.items() if any(mark in _marks(row) for row in shown)]
    if len(shown) < len(rows):
        counts = {what: sum(row["id"] in ids for row in rows) for what, ids in hidden.items()}
        left = [amount(n, what, PLURALS.get(what, what)) for what, n in counts.items() if n]
        explained.append(f"and {' and '.join(left)}: --verbose")
    lines += _wrap("; ".join(explained), width) if explained else []
    for spare in ("", "-" * width):
        if len(lines) > SCREEN and spare in lines:
            lines.remove(spare)
    return lines


def _columns(cells: Sequence[str], sizes: Sequence[int]) -> str:
    return "  ".join([*(cell.ljust(size) for cell, size in zip(cells, sizes, strict=False)), cells[-1]]).rstrip()


PLURALS = {"search": "searches"}
MARKS = {"*": f"size: {OURS}", "!": "partly stale", "+": "several platforms"}
"""Behind an experiment's budget: the paper prints no steps and runs; settings or a version have changed since some
cells were measured; some cells have replicas of another platform."""


def _marks(row: Mapping[str, Any]) -> str:
    own = row["budget"] == BUDGETS[0] and row["budget_origin"] == OURS
    told = {"*": own, "!": row["runs_stale"], "+": row["cells_replicated"]}
    return "".join(mark for mark, holds in told.items() if holds)


def _done(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many experiments are done at the paper's budget, done at a smaller one, begun, and not begun."""
    whole = [row for row in rows if row["runs_done"] >= row["runs_total"]]
    counts = {
        "done": sum(row["budget"] == BUDGETS[0] for row in whole),
        "done at a smaller budget": sum(row["budget"] != BUDGETS[0] for row in whole),
        "in part": sum(0 < row["runs_done"] < row["runs_total"] for row in rows),
        "not begun": sum(not row["runs_done"] for row in rows),
    }
    words = ", ".join(f"{n} {what}" for what, n in counts.items() if n)
    return f"{amount(len(rows), 'experiment')}: {words}"


def _variant(name: str, label: str) -> str:
    return name if name == label else f"{name} ({label})"


def _measure(label: str, higher_is_better: bool, ranked: bool) -> str:
    return f"{label} ({'higher' if higher_is_better else 'lower'} is better)" if ranked else label


def _budget(budget: Budget, experiment: Experiment) -> str:
    note = budget.note.removesuffix(f", {budget.seeds} seeds")
    first = f" from {experiment.first_seed}" if experiment.first_seed else ""
    more = ", of some cells more or fewer" if budget.seeds_of else ""
    origin = f", {budget.origin}" if budget.name == BUDGETS[0] else ""
    return f"{budget.name}{origin}: {budget.seeds} seeds{first}{more}{f'; {note}' if note else ''}"


def _claims(claims: Sequence[Claim], width: int) -> list[str]:
    """A line for each claim, with the beginning of its sentence."""
    lines = []
    for place, claim in enumerate(claims[:MOST_CLAIMS]):
        head = ("claims" if not place else "").ljust(INDENT)
        lines.append(_shortened(f'{claim.id}: "{claim.quote}"', width - INDENT))
        lines[-1] = head + lines[-1]
    more = len(claims) - MOST_CLAIMS
    return [*lines, *([f"{' ' * INDENT}and {more} more"] if more > 0 else [])]


def _listing(name: str, items: Sequence[str], width: int) -> list[str]:
    """The number of items and as many of them as fit."""
    for shown in range(len(items), 0, -1):
        more = [f"and {len(items) - shown} more"] if shown < len(items) else []
        lines = _field(name, f"{len(items)}: {'; '.join([*items[:shown], *more])}", width, cut=False)
        if len(lines) <= MOST_LINES:
            return lines
    return _field(name, f"{len(items)}: {items[0]}, ..." if items else "0", width)


def _field(name: str, text: str, width: int, cut: bool = True) -> list[str]:
    lines = _cut(text, width - INDENT, MOST_LINES) if cut else _wrap(text, width - INDENT)
    return [(name if not place else "").ljust(INDENT) + line for place, line in enumerate(lines)]


def _cut(text: str, width: int, most: int) -> list[str]:
    """At most so many lines of a text, the last of which ends in " ..." if there is more."""
    lines = _wrap(text, width)
    if len(lines) <= most:
        return lines
    last = _shortened(f"{lines[most - 1]} {'x' * width}", width)
    return [*lines[: most - 1], last]


def _shortened(text: str, width: int) -> str:
    return textwrap.shorten(text, width, placeholder=" ...", break_on_hyphens=False)


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def summaries(studies: Iterable[Study]) -> list[dict[str, Any]]:
    """One flat row per experiment, for `svgbench list`."""
    rows = []
    for study in studies:
        experiment = study.experiment
        selection = study.reading(None)
        cells: Sequence[Mapping[str, Any]] = study.status(selection)
        rows.append(
            {
                "id": experiment.id,
                "title": experiment.title,
                "cells": len(cells),
                "runs_done": sum(c["seeds_done"] for c in cells),
                "runs_stale": sum(c["seeds_done"] for c in cells if c["status"] == "stale"),
                "runs_total": sum(c["seeds_total"] for c in cells),
                "runs_mixed": sum(len(c["mixed_seeds"].split()) for c in cells),
                "cells_replicated": sum(bool(c["replicated_on"]) for c in cells),
                "replicated_on": "; ".join(
                    dict.fromkeys(on for c in cells for on in c["replicated_on"].split("; ") if on)
                ),
                "budget": selection.budget,
                "budget_origin": experiment.budget(selection.budget).origin,
            }
        )
    return rows
