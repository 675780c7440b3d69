"""The options that commands share, and how they are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from svgbench.commands import completion
from svgbench.streams import Output
from svgbench.words.errors import UsageError

MOST_JOBS = 1024  # more is probably a typo, and would start as many processes
MOST_LINES = 10**9

Exp = Annotated[
    str,
    typer.Argument(
        metavar="EXP",
        autocompletion=completion.experiments,
        help="An experiment, such as maac/fig3; or fig3 for every such figure; or a work, such as maac.",
    ),
]
MaybeExp = Annotated[
    str | None,
    typer.Argument(
        metavar="EXP", autocompletion=completion.experiments, help="An experiment or a work; all if left out."
    ),
]
BudgetOption = Annotated[
    str | None, typer.Option("--budget", autocompletion=completion.budgets, help="paper, short or smoke.")
]
SeedsOption = Annotated[str | None, typer.Option("--seeds", help="A count (10), a range (3-5) or a list (0,4,7).")]
TasksOption = Annotated[
    list[str] | None,
    typer.Option("--tasks", autocompletion=completion.tasks, help="Only these tasks, comma-separated."),
]
VariantsOption = Annotated[
    list[str] | None,
    typer.Option("--variants", autocompletion=completion.variants, help="Only these variants, comma-separated."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        metavar="KEY=VALUE",
        autocompletion=completion.settings,
        help="Change a setting, in the cells that have it; repeatable.",
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        parser=lambda text: parse_count("--jobs", text, 1, MOST_JOBS),
        metavar="INTEGER",
        help="Blocks at once; by default one per core.",
    ),
]
LinesOption = Annotated[
    int,
    typer.Option(
        "--lines",
        "-n",
        parser=lambda text: parse_count("--lines", str(text), 0, MOST_LINES),
        metavar="INTEGER",
        help="Last lines to print of each log.",
    ),
]
DeviceOption = Annotated[
    str,
    typer.Option(
        "--device", autocompletion=completion.devices, help="cpu, cuda, cuda:N, or cuda:0,cuda:1 for several."
    ),
]
PrecisionOption = Annotated[
    str,
    typer.Option(
        "--precision",
        autocompletion=completion.precisions,
        help="Of matrix products on a processor: float32, or bf16 for layers of 128 units or more.",
    ),
]
ExecutorOption = Annotated[
    str,
    typer.Option(
        "--executor",
        autocompletion=completion.executors,
        metavar="NAME[:ADDRESS]",
        help="Where blocks run: local, dask:ADDRESS of a scheduler, dask:local, or another installed one.",
    ),
]
ResultsOption = Annotated[
    Path | None, typer.Option("--results", help="The results folder. [default: $SVGBENCH_RESULTS or ./results]")
]
ReferenceOption = Annotated[
    bool,
    typer.Option(
        "--with-reference", help="Read the cells that the results folder lacks from reference results (fetch)."
    ),
]
ReplicateOption = Annotated[
    bool,
    typer.Option(
        "--replicate", help="Repeat stored runs that another platform made, and keep them beside the first ones."
    ),
]
TimeLimitOption = Annotated[str | None, typer.Option("--time-limit", help="Stop at a checkpoint after 90s, 2h.")]
FitsOption = Annotated[
    str | None, typer.Option("--fits", help="List the cells that fit into 10h, 90m, the cheapest first.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask before more than an hour of work.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Print every detail.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a list of flat JSON objects.")]
StrictOption = Annotated[
    bool,
    typer.Option(
        "--strict",
        callback=lambda context, value: judge_to_the_end(context, value),
        help="Exit with 3 on WORSE or REFUTED, with 4 if incomplete.",
    ),
]


def selection_of(
    budget: str | None,
    seeds: str | None = None,
    tasks: list[str] | None = None,
    variants: list[str] | None = None,
    overrides: list[str] | None = None,
    device: str = "cpu",
    precision: str = "float32",
    *,
    elsewhere: bool = False,
) -> Any:
    """What to select. `elsewhere`: the runs are not on this machine, which may lack the device or the precision."""
    from svgbench.lab import platform
    from svgbench.lab import precision as of_products
    from svgbench.lab.cells import Selection, parse_seeds

    devices = device_list(device)
    of_products.check(precision, devices[0], elsewhere)
    if not elsewhere:
        platform.check_device(max(devices, key=lambda one: (len(one), one)))  # the GPU of the largest number
    return Selection(
        budget=budget or "paper",
        seeds=None if seeds is None else parse_seeds(seeds),
        tasks=words_of("--tasks", tasks),
        variants=words_of("--variants", variants),
        overrides=tuple(overrides or ()),
        device=devices[0],
        precision=precision,
    )


def device_list(text: str) -> tuple[str, ...]:
    """The devices that `--device` names: one, or several GPUs by their numbers. UsageError says what was expected."""
    devices = tuple(text.split(","))
    pattern = r"cpu|cuda(:[0-9]{1,4})?" if len(devices) == 1 else r"cuda:[0-9]{1,4}"
    if not all(re.fullmatch(pattern, one) for one in devices):
        raise UsageError(f"--device {text}: expected cpu, cuda or cuda:N, or a list such as cuda:0,cuda:1")
    if len(set(devices)) < len(devices):
        raise UsageError(f"--device {text} names a device twice; for two blocks on each of N GPUs say --jobs 2N")
    return devices


def words_of(option: str, values: list[str] | None) -> tuple[str, ...]:
    words = tuple(word.strip() for value in values or () for word in value.split(",") if word.strip())
    if values and not words:
        raise UsageError(f"{option} {','.join(values)}: expected names, separated by commas")
    return words


def parse_count(option: str, text: str, least: int, most: int) -> int:
    """A whole number within bounds, in plain digits. Raises UsageError that says what was expected."""
    digits = text.strip()
    if digits.isascii() and digits.isdigit() and len(digits) < 20 and least <= int(digits) <= most:
        return int(digits)
    raise UsageError(f"{option} {text}: expected a whole number from {least} to {most}")


def judge_to_the_end(context: typer.Context, strict: bool) -> bool:
    """Finish judging even if nobody reads the output, so that the exit status is that of `--strict`."""
    if strict and isinstance(context.obj, Output):
        context.obj.patient = True
    return strict


def studies_of(name: str | None, results: Path | None, quiet: bool = False, reference: bool = False) -> list[Any]:
    """The studies that a name means. Prints which ones if the name was short."""
    from svgbench import reproduce
    from svgbench.study import studies
    from svgbench.terminal import notice

    found = list(reproduce.experiments().values()) if name is None else reproduce.resolve(name)
    if name is not None and found[0].id != name and not quiet:
        notice(f"{name} means {', '.join(e.id for e in found)}")
    return studies(found, results, reference)


def say_if_absent(results: Path | None) -> None:
    """Warn if the results folder to read from is not a folder, because the name may be wrong."""
    from svgbench.study import results_root
    from svgbench.terminal import notice

    root = results_root(results)
    if root.is_dir():
        return
    if root.exists():
        notice(f"'{root}' is a file; expected a results folder")
    elif results is not None and results.absolute() != results_root().absolute():
        notice(f"there is no folder '{root}'")
