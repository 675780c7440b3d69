"""Looking after a results folder and a machine: verify, upgrade, clean, doctor."""

from __future__ import annotations

from typing import Annotated

import typer

from svgbench.commands import completion
from svgbench.commands.options import (
    JsonOption,
    MaybeExp,
    ResultsOption,
    studies_of,
)
from svgbench.words.errors import FAILED, UsageError


def verify(results: ResultsOption = None, as_json: JsonOption = False) -> None:
    """Check every results file against its hashes. Exits with 1 if one is damaged."""
    from svgbench.lab.store import Store
    from svgbench.maintenance import verify as check
    from svgbench.maintenance import verify_sentences
    from svgbench.study import results_root
    from svgbench.terminal import out_json, out_lines

    root = results_root(results)
    if results is not None and not root.is_dir():
        raise UsageError(f"no results folder '{root}'")
    rows = check(Store(root))
    if as_json:
        out_json(rows)
    else:
        out_lines(verify_sentences(rows))
    if any(row["status"] == "damaged" for row in rows):
        raise typer.Exit(FAILED)


def upgrade(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be written.")] = False,
    results: ResultsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Convert results of an older svgbench: names and hashes, no numbers. Exits with 1 if a cell is left unchanged.

    Each CSV is first checked against its hashes. A cell that fails the check is named and left unchanged.
    """
    from dataclasses import asdict

    from svgbench.lab.store import Store
    from svgbench.maintenance import upgrade as carry_over
    from svgbench.maintenance import upgrade_sentences
    from svgbench.study import results_root
    from svgbench.terminal import out_json, out_lines

    root = results_root(results)
    if not root.is_dir():
        raise UsageError(f"no results folder '{root}'")
    found = carry_over(Store(root), dry_run)
    if as_json:
        out_json([asdict(one) for one in found])
    else:
        out_lines(upgrade_sentences(found, dry_run))
    if any(one.status == "left" for one in found):
        raise typer.Exit(FAILED)


def clean(
    experiment: MaybeExp = None,
    checkpoints: Annotated[
        bool, typer.Option("--checkpoints", help="All of .work: unfinished blocks, policies, logs.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be removed.")] = False,
    results: ResultsOption = None,
) -> None:
    """Remove files that are no longer needed. Logs, superseded results, calibrations; results stay."""
    from svgbench.lab.store import Store
    from svgbench.maintenance import clean as sweep
    from svgbench.study import results_root
    from svgbench.terminal import out

    chosen = [None] if experiment is None else [study.experiment for study in studies_of(experiment, results)]
    for one in chosen:
        gone = sweep(Store(results_root(results)), one, checkpoints, dry_run)
        out("\n".join([str(path) for path in gone] or ["nothing to remove"]))


def doctor(
    shared: Annotated[
        bool, typer.Option("--shared", help="Also test two processes against each other in the results folder.")
    ] = False,
    executor: Annotated[
        str,
        typer.Option(
            "--executor",
            metavar="dask:ADDRESS",
            autocompletion=completion.executors,
            help="With --shared: also test this machine and the workers of an engine against each other.",
        ),
    ] = "local",
    results: ResultsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that this machine can run svgbench. Exits with 1 if something is missing."""
    from svgbench.lab.executor import opened
    from svgbench.lab.store import Store
    from svgbench.maintenance import doctor as examine
    from svgbench.study import results_root
    from svgbench.terminal import out_rows

    if executor != "local" and not shared:
        raise UsageError(f"--executor {executor}: expected --shared with it")
    with opened(executor, None) as engine:
        if engine is not None and not hasattr(engine, "places"):
            raise UsageError(f"--executor {executor} cannot test its workers; expected dask:ADDRESS")
        rows = examine(Store(results_root(results)), shared, engine)
    shown = [row | {"ok": "ok" if row["ok"] else "NOT OK"} for row in rows]
    out_rows(rows if as_json else shown, as_json, "", {"check": "check", "ok": "", "detail": "detail"})
    if not all(row["ok"] for row in rows):
        raise typer.Exit(FAILED)
