"""The figure of the remarks of Heess et al. 2015: returns on three tasks, and the model's errors."""

from __future__ import annotations

from matplotlib.figure import Figure

from svgbench.analysis.read.frames import Results
from svgbench.reproduce.svg.figures import LINES, draw, named, present
from svgbench.reproduce.svg.remarks import MODEL_ERROR, REINFORCES

REMARK_LINES = LINES | {
    "svg-inf-unclipped": (0, ":"),
    "svg-inf-one-network": (0, "--"),
    "svg-1-er-free": (2, "--"),
    "svg-1-unclipped": (3, ":"),
    **{name: (5, dashes) for name, dashes in zip(REINFORCES, ("-", "--", ":", "-."), strict=True)},
}
"""A method has its colour of the other figures; without the limit it is dotted, with another change dashed."""
MODELS = ("svg-inf", "svg-inf-one-network")


def remarks(results: Results) -> dict[str, Figure]:
    """REINFORCE; the penalty; V_max. Beside them the one-step errors of the two kinds of model."""
    penalty, limit = ("svg-1-er", "svg-1-er-free"), ("svg-inf", "svg-inf-unclipped", "svg-1", "svg-1-unclipped")
    returns = [
        ("Hand: REINFORCE, one network", "svg/hand", named(results, (*MODELS, *REINFORCES))),
        ("Hand: V_max", "svg/hand", named(results, limit[:2])),
        ("Cart-pole: the penalty", "svg/cart-pole", named(results, penalty)),
        ("Swimmer, 3 links: the penalty", "svg/swimmer-3", named(results, penalty)),
        ("Swimmer, 3 links: V_max", "svg/swimmer-3", named(results, limit)),
        ("Swimmer, 3 links: one network", "svg/swimmer-3", named(results, MODELS)),
    ]
    errors = [
        ("Hand", "svg/hand", named(results, MODELS)),
        ("Swimmer, 3 links", "svg/swimmer-3", named(results, MODELS)),
    ]
    found = {"": draw(results, returns, across=3, lines=REMARK_LINES)}
    if any(present(results, task, labels, MODEL_ERROR.column) for _, task, labels in errors):
        found["model-error"] = draw(results, errors, across=2, lines=REMARK_LINES, column=MODEL_ERROR.column)
    return found
