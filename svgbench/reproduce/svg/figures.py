"""Figures 2, 3 and 4 of Heess et al. 2015: returns of training episodes against episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.canvas import TEXT_WIDTH, distinct, plain, subplots
from svgbench.analysis.show.plots import Look, curve, drawable, stamp, undeclared
from svgbench.analysis.show.references import draw_legend, draw_levels, draw_not_run
from svgbench.reproduce.svg.claims import ROUGH_MODELS
from svgbench.words.errors import UsageError

RETURN = "train_return"
POINTS = 50  # of a curve: each is the mean of the episodes since the one before

LINES = {
    "svg-inf": (0, "-"),
    "svg-inf-10": (0, "--"),
    "svg-inf-5": (0, ":"),
    "svg-1": (3, "-"),
    "svg-1-100": (3, "--"),
    "svg-1-50": (3, ":"),
    "svg-1-10": (3, "--"),
    "svg-1-5": (3, ":"),
    "svg-1-er": (2, "-"),
    "svg-0": (9, "-"),
    "dpg": (4, "-"),
    "dpg-100": (4, "--"),
    "dpg-50": (4, ":"),
    "ac": (7, "-"),
    "planner": (1, "-"),
}
"""Colour and dashes of each variant in every panel. A method has one colour, from a palette that colour-blind readers
can tell apart; smaller networks are dashed."""
ROUGH_LINES = {
    **{f"svg-inf-{k}": LINES["svg-inf"] for k in ROUGH_MODELS},
    **{f"planner-{k}": LINES["planner"] for k in ROUGH_MODELS},
}
"""The same for the numbers of model updates, with a panel for each."""
LEGEND: dict[str, Any] = {"ncols": 2, "handlelength": 1.6, "labelspacing": 0.2, "columnspacing": 1.2}  # below a panel


def fig2(results: Results) -> dict[str, Figure]:
    """Hand; cart-pole; cart-pole with smaller critics."""
    panels = [
        ("Hand", "svg/hand", {"svg-inf": "SVG(∞)", "planner": "planner"}),
        ("Cart-pole", "svg/cart-pole", named(results, ("svg-1-er", "svg-1", "svg-0", "svg-inf", "dpg"))),
        (
            "Cart-pole, units in the critic's first layer",
            "svg/cart-pole",
            {
                "svg-1": "SVG(1), 200",
                "svg-1-100": "SVG(1), 100",
                "svg-1-50": "SVG(1), 50",
                "dpg": "DPG, 200",
                "dpg-100": "DPG, 100",
                "dpg-50": "DPG, 50",
            },
        ),
    ]
    return {"": draw(results, panels, across=3)}


def hand_model(results: Results) -> dict[str, Figure]:
    """A panel for each number of updates of the model."""
    panels = [
        (
            f"{k} update{'s' * (k != 1)} of the model an episode",
            "svg/hand",
            {f"svg-inf-{k}": "SVG(∞)", f"planner-{k}": "planner"},
        )
        for k in ROUGH_MODELS
    ]
    return {"": draw(results, panels, across=3, lines=ROUGH_LINES)}


def hand_noise(results: Results) -> dict[str, Figure]:
    """A panel for each size of the noise."""
    labels = {"svg-inf": "SVG(∞)", "planner": "planner"}
    panels = [
        (f"Random force of {noise} N", task, labels)
        for noise, task in ((1, "svg/hand"), (2, "svg/hand-noise-2"), (4, "svg/hand-noise-4"))
    ]
    return {"": draw(results, panels, across=3)}


def fig3(results: Results) -> dict[str, Figure]:
    """Swimmer-3; swimmer-3 with smaller models; swimmer-5."""
    methods = named(results, ("svg-inf", "svg-1", "svg-1-er", "svg-0", "dpg", "ac"))
    panels = [
        ("Swimmer, 3 links", "svg/swimmer-3", methods),
        (
            "Swimmer, 3 links, units of the model",
            "svg/swimmer-3",
            {
                "svg-inf": "SVG(∞), 20",
                "svg-inf-10": "SVG(∞), 10",
                "svg-inf-5": "SVG(∞), 5",
                "svg-1": "SVG(1), 20",
                "svg-1-10": "SVG(1), 10",
                "svg-1-5": "SVG(1), 5",
            },
        ),
        ("Swimmer, 5 links", "svg/swimmer-5", methods),
    ]
    return {"": draw(results, panels, across=3)}


def fig4(results: Results) -> dict[str, Figure]:
    """A panel per task; swimmer and 4-target reacher, with their rivals, in the left column."""
    order = ["svg/swimmer-7", "svg/reacher-moving", "svg/gripper", "svg/monoped", "svg/reacher-4-target"]
    tasks = {task.id: task.label for task in results.experiment.tasks}
    order += [task for task in tasks if task not in order]
    methods = named(results, ("svg-1-er", "svg-1", "svg-0", "dpg", "ac"))
    return {"": draw(results, [(tasks[task], task, methods) for task in order], across=4)}


def named(results: Results, variants: Sequence[str]) -> dict[str, str]:
    """The variants with the labels that they have everywhere."""
    labels = distinct(results.labels)
    return {variant: labels[variant] for variant in variants}


def draw(
    results: Results,
    panels: Sequence[tuple[str, str, Mapping[str, str]]],
    across: int,
    lines: Mapping[str, tuple[int, str]] = LINES,
    column: str = RETURN,
) -> Figure:
    """Panels (title, task, label of each variant). A panel that was not run is empty. lines: as `LINES`.

    column: the return, or an error, which has a logarithmic axis.
    An undeclared method, such as an imported one, is drawn in the first panel of its task.
    """
    asked = [panel for panel in panels if any((panel[1], v) in results.cells for v in panel[2])]
    first = {task: title for title, task, _ in reversed(asked)}
    drawn = [
        (
            title,
            task,
            present(results, task, labels, column) | (others(results, task, column) if first[task] == title else {}),
        )
        for title, task, labels in asked
    ]
    if not any(labels for _, _, labels in drawn):
        raise UsageError(f"{results.experiment.id}: no panel has a curve of what was named")
    across = min(across, len(drawn))
    down = -(-len(drawn) // across)
    figure, axes = subplots(down, across, (TEXT_WIDTH * across / max(across, 3), 2.7 * down))
    n: list[int] = []
    for ax, (title, task, labels) in zip(axes.flat, drawn, strict=False):
        if not labels:
            draw_not_run(ax, title, results, task)
            continue
        rows = {variant: binned(results.cells[task, variant].frame, column) for variant in labels}
        looks_here = {variant: look_of(lines.get(variant), label) for variant, label in labels.items()}
        n += [curve(ax, rows[variant], "step", column, looks_here[variant]) for variant in labels]
        means = [r.groupby("step")[column].mean() for r in rows.values()]
        apart = [(r[column] - r["step"].map(m)).abs() for r, m in zip(rows.values(), means, strict=True)]
        if column == RETURN:
            fit(ax, means, pd.concat(apart).median())
        else:
            ax.set_yscale("log")
        draw_levels(ax, results, task, column)
        ax.set_title(title)
        ax.set_xlabel(results.experiment.step_unit)
    for ax in list(axes.flat)[len(drawn) :]:
        ax.set_visible(False)
    _explain(figure, list(axes.flat)[: len(drawn)], [labels for _, _, labels in drawn])
    for row in axes:
        row[0].set_ylabel("return" if column == RETURN else column.replace("_", " "))
    stamp(figure, results, n, f"mean and 95 % t-interval of means over a {POINTS}th of the episodes")
    return figure


def _explain(figure: Figure, axes: Sequence[Axes], labels: Sequence[Mapping[str, str]]) -> None:
    """One legend, or one below each panel where a method has another label from panel to panel."""
    if len({pair for panel in labels for pair in panel.items()}) == len({v for panel in labels for v in panel}):
        draw_legend(figure, axes, columns=6)
        return
    for ax in axes:
        if ax.get_legend_handles_labels()[1]:
            ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.26), **LEGEND)


def present(results: Results, task: str, labels: Mapping[str, str], column: str) -> dict[str, str]:
    """Those of the variants that have rows on the task."""
    return {v: label for v, label in labels.items() if drawable(results, task, v, column)}


def others(results: Results, task: str, column: str) -> dict[str, str]:
    """The labels of undeclared variants with rows on the task."""
    return present(results, task, named(results, undeclared(results, task)), column)


def look_of(line: tuple[int, str] | None, label: str) -> Look:
    """A curve with this colour and these dashes; black and dashed for a variant that the figure does not know."""
    if line is None:
        return Look(plain(label), "0.1", (0, (4, 1.2)))
    colour, dashes = line
    return Look(plain(label), sns.color_palette("colorblind", 10)[colour], dashes)


def fit(ax: Axes, means: Sequence[pd.Series], apart: float = 0.0) -> None:
    """Limit a panel to where the better curves are, to where one begins, and not far below.

    A method that diverges is many powers of ten worse than the rest, and a seed that falls, with its interval, much
    worse; they would hide the others. apart: the seeds' usual distance from their mean, four of which there is room
    for.
    """
    finite = np.sort(np.concatenate([m.to_numpy()[np.isfinite(m)] for m in means]))
    if not len(finite):
        return
    best, usual = finite[-1], np.quantile(finite, 0.1)
    begin = max((m.iloc[0] for m in means if np.isfinite(m.iloc[0])), default=usual)
    bottom = max(finite[0], min(usual - 1.5 * (best - usual), begin - 0.25 * (best - begin)))
    low, high = ax.dataLim.y0, ax.get_ylim()[1]
    margin = max(0.3 * (best - bottom), 4.0 * apart if np.isfinite(apart) else 0.0)
    if low >= bottom - margin or best <= bottom:
        return
    ax.set_ylim(bottom - margin, min(high, best + margin))


def binned(rows: pd.DataFrame, column: str, points: int = POINTS) -> pd.DataFrame:
    """Means of `column` over at most `points` runs of consecutive steps of equal number, at the last step of each.

    rows: one per seed and step 1, 2, ... A NaN in a run makes its mean NaN.
    """
    width = max(1, -(-int(rows["step"].max()) // points))
    at = ((rows["step"] - 1) // width + 1) * width
    means = rows.assign(step=at.clip(upper=rows["step"].max())).groupby(["seed", "step"])[column]
    return means.mean(skipna=False).reset_index()
