"""The experiment's table: per task and variant the mean, SD and n of each measure, beside published numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from svgbench.analysis.judge.cell_statistics import below_level, span_of, spread_of
from svgbench.analysis.judge.standouts import MARK, MARK_LOGARITHMS, standouts
from svgbench.analysis.judge.statistics import summarise, t_interval
from svgbench.analysis.read.caveats import absences, caveats
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import CellData, Sample, read_sample
from svgbench.analysis.read.naming import RANDOM_VARIANT
from svgbench.analysis.show.published import quoted
from svgbench.analysis.show.tables import DisplayTable, Entry, Measured
from svgbench.words.claims import Measure

MISSING = "missing"
MOST_ROWS = 16
SHOWN_ROWS = 10
"""The number of rows that are shown of a table with more than `MOST_ROWS` rows: the best."""
SILENT = ("", "NOT_COMPARABLE", "INCOMPLETE")
"""Verdicts on published numbers without content; they get no row."""
MOST_MODES = 4
"""Cells with two modes that are named if not everything is."""
MOST_CAVEATS = 4
"""Caveats about cells that are printed if not everything is."""
NOT_RUN = "–"  # a variant that the experiment does not run on the task


Words = Mapping[tuple[str, str], str]
"""Level verdicts by task and variant."""


def results_rows(results: Results, published: Any = None, verdicts: Words | None = None) -> list[dict[str, Any]]:
    """One flat row per cell and measure: mean, sd, n, the 95 % t-interval, diverged seeds, the published number.

    The published number and its verdict belong to the first measure.
    """
    rows = []
    best = {measure.label: _best(results, measure) for measure in results.experiment.measures}
    spans = {measure.label: _spans(results, measure) for measure in results.experiment.measures}
    for (task, variant), cell in results.cells.items():
        for measure in results.experiment.measures:
            sample = _sample(cell, measure)
            row: dict[str, Any] = {
                "experiment": results.experiment.id,
                "budget": results.budget,
                "task": task,
                "variant": variant,
                "measure": measure.label,
                "mean": None,
                "sd": None,
                "n": len(sample.values),
                "low": None,
                "high": None,
                "seeds_asked": len(cell.seeds_asked),
                "diverged": len(sample.failed),
                "median": None,
                "failed": None,
                "apart": None,
                "published": None,
                "published_spread": None,
                "published_n": None,
                "verdict": None,
                "best": (task, variant) in best[measure.label],
                "label": results.labels.get(variant, variant),
                "note": "; ".join([*caveats(results.experiment, results.budget, cell), *absences(cell, measure)]),
            }
            if sample.values:
                summary = summarise(list(sample.values.values()))
                interval = t_interval(list(sample.values.values()))
                row |= {"mean": summary.mean, "sd": summary.sd, "low": interval.low, "high": interval.high}
                below = below_level(results.experiment, task, cell)
                spread = spread_of(sample, measure.higher_is_better, spans[measure.label][task], below)
                row |= {"median": spread.median, "failed": len(spread.failed), "apart": len(spread.apart)}
            number = _published_number(results, published, task, variant, measure)
            if number is not None:
                printed = None if number.spread is None else float(number.spread)
                row |= {"published": float(number.value), "published_spread": printed, "published_n": number.n}
                row["verdict"] = (verdicts or {}).get((task, variant))
            rows.append(row)
    return rows


def _samples(results: Results, measure: Measure) -> dict[tuple[str, str], Sample]:
    return {key: _sample(cell, measure) for key, cell in results.cells.items()}


def _sample(cell: CellData, measure: Measure) -> Sample:
    """The measure of a cell; an empty sample of one that was not run. A seed may diverge before its first row."""
    return read_sample(cell, measure) if cell.seeds else Sample({})


def _spans(results: Results, measure: Measure) -> dict[str, float]:
    """The span of all values, by task."""
    samples = _samples(results, measure)
    return {task: span_of(own for (t, _), own in samples.items() if t == task) for task, _ in samples}


def _best(results: Results, measure: Measure) -> set[tuple[str, str]]:
    """The cells that are the best of their task, or not distinguished from it by a test."""
    samples: dict[str, dict[str, Sample]] = {}
    for (task, variant), sample in _samples(results, measure).items():
        samples.setdefault(task, {})[variant] = sample
    return {(task, variant) for task, own in samples.items() for variant in _standouts(results, task, own, measure)}


def _standouts(results: Results, task: str, samples: Mapping[str, Sample], measure: Measure) -> set[str]:
    if not measure.ranked:
        return set()
    foreign = [variant for variant in samples if results.cells[task, variant].foreign]
    return standouts(samples, measure.higher_is_better, foreign, measure.scale)


def results_grids(
    results: Results,
    published: Any = None,
    verdicts: Words | None = None,
    others: bool = True,
    whole: bool = True,
) -> list[DisplayTable]:
    """The table for a person, a grid per measure: a row per variant, a column per task, cells "mean ± SD (n)".

    The best of a column, and cells that a test does not distinguish from it, are marked. n is in the notes if all cells
    have the same. The published number and its verdict are under ours; with `others`, published rows that we do not run
    follow. Without `whole`, missing cells, published rows without runs, the worse rows of a long table and verdicts
    without content become notes.
    """
    if not whole and not any(cell.seeds for cell in results.cells.values()):
        return [_nothing(results, published)]
    tables = [_Table(results, measure, published, verdicts or {}, whole) for measure in results.experiment.measures]
    n = {cell.n for table in tables for cell in table.measured if cell.n is not None}
    return [table.grid(n, others and whole) for table in tables]


def _nothing(results: Results, published: Any) -> DisplayTable:
    """The table of an experiment without runs."""
    name = results.experiment.id
    there = f"; what the paper prints: svgbench table {results.experiment.published} --published" if published else ""
    return DisplayTable(
        "", "", (), (), (f"{name} has no results at budget {results.budget}{there}", *results.notes, *results.caveats)
    )


class _Table:
    """The cells of one measure, and which of them are shown."""

    def __init__(self, results: Results, measure: Measure, published: Any, verdicts: Words, whole: bool) -> None:
        self.results, self.measure, self.verdicts, self.whole = results, measure, verdicts, whole
        first = measure is results.experiment.measures[0]
        self.published = published if first else None  # a published number belongs to the first measure
        self.samples = _samples(results, measure)
        begun = {key for key, cell in results.cells.items() if cell.seeds or whole}
        self.tasks = [t for t in results.experiment.tasks if any(key[0] == t.id for key in begun)]
        variants = list(dict.fromkeys(variant for _, variant in results.cells))
        self.best = {t.id: _standouts(results, t.id, self._column(t.id), measure) for t in self.tasks}
        self.variants = [v for v in variants if any(key[1] == v for key in begun)]
        self.unrun = [] if whole else self._unrun(variants)
        self.cut = 0
        if not whole and len(self.variants) > MOST_ROWS:
            self.cut = len(self.variants)
            ranked = sorted(self.variants, key=self._rank)[:SHOWN_ROWS]
            self.variants = [v for v in self.variants if v in ranked]
        self.cells = {(t.id, v): self._cell(t.id, v) for t in self.tasks for v in self.variants}

    @property
    def measured(self) -> list[Measured]:
        return [cell for cell in self.cells.values() if isinstance(cell, Measured)]

    def grid(self, n: set[int], others: bool) -> DisplayTable:
        experiment = self.results.experiment
        rows: list[tuple[str, tuple[Entry, ...]]] = []
        for variant in self.variants:
            cells = [self.cells[task.id, variant] for task in self.tasks]
            if len(n) == 1:
                cells = [replace(cell, n=None) if isinstance(cell, Measured) else cell for cell in cells]
            rows.append((self.results.labels.get(variant, variant), tuple(cells)))
            rows += self._under(variant)
        if others and self.published is not None:
            rows += self._others(self.published)
        budget = experiment.budget(self.results.budget)
        mark = MARK_LOGARITHMS if self.measure.scale == "log_ratio" else MARK
        return DisplayTable(
            title=f"{experiment.id}, budget {budget.name}: {self.measure.label}",
            corner="",
            columns=tuple(task.label for task in self.tasks),
            rows=tuple(rows),
            notes=tuple(self._notes(n)),
            mark=mark if any(self.best[task.id] for task in self.tasks) else "",
            measure=self.measure.label,
        )

    def _column(self, task: str) -> dict[str, Sample]:
        return {variant: sample for (t, variant), sample in self.samples.items() if t == task}

    def _unrun(self, variants: Sequence[str]) -> list[str]:
        """The tasks, and the variants, that have no value here: a text for each kind."""
        tasks = [t.label for t in self.results.experiment.tasks if self._asked(t.id) and t not in self.tasks]
        others = [self.results.labels.get(v, v) for v in variants if v not in self.variants]
        return [_some(names) for names in (tasks, others) if names]

    def _asked(self, task: str) -> bool:
        return any(key[0] == task for key in self.results.cells)

    def _rank(self, variant: str) -> float:
        """The number of better variants, averaged over the tasks; variants without a value come last."""
        sign = -1.0 if self.measure.higher_is_better else 1.0
        ranks = []
        for task in self.tasks:
            means = {v: summarise(list(s.values.values())).mean for v, s in self._column(task.id).items() if s.values}
            if variant in means:
                ranks.append(sum(sign * mean < sign * means[variant] for mean in means.values()))
        return math.fsum(ranks) / len(ranks) if ranks else math.inf

    def _cell(self, task: str, variant: str) -> Entry:
        sample = self.samples.get((task, variant))
        if sample is None:
            return NOT_RUN
        if not sample.values:
            return MISSING if not sample.failed else f"all {len(sample.failed)} diverged"
        summary = summarise(list(sample.values.values()))
        return Measured(summary.mean, summary.sd, summary.n, len(sample.failed), variant in self.best[task])

    def _modes(self) -> list[str]:
        """A note on the cells whose seeds fall into two modes: their medians, and how many seeds failed."""
        told = []
        for task in self.tasks if self.measure.ranked else ():
            span = span_of(self._column(task.id).values())
            for variant in self.variants:
                sample = self.samples.get((task.id, variant), Sample({}))
                if variant == RANDOM_VARIANT or not sample.values:
                    continue
                below = below_level(self.results.experiment, task.id, self.results.cells[task.id, variant])
                spread = spread_of(sample, self.measure.higher_is_better, span, below)
                if spread.lower:
                    median = Measured(spread.median).amount().mean
                    told.append(
                        f"{self.results.labels.get(variant, variant)} on {task.label}: {median} ({spread.words})"
                    )
        shown = told if self.whole else told[:MOST_MODES]
        more = [f"{len(told) - len(shown)} more: --verbose"] if len(told) > len(shown) else []
        return [f"two modes, so take the median: {'; '.join([*shown, *more])}"] if told else []

    def _under(self, variant: str) -> list[tuple[str, tuple[Entry, ...]]]:
        """The published numbers of a variant, and their verdicts if one has content."""
        numbers = [_published_number(self.results, self.published, t.id, variant, self.measure) for t in self.tasks]
        if not any(numbers):
            return []
        label, cells = _printed("  published", numbers)
        words = [self.verdicts.get((t.id, variant), "") if self._has(t.id, variant) else "" for t in self.tasks]
        told = any(word not in SILENT for word in words)
        return [(label, cells), *([("  verdict", tuple(words))] if told else [])]

    def _has(self, task: str, variant: str) -> bool:
        cell = self.results.cells.get((task, variant))
        return cell is not None and bool(cell.seeds)

    def _others(self, published: Any) -> list[tuple[str, tuple[Entry, ...]]]:
        """The published table's rows that are not a variant of ours."""
        ours = {variant.published for variant in self.results.experiment.variants}
        return [_printed(f"{row}, published", numbers) for row, numbers in self._printed_but(ours, published)]

    def _hidden(self) -> list[str]:
        """The published rows of these tasks that a shortened table leaves out, because nothing of them was run."""
        if self.whole or self.published is None:
            return []
        run = {v.published for v in self.results.experiment.variants if any(self._has(t.id, v.id) for t in self.tasks)}
        return [row for row, _ in self._printed_but(run, self.published)]

    def _printed_but(self, left_out: Set[str | None], published: Any) -> Iterator[tuple[str, list[Any]]]:
        """The published table's other rows, with a number for each task, that have any."""
        for row in published.rows:
            numbers = [published.get(row, t.published) if t.published else None for t in self.tasks]
            if row not in left_out and any(numbers):
                yield row, numbers

    def _notes(self, n: set[int]) -> list[str]:
        experiment = self.results.experiment
        seeds = f"over {next(iter(n))} seeds" if len(n) == 1 else "(n seeds)"
        better = "; higher is better" if self.measure.higher_is_better else "; lower is better"
        notes = [f"Mean ± SD {seeds}{better if self.measure.ranked else ''}"] if n else []
        words = {word for word in self.verdicts.values() if word}
        if self.published is not None and words and words <= {*SILENT}:
            notes.append(f"published numbers: {' and '.join(sorted(words))} at {self.results.budget}")
        notes += self._modes()
        notes += [f"the {len(self.variants)} best of {self.cut} rows by mean rank; all: --verbose"] if self.cut else []
        notes += [f"not run: {'; '.join(self.unrun)}"] if self.unrun else []
        if hidden := self._hidden():
            notes.append(f"printed rows that are not here: {_some(hidden)}: --verbose")
        budget = experiment.budget(self.results.budget)
        return [*notes, *([budget.note] if budget.note else []), *self.results.notes, *self._caveats()]

    def _caveats(self) -> Sequence[str]:
        found = self.results.caveats
        if self.whole or len(found) <= MOST_CAVEATS:
            return found
        return [*found[:MOST_CAVEATS], f"{len(found) - MOST_CAVEATS} more such cells: --verbose"]


def _some(names: Sequence[str]) -> str:
    """The names, or the first few and how many more."""
    return ", ".join(names) if len(names) <= SHOWN_ROWS else f"{', '.join(names[:5])} and {len(names) - 5} more"


def _printed(label: str, numbers: Sequence[Any]) -> tuple[str, tuple[Entry, ...]]:
    """A row of published numbers in the paper's digits; their n is in the label if all have the same."""
    n = {number.n for number in numbers if number is not None}
    if len(n) == 1:
        (same,) = n
        label += f" ({same})" if same is not None else ""
    return label, tuple("" if number is None else quoted(number, with_n=len(n) > 1) for number in numbers)


def _published_number(results: Results, published: Any, task: str, variant: str, measure: Measure) -> Any:
    """The published number of a cell; it belongs to the experiment's first measure."""
    if published is None or measure is not results.experiment.measures[0]:
        return None
    rows = {v.id: v.published for v in results.experiment.variants}
    columns = {t.id: t.published for t in results.experiment.tasks}
    if not rows.get(variant) or not columns.get(task):
        return None
    return published.get(rows[variant], columns[task])
