"""Verdicts for a person: a tally, then each with its interval and n."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from svgbench.analysis.judgement import Verdict
from svgbench.analysis.tables import Grid, render
from svgbench.analysis.wording import words_of
from svgbench.lab.experiment import Claim, Experiment

UNITS = {"mean": "mean", "difference": "difference", "ratio": "left / right"}


def verdict_lines(experiment: Experiment, verdicts: Sequence[Verdict], width: int) -> list[str]:
    """The claims one after another, then the published numbers and imported rivals, then what the words mean."""
    lines = []
    if not verdicts:
        return [f"{experiment.id} declares no claim and has no published numbers"]
    for claim in experiment.claims:
        own = [v for v in verdicts if v.kind == "claim" and v.id.split(":")[1:2] == [claim.id]]
        lines += [*_claim_lines(experiment, claim, own, width), ""]
    levels = [v for v in verdicts if v.kind == "level"]
    if levels:
        lines += [f"levels: {tally(levels)}", *_level_lines(experiment, levels, width), ""]
    lines.append(f"{experiment.id}: {tally(verdicts)}")
    return lines


def tally(verdicts: Iterable[Verdict]) -> str:
    """ "12 SUPPORTED, 3 REFUTED", commonest first."""
    return ", ".join(f"{count} {word}" for word, count in Counter(v.verdict for v in verdicts).most_common())


def _claim_lines(experiment: Experiment, claim: Claim, verdicts: Sequence[Verdict], width: int) -> list[str]:
    quoted = textwrap.wrap(f'{claim.id}: "{claim.quote}" ({claim.source})', width)
    numbers = [
        line
        for part in claim.parts
        for line in textwrap.wrap(
            f"{words_of(part)}. {part.number}", width, initial_indent="  - ", subsequent_indent="    "
        )
    ]
    lines = [*quoted, *numbers]
    for task in experiment.tasks:
        own = [v for v in verdicts if v.task == task.id]
        if own:
            budgets = ", ".join(dict.fromkeys(v.budget for v in own))
            lines += ["", *textwrap.wrap(f"{task.label}, budget {budgets}: {tally(own)}", width)]
            lines += _rows(own, claim.per, len(claim.parts), width)
    return lines


def _rows(verdicts: Sequence[Verdict], per: Sequence[str], parts: int, width: int) -> list[str]:
    """A row per verdict. Where a claim has several parts, the part that decided is named by its number."""
    columns = (
        "verdict",
        *(("part",) if parts > 1 else ()),
        UNITS.get(verdicts[0].unit, ""),
        "95 % interval",
        "n",
    )
    rows = []
    for v in verdicts:
        decided = (_deciding_part(v),) if parts > 1 else ()
        rows.append((_setting(v), (v.verdict, *decided, *estimate(v), str(v.n))))
    notes = dict.fromkeys(v.reason for v in verdicts if v.verdict == "INCOMPLETE" or v.value is None)
    grid = Grid(title="", corner=" ".join(per), columns=columns, rows=tuple(rows), notes=tuple(notes))
    return render(grid, "text", width).strip("\n").splitlines()


def _setting(verdict: Verdict) -> str:
    """The values of "start=s0 step=100" without their names, which head the column."""
    return " ".join(word.partition("=")[2] for word in verdict.setting.split())


def _deciding_part(verdict: Verdict) -> str:
    """Which part's value the verdict shows, counted from 1 in the order of the numbers above the table."""
    for index, part in enumerate(verdict.details, start=1):
        if (part.value, part.low) == (verdict.value, verdict.low):
            return f"{index}/{len(verdict.details)}"
    return ""


def _level_lines(experiment: Experiment, verdicts: Sequence[Verdict], width: int) -> list[str]:
    """Levels against published numbers, and imported variants against ours: by task, with reasons."""
    labels = {task.id: task.label for task in experiment.tasks}
    lines: list[str] = []
    for task, unit in dict.fromkeys((v.task, v.unit) for v in verdicts):
        own = [v for v in verdicts if (v.task, v.unit) == (task, unit)]
        printed = any(v.published is not None for v in own)
        settings = {v.setting for v in own}
        title = ", ".join([labels.get(task, task), *(settings if len(settings) == 1 else ())])
        columns = ("verdict", UNITS[unit], "95 % interval", *(("published",) if printed else ()), "n")
        rows = []
        for v in own:
            paper = (number(v.published),) if printed else ()
            rows.append(
                (
                    v.variant if len(settings) == 1 else f"{v.variant} {v.setting}",
                    (v.verdict, *estimate(v), *paper, str(v.n)),
                )
            )
        notes = _reasons(own)
        grid = Grid(title=title, corner="", columns=columns, rows=tuple(rows), notes=notes)
        lines += ["", *render(grid, "text", width).splitlines()]
    return lines


def _reasons(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """Why, each variant once; those that only lack seeds in one line."""
    lacking = [v.variant for v in verdicts if v.verdict == "INCOMPLETE"]
    others = dict.fromkeys(f"{v.variant}: {v.reason}" for v in verdicts if v.reason and v.verdict != "INCOMPLETE")
    return (*others, *([f"seeds are missing of {', '.join(dict.fromkeys(lacking))}"] if lacking else []))


def number(value: float | None) -> str:
    """A number by itself: three significant digits, or all of a large one's before the point."""
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.0f}" if 1000 <= abs(value) < 1e7 else f"{value:#.3g}".rstrip(".")


def estimate(verdict: Verdict) -> tuple[str, str]:
    """The value and "[low, high]", to the same decimals: two digits of the interval's width. Blank where unknown."""
    value, low, high = verdict.value, verdict.low, verdict.high
    if value is None or low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return number(value), ""
    if high <= low or max(abs(low), abs(high)) < 1e-3:
        return number(value), f"[{number(low)}, {number(high)}]"
    decimals = min(max(1 - math.floor(math.log10(high - low)), 0), 6)
    return f"{value:.{decimals}f}", f"[{low:.{decimals}f}, {high:.{decimals}f}]"
