"""The output of `plan --fits`: the cells that fit into a time."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from svgbench.analysis.read.naming import amount
from svgbench.lab.calibration import NOT_CALIBRATED
from svgbench.lab.eta import duration
from svgbench.lab.fitting import PricedCell, fitted, together

SHOWN = 18  # cells of the grid; a screen also holds the sentences and the commands
COMMANDS = 4
LONGEST_LIST = 56  # characters; with the option's name and a margin it fits on a line of 80


def print_fits(cells: Sequence[PricedCell], limit: float, as_json: bool, given: str = "") -> None:
    """Print the cells that fit into `limit` seconds, the cheapest first, and the commands that run them.

    given: the plan's other options, which the commands repeat (`repeated`).
    """
    from svgbench.terminal import out, out_json, out_lines, out_rows, width

    found = fitted(cells, limit)
    rows = [_row(cell, after) for cell, after in found]
    if as_json:
        return out_json(rows)
    fits = [row for row in rows if row["fits"]]
    columns = {
        "task": "task",
        "variant": "variant",
        "seeds_missing": "missing",
        "one": "one process",
        "after": "all after",
    }
    if any(row["undecidable"] for row in fits):
        columns["mark"] = "verdict"
    several = {"experiment": "experiment"} if len({row["experiment"] for row in rows}) > 1 else {}
    if fits:
        out_rows([row | _durations(row) for row in fits[:SHOWN]], False, "", several | columns)
    out_lines(_sentences(rows, fits, limit))
    commands = [command + given for command in commands_of(fits)]
    for command in commands[:COMMANDS]:
        room = width() if len(command) <= width() else width() - 4  # of two spaces before, or a backslash behind
        out(" \\\n  ".join(textwrap.wrap(command, room, break_long_words=False, break_on_hyphens=False)))
    if len(commands) > COMMANDS:
        out(f"and {len(commands) - COMMANDS} commands more; --json lists the cells")


def _row(cell: PricedCell, after: float | None) -> dict[str, Any]:
    own = cell.plan.cell
    return {
        "experiment": own.experiment,
        "task": own.task.id,
        "variant": own.variant.id,
        "budget": own.budget,
        "seeds_missing": cell.plan.runs_missing,
        "blocks": len(cell.plan.blocks),
        "seconds": None if cell.blocks is None else cell.seconds,
        "fits": after is not None,
        "after_seconds": after,
        "undecidable": cell.undecidable or None,
        "unknown": cell.unknown or None,
    }


def _durations(row: dict[str, Any]) -> dict[str, str]:
    mark = "none" if row["undecidable"] else ""
    return {"one": duration(row["seconds"]), "after": duration(row["after_seconds"]), "mark": mark}


def _sentences(rows: list[dict[str, Any]], fits: list[dict[str, Any]], limit: float) -> list[str]:
    if not rows:
        return ["no runs are missing"]
    unknown = [row for row in rows if row["seconds"] is None]
    if len(unknown) == len(rows):
        return [f"no estimate for any of {len(rows)} cells with missing runs", *_why(unknown)]
    cells = f"{len(fits)} of {len(rows)} cells with missing runs fit into {duration(limit)}"
    lines = [cells + (f"; all are done after about {duration(fits[-1]['after_seconds'])}" if fits else "")]
    if len(fits) > SHOWN:
        lines.append(f"the {SHOWN} cheapest are shown; --json lists all")
    marked = sum(bool(row["undecidable"]) for row in fits)
    if marked:
        lines.append(f"verdict none: no runs can decide the printed number ({marked} of these cells); --json says why")
    left = [row for row in rows if not row["fits"] and row["seconds"] is not None]
    if left:
        first = left[0]
        name = f"{first['task']} {first['variant']}"
        lines.append(f"the cheapest that does not fit, {name}, takes {duration(first['seconds'])} of one process")
    if unknown:
        lines += [f"no estimate for {amount(len(unknown), 'cell')}", *_why(unknown)]
    return lines


def _why(unknown: list[dict[str, Any]]) -> list[str]:
    """Why there is no estimate for these cells: the first reason, and what measures cells that were not tried."""
    first = unknown[0]
    if all(row["unknown"] == NOT_CALIBRATED for row in unknown):
        return ["without --no-calibrate they are measured"]
    return [f"the first of them, {first['task']} {first['variant']}: {first['unknown']}"]


def commands_of(fits: Sequence[dict[str, Any]]) -> list[str]:
    """The commands that run these cells and no others. Tasks with the same variants share one."""
    tasks: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    names = [(row["experiment"], row["budget"], row["task"], row["variant"]) for row in fits]
    for (experiment, budget, task, _), own in together(names).items():
        on = tasks.setdefault((experiment, budget, own), [])
        on += [task] * (task not in on)
    return [
        f"svgbench run {experiment} --budget {budget}{_option('--tasks', on)}{_option('--variants', own)}"
        for (experiment, budget, own), on in tasks.items()
    ]


def repeated(options: Mapping[str, Any]) -> str:
    """The options that have a value, as words of a command, each after a space."""
    words = ""
    for name, value in options.items():
        for one in value if isinstance(value, list) else [] if value is None else [value]:
            words += f" {name} {shlex.quote(str(one))}"
    return words


def _option(name: str, values: Sequence[str]) -> str:
    """The option with these values, given again where a list would not fit on a line."""
    lists: list[str] = []
    for value in values:
        if lists and len(lists[-1]) + len(value) < LONGEST_LIST:
            lists[-1] += f",{value}"
        else:
            lists.append(value)
    return "".join(f" {name} {one}" for one in lists)
