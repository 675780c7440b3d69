"""The figure of a search: every setting's measure, seed by seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from svgbench.analysis.judge.statistics import t_interval
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import read_sample
from svgbench.analysis.show.canvas import TEXT_WIDTH, plain, subplots
from svgbench.analysis.show.plots import stamp

LONGEST = 72  # characters of a setting's label: all of its values


def settings(results: Results) -> dict[str, Figure]:
    """A panel per task: a row per setting with its seeds, their mean and its 95 % t-interval."""
    measure = results.experiment.measures[0]
    read = {key: read_sample(cell, measure) for key, cell in results.cells.items() if len(cell.frame)}
    drawn = {key: list(sample.values.values()) for key, sample in read.items() if sample.values}
    tasks = [task for task in results.experiment.tasks if any(t == task.id for t, _ in drawn)]
    names = [v for v in results.labels if any(variant == v for _, variant in drawn)]
    size = (TEXT_WIDTH, 0.14 * len(names) + 0.9)
    if not tasks:
        return {}
    figure, axes = subplots(1, len(tasks), size, sharey=True)
    n = []
    for ax, task in zip(axes.flat, tasks, strict=True):
        for row, name in enumerate(names):
            if (task.id, name) in drawn:
                n.append(_row(ax, row, drawn[task.id, name]))
        _fit(ax, [drawn[task.id, name] for name in names if (task.id, name) in drawn])
        ax.set_title(task.label)
        ax.grid(axis="y", linewidth=0.3)
    axes[0, 0].set_yticks(range(len(names)), [plain(results.labels[name], LONGEST) for name in names])
    axes[0, 0].set_ylim(len(names) - 0.5, -0.5)
    axes[0, len(tasks) // 2].set_xlabel(measure.label)
    stamp(figure, results, n, "means and 95 % t-intervals", "dots")
    return {"": figure}


def _fit(ax: Axes, seeds: Sequence[Sequence[float]]) -> None:
    """Limit a panel to the settings' means and most of the seeds.

    Otherwise one diverging setting, or the wide interval of three seeds, would shrink all others to a tick.
    """
    if len(seeds) < 3:
        return
    means = np.array([np.mean(values) for values in seeds])
    low, middle, high = np.quantile(means, [0.1, 0.5, 0.9])
    apart = float(np.median([max(values) - min(values) for values in seeds]))
    spread = max(high - low, apart, 1e-9 * max(abs(middle), 1.0))
    ends = max(means.min(), low - spread) - 0.3 * spread, min(means.max(), high + spread) + 0.3 * spread
    left, right = ax.get_xlim()
    ax.set_xlim(max(left, ends[0]), min(right, ends[1]))


def _row(ax: Axes, row: int, values: list[float]) -> int:
    """The seeds of one setting as dots, their mean and its interval if there is one. Returns n."""
    ax.plot(values, [row] * len(values), "o", color="0.6", markersize=1.8, markeredgewidth=0)
    interval = t_interval(values)
    if len(values) > 1:
        ax.plot([interval.low, interval.high], [row, row], color="C0", linewidth=0.9)
    ax.plot([interval.value], [row], "|", color="C0", markersize=6)
    return len(values)
