"""Claims in words, for `show` and for verdicts. Quick to import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from svgbench.words.claims import BestOf, Change, Claim, Comparison, Measure, OfDistance, Published, RelativeSD, Side
from svgbench.words.experiment import Experiment
from svgbench.words.values import PerTask


def words_of(part: Comparison) -> str:
    """A comparison as one line: "a: error < b: error"."""
    failed = "share of seeds that failed, " if part.scale == "failed_share" else ""
    every = ", in every problem" if part.every else ""
    given = "given that " if part.premise else ""
    return f"{given}{failed}{_side(part.left)} {part.relation} {_right(part)}{_margin(part)}{every}"


def counted(experiment: Experiment, claim: Claim) -> str:
    """On how many tasks a claim must hold, over which it rises, or which it compares; "" if it is only judged task by
    task.
    """
    if claim.across:
        labels = {task.id: task.label for task in experiment.tasks}
        return f"left on {', right on '.join(labels[task] for task in experiment.tasks_of(claim))}"
    if claim.rising:
        labels = {task.id: task.label for task in experiment.tasks}
        return f"rising over {', '.join(labels[task] for task in experiment.tasks_of(claim))}"
    if claim.at_least is None:
        return ""
    return f"on at least {claim.at_least} of {len(experiment.tasks_of(claim))} tasks"


SHOWN = 12  # most variants of a "best of" that are named


def _some(variants: Sequence[str]) -> str:
    """All names, or the first ones and how many more."""
    if len(variants) <= SHOWN:
        return ", ".join(variants)
    return f"{', '.join(variants[:3])} and {len(variants) - 3} more"


def _side(side: Side) -> str:
    measure = _measure(side.measure)
    match side:
        case BestOf(variants=variants):
            return f"best of ({_some(variants)}): {measure}"
        case Change(before=before, after=after):
            return f"{after} less {before}: {measure}"
        case RelativeSD(variant=variant, of_gain=True):
            return f"{_each(variant)}: SD / gain upon a random policy of {measure}"
        case RelativeSD(variant=variant):
            return f"{_each(variant)}: SD / mean of {measure}"
        case _:
            return f"{_each(side.variant)}: {measure}"


def _right(part: Comparison) -> str:
    if isinstance(part.right, Side):
        return _side(part.right)
    return f"{part.right.row} as printed" if isinstance(part.right, Published) else _each(part.right)


def _margin(part: Comparison) -> str:
    if isinstance(part.margin, OfDistance):
        return f" (margin {100 * part.margin.share:g} % of the distance from a random policy)"
    if not part.margin:
        return ""
    return f" (margin {_each(part.margin)}{' in the log ratio' if part.scale == 'log_ratio' else ''})"


def _each(value: str | float | PerTask[str] | PerTask[float]) -> str:
    """A value; for one per task, every value with its tasks."""
    if isinstance(value, PerTask):
        values: Mapping[str, str | float] = value.values
        tasks: dict[str, list[str]] = {}
        for task, one in values.items():
            tasks.setdefault(_each(one), []).append(task)
        return " or ".join(f"{one} ({', '.join(on)})" for one, on in tasks.items())
    return value if isinstance(value, str) else f"{value:g}"


def _measure(measure: Measure) -> str:
    where = " ".join(f"{k}={v}" for k, v in measure.where.items())
    at = f" at {where}" if where else ""
    early = f" until {100 * measure.until:g} % of the steps" if measure.until < 1 else ""
    beside = f" with {measure.beside} after its peak" if measure.beside else ""
    return f"{measure.reduce} {measure.column}{beside}{at}{early}"
