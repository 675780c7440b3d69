"""Commands on trained policies: policy, video."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
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
    parse_count,
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


def _count(option: str, least: int, most: int, text: str) -> Any:
    """An option for a whole number within bounds."""
    return typer.Option(
        option, parser=lambda value: parse_count(option, str(value), least, most), metavar="INTEGER", help=text
    )


def video(
    experiment: Exp,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="The file, .mp4 or .gif. [default: in figures/]")
    ] = None,
    frames: Annotated[int, _count("--frames", 1, 100_000, "Pictures at most, of about 0.1 s of a core each.")] = 100,
    every: Annotated[
        int | None, _count("--every", 1, 100_000, "Control steps between pictures. [default: the simulation's speed]")
    ] = None,
    fps: Annotated[int, _count("--fps", 1, 100, "Pictures a second.")] = 25,
    width: Annotated[int, _count("--width", 32, 4096, "Pixels.")] = 480,
    height: Annotated[int, _count("--height", 32, 4096, "Pixels.")] = 360,
    episode: Annotated[int, _count("--episode", 0, 10**9, "Which start.")] = 0,
    results: ResultsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Film the trained policy of one run in its own task. --tasks, --variants and --seeds 3-3 choose the run."""
    from svgbench import policies
    from svgbench.terminal import out_json, out_lines, size
    from svgbench.video import Clip, film, suffix_of

    suffix = suffix_of(output)
    chosen = asked(studies_of(experiment, results), budget, seeds, tasks, variants, override)
    run = policies.one_run([run for study, selection in chosen for run in policies.runs(study, selection)])
    name = f"{run.cell.experiment.replace('/', '-')}-{run.cell.name}-seed-{run.seed}"
    path = output or Path("figures") / f"{name}{suffix}"
    done = film(policies.open_policy(run), path, Clip(frames, every, fps, width, height, episode))
    if as_json:
        about = {"experiment": run.cell.experiment, "task": run.cell.task.id, "variant": run.cell.variant.id}
        return out_json([{**about, "seed": run.seed, **asdict(done), "path": str(done.path)}])
    out_lines([f"{done.path} ({size(done.path.stat().st_size)})", _story(run, done)])


def _story(run: Any, done: Any) -> str:
    """What was filmed, in a sentence."""
    far = "the whole episode" if done.ended else "not yet at the episode's end"
    return (
        f"{run.cell.task.id} {run.cell.variant.id} seed {run.seed}: return {done.episode_return:.4g} in {done.steps} "
        f"steps, {far}; {done.frames} pictures, one every {done.every} steps, drawn by {done.backend} in "
        f"{done.seconds:.0f} s of a core"
    )


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
