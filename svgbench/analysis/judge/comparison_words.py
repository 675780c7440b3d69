"""A comparison in words."""

from __future__ import annotations

import math

from svgbench.analysis.judge.effects import candidates
from svgbench.analysis.read.naming import printed
from svgbench.words.claims import BestOf, Change, Comparison, Published, RelativeSD, Side


def text_of(part: Comparison, task: str, right: float | None) -> str:
    """A comparison on one task, as "svg-1-er return > 62.5"; `right` is the number on its right, if it has one."""
    label = part.left.measure.label
    left = f"{_name(part.left, task)} {label}"
    if isinstance(part.right, Side):
        other = part.right.measure.label
        return f"{left} {part.relation} {_name(part.right, task)}" + ("" if other == label else f" {other}")
    row = f"{part.right.row} " if isinstance(part.right, Published) else ""
    return f"{left} {part.relation} {row}{printed(math.nan if right is None else right)}"


def _name(side: Side, task: str) -> str:
    names = candidates(side, task)
    match side:
        case BestOf():
            return f"best of ({', '.join(name for (name,) in names)})"
        case Change():
            return " less ".join(names[0])
        case RelativeSD(of_gain=of_gain):
            return f"SD / {'gain' if of_gain else 'mean'} of {names[0][0]}"
        case _:
            return names[0][0]
