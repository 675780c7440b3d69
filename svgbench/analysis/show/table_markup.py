"""Tables for papers and pages: LaTeX with booktabs, and GitHub's Markdown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from svgbench.analysis.show.grids import Amount, DisplayTable, Entry, amount_of, is_blank, lines_of, one_line
from svgbench.analysis.show.table_text import groups_of, padded

LATEX_WIDTH = 55
"""Characters of a table's line that fit a column of a two-column article, in \\footnotesize."""
LATEX_LABEL = 26
"""Characters of a row's label; a longer one is wrapped."""
LATEX_ROWS = 48
"""Rows that fit a page; more rows continue in another table."""
LATEX_NOTE = 60
"""Characters of a line of notes."""
BLOCK_ROWS = 5
"""Height of the head and the rules of a `tabular`, in rows."""


# ---- Markdown


def markdown_of(grid: DisplayTable) -> str:
    """The grid as a table of GitHub's Markdown; the best number of a column is bold. Labels are escaped."""
    columns = [_markdown_column([cells[j] for _, cells in grid.rows]) for j in range(len(grid.columns))]
    labels = ["&emsp;" * label.startswith("  ") + markdown_text(label.strip()) for label, _ in grid.rows]
    heads = [markdown_text(grid.corner), *map(markdown_text, grid.columns)]
    body = [[label, *(cells[i] for cells, _ in columns)] for i, label in enumerate(labels)]
    sizes = [max(3, *(len(line[j]) for line in (heads, *body))) for j in range(len(heads))]
    rules = ["-" * size for size in sizes]
    for j, (_, numbers) in enumerate(columns):
        rules[j + 1] = rules[j + 1][:-1] + ":" if numbers else rules[j + 1]
    lines = [
        f"| {' | '.join(cell.ljust(size) for cell, size in zip(line, sizes, strict=True))} |"
        for line in (heads, rules, *body)
    ]
    parts = [f"**{markdown_text(one_line(grid.title))}**"] if grid.title else []
    parts.append("\n".join(lines))
    if notes := _notes(grid):
        parts.append("\n".join(f"- {markdown_text(note)}" for note in notes))
    return "\n\n".join(parts)


def _notes(grid: DisplayTable) -> list[str]:
    return [*([f"Bold: {grid.mark}"] if grid.mark else []), *map(one_line, grid.notes)]


def _markdown_column(entries: Sequence[Entry]) -> tuple[list[str], bool]:
    """A column's cells as Markdown, and whether they are numbers, which are right-aligned."""
    numbers = padded(entries)
    plain = all(amount_of(e) or is_blank(e) for e in entries)
    return [_markdown_entry(entry) for entry in entries], numbers is not None or plain


def _markdown_entry(entry: Entry) -> str:
    amount = amount_of(entry)
    if amount is not None and amount.best:
        rest = markdown_text(str(Amount("", amount.spread, amount.n, amount.more)))
        return f"**{markdown_text(amount.mean)}** {rest}".rstrip()
    return markdown_text(entry)


def markdown_text(entry: Entry) -> str:
    """Text that GitHub prints as it is: every character with a special meaning is escaped."""
    texts = []
    for line in lines_of(entry):
        escaped = re.sub(r"([\\|*_`\[\]~$])", r"\\\1", line).replace("&", "&amp;").replace("<", "&lt;")
        texts.append(re.sub(r"(?<=\w)\\_(?=\w)", "_", escaped))  # within a word it means nothing
    return "<br>".join(texts)


# ---- LaTeX

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
    "∞": r"$\infty$",
    "−": "$-$",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    "[": "{[}",  # after \\ it would begin an option
    "]": "{]}",
    '"': "''",
    "`": "{`}",
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


def latex_of(grid: DisplayTable) -> str:
    """The grid as LaTeX `table`s with booktabs, each no wider than a column and no longer than a page.

    Numbers are aligned at the "±", the best of a column is bold. The notes are under the last table or, if they are
    long, after it.
    """
    columns = [_LatexColumn([cells[j] for _, cells in grid.rows]) for j in range(len(grid.columns))]
    label = max((len(one_line(text)) for text in (grid.corner, *(label for label, _ in grid.rows))), default=0)
    widths = [max(c.width, len(one_line(head))) for c, head in zip(columns, grid.columns, strict=True)]
    height = max(-(-label // LATEX_LABEL), 1)  # lines that the longest label takes
    at_once, rows = max(LATEX_ROWS // height, 1), range(len(grid.rows))
    pages: list[list[str]] = []
    used = room = LATEX_ROWS + BLOCK_ROWS
    for first in range(0, max(len(rows), 1), at_once):
        some = rows[first : first + at_once]
        for group in groups_of(min(label, LATEX_LABEL), widths, LATEX_WIDTH):
            taken = height * len(some) + BLOCK_ROWS
            if used + taken > room:
                pages.append([])
                used = 0
            used += taken
            pages[-1].append(_tabular(grid, [columns[j] for j in group], group, some, height > 1))
    notes = " ".join(f"{_latex(note.rstrip('.'))}." for note in _notes(grid))
    inside = used + len(notes) // LATEX_NOTE <= room
    tables = [
        _latex_table(
            grid, page, f" ({i + 1} of {len(pages)})" * (len(pages) > 1), notes * (inside and page is pages[-1])
        )
        for i, page in enumerate(pages)
    ]
    behind = [rf"\par\noindent {{\footnotesize {notes}\par}}"] if notes and not inside else []
    return "\n\n".join([_latex_needs(grid), *tables, *behind])


def _latex_needs(grid: DisplayTable) -> str:
    """The packages that the document must load, as comments."""
    words = [grid.title, grid.corner, *grid.columns, *grid.notes]
    texts = [one_line(e) for e in (*words, grid.mark, *(e for label, cells in grid.rows for e in (label, *cells)))]
    foreign = sorted({c for text in texts for c in _printed_letters(text) if ord(c) >= 0x180 and c not in _LATEX})
    needs = [r"% \usepackage{booktabs}"]
    if foreign:
        needs.append(f"% xelatex or lualatex, and a font that has {' '.join(foreign)}")
    return "\n".join(needs)


def _latex_table(grid: DisplayTable, tabulars: Sequence[str], more: str, notes: str) -> str:
    lines = [r"\begin{table}", r"\centering", r"\footnotesize", r"\setlength{\tabcolsep}{3pt}"]
    if grid.title or more:
        lines.append(rf"\caption{{{_latex(one_line(grid.title) + more)}.}}")
        slug = re.sub(r"[^a-z0-9]+", "-", (one_line(grid.title) + more).lower()).strip("-")
        lines += [rf"\label{{tab:{slug}}}", r"\par\smallskip"]
    lines.append("\n\\par\\medskip\n".join(tabulars))
    if notes:
        lines.append(rf"\par\medskip\raggedright {notes}")
    return "\n".join([*lines, r"\end{table}"])


def _tabular(
    grid: DisplayTable, columns: Sequence[_LatexColumn], group: Sequence[int], rows: Sequence[int], wrapped: bool
) -> str:
    heads = [column.head(grid.columns[j]) for column, j in zip(columns, group, strict=True)]
    label = r"p{0.45\columnwidth}" if wrapped else "l"
    lines = [rf"\begin{{tabular}}{{{label}{''.join(c.spec for c in columns)}}}", r"\toprule"]
    lines += [_latex_row([_latex_cell(grid.corner), *heads]), r"\midrule"]
    lines += [_latex_row([_latex_label(grid.rows[k][0]), *(c.cells[k] for c in columns)]) for k in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


class _LatexColumn:
    """A column as LaTeX: one column of words; or three: numbers, the "±", and their spreads and the rest."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        amounts = [amount_of(entry) for entry in entries]
        self.wide = any(amount is not None and amount.spread for amount in amounts)
        self.width = max((len(line) for entry in entries for line in lines_of(entry)), default=0)
        if self.wide:
            self.spec = r"r@{\,}c@{\,}l"
            self.cells = [self._of_three(entry, amount) for entry, amount in zip(entries, amounts, strict=True)]
        else:
            self.spec = "r" if padded(entries) is not None else "l"
            self.cells = [_bold(a) if a is not None else _latex_cell(e) for e, a in zip(entries, amounts, strict=True)]

    def head(self, text: str) -> str:
        return rf"\multicolumn{{3}}{{c}}{{{_latex_cell(text)}}}" if self.wide else _latex_cell(text)

    def _of_three(self, entry: Entry, amount: Amount | None) -> str:
        if amount is None:
            return rf"\multicolumn{{3}}{{c}}{{{_latex_cell(entry)}}}" if entry != "" else " & & "
        sign = r"$\pm$" if amount.spread else ""
        after = _latex(" ".join(filter(None, (amount.spread, amount.n, amount.more))))
        return f"{_bold(Amount(amount.mean, best=amount.best))} & {sign} & {after}"


def _bold(amount: Amount) -> str:
    text = _latex(str(amount))
    return rf"\textbf{{{text}}}" if amount.best else text


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _latex_label(text: str) -> str:
    """The label of a row, with its indentation."""
    return r"\quad " * text.startswith("  ") + _latex_cell(text.strip())


def _latex_cell(entry: Entry) -> str:
    lines = [_latex(text) for text in lines_of(entry)]
    stacked = r" \\ ".join(lines)
    return lines[0] if len(lines) == 1 else rf"\shortstack{{{stacked}}}"


def _latex(text: str) -> str:
    """Text that LaTeX prints as it is."""
    minus = re.sub(r"(?<![\w.])-(?=\d)", "−", text)
    plain = _printed_letters(minus)
    apart = re.sub(r"([-'])(?=[-'])", "\\1\u2060", plain)  # "--" would become a dash
    escaped = "".join(_LATEX.get(c, c) for c in apart).replace("\u2060", "{}")
    return f"{{*}}{escaped[1:]}" if escaped.startswith("*") else escaped  # "\\*" is another command


def _printed_letters(text: str) -> str:
    """The text without marks that only control a terminal, such as those for right-to-left writing."""
    return "".join(c for c in text if unicodedata.category(c) != "Cf")
