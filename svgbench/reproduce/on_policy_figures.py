"""Panels of costs against iterations, for the figures of Schulman 2016."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.canvas import TEXT_WIDTH, subplots
from svgbench.analysis.show.plots import Look, curve, drawable, looks, named_tasks, stamp, undeclared
from svgbench.analysis.show.references import draw_legend, draw_levels, draw_not_run
from svgbench.words.experiment import TaskSpec


def drawn(results: Results, task: str, column: str = "reward_per_step") -> list[str]:
    """The variants that have rows on a task: declared ones in their order, then undeclared ones."""
    other = undeclared(results, task)
    cells = [v for t, v in results.cells if t == task and v not in other]
    return [variant for variant in (*cells, *other) if drawable(results, task, variant, column)]


def cost_panels(results: Results, chosen: Mapping[str, Sequence[str]], column: str = "reward_per_step") -> Figure:
    """A panel per task of `chosen`: minus `column` against the iteration, for its variants; empty if it has none."""
    tasks = [task for task in named_tasks(results) if task.id in chosen]
    across = min(len(tasks), 2)
    down = -(-len(tasks) // across)
    figure, axes = subplots(down, across, (TEXT_WIDTH if across > 1 else 0.6 * TEXT_WIDTH, 2.1 * down + 0.7))
    panels = list(axes.flat)
    look = looks(results, list(dict.fromkeys(v for task in tasks for v in chosen[task.id])))
    n: list[int] = []
    for ax, task in zip(panels, tasks, strict=False):
        n += _costs(ax, results, task, {v: look[v] for v in chosen[task.id]}, column)
    for ax in panels[len(tasks) :]:
        ax.set_visible(False)
    panels[0].set_ylabel("cost" if column == "return_mean" else "cost per step")
    draw_legend(figure, panels)
    stamp(figure, results, n)
    return figure


def _costs(ax: Axes, results: Results, task: TaskSpec, look: Mapping[str, Look], column: str) -> list[int]:
    """Draw a panel; the n of each curve."""
    title = task.label if len(results.experiment.tasks) > 1 else ""
    if not look:
        draw_not_run(ax, title, results, task.id)
        return []
    n, means, seeds = [], [], []
    for variant, how in look.items():
        rows = results.cells[task.id, variant].frame
        n.append(curve(ax, rows.assign(cost=-rows[column]), "step", "cost", how))
        means += list(-rows.groupby("step")[column].mean())
        seeds += list(-rows[column])
    fit(ax, means, seeds)
    ax.set_title(title)
    ax.set_xlabel(results.experiment.step_unit)
    draw_levels(ax, results, task.id, column, sign=-1.0)
    return n


def fit(ax: Axes, means: Sequence[float], seeds: Sequence[float]) -> None:
    """Limit a panel of costs to the range of the better means and their seeds.

    A method that diverges is many powers of ten worse than the rest, and would hide them.
    """
    finite, single = (np.sort(np.array(values)[np.isfinite(values)]) for values in (means, seeds))
    if len(finite) == 0:
        return
    best, usual = single[0], np.quantile(finite, 0.75)
    top = min(finite[-1], usual + 1.5 * (usual - best))
    margin = 0.08 * (top - best) or 1.0
    ax.set_ylim(best - margin, top + margin)
