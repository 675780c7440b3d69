"""What a person sees while blocks run: bars on a terminal, occasional lines elsewhere."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TextIO

from svgbench import strict_json
from svgbench.lab.calibration import Cost, kind
from svgbench.lab.cells import Block, Cell
from svgbench.lab.curves import Curve, can_show_blocks, mean, sparkline
from svgbench.lab.eta import Forecast, duration
from svgbench.lab.files import FileMark, file_mark
from svgbench.lab.rows import NAME, WRITE_SECONDS
from svgbench.lab.slots import width
from svgbench.lab.store import Store
from svgbench.lab.supervisor import Event
from svgbench.words.errors import DamagedError

FORECAST_BLOCKS = 1000  # the blocks that wait, for each second between two forecasts
LINE_SECONDS = 60.0  # the least time between two plain lines, unless a block ends


class Reporter(Protocol):
    """Listens to a supervisor, between `__enter__` and `__exit__`."""

    def __enter__(self) -> Callable[[Event, Block, str], None]: ...
    def __exit__(self, *error: object) -> None: ...


@dataclass(frozen=True)
class Expected:
    """What is known about a run before it starts: how many blocks run at once, the column to show, the cost of each
    kind, and the store that will hold a finished block's rows."""

    slots: int = 1
    column: str = ""
    costs: Mapping[str, Cost] = field(default_factory=dict)
    store: Store | None = None


def reporter(blocks: Sequence[Block], expected: Expected, stream: TextIO | None = None) -> Reporter:
    """The reporter for `stream` (standard error): bars if it is a terminal, otherwise lines."""
    stream = stream or sys.stderr
    watched = Watched(blocks, expected)
    plain = not stream.isatty() or os.environ.get("TERM", "") in ("", "dumb", "unknown")
    return Lines(watched, stream) if plain else Bars(watched)


def title(block: Block) -> str:
    """A block in a few words."""
    seeds = block.wanted
    shown = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}-{seeds[-1]}"
    return f"{block.cell.task.id} {block.cell.variant.id} {shown}"


@dataclass(frozen=True)
class ProgressReport:
    """A block's progress file. `last` has the seeds' mean of the last value of each column with numbers."""

    done: int = 0
    total: int = 0
    diverged: int = 0
    outlook: float = 1.0
    last: Mapping[str, float] = field(default_factory=dict)


def parse_report(text: str) -> ProgressReport:
    """Read the file; while it does not exist, nothing is done."""
    try:
        report = strict_json.loads(text)
        keys = ("done", "total", "diverged", "outlook", "last")
        return ProgressReport(**{key: report[key] for key in keys if key in report})
    except (ValueError, TypeError):
        return ProgressReport()


class LastNumbers:
    """The last number of a column, by cell and seed. A cell's rows are read again only if its CSV has changed."""

    def __init__(self, store: Store, column: str) -> None:
        self.store, self.column = store, column
        self.rows: tuple[Cell | None, FileMark, Mapping[int, bytes]] = (None, None, {})  # of the cell asked for last

    def of(self, block: Block) -> dict[str, float]:
        """The mean over a finished block's wanted seeds, by the column's name. Empty if there are no numbers.

        It is read from the store, because a block's last progress files may be gone already.
        """
        cell = block.cell
        if self.column not in cell.columns:
            return {}
        mark = file_mark(self.store.csv_path(cell))
        try:
            if self.rows[:2] != (cell, mark):
                self.rows = cell, mark, self.store.rows_by_seed(cell)
            place = 2 + cell.columns.index(self.column)
            numbers = [_last_number(self.rows[2].get(seed, b""), place) for seed in block.wanted]
        except (OSError, DamagedError, ValueError, IndexError):  # no numbers there; or files that others changed
            return {}
        found = [number for number in numbers if number is not None]
        return {self.column: mean(found)} if found else {}


def _last_number(lines: bytes, place: int) -> float | None:
    """The last finite number in that column."""
    for line in reversed(lines.splitlines()):
        if math.isfinite(value := float(line.split(b",")[place])):
            return value
    return None


class Watched:
    """The state of the blocks, in words."""

    def __init__(self, blocks: Sequence[Block], expected: Expected) -> None:
        self.store, self.column, self.total, self.ended = expected.store, expected.column, len(blocks), 0
        prior = {name: cost.seconds + cost.start_seconds for name, cost in expected.costs.items() if not cost.error}
        kinds = {block: kind(block.cell) for block in blocks}
        self.forecast = Forecast(kinds, expected.slots, prior, lambda block: width(expected.slots, block.cell.threads))
        self.reports: dict[Block, ProgressReport] = {}
        self.curves: dict[Block, Curve] = {}
        self.read: dict[Block, float] = {}  # when its rows were read last
        self.numbers = None if expected.store is None else LastNumbers(expected.store, expected.column)
        self.whole: tuple[float, float | None] = (-math.inf, None)  # when it was computed, and the remaining seconds

    def hear(self, event: Event, block: Block, text: str, now: float) -> None:
        if event in ("started", "retry"):
            self.forecast.started(block, now)
        elif event == "progress":
            report = self.reports[block] = parse_report(text)
            self.forecast.progressed(block, now, report.done, report.total, report.outlook)
        elif event in ("finished", "failed"):
            self.ended += 1
            self.curves.pop(block, None)
            self.forecast.ended(block, now, event == "finished")
            self.read.pop(block, None)
            if event == "finished" and self.numbers is not None:
                last = self.numbers.of(block)
                self.reports[block] = replace(self.reports.get(block, ProgressReport()), last=last)
        elif event in ("waiting", "stopped"):
            self.forecast.postponed(block)

    def running(self) -> Iterable[Block]:
        return self.forecast.running

    def share(self, block: Block) -> float:
        """How much of the block is done, from 0 to 1."""
        report = self.reports.get(block, ProgressReport())
        return report.done / max(report.total, 1)

    def value(self, block: Block) -> str:
        """The last value of the experiment's main column."""
        last = self.reports.get(block, ProgressReport()).last
        return f"{self.column} {last[self.column]:.4g}" if self.column in last else ""

    def curve(self, block: Block, now: float, width: int, plain: bool = False) -> str:
        """The main column's mean over the block's seeds so far, as a line of characters; empty without rows."""
        if self.store is None or self.column not in block.cell.columns:
            return ""
        curve = self.curves.setdefault(block, Curve(block.cell.columns, self.column))
        if now - self.read.get(block, -WRITE_SECONDS) >= WRITE_SECONDS:
            self.read[block] = now
            curve.read(self.store.block_work(block) / NAME)
        return sparkline([value for _, value in curve.points()], width, plain)

    def words(self, block: Block) -> str:
        """Everything about a block in one line: "hopper sac seeds 0-4: 45 %, eval_return 312.4, 1 diverged"."""
        diverged = self.reports.get(block, ProgressReport()).diverged
        parts = [f"{100 * self.share(block):.0f} %", self.value(block), f"{diverged} diverged" if diverged else ""]
        return f"{title(block)}: {', '.join(filter(None, parts))}"

    def left(self, now: float, block: Block | None = None) -> str:
        """The remaining time of a running block, or of all; empty if unknown."""
        seconds = self._whole(now) if block is None else self.forecast.of(block, now)
        return "" if seconds is None else f"{duration(seconds)} left"

    def _whole(self, now: float) -> float | None:
        """The remaining time of all; for many blocks it is computed rarely, and counted down between."""
        at, seconds = self.whole
        if now - at >= len(self.forecast.waiting) / FORECAST_BLOCKS:
            self.whole = at, seconds = now, self.forecast.whole(now)
        return None if seconds is None else max(seconds - (now - at), 0.0)


class Lines:
    """A line when a block ends or has a problem, and one per minute about the running blocks."""

    def __init__(self, watched: Watched, stream: TextIO) -> None:
        self.watched, self.stream = watched, stream
        self.spoke = time.monotonic()

    def __enter__(self) -> Callable[[Event, Block, str], None]:
        return self.hear

    def __exit__(self, *error: object) -> None:
        self.stream.flush()

    def hear(self, event: Event, block: Block, text: str, now: float | None = None) -> None:
        now = time.monotonic() if now is None else now
        self.watched.hear(event, block, text, now)
        if event == "started" or (event == "progress" and now - self.spoke < LINE_SECONDS):
            return
        if event == "progress":
            said = "; ".join(map(self.watched.words, self.watched.running()))
        else:
            detail = text or (self.watched.value(block) if event == "finished" else "")
            said = f"{event} {title(block)}{': ' + detail if detail else ''}"
        left = self.watched.left(now) if self.watched.ended < self.watched.total else ""
        self.spoke = now
        self.stream.write(f"[{self.watched.ended}/{self.watched.total}] {said}{'; ' + left if left else ''}\n")
        self.stream.flush()


class Bars:
    """One bar for the whole run and one for each running block."""

    def __init__(self, watched: Watched, console: Any = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        self.watched, self.told = watched, 0.0

        def text(template: str, ratio: int | None = None) -> TextColumn:
            column = Column(no_wrap=True, overflow="ellipsis", ratio=ratio)
            return TextColumn(template, markup=False, table_column=column)

        console = console or Console(stderr=True)
        self.curve_width = max(console.width // 8, 4)
        self.plain = not can_show_blocks(console.encoding)
        bar = BarColumn(bar_width=None, table_column=Column(ratio=2))
        fields = [text(f"{{task.fields[{name}]}}") for name in ("curve", "value", "left")]
        columns = [text("{task.description}", 5), bar, *fields]
        self.progress = Progress(*columns, console=console, transient=True, expand=True)
        self.bars: dict[Block, Any] = {}

    def __enter__(self) -> Callable[[Event, Block, str], None]:
        self.progress.start()
        self.whole = self.progress.add_task("blocks", total=self.watched.total, curve="", value="", left="")
        return self.hear

    def __exit__(self, *error: object) -> None:
        self.progress.stop()

    def hear(self, event: Event, block: Block, text: str, now: float | None = None) -> None:
        now = time.monotonic() if now is None else now
        self.watched.hear(event, block, text, now)
        if event in ("failed", "retry", "waiting"):
            self.progress.console.print(f"{event} {title(block)} {text}".rstrip(), markup=False, highlight=False)
        if event != "progress" or now - self.told > 0.2:
            self.told = now
            self._show(now)

    def _show(self, now: float) -> None:
        running = list(self.watched.running())
        for block in [block for block in self.bars if block not in running]:
            self.progress.remove_task(self.bars.pop(block))
        for block in running:
            if block not in self.bars:
                self.bars[block] = self.progress.add_task(title(block), total=1.0, curve="", value="", left="")
            value, left = self.watched.value(block), self.watched.left(now, block)
            curve, done = self.watched.curve(block, now, self.curve_width, self.plain), self.watched.share(block)
            self.progress.update(self.bars[block], completed=done, curve=curve, value=value, left=left)
        ended, total = self.watched.ended, self.watched.total
        left = self.watched.left(now) if ended < total else ""
        self.progress.update(self.whole, completed=ended, value=f"{ended} of {total}", left=left)
