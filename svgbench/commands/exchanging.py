"""Commands that exchange results with other programs: import, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from svgbench.analysis.read import formats
from svgbench.analysis.show import exports
from svgbench.commands import completion
from svgbench.commands.asking import asked, say_budgets
from svgbench.commands.options import (
    BudgetOption,
    Exp,
    JsonOption,
    ReferenceOption,
    ResultsOption,
    SeedsOption,
    SetOption,
    TasksOption,
    VariantsOption,
    parse_count,
    studies_of,
)
from svgbench.words.errors import UsageError

MOST_STEPS = 10**15


def import_(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...", help="Files, or folders that are searched; - reads a CSV from standard input."
        ),
    ],
    experiment: Annotated[
        str,
        typer.Option("--experiment", autocompletion=completion.experiments, help="The experiment that they belong to."),
    ],
    as_variant: Annotated[str, typer.Option("--as", metavar="VARIANT", help="The name in tables and figures.")],
    task: Annotated[
        str | None,
        typer.Option("--task", autocompletion=completion.task, help="The task, if the files have no task column."),
    ] = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            autocompletion=completion.import_formats,
            help=f"{formats.AUTO} (by the files' contents), or: {', '.join(formats.names())}.",
        ),
    ] = "auto",
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="OURS=THEIRS",
            help="Read a column of ours from one of theirs: eval_return=rollout/ep_rew_mean; repeatable. "
            "Nothing after = leaves a column out.",
        ),
    ] = None,
    seed_from: Annotated[
        str | None,
        typer.Option(
            "--seed-from",
            metavar="PATTERN",
            help=r"Find a run's seed in its path: a regular expression with one group, seed(\d+); "
            "or the word order: 0, 1, ... as the paths are listed.",
        ),
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(
            "--every",
            metavar="STEPS",
            parser=lambda text: parse_count("--every", text, 1, MOST_STEPS),
            help="One row per so many steps: the mean of the rows since the one before, for training episodes.",
        ),
    ] = None,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    label: Annotated[str | None, typer.Option("--label", help="The label in figures; by default the name.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an earlier import of the same name.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and print what would be stored; write nothing.")
    ] = False,
    results: ResultsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add measurements of other programs to an experiment. They appear in tables, figures and verdicts."""
    from svgbench.lab.cells import Selection, parse_seeds

    studies = studies_of(experiment, results, quiet=True)
    if len(studies) > 1:
        names = ", ".join(study.experiment.id for study in studies)
        raise UsageError(f"--experiment {experiment}: it means {names}; name one of them")
    chosen = budget or studies[0].reading(None).budget
    studies[0].check(Selection(budget=chosen, tasks=(task,) if task else ()))
    only = None if seeds is None else parse_seeds(seeds)
    columns = _mapped(map_ or [])
    from svgbench.analysis.read.import_words import Import, Preview
    from svgbench.analysis.show.preview_text import imported_lines, imported_rows, preview_lines
    from svgbench.terminal import out, out_json, out_lines, width

    wanted = Import(
        *(tuple(paths), as_variant, chosen, task, label or "", replace, only),
        budget_named=budget is not None,
        format=format_,
        map=columns,
        seed_from=seed_from or "",
        every=every,
        dry_run=dry_run,
    )
    preview = Preview()
    try:
        done = studies[0].import_results(wanted, preview)
    except UsageError:
        if dry_run and not as_json and preview.columns:
            out("\n".join(preview_lines(preview, width())))
        raise
    if as_json:
        return out_json(imported_rows(done))
    if dry_run:
        out("\n".join(preview_lines(preview, width())))
    for lines in imported_lines(done, dry_run):
        out(lines[0])
        out_lines(lines[1:])
    out_lines(done.notes)


def export(
    experiment: Exp,
    format_: Annotated[
        str,
        typer.Option("--format", autocompletion=completion.export_formats, help=f"{', '.join(exports.names())}."),
    ],
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    output: Annotated[Path, typer.Option("--output", help="The folder for the files.")] = Path("exports"),
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", help="Write the rows of running blocks too, as they come, until none runs; TensorBoard."
        ),
    ] = False,
    results: ResultsOption = None,
    with_reference: ReferenceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write results for other programs: a tidy CSV, Parquet, rliable's dictionaries, TensorBoard event files.

    With --follow the budget is paper unless it is named, as for `run`; Ctrl-C ends it.
    """
    from svgbench.analysis.show.exports import export_of
    from svgbench.terminal import notice, out, out_json

    chosen_format = export_of(format_)
    if follow and chosen_format.follow is None:
        raise UsageError(f"--follow: a {format_} file does not grow with a run; expected --format tensorboard")
    studies = studies_of(experiment, results, reference=with_reference)
    chosen = asked(studies, budget, seeds, tasks, variants, override, running=follow)
    if follow:
        return _follow(chosen, format_, output)
    say_budgets(chosen, budget)
    written: list[Path] = []
    empty: list[UsageError] = []
    for study, selection in chosen:
        try:
            read, paths = study.export(format_, output, selection)
        except UsageError as error:
            empty.append(error)
            continue
        written += paths
        for note in (*read.notes, *read.caveats):
            notice(note)
    if not written:
        raise empty[0]
    for lacking in empty:
        notice(str(lacking))
    if as_json:
        return out_json([{"file": str(path)} for path in written])
    out("\n".join(map(str, written)))


def _follow(chosen: list[Any], format_: str, output: Path) -> None:
    """Write rows as they come, one line for each time that some came."""
    from svgbench.terminal import notice, out

    total = 0

    def tell(count: int) -> None:
        nonlocal total
        total += count
        notice(f"{total} rows written")

    for study, _ in chosen:
        out(str(output / study.experiment.id))
    for study, selection in chosen:
        study.follow(format_, output, selection, tell)
    if not total:
        notice("no rows: no block has run, and the store has none; is --budget the one that runs?")


def _mapped(words: list[str]) -> dict[str, str]:
    """The columns that `--map` names, ours to theirs."""
    found: dict[str, str] = {}
    for word in words:
        ours, equals, theirs = word.partition("=")
        if not equals or not ours.strip():
            raise UsageError(f"--map {word}: expected OURS=THEIRS, such as eval_return=rollout/ep_rew_mean")
        if ours in found:
            raise UsageError(f"--map {word}: {ours} is mapped twice")
        found[ours] = theirs
    return found
