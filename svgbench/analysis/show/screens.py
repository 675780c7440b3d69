"""Tables on one screen: what a terminal shows of them without --verbose."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace

from svgbench.analysis.show.tables import Amount, DisplayTable, Entry, amount_of, render

SHORT_MARK = "the best on its task, and what a test at 5 % does not tell apart from it"

WHOLE = 100.0
"""From this size on, a column of means has no decimals."""
LABEL, HEAD = 28, 9
"""Widths at which names of rows and of columns are broken where space is short."""


def whole_text(grids: Sequence[DisplayTable], width: int) -> str:
    """All grids. A note or a mark that the last one has too appears only there."""
    last = grids[-1]
    bare = [
        replace(
            grid,
            notes=tuple(note for note in grid.notes if note not in last.notes),
            mark="" if grid.mark == last.mark else grid.mark,
        )
        for grid in grids[:-1]
    ]
    return "\n".join(render(grid, "text", width) for grid in (*bare, last))


def screenful(grids: Sequence[DisplayTable], width: int, most: int) -> str:
    """As many of the grids as fit `most` lines: all, else the first one, whose notes name the others.

    If even that is longer, because its columns need several tables below each other, it is shown with rows and columns
    exchanged if this is shorter, and with a shorter meaning of the mark. If no shape fits, only means are shown.
    """
    text = whole_text(grids, width)
    if text.count("\n") <= most:
        return text
    others = [grid.measure for grid in grids[1:]]
    note = [f"also measured: {'; '.join(others)}: --verbose"] if others else []
    first = replace(grids[0], notes=(*grids[0].notes, *note))
    text = render(first, "text", width)
    if text.count("\n") <= most:
        return text
    first = replace(first, mark=SHORT_MARK if first.mark else "")
    shapes = [first, *([exchanged(first)] if _exchangeable(first) else [])]
    shown = [render(shape, "text", width) for shape in shapes]
    if all(one.count("\n") > most for one in shown):
        shown += [render(means_only(shape), "text", width) for shape in shapes]
    return min(shown, key=lambda one: one.count("\n"))


def means_only(grid: DisplayTable) -> DisplayTable:
    """The table without spreads and n, with long names broken. A column with numbers from `WHOLE` has no decimals."""
    columns = [_means([cells[j] for _, cells in grid.rows]) for j in range(len(grid.columns))]
    rows = [(_broken(label, LABEL), tuple(column[i] for column in columns)) for i, (label, _) in enumerate(grid.rows)]
    heads = tuple(_broken(head, HEAD) for head in grid.columns)
    notes = (*grid.notes, "means only; spreads and n: --verbose")
    return replace(grid, columns=heads, rows=tuple(rows), notes=notes)


def _broken(name: str, width: int) -> str:
    indent = name[: len(name) - len(name.lstrip())]
    return textwrap.fill(name, width, subsequent_indent=f"{indent}  " if width == LABEL else "", break_long_words=False)


def _means(entries: Sequence[Entry]) -> list[Entry]:
    amounts = [amount_of(entry) for entry in entries]
    whole = any(abs(float(amount.mean)) >= WHOLE for amount in amounts if amount is not None)
    found: list[Entry] = []
    for entry, amount in zip(entries, amounts, strict=True):
        if amount is None:
            found.append(entry)
        else:
            mean = f"{float(amount.mean):.0f}" if whole else amount.mean
            found.append(Amount(mean, "", "", amount.more if amount.more.endswith("diverged") else "", amount.best))
    return found


def exchanged(grid: DisplayTable) -> DisplayTable:
    """The table with rows and columns exchanged."""
    rows = [(head, tuple(cells[j] for _, cells in grid.rows)) for j, head in enumerate(grid.columns)]
    return replace(grid, columns=tuple(label for label, _ in grid.rows), rows=tuple(rows))


def _exchangeable(grid: DisplayTable) -> bool:
    """Whether every row stands for itself: rows under another one, such as published numbers, are indented."""
    return not grid.corner and not any(label.startswith(" ") for label, _ in grid.rows)
