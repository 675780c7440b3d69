"""Figures of the small theory of Schulman 2016, chapters 2 to 4: biases, variances and slack, all exact."""

from __future__ import annotations

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.canvas import TEXT_WIDTH, subplots
from svgbench.analysis.show.plots import curve, drawable, log_scale, looks, named_tasks, stamp
from svgbench.analysis.show.references import draw_legend, draw_not_run


class Panel(NamedTuple):
    """A column of the experiment against another."""

    y: str
    label: str
    scale: str = "log"  # of y: "log", "linear" or "symlog"


def policy_gradient(results: Results) -> dict[str, Figure]:
    """Variance and bias against the length of an episode."""
    bias = Panel("bias", "bias / |gradient|", "symlog")
    return _pages(results, "step", "steps of an episode T", (Panel("variance", "variance / |gradient|²"), bias))


def gae_lambda(results: Results) -> dict[str, Figure]:
    """Bias and variance of the gradient and of the targets against λ."""
    panels = (
        Panel("bias_discounted", "bias from g^γ", "linear"),
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
    """The slack of each bound against the distance of the policies."""
    return _pages(results, "distance", "α", (Panel("slack", "(η - bound) / |penalty|", "symlog"),), level=0)


def _pages(
    results: Results, x: str, x_label: str, panels: tuple[Panel, ...], level: float | None = None
) -> dict[str, Figure]:
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
                draw_not_run(ax, task.label, results.budget)
                continue
            frames = {v: results.cells[task.id, v].frame for v in drawn}
            n += [curve(ax, rows, x, panel.y, look[v], log=panel.scale == "log") for v, rows in frames.items()]
            _dress(ax, panel, x, level)
            ax.set_title(task.label if j == 0 or not upright else "")
            ax.set_xlabel(x_label if j == len(panels) - 1 or not upright else "")
            if i == 0:
                ax.set_ylabel(panel.label)
    if not n:
        return {}
    draw_legend(figure, axes.flat)
    stamp(figure, results, n, "mean (geometric on logarithmic axes) and 95 % t-interval")
    return {"": figure}


def _dress(ax: Axes, panel: Panel, x: str, level: float | None) -> None:
    if x == "step":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    elif x == "distance":
        ax.set_xscale("log")
    if panel.scale == "log":
        log_scale(ax)
    elif panel.scale == "symlog":
        ax.set_yscale("symlog", linthresh=1.0 if level is not None else 1e-3)
    if level is not None:
        ax.axhline(level, color="0.3", linewidth=0.8)
    ax.grid(axis="y", linewidth=0.3, color="0.85")
