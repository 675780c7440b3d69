"""The formats that `svgbench export` writes, one file each.

A file here defines `EXPORT`, an `Export`. Its name is the format's name, with hyphens for underscores. Libraries that a
format needs are imported when it writes.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING

from svgbench.words.errors import unknown

if TYPE_CHECKING:
    from svgbench.analysis.show.exported import Export


@functools.cache
def names() -> tuple[str, ...]:
    """The names of all formats. Imports none of them."""
    found = (module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    return tuple(sorted(name.replace("_", "-") for name in found))


def export_of(name: str) -> Export:
    """The format of that name. Raises UsageError, with the nearest name, for an unknown one."""
    if name not in names():
        raise unknown("format", name, names())
    found: Export = importlib.import_module(f"{__name__}.{name.replace('-', '_')}").EXPORT
    return found
