"""Figure 3 of Amos et al. 2020: errors of learned models against the size of the buffer."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.canvas import TEXT_WIDTH, plain, subplots
from svgbench.analysis.show.plots import PALETTE, Look, curve, drawable, log_scale, named_tasks, stamp
from svgbench.analysis.show.references import draw_legend, draw_not_run

MAIN = 3  # transitions of the windows on the page without a suffix
SPLITS = {
    "train": Look("training episodes", PALETTE[0]),
    "holdout": Look("holdout episodes", PALETTE[1], (0, (4, 1.2))),
    "test": Look("test episodes", PALETTE[2], (0, (4, 1.2, 1, 1.2))),
}


def fig3(results: Results) -> dict[str, Figure]:
    """A page per window length. Rows are tasks, columns are models, curves are sets of episodes."""
    frame = results.frame()
    if not {"error", "split", "window"} <= {*frame.columns}:
        return {}
    lengths = sorted({int(length) for length in frame.window.dropna()})
    main = MAIN if MAIN in lengths else min(lengths, default=MAIN)
    return {"" if length == main else f"window-{length}": _page(results, length) for length in lengths}


def _page(results: Results, length: int) -> Figure:
    tasks = named_tasks(results)
    drawn = [v for v in dict.fromkeys(v for _, v in results.cells) if any(_runs(results, t.id, v) for t in tasks)]
    figure, axes = subplots(len(tasks), len(drawn), (TEXT_WIDTH, 0.9 + 1.6 * len(tasks)), sharex=True, sharey="row")
    n: list[int] = []
    for i, task in enumerate(tasks):
        for j, variant in enumerate(drawn):
            ax = axes[i, j]
            if _runs(results, task.id, variant):
                rows = results.cells[task.id, variant].frame
                n += _panel(ax, rows[rows.window == length])
            else:
                draw_not_run(ax, task.label, results, task.id)
            if i == 0:
                ax.set_title(plain(results.labels.get(variant, variant)))
        axes[i, 0].set_ylabel(f"{plain(task.label)}: MSE, {length} step{'s' * (length > 1)}")
        if any(ax.lines for ax in axes[i]):
            log_scale(axes[i, 0])
    for ax in axes[-1]:
        ax.set_xlabel(results.experiment.step_unit)
    draw_legend(figure, axes.flat)
    stamp(figure, results, n, "geometric mean and 95 % t-interval; 1 is the error of predicting the mean observation")
    return figure


def _runs(results: Results, task: str, variant: str) -> bool:
    return drawable(results, task, variant, "error") and {"split", "window"} <= {*results.cells[task, variant].frame}


def _panel(ax: Axes, rows: pd.DataFrame) -> list[int]:
    n = []
    for split, look in SPLITS.items():
        chosen = rows[(rows.split == split) & (rows.error > 0)]
        if len(chosen):
            n.append(curve(ax, chosen, "step", "error", look, log=True))
    ax.grid(axis="y", linewidth=0.3, color="0.85")
    return n
