"""Verdicts for a person: a tally, then each with its interval and n."""

from __future__ import annotations

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
            lines += ["", f"{task.label}, budget {budgets}: {tally(own)}"]
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
        rows.append((_setting(v), (v.verdict, *decided, number(v.value), interval(v), str(v.n))))
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
        columns = ("verdict", UNITS[unit], "95 % interval", *(("published",) if printed else ()), "n")
        rows = []
        for v in own:
            paper = (number(v.published),) if printed else ()
            rows.append(
                (f"{v.variant} {v.setting}".strip(), (v.verdict, number(v.value), interval(v), *paper, str(v.n)))
            )
        notes = tuple(dict.fromkeys(f"{v.variant}: {v.reason}" for v in own if v.reason))
        grid = Grid(title=labels.get(task, task), corner="", columns=columns, rows=tuple(rows), notes=notes)
        lines += ["", *render(grid, "text", width).splitlines()]
    return lines


def number(value: float | None) -> str:
    """Three significant digits, trailing zeros kept; five decimals near 1, where ratios differ by little."""
    if value is None:
        return ""
    return f"{value:.5f}" if abs(value - 1) < 0.01 else f"{value:#.3g}".rstrip(".")


def interval(verdict: Verdict) -> str:
    """ "[low, high]", or nothing where there is no interval."""
    if verdict.low is None or verdict.high is None:
        return ""
    return f"[{number(verdict.low)}, {number(verdict.high)}]"
