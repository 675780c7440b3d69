"""The bounds of Clavera et al. 2020: the gradient's error, the theorem's slack, and what a step gains."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.canvas import TEXT_WIDTH, subplots
from svgbench.analysis.show.plots import Look, curve, drawable, log_scale, looks, named_tasks, stamp
from svgbench.analysis.show.references import draw_legend, draw_not_run

AT_ALPHA = 1e-4
PRINTED, CORRECTED = "printed", "corrected"
ERRORS = {CORRECTED: "both wrong", "model-only": "wrong f", "critic-only": "wrong Q"}
OURS = (PRINTED, "one-alpha", *ERRORS)
GREY = "0.3"

Frames = dict[str, pd.DataFrame]


def bounds(results: Results) -> dict[str, Figure]:
    """Columns are tasks. Rows: Lemma 4.1, Theorem 4.1's slack, and the gain of a step over the exact step's."""
    tasks = named_tasks(results)
    look = looks(results, list(dict.fromkeys(v for _, v in results.cells)))
    rows: tuple[tuple[Callable[[Axes, Frames, dict[str, Look]], list[int]], str], ...] = (
        (_gradient, "|g - ĝ|, bound"),
        (_slack, "least slack, Thm 4.1"),
        (_gains, "gain / exact step's"),
    )
    figure, axes = subplots(len(rows), len(tasks), (TEXT_WIDTH, 5.0), sharey="row")
    n: list[int] = []
    for i, task in enumerate(tasks):
        drawn = [v for v in look if drawable(results, task.id, v, "loss_slack")]
        frames = {v: results.cells[task.id, v].frame for v in drawn}
        for j, (draw, label) in enumerate(rows):
            ax = axes[j, i]
            if not frames:
                draw_not_run(ax, task.label, results, task.id)
                continue
            n += draw(ax, frames, look)
            ax.grid(axis="y", linewidth=0.3, color="0.85")
            ax.set_xlabel("step size α" if draw is _slack else "horizon H")
            if i == 0:
                ax.set_ylabel(label)
        axes[0, i].set_title(task.label.replace(", ", ",\n"))
    if not n:
        return {}
    draw_legend(figure, axes.flat)
    stamp(figure, results, n, "mean (geometric on logarithmic axes) and 95 % t-interval")
    return {"": figure}


def _gradient(ax: Axes, frames: Frames, look: dict[str, Look]) -> list[int]:
    n = []
    for variant in (PRINTED, CORRECTED):
        if variant in frames:
            rows = _first_alpha(frames[variant])
            one = look[variant]
            name = f"Lemma 4.1, {variant}"
            n.append(curve(ax, rows, "horizon", "gradient_bound", Look(name, one.colour, ":", one.width), log=True))
    for variant in (v for v in frames if v in ERRORS):
        rows = _first_alpha(frames[variant])
        one = look[variant]
        shown = rows[rows.gradient > 0]
        n.append(curve(ax, shown, "horizon", "gradient", Look(ERRORS[variant], one.colour, "--", 1.0), log=True))
    log_scale(ax)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return n


def _slack(ax: Axes, frames: Frames, look: dict[str, Look]) -> list[int]:
    """The least over the horizons, seed by seed; of a method that is not ours, over all that it has."""
    n = []
    for variant in (v for v in (PRINTED, "one-alpha", CORRECTED) if v in frames):
        least = frames[variant].groupby(["seed", "alpha"], as_index=False).loss_slack.min()
        n.append(curve(ax, least, "alpha", "loss_slack", look[variant]))
    for variant in (v for v in frames if v not in OURS):
        least = frames[variant].groupby("seed").loss_slack.min()
        ax.axhline(least.mean(), color=look[variant].colour, label=look[variant].label)
        n.append(len(least))
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set_xscale("log")
    ax.set_ylim(-1.1, 1.1)
    return n


def _gains(ax: Axes, frames: Frames, look: dict[str, Look]) -> list[int]:
    """What a step with the wrong functions gains, over what the exact step gains."""
    n = []
    for variant in (v for v in frames if v in ERRORS):
        rows = frames[variant][frames[variant].alpha == AT_ALPHA]
        rows = rows.assign(share=rows.improvement / rows.exact_improvement)
        n.append(curve(ax, rows, "horizon", "share", Look(ERRORS[variant], look[variant].colour, "--", 1.0)))
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.axhline(1, color=GREY, linewidth=0.8, linestyle=":")
    ax.set_yscale("symlog", linthresh=2.0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return n


def _first_alpha(rows: pd.DataFrame) -> pd.DataFrame:
    """What does not depend on the step size, once."""
    return rows[rows.alpha == rows.alpha.min()]
