"""Tables for a terminal: numbers are aligned, and no line is wider than the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from svgbench.analysis.show.grids import Amount, DisplayTable, Entry, amount_of, is_blank, lines_of

GAP = 2  # blanks between columns

Lines = list[str]


def text_of(grid: DisplayTable, width: int) -> str:
    """The grid in lines of at most `width`. A wider table is cut by columns into several tables.

    Numbers are aligned at the "±", or at the decimal point if they have no spread; "*" follows the best.
    ValueError for a width below 5.
    """
    if width < 5:
        raise ValueError(f"width {width}: a table needs at least 5")
    heads, columns, flush = [lines_of(grid.corner)], [[lines_of(label) for label, _ in grid.rows]], [False]
    for j, head in enumerate(grid.columns):
        cells, right = _column([cells[j] for _, cells in grid.rows])
        heads.append(lines_of(head))
        columns.append(cells)
        flush.append(right)
    natural = [
        max(_wide(text) for cell in (head, *cells) for text in cell) for head, cells in zip(heads, columns, strict=True)
    ]
    label, *widths = _fitted(natural, width)
    parts = [_wrapped(grid.title, width)] if grid.title else []
    for group in _groups(label, widths, width) if grid.rows or grid.columns or grid.corner else ():
        chosen = [0, *(j + 1 for j in group)]
        sizes = [label, *(widths[j] for j in group)]
        table = [[heads[j] for j in chosen], *([columns[j][i] for j in chosen] for i in range(len(grid.rows)))]
        parts.append(_subtable(table, sizes, [flush[j] for j in chosen]))
    notes = [*([f"*: {grid.mark}"] if grid.mark else []), *grid.notes]
    if notes:
        parts.append("\n".join(_wrapped(note, width) for note in notes))
    return "\n\n".join(parts)


def groups_of(label: int, widths: Sequence[int], width: int) -> list[list[int]]:
    """Groups of columns of these widths that fit beside a label: as many as fit, from the left, at least one."""
    return _groups(label, widths, width)


def padded(entries: Sequence[Entry]) -> list[str] | None:
    """The numbers of a column as aligned strings; None if it is not a column of numbers.

    Any words may stand among numbers with a spread, but only blank cells among plain numbers. Words are right-aligned
    with the numbers before the "±", or extend to the right.
    """
    amounts = [amount_of(entry) for entry in entries]
    known = [amount for amount in amounts if amount is not None]
    words = [entry for entry, amount in zip(entries, amounts, strict=True) if amount is None and entry is not None]
    spread = max((len(a.spread) for a in known), default=0)
    if not known or not (spread or all(map(is_blank, words))):
        return None
    point = 0 if spread else max(len(a.mean.partition(".")[2]) + ("." in a.mean) for a in known)
    means = [_at_point(a.mean, point) for a in known]
    edge, after = max(map(len, means)), max(len(a.n) for a in known)
    more, best = max(len(a.more) for a in known), any(a.best for a in known)

    def text(entry: Entry, amount: Amount | None) -> str:
        if amount is None:
            return lines_of(entry)[0].rjust(edge)
        parts = [_at_point(amount.mean, point).rjust(edge)]
        parts += [f"± {amount.spread.ljust(spread)}" if amount.spread else " " * (spread + 2)] if spread else []
        parts += [amount.n.rjust(after)] if after else []
        parts += [amount.more.ljust(more)] if more else []
        parts += ["*" if amount.best else " "] if best else []
        return " ".join(parts)

    return [text(entry, amount) for entry, amount in zip(entries, amounts, strict=True)]


def _at_point(mean: str, decimals: int) -> str:
    """The number with blanks for missing decimals."""
    own = len(mean.partition(".")[2]) + ("." in mean)
    return mean + " " * (decimals - own) if own < decimals else mean


def _column(entries: Sequence[Entry]) -> tuple[list[Lines], bool]:
    """The lines of a column's cells, and whether they and the head are right-aligned."""
    if any(isinstance(entry, str) and "\n" in entry for entry in entries):
        return [lines_of(entry) for entry in entries], False
    numbers = padded(entries)
    if numbers is None:
        return [lines_of(entry) for entry in entries], all(map(is_blank, entries))
    size = max(map(_wide, numbers))
    return [[_pad(text, size)] for text in numbers], True


def _fitted(natural: list[int], width: int) -> list[int]:
    """Widths of label and columns such that the label and any one column fit side by side."""
    label, *columns = natural
    widest = max(columns, default=0)
    room = width - GAP
    label = min(label, max(room - widest, room // 2) if columns else width)
    return [label, *(min(w, room - label) for w in columns)]


def _groups(label: int, widths: Sequence[int], width: int) -> list[list[int]]:
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


def _subtable(table: list[list[Lines]], sizes: list[int], right: list[bool]) -> str:
    cut = [[_cut(cell, size) for cell, size in zip(line, sizes, strict=True)] for line in table]
    printed = [_side_by_side(line, sizes, right) for line in cut]
    head, body = printed[0], printed[1:]
    rule = "-" * (sum(sizes) + GAP * (len(sizes) - 1))
    between = "\n\n" if any("\n" in line for line in body) else "\n"
    return "\n".join([head, rule, between.join(body)]).rstrip("\n")


def _cut(lines: Lines, size: int) -> Lines:
    return [part for line in lines for part in ([line] if _wide(line) <= size else _wrap(line, size))]


def _side_by_side(cells: list[Lines], sizes: list[int], right: list[bool]) -> str:
    height = max(len(cell) for cell in cells)
    lines = []
    for k in range(height):
        texts = [cell[k] if k < len(cell) else "" for cell in cells]
        fitted = [_pad(t, s, left=r) for t, s, r in zip(texts, sizes, right, strict=True)]
        lines.append((" " * GAP).join(fitted).rstrip())
    return "\n".join(lines)


def _wide(text: str) -> int:
    """Columns that a text takes: two for a Chinese character, none for a combining accent."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _pad(text: str, size: int, left: bool = False) -> str:
    blanks = " " * max(size - _wide(text), 0)
    return blanks + text if left else text + blanks


def _wrap(line: str, width: int, indent: str = "") -> Lines:
    if _wide(line) == len(line):
        return textwrap.wrap(line, max(width, 1), break_on_hyphens=False, subsequent_indent=indent) or [""]
    lines = [""]
    for word in line.split(" "):
        if lines[-1].strip() and _wide(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
            continue
        if lines != [""]:
            lines.append(indent)
        for character in word:
            if lines[-1].strip() and _wide(lines[-1] + character) > width:
                lines.append(indent)
            lines[-1] += character
    return lines


def _wrapped(text: str, width: int) -> str:
    indent = "  " if width >= 20 else ""
    return "\n".join(part for line in lines_of(text) for part in _wrap(line, width, indent))
