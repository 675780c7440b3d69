"""Commands on trained policies: policy, video."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer

from svgbench.commands.asking import asked
from svgbench.commands.options import (
    BudgetOption,
    Exp,
    JobsOption,
    JsonOption,
    ResultsOption,
    SeedsOption,
    SetOption,
    TasksOption,
    VariantsOption,
    YesOption,
    studies_of,
)
from svgbench.words.errors import FAILED, OK


def policy(
    experiment: Exp,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Run again what has no policy; keep those whose rows are the result's.")
    ] = False,
    jobs: JobsOption = None,
    results: ResultsOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say which runs have a trained policy, and where it lies. `svgbench.policy(...)` loads one in Python."""
    from svgbench import policies
    from svgbench.terminal import out_json, out_lines

    chosen = asked(studies_of(experiment, results), budget, seeds, tasks, variants, override)
    status = OK
    if rerun:
        for study, selection in chosen:
            status = max(status, _rerun(study, selection, jobs, yes))
    found = [(study, policies.runs(study, selection)) for study, selection in chosen]
    if as_json:
        out_json([_flat(study, run) for study, own in found for run in own])
    else:
        for study, own in found:
            _print(study, own)
        if len(every := [run for _, own in found for run in own]) == 1 and every[0].status == "kept":
            out_lines([f"{every[0].path}"])
    raise typer.Exit(status)


def _rerun(study: Any, selection: Any, jobs: int | None, yes: bool) -> int:
    """Run what has no policy again and take the policies over; the exit status."""
    from svgbench import policies
    from svgbench.commands.running import run_plan, worst
    from svgbench.lab.runner import RunOptions
    from svgbench.terminal import notice

    again, statuses = policies.reruns_of(study), [OK]
    for own in policies.rerun_selections(study, selection, policies.runs(study, selection)):
        made = again.plan(own, thorough=True)
        statuses.append(run_plan(again, made, RunOptions(again.jobs(made, jobs)), yes, notice))
        ended = policies.take_over(study, own)
        for note in dict.fromkeys(run.note for run in ended if run.status != "kept"):
            notice(f"{own.tasks[0]} {own.variants[0]}: {note}")
        if any(run.status == "other rows" for run in ended):
            statuses.append(FAILED)
    return worst(statuses)


def _flat(study: Any, run: Any) -> dict[str, Any]:
    kept = run.status == "kept"
    return {
        "experiment": study.experiment.id,
        "budget": run.cell.budget,
        "task": run.cell.task.id,
        "variant": run.cell.variant.id,
        "seed": run.seed,
        "status": run.status,
        "bytes": run.path.stat().st_size if kept else None,
        "file": str(run.path) if kept else None,
        "note": run.note,
    }


def _print(study: Any, found: Any) -> None:
    """One row for each cell that has results, then why policies are missing."""
    from svgbench.terminal import out_lines, out_rows, size

    by_cell: dict[Any, list[Any]] = {}
    for run in found:
        if run.status != "missing":
            by_cell.setdefault(run.cell, []).append(run)
    shown = []
    for cell, own in by_cell.items():
        kept = [run.path.stat().st_size for run in own if run.status == "kept"]
        counted = {"policies": f"{len(kept)}/{len(own)}", "size": size(sum(kept)) if kept else ""}
        shown.append({"task": cell.task.id, "variant": cell.variant.id, **counted})
    if shown:
        columns = {"task": "task", "variant": "variant", "policies": "policies", "size": "size"}
        out_rows(shown, False, f"{study.experiment.id}, budget {found[0].cell.budget}", columns)
    without = Counter(run.note for run in found if run.status != "kept")
    out_lines(f"{study.experiment.id}: {count} runs without: {note}" for note, count in without.items())
