"""Shows running cells, once or until nothing runs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from svgbench.commands.asking import Asked

REFRESH_SECONDS = 2.0  # on a terminal, and with --json
LINE_SECONDS = 60.0  # elsewhere


def show_running(chosen: Sequence[Asked], budget: str | None, again: bool, as_json: bool) -> None:
    """Print the cells that run; with `again`, until none does.

    Without a budget, all budgets are looked at. On a terminal, the lines are drawn in place.
    """
    from svgbench.lab.curves import can_show_blocks
    from svgbench.terminal import notice, out, out_json, width
    from svgbench.watching import Watch, sentences

    watch = Watch(chosen if budget is not None else _every_budget(chosen))
    plain = not can_show_blocks(sys.stdout.encoding)
    if again and not as_json and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown"):
        return _draw(watch, plain)
    while True:
        rows = watch.rows()
        if as_json:
            _out_line(rows) if again else out_json(rows)
        elif rows:
            out("\n".join(sentences(rows, width(), plain)))
        if not rows and not as_json:
            notice("nothing runs")
        if not rows or not again:
            return
        sys.stdout.flush()
        time.sleep(REFRESH_SECONDS if as_json else LINE_SECONDS)


def _out_line(rows: Sequence[dict[str, Any]]) -> None:
    """All rows as JSON in one line, so that a reader of a pipe has a look in each line."""
    from svgbench import strict_json
    from svgbench.terminal import out

    out(strict_json.dumps(strict_json.nulled(rows)))


def _draw(watch: Any, plain: bool) -> None:
    """Draw the lines in place. Only what changes is sent to the terminal, in one write a look."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from svgbench.terminal import notice, width
    from svgbench.watching import sentences

    with Live(console=Console(), auto_refresh=False, transient=False) as live:
        while rows := watch.rows():
            lines = sentences(rows, width(), plain)
            live.update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)
            time.sleep(REFRESH_SECONDS)
    notice("nothing runs")


def _every_budget(chosen: Sequence[Asked]) -> list[Asked]:
    """Each study with its selection at each of its budgets."""
    from dataclasses import replace

    return [
        (study, replace(selection, budget=budget.name))
        for study, selection in chosen
        for budget in study.experiment.budgets
    ]
