"""Tables on one screen: what a terminal shows of them without --verbose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from svgbench.analysis.show.tables import DisplayTable, render

SHORT_MARK = "the best on its task, and what a test at 5 % does not tell apart from it"


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
    exchanged if this is shorter, and with a shorter meaning of the mark.
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
    return min((render(shape, "text", width) for shape in shapes), key=lambda shown: shown.count("\n"))


def exchanged(grid: DisplayTable) -> DisplayTable:
    """The table with rows and columns exchanged."""
    rows = [(head, tuple(cells[j] for _, cells in grid.rows)) for j, head in enumerate(grid.columns)]
    return replace(grid, columns=tuple(label for label, _ in grid.rows), rows=tuple(rows))


def _exchangeable(grid: DisplayTable) -> bool:
    """Whether every row stands for itself: rows under another one, such as published numbers, are indented."""
    return not grid.corner and not any(label.startswith(" ") for label, _ in grid.rows)
