"""What a person sees while blocks run: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TextIO

from svgbench import strict_json
from svgbench.lab.cells import Block
from svgbench.lab.supervisor import Event

PLAIN_SECONDS = 15.0  # between two plain lines about the same block


class Reporter(Protocol):
    """Listens to a supervisor, between `__enter__` and `__exit__`."""

    def __enter__(self) -> Callable[[Event, Block, str], None]: ...
    def __exit__(self, *error: object) -> None: ...


def reporter(blocks: Sequence[Block], stream: TextIO | None = None) -> Reporter:
    """The reporter that fits where `stream` (standard error) goes."""
    stream = stream or sys.stderr
    return Bars(blocks) if stream.isatty() else Lines(blocks, stream)


def title(block: Block) -> str:
    """A block in a few words."""
    seeds = block.wanted
    shown = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}-{seeds[-1]}"
    return f"{block.cell.task.id} {block.cell.variant.id} {shown}"


def parse_report(text: str) -> tuple[int, int, int]:
    """done, total, diverged seeds of a block's progress file; zeros while there is none."""
    try:
        report = strict_json.loads(text)
    except ValueError:
        return 0, 0, 0
    return report["done"], report["total"], report["diverged"]


class Lines:
    """One line per event, and a sparse line of progress per block."""

    def __init__(self, blocks: Sequence[Block], stream: TextIO) -> None:
        self.total, self.stream, self.ended = len(blocks), stream, 0
        self.spoke: dict[Block, float] = {}

    def __enter__(self) -> Callable[[Event, Block, str], None]:
        return self.hear

    def __exit__(self, *error: object) -> None:
        self.stream.flush()

    def hear(self, event: Event, block: Block, text: str) -> None:
        now = time.monotonic()
        if event == "progress":
            if now - self.spoke.get(block, now) < PLAIN_SECONDS:
                self.spoke.setdefault(block, now)
                return
            done, total, diverged = parse_report(text)
            text = f"{100 * done / max(total, 1):.0f} %" + (f", {diverged} diverged" if diverged else "")
        if event in ("finished", "failed"):
            self.ended += 1
        self.spoke[block] = now
        self.stream.write(f"[{self.ended}/{self.total}] {event:9}{title(block)}{': ' + text if text else ''}\n")
        self.stream.flush()


class Bars:
    """One bar for the whole and one per running block."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns: list[Any] = [TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn()]
        self.progress = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
        self.total = len(blocks)
        self.tasks: dict[Block, Any] = {}

    def __enter__(self) -> Callable[[Event, Block, str], None]:
        self.progress.start()
        self.whole = self.progress.add_task("blocks", total=self.total)
        return self.hear

    def __exit__(self, *error: object) -> None:
        self.progress.stop()

    def hear(self, event: Event, block: Block, text: str) -> None:
        if event == "started":
            self.tasks[block] = self.progress.add_task(title(block)[:44], total=None)
        elif event == "progress" and block in self.tasks:
            done, total, _ = parse_report(text)
            self.progress.update(self.tasks[block], completed=done, total=total or None)
        elif event in ("finished", "failed", "stopped"):
            if block in self.tasks:
                self.progress.remove_task(self.tasks.pop(block))
            if event != "stopped":
                self.progress.advance(self.whole)
        if event in ("failed", "retry", "waiting"):
            self.progress.console.print(f"{event} {title(block)} {text}", markup=False, highlight=False)
