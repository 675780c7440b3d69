"""Drawing: mean, pointwise t-band and thin lines for seeds, labelled with n. Nothing is smoothed."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from svgbench.analysis.judge.statistics import curve_band, seed_grid
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.naming import RANDOM_VARIANT
from svgbench.analysis.show.canvas import (
    TEXT_WIDTH,
    boxes_note,
    distinct,
    find_fonts,
    house_style,
    plain,
    save,
    subplots,
)
from svgbench.analysis.show.references import draw_legend, draw_levels, draw_not_run, draw_published, shows_published
from svgbench.lab.block import resolve
from svgbench.words.errors import DamagedError, UsageError
from svgbench.words.experiment import BUDGETS, TaskSpec

PALETTE = [sns.color_palette("colorblind", 10)[i] for i in (0, 1, 2, 3, 4, 9, 5)]
"""Seven colours that colour-blind readers can tell apart: one pink, no yellow, no grey. Both blues differ in dashes."""
SHADES = (1.0, 0.5, 0.75, 0.3)
"""The brightness of the palette's colours when they are used for the first time, for the second, and so on."""
GREYS = ("0.0", "0.55", "0.3")
OF_RANDOM = "0.55"
DASHES = ("-", (0, (4, 1.2)), (0, (4, 1.2, 1, 1.2)), (0, (1.2, 1.2)))
"""If curves coincide, each shows through the gaps of the next."""

LARGEST = 1e300
"""Larger numbers have no room for a panel's margins within the range of a float."""
MOST_NEVER = 5
"""Most variants without any run that a figure names."""
BANDS = "mean and 95 % t-interval"
MOST_CAVEATS = 4  # in the figure; the others are printed when it is drawn


Finish = Callable[[Axes, TaskSpec], None]
"""Adds to a task's panel."""


@dataclass(frozen=True)
class Look:
    """How one curve is drawn."""

    label: str
    colour: Any
    dashes: Any = "-"
    width: float = 1.1


def draw(results: Results, output: Path, mark: str = "") -> tuple[list[Path], str]:
    """Draw the experiment's figure (learning curves if it names none) into `output`; the files written, and a note.

    mark: appended to the files' names.

    The note, usually empty, lists characters of labels that no font has.

    Raises as `figures_of`.
    """
    with house_style():
        pages = figures_of(results)
        boxes = "".join(sorted({c for figure in pages.values() for c in find_fonts(figure)}))
        stem = results.experiment.id.replace("/", "-") + mark
        return [
            path for name, figure in pages.items() for path in save(figure, output, f"{stem}-{name}" if name else stem)
        ], boxes_note(boxes) if boxes else ""


def figures_of(results: Results) -> Mapping[str, Figure]:
    """The pages of the experiment's figure by name, in the style that is set.

    UsageError if there is nothing to draw, DamagedError if that is because of damaged files. The figure's function
    takes `Results` and returns pages by name.
    """
    if not any(len(cell.frame) for cell in results.cells.values()):
        name, named = results.experiment.id, len(results.cells)
        if results.damaged:
            raise DamagedError(f"{name} has nothing to draw at budget {results.budget}: {'; '.join(results.damaged)}")
        declared = sum(v.runs_on(t.id) for v in results.experiment.variants for t in results.experiment.tasks)
        if named < declared:
            raise UsageError(
                f"none of the {named} cells that were named of {name} has results at budget {results.budget}"
            )
        raise UsageError(
            f"{name} has no results at budget {results.budget}; "
            f"`svgbench run {name} --budget {results.budget}` makes them"
        )
    if too_large := _too_large(results):
        raise UsageError(
            f"{results.experiment.id}: {', '.join(too_large)} {'have' if len(too_large) > 1 else 'has'} values beyond "
            f"{LARGEST:g}, which cannot be drawn; --variants leaves variants out"
        )
    reference = results.experiment.figure
    pages: Mapping[str, Figure] = resolve(reference)(results) if reference else {"": learning_curves(results)}
    if not pages:
        raise UsageError(f"{results.experiment.id}: nothing that was named has what its figure draws")
    return pages


def _too_large(results: Results) -> list[str]:
    """The variants with numbers that a panel cannot hold."""
    found = []
    for (_, variant), cell in results.cells.items():
        numbers = np.abs(cell.frame.select_dtypes("number").to_numpy(float))
        if ((numbers > LARGEST) & np.isfinite(numbers)).any():
            found.append(variant)
    return list(dict.fromkeys(found))


def looks(results: Results, variants: Sequence[str]) -> dict[str, Look]:
    """A look of its own for each variant, the same whatever else is drawn.

    A declared variant's follows its place in the experiment: a colour, and dashes where more than four are declared.
    An undeclared variant has greys and dashes of its own. A random policy is a dotted grey line in every figure.
    """
    declared = [v.id for v in results.experiment.variants if v.id != RANDOM_VARIANT]
    dashed = len(declared) > 4
    places = {v: i for i, v in enumerate(declared)}
    extra = {v: i for i, v in enumerate(v for v in variants if v not in places and v != RANDOM_VARIANT)}
    found, labels = {}, distinct(results.labels)
    for v in variants:
        label, i = plain(labels.get(v, v)), places.get(v, 0)
        again, hue = divmod(i, len(PALETTE))
        dashes = DASHES[(i + 2 * again) % len(DASHES)] if dashed else "-"
        colour = tuple(SHADES[again % len(SHADES)] * part for part in PALETTE[hue])
        found[v] = Look(label, colour, dashes)
        if v in extra:
            k = extra[v]
            found[v] = Look(label, GREYS[k % len(GREYS)], DASHES[1 + k // len(GREYS) % (len(DASHES) - 1)])
        if v == RANDOM_VARIANT:
            found[v] = Look(label, OF_RANDOM, ":")
    return found


def undeclared(results: Results, task: str) -> list[str]:
    """The variants with rows on a task that the experiment does not declare: imported ones, and those made with -o."""
    declared = {v.id for v in results.experiment.variants}
    return [v for (t, v), cell in results.cells.items() if t == task and v not in declared and len(cell.frame)]


def imported(results: Results) -> list[str]:
    """The labels of imported variants with rows."""
    found = (v for (_, v), cell in results.cells.items() if cell.imported and len(cell.frame))
    labels = distinct(results.labels)
    return [plain(labels.get(v, v)) for v in dict.fromkeys(found)]


def drawable(results: Results, task: str, variant: str, column: str) -> bool:
    """Whether the cell has rows with a number in that column."""
    cell = results.cells.get((task, variant))
    return cell is not None and column in cell.frame and bool(cell.frame[column].notna().any())


def has_rows(results: Results, column: str, *variants: str) -> bool:
    """Whether any of these variants has rows with a number in that column on a task."""
    return any(v in variants and drawable(results, t, v, column) for t, v in results.cells)


def curve(ax: Axes, rows: pd.DataFrame, x: str, y: str, look: Look, log: bool = False) -> int:
    """One curve: thin lines for seeds, the mean, and its 95 % t-band; returns n.

    `rows` has one row per seed and x. NaN interrupts a line, and a band where fewer than two seeds are left. With
    `log` (positive values only) mean and interval are those of the logarithms: a geometric mean.
    """
    _, grid, values = seed_grid(rows["seed"], rows[x], rows[y])
    band = curve_band(np.log(values) if log else values)
    low, mean, high = (np.exp(v) if log else v for v in (band.low, band.mean, band.high))
    ax.plot(grid, values.T, color=look.colour, linewidth=0.35, alpha=0.4, zorder=1)
    ax.fill_between(np.asarray(grid, dtype=float), low, high, color=look.colour, alpha=0.2, linewidth=0, zorder=2)
    ax.plot(grid, mean, linestyle=look.dashes, color=look.colour, linewidth=look.width, label=look.label, zorder=3)
    return len(values)


def log_scale(ax: Axes) -> None:
    """A logarithmic y axis that is readable both over a fraction of a decade and over ten."""
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    if high / low < 300:
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 50 else (1, 3), numticks=12))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        ax.yaxis.set_major_locator(LogLocator(numticks=6))
        if high / low > 1e5:
            ax.yaxis.set_minor_locator(NullLocator())  # it would fill some decades and not others
    ax.yaxis.set_minor_formatter(NullFormatter())


def stamp(
    figure: Figure,
    results: Results,
    n: Sequence[int],
    bands: str = BANDS,
    seeds_are: str = "thin lines",
) -> None:
    """The line under every figure: n, the meaning of the bands, the budget if it is not the paper's, missing cells."""
    seeds = f"n = {min(n, default=0)}" + (f" to {max(n)}" if len(set(n)) > 1 else "")
    words = f"{seeds} seeds ({seeds_are}); {bands}"
    words += "; values outside a panel are cut" * any(is_cut(ax) for ax in figure.axes if ax.get_visible())
    words += f"; {results.experiment.id}, budget {results.budget}"
    budget = results.experiment.budget(results.budget)
    if budget.name == BUDGETS[0]:
        words += f" ({budget.origin})"
    else:
        words += f" ({budget.note})"
        words += ", published numbers of the paper's budget" * shows_published(figure)
    lacking = sum(bool(cell.missing) for cell in results.cells.values())
    words += f"; incomplete: {lacking} of {len(results.cells)} cells lack seeds" if lacking else ""
    if never := _never_run(results):
        between = "; " if any("," in label for label in never) else ", "
        words += f" (no runs of {between.join(never[:MOST_NEVER])}{' and others' * (len(never) > MOST_NEVER)})"
    words += f"; {results.stale} of {len(results.cells)} cells stale" if results.stale else ""
    words += f"; not ours: {', '.join(others)}" if (others := imported(results)) else ""
    words += "".join(f"; {caveat}" for caveat in results.caveats[:MOST_CAVEATS])
    more = len(results.caveats) - MOST_CAVEATS
    words += f"; {more} more such notes" if more > 0 else ""
    figure.supxlabel(textwrap.fill(words, int(22 * figure.get_figwidth())), fontsize=6, color="0.25")


def _never_run(results: Results) -> list[str]:
    """The labels of the requested variants that have no rows on any task."""
    run = {v for (_, v), cell in results.cells.items() if len(cell.frame)}
    return [plain(results.labels.get(v, v)) for v in dict.fromkeys(v for _, v in results.cells) if v not in run]


def is_cut(ax: Axes) -> bool:
    """Whether anything drawn (including intervals and seeds) lies outside the panel's limits."""
    drawn = ax.dataLim
    ends = ((drawn.intervalx, ax.get_xlim()), (drawn.intervaly, ax.get_ylim()))
    return any(
        min(data) < min(limits) - 1e-6 * abs(limits[1] - limits[0])
        or max(data) > max(limits) + 1e-6 * abs(limits[1] - limits[0])
        for data, limits in ends
        if np.all(np.isfinite(data))
    )


def grid_of(tasks: int, across: int, height: float, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure of a text's width with a panel per task, `across` of them in a row of `height` inches."""
    columns = min(tasks, across)
    rows = -(-tasks // columns)
    figure, axes = subplots(rows, columns, (TEXT_WIDTH, height * rows + 0.7), **options)
    panels = list(axes.flat)
    for ax in panels[tasks:]:
        ax.set_visible(False)
    return figure, panels[:tasks]


def named_tasks(results: Results) -> list[TaskSpec]:
    """The requested tasks, with or without runs."""
    asked = {task for task, _ in results.cells}
    return [task for task in results.experiment.tasks if task.id in asked]


def panel(ax: Axes, results: Results, task: TaskSpec, column: str, look: Mapping[str, Look]) -> list[int]:
    """Curves of a task's variants against steps, with their references. Returns the n of each curve.

    A variant that was measured once, as a random policy is, is a line across the panel. If only such lines are there,
    and other runs of the task are missing, the panel says that it was not run: it has no steps to draw.
    """
    drawn = [v for v in look if drawable(results, task.id, v, column)]
    curves = [v for v in drawn if results.cells[task.id, v].frame.step.nunique() > 1]
    lacking = any(t == task.id and not len(cell.frame) for (t, _), cell in results.cells.items())
    if not drawn or (lacking and not curves):
        draw_not_run(ax, task.label, results, task.id)
        return []
    n = []
    for variant in drawn:
        rows, how = results.cells[task.id, variant].frame, look[variant]
        if variant in curves:
            n.append(curve(ax, rows, "step", column, how))
        else:
            ax.axhline(rows[column].mean(), color=how.colour, linestyle=":", linewidth=0.9, label=how.label)
    ax.set_title(task.label)
    ax.set_xlabel(results.experiment.step_unit)
    draw_levels(ax, results, task.id, column)
    if column == results.experiment.measures[0].column:
        draw_published(ax, results, task, {v: look[v].colour for v in drawn})
    return n


def curve_panels(
    results: Results,
    column: str,
    chosen: Mapping[str, Sequence[str]],
    *,
    label: str = "evaluation return",
    across: int = 3,
    height: float = 1.7,
    bands: str = BANDS,
    finish: Finish | None = None,
    notes: Mapping[str, str] | None = None,
) -> Figure:
    """A panel for each task of `chosen`, with its variants' curves of `column` against steps.

    label: of the vertical axis. across, height: as `grid_of`. bands: as `stamp`. finish: called with each panel that
    has a curve, and its task. notes: what the legend says behind a variant's label.
    """
    tasks = [task for task in named_tasks(results) if task.id in chosen]
    figure, axes = grid_of(len(tasks), across, height)
    look = looks(results, list(dict.fromkeys(v for task in tasks for v in chosen[task.id])))
    look |= {v: replace(look[v], label=f"{look[v].label}, {note}") for v, note in (notes or {}).items() if v in look}
    n: list[int] = []
    for ax, task in zip(axes, tasks, strict=True):
        curves = panel(ax, results, task, column, {v: look[v] for v in chosen[task.id]})
        n += curves
        if curves and finish is not None:
            finish(ax, task)
    axes[0].set_ylabel(label)
    draw_legend(figure, axes)
    stamp(figure, results, n, bands)
    return figure


def with_undeclared(results: Results, variants: Sequence[str]) -> dict[str, list[str]]:
    """For each named task, these variants and those that have rows on it without being declared."""
    return {task.id: [*variants, *undeclared(results, task.id)] for task in named_tasks(results)}


def learning_curves(results: Results) -> Figure:
    """One panel per task: the experiment's first measure's column against steps."""
    column, variants = results.experiment.measures[0].column, list(dict.fromkeys(v for _, v in results.cells))
    chosen = {task.id: variants for task in named_tasks(results)}
    return curve_panels(results, column, chosen, label=column.replace("_", " "))
