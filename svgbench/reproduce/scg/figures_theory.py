"""Figures of the small theory of Schulman 2016, chapters 2 to 4: biases, variances and slack, all exact."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from svgbench.analysis.judge.statistics import curve_band, seed_grid
from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.canvas import TEXT_WIDTH, subplots
from svgbench.analysis.show.plots import curve, drawable, log_scale, looks, named_tasks, stamp
from svgbench.analysis.show.references import draw_legend, draw_not_run


class Panel(NamedTuple):
    """A column of the experiment against another."""

    y: str
    label: str
    scale: str = "log"  # of y: "log", "linear" or "symlog"
    level: float | None = None  # a line


def policy_gradient(results: Results) -> dict[str, Figure]:
    """A row per estimator: its variance and its bias for each length of an episode."""
    bias = Panel("bias", "bias / |gradient|", "symlog")
    return _rows(results, "step", "T = {:g}", (Panel("variance", "variance / |gradient|²"), bias))


def gae_lambda(results: Results) -> dict[str, Figure]:
    """Bias and variance of the gradient and of the targets against λ."""
    panels = (
        Panel("bias_discounted", r"bias from $g^\gamma$", "linear"),
        Panel("variance", "variance", "linear"),
        Panel("target_bias", "bias of targets", "linear"),
        Panel("target_variance", "var. of targets", "linear"),
    )
    return _pages(results, "gae_lambda", "λ", panels)


def vine(results: Results) -> dict[str, Figure]:
    """Variance of the local estimate, and of differences of Q-values, against the number of actions."""
    panels = (Panel("variance", "variance from K Q-values"), Panel("difference_variance", "Var of Q-differences"))
    return _pages(results, "step", "actions K", panels)


def policy_bound(results: Results) -> dict[str, Figure]:
    """A row per bound: its slack for each distance of the policies. Left of the line the bound is broken."""
    return _rows(
        results,
        "distance",
        "α = {:g}",
        (Panel("slack", "(η - bound) / |penalty|; below 0 broken", "symlog", level=0.0),),
    )


def _pages(results: Results, x: str, x_label: str, panels: tuple[Panel, ...]) -> dict[str, Figure]:
    """Tasks beside each other and panels below each other; one task has its panels beside each other."""
    tasks, variants = named_tasks(results), list(dict.fromkeys(v for _, v in results.cells))
    look, upright = looks(results, variants), len(tasks) > 1
    shape = (len(panels), len(tasks)) if upright else (1, len(panels))
    figure, axes = subplots(*shape, (TEXT_WIDTH, 1.4 * shape[0] + 1.1), sharey="row" if upright else "none")
    n: list[int] = []
    for i, task in enumerate(tasks):
        for j, panel in enumerate(panels):
            ax = axes[j, i] if upright else axes[0, j]
            drawn = [v for v in variants if all(drawable(results, task.id, v, c) for c in (x, panel.y))]
            if not drawn:
                draw_not_run(ax, task.label, results, task.id)
                continue
            frames = {v: results.cells[task.id, v].frame for v in drawn}
            n += [curve(ax, rows, x, panel.y, look[v], log=panel.scale == "log") for v, rows in frames.items()]
            _dress(ax, panel, x)
            ax.set_title(task.label if j == 0 or not upright else "")
            ax.set_xlabel(x_label if j == len(panels) - 1 or not upright else "")
            if i == 0:
                ax.set_ylabel(panel.label)
    if not n:
        return {}
    draw_legend(figure, axes.flat)
    stamp(figure, results, n, "mean (geometric on logarithmic axes) and 95 % t-interval")
    return {"": figure}


def _dress(ax: Axes, panel: Panel, x: str) -> None:
    if x == "step":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if panel.scale == "log":
        log_scale(ax)
    ax.grid(axis="y", linewidth=0.3, color="0.85")


def _rows(results: Results, by: str, label: str, panels: tuple[Panel, ...]) -> dict[str, Figure]:
    """Many variants: a row for each, with a mark for each value of the column `by`; tasks or panels side by side."""
    tasks, variants = named_tasks(results), list(dict.fromkeys(v for _, v in results.cells))
    shown = [(task, panel) for task in tasks for panel in panels]
    figure, axes = subplots(1, len(shown), (TEXT_WIDTH, 0.3 * len(variants) + 0.95), sharey=True)
    n: list[int] = []
    for ax, (task, panel) in zip(axes.flat, shown, strict=True):
        drawn = [v for v in variants if all(drawable(results, task.id, v, c) for c in (by, panel.y))]
        if not drawn:
            draw_not_run(ax, task.label, results, task.id)
            continue
        n += [_marks(ax, results.cells[task.id, v].frame, by, label, panel, variants.index(v)) for v in drawn]
        ax.set_title(task.label)
        ax.set_xlabel(panel.label)
        if panel.scale == "symlog":
            ax.set_xscale("symlog", linthresh=1e-3 if panel.level is None else 1.0)
        else:
            ax.set_xscale(panel.scale)
        if panel.level is not None:
            ax.axvline(panel.level, color="0.3", linewidth=0.8)
        ax.grid(axis="x", linewidth=0.3, color="0.85")
    if not n:
        return {}
    look = looks(results, variants)
    axes[0, 0].set_yticks(range(len(variants)), [look[v].label for v in variants])
    axes[0, 0].set_ylim(len(variants) - 0.5, -0.5)
    draw_legend(figure, axes.flat, columns=6)
    stamp(figure, results, n, "mean (geometric on logarithmic axes) and 95 % t-interval", "of each mark")
    return {"": figure}


def _marks(ax: Axes, frame: pd.DataFrame, by: str, label: str, panel: Panel, row: int) -> int:
    """Means and intervals of a variant, one below the other; returns n."""
    _, grid, values = seed_grid(frame["seed"], frame[by], frame[panel.y])
    log = panel.scale == "log"
    band = curve_band(np.log(values) if log else values)
    low, mean, high = (np.exp(v) if log else v for v in (band.low, band.mean, band.high))
    colours = sns.color_palette("viridis", len(grid))
    for k, at in enumerate(grid):
        y = row + 0.64 * ((k + 0.5) / len(grid) - 0.5)
        ax.plot([low[k], high[k]], [y, y], color=colours[k], linewidth=0.9)
        ax.plot(mean[k], y, "o", color=colours[k], markersize=2.6, label=label.format(at))
    return len(values)
