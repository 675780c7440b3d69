"""The formats that `svgbench import` reads, one file each.

A file here defines `FORMAT`, a `Format`. Its name is the format's name, with hyphens for underscores: a new format is
one new file. Libraries that a format needs are imported when it reads.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING

from svgbench.words.errors import UsageError, unknown

if TYPE_CHECKING:
    from svgbench.analysis.read.foreign import Format

AUTO = "auto"


@functools.cache
def names() -> tuple[str, ...]:
    """The names of all formats. Imports none of them."""
    found = (module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    return tuple(sorted(name.replace("_", "-") for name in found))


def format_of(name: str) -> Format:
    """The format of that name. Raises UsageError, with the nearest name, for an unknown one."""
    if name not in names():
        raise unknown("format", name, (AUTO, *names()))
    found: Format = importlib.import_module(f"{__name__}.{name.replace('-', '_')}").FORMAT
    return found


def needs(extra: str, error: ImportError) -> UsageError:
    """The error for a library that is not installed, with the extra that brings it."""
    return UsageError(f"{error.name} is not installed; pip install 'svgbench[{extra}]'")
