"""References in panels: published numbers and levels of claims; and panels without runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from svgbench.analysis.judge.absolute import number_of
from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.canvas import STYLE, plain, text_width
from svgbench.words.experiment import Experiment, TaskSpec

LEVEL, PUBLISHED = "level of a claim", "published mean, SD"
SAMPLE = 5.0  # width of a legend's line with its blanks, in units of the font's size
ROOM = 0.5  # share of a panel's height by which it may grow to show a reference


def claim_levels(experiment: Experiment, task: str, column: str) -> list[float]:
    """The numbers that level claims require of `column` on a task, with margins, increasing."""
    parts = [part for claim in experiment.claims if task in experiment.tasks_of(claim) for part in claim.parts]
    values = [number_of(part, task) for part in parts if part.left.measure.column == column]
    return sorted({value for value in values if value is not None})


def draw_levels(ax: Axes, results: Results, task: str, column: str, sign: float = 1.0) -> None:
    """A line for every level of a claim on the column that the panel draws, times `sign`."""
    for value in claim_levels(results.experiment, task, column):
        _line(ax, sign * value, LEVEL, color="0.3", linewidth=0.6, linestyle=(0, (9, 3)))


def draw_published(ax: Axes, results: Results, task: TaskSpec, colours: Mapping[str, Any]) -> None:
    """Draw the published mean and spread of each shown variant at the right end.

    Below the paper's budget they are still those of the paper's budget, and the figure's line says so.
    """
    numbers = {v: n for v in colours if (n := _number(results, task, v)) is not None}
    inside = {v: n for v, n in numbers.items() if _room_for(ax, float(n.value))}
    for number in inside.values():
        for end in (-_sd(number), _sd(number)):
            _room_for(ax, float(number.value) + end)
    for variant in numbers.keys() - inside.keys():
        _beyond(ax, float(numbers[variant].value), colours[variant])
    low, high = ax.get_ylim()
    for place, (variant, number) in enumerate(inside.items()):
        value, spread, x = float(number.value), _sd(number), 1.02 + 0.1 * place / len(inside)
        bottom, top = max(low, value - spread), min(high, value + spread)
        where: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "clip_on": False, "color": colours[variant]}
        ax.errorbar(
            [x], [value], yerr=[[value - bottom], [top - value]], fmt="D", markersize=2.5, elinewidth=0.7, **where
        )
        for end, cut, arrow in ((bottom, value - spread < low, "v"), (top, value + spread > high, "^")):
            if cut:
                ax.plot([x], [end], arrow, markersize=3, **where)
    if inside:
        ax.errorbar([], [], yerr=[[], []], fmt="D", color="0.4", markersize=2.5, elinewidth=0.7, label=PUBLISHED)


def _sd(number: Any) -> float:
    return float(number.spread) if number.spread is not None and number.spread_kind == "sd" else 0.0


def shows_published(figure: Figure) -> bool:
    """Whether any panel shows a published number."""
    return any(PUBLISHED in ax.get_legend_handles_labels()[1] for ax in figure.axes)


def draw_row(ax: Axes, results: Results, task: TaskSpec, row: str, label: str) -> None:
    """The published mean of a method without a curve, as a line across the panel."""
    number = _published(results, task, row)
    if number is not None:
        _line(ax, float(number.value), plain(label), color="0.4", linewidth=0.8, linestyle="--")


def draw_not_run(ax: Axes, title: str, results: Results, task: str) -> None:
    """An empty panel that says so, and where the task was run: "not run at paper; at short: see ..."."""
    ax.set_title(title)
    ax.set_xticks([])
    ax.set_yticks([])
    where: Any = {"transform": ax.transAxes, "ha": "center", "va": "center", "color": "0.4"}
    ax.text(0.5, 0.5, not_run_words(results, task), **where)


def not_run_words(results: Results, task: str) -> str:
    """The text of a panel without runs, in lines. A smoke run is not worth a look."""
    others = [budget for budget in results.elsewhere.get(task, ()) if budget != "smoke"]
    at = [f"at {b}: see svgbench plot\n{results.experiment.id} --budget {b}" for b in others]
    return ";\n".join([f"not run at budget {results.budget}", *at])


def draw_legend(figure: Figure, axes: Iterable[Axes], columns: int = 4, without: str = "", **options: Any) -> None:
    """One legend above the panels, each label once, in as many columns as fit the figure.

    without: a prefix that labels leave out.
    """
    handles = {label: h for ax in axes for h, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    labels = [label.removeprefix(without) for label in handles]
    em, room = STYLE["legend.fontsize"] / 72, figure.get_figwidth()
    widths = [text_width(label, STYLE["legend.fontsize"]) + SAMPLE * em for label in labels]
    fitting = (k for k in range(columns, 1, -1) if sum(max(c, default=0) for c in _in_columns(widths, k)) < room)
    where: Any = {"loc": "outside upper center", "ncols": next(fitting, 1), "frameon": False}
    figure.legend(list(handles.values()), labels, **where, **options)


def _in_columns(widths: Sequence[float], columns: int) -> list[Sequence[float]]:
    """As matplotlib fills the columns of a legend: one after another, the longer ones first."""
    size, longer = divmod(len(widths), columns)
    ends = [0, *accumulate(size + (k < longer) for k in range(columns))]
    return [widths[a:b] for a, b in pairwise(ends)]


def _number(results: Results, task: TaskSpec, variant: str) -> Any:
    rows = {v.id: v.published for v in results.experiment.variants}
    row = rows.get(variant)
    return None if row is None else _published(results, task, row)


def _published(results: Results, task: TaskSpec, row: str) -> Any:
    from svgbench import paper_tables

    experiment = results.experiment
    if experiment.published is None or task.published is None:
        return None
    return paper_tables.load(experiment.published).get(row, task.published)


def _line(ax: Axes, value: float, label: str, **look: Any) -> None:
    if _room_for(ax, value):
        ax.axhline(value, label=label, zorder=1.5, **look)
    else:
        _beyond(ax, value, look["color"])
        ax.plot([], [], label=label, **look)


def _room_for(ax: Axes, value: float) -> bool:
    """Whether the panel shows the value, after growing a little if necessary."""
    low, high = ax.get_ylim()
    span = high - low
    if not low - ROOM * span <= value <= high + ROOM * span:
        return False
    ax.set_ylim(min(low, value - 0.04 * span), max(high, value + 0.04 * span))
    return True


def _beyond(ax: Axes, value: float, colour: Any) -> None:
    """Write a number at the edge that it lies beyond."""
    above = value > ax.get_ylim()[1]
    said = sum(text.get_gid() == "beyond" for text in ax.texts)
    ax.annotate(
        f"{'↑' if above else '↓'} {value:.4g}", (0.985, 0.97 - 0.08 * said if above else 0.03 + 0.08 * said),
        xycoords="axes fraction", ha="right", va="top" if above else "bottom", fontsize=5.5, color=colour,
    ).set_gid("beyond")  # fmt: skip
