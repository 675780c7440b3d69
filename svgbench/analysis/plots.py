"""Drawing: mean, pointwise t-band and thin lines for seeds, labelled with n. Nothing is smoothed."""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from svgbench.analysis.frames import Results
from svgbench.analysis.statistics import curve_band, seed_grid
from svgbench.lab.errors import UsageError

COLUMN_WIDTH = 3.4  # inches: one column of a two-column page
TEXT_WIDTH = 6.9
DPI = 200
STYLE: Any = {
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "pdf.fonttype": 42,
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True)
class Look:
    """How one curve is drawn."""

    label: str
    colour: Any
    dashes: str = "-"
    width: float = 1.1


def draw(results: Results, output: Path) -> list[Path]:
    """Draw the experiment's figure (learning curves if it names none) into `output`; the files written.

    UsageError if there is nothing to draw. The figure's function takes `Results` and returns pages by name.
    """
    if not any(len(cell.frame) for cell in results.cells.values()):
        name, named = results.experiment.id, len(results.cells)
        declared = sum(v.runs_on(t.id) for v in results.experiment.variants for t in results.experiment.tasks)
        if named < declared:
            raise UsageError(
                f"none of the {named} cells that were named of {name} has results at budget {results.budget}"
            )
        raise UsageError(
            f"{name} has no results at budget {results.budget}; "
            f"`svgbench run {name} --budget {results.budget}` makes them"
        )
    reference = results.experiment.figure
    with sns.axes_style("ticks"), plt.rc_context(STYLE):
        if reference is None:
            pages: Mapping[str, Figure] = {"": learning_curves(results)}
        else:
            module, _, attribute = reference.partition(":")
            pages = getattr(importlib.import_module(module), attribute)(results)
        stem = results.experiment.id.replace("/", "-")
        return [
            path for name, figure in pages.items() for path in save(figure, output, f"{stem}-{name}" if name else stem)
        ]


def save(figure: Figure, output: Path, stem: str) -> list[Path]:
    """Write PNG and PDF without dates, so that equal results give equal files."""
    output.mkdir(parents=True, exist_ok=True)
    paths = [output / f"{stem}.png", output / f"{stem}.pdf"]
    figure.savefig(paths[0], dpi=DPI, metadata={"Software": None})
    figure.savefig(paths[1], metadata={"CreationDate": None, "Producer": None, "Creator": None})
    plt.close(figure)
    return paths


def looks(results: Results, variants: Sequence[str]) -> dict[str, Look]:
    """A colour per variant: the declared ones first, in a palette that colour-blind readers can tell apart."""
    palette = sns.color_palette("colorblind", max(len(variants), 3))
    return {v: Look(results.labels.get(v, v), palette[i % len(palette)]) for i, v in enumerate(variants)}


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
    ax.plot(grid, mean, look.dashes, color=look.colour, linewidth=look.width, label=look.label, zorder=3)
    return len(values)


def log_scale(ax: Axes) -> None:
    """A logarithmic y axis that stays readable over a fraction of a decade as over ten."""
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    if high / low < 300:
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 50 else (1, 3), numticks=12))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        ax.yaxis.set_major_locator(LogLocator(numticks=6))
    ax.yaxis.set_minor_formatter(NullFormatter())


def stamp(
    figure: Figure,
    results: Results,
    n: Sequence[int],
    bands: str = "mean and 95 % t-interval",
    seeds_are: str = "thin lines",
) -> None:
    """The line under every figure: n, what the bands are, the budget where it is not the paper's, what is missing."""
    seeds = f"n = {n[0]}" if len(set(n)) == 1 else f"n = {min(n)} to {max(n)}"
    words = f"{seeds} seeds ({seeds_are}); {bands}; {results.experiment.id}, budget {results.budget}"
    budget = results.experiment.budget(results.budget)
    if budget.name != "paper":
        words += f" ({budget.note})"
    lacking = sum(bool(cell.missing) for cell in results.cells.values())
    words += f"; incomplete: {lacking} of {len(results.cells)} cells lack seeds" if lacking else ""
    words += f"; {results.stale} of {len(results.cells)} cells are stale" if results.stale else ""
    figure.supxlabel(textwrap.fill(words, int(22 * figure.get_figwidth())), fontsize=6, color="0.25")


def learning_curves(results: Results) -> Figure:
    """One panel per task: the experiment's first measure's column against steps."""
    experiment = results.experiment
    tasks = [t for t in experiment.tasks if any(key[0] == t.id and len(c.frame) for key, c in results.cells.items())]
    columns = min(len(tasks), 3)
    height = 1.7 * -(-len(tasks) // columns) + 0.5
    figure, axes = plt.subplots(-(-len(tasks) // columns), columns, figsize=(TEXT_WIDTH, height), squeeze=False)
    measure = experiment.measures[0]
    variants = list(dict.fromkeys(variant for _, variant in results.cells))
    look = looks(results, variants)
    n = []
    for ax, task in zip(axes.flat, tasks, strict=False):
        for variant in variants:
            cell = results.cells.get((task.id, variant))
            if cell is not None and len(cell.frame):
                n.append(curve(ax, cell.frame, "step", measure.column, look[variant]))
        ax.set_title(task.label)
        ax.set_xlabel(experiment.step_unit)
    for ax in list(axes.flat)[len(tasks) :]:
        ax.set_visible(False)
    axes[0, 0].set_ylabel(measure.column.replace("_", " "))
    axes[0, 0].legend(frameon=False)
    stamp(figure, results, n)
    return figure
