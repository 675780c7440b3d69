"""Figure 3 of Clavera et al. 2020: the error of the policy gradient against the horizon H.

One page per policy, start and target. Rows are stages of training (environment steps collected), columns are
discount factors: the shape of the curves depends on how good the model is, so every stage is drawn.
"""

from __future__ import annotations

from itertools import product

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.canvas import COLUMN_WIDTH, plain, subplots
from svgbench.analysis.show.plots import Look, curve, log_scale, looks, stamp
from svgbench.analysis.show.references import draw_legend

MAIN = ("far", "s0", "policy")  # the page without a suffix
STARTS = {"s0": "s0 = (1, 1)", "replay": "replay states"}
TARGETS = {
    "policy": "relative L1 error of the gradient of the return",
    "objective": "relative L1 error of the gradient of the\nobjective with exact f and Q, Q held fixed",
}
LOOKS = {
    "learned-f-learned-q": ((0.84, 0.37, 0.0), "-", 1.8),
    "early-f-learned-q": ((0.94, 0.74, 0.2), "-", 1.2),
    "true-f-learned-q": ((0.0, 0.45, 0.7), "--", 1.0),
    "early-f-exact-q": ((0.35, 0.7, 0.9), "-", 1.2),
    "learned-f-exact-q": ((0.8, 0.47, 0.65), "-", 1.3),
    "true-f-exact-q": ((0.2, 0.2, 0.2), ":", 1.0),
}


def fig3(results: Results) -> dict[str, Figure]:
    """Every page by name; "" is the main one."""
    frame = results.frame()
    if not {"start", "target", "horizon"} <= {*frame.columns}:
        return {}
    pages = {}
    for setting in product(("far", "near"), STARTS, TARGETS):
        policy, start, target = setting
        rows = frame[(frame.start == start) & (frame.target == target) & frame.task.str.endswith(policy)]
        if len(rows):
            name = "" if setting == MAIN else "-".join(setting)
            pages[name] = _page(results, rows, policy, start, target)
    return pages


def _page(results: Results, rows: pd.DataFrame, policy: str, start: str, target: str) -> Figure:
    tasks = [t for t in results.experiment.tasks if (rows.task == t.id).any()]
    steps = sorted(rows.step.unique())
    size = (COLUMN_WIDTH, 0.75 + 1.2 * len(steps))
    figure, axes = subplots(len(steps), len(tasks), size, sharex=True, sharey="col")
    drawn = list(dict.fromkeys(rows.variant))
    variants = [*(v for v in LOOKS if v in drawn), *(v for v in drawn if v not in LOOKS)]
    look = looks(results, variants) | {v: Look(plain(results.labels[v]), *LOOKS[v]) for v in LOOKS}
    n: list[int] = []
    for (row, step), (column, task) in product(enumerate(steps), enumerate(tasks)):
        panel = rows[(rows.step == step) & (rows.task == task.id)]
        n += _panel(axes[row, column], panel, variants, look, target)
        if row == 0:
            axes[row, column].set_title(f"γ = {task.options['gamma']}")
        if column == 0:
            axes[row, column].set_ylabel(f"error, {step} steps")
    for ax in axes[-1]:
        ax.set_xlabel("horizon H")
    where = "far from" if policy == "far" else "near"
    title = f"{TARGETS[target]}\npolicy {where} the optimum, {STARTS[start]}"
    draw_legend(figure, axes.flat, columns=2, title=title, alignment="center")
    stamp(figure, results, n, "geometric mean and 95 % t-interval; rows: environment steps of data")
    return figure


def _panel(ax: Axes, rows: pd.DataFrame, variants: list[str], look: dict[str, Look], target: str) -> list[int]:
    n = []
    for variant in variants:
        chosen = rows[(rows.variant == variant) & (rows.relative_error > 0)]
        if len(chosen):
            n.append(curve(ax, chosen, "horizon", "relative_error", look[variant], log=True))
    if target == "objective":
        _bound(ax, rows[rows.variant == "learned-f-learned-q"])
    log_scale(ax)
    ax.set_xticks([0, 5, 10, 15, 20])
    ax.grid(axis="y", linewidth=0.3, color="0.85")
    return n


def _bound(ax: Axes, rows: pd.DataFrame) -> None:
    """Lemma 4.1's bound, from measured constants, in the units of the curves: its mean over seeds."""
    if not len(rows) or not (rows.relative_error > 0).any():
        return
    scale = rows.relative_error / rows.error
    means = (rows.bound * scale).groupby(rows.horizon).mean()
    ax.plot(means.index, means.to_numpy(), "-.", color="0.5", linewidth=0.8, label="Lemma 4.1, measured")
