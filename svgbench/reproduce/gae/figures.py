"""Figures 8, 9 and 10 of Schulman 2016."""

from __future__ import annotations

from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import read_sample
from svgbench.analysis.show.canvas import TEXT_WIDTH, distinct, plain, subplots
from svgbench.analysis.show.plots import PALETTE, Look, curve, named_tasks, stamp, undeclared
from svgbench.analysis.show.references import draw_legend, draw_levels
from svgbench.reproduce.gae.claims import AFTER_20, INSIDE
from svgbench.reproduce.on_policy_figures import cost_panels, drawn

BOX = "best, says the thesis"


def fig8(results: Results) -> dict[str, Figure]:
    """Left, curves over lambda at gamma = 0.99; right, the return after 20 iterations over gamma and lambda."""
    pages = {}
    for task in results.experiment.tasks:
        variants = drawn(results, task.id, "return_mean")
        if variants:
            pages["" if task is results.experiment.tasks[0] else "barto"] = _fig8(results, task.id, variants)
    return pages


def fig9(results: Results) -> dict[str, Figure]:
    """Every variant of each robot."""
    return {"": cost_panels(results, {task.id: drawn(results, task.id) for task in named_tasks(results)})}


fig10 = fig9


def _fig8(results: Results, task: str, variants: list[str]) -> Figure:
    figure, axes = subplots(1, 2, (TEXT_WIDTH, 3.2), width_ratios=(1.1, 1))
    left, right = axes[0]
    other = undeclared(results, task)
    chosen = [v for v in variants if v.startswith("gamma-0.99-") or v in other]
    look = _looks(results, chosen, other)
    n = []
    for variant in chosen:
        rows = results.cells[task, variant].frame
        n.append(curve(left, rows.assign(cost=-rows.return_mean), "step", "cost", look[variant]))
    left.set_xlabel(results.experiment.step_unit)
    left.set_ylabel("cost")
    left.set_title("γ = 0.99")
    draw_levels(left, results, task, "return_mean", sign=-1.0)
    _heat_map(figure, right, results, task, [v for v in variants if v not in other])
    draw_legend(figure, [left, right], columns=5, without="γ = 0.99, ")
    stamp(figure, results, n)
    return figure


def _looks(results: Results, variants: list[str], other: list[str]) -> dict[str, Look]:
    """Colours in the order of lambda; a dashed line without a value function, and for what is not declared."""
    plain_ones = [v for v in variants if not v.endswith("no-vf") and v not in other]
    colours: dict[str, Any] = dict(zip(plain_ones, sns.color_palette("viridis", len(plain_ones)), strict=True))
    colours |= {v: PALETTE[3 + i % 3] for i, v in enumerate(other)}
    dashes = {v: "-" if v in plain_ones else "--" for v in variants}
    labels = distinct(results.labels)
    return {v: Look(plain(labels[v]), colours.get(v, "0.2"), dashes[v]) for v in variants}


def _heat_map(figure: Figure, ax: Axes, results: Results, task: str, variants: list[str]) -> None:
    """White means a higher return, as in the thesis.

    The claim's settings are within a few steps of the highest return. So the shade is the logarithm of the distance
    from it. The numbers are in thousands, the frame is the claim's box, and settings without runs are hatched.
    """
    settings = _settings(results)
    means: dict[tuple[float, float], float] = {}
    for variant in variants:
        values = read_sample(results.cells[task, variant], AFTER_20).values
        if variant in settings and values:
            means[settings[variant]] = float(np.mean(list(values.values())))
    if len(means) < 2:
        ax.set_visible(False)
        return
    asked = {settings[v] for t, v in results.cells if t == task and v in settings}
    gammas, lambdas = (sorted({key[i] for key in asked}) for i in (0, 1))
    grid: NDArray[np.float64] = np.array([[means.get((g, x), np.nan) for g in gammas] for x in lambdas])
    best, worst = np.nanmax(grid), np.nanmin(grid)
    floor = max((best - worst) / 1e4, 1e-9)
    norm = LogNorm(floor, best - worst + 2 * floor)
    image = ax.imshow(best - grid + floor, cmap="gray_r", norm=norm, origin="lower", aspect="auto")
    for row, column in np.argwhere(np.isnan(grid)):
        hatched: dict[str, Any] = {"fill": False, "hatch": "////", "edgecolor": "0.75", "linewidth": 0.0}
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, label="not run", **hatched))
    for row, column in np.argwhere(np.isfinite(grid)):
        dark = norm(best - grid[row, column] + floor) > 0.6
        text = f"{grid[row, column] / 1000:.2f}"
        ax.text(column, row, text, ha="center", va="center", fontsize=4.5, color="1" if dark else "0")
    _frame(ax, gammas, lambdas, [settings[variant] for variant in INSIDE])
    ax.set_xticks(range(len(gammas)), [f"{g:g}" for g in gammas])
    ax.set_yticks(range(len(lambdas)), [f"{x:g}" for x in lambdas])
    ax.set_xlabel("γ")
    ax.set_ylabel("λ")
    ax.set_title("return after 20 iterations, thousands")
    figure.colorbar(image, ax=ax, label="distance from the best return")


def _settings(results: Results) -> dict[str, tuple[float, float]]:
    """γ and λ of every declared variant that has both, without λ = 0, which is run at one γ only."""
    found = {}
    for variant in results.experiment.variants:
        gamma, gae_lambda = (variant.config.get(name) for name in ("gamma", "gae_lambda"))
        if isinstance(gamma, float | int) and isinstance(gae_lambda, float | int) and gae_lambda > 0:
            found[variant.id] = float(gamma), float(gae_lambda)
    return found


def _frame(ax: Axes, gammas: list[float], lambdas: list[float], inside: list[tuple[float, float]]) -> None:
    """The box of settings that the claim says are best, where all its ends are drawn."""
    ends = [(min(axis), max(axis)) for axis in zip(*inside, strict=True)]
    if all(end in axis for (low, high), axis in zip(ends, (gammas, lambdas), strict=True) for end in (low, high)):
        (left, right), (bottom, top) = (
            (axis.index(a), axis.index(b)) for (a, b), axis in zip(ends, (gammas, lambdas), strict=True)
        )
        ax.add_patch(
            Rectangle(
                (left - 0.5, bottom - 0.5),
                right - left + 1,
                top - bottom + 1,
                fill=False,
                edgecolor=PALETTE[3],
                label=BOX,
            )
        )
