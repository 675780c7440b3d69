"""The figure of surrogate losses: each motif of Figure 11 beside its surrogate, drawn as graphs."""

from __future__ import annotations

from matplotlib.figure import Figure

from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.canvas import subplots
from svgbench.analysis.show.graphs import Box, draw_graph, fit
from svgbench.analysis.show.plots import named_tasks, stamp
from svgbench.baselines.scg.scg_surrogates import figure_12

BESIDE = 240.0  # points from a motif to its surrogate


def fig12(results: Results) -> dict[str, Figure]:
    """Each motif beside its surrogate, and the distance of the surrogate's derivative from eq. (38)."""
    drawn, axes = subplots(1, 1, (1, 1))
    ax, low, right = axes[0, 0], -24.0, BESIDE
    ax.text(0, -8, "stochastic computation graph", va="center")
    ax.text(BESIDE, -8, "its surrogate loss, a deterministic graph", va="center")
    n: list[int] = []
    for task in named_tasks(results):
        graph, surrogate, sums = figure_12(str(task.config["motif"]))
        cell = results.cells.get((task.id, "graph"))
        words = task.label
        if cell and len(cell.frame):
            words += f"; largest difference from eq. (38) {cell.frame.difference.max():.1g}"
            n.append(cell.frame.seed.nunique())
        ax.text(0, low - 6, words, va="center", color="0.35")
        left, after = draw_graph(ax, graph, (0, low - 16)), draw_graph(ax, surrogate, (BESIDE, low - 16), sums)
        low, right = min(left.low, after.low) - 10, max(right, after.right)
    fit(drawn, ax, Box(-6, right + 6, low - 24, 2))
    stamp(drawn, results, n, "circles: stochastic nodes; squares: deterministic ones; diamonds: costs", "differences")
    return {"": drawn}
