"""Commands on results: plot, table, compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

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
    StrictOption,
    TasksOption,
    VariantsOption,
    VerboseOption,
    say_if_absent,
    studies_of,
)
from svgbench.words.errors import INCOMPLETE, WORSE, UsageError, unknown

SCREEN = 40
"""Lines of a table in a terminal; above this, further measures are left out."""
MOST_NOTES = 3
"""How many notes on measurements `compare` prints without --verbose."""


def plot(
    experiment: Exp,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    results: ResultsOption = None,
    with_reference: ReferenceOption = False,
    running: Annotated[
        bool, typer.Option("--running", help="Also the rows so far of unfinished blocks: no evidence, so labelled.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Instead: the share of runs above each score, over the tasks.")
    ] = False,
    output: Annotated[Path, typer.Option("--output", help="Where the PNG and PDF go.")] = Path("figures"),
) -> None:
    """Draw the figure as PNG and PDF, with seeds, intervals and n."""
    from svgbench.terminal import notice, out

    if profile and running:
        raise UsageError("--profile draws finished runs only; leave out --running")
    chosen = asked(studies_of(experiment, results, reference=with_reference), budget, seeds, tasks, variants, override)
    say_budgets(chosen, budget)
    empty = []
    for study, selection in chosen:
        try:
            drawn = _profile(study, selection, output) if profile else study.plot(output, selection, running)
        except UsageError:
            if len(chosen) == 1:
                raise
            empty.append(study.experiment.id)
            continue
        read, paths = drawn
        for note in (*read.notes, *read.caveats):
            notice(note)
        out("\n".join(map(str, paths)))
    if len(empty) == len(chosen):
        raise UsageError(f"nothing to draw: no results of {', '.join(empty)}")
    if empty:
        notice(f"nothing to draw of {', '.join(empty)}")


def _profile(study: Any, selection: Any, output: Path) -> tuple[Any, list[Path]]:
    """Draw performance profiles; the results that they show, with a note on what is left out, and the files."""
    from dataclasses import replace

    from svgbench.analysis.show.backend import import_matplotlib

    import_matplotlib()
    from svgbench.analysis.show.profile_plot import draw_profiles

    read = study.results(selection)
    paths, note = draw_profiles(read, study.aggregates(selection), output)
    return replace(read, notes=(*read.notes, *([note] if note else []))), paths


def table(
    experiment: Exp,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    results: ResultsOption = None,
    with_reference: ReferenceOption = False,
    format_: Annotated[
        str, typer.Option("--format", autocompletion=completion.formats, help="text, markdown, latex or csv.")
    ] = "text",
    published: Annotated[bool, typer.Option("--published", help="The paper's own table, as printed.")] = False,
    verbose: VerboseOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print the table, beside the published numbers. Mean, SD and n per cell; the best of a column is marked.

    In a terminal, missing runs share one line, and a table longer than a screen is cut to its first measure and best
    rows. A CSV has a row per cell and measure, with one number per column.
    """
    from svgbench.analysis.show.tables import FORMATS, csv_of
    from svgbench.terminal import out, out_json, width

    if format_ not in FORMATS:
        raise unknown("format", format_, FORMATS)
    as_rows = as_json or format_ == "csv"
    rows: list[dict[str, Any]] = []
    tables: list[list[Any]] = []
    if published:
        from svgbench.analysis.show.published import published_grids, published_rows

        rows, tables = (published_rows(experiment), []) if as_rows else ([], [[g] for g in published_grids(experiment)])
    else:
        chosen = asked(
            studies_of(experiment, results, reference=with_reference), budget, seeds, tasks, variants, override
        )
        say_budgets(chosen, budget)
        for study, selection in chosen:
            if as_rows:
                rows += study.table_rows(selection)
            else:
                tables.append(study.table(selection, whole=verbose or format_ != "text"))
    if as_rows:
        return out_json(rows) if as_json else out(csv_of(rows))
    out("\n".join(_rendered(grids, format_, width(), verbose) for grids in tables))


def _rendered(grids: Sequence[Any], format_: str, width: int, verbose: bool) -> str:
    """The grids of one table; in a terminal as many of them as fit a screen, or all with `verbose`."""
    from svgbench.analysis.show.screens import screenful, whole_text
    from svgbench.analysis.show.tables import render

    if format_ != "text":
        return "\n".join(render(grid, format_, width) for grid in grids)
    return whole_text(grids, width) if verbose else screenful(grids, width, SCREEN)


def compare(
    experiment: Exp,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    override: SetOption = None,
    results: ResultsOption = None,
    with_reference: ReferenceOption = False,
    aggregates: Annotated[
        bool,
        typer.Option("--aggregates", help="Instead: interquartile means, probability of improvement, effect sizes."),
    ] = False,
    strict: StrictOption = False,
    verbose: VerboseOption = False,
    as_json: JsonOption = False,
) -> None:
    """Judge the paper's claims and numbers by our runs. Prints the answer, a line per claim, and what is missing."""
    from svgbench.terminal import out_json, width

    studies = studies_of(experiment, results, reference=with_reference)
    if aggregates:
        if strict:
            raise UsageError("--aggregates gives no verdicts; --strict needs them")
        chosen = asked(studies, budget, seeds, tasks, variants, override)
        say_budgets(chosen, budget)
        return _aggregates([study.aggregates(selection) for study, selection in chosen], verbose, as_json)
    narrowed = any((budget, seeds, tasks, variants, override))
    if not narrowed:
        say_if_absent(results)
    every = asked(studies, budget, seeds, tasks, variants, override) if narrowed else [(s, None) for s in studies]
    judged, said = [], set[str]()
    for study, selection in every:
        one, notes = study.judge(selection, pinned=budget is not None)
        judged.append(one)
        _say_notes([note for note in notes if note not in said], verbose)
        said.update(notes)  # experiments that draw from the same runs have the same notes
    if as_json:
        out_json([row for one in judged for row in one.rows()])
    else:
        _tell(judged, verbose, width())
    verdicts = [v for one in judged for v in one.verdicts]
    shown = {v.id for v in verdicts}
    _strict(strict, [v.verdict for v in verdicts if v.part_of not in shown])  # a "usually" may fail on a task


def _aggregates(every: Sequence[Any], verbose: bool, as_json: bool) -> None:
    """Statistics over tasks instead of verdicts, an experiment after another."""
    from svgbench.analysis.show.aggregate_text import aggregate_lines
    from svgbench.terminal import out, out_json, width

    if as_json:
        return out_json([row for one in every for row in one.rows()])
    out("\n\n".join("\n".join(aggregate_lines(one, width(), verbose)) for one in every))


def _tell(judged: list[Any], verbose: bool, width: int) -> None:
    """The summary; with `verbose`, also every verdict that it is based on."""
    from svgbench import reproduce
    from svgbench.analysis.show.answer_text import several_lines, summary_lines
    from svgbench.analysis.show.verdict_text import verdict_lines
    from svgbench.terminal import out

    if len(judged) == 1:
        lines = summary_lines(judged[0], width, more=not verbose)
    else:
        works = {one.experiment.work for one in judged}
        lines = several_lines(judged, reproduce.title_of(works.pop()) if len(works) == 1 else "", width)
    out("\n".join(lines))
    chosen = [one.experiment.id for one in judged if one.experiment.id in reproduce.searches()]
    if len(judged) == 1 and chosen:
        out(f"It is a search: svgbench tune {chosen[0]} shows what it chose.")
    for one in judged if verbose else ():
        if one.verdicts:
            out("\n".join(["", *verdict_lines(one.experiment, one.verdicts, width)]))


def _say_notes(notes: Sequence[str], verbose: bool) -> None:
    """Print notes on the measurements: the first few, or all if requested."""
    from svgbench.terminal import notice

    for note in notes if verbose else notes[:MOST_NOTES]:
        notice(note)
    if len(notes) > MOST_NOTES and not verbose:
        notice(f"and {len(notes) - MOST_NOTES} more notes: --verbose")


def _strict(strict: bool, verdicts: list[str]) -> None:
    if strict and any(v in ("WORSE", "REFUTED") for v in verdicts):
        raise typer.Exit(WORSE)
    if strict and "INCOMPLETE" in verdicts:
        raise typer.Exit(INCOMPLETE)
