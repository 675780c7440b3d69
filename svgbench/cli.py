"""The command line: parse, call, print. `svgbench --help` and every usage error stay quick: nothing slow is imported
before a command needs it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

import svgbench
from svgbench.lab.errors import (
    BUSY,
    FAILED,
    INCOMPLETE,
    OK,
    USAGE,
    WORSE,
    BusyError,
    DamagedError,
    UsageError,
    unknown,
)

EPILOG = (
    "Exit status: 0 all that was asked for is done; 1 a run failed; 2 usage; 3 a verdict is WORSE or a claim REFUTED "
    "under --strict; 4 incomplete; 75 results busy; 130, 143 interrupted."
)
ASK_SECONDS = 3600.0

app = typer.Typer(
    name="svgbench",
    help="Rerun published experiments on policy optimisation, and say with statistics what holds.",
    epilog=EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Exp = Annotated[str, typer.Argument(metavar="EXP", help="An experiment, such as maac/fig3, or fig3 for every one.")]
MaybeExp = Annotated[str | None, typer.Argument(metavar="[EXP]", help="An experiment; all of them if left out.")]
BudgetOption = Annotated[str | None, typer.Option("--budget", help="paper, short or smoke.")]
SeedsOption = Annotated[str | None, typer.Option("--seeds", help="A count (10), a range (3-5) or a list (0,4,7).")]
TasksOption = Annotated[list[str] | None, typer.Option("--tasks", help="Only these tasks, comma-separated.")]
VariantsOption = Annotated[list[str] | None, typer.Option("--variants", help="Only these variants, comma-separated.")]
SetOption = Annotated[list[str] | None, typer.Option("-o", metavar="KEY=VALUE", help="Change a setting; repeatable.")]
JobsOption = Annotated[int | None, typer.Option("--jobs", min=1, help="Blocks at once; by default one per core.")]
DeviceOption = Annotated[str, typer.Option("--device", help="cpu, cuda or cuda:N.")]
ExecutorOption = Annotated[str, typer.Option("--executor", help="Where blocks run: local.")]
ResultsOption = Annotated[
    Path | None, typer.Option("--results", help="The results folder. [default: $SVGBENCH_RESULTS or ./results]")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a list of flat JSON objects.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Exit with 3 on WORSE or REFUTED, with 4 if incomplete.")]


def _selection(
    budget: str | None,
    seeds: str | None = None,
    tasks: list[str] | None = None,
    variants: list[str] | None = None,
    overrides: list[str] | None = None,
    device: str = "cpu",
) -> Any:
    from svgbench.lab.cells import Selection, parse_seeds

    kind, _, number = device.partition(":")
    if kind not in ("cpu", "cuda") or (number and not (kind == "cuda" and number.isdigit())):
        raise UsageError(f"--device {device}: expected cpu, cuda or cuda:N")
    return Selection(
        budget=budget or "paper",
        seeds=None if seeds is None else parse_seeds(seeds),
        tasks=_words(tasks),
        variants=_words(variants),
        overrides=tuple(overrides or ()),
        device=device,
    )


def _words(values: list[str] | None) -> tuple[str, ...]:
    return tuple(word.strip() for value in values or () for word in value.split(",") if word.strip())


def _studies(name: str | None, results: Path | None, quiet: bool = False) -> list[Any]:
    """The studies that a name means; says which where the name was short."""
    from svgbench import reproduce
    from svgbench.study import Study
    from svgbench.terminal import notice

    found = list(reproduce.experiments().values()) if name is None else reproduce.resolve(name)
    if name is not None and found[0].id != name and not quiet:
        notice(f"{name} means {', '.join(e.id for e in found)}")
    return [Study(experiment, results) for experiment in found]


def _reading(study: Any, budget: str | None, *others: Any) -> Any:
    """The selection of a command that only reads: by default the largest budget that has results."""
    from svgbench.terminal import notice

    selection = _selection(budget or study.reading(None).budget, *others)
    if budget is None and len(study.experiment.budgets) > 1:
        there = "the largest with results" if study.budgets() else "no results yet"
        notice(f"{study.experiment.id}: budget {selection.budget} ({there})")
    return selection


@app.callback(invoke_without_command=True)
def top(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if version:
        from svgbench.lab.platform import release
        from svgbench.terminal import out

        out(f"svgbench {svgbench.__version__} (torch {release('torch')}, mujoco {release('mujoco')})")
    elif context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")


@app.command("list")
def list_(results: ResultsOption = None, as_json: JsonOption = False) -> None:
    """List the experiments and how much of each is done."""
    from svgbench.study import summaries
    from svgbench.terminal import out_rows

    rows = summaries(results)
    shown = [row | {"runs": f"{row['runs_done']}/{row['runs_total']}"} for row in rows]
    columns = {"id": "experiment", "cells": "cells", "budget": "budget", "runs": "runs", "title": "title"}
    out_rows(rows if as_json else shown, as_json, "", columns)


@app.command()
def show(experiment: Exp, as_json: JsonOption = False) -> None:
    """Show what an experiment declares: tasks, variants, budgets, columns, claims, settings."""
    from svgbench.describe import parts_of
    from svgbench.terminal import out_json, out_parts

    studies = _studies(experiment, None)
    if as_json:
        return out_json([{"experiment": s.experiment.id, **row} for s in studies for row in parts_of(s.experiment)])
    for study in studies:
        out_parts(parts_of(study.experiment))


@app.command()
def plan(
    experiment: Exp,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    jobs: JobsOption = None,
    device: DeviceOption = "cpu",
    results: ResultsOption = None,
    calibrate: Annotated[bool, typer.Option(help="Measure what has not been measured on this machine.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Say what a run would do and cost, and what its seeds can show. Starts nothing."""
    from svgbench import describe
    from svgbench.terminal import notice, out, out_json, out_rows

    selection = _selection(budget, seeds, tasks, variants, override, device)
    everything: list[dict[str, Any]] = []
    for study in _studies(experiment, results):
        made = study.plan(selection)
        costs, estimate = study.estimate(made, jobs, calibrate, notice)
        rows = describe.plan_rows(made, costs)
        everything += rows
        if as_json:
            continue
        columns = {"task": "task", "cells": "cells", "runs": "runs", "missing": "missing", "blocks": "blocks"}
        out_rows(describe.by_task(rows), False, "", columns | {"time": "one process"})
        lines = describe.plan_sentences(made, estimate)
        out(
            "\n".join(
                lines + describe.power_sentences(study.experiment, len(made.cells[0].cell.seeds), study.rivals_n())
            )
        )
    if as_json:
        out_json(everything)


@app.command()
def run(
    experiment: Exp,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    jobs: JobsOption = None,
    device: DeviceOption = "cpu",
    executor: ExecutorOption = "local",
    results: ResultsOption = None,
    time_limit: Annotated[str | None, typer.Option("--time-limit", help="Stop at a checkpoint after 90s, 2h.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before more than an hour of work.")] = False,
) -> None:
    """Run what is missing. Safe to kill at any moment; the same command goes on where it stopped."""
    from svgbench.lab.executor import make_executor
    from svgbench.lab.runner import RunOptions
    from svgbench.terminal import parse_duration

    make_executor(executor, 1)  # a wrong word must be refused before anything is written
    limit = None if time_limit is None else parse_duration(time_limit)
    selection = _selection(budget, seeds, tasks, variants, override, device)
    studies = _studies(experiment, results)
    plans = [(study, study.plan(selection, thorough=True)) for study in studies]
    worst = OK
    for study, made in plans:
        options = RunOptions(study.jobs(made, jobs), executor, limit)
        status = _run_one(study, made, options, yes)
        worst = max(worst, status, key=_severity)
        if status == INCOMPLETE or status > 128:  # stopped: the next experiment must not start
            break
    raise typer.Exit(worst)


def _severity(status: int) -> int:
    return [OK, INCOMPLETE, FAILED].index(status) if status in (OK, INCOMPLETE, FAILED) else status


def _run_one(study: Any, made: Any, options: Any, yes: bool) -> int:
    import time

    from svgbench import describe
    from svgbench.terminal import duration, notice, out

    costs, estimate = study.estimate(made, options.jobs, made.selection.budget != "smoke" and bool(made.blocks), notice)
    known = estimate if costs or not made.blocks else None
    out("\n".join(describe.plan_sentences(made, known)))
    if known and known.seconds > ASK_SECONDS and not yes:
        question = f"this takes about {duration(known.seconds)}"
        if not sys.stdin.isatty():
            raise UsageError(f"{question}; say --yes to run it, or --time-limit 1h to run a part of it")
        typer.confirm(f"{question}; run it?", abort=True)
    if not made.blocks:
        return OK
    begun = time.monotonic()
    result = study.run(made, options, costs)
    outcome = result.outcome
    for block, error in outcome.failures:
        notice(f"failed: {block.cell.task.id} {block.cell.variant.id} seeds {block.wanted}: {error}")
    done = sum(len(block.wanted) for block in outcome.finished)
    out(f"{done} of {made.runs_missing} runs done in {duration(time.monotonic() - begun)}")
    if result.exit_status == OK:
        out(f"next: svgbench compare {made.experiment.id} --budget {made.selection.budget}")
    elif not outcome.failures:
        notice("stopped at a checkpoint; the same command goes on from there")
    return int(result.exit_status)


@app.command()
def status(
    experiment: MaybeExp = None,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    device: DeviceOption = "cpu",
    results: ResultsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say of every cell whether it is done, running, partial, failed, diverged, stale, other or missing."""
    from svgbench.terminal import out_rows

    rows: list[dict[str, Any]] = []
    for study in _studies(experiment, results):
        rows += study.status(_reading(study, budget, seeds, tasks, variants, override, device))
    shown = [row | {"seeds": f"{row['seeds_done']}/{row['seeds_total']}"} for row in rows]
    columns = {"task": "task", "variant": "variant", "seeds": "seeds", "status": "status", "note": "note"}
    if len({row["experiment"] for row in rows}) > 1:
        columns = {"experiment": "experiment"} | columns
    if not any(row["note"] for row in rows):
        del columns["note"]
    out_rows(rows if as_json else shown, as_json, "", columns)


@app.command()
def logs(
    experiment: Exp,
    budget: BudgetOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    results: ResultsOption = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Last lines to print of each log.")] = 10,
) -> None:
    """Print the ends of the logs of an experiment's blocks, the newest last."""
    from svgbench.maintenance import logs as find_logs
    from svgbench.terminal import notice, out

    for study in _studies(experiment, results):
        found = find_logs(study.store, study.experiment, _reading(study, budget, None, tasks, variants))
        for path in found:
            text = path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:] if lines else []
            out("\n".join([f"== {path}", *text]))
        if not found:
            notice(f"no logs of {study.experiment.id} in {study.store.work}")


@app.command()
def plot(
    experiment: Exp,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    results: ResultsOption = None,
    output: Annotated[Path, typer.Option("--output", help="Where the PNG and PDF go.")] = Path("figures"),
) -> None:
    """Draw the figure as PNG and PDF, with seeds, intervals and n."""
    from svgbench.terminal import notice, out

    for study in _studies(experiment, results):
        selection = _reading(study, budget, seeds, tasks, variants, override)
        read, paths = study.plot(output, selection)
        for note in read.notes:
            notice(note)
        out("\n".join(map(str, paths)))


@app.command()
def table(
    experiment: Exp,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    results: ResultsOption = None,
    format_: Annotated[str, typer.Option("--format", help="text, markdown, latex or csv.")] = "text",
    published: Annotated[bool, typer.Option("--published", help="The paper's own table, as printed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the table: mean, SD and n per cell, beside what the paper printed."""
    from svgbench.analysis.tables import render
    from svgbench.terminal import out, out_json, width

    formats = ("text", "markdown", "latex", "csv")
    if format_ not in formats:
        raise unknown("format", format_, formats)
    rows: list[dict[str, Any]] = []
    if published:
        from svgbench.analysis.published import published_grids

        grids = published_grids(experiment)
    else:
        grids = []
        for study in _studies(experiment, results):
            selection = _reading(study, budget, seeds, tasks, variants, override)
            if as_json:
                rows += study.table_rows(selection)
            else:
                grids += study.table(selection)
    if as_json:
        from svgbench.analysis.published import published_rows

        return out_json(published_rows(experiment) if published else rows)
    out("\n".join(render(grid, format_, width()) for grid in grids))


@app.command()
def compare(
    experiment: Exp,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    results: ResultsOption = None,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """Judge the paper's claims and numbers by our runs. Each verdict names its budget, interval and n."""
    from svgbench.analysis.verdict_text import verdict_lines
    from svgbench.terminal import out, out_json, width

    everything = []
    for study in _studies(experiment, results):
        chosen = any((budget, seeds, tasks, variants, override))
        selection = _reading(study, budget, seeds, tasks, variants, override) if chosen else None
        verdicts = study.compare(selection)
        everything += verdicts
        if not as_json:
            out("\n".join(verdict_lines(study.experiment, verdicts, width())))
    if as_json:
        out_json([v.as_row() for v in everything])
    _strict(strict, [v.verdict for v in everything])


def _strict(strict: bool, verdicts: list[str]) -> None:
    if strict and any(v in ("WORSE", "REFUTED") for v in verdicts):
        raise typer.Exit(WORSE)
    if strict and any(v in ("INCOMPLETE", "ONLY_IN_A") for v in verdicts):
        raise typer.Exit(INCOMPLETE)


@app.command()
def deviations(experiment: Exp, as_json: JsonOption = False) -> None:
    """List the known differences between what the paper ran and what we run, with reasons."""
    from svgbench.describe import deviations_of
    from svgbench.terminal import out_json, out_records

    rows = [row for study in _studies(experiment, None) for row in deviations_of(study.experiment)]
    if as_json:
        return out_json(rows)
    out_records(rows, heading="id", fields=("paper", "ours", "reason", "source"))


@app.command()
def diff(
    results_a: Annotated[Path, typer.Argument(metavar="RESULTS_A", help="The reference results folder.")],
    results_b: Annotated[Path, typer.Argument(metavar="RESULTS_B", help="The results folder to judge.")],
    budget: BudgetOption = None,
    every: Annotated[bool, typer.Option("--all", help="List identical cells too.")] = False,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare two results folders cell by cell: did a release change any result?"""
    from svgbench import reproduce
    from svgbench.analysis.difference import diff_folders, diff_lines
    from svgbench.lab.experiment import BUDGETS
    from svgbench.terminal import out, out_json, width

    for folder in (results_a, results_b):
        if not folder.is_dir():
            raise UsageError(f"no results folder '{folder}'; expected a folder that `svgbench run --results` wrote")
    if budget is not None and budget not in BUDGETS:
        raise unknown("budget", budget, BUDGETS)
    budgets = (budget,) if budget else BUDGETS
    verdicts = diff_folders(results_a, results_b, reproduce.experiments().values(), budgets)
    if as_json:
        out_json([v.as_row() for v in verdicts])
    else:
        out("\n".join(diff_lines(verdicts, width(), every)))
    _strict(strict, [v.verdict for v in verdicts])


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="Your measurements: seed, step, the measured columns.")
    ],
    experiment: Annotated[str, typer.Option("--experiment", help="The experiment that they belong to.")],
    as_variant: Annotated[str, typer.Option("--as", metavar="VARIANT", help="The name in tables and figures.")],
    task: Annotated[str | None, typer.Option("--task", help="The task, where the file has no task column.")] = None,
    budget: BudgetOption = None,
    label: Annotated[str | None, typer.Option("--label", help="The label in figures; by default the name.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an earlier import of the same name.")] = False,
    results: ResultsOption = None,
) -> None:
    """Put your own measurements beside ours: they appear in tables, figures and verdicts."""
    from svgbench.analysis.importing import Import, import_csv
    from svgbench.terminal import out

    studies = _studies(experiment, results)
    if len(studies) > 1:
        raise UsageError(f"'{experiment}' means several experiments; name one of them in full")
    chosen = budget or studies[0].reading(None).budget
    wanted = Import(file, as_variant, chosen, task, label or as_variant, replace)
    for path, runs in import_csv(studies[0].store, studies[0].experiment, wanted):
        out(f"{path}: {runs} runs")


@app.command()
def verify(results: ResultsOption = None, as_json: JsonOption = False) -> None:
    """Check every file in the results folder against its hashes. Exits with 1 if one is damaged."""
    from svgbench.lab.store import Store
    from svgbench.maintenance import verify as check
    from svgbench.study import results_root
    from svgbench.terminal import out, out_rows

    rows = check(Store(results_root(results)))
    bad = [row for row in rows if row["status"] != "ok"]
    if as_json:
        out_rows(rows, True, "", {})
    else:
        if bad:
            out_rows(bad, False, "", {"file": "file", "status": "status", "note": "note"})
        out(f"{len(rows) - len(bad)} of {len(rows)} files are as they were written")
    if any(row["status"] == "damaged" for row in rows):
        raise typer.Exit(FAILED)


@app.command()
def clean(
    experiment: MaybeExp = None,
    checkpoints: Annotated[
        bool, typer.Option("--checkpoints", help="Unfinished blocks too; they start again.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    results: ResultsOption = None,
) -> None:
    """Remove logs, superseded results and calibrations from .work. Results stay."""
    from svgbench.lab.store import Store
    from svgbench.maintenance import clean as sweep
    from svgbench.study import results_root
    from svgbench.terminal import out

    chosen = [None] if experiment is None else [study.experiment for study in _studies(experiment, results)]
    for one in chosen:
        gone = sweep(Store(results_root(results)), one, checkpoints, dry_run)
        out("\n".join([str(path) for path in gone] or ["nothing to remove"]))


@app.command()
def doctor(results: ResultsOption = None, as_json: JsonOption = False) -> None:
    """Check that this machine can run svgbench. Exits with 1 if something is missing."""
    from svgbench.lab.store import Store
    from svgbench.maintenance import doctor as examine
    from svgbench.study import results_root
    from svgbench.terminal import out_rows

    rows = examine(Store(results_root(results)))
    shown = [row | {"ok": "ok" if row["ok"] else "NOT OK"} for row in rows]
    out_rows(rows if as_json else shown, as_json, "", {"check": "check", "ok": "", "detail": "detail"})
    if not all(row["ok"] for row in rows):
        raise typer.Exit(FAILED)


def main() -> NoReturn:
    """The program: one line for every error a user can act on, and the documented exit status."""
    sys.exit(_status_of(lambda: app(standalone_mode=False, prog_name="svgbench")))


def _status_of(command: Callable[[], Any]) -> int:
    try:
        status = command()
        sys.stdout.flush()
        return status if isinstance(status, int) else OK
    except typer.Exit as done:
        return done.exit_code
    except typer.Abort:
        return _fail("stopped", 130)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except UsageError as error:
        return _fail(str(error), USAGE)
    except TyperException as error:
        return _fail(error.format_message(), USAGE)
    except BusyError as error:
        return _fail(str(error), BUSY)
    except DamagedError as error:
        return _fail(str(error), FAILED)
    except BrokenPipeError:
        sys.stderr.close()
        return OK
    except OSError as error:
        return _fail(f"{error.filename or ''}: {error.strerror or error}", FAILED)


def _fail(message: str, status: int) -> int:
    sys.stderr.write("svgbench: " + " ".join(message.split()) + "\n")
    return status


if __name__ == "__main__":
    main()
