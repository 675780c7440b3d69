"""Aggregates in a terminal: scores, pairs, cells with two modes; the rest with --verbose."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from svgbench.analysis.judge.aggregates import Aggregates, PairStatistics, VariantScores
from svgbench.analysis.judge.cell_statistics import CellStatistics
from svgbench.analysis.judge.resampling import Estimate
from svgbench.analysis.read.naming import RANDOM_VARIANT, printed
from svgbench.analysis.show.tables import Amount, DisplayTable, Entry, Rounded, render
from svgbench.analysis.show.verdict_text import rounded

MOST_LISTED = 8
"""Variants that are listed without --verbose."""
MOST_PAIRS = 6
"""Pairs that are listed without --verbose."""
MOST_MODES = 4
"""Cells with two modes that are listed without --verbose."""
SCORE_COLUMNS = 60
"""The width of a full row of scores behind its label; with less room mean and median are left out."""
MORE = "areas, times to a level, effects on each task: --verbose; all numbers: --json"


def aggregate_lines(aggregates: Aggregates, width: int, verbose: bool = False) -> list[str]:
    """The statistics of one experiment as lines of at most `width` characters; within a screen unless `verbose`."""
    one = aggregates
    most = None if verbose else MOST_LISTED
    better = "higher" if one.higher_is_better else "lower"
    head = f"{one.experiment}, budget {one.budget}: {one.measure}, {better} is better"
    if not one.cells:
        return [*_wrapped([head], width), "nothing is measured"]
    parts = [
        _wrapped([head], width),
        _scores(one, width, most),
        _lines(pair_grids(one, None if verbose else MOST_PAIRS), width),
        _wrapped(mode_sentences(one, None if verbose else MOST_MODES), width),
        _lines(detail_grids(one), width) if verbose else [],
        _wrapped(one.notes, width),
        [] if verbose else _wrapped([MORE], width),
    ]
    return [line for part in parts if part for line in ("", *part)][1:]


def _scores(one: Aggregates, width: int, most: int | None) -> list[str]:
    if not one.scores:
        return _wrapped([f"no scores over tasks: {one.scale.refused}"], width)
    return _lines(score_grids(one, most, width), width)


def score_grids(one: Aggregates, most: int | None = None, width: int | None = None) -> list[DisplayTable]:
    """The table of scores over tasks, the best first, at most `most` of them; none if there are no scores.

    Within a narrow `width` mean and median are left out.
    """
    if not one.scores:
        return []
    shown = one.ranked[:most]
    gap = one.normalised
    brief = width is not None and max(len(s.label) for s in shown) > width - SCORE_COLUMNS
    columns = ["IQM", "95 % interval", *([] if brief else ["mean", "median"]), *(["gap"] if gap else []), "n"]
    rows = [(s.label, _score_cells(s, gap, brief)) for s in shown]
    over = _over(one)
    notes = [f"Scores over {over}: {one.scale.words}." if gap else f"Values on {over}, without a scale."]
    notes += [f"the {len(shown)} best of {len(one.scores)}"] if len(shown) < len(one.scores) else []
    notes += list(dict.fromkeys(s.iqm.why for s in shown if s.iqm.why))
    notes += ["IQM: mean of the middle half of the runs; gap: mean distance below 1"] if gap else []
    return [_grid("", columns, rows, notes)]


def leaders(one: Aggregates) -> str:
    """Which variant has the best interquartile mean, and which comes next, as a sentence without a full stop."""
    if not one.scores:
        return "nothing is measured"
    first, *others = [f"{s.label} ({' '.join(map(str, filter(None, _estimate(s.iqm))))})" for s in one.ranked]
    return f"best interquartile mean over {_over(one)}: {first}" + (f"; next {others[0]}" if others else "")


def _score_cells(s: VariantScores, gap: bool, brief: bool) -> tuple[Entry, ...]:
    middle = [] if brief else [Rounded(s.mean.value), Rounded(s.median.value)]
    last = [Rounded(s.gap.value if s.gap else None)] if gap else []
    return (*_estimate(s.iqm), *middle, *last, Rounded(s.n, 0))


def _over(one: Aggregates) -> str:
    return f"{len(one.tasks)} tasks" if len(one.tasks) > 1 else "one task"


def pair_grids(one: Aggregates, most: int | None = None) -> list[DisplayTable]:
    """The table of pairs with their probability of improvement, the clearest first, at most `most`; or none."""
    if not one.pairs:
        return []
    firsts = {pair.variant for pair in one.pairs}
    against_best = len(firsts) == 1 and len(one.pairs) > 1  # its name need not stand in every row
    ranked = sorted(one.pairs, key=lambda pair: pair.improvement.value * (1 if against_best else -1))
    shown = ranked[:most]
    kind = "nearest" if against_best else "clearest"
    if against_best:
        title = f"How likely a run of {_label(one, firsts.pop())} is better than one of"
        rows = [(_label(one, pair.other), _pair_cells(pair)) for pair in shown]
        notes = [f"Probabilities over {_over(one)}."]
    else:
        title = ""
        rows = [(f"{_label(one, pair.variant)} > {_label(one, pair.other)}", _pair_cells(pair)) for pair in shown]
        notes = [f"Probability that a run of the first is better than one of the second, over {_over(one)}."]
    notes += [f"the {len(shown)} {kind} of {len(ranked)} pairs"] if len(shown) < len(ranked) else []
    notes += list(dict.fromkeys(pair.improvement.why for pair in shown if pair.improvement.why))
    return [_grid(title, ["improvement", "95 % interval", "n"], rows, notes)]


def _pair_cells(pair: PairStatistics) -> tuple[Entry, ...]:
    return (*_estimate(pair.improvement), Rounded(pair.improvement.n, 0))


def mode_sentences(one: Aggregates, most: int | None = None) -> list[str]:
    """A sentence for each cell whose seeds split into two modes, at most `most`, after one that says so; or none."""
    cells = [cell for cell in one.cells if cell.two_modes and cell.variant != RANDOM_VARIANT]
    told = [
        f"{_label(one, c.variant)} on {c.task}: {c.in_words}, median {printed(c.median)} (mean {printed(c.mean)})"
        for c in cells[:most]
    ]
    if not told:
        return []
    more = [f"and {len(cells) - len(told)} more"] if len(told) < len(cells) else []
    return ["Two modes, so that the mean describes neither:", *told, *more]


def detail_grids(one: Aggregates) -> list[DisplayTable]:
    """Tables per task: times to a level, areas under the curve, effect sizes."""
    return [*_times(one), *_areas(one), *_effects(one)]


def _times(one: Aggregates) -> Iterator[DisplayTable]:
    for task, own in _by_task(one):
        rows = []
        for cell in own:
            if (time := cell.time) is not None:
                median = "censored" if time.median is None else Rounded(time.median)
                share = Amount(f"{time.reached}/{time.n}")
                rows.append((_label(one, cell.variant), (share, median, *_estimate(time.mean))))
        if rows and own[-1].time is not None:
            time = own[-1].time
            title = f"{task}: steps to {printed(time.level)} ({time.source})"
            notes = [f"Restricted mean up to step {printed(time.until)}; runs that do not reach it are censored."]
            yield _grid(title, ["reach it", "median", "mean", "95 % interval"], rows, notes)


def _areas(one: Aggregates) -> Iterator[DisplayTable]:
    for task, own in _by_task(one):
        rows = [(_label(one, c.variant), (*_estimate(c.area), Rounded(c.area.n, 0))) for c in own if c.area is not None]
        until = next((c.area_until for c in own if c.area_until is not None), None)
        if rows and until is not None:
            title = f"{task}: area under the curve up to step {printed(until)}, as a mean height"
            yield _grid(title, ["area", "95 % interval", "n"], rows, [])


def _effects(one: Aggregates) -> Iterator[DisplayTable]:
    for k, task in enumerate(one.tasks):
        rows = [
            (f"{_label(one, p.variant)} > {_label(one, p.other)}", (Rounded(p.tasks[k].a12), Rounded(p.tasks[k].g)))
            for p in one.pairs
        ]
        if rows:
            yield _grid(f"{task}: effect sizes", ["A12", "Hedges' g"], rows, [])


def _by_task(one: Aggregates) -> list[tuple[str, list[CellStatistics]]]:
    tasks = dict.fromkeys(cell.task for cell in one.cells)
    return [(t, [c for c in one.cells if c.task == t and c.variant != RANDOM_VARIANT]) for t in tasks]


def _label(one: Aggregates, variant: str) -> str:
    return one.labels.get(variant, variant)


def _estimate(estimate: Estimate) -> tuple[Entry, Entry]:
    return rounded(estimate.value, estimate.low, estimate.high)


def _grid(
    title: str, columns: Sequence[str], rows: Sequence[tuple[str, tuple[Entry, ...]]], notes: Sequence[str]
) -> DisplayTable:
    return DisplayTable(title, "", tuple(columns), tuple(rows), tuple(notes))


def _lines(grids: Iterable[DisplayTable], width: int) -> list[str]:
    return [line for grid in grids for line in render(grid, "text", width).strip("\n").splitlines()]


def _wrapped(sentences: Iterable[str], width: int) -> list[str]:
    return [
        line
        for sentence in sentences
        for line in textwrap.wrap(sentence, width, subsequent_indent="  ", break_on_hyphens=False)
    ]
