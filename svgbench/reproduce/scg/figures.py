"""The figures of Schulman 2016, chapter 5, as measured: errors and variances against samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from svgbench.analysis.judge.statistics import t_interval
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import read_sample
from svgbench.analysis.show.canvas import TEXT_WIDTH, subplots
from svgbench.analysis.show.graphs import centre, draw_graph
from svgbench.analysis.show.plots import Look, curve, drawable, grid_of, log_scale, looks, named_tasks, stamp
from svgbench.analysis.show.references import draw_legend, draw_not_run
from svgbench.lab.block import resolve
from svgbench.reproduce.scg.claims import DIFFERENCE
from svgbench.words.experiment import TaskSpec

ONE_PERCENT = 0.01
ACROSS = 3  # panels in a row of Figure 11
STRIP = 0.9  # inches: the height of a drawn motif and of what is between panels
BANDS = "geometric mean and 95 % t-interval; curves that coincide share thin lines and interval"
SHAPES = "circles: stochastic nodes; squares: deterministic ones; diamonds: costs"


class Against(NamedTuple):
    """A column against another, both axes logarithmic."""

    x: str
    y: str
    x_label: str
    y_label: str
    level: float | None = None  # across the panel


def fig11(results: Results) -> dict[str, Figure]:
    """A panel per motif: the graph, and below it the error of the mean of n estimates. In the last panel, the
    difference of each estimator from eq. (38), sample by sample, at the most samples."""
    what = Against("step", "error", "samples n", "|estimate - exact| / |exact|", ONE_PERCENT)
    tasks = named_tasks(results)
    rows = -(-(len(tasks) + 1) // ACROSS)
    size = TEXT_WIDTH, (STRIP + 1.75) * rows + 0.75
    figure, axes = subplots(2 * rows, ACROSS, size, height_ratios=[STRIP, 1.75] * rows)
    strips, panels = axes[::2].flatten(), axes[1::2].flatten()
    for ax in (*strips[len(tasks) :], *panels[len(tasks) + 1 :]):
        ax.set_visible(False)
    n = _panels(results, what, tasks, panels[: len(tasks)])
    if not n:
        return {}
    for strip, ax, task in zip(strips, panels, tasks, strict=False):
        ax.set_title("")
        strip.set_title(task.label)
    for ax in panels[: len(tasks) : ACROSS]:
        ax.set_ylabel(what.y_label)
    _differences(panels[len(tasks)], results, tasks)
    draw_legend(figure, panels, columns=3)
    stamp(figure, results, n, f"{BANDS}; last panel: mean and interval; {SHAPES}")
    graphs = {
        ax: resolve("svgbench.baselines.scg.scg_motifs:motif")(task.id.split("/")[1]).graph
        for ax, task in zip(strips, tasks, strict=False)
    }
    centre(figure, {ax: draw_graph(ax, graph, across=30.0) for ax, graph in graphs.items()})
    return {"": figure}


def _differences(ax: Axes, results: Results, tasks: Sequence[TaskSpec]) -> None:
    """One mark per motif and estimator: mean and interval of the seeds, each at its last n, as `compare` has them."""
    variants = list(dict.fromkeys(v for _, v in results.cells if v not in ("downstream", "optimal-baseline")))
    if not variants:
        ax.set_visible(False)
        return
    look = looks(results, variants)
    for place, v in enumerate(variants):
        there = [i for i, task in enumerate(tasks) if drawable(results, task.id, v, "difference")]
        samples = [read_sample(results.cells[tasks[i].id, v], DIFFERENCE) for i in there]
        for i, sample in zip(there, samples, strict=True):
            if sample.values:
                mean = t_interval(list(sample.values.values()))
                x = i + 0.2 * (place - (len(variants) - 1) / 2)
                ax.plot([x, x], [mean.low, mean.high], color=look[v].colour, linewidth=0.9)
                ax.plot(x, mean.value, "o", color=look[v].colour, markersize=3.5)
    ax.set_xticks(range(len(tasks)), [f"({task.id.split('/')[1]})" for task in tasks])
    ax.set_xlim(-0.5, len(tasks) - 0.5)
    ax.set_xlabel("motif")
    ax.set_ylabel("root mean square / |exact|")
    ax.set_title("difference from eq. (38), last n")
    ax.grid(axis="y", linewidth=0.3, color="0.85")


def hessian(results: Results) -> dict[str, Figure]:
    """The error of the Hessian of n samples, a panel per graph."""
    return _page(results, Against("step", "error", "samples n", "||estimate - exact|| / ||exact||", ONE_PERCENT))


SIZES = {"dimension/mean": "dimension d", "dimension/sum": "dimension d", "rough/wave": "frequency"}
POWERS = {"dimension/mean": (1, "∝ d"), "dimension/sum": (3, "∝ d³")}


def variance(results: Results) -> dict[str, Figure]:
    """The variance of one estimate, a panel per problem. Dotted: growth with a power of the dimension."""
    pages = _page(results, Against("size", "variance", "steps", "variance of one estimate"))
    for figure in pages.values():
        for ax, task in zip(figure.axes, named_tasks(results), strict=False):
            ax.set_xlabel(SIZES.get(task.id, "steps"))
            if task.id in POWERS and drawable(results, task.id, "score", "variance"):
                frame = results.cells[task.id, "score"].frame
                _power(ax, frame.groupby("size").variance.mean(), *POWERS[task.id])
            elif not task.id.startswith("dimension") and ax.lines:
                sizes = sorted({x for line in ax.lines for x in np.asarray(line.get_xdata(), float)})
                ax.set_xticks(sizes, [f"{x:g}" for x in sizes])
                ax.xaxis.set_minor_locator(NullLocator())
    return pages


def _power(ax: Axes, means: pd.Series, power: int, label: str) -> None:
    """A line through the last mean that grows with this power of the size."""
    sizes, last = means.index.to_numpy(float), means.iloc[-1]
    line = 3 * last * (sizes / sizes[-1]) ** power
    ax.plot(sizes, line, ":", color="0.4", linewidth=0.9)
    ax.annotate(label, (sizes[-2], line[-2]), (-4, 3), textcoords="offset points", ha="right", color="0.3")


def mm(results: Results) -> dict[str, Figure]:
    """Left: bound and objective of the first seed around its first parameters. Right: the objective, iteration by
    iteration."""
    (task,) = results.experiment.tasks
    needed = {"offset", "bound", "objective", "gain"}
    variants = [v for (_, v), cell in results.cells.items() if len(cell.frame) and needed <= {*cell.frame.columns}]
    if not variants:
        return {}
    look = looks(results, variants)
    figure, axes = subplots(1, 2, (TEXT_WIDTH, 2.5))
    left, right = axes.flat
    frame = results.cells[task.id, variants[0]].frame
    first = frame[(frame.seed == frame.seed.min()) & (frame.step == 0)].sort_values("offset")
    left.plot(first.offset, first.bound, "--", color="0.4", label="bound, eq. (41)")
    left.plot(first.offset, first.objective, "-", color="0.1", label="objective")
    left.set_xlabel(r"distance from $\theta_\mathrm{old}$")
    left.set_ylabel("expected cost")
    left.set_title("one seed, first iteration")
    left.legend(frameon=False)
    n = []
    for variant in variants:
        rows = results.cells[task.id, variant].frame
        n.append(curve(right, rows[rows.offset == 0], "step", "gain", look[variant]))
    right.set_xlabel("iterations")
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.set_ylabel("objective lowered by")
    right.set_title("majorisation-minimisation")
    right.legend(frameon=False)
    stamp(figure, results, n)
    return {"": figure}


def _page(results: Results, what: Against) -> dict[str, Figure]:
    """A page of panels, one per task."""
    tasks = named_tasks(results)
    columns = 2 if len(tasks) == 4 else 3
    figure, panels = grid_of(len(tasks), columns, 1.9)
    n = _panels(results, what, tasks, panels)
    if not n:
        return {}
    for ax in panels[::columns]:
        ax.set_ylabel(what.y_label)
    draw_legend(figure, panels)
    stamp(figure, results, n, BANDS)
    return {"": figure}


def _panels(results: Results, what: Against, tasks: Sequence[TaskSpec], panels: Sequence[Axes]) -> list[int]:
    """A panel per task with a curve per variant; the n of each curve."""
    variants = list(dict.fromkeys(v for _, v in results.cells))
    look = looks(results, variants)
    n: list[int] = []
    for ax, task in zip(panels, tasks, strict=True):
        drawn = [v for v in variants if all(drawable(results, task.id, v, column) for column in (what.x, what.y))]
        if not drawn:
            draw_not_run(ax, task.label, results, task.id)
            continue
        n += _curves(ax, {look[v]: results.cells[task.id, v].frame for v in drawn}, what)
        if what.level is not None:
            ax.axhline(what.level, color="0.5", linestyle=":", linewidth=0.8)
        ax.set_title(task.label)
        ax.set_xlabel(what.x_label)
        ax.set_xscale("log")
        log_scale(ax)
        ax.grid(axis="y", linewidth=0.3, color="0.85")
    return n


def _curves(ax: Axes, frames: Mapping[Look, pd.DataFrame], what: Against) -> list[int]:
    """A curve per frame; of those with the same numbers, up to rounding, only the first has thin lines and a band."""
    n, before = [], list[np.ndarray]()
    for look, frame in frames.items():
        rows = frame[frame[what.y] > 0]
        values = rows.sort_values(["seed", what.x])[what.y].to_numpy()
        if any(len(values) == len(other) and np.allclose(values, other, rtol=1e-6, atol=0) for other in before):
            mean = np.exp(np.log(rows[what.y]).groupby(rows[what.x]).mean())
            ax.plot(mean, linestyle=look.dashes, color=look.colour, linewidth=look.width, label=look.label, zorder=3)
        elif len(rows):
            n.append(curve(ax, rows, what.x, what.y, look, log=True))
            before.append(values)
    return n
