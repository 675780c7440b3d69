"""Verdicts as text: a tally, then each verdict with its interval and n."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from svgbench.analysis.judge.judgement import Robust, Verdict
from svgbench.analysis.judge.replicated import is_told, same_on
from svgbench.analysis.judge.second import told
from svgbench.analysis.judge.verdict_words import deciding_part, of_claim, tally
from svgbench.analysis.show.tables import DisplayTable, Rounded, RoundedInterval, render
from svgbench.analysis.show.wording import words_of
from svgbench.words.claims import Claim, OfDistance
from svgbench.words.experiment import Experiment

UNITS = {
    "mean": "mean",
    "difference": "difference",
    "ratio": "left / right",
    "tasks": "tasks",
    "share": "rise",
    "failed share": "failed, difference",
}


def verdict_lines(experiment: Experiment, verdicts: Sequence[Verdict], width: int) -> list[str]:
    """The claims one after another, then published numbers and imported rivals, then the meaning of the words."""
    lines = []
    if not verdicts:
        return [f"{experiment.id} declares no claim and has no published numbers"]
    for claim in experiment.claims:
        own = of_claim(verdicts, claim.id)
        if own:  # a claim about tasks or variants that were not requested has no verdicts
            lines += [*_claim_lines(experiment, claim, own, width), ""]
    levels = [v for v in verdicts if v.kind == "level"]
    if levels:
        lines += [*textwrap.wrap(f"levels: {tally(levels)}", width), *_level_lines(experiment, levels, width), ""]
    words = f"{experiment.id}, {len(verdicts)} verdicts: {tally(verdicts)}"
    return [*lines, *textwrap.wrap(words, width, break_on_hyphens=False)]


def _claim_lines(experiment: Experiment, claim: Claim, verdicts: Sequence[Verdict], width: int) -> list[str]:
    lines = textwrap.wrap(f'{claim.id}: "{claim.quote}" ({claim.source})', width)
    for number, part in enumerate(claim.parts, 1):
        words, sign = f"{words_of(part)}. {part.number}", f"  {number}. " if len(claim.parts) > 1 else "  - "
        lines += textwrap.wrap(words, width, initial_indent=sign, subsequent_indent=" " * len(sign))
    for v in verdicts:
        if not v.task:
            words = f"over its tasks, budget {v.budget}: {v.words}. {v.reason}"
            lines += ["", *textwrap.wrap(words, width, break_on_hyphens=False)]
    for grid in place_grids(experiment, claim, verdicts):
        lines += ["", *textwrap.wrap(grid.title, width), *_rows(replace(grid, title=""), width)]
    return lines


def place_grids(experiment: Experiment, claim: Claim, verdicts: Sequence[Verdict]) -> list[DisplayTable]:
    """A claim's verdicts on its tasks, as one table with a row per task; with `per`, a table per task with a row per
    setting.
    """
    labels = {task.id: task.label for task in experiment.tasks}
    on_tasks = [v for v in verdicts if v.task]
    if not claim.per:
        return [_place_grid(claim, on_tasks, [labels[v.task] for v in on_tasks], "")] if on_tasks else []
    grids = []
    for task, label in labels.items():
        own = [v for v in on_tasks if v.task == task]
        if own:
            budgets = ", ".join(dict.fromkeys(v.budget for v in own))
            title = f"{label}, budget {budgets}: {tally(own)}"
            grids.append(_place_grid(claim, own, [" ".join(map(str, v.setting_values)) for v in own], title))
    return grids


def _place_grid(claim: Claim, verdicts: Sequence[Verdict], labels: Sequence[str], title: str) -> DisplayTable:
    """A row per verdict. If a claim has several parts, it has the number and the values of the deciding one.

    Unless the claim is judged per column, the rows are tasks, each with its budget, and a row for each of several parts
    follows. A measured margin is shown. Places without runs have no row but a line for each reason. Places that more
    seeds would not decide have a row and such a line.
    """
    corner, parts = " ".join(claim.per), len(claim.parts)
    measured = any(isinstance(part.margin, OfDistance) for part in claim.parts)
    units = {UNITS[v.unit] for v in verdicts if v.verdict != "INCOMPLETE"}
    columns = (
        "verdict",
        *(() if corner else ("budget",)),
        units.pop() if len(units) == 1 else "effect",
        "95 % interval",
        *(("needs",) if measured else ()),
        "n",
        *(("platforms",) if is_told(verdicts) else ()),
    )
    rows, notes = [], []
    for label, v in zip(labels, verdicts, strict=True):
        part = deciding_part(v)
        word = _with_brackets(v.verdict, str(part + 1) if parts > 1 and part is not None else "", v.cause)
        budget = () if corner else (v.budget,)
        needs = (_needs(claim, v, part),) if measured else ()
        if v.verdict != "INCOMPLETE":
            rows.append((label, (word, *budget, *estimate(v), *needs, Rounded(v.n, 0), *_platforms(v, verdicts))))
            if parts > 1 and not corner:
                rows += _part_rows(claim, v, measured, len(columns))
        if part is not None and (why := v.details[part].why):
            notes.append(("" if corner else label, why))
        if part is not None and v.details[part].lost_words:
            notes.append(("" if corner else label, v.details[part].lost_words))
        if part is not None and v.details[part].failed:
            notes.append(("" if corner else label, v.details[part].failed))
        if part is not None and (robust := v.details[part].robust):
            notes.append(("" if corner else label, _second(v, robust)))
        if v.value is None:
            notes.append(("" if corner else label, v.reason))
    return DisplayTable(title=title, corner=corner, columns=columns, rows=tuple(rows), notes=_by_reason(notes))


def _part_rows(
    claim: Claim, verdict: Verdict, measured: bool, width: int
) -> Iterator[tuple[str, tuple[str | Rounded | RoundedInterval, ...]]]:
    """A row for each part of a claim on a task; without a budget and platforms, which are the claim's."""
    for number, part in enumerate(verdict.details):
        needs = (_needs(claim, verdict, number),) if measured else ()
        values = rounded(part.value, part.low, part.high)
        row = (_with_brackets(part.verdict, part.cause), "", *values, *needs, Rounded(part.n, 0))
        yield f"part {number + 1}", (*row, *[""] * (width - len(row)))


def _with_brackets(word: str, *more: str) -> str:
    """A word with what is not empty behind it: "INCONCLUSIVE (2, coverage)"."""
    brackets = ", ".join(filter(None, more))
    return f"{word} ({brackets})" if brackets else word


def _platforms(verdict: Verdict, beside: Sequence[Verdict]) -> tuple[str, ...]:
    """The last cell of a row if platforms are worth a word in any of them: on how many it is the same."""
    return ("{}/{}".format(*same_on([verdict])),) if is_told(beside) else ()


def _second(verdict: Verdict, robust: Robust) -> str:
    """The second verdict of the deciding part, and whether both statistics agree on the claim."""
    return f"{told(robust)}; the statistics {f'disagree: {verdict.disagreement}' if verdict.disagreement else 'agree'}"


def _rows(grid: DisplayTable, width: int) -> list[str]:
    return render(grid, "text", width).strip("\n").splitlines() if grid.rows else _wrapped(grid.notes, width)


def _by_reason(named: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """A line for each reason, with all its subjects."""
    about: dict[str, list[str]] = {}
    for name, reason in named:
        about.setdefault(reason, []).append(name)
    return tuple(": ".join(filter(None, (", ".join(filter(None, names)), reason))) for reason, names in about.items())


def _wrapped(lines: Iterable[str], width: int) -> list[str]:
    wrapped = (textwrap.wrap(line, width, subsequent_indent="  ", break_on_hyphens=False) for line in lines)
    return [part for parts in wrapped for part in parts]


def _needs(claim: Claim, verdict: Verdict, part: int | None) -> str:
    """The required effect of a part."""
    if part is None or (threshold := verdict.details[part].threshold) is None:
        return ""
    relation = claim.parts[part].relation
    if relation != "~":
        return f"{relation.replace('~', '=')} {threshold:.3g}"
    unit = verdict.details[part].unit
    return f"{1 / threshold:.3g} to {threshold:.3g}" if unit == "ratio" else f"±{threshold:.3g}"


def _level_lines(experiment: Experiment, verdicts: Sequence[Verdict], width: int) -> list[str]:
    """Levels against published numbers, and imported variants against ours: by task, with reasons."""
    grids = level_grids(experiment, verdicts)
    lines = [line for grid in grids for line in ("", *render(grid, "text", width).splitlines())]
    silent = unmeasured(experiment, verdicts)
    return [*lines, *(["", *_wrapped([silent], width)] if silent else [])]


def level_grids(experiment: Experiment, verdicts: Sequence[Verdict]) -> list[DisplayTable]:
    """Verdicts on published numbers, and rivals against ours, in a table per task; the notes have the reasons."""
    labels = {task.id: task.label for task in experiment.tasks}
    grids = []
    for task, unit in dict.fromkeys((v.task, v.unit) for v in verdicts):
        own = [v for v in verdicts if (v.task, v.unit) == (task, unit)]
        printed = any(v.published is not None for v in own)
        settings = {v.setting for v in own}
        title = ", ".join([labels.get(task, task), *(settings if len(settings) == 1 else ())])
        columns = ("verdict", UNITS[unit], "95 % interval", *(("published",) if printed else ()), "n")
        columns += ("platforms",) if is_told(own) else ()
        rows = []
        for v in own:
            if v.n or v.rival:
                paper = (Rounded(v.published),) if printed else ()
                name = v.variant if len(settings) == 1 else f"{v.variant} {v.setting}"
                rows.append((name, (v.verdict, *estimate(v), *paper, Rounded(v.n, 0), *_platforms(v, own))))
        if rows:
            grids.append(DisplayTable(title=title, corner="", columns=columns, rows=tuple(rows), notes=_reasons(own)))
    return grids


def unmeasured(experiment: Experiment, verdicts: Sequence[Verdict]) -> str:
    """The published numbers whose cells were not run, as "no run: Hopper: sac"; "" if there are none."""
    labels = {task.id: task.label for task in experiment.tasks}
    silent = [(labels.get(v.task, v.task), v.variant) for v in verdicts if not (v.n or v.rival)]
    without = [
        f"{task}: {', '.join(v for t, v in silent if t == task)}" for task in dict.fromkeys(t for t, _ in silent)
    ]
    return f"no run: {'; '.join(without)}" if without else ""


def _reasons(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """The reasons, each once with its subjects; those that only lack seeds share one line."""
    lacking = [v.variant for v in verdicts if v.verdict == "INCOMPLETE"]
    others = [(v.variant, v.reason) for v in verdicts if v.reason and v.n and v.verdict != "INCOMPLETE"]
    same = len({reason for _, reason in others}) == 1 and not lacking
    said = _by_reason(("" if same else variant, reason) for variant, reason in dict.fromkeys(others))
    return (*said, *([f"seeds are missing of {', '.join(dict.fromkeys(lacking))}"] if lacking else []))


def estimate(verdict: Verdict) -> tuple[Rounded, RoundedInterval | str]:
    """The value and its interval, to the same decimals: two digits of the interval's width. Blank if unknown."""
    return rounded(verdict.value, verdict.low, verdict.high)


def rounded(value: float | None, low: float | None, high: float | None) -> tuple[Rounded, RoundedInterval | str]:
    """A value and its interval, to the same decimals: two digits of the interval's width. Blank if unknown."""
    if value is None or low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return Rounded(value), ""
    if high <= low or max(abs(low), abs(high)) < 1e-3:
        return Rounded(value), RoundedInterval(low, high)
    decimals = min(max(1 - math.floor(math.log10(high - low)), 0), 6)
    return Rounded(value, decimals), RoundedInterval(low, high, decimals)
