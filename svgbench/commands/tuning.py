"""Choosing what a paper does not publish: tune."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from svgbench.commands import completion
from svgbench.commands.options import (
    BudgetOption,
    DeviceOption,
    ExecutorOption,
    JobsOption,
    JsonOption,
    PrecisionOption,
    ReferenceOption,
    ResultsOption,
    SeedsOption,
    TasksOption,
    TimeLimitOption,
    VariantsOption,
    YesOption,
    device_list,
    selection_of,
)
from svgbench.commands.running import jobs_on, options_of, requeue_on_sigterm, run_plan, stopped, worst
from svgbench.words.errors import INCOMPLETE, OK, WORSE, UsageError

if TYPE_CHECKING:
    from svgbench.lab.cells import Selection
    from svgbench.words.search import Search


def tune(
    search: Annotated[
        str | None,
        typer.Argument(
            metavar="SEARCH",
            autocompletion=completion.searches,
            help="A search, such as trpo/natural-gradient-sweep, or an experiment, for its searches; "
            "with --check all of them if left out.",
        ),
    ] = None,
    budget: BudgetOption = None,
    seeds: SeedsOption = None,
    tasks: TasksOption = None,
    variants: VariantsOption = None,
    jobs: JobsOption = None,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
    executor: ExecutorOption = "local",
    results: ResultsOption = None,
    time_limit: TimeLimitOption = None,
    yes: YesOption = False,
    check: Annotated[
        bool, typer.Option("--check", help="Run nothing; exit with 3 if a setting is not written as chosen.")
    ] = False,
    with_reference: ReferenceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Choose the settings that a paper does not publish. Runs what its declared search misses; shows table and winners.

    A search is a small grid over an experiment's settings, at a fraction of its budget, on seeds that no figure uses.
    Its runs are stored, resumed and verified like any other. --variants takes a searched variant or single settings.
    """
    from svgbench.lab.executor import opened
    from svgbench.terminal import notice, out_json, parse_duration

    requeue_on_sigterm()
    if with_reference and not check:
        raise UsageError("--with-reference names runs to read; it needs --check")
    devices = device_list(device)
    statuses, rows = [], []
    with opened(executor, jobs_on(device, jobs), devices) as engine:
        limit = None if time_limit is None else parse_duration(time_limit)
        words = selection_of(budget, seeds, tasks, variants, None, device, precision, elsewhere=engine is not None)
        asked = [
            (one, study, _selection(one, study, words, budget))
            for one, study in _searches(search, results, check, with_reference)
        ]
        for one, study, selection in asked:
            if not check:
                made = study.plan(selection, thorough=True)
                options = options_of(study, made, jobs_on(device, jobs), engine, limit, devices)
                statuses.append(run_plan(study, made, options, yes, say=notice))
                if statuses[-1] > 128:
                    break
            found, written = study.choose(selection)
            if check:
                statuses.append(_verdict(written))
            rows += _told(one, study, selection.budget, found, written, check, as_json)
            if not check and stopped(statuses[-1]):
                break
    if as_json:
        out_json(rows)
    last = statuses[-1] if statuses else 0
    raise typer.Exit(last if not check and stopped(last) else worst(statuses))


def _searches(name: str | None, results: Path | None, check: bool, reference: bool) -> list[tuple[Search, Any]]:
    """The searches that a name means, each with the study of its runs."""
    from svgbench import reproduce
    from svgbench.study import studies
    from svgbench.terminal import notice

    everything = reproduce.searches()
    if name is None and not check:
        raise UsageError(
            f"expected a SEARCH (there are: {', '.join(everything) or 'none'}), or --check for all of them"
        )
    found = list(everything.values()) if name is None else reproduce.resolve_searches(name)
    if name is not None and found[0].id != name:
        notice(f"{name} means {', '.join(one.id for one in found)}")
    own = studies([reproduce.experiments()[one.id] for one in found], results, reference)
    return list(zip(found, own, strict=True))


def _selection(search: Search, study: Any, words: Selection, budget: str | None) -> Selection:
    """What is asked of one search, every word known. A variant's name stands for all settings tried for it."""
    from svgbench.words.search import tried

    settings: dict[str, list[str]] = {}
    for setting in tried(search):
        for name in dict.fromkeys((setting.grid.variant, *setting.grid.chosen_for)):
            settings.setdefault(name, []).append(setting.variant.id)
    named = [setting for name in words.variants for setting in settings.get(name, [name])]
    largest = study.experiment.budgets[0].name
    selection = replace(words, budget=budget or largest, variants=tuple(dict.fromkeys(named)))
    study.check(selection)
    return selection


def _verdict(written: list[Any]) -> int:
    words = {row.word for row in written}
    return WORSE if "NOT_CHOSEN" in words else INCOMPLETE if "INCOMPLETE" in words else OK


def _told(
    search: Search, study: Any, budget: str, found: list[Any], written: list[Any], check: bool, as_json: bool
) -> list[dict[str, Any]]:
    """Print the tables and what they choose; or, for JSON, return the rows of it."""
    from svgbench.analysis.search import choice_text
    from svgbench.analysis.show.tables import render
    from svgbench.terminal import out, out_lines, width

    if as_json and check:
        return choice_text.written_rows(search, budget, written)
    if as_json:
        return choice_text.choice_rows(search, budget, found)
    if check:
        out_lines(choice_text.written_sentences(search, written))
        return []
    for table in choice_text.choice_tables(search, budget, found):
        out(render(table, "text", width()) + "\n")
    note = study.experiment.budget(budget).note
    out_lines([*([note] if note else []), *choice_text.choice_sentences(search, found, written)])
    return []
