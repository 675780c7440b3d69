"""Tables as text, Markdown, LaTeX and CSV. Nothing is computed here."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from svgbench.analysis.show.grids import (
    MISSING,
    Amount,
    DisplayTable,
    Entry,
    Measured,
    Quoted,
    Rounded,
    RoundedInterval,
    amount_of,
)
from svgbench.analysis.show.table_markup import latex_of, markdown_of
from svgbench.analysis.show.table_text import text_of

__all__ = [
    "FORMATS",
    "MISSING",
    "Amount",
    "DisplayTable",
    "Entry",
    "Measured",
    "Quoted",
    "Rounded",
    "RoundedInterval",
    "amount_of",
    "csv_of",
    "render",
]

FORMATS = ("text", "markdown", "latex", "csv")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a text that a spreadsheet takes for a formula."""


def render(grid: DisplayTable, format: str = "text", width: int = 80) -> str:
    """The grid as "text", "markdown" or "latex", ending in one newline.

    Only "text" has a width. ValueError for another format (a CSV is made of rows, by `csv_of`), or a width below 5.
    """
    match format:
        case "text":
            return text_of(grid, width).strip("\n") + "\n"
        case "markdown":
            return markdown_of(grid) + "\n"
        case "latex":
            return latex_of(grid) + "\n"
    raise ValueError(f"no format '{format}' for a grid (there are: text, markdown, latex)")


def csv_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Flat rows as CSV: each number is in its own column with all digits, and a missing one is empty.

    A text that a spreadsheet would take for a formula gets an apostrophe in front, which a spreadsheet does not show.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
    writer.writerows([_plain(value) for value in row.values()] for row in rows)
    return out.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return repr(value) if isinstance(value, float) else value
