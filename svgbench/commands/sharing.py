"""Results for those who have no clone: bundle, fetch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import svgbench
from svgbench.commands import completion
from svgbench.commands.options import ResultsOption
from svgbench.words.errors import UsageError


def bundle(
    output: Annotated[Path, typer.Option("--output", help="The folder for the archives and index.json.")],
    works: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORK]...",
            autocompletion=completion.works,
            help="Works, such as maac; all with results if left out.",
        ),
    ] = None,
    results: ResultsOption = None,
) -> None:
    """Pack results for others. One archive per work, and an index with their hashes, which `fetch` reads.

    Only finished seeds are packed, each checked against its hash. Equal results give equal archives.
    """
    from svgbench.lab.bundle import INDEX
    from svgbench.lab.bundle import bundle as pack
    from svgbench.study import results_root
    from svgbench.terminal import out, size

    root = results_root(results)
    if not root.is_dir():
        raise UsageError(f"no results folder '{root}'")
    for archive in pack(root, works or (), output, svgbench.__version__).archives:
        out(f"{output / archive.file}: {archive.files} files, {size(archive.bytes)}, sha256 {archive.sha256}")
    out(str(output / INDEX))


def fetch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder that `bundle` wrote, its index.json or one of its archives: a path, or an http(s) address.",
        ),
    ],
    works: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WORK]...", autocompletion=completion.works, help="Only these works, such as maac."),
    ] = None,
) -> None:
    """Get reference results. Verified, and put into a folder of their own, for --with-reference.

    The folder is in your user data, or SVGBENCH_REFERENCE. What is already there is not fetched again.
    """
    from svgbench.lab.fetch import fetch as get
    from svgbench.lab.reference import reference_root
    from svgbench.terminal import notice, out, size

    for one in get(source, works or (), reference_root(), notice):
        what = f"{one.archive.files} files, {size(one.archive.unpacked)}" if one.new else "already here"
        out(f"{one.archive.work}: {what}: {one.folder}")
    out("--with-reference of list, compare, plot, table and report reads them")
