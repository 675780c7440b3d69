"""The experiment's table: per task and variant the mean, SD and n of each measure, beside what was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from svgbench.analysis.caveats import absences, caveats
from svgbench.analysis.frames import Results
from svgbench.analysis.measures import CellData, Sample, read_sample
from svgbench.analysis.statistics import summarise, t_interval
from svgbench.analysis.tables import Grid, format_mean_spread
from svgbench.lab.experiment import Experiment, Measure, Task

MISSING = "missing"
NOT_RUN = "–"  # a variant that the experiment does not run on the task


Words = Mapping[tuple[str, str], str]
"""Level verdicts by task and variant."""


def results_rows(results: Results, published: Any = None, verdicts: Words | None = None) -> list[dict[str, Any]]:
    """One flat row per cell and measure: mean, sd, n, the 95 % t-interval, diverged seeds, the published number.

    The published number and its verdict belong to the first measure.
    """
    rows = []
    for (task, variant), cell in results.cells.items():
        for measure in results.experiment.measures:
            sample = read_sample(cell, measure) if len(cell.frame) else Sample({})
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
                "published": None,
                "published_spread": None,
                "verdict": None,
                "note": "; ".join([*caveats(results.experiment, results.budget, cell), *absences(cell, measure)]),
            }
            if sample.values:
                summary = summarise(list(sample.values.values()))
                interval = t_interval(list(sample.values.values()))
                row |= {"mean": summary.mean, "sd": summary.sd, "low": interval.low, "high": interval.high}
            number = _published_number(results, published, task, variant, measure)
            if number is not None:
                spread = None if number.spread is None else float(number.spread)
                row |= {"published": float(number.value), "published_spread": spread}
                row["verdict"] = (verdicts or {}).get((task, variant))
            rows.append(row)
    return rows


def results_grids(
    results: Results, published: Any = None, verdicts: Words | None = None, others: bool = True
) -> list[Grid]:
    """The table for a person, a grid per measure: a row per variant, a column per task, cells "mean ± SD (n)".

    Under ours stand the published number and its verdict; with `others`, published rows that we do not run follow.
    """
    experiment = results.experiment
    budget = experiment.budget(results.budget)
    tasks = [t for t in experiment.tasks if any(key[0] == t.id for key in results.cells)]
    grids = []
    for measure in experiment.measures:
        rows = []
        for variant in dict.fromkeys(variant for _, variant in results.cells):
            cells = [results.cells.get((task.id, variant)) for task in tasks]
            rows.append((results.labels.get(variant, variant), tuple(_cell(cell, measure) for cell in cells)))
            numbers = [_published_number(results, published, task.id, variant, measure) for task in tasks]
            if any(numbers):
                rows.append(("  published", tuple(map(_printed, numbers))))
                words = tuple(
                    (verdicts or {}).get((task.id, variant), "") if cell is not None and len(cell.frame) else ""
                    for task, cell in zip(tasks, cells, strict=True)
                )
                rows += [("  verdict", words)] if any(words) else []
        if published is not None and others and measure is experiment.measures[0]:
            rows += _published_only(experiment, published, tasks)
        title = f"{experiment.id}, budget {budget.name}: {measure.label}"
        grids.append(Grid(title=title, corner="", columns=tuple(t.label for t in tasks), rows=tuple(rows), notes=()))
    better = "higher is better" if experiment.measures[0].higher_is_better else "lower is better"
    notes = [
        f"mean ± SD (n seeds); {better}",
        *([budget.note] if budget.note else []),
        *results.notes,
        *results.caveats,
    ]
    return [*grids[:-1], replace(grids[-1], notes=tuple(notes))]


def _published_only(experiment: Experiment, published: Any, tasks: list[Task]) -> list[tuple[str, tuple[str, ...]]]:
    """The table's rows that are no variant of ours."""
    ours = {variant.published for variant in experiment.variants}
    rows = []
    for row, label in zip(published.rows, published.row_labels, strict=True):
        numbers = tuple(_printed(published.get(row, t.published) if t.published else None) for t in tasks)
        if row not in ours and any(numbers):
            rows += [(label, ("",) * len(tasks)), ("  published", numbers)]
    return rows


def _cell(cell: CellData | None, measure: Measure) -> str:
    if cell is None:
        return NOT_RUN
    sample = read_sample(cell, measure) if len(cell.frame) else Sample({})
    if not sample.values:
        return MISSING if not sample.failed else f"all {len(sample.failed)} diverged"
    summary = summarise(list(sample.values.values()))
    text = format_mean_spread(summary.mean, summary.sd, summary.n)
    return text + (f" +{len(sample.failed)} diverged" if sample.failed else "")


def _published_number(results: Results, published: Any, task: str, variant: str, measure: Measure) -> Any:
    """The published number of a cell; it belongs to the experiment's first measure."""
    if published is None or measure is not results.experiment.measures[0]:
        return None
    rows = {v.id: v.published for v in results.experiment.variants}
    columns = {t.id: t.published for t in results.experiment.tasks}
    if not rows.get(variant) or not columns.get(task):
        return None
    return published.get(rows[variant], columns[task])


def _printed(number: Any) -> str:
    if number is None:
        return ""
    return number.text if number.n is None else f"{number.text} ({number.n})"
