"""Commands that run: plan, run."""

from __future__ import annotations

import shlex
import signal
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import typer

from svgbench.commands.asking import asked
from svgbench.commands.options import (
    BudgetOption,
    DeviceOption,
    ExecutorOption,
    Exp,
    FitsOption,
    JobsOption,
    JsonOption,
    PrecisionOption,
    ReferenceOption,
    ReplicateOption,
    ResultsOption,
    SeedsOption,
    SetOption,
    TasksOption,
    TimeLimitOption,
    VariantsOption,
    VerboseOption,
    YesOption,
    device_list,
    studies_of,
)
from svgbench.words.errors import FAILED, INCOMPLETE, OK, WORSE, DamagedError, UsageError

ASK_SECONDS = 3600.0
"""A longer plan asks before it runs."""


def plan(
    experiment: Exp,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    jobs: JobsOption = None,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
    results: ResultsOption = None,
    fits: FitsOption = None,
    replicate: ReplicateOption = False,
    with_reference: ReferenceOption = False,
    calibrate: Annotated[bool, typer.Option(help="Measure what has not been measured on this machine.")] = True,
    verbose: VerboseOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print what a run would do and cost. Also what its seeds can show; starts nothing."""
    from svgbench.terminal import out_json, parse_duration

    limit = None if fits is None else parse_duration(fits, "--fits")
    check_reference(with_reference, replicate)
    studies = studies_of(experiment, results, reference=with_reference)
    chosen = asked(studies, budget, seeds, tasks, variants, override, device, precision, running=True)
    made = (_made(study, selection, replicate, jobs_on(device, jobs), calibrate) for study, selection in chosen)
    if limit is not None:
        from svgbench.commands.fitting import print_fits, repeated

        on = None if device == "cpu" else device
        products = None if precision == "float32" else precision
        given: dict[str, Any] = {"--seeds": seeds, "-o": override, "--jobs": jobs, "--device": on}
        given |= {"--precision": products, "--results": results}
        words = repeated(given) + " --replicate" * replicate + " --with-reference" * with_reference
        print_fits([cell for one in made for cell in one.priced()], limit, as_json, words)
        return
    everything: list[dict[str, Any]] = []
    for one in made:
        rows = one.rows()
        everything += rows
        if not as_json:
            one.print_out(rows, verbose)
    if as_json:
        out_json(everything)


@dataclass(frozen=True)
class _Made:
    """A plan and what it costs here.

    slots: processes that run at once. never: by task and variant, why no runs can decide the cell's published number.
    unknown: tasks where that is open.
    """

    study: Any
    plan: Any
    costs: Mapping[str, Any]
    estimate: Any
    slots: int
    never: Mapping[tuple[str, str], str]
    unknown: list[str]
    replicate: bool

    def priced(self) -> list[Any]:
        """The cells with missing runs, for `--fits`."""
        from svgbench.lab.fitting import priced

        return priced(self.plan, self.costs, self.slots, self.never)

    @cached_property
    def platforms(self) -> Mapping[tuple[str, str], list[str]]:
        """Those that have measured each cell, by task and variant."""
        from svgbench.lab.replicas import platforms_of

        return platforms_of(self.study.store, self.plan)

    def rows(self) -> list[dict[str, Any]]:
        """A row per cell, for programs."""
        from svgbench import describe

        return describe.plan_rows(self.plan, self.costs, self.estimate, self.never, self.platforms)

    def print_out(self, rows: list[dict[str, Any]], verbose: bool) -> None:
        """Print a line per task, and in sentences what is missing, what it costs, and what it can show."""
        from svgbench import describe
        from svgbench.terminal import out_lines, out_rows

        columns = {"task": "task", "cells": "cells", "runs": "runs", "missing": "missing", "blocks": "blocks"}
        columns |= {"time": "one process"} | ({"undecidable": "no verdict"} if self.never else {})
        out_rows(describe.by_task(rows, self.unknown), False, "", columns)
        lines = describe.plan_sentences(self.plan, self.estimate) + describe.night_sentences(self.plan, self.estimate)
        experiment, budget = self.study.experiment, self.plan.selection.budget
        if unchosen := self.study.unchosen() if budget != "smoke" and not self.replicate else 0:
            one = "1 setting is" if unchosen == 1 else f"{unchosen} settings are"
            lines.append(f"{one} not as a search here chose: svgbench tune {experiment.id} --check")
        lines += describe.platform_sentences(self.platforms)
        if not self.replicate:
            lines += describe.undecidable_sentences(rows, self.unknown, verbose)
            usual = statistics.mode(len(c.cell.seeds) for c in self.plan.cells)
            lines += describe.power_sentences(experiment, budget, usual, self.study.rivals_n())
        out_lines(lines)


def _made(study: Any, selection: Any, replicate: bool, jobs: int | None, calibrate: bool) -> _Made:
    """The plan of a selection with its costs, which are measured with `calibrate` where they are not known."""
    from svgbench.terminal import notice

    plan = study.replication(selection) if replicate else study.plan(selection)
    costs, estimate = study.estimate(plan, jobs, calibrate, notice)
    marked, unknown = ([], []) if replicate else study.undecidable(selection.budget)
    never = {(one.task, one.variant): one.reason for one in marked}
    return _Made(study, plan, costs, estimate, study.jobs(plan, jobs), never, unknown, replicate)


def run(
    experiment: Exp,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    jobs: JobsOption = None,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
    executor: ExecutorOption = "local",
    results: ResultsOption = None,
    time_limit: TimeLimitOption = None,
    replicate: ReplicateOption = False,
    with_reference: ReferenceOption = False,
    yes: YesOption = False,
) -> None:
    """Run what is missing. Safe to kill at any moment; the same command continues where it stopped."""
    from svgbench.lab.executor import opened
    from svgbench.terminal import parse_duration

    requeue_on_sigterm()
    devices = device_list(device)
    with opened(executor, jobs_on(device, jobs), devices) as engine:
        limit = None if time_limit is None else parse_duration(time_limit)
        check_reference(with_reference, replicate)
        studies = studies_of(experiment, results, reference=with_reference)
        words = (budget, seeds, tasks, variants, override, device, precision)
        chosen = asked(studies, *words, running=True, elsewhere=engine is not None)

        def planned(study: Any, selection: Any) -> Any:
            return study.replication(selection, thorough=True) if replicate else study.plan(selection, thorough=True)

        plans = [(study, selection, planned(study, selection)) for study, selection in chosen]
        statuses, begun = [], set()
        for study, selection, made in plans:
            stored = study.experiment.draws_from or study.experiment.id
            if stored in begun:  # an experiment before this one has run cells of this one
                made = planned(study, selection)
            begun.add(stored)
            options = options_of(study, made, jobs_on(device, jobs), engine, limit, devices)
            statuses.append(run_plan(study, made, options, yes))
            if stopped(statuses[-1]):
                raise typer.Exit(statuses[-1])
        raise typer.Exit(worst(statuses))


def check_reference(with_reference: bool, replicate: bool) -> None:
    """Raise UsageError if reference results are named where none are read."""
    if with_reference and not replicate:
        raise UsageError("--with-reference names the runs to repeat; it needs --replicate")


def options_of(
    study: Any, made: Any, jobs: int | None, engine: Any, limit: float | None, devices: tuple[str, ...]
) -> Any:
    """How to run a plan. An engine says how many blocks it runs at once; it is asked only if there are any."""
    from svgbench.lab.runner import RunOptions

    at_once = engine.slots or 1 if engine is not None and made.blocks else jobs
    return RunOptions(study.jobs(made, at_once), engine, limit, devices)


def jobs_on(device: str, jobs: int | None) -> int | None:
    """The blocks at once: as requested, or else one on each of several GPUs; None leaves it to the study."""
    count = len(device_list(device))
    return jobs or (count if count > 1 else None)


def requeue_on_sigterm() -> None:
    """Exit with "incomplete" on a SIGTERM that comes before or after the blocks run: they have their own handler."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(INCOMPLETE))


def stopped(status: int) -> bool:
    """Whether the time limit or a signal ended the run, so that the next experiment must not start."""
    return status == INCOMPLETE or status > 128


def worst(statuses: Sequence[int]) -> int:
    """The exit status of several experiments: a signal's, or else the worst."""
    order = [OK, INCOMPLETE, WORSE, FAILED]
    return max(statuses, key=lambda status: order.index(status) if status in order else status, default=OK)


def check_results(study: Any, made: Any) -> None:
    """Raise errors early that a run would meet later or make worse: a folder that cannot be written, and damaged
    results that the user can repair but that a run would measure again."""
    for cell_plan in made.cells:
        damage = cell_plan.state.damage
        if cell_plan.blocks and damage is not None and damage.mendable:
            raise DamagedError(f"{cell_plan.cell.experiment} would be run again, but no result is lost: {damage.note}")
    study.store.check_writable(cell_plan.cell for cell_plan in made.cells if cell_plan.blocks)


def _asked(selection: Any) -> str:
    """The part of a selection that later commands need to read the same runs, as options."""
    seeds = selection.seeds
    parts = {
        "--seeds": () if seeds is None else (seeds,) if isinstance(seeds, int) else seeds,
        "--tasks": selection.tasks,
        "--variants": selection.variants,
    }
    words = [f" {option} {','.join(map(str, values))}" for option, values in parts.items() if values]
    return "".join([*words, *(f" -o {shlex.quote(word)}" for word in selection.overrides)])


def run_plan(study: Any, made: Any, options: Any, yes: bool, say: Callable[[str], None] | None = None) -> int:
    """Print the plan, ask if it is long, and run it; return the exit status.

    `say` receives the lines about the run. Without it they go to standard output, followed by what to do next.
    """
    import time

    from svgbench import describe, reproduce
    from svgbench.lab.eta import duration
    from svgbench.lab.progress import title
    from svgbench.study import results_root
    from svgbench.terminal import lines_of, notice, out

    tell = say or out
    if made.blocks:
        check_results(study, made)
    here = options.engine is None or made.selection.device == "cpu"  # an engine's GPUs are not on this machine
    calibrate = here and made.selection.budget != "smoke" and bool(made.blocks)
    costs, estimate = study.estimate(made, options.jobs, calibrate, notice)
    known = estimate if costs or not made.blocks else None
    tell("\n".join(lines_of(describe.plan_sentences(made, known))))
    if known and known.seconds > ASK_SECONDS and not yes:
        question = f"this takes about {duration(known.seconds)}"
        if not sys.stdin.isatty():
            raise UsageError(f"{question}; say --yes to run it, or --time-limit 1h to run a part of it")
        typer.confirm(f"{question}; run it?", abort=True)
    if not made.blocks:
        return OK
    sys.stdout.flush()  # in a pipe, the plan stands before the lines about the run
    begun = time.monotonic()
    result = study.run(made, options, costs)
    outcome = result.outcome
    for failure in outcome.failures:  # why was said when it happened
        notice(f"failed: {title(failure.block)}" + (f"; log: {failure.log}" if failure.log else ""))
    done = sum(len(block.wanted) for block in outcome.finished)
    tell(f"{done} of {made.runs_missing} runs done in {duration(time.monotonic() - begun)}")
    if result.exit_status == OK and say is None:
        judge, asked = "compare", _asked(made.selection)
        if made.experiment.id in reproduce.searches():
            judge = "tune"
            asked = "" if made.selection.precision == "float32" else f" --precision {made.selection.precision}"
        root = study.store.root
        where = "" if root == results_root().absolute() else f" --results {shlex.quote(str(root))}"
        where += " --with-reference" * (study.reference is not None and judge == "compare")
        tell(f"next: svgbench {judge} {made.experiment.id} --budget {made.selection.budget}{asked}{where}")
    elif outcome.unfinished:
        notice("stopped at a checkpoint; the same command continues from there")
    return int(result.exit_status)
