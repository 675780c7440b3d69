"""The figure of Schulman 2016's statements that need a correction: biases as printed and as corrected, all exact."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from svgbench.analysis.judge.statistics import t_interval
from svgbench.analysis.read.frames import Results
from svgbench.analysis.read.measures import read_sample
from svgbench.analysis.show.canvas import TEXT_WIDTH, subplots
from svgbench.analysis.show.plots import drawable, looks, named_tasks, stamp
from svgbench.analysis.show.references import draw_not_run
from svgbench.reproduce.exact import ROUNDING
from svgbench.reproduce.scg.statements import LARGEST, LEAST, OPTIMAL, VARIANCE
from svgbench.words.claims import Measure

SMALLEST = 1e-17  # of the axis of biases; an exact zero is drawn there
ACROSS = 2


def statements(results: Results) -> dict[str, Figure]:
    """A panel per statement with a row per reading: the largest and the least bias of a seed's problems, and for the
    optimal baseline the variance of each constant over that of b*.
    """
    tasks = named_tasks(results)
    rows = -(-len(tasks) // ACROSS)
    columns = min(len(tasks), ACROSS)
    figure, axes = subplots(rows, columns, (TEXT_WIDTH, 1.5 * rows + 0.6))
    n: list[int] = []
    for ax in axes.flat[len(tasks) :]:
        ax.set_visible(False)
    for ax, task in zip(axes.flat, tasks, strict=False):
        column = "variance" if task.id == OPTIMAL else "bias"
        readings = [v.id for v in results.experiment.variants if drawable(results, task.id, v.id, column)]
        if not readings:
            draw_not_run(ax, task.label, results, task.id)
            continue
        n += _variances(ax, results, readings) if task.id == OPTIMAL else _biases(ax, results, task.id, readings)
        look = looks(results, readings)
        ax.set_yticks(range(len(readings)), [look[v].label for v in readings])
        ax.set_ylim(len(readings) - 0.5, -0.5)
        ax.set_title(task.label)
        ax.grid(axis="x", linewidth=0.3, color="0.85")
    if not n:
        return {}
    words = (
        "geometric mean and 95 % t-interval; of a seed's problems the largest bias (filled) and the least (hollow), "
        "zeros at the left; dotted: rounding"
    )
    stamp(figure, results, n, words, "small dots")
    return {"": figure}


def _biases(ax: Axes, results: Results, task: str, readings: list[str]) -> list[int]:
    n = []
    for row, reading in enumerate(readings):
        for measure, place in ((LARGEST, -0.16), (LEAST, 0.16)):
            values = np.maximum(_by_seed(results, task, reading, measure), SMALLEST)
            n.append(len(values))
            _mark(ax, values, row + place, filled=measure is LARGEST)
    ax.set_xscale("log")
    ax.set_xlim(SMALLEST / 3, 3)
    ax.axvline(ROUNDING, color="0.3", linestyle=":", linewidth=0.8)
    ax.set_xlabel("bias, over the sum of both sizes")
    return n


def _variances(ax: Axes, results: Results, readings: list[str]) -> list[int]:
    """Over that of b*, by seed; as they are if b* was not run."""
    whole = {v: _by_seed(results, OPTIMAL, v, VARIANCE) for v in readings}
    least = whole.get("optimal")
    for row, values in enumerate(whole.values()):
        _mark(ax, values if least is None or len(least) != len(values) else values / least, row, filled=True)
    ax.set_xscale("log")
    ax.set_xlabel("variance / that with b*" if least is not None else "variance")
    return [len(values) for values in whole.values()]


def _by_seed(results: Results, task: str, reading: str, measure: Measure) -> np.ndarray:
    sample = read_sample(results.cells[task, reading], measure).values
    return np.array([sample[seed] for seed in sorted(sample)])


def _mark(ax: Axes, values: np.ndarray, y: float, filled: bool) -> None:
    """Mean and interval of the logarithms."""
    mean = t_interval(np.log(values))
    low, middle, high = np.exp([mean.low, mean.value, mean.high])
    ax.plot(values, np.full(len(values), y), ".", color="0.7", markersize=2.2, zorder=1)
    ax.plot([low, high], [y, y], color="0.1", linewidth=0.9)
    ax.plot(middle, y, "o", color="0.1", markerfacecolor="0.1" if filled else "white", markersize=3.6)
