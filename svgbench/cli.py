"""The command line: parse, call, print. `svgbench --help` and every usage error stay quick: nothing slow is imported
before a command needs it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

import svgbench
from svgbench.commands import judging, keeping, reading, running, tuning
from svgbench.lab.errors import BUSY, FAILED, OK, USAGE, BusyError, DamagedError, UsageError

EPILOG = (
    "Exit status: 0 all that was asked for is done; 1 a run failed; 2 usage; 3 a verdict is WORSE or a claim REFUTED "
    "under --strict, or a setting is not the chosen one under --check; 4 incomplete; 75 results busy; 130, 143 "
    "interrupted."
)

app = typer.Typer(
    name="svgbench",
    help="Rerun published experiments on policy optimisation, and say with statistics what holds.",
    epilog=EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def top(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
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
    "tune": tuning.tune,
    "deviations": reading.deviations,
    "diff": judging.diff,
    "import": judging.import_,
    "verify": keeping.verify,
    "clean": keeping.clean,
    "doctor": keeping.doctor,
}
for name, command in COMMANDS.items():
    app.command(name)(command)


def main() -> NoReturn:
    """The program: one line for every error a user can act on, and the documented exit status."""
    sys.exit(_status_of(lambda: app(standalone_mode=False, prog_name="svgbench")))


def _status_of(command: Callable[[], Any]) -> int:
    try:
        status = command()
        sys.stdout.flush()
        return status if isinstance(status, int) else OK
    except typer.Exit as done:
        return done.exit_code
    except typer.Abort:
        return _fail("stopped", 130)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except UsageError as error:
        return _fail(str(error), USAGE)
    except TyperException as error:
        return _fail(error.format_message(), USAGE)
    except BusyError as error:
        return _fail(str(error), BUSY)
    except DamagedError as error:
        return _fail(str(error), FAILED)
    except BrokenPipeError:
        sys.stderr.close()
        return OK
    except OSError as error:
        return _fail(f"{error.filename or ''}: {error.strerror or error}", FAILED)


def _fail(message: str, status: int) -> int:
    sys.stderr.write("svgbench: " + " ".join(message.split()) + "\n")
    return status


if __name__ == "__main__":
    main()
