"""`svgbench diff A B`: did a release, a machine or a change move any result?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from svgbench.analysis.contrasts import difference_verdicts
from svgbench.analysis.frames import read_cell
from svgbench.analysis.judgement import Verdict
from svgbench.analysis.measures import CellData
from svgbench.analysis.tables import Grid, render
from svgbench.analysis.verdict_text import estimate, tally
from svgbench.lab.experiment import BUDGETS, Experiment
from svgbench.lab.store import Store, read_meta


def diff_folders(
    a: Path, b: Path, experiments: Iterable[Experiment], budgets: Sequence[str] = BUDGETS
) -> list[Verdict]:
    """B against A: every cell that either has, measure by measure, at every one of `budgets`.

    Cells are read as their JSON describes them, whatever is declared now. DamagedError for a damaged one.
    """
    verdicts = []
    for experiment in experiments:
        for budget in budgets:
            cells_a, cells_b = (_cells(Store(root), experiment, budget) for root in (a, b))
            if cells_a or cells_b:
                verdicts += difference_verdicts(cells_a, cells_b, experiment, budget)
    return verdicts


def _cells(store: Store, experiment: Experiment, budget: str) -> dict[tuple[str, str], CellData]:
    found = {}
    for path in sorted(store.folder(experiment.id, budget).glob("*.json")):
        meta = read_meta(path)
        if meta is not None:
            found[(meta["task"], meta["variant"])] = read_cell(path, meta)
    return found


def diff_lines(verdicts: Sequence[Verdict], width: int, every: bool) -> list[str]:
    """A row per cell and measure that is not identical (or all of them), and a tally.

    An experiment that one folder lacks, at a budget, is one line (unless all are asked for).
    """
    if not verdicts:
        return ["neither folder has results of what was named"]
    lines: list[str] = []
    lacking: list[str] = []
    compared: dict[str, list[Verdict]] = {}
    for v in verdicts:
        compared.setdefault(f"{v.id.split(':')[0]}, budget {v.budget}", []).append(v)
    for place, own in compared.items():
        words = {v.verdict for v in own}
        if not every and words in ({"ONLY_IN_A"}, {"ONLY_IN_B"}):
            lacking.append(f"{place}: {len({(v.task, v.variant) for v in own})} cells, {words.pop()}")
            continue
        shown = [v for v in own if every or v.verdict != "IDENTICAL"]
        for task in dict.fromkeys(v.task for v in shown):
            rows = tuple((f"{v.variant}: {v.setting}", (v.verdict, *estimate(v))) for v in shown if v.task == task)
            title = f"{place}, {task}"
            grid = Grid(title=title, corner="", columns=("B against A", "B - A", "95 % interval"), rows=rows, notes=())
            lines += [*render(grid, "text", width).splitlines(), ""]
    return [*lines, *lacking, f"{len(verdicts)} comparisons: {tally(verdicts)}"]
