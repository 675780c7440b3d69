"""Figures 5 and 6 of Amos et al. 2020."""

from __future__ import annotations

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.canvas import COLUMN_WIDTH, plain, subplots
from svgbench.analysis.show.plots import curve_panels, drawable, named_tasks, undeclared
from svgbench.analysis.show.references import draw_row
from svgbench.words.experiment import TaskSpec

BEST_H = {"Ant": 2, "Hopper": 2, "Swimmer": 2, "Cheetah": 3, "Walker2d": 4, "PETS Cheetah": 4}
"""The H of each column's best row among SAC-SVG's, as Table 2 prints it."""


def fig5(results: Results) -> dict[str, Figure]:
    """SAC and the printed best H of each task, or the nearest that has been run; the level of POPLIN-P.

    A page "all" draws every H beside SAC.
    """
    every = {t.id: _variants(results, t) for t in named_tasks(results)}
    horizons = {v.id: int(str(v.config["H"])) for v in results.experiment.variants if "H" in v.config}
    chosen = {}
    for task in named_tasks(results):
        run, best = every[task.id], BEST_H.get(task.published or "", 2)
        nearest = sorted((v for v in run if v in horizons), key=lambda v: abs(horizons[v] - best))[:1]
        chosen[task.id] = [v for v in run if v == "sac"] + nearest + undeclared(results, task.id)
    return {"": _panels(results, chosen), "all": _panels(results, every)}


def fig6(results: Results) -> dict[str, Figure]:
    """One curve per exponent."""
    frame = results.frame()
    variants = list(dict.fromkeys(frame.variant))
    figure, axes = subplots(1, 1, (COLUMN_WIDTH, 2.2))
    ax = axes[0, 0]
    for colour, variant in zip(sns.color_palette("viridis", len(variants)), variants, strict=True):
        rows = frame[frame.variant == variant]
        ax.plot(rows.step, rows.target_entropy, color=colour, label=plain(results.labels[variant]))
    ax.set_xlabel("environment steps")
    ax.set_ylabel("target entropy, nats")
    ax.legend(frameon=False, ncols=2)
    return {"": figure}


def _variants(results: Results, task: TaskSpec) -> list[str]:
    cells = [v for t, v in results.cells if t == task.id and v != "random"]
    return [v for v in cells if drawable(results, task.id, v, "eval_return")]


def _panels(results: Results, chosen: dict[str, list[str]]) -> Figure:
    """A panel for each task, with POPLIN-P's published level."""

    def add_level(ax: Axes, task: TaskSpec) -> None:
        draw_row(ax, results, task, "POPLIN-P", "POPLIN-P, published")

    return curve_panels(results, "eval_return", chosen, finish=add_level)
