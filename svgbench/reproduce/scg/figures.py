"""The figures of Schulman 2016, chapter 5, as measured: errors and variances against samples."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.canvas import TEXT_WIDTH, subplots
from svgbench.analysis.show.plots import curve, drawable, grid_of, log_scale, looks, named_tasks, stamp
from svgbench.analysis.show.references import draw_legend, draw_not_run

ONE_PERCENT = 0.01


def fig11(results: Results) -> dict[str, Figure]:
    """The error of the mean of n estimates, a panel per motif."""
    return _against(results, "step", "error", "samples n", "|estimate - exact| / |exact|", ONE_PERCENT)


def hessian(results: Results) -> dict[str, Figure]:
    """The error of the Hessian of n samples, a panel per graph."""
    return _against(results, "step", "error", "samples n", "||estimate - exact|| / ||exact||", ONE_PERCENT)


def variance(results: Results) -> dict[str, Figure]:
    """The variance of one estimate, a panel per problem."""
    return _against(results, "size", "variance", "size d", "variance of one estimate")


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
    left.set_xlabel("distance from theta_old")
    left.set_ylabel("expected cost")
    left.set_title("one seed, first iteration")
    left.legend(frameon=False)
    n = []
    for variant in variants:
        rows = results.cells[task.id, variant].frame
        n.append(curve(right, rows[rows.offset == 0], "step", "gain", look[variant]))
    right.set_xlabel("iterations")
    right.set_ylabel("objective lowered by")
    right.set_title("majorisation-minimisation")
    right.legend(frameon=False)
    stamp(figure, results, n)
    return {"": figure}


def _against(
    results: Results, x: str, y: str, x_label: str, y_label: str, level: float | None = None
) -> dict[str, Figure]:
    """A page of panels, one per task, with both axes logarithmic and a curve per variant."""
    tasks = named_tasks(results)
    variants = list(dict.fromkeys(v for _, v in results.cells))
    look = looks(results, variants)
    figure, panels = grid_of(len(tasks), 3, 1.9)
    n: list[int] = []
    for ax, task in zip(panels, tasks, strict=True):
        drawn = [v for v in variants if all(drawable(results, task.id, v, column) for column in (x, y))]
        if not drawn:
            draw_not_run(ax, task.label, results.budget)
            continue
        for variant in drawn:
            frame = results.cells[task.id, variant].frame
            rows = frame[frame[y] > 0]
            if len(rows):
                n.append(curve(ax, rows, x, y, look[variant], log=True))
        _dress(ax, task.label, x_label, level)
    if not n:
        return {}
    for ax in panels[::3]:
        ax.set_ylabel(y_label)
    draw_legend(figure, panels, columns=3)
    stamp(figure, results, n, "geometric mean and 95 % t-interval")
    return {"": figure}


def _dress(ax: Axes, title: str, x_label: str, level: float | None) -> None:
    if level is not None:
        ax.axhline(level, color="0.5", linestyle=":", linewidth=0.8)
    ax.set_title(title)
    ax.set_xlabel(x_label)
    ax.set_xscale("log")
    log_scale(ax)
    ax.grid(axis="y", linewidth=0.3, color="0.85")
