"""What an import finds, in lines for a terminal and as rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from svgbench.analysis.read.import_words import Imported, Preview
from svgbench.analysis.read.naming import name_seeds

MOST_RUNS, MOST_COLUMNS = 20, 20
"""Lines of a kind in a preview; `--json` has all."""
NOTHING = dict.fromkeys(("name", "becomes", "seed", "rows", "first_step", "last_step", "file"))


def preview_lines(preview: Preview, width: int) -> list[str]:
    """The format, the runs, and what becomes of each column."""
    lines = [f"{preview.format}: {preview.title}", ""]
    if preview.runs:
        table = [
            (str(run["seed"]), str(run["rows"]), str(run["first_step"]), str(run["last_step"]), run["file"])
            for run in preview.runs[:MOST_RUNS]
        ]
        lines += [*_grid([("seed", "rows", "first step", "last step", "from"), *table], width), ""]
        if len(preview.runs) > MOST_RUNS:
            lines[-1:] = [f"and {len(preview.runs) - MOST_RUNS} more runs: --json", ""]
    stored = [(name, ours) for name, ours in preview.columns.items() if ours]
    left = [(name, "not stored") for name, ours in preview.columns.items() if not ours]
    shown = [*stored, *left[: max(MOST_COLUMNS - len(stored), 0)]]
    lines += _grid([("becomes", "column"), *((ours, repr(name)) for name, ours in shown)], width)
    if len(shown) < len(preview.columns):
        lines.append(f"and {len(preview.columns) - len(shown)} more columns, not stored: --json")
    return [*lines, ""]


def _grid(rows: Sequence[tuple[str, ...]], width: int) -> Iterator[str]:
    """Columns two blanks apart; the last one loses its beginning where the line is too long."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    room = max(width - sum(widths) - 2 * len(widths), 12)
    for row in rows:
        last = row[-1] if len(row[-1]) <= room else f"...{row[-1][3 - room :]}"
        numbers = row[0].isdecimal() or row[0] == "seed"
        cells = (text.rjust(size) if numbers else text.ljust(size) for text, size in zip(row[:-1], widths, strict=True))
        yield "  ".join((*cells, last))


def imported_lines(done: Imported, dry_run: bool) -> Iterator[list[str]]:
    """Per cell, what was stored, or would be, and its notes."""
    for cell in done.cells:
        would = "would be written: " if dry_run else ""
        head = f"{would}{cell.path}: {len(cell.seeds)} runs ({name_seeds(cell.seeds)}), {cell.rows} rows"
        yield [head, *(f"  {note}" for note in cell.notes)]


def imported_rows(done: Imported) -> list[dict[str, Any]]:
    """Flat rows of the kinds "run", "column", "cell" and "note"."""
    preview = done.preview
    rows: list[dict[str, Any]] = [{"kind": "run", **NOTHING, **run} for run in preview.runs]
    for name, ours in preview.columns.items():
        rows.append({"kind": "column", **NOTHING, "name": name, "becomes": ours or "not stored"})
    for cell in done.cells:
        rows.append({"kind": "cell", **NOTHING, "name": str(cell.path), "becomes": f"{len(cell.seeds)} runs"})
        rows[-1]["rows"] = cell.rows
    notes = [*(note for cell in done.cells for note in cell.notes), *done.notes]
    return rows + [{"kind": "note", **NOTHING, "name": note} for note in notes]
