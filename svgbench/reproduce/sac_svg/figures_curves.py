"""Figures 2, 4 and 7 of Amos et al. 2020."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.canvas import TEXT_WIDTH, subplots
from svgbench.analysis.show.plots import (
    BANDS,
    curve,
    curve_panels,
    drawable,
    has_rows,
    log_scale,
    looks,
    named_tasks,
    stamp,
    undeclared,
    with_undeclared,
)
from svgbench.analysis.show.references import draw_legend, draw_row
from svgbench.lab.cells import Selection, expand
from svgbench.words.experiment import TaskSpec

METHODS = ("sac", "sac-svg-2", "mbpo", "random")
WEIGHTED = ("sac-svg-2", "unweighted", "random")
ACTORS = ("sac", "sac-svg-2", "mve-sac", "mve-svg", "random")
TARGETS = ("mve-sac", "plain-sac", "coded-sac", "mve-svg", "plain-svg", "coded-svg", "random")
BY_ACTOR = {
    "SAC's actor": ("mve-sac", "plain-sac", "coded-sac", "sac"),
    "SVG(2) actor": ("mve-svg", "plain-svg", "coded-svg", "sac-svg-2"),
}
RETURN = "eval_return"


def fig2(results: Results) -> dict[str, Figure]:
    """The methods of the figure with the level of the authors' rerun; a page on the weights of terminations."""
    pages = {"": _curves(results, METHODS, "authors' rerun")}
    return pages | ({"terminations": _curves(results, WEIGHTED)} if has_rows(results, RETURN, "unweighted") else {})


def fig4(results: Results) -> dict[str, Figure]:
    """With and without value expansion of the critics, under both actors; a page on other targets."""
    pages = {"": _curves(results, ACTORS)}
    others = [v for v in TARGETS if not v.startswith("mve") and v != "random"]
    return pages | ({"targets": _curves(results, TARGETS)} if has_rows(results, RETURN, *others) else {})


def fig7(results: Results) -> dict[str, Figure]:
    """Model error and return on walker2d, a row for each actor. Every seed is a thin line."""
    (task,) = named_tasks(results)
    figure, axes = subplots(len(BY_ACTOR), 2, (TEXT_WIDTH, 4.2), sharex=True)
    look = looks(results, [v for _, v in results.cells])
    n = []
    for row, (actor, variants) in zip(axes, BY_ACTOR.items(), strict=True):
        shown = [*variants, *undeclared(results, task.id)]
        for ax, column in zip(row, ("model_loss", "eval_return"), strict=True):
            for variant in (v for v in shown if drawable(results, task.id, v, column)):
                rows = results.cells[task.id, variant].frame
                n.append(curve(ax, rows, "step", column, look[variant], log=column == "model_loss"))
            ax.set_title(f"{task.label}, {actor}")
        if row[0].lines:
            log_scale(row[0])
        row[0].set_ylabel("model error, normalised")
        row[1].set_ylabel("evaluation return")
    for ax in axes[-1]:
        ax.set_xlabel(results.experiment.step_unit)
    draw_legend(figure, list(axes.flat))
    stamp(figure, results, n, _with_updates(results, [v for variants in BY_ACTOR.values() for v in variants]))
    return {"": figure}


def _curves(results: Results, variants: Sequence[str], level: str = "") -> Figure:
    """A panel per task. level: the label of SAC-SVG(2)'s published level, "" for none."""

    def add_level(ax: Axes, task: TaskSpec) -> None:
        draw_row(ax, results, task, "SAC-SVG(2)", level)

    bands, chosen = _with_updates(results, variants), with_undeclared(results, variants)
    finish = add_level if level else None
    return curve_panels(results, RETURN, chosen, bands=bands, finish=finish)


def _with_updates(results: Results, variants: Sequence[str]) -> str:
    """The words on bands, and how many updates an environment step costs each variant that has rows."""
    drawn = {v for (_, v), cell in results.cells.items() if len(cell.frame)}
    labels = {v.id: v.label for v in results.experiment.variants}
    costs: dict[str, list[str]] = {}
    for cell in expand(results.experiment, Selection(results.budget)):
        name = cell.variant.id
        if name in variants and name in drawn and (cell.task.id, name) in results.cells:
            said = _updates(cell.config)
            if said and labels[name] not in costs.setdefault(said, []):
                costs[said].append(labels[name])
    said = "; ".join(f"{', '.join(who)}: {cost}" for cost, who in costs.items())
    return f"{BANDS}; updates per environment step: {said}" if said else BANDS


def _updates(config: Mapping[str, Any]) -> str:
    """The updates of policy and critics, and those of a model; "" for a policy that does not learn."""
    if "updates_per_step" not in config:
        return ""
    own = str(config["updates_per_step"])
    if "model_updates" in config:
        own += f" and {config['model_updates']} of the model"
    if "fit_every" in config:
        own += f" and a fit of the models every {config['fit_every']} steps"
    return own
