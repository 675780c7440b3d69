"""The command-line app. `svgbench --help` and usage errors stay quick: nothing slow is imported until a command needs
it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
import typer.core
from typer.exceptions import TyperException

import svgbench
from svgbench.commands import (
    diffing,
    exchanging,
    judging,
    keeping,
    policies,
    reading,
    reporting,
    running,
    sharing,
    tuning,
)
from svgbench.streams import Output, OutputError
from svgbench.words.errors import (
    BUSY,
    FAILED,
    INCOMPLETE,
    OK,
    USAGE,
    BusyError,
    DamagedError,
    EngineLostError,
    UsageError,
)

EPILOG = (
    "Exit status: 0 everything requested is done; 1 a run failed; 2 usage; 3 under --strict: a verdict is WORSE, a "
    "claim REFUTED, or a measure of B worse; under --exact: a bit differs; under --check: a setting is not the "
    "chosen one; 4 incomplete, or stopped by SIGTERM; 75 results busy; 130 interrupted; 141 the reader of its output "
    "went away."
)

LONGEST_LINE = 1200  # characters of an error; a longer one repeats pasted text

app = typer.Typer(
    name="svgbench",
    help="Rerun published experiments on policy optimisation, and say with statistics what holds.",
    epilog=EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def top(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if isinstance(context.obj, Output):
        context.obj.patient = context.invoked_subcommand in WRITING
    if version:
        from svgbench.lab.platform import release
        from svgbench.terminal import out

        out(f"svgbench {svgbench.__version__} (torch {release('torch')}, mujoco {release('mujoco')})")
    elif context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")


COMMANDS: dict[str, Callable[..., None]] = {
    "list": reading.list_,
    "show": reading.show,
    "plan": running.plan,
    "run": running.run,
    "status": reading.status,
    "logs": reading.logs,
    "plot": judging.plot,
    "table": judging.table,
    "compare": judging.compare,
    "report": reporting.report,
    "tune": tuning.tune,
    "policy": policies.policy,
    "video": policies.video,
    "deviations": reading.deviations,
    "diff": diffing.diff,
    "import": exchanging.import_,
    "export": exchanging.export,
    "bundle": sharing.bundle,
    "fetch": sharing.fetch,
    "verify": keeping.verify,
    "upgrade": keeping.upgrade,
    "clean": keeping.clean,
    "doctor": keeping.doctor,
}


class Command(typer.core.TyperCommand):
    """A command that refuses an empty argument, which is usually a shell variable that was never set."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:  # during completion, an option whose value is being typed would hide all other words
            return super().parse_args(ctx, args[:-1] if args and args[-1].startswith("-") else args)
        for before, word in zip(["", *args], args, strict=False):
            option, equals, value = word.partition("=") if word.startswith("--") else (before, True, word)
            if equals and not value.strip():
                raise UsageError(f"{option}: expected a value, got '{value}'".removeprefix(": "))
        return super().parse_args(ctx, args)


for name, command in COMMANDS.items():
    app.command(name, cls=Command)(command)


WRITING = ("run", "tune", "import", "report", "bundle", "fetch", "clean")
"""These commands finish their work even if nobody reads their output; a command that only reads ends at once."""


def status_of(output: Output) -> int:
    """Run the command that `sys.argv` names. Return its exit status; print one line for an error."""
    try:
        status = _run(output)
        sys.stdout.flush()
    except OutputError:
        status = OK
    if output.error is not None and output.status == FAILED:
        _fail(f"standard output: {output.error.strerror}", FAILED)
    return status or output.status


def _run(output: Output) -> int:
    try:
        status = app(standalone_mode=False, prog_name="svgbench", obj=output)
        return status if isinstance(status, int) else OK
    except typer.Abort:
        return _fail("stopped", 130)
    except UsageError as error:
        return _fail(str(error), USAGE)
    except TyperException as error:
        return _fail(error.format_message(), USAGE)
    except BusyError as error:
        return _fail(str(error), BUSY)
    except EngineLostError as error:
        return _fail(str(error), INCOMPLETE)
    except DamagedError as error:
        return _fail(str(error), FAILED)
    except OSError as error:
        return _fail(": ".join(str(part) for part in (error.filename, error.strerror or error) if part), FAILED)


def _fail(message: str, status: int) -> int:
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(message.split()))
    if len(line) > LONGEST_LINE:
        line = f"{line[: LONGEST_LINE - 200]} ... {line[-200:]}"
    sys.stderr.write(f"svgbench: {line}\n")
    return status
