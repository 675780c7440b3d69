"""Differences between two results folders for a person: the answer first, within a screen."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from svgbench.analysis.judge.changes import CellChange
from svgbench.analysis.judge.difference import CellDifference, Platform, Seen
from svgbench.analysis.judge.verdict_words import tally
from svgbench.analysis.read.naming import name_seeds
from svgbench.analysis.show.tables import DisplayTable, render
from svgbench.analysis.show.verdict_text import estimate

HEIGHT = 40
"""The lines of a screen."""
MEASURES = 2  # most measures that are named in a cell
CHANGES = 6  # most changes that are named
LONGEST = 50  # characters of a value, or of a list of seeds
GROUPS = 3  # most experiments that are named if a folder lacks their cells
SEEN_ORDER = ("changed", "grown", "other seeds", "rounding", "columns", "same", "only in A", "only in B")


def difference_lines(cells: Sequence[CellDifference], width: int, verbose: bool = False) -> list[str]:
    """The answer, the cells that differ (the worst first, as many as fit), recorded differences, missing cells.

    No line is longer than `width`; without `verbose` there are at most 40.
    """
    both = [cell for cell in cells if cell.both]
    head = _wrapped([_answer(both), *_cause(both), *_statistics(both)], width)
    tail = _wrapped([*_recorded(both, verbose), *_seeds(both), *_lacking(cells)], width)
    differing = sorted((c for c in both if c.seen != "same"), key=_rank)
    if verbose:
        return [*head, *_whole(both, width), "", *tail]
    shown = _wrapped(_cell_lines(differing), width)
    room = HEIGHT - len(head) - len(tail) - 4
    if len(shown) > room:
        shown, left = _fitted(differing, width, room)
        shown += _wrapped([f"and {left} more cells; --verbose lists them all, and every measure"], width)
    parts = [part for part in (head, shown, tail) if part]
    return [line for i, part in enumerate(parts) for line in ([""] if i else []) + part]


def _answer(both: Sequence[CellDifference]) -> str:
    m = len(both)
    if not m:
        return "Nothing to compare: none of the requested cells is in both folders."
    apart = [cell for cell in both if cell.seen == "other seeds"]
    differing = [cell for cell in both if cell.differs]
    others = f"; {_count(apart, 'cell')} without a common seed" if apart else ""
    if not differing:
        return f"Same bits in {m - len(apart)} of {_cells(m)}{others}."
    kinds = Counter("ended" if cell.seen == "changed" and not cell.beyond else cell.seen for cell in differing)
    words: dict[Seen | Literal["ended"], str] = {
        "changed": "beyond rounding",
        "ended": "in how a seed ended",
        "grown": "within rounding at first and beyond it later",
        "rounding": "within rounding",
        "columns": "in their columns only",
    }
    named = [(kinds[kind], said) for kind, said in words.items() if kinds[kind]]
    verb = "differs" if len(differing) == 1 else "differ"
    how = f", {named[0][1]}" if len(named) == 1 else f": {', '.join(f'{n} {said}' for n, said in named)}"
    return f"{len(differing)} of {_cells(m)} {verb}{how}{others}."


MEANING: dict[Platform, str] = {
    "same": "; not the same program's numbers.",
    "unsure": "; not the same program's numbers, unless the machines differ: a side does not record its processor's "
    "instructions, or another part of its platform.",
    "other": ", on another platform or a GPU: rounding differs there and learning amplifies it, so these bits alone do "
    "not tell whether the program changed.",
}


def _cause(both: Sequence[CellDifference]) -> Iterator[str]:
    """The conclusion about the program from cells beyond rounding."""
    for platform, meaning in MEANING.items():
        own = [cell for cell in both if cell.beyond and cell.platform == platform]
        if own:
            first = min(cell.leaves for cell in own if cell.leaves is not None)
            seeds = f"{sum(len(c.beyond) for c in own)} of {sum(len(c.seeds) for c in own)}"
            verb = "differs" if len(own) == 1 else "differ"
            yield f"{_count(own, 'cell')} {verb} from step {first} on, in {seeds} seeds{meaning}"


def _statistics(both: Sequence[CellDifference]) -> Iterator[str]:
    tested = [v for cell in both if cell.seen in ("changed", "grown", "other seeds") for v in cell.verdicts]
    if not tested:
        return
    worse = sum(len(cell.worse) for cell in both)
    if lost := sum(len(cell.lost) for cell in both):
        seeds = "1 seed is" if lost == 1 else f"{lost} seeds are"
        yield f"{seeds} done in A and diverged in B, which is worse whatever the tests say."
    how = "" if any(cell.seen == "other seeds" for cell in both) else ", paired by seed"
    yield f"Statistics of {_count(tested, 'measure')}{how}: {tally(tested)}; {worse or 'none'} worse."


def _cell_lines(cells: Iterable[CellDifference]) -> list[str]:
    """A line per experiment and budget; under it a sentence per cell, or one for all cells that share it."""
    said: dict[tuple[str, str], dict[str, list[str]]] = {}
    for cell in cells:
        sentence = f"{_seen(cell)}{_decided(cell)}"
        said.setdefault(cell.key[:2], {}).setdefault(sentence, []).append(f"{cell.key[2]} {cell.key[3]}")
    lines = []
    for (experiment, budget), sentences in said.items():
        lines.append(f"{experiment}, budget {budget}")
        lines += [f"  {_named(names)}: {sentence}" for sentence, names in sentences.items()]
    return lines


def _named(names: Sequence[str]) -> str:
    """The first two names, and how many more."""
    if len(names) <= 2:
        return " and ".join(names)
    return f"{', '.join(names[:2])} and {len(names) - 2} more"


def _seen(cell: CellDifference) -> str:
    m = len(cell.seeds)
    if cell.seen == "other seeds":
        return "no seed in common"
    if cell.seen == "columns":
        return "the same bits in the columns that both have"
    if cell.seen == "rounding":
        moved = sum(trace.kind != "same" for trace in cell.traces)
        return f"within rounding in {moved} of {_seeds_of(m)}"
    if cell.leaves is None:
        return "; ".join(cell.outcomes)
    at_first = "within rounding at first, beyond it " if cell.seen == "grown" else ""
    said = f"{at_first}from step {cell.leaves} on, in {len(cell.beyond)} of {_seeds_of(m)}"
    return "; ".join([said, *cell.outcomes])


def _decided(cell: CellDifference) -> str:
    """The measures that are higher or lower, the worse first: two with their effects, the others counted."""
    decided = sorted(
        (v for v in cell.verdicts if v.verdict in ("HIGHER", "LOWER")), key=lambda v: v.id not in cell.worse
    )
    named = [
        f"; {v.setting}: {v.verdict}{' (worse)' * (v.id in cell.worse)}, {' '.join(map(str, estimate(v)))}".rstrip()
        for v in decided[:MEASURES]
    ]
    rest = tally(decided[MEASURES:])
    return "".join(named) + (f"; {rest} in other measures" if rest else "")


def _rank(cell: CellDifference) -> tuple[object, ...]:
    """The worst first within an experiment and budget; those with the worst cell first."""
    decided = sum(v.verdict in ("HIGHER", "LOWER") for v in cell.verdicts)
    return (*cell.key[:2], -len(cell.worse), -decided, SEEN_ORDER.index(cell.seen), *cell.key[2:])


def _fitted(cells: Sequence[CellDifference], width: int, room: int) -> tuple[list[str], int]:
    """The cells that fit into this number of lines, and how many are left."""
    fits = 0
    while fits < len(cells) and len(_wrapped(_cell_lines(cells[: fits + 1]), width)) <= room - 1:
        fits += 1
    return _wrapped(_cell_lines(cells[:fits]), width), len(cells) - fits


def _recorded(both: Sequence[CellDifference], every: bool) -> list[str]:
    """Recorded differences: a line per change if bits differ, one line for all if none does."""
    counts: Counter[CellChange] = Counter(change for cell in both for change in cell.changes)
    if not counts:
        return []
    said = [f"{_short(change)}{_in_cells(n, len(both))}" for change, n in counts.items()]
    if not every and len(said) > CHANGES:
        said = [*said[:CHANGES], f"and {len(said) - CHANGES} more (--verbose)"]
    if any(cell.differs or cell.seen == "other seeds" for cell in both):
        return ["Recorded differently, from A to B:", *(f"  {line}" for line in said)]
    return [f"Recorded differently all the same: {'; '.join(said)}."]


def _short(change: CellChange) -> str:
    return f"{change.field}: {_cut(change.before)} -> {_cut(change.after)}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]} ..."


def _in_cells(n: int, m: int) -> str:
    return "" if n == m else f" ({_cells(n)})"


def _seeds(both: Sequence[CellDifference]) -> list[str]:
    lines = []
    for side, other, pick in (("A", "B", "only_a"), ("B", "A", "only_b")):
        seeds = {seed for cell in both for seed in getattr(cell, pick)}
        n = sum(bool(getattr(cell, pick)) for cell in both)
        if seeds:
            lines.append(f"{side} has seeds that {other} lacks, in {_cells(n)}: {_cut(name_seeds(seeds))}.")
    return lines


def _lacking(cells: Sequence[CellDifference]) -> list[str]:
    """One line for the cells that only A has, one for those that only B has."""
    lines = []
    for side in "AB":
        own = [cell for cell in cells if cell.seen == f"only in {side}"]
        if not own:
            continue
        places = Counter(f"{cell.key[0]} {cell.key[1]}" for cell in own)
        named = [f"{place} {n}" for place, n in places.most_common(GROUPS)]
        named += [f"{len(places) - GROUPS} more"] if len(places) > GROUPS else []
        lines.append(f"Only in {side}: {_count(own, 'cell')} ({', '.join(named)}).")
    return lines


def _whole(both: Sequence[CellDifference], width: int) -> list[str]:
    """Every cell with its seeds and measures; of identical ones the names."""
    lines: list[str] = []
    for place in dict.fromkeys(cell.key[:2] for cell in both):
        own = [cell for cell in both if cell.key[:2] == place]
        for cell in (c for c in own if c.seen != "same"):
            title = f"{place[0]}, budget {place[1]}, {cell.key[2]} {cell.key[3]}: {_seen(cell)}"
            rows = tuple((v.setting, (v.verdict, *estimate(v))) for v in cell.verdicts)
            notes = (*_traced(cell), *(f"recorded: {change}" for change in cell.changes))
            columns = ("B against A", "B - A", "95 % interval")
            lines += ["", *render(DisplayTable(title, "", columns, rows, notes), "text", width).splitlines()]
        same = [f"{cell.key[2]} {cell.key[3]}" for cell in own if cell.seen == "same"]
        if same:
            lines += ["", *_wrapped([f"{place[0]}, budget {place[1]}: the same bits in {_cells(len(same))}"], width)]
            lines += _wrapped([f"  {name}" for name in same], width)
    return lines


def _traced(cell: CellDifference) -> Iterator[str]:
    for trace in cell.traces:
        if trace.kind == "rounding":
            yield f"seed {trace.seed}: within rounding, first bit at step {trace.first}"
        elif trace.kind != "same":
            where = {"": "one side has no more rows", "step": "the rows are of other steps"}
            column = where.get(trace.column, f"column {trace.column}")
            grown = f", first bit at step {trace.first}" if trace.kind == "grown" else ""
            yield f"seed {trace.seed}: from step {trace.leaves} on ({column}){grown}"


def _wrapped(sentences: Iterable[str], width: int) -> list[str]:
    lines = []
    for sentence in sentences:
        indent = " " * (len(sentence) - len(sentence.lstrip()))
        lines += textwrap.wrap(
            sentence.strip(), width, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
        )
    return lines


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'s' * (len(things) != 1)}"


def _cells(n: int) -> str:
    return f"{n} cell{'s' * (n != 1)}"


def _seeds_of(n: int) -> str:
    return f"{n} seed{'s' * (n != 1)}"
