"""Tables as text. A grid of strings goes in; text, Markdown, LaTeX or CSV comes out. Nothing is computed here."""

from __future__ import annotations

import csv
import io
import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FORMATS = ("text", "markdown", "latex", "csv")
MISSING = "missing"
GAP = 2  # blanks between columns of text


@dataclass(frozen=True)
class Grid:
    """A table of strings. A cell may hold several lines; None is a missing cell and prints as "missing"."""

    title: str
    corner: str  # above the row labels
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str | None]]]  # label and cells, one cell per column
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        for label, cells in self.rows:
            if len(cells) != len(self.columns):
                raise ValueError(f"row '{label}' has {len(cells)} cells, the table {len(self.columns)} columns")


def render(grid: Grid, format: str = "text", width: int = 80) -> str:
    """The grid as "text", "markdown", "latex" or "csv", ending in one newline.

    Only "text" has a width: what is wider is cut into tables below one another, by columns, so that no line is
    longer than `width`. CSV leaves out title and notes. ValueError for another format, or a width below 5.
    """
    match format:
        case "text":
            return _text(grid, width).strip("\n") + "\n"
        case "markdown":
            return _markdown(grid) + "\n"
        case "latex":
            return _latex(grid) + "\n"
        case "csv":
            return _csv(grid)
    raise ValueError(f"no format '{format}' (there are: {', '.join(FORMATS)})")


def format_mean_spread(mean: float | None, spread: float | None = None, n: int | None = None) -> str:
    """Mean, spread and n, the spread to two significant digits and the mean to the same decimal.

    What is None or NaN is left out; without a mean the cell is missing.

    >>> format_mean_spread(123.4321, 5.62, 10), format_mean_spread(4473.36, 893.44), format_mean_spread(None)
    ('123.4 ± 5.6 (10)', '4473 ± 893', 'missing')
    """
    if mean is None or math.isnan(mean):
        return MISSING
    number = f"{mean:g}" if math.isinf(mean) else _mean_spread(mean, spread)
    return number if n is None else f"{number} ({n})"


def _mean_spread(mean: float, spread: float | None) -> str:
    if spread is not None and math.isinf(spread):
        return f"{_mean_spread(mean, None)} ± inf"
    if spread is not None and math.isnan(spread):
        spread = None
    # The power of ten of the last digit shown. Rounding may carry: a spread of 9.96 is 10.
    last = _exponent(float(f"{spread:.1e}")) - 1 if spread else _exponent(mean) - 3
    finest = _exponent(mean) - 9 if mean else last  # ten digits of a mean are enough
    largest = max(abs(mean), spread or 0.0)
    scientific = largest != 0 and not 1e-3 <= largest < 1e9
    text = _digits(mean, max(last, finest), scientific)
    if spread is None:
        return text
    return f"{text} ± {spread:.1e}" if last < finest else f"{text} ± {_digits(spread, last, scientific)}"


def _digits(x: float, last: int, scientific: bool) -> str:
    """`x` to the digit worth 10**last, never coarser than units unless scientific."""
    if scientific:
        return f"{x:.{max(_exponent(x) - last, 0)}e}" if x else "0"
    text = f"{x:.{max(-last, 0)}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _exponent(x: float) -> int:
    return math.floor(math.log10(abs(x))) if x else 0


def _lines(cell: str | None) -> list[str]:
    """A cell's lines, without tabs and other white space that would break a layout."""
    text = MISSING if cell is None else cell
    return [re.sub(r"[^\S ]", " ", line).rstrip() for line in text.split("\n")]


def _one_line(cell: str | None) -> str:
    return " ".join(_lines(cell))


# ---- text


def _text(grid: Grid, width: int) -> str:
    if width < 5:
        raise ValueError(f"width {width}: a table needs at least 5")
    table: list[list[list[str]]] = [
        [_lines(cell) for cell in line]
        for line in [(grid.corner, *grid.columns), *((label, *cells) for label, cells in grid.rows)]
    ]
    natural = [max(len(text) for line in table for text in line[j]) for j in range(len(grid.columns) + 1)]
    label, *widths = _fitted(natural, width)
    right = [all(_numeric(cells[j]) for _, cells in grid.rows) for j in range(len(grid.columns))]
    parts = [_wrapped(grid.title, width)] if grid.title else []
    for group in _groups(label, widths, width):
        chosen = [0, *(j + 1 for j in group)]
        sizes = [label, *(widths[j] for j in group)]
        flush = [False, *(right[j] for j in group)]
        parts.append(_subtable([[line[j] for j in chosen] for line in table], sizes, flush))
    if grid.notes:
        parts.append("\n".join(_wrapped(note, width) for note in grid.notes))
    return "\n\n".join(parts)


def _fitted(natural: list[int], width: int) -> list[int]:
    """Widths of label and columns such that the label and any one column fit side by side."""
    label, *columns = natural
    widest = max(columns, default=0)
    room = width - GAP
    label = min(label, max(room - widest, room // 2) if columns else width)
    return [label, *(min(w, room - label) for w in columns)]


def _groups(label: int, widths: list[int], width: int) -> list[list[int]]:
    """Columns that stand side by side: from the left, as many as fit."""
    groups: list[list[int]] = []
    used = 0
    for j, w in enumerate(widths):
        if groups and used + GAP + w <= width:
            groups[-1].append(j)
            used += GAP + w
        else:
            groups.append([j])
            used = label + GAP + w
    return groups or [[]]


def _subtable(table: list[list[list[str]]], sizes: list[int], right: list[bool]) -> str:
    cut = [[_cut(cell, size) for cell, size in zip(line, sizes, strict=True)] for line in table]
    printed = [_side_by_side(line, sizes, right) for line in cut]
    head, body = printed[0], printed[1:]
    rule = "-" * (sum(sizes) + GAP * (len(sizes) - 1))
    between = "\n\n" if any("\n" in line for line in body) else "\n"
    return "\n".join([head, rule, between.join(body)]).rstrip("\n")


def _cut(lines: list[str], size: int) -> list[str]:
    return [part for line in lines for part in ([line] if len(line) <= size else _wrap(line, size))]


def _side_by_side(cells: list[list[str]], sizes: list[int], right: list[bool]) -> str:
    height = max(len(cell) for cell in cells)
    lines = []
    for k in range(height):
        texts = [cell[k] if k < len(cell) else "" for cell in cells]
        padded = [t.rjust(s) if r else t.ljust(s) for t, s, r in zip(texts, sizes, right, strict=True)]
        lines.append((" " * GAP).join(padded).rstrip())
    return "\n".join(lines)


def _numeric(cell: str | None) -> bool:
    return cell is None or bool(re.match(r"[-+−]?\d|missing$|$", cell))


def _wrap(line: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(line, max(width, 1), break_on_hyphens=False, subsequent_indent=indent) or [""]


def _wrapped(text: str, width: int) -> str:
    indent = "  " if width >= 20 else ""
    return "\n".join(part for line in _lines(text) for part in _wrap(line, width, indent))


# ---- the other formats


def _markdown(grid: Grid) -> str:
    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cells)} |"

    def escaped(cell: str | None) -> str:
        return "<br>".join(_markdown_escaped(text) for text in _lines(cell))

    right = [all(_numeric(cells[j]) for _, cells in grid.rows) for j in range(len(grid.columns))]
    table = [line(escaped(c) for c in (grid.corner, *grid.columns))]
    table.append(line(["---", *("---:" if r else "---" for r in right)]))
    table += [line(escaped(c) for c in (label, *cells)) for label, cells in grid.rows]
    parts = [f"**{_markdown_escaped(_one_line(grid.title))}**"] if grid.title else []
    parts.append("\n".join(table))
    if grid.notes:
        parts.append("\n".join(f"- {_markdown_escaped(_one_line(note))}" for note in grid.notes))
    return "\n\n".join(parts)


def _markdown_escaped(text: str) -> str:
    return re.sub(r"([\\|*`])", r"\\\1", text).replace("<", "&lt;")


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "→": r"$\to$",
    "−": "$-$",
    "–": "--",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    "[": "{[}",  # after \\ it would begin an option
    "]": "{]}",
    '"': "''",
    **{c: f"\\{c}" for c in "&%$#_{}"},
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "γ": r"$\gamma$",
    "δ": r"$\delta$",
    "ε": r"$\epsilon$",
    "η": r"$\eta$",
    "θ": r"$\theta$",
    "λ": r"$\lambda$",
    "μ": r"$\mu$",
    "π": r"$\pi$",
    "ρ": r"$\rho$",
    "σ": r"$\sigma$",
    "τ": r"$\tau$",
    "ω": r"$\omega$",
}


def _latex(grid: Grid) -> str:
    def line(cells: Iterable[str | None]) -> str:
        return " & ".join(_latex_cell(c) for c in cells) + r" \\"

    right = [all(_numeric(cells[j]) for _, cells in grid.rows) for j in range(len(grid.columns))]
    lines = [f"% {_one_line(grid.title)}"] if grid.title else []
    lines += [rf"\begin{{tabular}}{{l{''.join('r' if r else 'l' for r in right)}}}", r"\hline"]
    lines += [line((grid.corner, *grid.columns)), r"\hline"]
    lines += [line((label, *cells)) for label, cells in grid.rows]
    lines += [r"\hline", r"\end{tabular}"]
    lines += [rf"\par\noindent {{\footnotesize {_latex_escaped(_one_line(note))}\par}}" for note in grid.notes]
    return "\n".join(lines)


def _latex_cell(cell: str | None) -> str:
    lines = [_latex_escaped(text) for text in _lines(cell)]
    if len(lines) == 1:
        return lines[0]
    stacked = r" \\ ".join(lines)
    return rf"\shortstack{{{stacked}}}"


def _latex_escaped(text: str) -> str:
    minus = re.sub(r"(?<![\w.])-(?=\d)", "−", text)
    escaped = "".join(_LATEX.get(c, c) for c in minus)
    return f"{{*}}{escaped[1:]}" if escaped.startswith("*") else escaped  # "\\*" is another command


def _csv(grid: Grid) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([grid.corner, *grid.columns])
    writer.writerows([label, *(MISSING if c is None else c for c in cells)] for label, cells in grid.rows)
    return out.getvalue()
