"""Commands on trained policies: policy, video."""

from __future__ import annotations

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
    """One row a cell."""
    from svgbench.terminal import out_rows, size

    rows: dict[Any, dict[str, Any]] = {}
    for run in found:
        empty = {"task": run.cell.task.id, "variant": run.cell.variant.id, "runs": 0, "kept": 0, "bytes": 0, "why": []}
        row = rows.setdefault(run.cell, empty)
        row["runs"] += 1
        if run.status == "kept":
            row["kept"] += 1
            row["bytes"] += run.path.stat().st_size
        elif run.note not in row["why"]:
            row["why"].append(run.note)
    shown = [
        {
            "task": row["task"],
            "variant": row["variant"],
            "policies": f"{row['kept']}/{row['runs']}",
            "size": size(row["bytes"]) if row["kept"] else "",
            "why": "; ".join(row["why"]),
        }
        for row in rows.values()
    ]
    columns = {"task": "task", "variant": "variant", "policies": "policies", "size": "size", "why": "without"}
    out_rows(shown, False, f"{study.experiment.id}, budget {found[0].cell.budget}", columns)
