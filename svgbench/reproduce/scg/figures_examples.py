"""The examples of section 5.10, as trained: what is learned, and the variance of the gradient, against iterations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.canvas import TEXT_WIDTH, subplots
from svgbench.analysis.show.plots import curve, drawable, log_scale, looks, named_tasks, stamp
from svgbench.analysis.show.references import draw_legend, draw_not_run


class Shown(NamedTuple):
    """A column of panels."""

    column: str
    title: str
    log: bool = False
    line: float | None = None  # across the panel
    line_label: str = ""


VARIANCE = Shown("variance", "variance of the gradient", log=True)


def nvil(results: Results) -> dict[str, Figure]:
    """Left: the exact log p(x), with the best value. Right: the variance of the gradient by phi."""
    best = Shown("log_likelihood", "log p(x), nats", line=-math.log(30), line_label="best: -log 30")
    return _trained(results, (best, VARIANCE))


def vae(results: Results) -> dict[str, Figure]:
    """Left: how far the exact log p(x) is from the largest. Right: the variance of the gradient by phi."""
    return _trained(results, (Shown("gap", "largest log p(x) - log p(x)"), VARIANCE))


def policy(results: Results) -> dict[str, Figure]:
    """Left: how far the exact return is from the best. Right: the variance of the gradient."""
    return _trained(results, (Shown("regret", "best return - return"), VARIANCE))


def _trained(results: Results, shown: Sequence[Shown]) -> dict[str, Figure]:
    """A page with a row of panels for each task, a column of them for each of `shown`, a curve per variant."""
    tasks = named_tasks(results)
    variants = list(dict.fromkeys(v for _, v in results.cells))
    look = looks(results, variants)
    figure, axes = subplots(len(tasks), len(shown), (TEXT_WIDTH, 2.1 * len(tasks) + 0.7))
    n: list[int] = []
    for row, task in zip(axes, tasks, strict=True):
        for ax, what in zip(row, shown, strict=True):
            drawn = [v for v in variants if drawable(results, task.id, v, what.column)]
            if not drawn:
                draw_not_run(ax, task.label, results, task.id)
                continue
            for variant in drawn:
                rows = results.cells[task.id, variant].frame
                n.append(curve(ax, rows, "step", what.column, look[variant], what.log))
            if what.line is not None:
                ax.axhline(what.line, color="0.5", linestyle=":", linewidth=0.8, label=what.line_label)
            if what.log:
                log_scale(ax)
            ax.set_title(task.label)
            ax.set_ylabel(what.title)
            ax.set_xlabel(results.experiment.step_unit)
            ax.grid(axis="y", linewidth=0.3, color="0.85")
    if not n:
        return {}
    draw_legend(figure, axes.flat, columns=5)
    stamp(figure, results, n, "mean (of logarithms where the axis is logarithmic) and 95 % t-interval")
    return {"": figure}
