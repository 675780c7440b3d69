"""Seeds of the cart-pole whose poles fall, and how large their actions are, with two costs of an action."""

from __future__ import annotations

from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from svgbench.analysis.judge.cell_statistics import failed_by
from svgbench.analysis.judge.rates import share_interval
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import Sample, read_sample
from svgbench.analysis.show.canvas import TEXT_WIDTH, distinct, plain, subplots
from svgbench.analysis.show.plots import stamp, undeclared
from svgbench.analysis.show.references import draw_legend
from svgbench.reproduce.svg.actions import BEYOND, MEAN_ACTION
from svgbench.reproduce.svg.claims import FINAL

APART = 0.36  # between the tasks' places around a variant's
SPREAD = 0.1  # half width of a cloud of seeds
SHOWN = (
    (FINAL, "return", "symlog"),
    (MEAN_ACTION, "size of mean actions", "log"),
    (BEYOND, "share of steps", "linear"),
)
TITLES = (
    "Poles that have fallen",
    "Return of training episodes",
    "Mean actions",
    "Steps with an action beyond its range",
)
LARGEST_LINEAR = 125.0  # return: beyond it the axis is logarithmic


def cart_pole_actions(results: Results) -> dict[str, Figure]:
    """The share of seeds whose poles fell, their returns, their mean actions, and steps beyond the range."""
    tasks = [task for task in results.experiment.tasks if any(of == task.id for of, _ in results.cells)]
    known = [v.id for v in results.experiment.variants]
    variants = [*known, *dict.fromkeys(v for task in tasks for v in undeclared(results, task.id))]
    rows = {(t, v) for (t, v), cell in results.cells.items() if cell.seeds}  # a seed may diverge before its first row
    variants = [v for v in variants if any((task.id, v) in rows for task in tasks)]
    if not variants:
        return {}
    figure, axes = subplots(2, 2, (TEXT_WIDTH, 4.6))
    labels, n = distinct(results.labels), []
    for k, task in enumerate(tasks):
        shift = APART * (k - (len(tasks) - 1) / 2)
        look: dict[str, Any] = {"color": sns.color_palette("colorblind", 10)[k]}
        for place, variant in enumerate(variants):
            if (task.id, variant) not in rows:
                continue
            fell = fallen(results, task.id, variant)
            n.append(len(results.cells[task.id, variant].seeds))
            _share(axes[0, 0], place + shift, fell, look, plain(task.label))
            for ax, (measure, _, _) in zip(axes.flat[1:], SHOWN, strict=True):
                sample = read_sample(results.cells[task.id, variant], measure)
                _seeds(ax, place + shift, sample, fell or {}, look)
    for ax, title in zip(axes.flat, TITLES, strict=True):
        ax.set_title(title)
        ax.set_xticks(range(len(variants)), [plain(labels[v], 14) for v in variants], rotation=30, ha="right")
    axes[0, 0].set_ylim(-0.03, 1.03)
    axes[0, 0].set_ylabel("share of seeds")
    for ax, (measure, label, scale) in zip(axes.flat[1:], SHOWN, strict=True):
        ax.set_ylabel(f"{label}, last {measure.k}")
        _scale(ax, scale)
    draw_legend(figure, axes.flat, columns=3)
    stamp(figure, results, n, "shares with exact 95 % intervals; a bar is the median", "points; crosses have fallen")
    return {"": figure}


def fallen(results: Results, task: str, variant: str) -> dict[int, bool] | None:
    """Whether each seed of a cell has failed, by the experiment's level; None if its measure was not recorded."""
    level = results.experiment.failure_on(task)
    if level is None:
        return None
    sample = read_sample(results.cells[task, variant], level.measure)
    lost = failed_by(level, sample)
    return {seed: seed in lost for seed in (*sample.values, *sample.failed)} or None


def _share(ax: Axes, x: float, fell: dict[int, bool] | None, look: dict[str, Any], label: str) -> None:
    if fell is None:
        return
    share = share_interval(sum(fell.values()), len(fell))
    ends = [[share.value - share.low], [share.high - share.value]]
    shown = label not in ax.get_legend_handles_labels()[1]
    ax.errorbar(
        [x], [share.value], yerr=ends, fmt="o", markersize=3, elinewidth=0.8, label=label if shown else None, **look
    )


def _seeds(ax: Axes, x: float, sample: Sample, fell: dict[int, bool], look: dict[str, Any]) -> None:
    """A point for each seed, side by side, and a bar at their median."""
    if not sample.values:
        return
    seeds = sorted(sample.values)
    places = x + (np.linspace(-SPREAD, SPREAD, len(seeds)) if len(seeds) > 1 else np.zeros(1))
    for marker, wanted in ((".", False), ("x", True)):
        own = [(at, sample.values[s]) for at, s in zip(places, seeds, strict=True) if fell.get(s, False) == wanted]
        if own:
            ax.plot(*zip(*own, strict=True), marker, markersize=3.5, markeredgewidth=0.7, **look)
    middle = float(np.median(list(sample.values.values())))
    ax.plot([x - 1.4 * SPREAD, x + 1.4 * SPREAD], [middle, middle], linewidth=1.2, **look)


def _scale(ax: Axes, scale: str) -> None:
    if scale == "symlog" and ax.dataLim.y0 < -LARGEST_LINEAR:
        ax.set_yscale("symlog", linthresh=LARGEST_LINEAR)
    elif scale == "log" and ax.lines and ax.dataLim.y0 > 0:
        ax.set_yscale("log")
