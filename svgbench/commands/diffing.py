"""Two results folders against each other: diff."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from svgbench.commands import completion
from svgbench.commands.options import (
    BudgetOption,
    JsonOption,
    SeedsOption,
    TasksOption,
    VariantsOption,
    judge_to_the_end,
    words_of,
)
from svgbench.words.errors import INCOMPLETE, WORSE, UsageError, unknown
from svgbench.words.experiment import BUDGETS, Experiment

if TYPE_CHECKING:
    from svgbench.analysis.judge.difference import CellDifference
    from svgbench.lab.stored import Key, StoredCell


def diff(
    results_a: Annotated[Path, typer.Argument(metavar="RESULTS_A", help="The reference results folder.")],
    results_b: Annotated[Path, typer.Argument(metavar="RESULTS_B", help="The results folder to judge.")],
    experiment: Annotated[
        str | None,
        typer.Option(
            "--experiment",
            autocompletion=completion.experiments,
            help="Only this experiment or work, such as maac/fig3.",
        ),
    ] = None,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact", callback=judge_to_the_end, help="Exit with 3 if any bit differs, with 4 if B lacks what A has."
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            callback=judge_to_the_end,
            help="Exit with 3 if a measure of B is shown to be worse or a seed diverged in B only, with 4 if B lacks "
            "what A has. Other differences are printed but do not fail; --exact fails on them.",
        ),
    ] = False,
    replica: Annotated[
        str | None,
        typer.Option(metavar="PLATFORM", help="Of B, the replicas on this platform; the first letters are enough."),
    ] = None,
    curves: Annotated[
        bool,
        typer.Option(
            "--curves", help="Where a measure reads the last row of a curve, compare the mean of all rows too."
        ),
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Every cell, seed and measure.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Did a release or a change move any result? Compares B with A: first the bits, then within rounding, then by
    statistics paired by seed. Also prints recorded fields that differ."""
    from svgbench.terminal import notice, out, out_json, width

    for folder in (results_a, results_b):
        if not folder.is_dir():
            raise UsageError(f"no results folder '{folder}'; expected a folder that `svgbench run --results` wrote")
    if budget is not None and budget not in BUDGETS:
        raise unknown("budget", budget, BUDGETS)
    declared = _declared(experiment)
    from svgbench import reproduce
    from svgbench.lab.stored import folder_around, stored_cells

    for folder in (results_a, results_b):
        if (whole := folder_around(folder)) is not None:
            raise UsageError(f"'{folder}' is a part of the results folder '{whole}'; did you mean '{whole}'?")

    makes = reproduce.factories()
    asked_of = None if experiment is None else declared
    key = "" if replica is None else _key(results_b, replica, asked_of, budget)
    a, b = (
        stored_cells(folder, (budget,) if budget else BUDGETS, makes, own)
        for folder, own in ((results_a, ""), (results_b, key))
    )
    if key:
        a = {cell: found for cell, found in a.items() if cell in b}
    asked = [key for key in dict.fromkeys([*a, *b]) if experiment is None or key[0] in declared]
    asked = _narrowed("task", 2, asked, words_of("--tasks", tasks), [t.id for e in declared.values() for t in e.tasks])
    asked = _narrowed(
        "variant", 3, asked, words_of("--variants", variants), [v.id for e in declared.values() for v in e.variants]
    )
    a, b = (_only(cells, seeds, declared) for cells in (a, b))

    from svgbench.analysis.judge.difference import differences
    from svgbench.analysis.show.difference_text import difference_lines

    found = differences(a, b, asked, {id: _with_curves(e) for id, e in declared.items()} if curves else declared)
    if as_json:
        out_json([row for cell in found for row in cell.rows()])
    else:
        out("\n".join(difference_lines(found, width(), verbose)))
    status, why = _status(found, exact, strict)
    if status:
        notice(f"exit status {status}: {why}")
        raise typer.Exit(status)


def _key(folder: Path, begins: str, experiments: Collection[str] | None, budget: str | None) -> str:
    """The key of the only platform that begins so and has replicas of these experiments (all by default) at the budget.
    UsageError if there is none, or several."""
    from svgbench.lab.stored import replicas_in

    keys = replicas_in(folder, experiments, (budget,) if budget else BUDGETS)
    fits = [key for key in keys if key == begins] or [key for key in keys if key.startswith(begins)]
    if len(fits) == 1:
        return fits[0]
    if len(fits) > 1:
        raise UsageError(f"--replica {begins} means several platforms: {', '.join(fits)}")
    raise unknown("replica", begins, keys)


def _declared(name: str | None) -> dict[str, Experiment]:
    """The experiments that a name means (all by default), as the ids under which their runs are stored."""
    from svgbench.commands.options import studies_of

    found = [study.experiment for study in studies_of(name, None)]
    drawing = {e.draws_from: e for e in found if e.draws_from is not None}
    return drawing | {e.id: e for e in found if e.draws_from is None}


def _with_curves(experiment: Experiment) -> Experiment:
    """The experiment with the mean over all rows of each measure that reads a curve's last row."""
    means = [mean for measure in experiment.measures if (mean := measure.over_the_curve())]
    known = [replace(measure, label="") for measure in experiment.measures]
    new = [mean for mean in means if replace(mean, label="") not in known]
    return replace(experiment, measures=(*experiment.measures, *new))


def _narrowed(kind: str, place: int, keys: list[Key], names: tuple[str, ...], declared: list[str]) -> list[Key]:
    """The keys that have one of these names in this position. UsageError for a name neither stored nor declared."""
    known = list(dict.fromkeys([*(key[place] for key in keys), *declared]))
    for name in names:
        if name not in known:
            raise unknown(kind, name, known)
    return [key for key in keys if not names or key[place] in names]


def _only(
    cells: Mapping[Key, StoredCell], seeds: str | None, declared: Mapping[str, Experiment]
) -> dict[Key, StoredCell]:
    """The cells, reduced to the requested seeds."""
    from svgbench.lab.cells import parse_seeds

    if seeds is None:
        return dict(cells)
    asked = parse_seeds(seeds)

    def kept(key: Key, cell: StoredCell) -> StoredCell:
        experiment = declared.get(key[0])
        named: Collection[int] = asked if isinstance(asked, tuple) else range(asked)
        if isinstance(asked, int) and experiment is not None:
            named = experiment.counted(asked)
        return replace(cell, seeds=tuple(seed for seed in cell.seeds if seed in named))

    return {key: kept(key, cell) for key, cell in cells.items()}


def _status(cells: list[CellDifference], exact: bool, strict: bool) -> tuple[int, str]:
    """The exit status under `--exact` or `--strict`, and the reason."""
    differing = sum(cell.differs for cell in cells)
    worse = sum(len(cell.worse) for cell in cells)
    if exact and differing:
        return WORSE, f"--exact; cells that differ: {differing}"
    lost = sum(len(cell.lost) for cell in cells)
    if strict and (worse or lost):
        diverged = f"; seeds that are done in A and diverged in B: {lost}" if lost else ""
        return WORSE, f"--strict; measures that are worse: {worse}{diverged}"
    if exact or strict:
        lacking = sum(
            cell.seen in ("only in A", "other seeds")
            or bool(cell.only_a)
            or any(v.verdict == "ONLY_IN_A" for v in cell.verdicts)
            for cell in cells
        )
        if lacking:
            return INCOMPLETE, f"cells of A that B lacks, or has with fewer seeds or measures: {lacking}"
        if not any(cell.both for cell in cells):
            return INCOMPLETE, "nothing was compared"
    return 0, ""
