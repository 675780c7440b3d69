"""Panels of costs against iterations, for the figures of Schulman 2016."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from svgbench.analysis.frames import Results
from svgbench.analysis.plots import TEXT_WIDTH, curve, looks, stamp
from svgbench.lab.experiment import Task


def drawn(results: Results, task: str) -> list[str]:
    """The variants that have rows on a task, as declared."""
    return [variant for (of, variant), cell in results.cells.items() if of == task and len(cell.frame)]


def cost_panels(results: Results, chosen: Mapping[str, Sequence[str]], column: str = "reward_per_step") -> Figure:
    """A panel per task: minus `column` against the iteration, for the chosen variants of each task."""
    tasks = [task for task in results.experiment.tasks if chosen.get(task.id)]
    across = min(len(tasks), 2)
    down = -(-len(tasks) // across)
    size = (TEXT_WIDTH if across > 1 else 0.6 * TEXT_WIDTH, 2.1 * down + 0.7)
    figure, axes = plt.subplots(down, across, figsize=size, squeeze=False)
    look = looks(results, list(dict.fromkeys(v for task in tasks for v in chosen[task.id])))
    n, cut = [], False
    for ax, task in zip(axes.flat, tasks, strict=False):
        means: list[float] = []
        seeds: list[float] = []
        for variant in chosen[task.id]:
            rows = results.cells[task.id, variant].frame
            n.append(curve(ax, rows.assign(cost=-rows[column]), "step", "cost", look[variant]))
            means += list(-rows.groupby("step")[column].mean())
            seeds += list(-rows[column])
        cut |= fit(ax, means, seeds)
        ax.set_title(_title(results, task))
        ax.set_xlabel(results.experiment.step_unit)
    for ax in list(axes.flat)[len(tasks) :]:
        ax.set_visible(False)
    axes[0, 0].set_ylabel("cost" if column == "return_mean" else "cost per step")
    handles = {label: h for ax in axes.flat for h, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=4, frameon=False)
    stamp(figure, results, n, "mean and 95 % t-interval" + "; what leaves a panel is far worse" * cut)
    return figure


def fit(ax: Axes, means: Sequence[float], seeds: Sequence[float]) -> bool:
    """Limit a panel of costs to where the better means and every better seed are; whether a mean lies above it.

    A method that diverges is many powers of ten worse than the rest, and would hide it.
    """
    finite, single = (np.sort(np.array(values)[np.isfinite(values)]) for values in (means, seeds))
    if len(finite) == 0:
        return False
    best, usual = single[0], np.quantile(finite, 0.75)
    top = min(finite[-1], usual + 1.5 * (usual - best))
    margin = 0.08 * (top - best) or 1.0
    ax.set_ylim(best - margin, top + margin)
    return bool(top < finite[-1])


def _title(results: Results, task: Task) -> str:
    return task.label if len(results.experiment.tasks) > 1 else ""
