"""Figure 4 of Schulman 2016, and the sweep behind one of its curves."""

from __future__ import annotations

from matplotlib.figure import Figure

from svgbench.analysis.read.frames import Results
from svgbench.analysis.show.plots import named_tasks
from svgbench.reproduce.on_policy_figures import cost_panels, drawn

BARTO = "trpo/cart-pole-barto"


def fig4(results: Results) -> dict[str, Figure]:
    """The four tasks of the figure, those without runs as empty panels; Barto's cart-pole on a page of its own."""
    chosen = {task.id: drawn(results, task.id) for task in named_tasks(results)}
    four = {task: variants for task, variants in chosen.items() if task != BARTO}
    pages = {"": four if any(four.values()) else {}, "barto": {BARTO: chosen[BARTO]} if chosen.get(BARTO) else {}}
    return {name: cost_panels(results, page) for name, page in pages.items() if page}


def sweep(results: Results) -> dict[str, Figure]:
    """Every multiplier on every task."""
    return {"": cost_panels(results, {task.id: drawn(results, task.id) for task in named_tasks(results)})}
