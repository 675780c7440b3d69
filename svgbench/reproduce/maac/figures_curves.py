"""Figures 2 and 4 of Clavera et al. 2020, and Table 1 as a figure."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.plots import (
    Look,
    curve_panels,
    drawable,
    grid_of,
    has_rows,
    looks,
    named_tasks,
    stamp,
    undeclared,
    with_undeclared,
)
from svgbench.analysis.show.references import draw_legend
from svgbench.words.experiment import TaskSpec

METHODS = ("maac", "mbpo", "h0", "one-step", "sac", "random")
UPDATES = ("maac", "mbpo", "sac", "sac-maac", "sac-mbpo", "random")
READINGS = ("maac", "maac-code", "td", "one-step", "random")
ABLATIONS = ("maac", "h0", "td", "single", "random")
HORIZONS = ("maac", "h0", "h1", "h10", "random")


REWARDS = {"maac": "reward known", "mbpo": "reward learned", "sac": "no model"}
"""What each learner's model knows of the reward."""

ROLLOUT = 1000
"""Steps of a rollout, in which section 5.1 counts."""


def fig2(results: Results) -> dict[str, Figure]:
    """The methods of the figure, and what each knows of the reward; a page on numbers of updates, and one on the code's
    reading of MAAC.
    """
    return _pages(results, {"": METHODS, "updates": UPDATES, "readings": READINGS}, of_fig2=True)


def fig4(results: Results) -> dict[str, Figure]:
    """The ablations of the figure; a page on horizons."""
    return _pages(results, {"": ABLATIONS, "horizons": HORIZONS})


def _pages(results: Results, chosen: dict[str, tuple[str, ...]], of_fig2: bool = False) -> dict[str, Figure]:
    """The figure, and further pages that have a curve which the figure lacks."""
    shown = {
        name: variants
        for name, variants in chosen.items()
        if not name or has_rows(results, "eval_return", *(v for v in variants if v not in chosen[""]))
    }
    return {name: _curves(results, variants, of_fig2) for name, variants in shown.items()}


def table1(results: Results) -> dict[str, Figure]:
    """The return of every seed without planning and with it, joined by a line."""
    chosen = {t.id: ["maac", *undeclared(results, t.id)] for t in named_tasks(results)}
    tasks = [t for t in named_tasks(results) if any(_tried(results, t, v) for v in chosen[t.id])]
    if not tasks:
        return {}
    figure, axes = grid_of(len(tasks), 2, 1.7)
    look = looks(results, list(dict.fromkeys(v for variants in chosen.values() for v in variants)))
    n = []
    for ax, task in zip(axes, tasks, strict=True):
        n += [_pairs(ax, results, task, v, look[v]) for v in chosen[task.id] if _tried(results, task, v)]
        ax.set_xticks([0, 1], ["policy", "with planning"])
        ax.set_xlim(-0.4, 1.4)
        ax.set_title(task.label)
    axes[0].set_ylabel("return of an episode")
    draw_legend(figure, axes)
    stamp(figure, results, n)
    return {"": figure}


def _rollouts(steps: ArrayLike) -> ArrayLike:
    return np.asarray(steps, np.float64) / ROLLOUT


def _steps(rollouts: ArrayLike) -> ArrayLike:
    return np.asarray(rollouts, np.float64) * ROLLOUT


def _tried(results: Results, task: TaskSpec, variant: str) -> bool:
    return drawable(results, task.id, variant, "unplanned_return")


def _pairs(ax: Axes, results: Results, task: TaskSpec, variant: str, look: Look) -> int:
    """One line a seed, and their mean; a point where a variant has no trial with planning."""
    frame = results.cells[task.id, variant].frame
    last = frame[frame.unplanned_return.notna()].groupby("seed").last()
    pairs = last.reindex(columns=["unplanned_return", "planned_return"]).to_numpy(dtype=float).T
    ax.plot([0, 1], pairs, color=look.colour, linewidth=0.5, marker="o", markersize=2.5, alpha=0.6)
    ax.plot([0, 1], pairs.mean(1), color=look.colour, linewidth=1.6, marker="o", markersize=4, label=look.label)
    return pairs.shape[1]


def _curves(results: Results, variants: tuple[str, ...], of_fig2: bool) -> Figure:
    """A panel for each task. of_fig2: with a second axis, of rollouts, and with what methods know of the reward."""
    chosen = with_undeclared(results, variants)
    if not of_fig2:
        return curve_panels(results, "eval_return", chosen, across=2)
    known = {v.id: REWARDS[v.learner] for v in results.experiment.variants if v.learner in REWARDS}
    return curve_panels(results, "eval_return", chosen, across=2, height=2.1, finish=_count_rollouts, notes=known)


def _count_rollouts(ax: Axes, _: TaskSpec) -> None:
    above = ax.secondary_xaxis("top", functions=(_rollouts, _steps))
    above.set_xlabel(f"rollouts of {ROLLOUT} steps", labelpad=2)
