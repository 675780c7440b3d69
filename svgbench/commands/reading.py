"""Commands that describe: list, show, status, logs, deviations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from svgbench.commands.asking import asked, say_budgets
from svgbench.commands.options import (
    BudgetOption,
    DeviceOption,
    Exp,
    JsonOption,
    LinesOption,
    MaybeExp,
    PrecisionOption,
    ReferenceOption,
    ResultsOption,
    SeedsOption,
    SetOption,
    TasksOption,
    VariantsOption,
    VerboseOption,
    say_if_absent,
    studies_of,
)


def list_(
    experiment: MaybeExp = None,
    results: ResultsOption = None,
    with_reference: ReferenceOption = False,
    verbose: VerboseOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the experiments and how much of each is done. Stale: measured with other settings or another version.

    Our own size: the paper prints no steps and runs. Several platforms: status and compare say which. Searches for
    settings, experiments that no paper has, and cells are listed with --verbose, or if the work is named.
    """
    from svgbench import reproduce
    from svgbench.overview import list_lines, summaries
    from svgbench.terminal import out, out_json, width

    say_if_absent(results)
    rows = summaries(studies_of(experiment, results, quiet=True, reference=with_reference))
    if as_json:
        out_json(rows)
    else:
        hidden = {} if verbose or experiment else reproduce.spare()
        out("\n".join(list_lines(rows, width(), hidden, verbose)))
    if not any(row["runs_done"] for row in rows):
        _say_how_to_get_results(results, experiment, [row["id"] for row in rows], with_reference)


def _say_how_to_get_results(results: Path | None, name: str | None, ids: Sequence[str], with_reference: bool) -> None:
    """What to do if the folder has no results of these experiments."""
    from svgbench.lab.reference import reference_of
    from svgbench.study import results_root
    from svgbench.terminal import notice

    where = f"{f'of {name} ' if name else ''}in '{results_root(results)}'"
    notice(f"no results {where}: `svgbench run EXP` makes some, `svgbench fetch SOURCE` gets ours")
    there = [work for work in dict.fromkeys(name.partition("/")[0] for name in ids) if reference_of(work)]
    if there and not with_reference:
        notice(f"reference results of {', '.join(there)} are here: --with-reference reads them")


def show(experiment: Exp, verbose: VerboseOption = False, as_json: JsonOption = False) -> None:
    """Show what an experiment is. Its question, tasks, variants, budgets, claims; with --verbose also every setting."""
    from svgbench import reproduce
    from svgbench.describe import parts_of
    from svgbench.overview import overview_lines, several_overviews
    from svgbench.terminal import out, out_json, out_parts, width

    studies = studies_of(experiment, None)
    if as_json:
        return out_json([{"experiment": s.experiment.id, **row} for s in studies for row in parts_of(s.experiment)])
    if verbose:
        for study in studies:
            out_parts(parts_of(study.experiment))
        return None
    found = [study.experiment for study in studies]
    works = {one.work for one in found}
    title = reproduce.title_of(found[0].work) if len(works) == 1 else ""
    out("\n".join(overview_lines(found[0], width()) if len(found) == 1 else several_overviews(title, found, width())))
    return None


def status(
    experiment: MaybeExp = None,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
    results: ResultsOption = None,
    running: Annotated[
        bool, typer.Option("--running", help="Only cells that run: progress, last value, curve so far.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="The same again and again, until nothing runs.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the status of every cell. It is done, running, partial, failed, diverged, stale, other or missing."""
    from svgbench.analysis.show.status_text import status_sentences
    from svgbench.lab.statuses import runs
    from svgbench.terminal import out_json, out_lines, out_rows

    words = (budget, seeds, tasks, variants, override, device, precision)
    chosen = asked(studies_of(experiment, results), *words)
    if running or watch:
        from svgbench.commands.watching import show_running

        return show_running(chosen, budget, watch, as_json)
    say_budgets(chosen, budget)
    every = [study.status(selection) for study, selection in chosen]
    if as_json:
        return out_json([row for rows in every for row in rows])
    for rows in every:
        columns = {"task": "task", "variant": "variant", "seeds": "seeds", "status": "status"}
        shown = [row | {"seeds": f"{row['seeds_done']}/{row['seeds_total']}"} for row in rows]
        out_rows(shown, False, f"{rows[0]['experiment']}, budget {rows[0]['budget']}", columns)
        out_lines(status_sentences(rows))
    if any(runs(row) for rows in every for row in rows):
        from svgbench.commands.watching import show_running

        show_running(chosen, budget or "", again=False, as_json=False)


def logs(
    experiment: MaybeExp = None,
    budget: BudgetOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    results: ResultsOption = None,
    lines: LinesOption = 10,
    verbose: VerboseOption = False,
) -> None:
    """Print why blocks failed, and the end of their log. Without a failure the newest log's; --verbose: every log's."""
    from svgbench.logs import log_lines
    from svgbench.logs import logs as find_logs
    from svgbench.terminal import notice, out

    chosen = asked(studies_of(experiment, results), budget, None, tasks, variants, override)
    say_budgets(chosen, budget)
    for study, selection in chosen:
        found = find_logs(study.store, study.experiment, selection)
        for line in log_lines(found, lines, verbose):
            out(line)
        if not found:
            notice(f"no logs of {study.experiment.id} in {study.store.work}")


def deviations(experiment: Exp, verbose: VerboseOption = False, as_json: JsonOption = False) -> None:
    """List the known differences from the paper, a line each. With --verbose each with its reason and its source."""
    from svgbench.describe import deviations_of, once_each
    from svgbench.overview import deviation_lines
    from svgbench.terminal import out, out_json, out_records, width

    studies = studies_of(experiment, None)
    rows = [row for study in studies for row in deviations_of(study.experiment)]
    if as_json:
        return out_json(rows)
    shown = once_each(rows) if len(studies) > 1 else rows
    if not verbose:
        return out("\n".join(deviation_lines(experiment, shown, width())))
    out_records(shown, heading="id", fields=("variants", "paper", "ours", "reason", "source"))
    return None
