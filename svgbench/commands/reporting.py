"""The command `report`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from svgbench.commands import completion
from svgbench.commands.asking import asked
from svgbench.commands.options import (
    MOST_JOBS,
    BudgetOption,
    JsonOption,
    ReferenceOption,
    ResultsOption,
    parse_count,
    say_if_absent,
    studies_of,
)
from svgbench.words.errors import UsageError, unknown


def report(
    work: Annotated[
        list[str] | None,
        typer.Option("--work", autocompletion=completion.works, help="Only this work, such as maac; repeatable."),
    ] = None,
    experiment: Annotated[
        list[str] | None,
        typer.Option(
            "--experiment",
            autocompletion=completion.experiments,
            help="Only this experiment, such as maac/fig3, or fig3 for every such figure; repeatable.",
        ),
    ] = None,
    budget: BudgetOption = None,
    results: ResultsOption = None,
    with_reference: ReferenceOption = False,
    output: Annotated[
        Path | None, typer.Option("--output", help="The file to write. [default: report.html or report.md]")
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", autocompletion=completion.report_formats, help="html or markdown.")
    ] = "html",
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            parser=lambda text: parse_count("--jobs", text, 1, MOST_JOBS),
            metavar="INTEGER",
            help="Processes that read and draw; by default one per core, at most two.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write one page with every answer, figure, claim and table of the results. It needs no network, no other file."""
    from svgbench.lab.platform import cores
    from svgbench.reporting import FORMATS, make_report, write_report
    from svgbench.terminal import notice, out, out_json, size

    if format_ not in FORMATS:
        raise unknown("format", format_, FORMATS)
    studies = _named(work or [], experiment or [], results, with_reference)
    if budget is not None:
        studies = [study for study, _ in asked(studies, budget)]
    else:
        say_if_absent(results)
    path = output or Path(FORMATS[format_])
    if path.is_dir():
        raise UsageError(f"--output {path}: it is a folder; expected the name of a file")
    tell = _by_work(studies, notice)
    made = make_report(studies, budget, jobs or min(cores(), 2), format_ == "html", tell)
    if not any(one.begun for one in made.experiments):
        notice(f"no results in '{studies[0].store.root}'; the report only says what is missing")
    written = write_report(made, path, format_)
    row: dict[str, Any] = {
        "path": str(written),
        "format": format_,
        "bytes": written.stat().st_size,
        "works": len(made.works),
        "experiments": len(made.experiments),
        "experiments_measured": sum(one.begun for one in made.experiments),
        "figures": sum(len(one.pictures) for one in made.experiments),
        "claims": len(made.claims),
    }
    if as_json:
        return out_json([row])
    out(f"{written}  {size(row['bytes'])}: {made.summary}")


def _named(works: list[str], experiments: list[str], results: Path | None, reference: bool) -> list[Any]:
    """The studies of these works and experiments, each once, in declared order; all if none is named."""
    every = studies_of(None, results, reference=reference)
    known = list(dict.fromkeys(study.experiment.work for study in every))
    for name in works:
        if name not in known:
            raise unknown("work", name, known)
    if not works and not experiments:
        return every
    asked_for = {study.experiment.id for name in experiments for study in studies_of(name, results)}
    return [study for study in every if study.experiment.work in works or study.experiment.id in asked_for]


def _by_work(studies: Sequence[Any], say: Callable[[str], None]) -> Callable[[str], None]:
    """A function that is called with each finished experiment. It says when a work, or one of its parts, is done."""
    works = list(dict.fromkeys(study.experiment.work for study in studies))
    group = {s.experiment.id: s.experiment.work if len(works) > 1 else s.experiment.id for s in studies}
    left = Counter(group.values())
    total = len(left)

    def tell(name: str) -> None:
        left[group[name]] -= 1
        if not left[group[name]] and total > 1:
            done = sum(not rest for rest in left.values())
            say(f"[{done}/{total}] {group[name]}")

    return tell
