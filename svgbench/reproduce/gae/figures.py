"""Figures 8, 9 and 10 of Schulman 2016."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from svgbench.analysis.frames import Results
from svgbench.analysis.measures import read_sample
from svgbench.analysis.plots import TEXT_WIDTH, Look, curve, stamp
from svgbench.reproduce.gae.claims import AFTER_20
from svgbench.reproduce.on_policy_figures import cost_panels, drawn


def fig8(results: Results) -> dict[str, Figure]:
    """Left, curves over lambda at gamma = 0.99; right, the return after 20 iterations over gamma and lambda."""
    pages = {}
    for task in results.experiment.tasks:
        variants = drawn(results, task.id)
        if variants:
            pages["" if task is results.experiment.tasks[0] else "barto"] = _fig8(results, task.id, variants)
    return pages


def fig9(results: Results) -> dict[str, Figure]:
    """Every variant of each robot."""
    return {"": cost_panels(results, {task.id: drawn(results, task.id) for task in results.experiment.tasks})}


fig10 = fig9


def _fig8(results: Results, task: str, variants: list[str]) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(TEXT_WIDTH, 3.2), width_ratios=(1.1, 1))
    chosen = [v for v in variants if v.startswith("gamma-0.99-")]
    look = _looks(results, chosen)
    n = []
    for variant in chosen:
        rows = results.cells[task, variant].frame
        n.append(curve(left, rows.assign(cost=-rows.return_mean), "step", "cost", look[variant]))
    left.set_xlabel(results.experiment.step_unit)
    left.set_ylabel("cost")
    left.set_title("γ = 0.99")
    handles, labels = left.get_legend_handles_labels()
    names = [label.removeprefix("γ = 0.99, ") for label in labels]
    figure.legend(handles, names, loc="outside upper center", ncols=5, frameon=False)
    _heat_map(figure, right, results, task, variants)
    stamp(figure, results, n or [0])
    return figure


def _looks(results: Results, variants: list[str]) -> dict[str, Look]:
    """Colours in the order of lambda; a dashed line without a value function."""
    with_values = [v for v in variants if not v.endswith("no-vf")]
    colours = dict(zip(with_values, sns.color_palette("viridis", len(with_values)), strict=True))
    return {
        v: Look(results.labels[v], colours[v]) if v in colours else Look(results.labels[v], "0.2", "--")
        for v in variants
    }


def _heat_map(figure: Figure, ax: Axes, results: Results, task: str, variants: list[str]) -> None:
    """White means a higher return, as in the thesis."""
    means: dict[tuple[float, float], float] = {}
    for variant in variants:
        gamma, _, gae_lambda = variant.removeprefix("gamma-").partition("-lambda-")
        values = read_sample(results.cells[task, variant], AFTER_20).values
        if gae_lambda and values:
            means[float(gamma), float(gae_lambda)] = float(np.mean(list(values.values())))
    if len(means) < 2:
        ax.set_visible(False)
        return
    gammas, lambdas = (sorted({key[i] for key in means}) for i in (0, 1))
    grid: NDArray[np.float64] = np.array([[means.get((g, x), np.nan) for g in gammas] for x in lambdas])
    image = ax.imshow(grid, cmap="gray", origin="lower", aspect="auto")
    ax.set_xticks(range(len(gammas)), [f"{g:g}" for g in gammas])
    ax.set_yticks(range(len(lambdas)), [f"{x:g}" for x in lambdas])
    ax.set_xlabel("γ")
    ax.set_ylabel("λ")
    ax.set_title("return, iteration 20")
    figure.colorbar(image, ax=ax)
