"""What a reader of a number must know of the seeds behind it: those that end before the others, which mixes policies of
different age; a cell that does not end where its budget does; seeds of an import that were not requested; seeds that
moved to another platform on their way."""

from __future__ import annotations

from collections.abc import Iterable

from svgbench.analysis.read.measures import CellData, read_sample, rows_behind
from svgbench.analysis.read.naming import name_seeds
from svgbench.words.claims import Measure
from svgbench.words.experiment import Experiment

MOST_ENDS = 4  # most different caveats that are listed one by one


def caveats(experiment: Experiment, budget: str, cell: CellData) -> list[str]:
    """Phrases about one cell: "seed 2 ends at 5000 of 10000", "ends at 10000 environment steps (budget short: 50000)",
    "uses seeds 0-2, leaves out seeds 3-4", "seed 1 continued on another platform". None for a cell that is whole.
    """
    found = [_selected(cell)] if cell.stored_seeds else []
    found += [f"{_ends(cell)} of {cell.last_step}"] if cell.early else []
    declared = experiment.last_step(budget, cell.task, cell.variant)
    if declared is not None and cell.last_step is not None and not _same_end(cell.last_step, declared):
        found.append(f"ends at {cell.last_step} {experiment.step_unit} (budget {budget}: {declared})")
    if moved := set(cell.mixed) & set(cell.seeds):
        found.append(f"{name_seeds(moved)} continued on another platform")
    return found


def _selected(cell: CellData) -> str:
    """Which stored seeds are used, and which requested seeds do not exist."""
    used, asked = set(cell.seeds), set(cell.seeds_asked)
    left, lacking = set(cell.stored_seeds) - used, asked - used
    words = [f"uses {name_seeds(used)}" if used else "uses no seed"]
    words += [f"leaves out {name_seeds(left)}"] if left else []
    return ", ".join(words + ([f"has no {name_seeds(lacking)}"] if lacking else []))


def _ends(cell: CellData) -> str:
    by_step: dict[tuple[int, bool], list[int]] = {}
    for seed, step in cell.early.items():
        by_step.setdefault((step, seed in cell.diverged), []).append(seed)
    if len(by_step) > MOST_ENDS:
        steps = [step for step, _ in by_step]
        return f"{len(cell.early)} of {len(cell.seeds)} seeds end at {min(steps)} to {max(steps)}"
    return ", ".join(
        f"{name_seeds(seeds)} end{'s' * (len(seeds) == 1)} at {step}{' (diverged)' * diverged}"
        for (step, diverged), seeds in by_step.items()
    )


def absences(cell: CellData, measure: Measure) -> list[str]:
    """Phrases about the seeds that lack rows of a measure: those without any are not in its mean, though others are;
    of those with too few, in measurements of another program, the mean is one of fewer rows."""
    averaged = cell.foreign and measure.reduce == "mean_of_last"
    if not len(cell.frame) or not (measure.where or averaged):
        return []
    sample = read_sample(cell, measure)
    found = [f"{name_seeds(sample.absent)} without a row of {measure.label}"] if sample.absent and sample.n else []
    if averaged and sample.n:
        counts = rows_behind(cell.frame, measure)
        few = [int(seed) for seed in counts.index[counts < measure.k]]
        found += [f"{name_seeds(few)} with fewer than the {measure.k} rows of {measure.label}"] if few else []
    return found


def caveat_notes(experiment: Experiment, budget: str, cells: Iterable[CellData]) -> list[str]:
    """The caveats of an experiment's cells as notes, each once with all its tasks."""
    labels = {task.id: task.label for task in experiment.tasks}
    where: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        absent = [text for measure in experiment.measures for text in absences(cell, measure)]
        for text in [*caveats(experiment, budget, cell), *absent]:
            where.setdefault((cell.variant, text), []).append(labels.get(cell.task, cell.task))
    return [f"{variant} on {', '.join(tasks)}: {text}" for (variant, text), tasks in where.items()]


def _same_end(last: int, declared: int) -> bool:
    """Whether two steps are the same end, counted from 0 or from 1."""
    return last in (declared, declared - 1)
