"""Figure 4 of Schulman 2016, and the sweep behind one of its curves."""

from __future__ import annotations

from matplotlib.figure import Figure

from svgbench.analysis.frames import Results
from svgbench.reproduce.on_policy_figures import cost_panels, drawn


def fig4(results: Results) -> dict[str, Figure]:
    """The four tasks of the figure; Barto's cart-pole on a page of its own."""
    chosen = {task.id: drawn(results, task.id) for task in results.experiment.tasks}
    barto = {task: variants for task, variants in chosen.items() if task == "trpo/cart-pole-barto" and variants}
    four = {task: variants for task, variants in chosen.items() if task not in barto and variants}
    return {name: cost_panels(results, page) for name, page in (("", four), ("barto", barto)) if page}


def sweep(results: Results) -> dict[str, Figure]:
    """Every multiplier on every task."""
    return {"": cost_panels(results, {task.id: drawn(results, task.id) for task in results.experiment.tasks})}
