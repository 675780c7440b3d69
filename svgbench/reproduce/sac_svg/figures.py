"""Figures 2, 5 and 6 of Amos et al. 2020."""

from __future__ import annotations

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from svgbench import paper_tables
from svgbench.analysis.frames import Results
from svgbench.analysis.plots import COLUMN_WIDTH, TEXT_WIDTH, Look, curve, looks, stamp
from svgbench.lab.experiment import Task

BEST_H = {"Ant": 2, "Hopper": 2, "Swimmer": 2, "Cheetah": 3, "Walker2d": 4, "PETS Cheetah": 4}
"""The H of each column's best row among SAC-SVG's, as Table 2 prints it."""


def fig2(results: Results) -> dict[str, Figure]:
    """Every variant, and the level of the authors' rerun."""
    return {
        "": _panels(results, {t.id: _variants(results, t) for t in _drawn(results)}, "SAC-SVG(2)", "authors' rerun")
    }


def fig5(results: Results) -> dict[str, Figure]:
    """SAC and the printed best H of each task, or the nearest that has been run; the level of POPLIN-P.

    A page "all" draws every H beside SAC.
    """
    chosen = {}
    for task in _drawn(results):
        run = _variants(results, task)
        horizons = {int(v.rpartition("-")[2]): v for v in run if v.startswith("sac-svg-")}
        best = BEST_H.get(task.published or "", 2)
        nearest = sorted(horizons, key=lambda h: abs(h - best))[:1]
        chosen[task.id] = [v for v in run if v == "sac"] + [horizons[h] for h in nearest]
    every = {t.id: _variants(results, t) for t in _drawn(results)}
    return {
        "": _panels(results, chosen, "POPLIN-P", "POPLIN-P, published"),
        "all": _panels(results, every, "POPLIN-P", "POPLIN-P, published"),
    }


def fig6(results: Results) -> dict[str, Figure]:
    """One curve per exponent."""
    frame = results.frame()
    variants = list(dict.fromkeys(frame.variant))
    figure, ax = plt.subplots(figsize=(COLUMN_WIDTH, 2.2))
    for colour, variant in zip(sns.color_palette("viridis", len(variants)), variants, strict=True):
        rows = frame[frame.variant == variant]
        ax.plot(rows.step, rows.target_entropy, color=colour, label=results.labels[variant])
    ax.set_xlabel("environment steps")
    ax.set_ylabel("target entropy, nats")
    ax.legend(frameon=False, ncols=2)
    return {"": figure}


def _drawn(results: Results) -> list[Task]:
    filled = {task for (task, _), cell in results.cells.items() if len(cell.frame)}
    return [t for t in results.experiment.tasks if t.id in filled]


def _variants(results: Results, task: Task) -> list[str]:
    return [v for (t, v), cell in results.cells.items() if t == task.id and len(cell.frame) and v != "random"]


def _panels(results: Results, chosen: dict[str, list[str]], level: str, level_label: str) -> Figure:
    tasks = [t for t in results.experiment.tasks if t.id in chosen]
    columns = min(len(tasks), 3)
    rows = -(-len(tasks) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(TEXT_WIDTH, 1.7 * rows + 0.6), squeeze=False)
    look = looks(results, list(dict.fromkeys(v for variants in chosen.values() for v in variants)))
    n: list[int] = []
    for ax, task in zip(axes.flat, tasks, strict=False):
        n += _panel(ax, results, task, chosen[task.id], look)
        _level(ax, results, task, level, level_label)
    for ax in list(axes.flat)[len(tasks) :]:
        ax.set_visible(False)
    axes[0, 0].set_ylabel("evaluation return")
    handles = {label: h for ax in axes.flat for h, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=4, frameon=False)
    stamp(figure, results, n)
    return figure


def _panel(ax: Axes, results: Results, task: Task, variants: list[str], look: dict[str, Look]) -> list[int]:
    ax.set_title(task.label)
    ax.set_xlabel(results.experiment.step_unit)
    return [curve(ax, results.cells[task.id, v].frame, "step", "eval_return", look[v]) for v in variants]


def _level(ax: Axes, results: Results, task: Task, row: str, label: str) -> None:
    """A published number as a horizontal line, at the paper's budget only: elsewhere it would compare nothing."""
    experiment = results.experiment
    if results.budget != "paper" or experiment.published is None or task.published is None:
        return
    number = paper_tables.load(experiment.published).get(row, task.published)
    if number is not None:
        ax.axhline(float(number.value), color="0.4", linewidth=0.8, linestyle="--", label=label)
