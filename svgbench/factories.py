"""The names of our tasks, found by reading their folder: nothing is imported and no list is kept.

A function `make_...` under `svgbench/tasks` makes a task. The task's name is the folder and the function's name, with
hyphens: "svg/cart-pole" is what `svgbench.tasks.svg.cart_pole:make_cart_pole` makes. At the top of the folder it is
the function's name alone. Files and folders whose name begins with an underscore are parts of tasks. Tasks of other
packages have no name here; they are written "package.module:attribute".
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

from svgbench import moved
from svgbench.words.errors import UsageError, unknown

FOLDER = Path(__file__).with_name("tasks")
PACKAGE = "svgbench.tasks"
_FACTORY = re.compile(r"^def make_(\w+)\(", re.MULTILINE)


@functools.cache
def tasks() -> dict[str, str]:
    """Each of our tasks' factories by its name, as "module:attribute", in alphabetical order."""
    return named_factories(FOLDER, PACKAGE)


def task_reference(name: str) -> str:
    """The "module:attribute" of a task's name. References are returned as they are, old ones of ours updated.

    Raises UsageError, with the nearest name, for an unknown name.
    """
    if ":" in name:
        return moved.current(name)
    if name not in tasks():
        raise unknown("task", name, tasks())
    return tasks()[name]


def task_place(name: str) -> tuple[str, str]:
    """The module and the function of a task's name, or of a reference. Errors as `task_reference`."""
    module, _, function = task_reference(name).partition(":")
    return module, function


def named_factories(folder: Path, package: str) -> dict[str, str]:
    """The factories in the public modules under the folder of a package, by name, as "module:attribute".

    Raises UsageError if two of them have the same name.
    """
    found: dict[str, str] = {}
    for path in public_files(folder):
        place = path.relative_to(folder)
        for function in _FACTORY.findall(path.read_text(encoding="utf-8")):
            name = "/".join((*place.parent.parts, function.replace("_", "-")))
            reference = f"{'.'.join((package, *place.with_suffix('').parts))}:make_{function}"
            if name in found:
                raise UsageError(f"two tasks are called {name}: {found[name]} and {reference}; rename one")
            found[name] = reference
    return dict(sorted(found.items()))


def public_files(folder: Path) -> Iterator[Path]:
    """The Python files under a folder, sorted by path, except where a part of the path begins with "_" or "."."""
    for path in sorted(folder.rglob("*.py")):
        if not any(part.startswith(("_", ".")) for part in path.relative_to(folder).parts):
            yield path
