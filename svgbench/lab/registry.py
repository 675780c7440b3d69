"""The names of our own algorithms and tasks, found by walking their folders: nothing is imported and no list is kept.

An algorithm's name is the stem of its file anywhere under `svgbench/baselines`: "svg_one" is what
`svgbench.baselines.value_gradients.svg_one:make` makes. Files and folders whose name begins with an underscore are
parts of algorithms. Tasks are named in `svgbench.factories`. Algorithms of other packages have no name here; they are
written "package.module:attribute".
"""

from __future__ import annotations

import functools
from pathlib import Path

from svgbench import factories, moved
from svgbench.lab.modules import locations
from svgbench.words.errors import UsageError, unknown

OURS = "svgbench"
ALGORITHMS = f"{OURS}.baselines"
FACTORY = "make"
"""The function that makes a learner in each of our algorithms' modules."""


def reference_of(name: str) -> str:
    """The "module:attribute" of one of our names. References are returned as they are, old ones of ours updated.

    Raises UsageError, with the nearest name, for an unknown name.
    """
    if ":" in name:
        return moved.current(name)
    table = algorithms()
    if name not in table:
        if "/" in name or name in factories.tasks():
            return factories.task_reference(name)
        raise unknown("algorithm", name, table)
    return table[name]


def name_of(reference: str) -> str:
    """The name for "module:attribute"; the reference itself if it is not ours.

    References to the former place of one of our modules get today's name. A name is returned as it is.
    """
    return _names().get(moved.current(reference), reference)


@functools.cache
def algorithms() -> dict[str, str]:
    """Each of our algorithms by its name, as "module:attribute", in alphabetical order."""
    _, folders = locations(OURS)
    relative = ALGORITHMS.split(".")[1:]
    return named_files([folder.joinpath(*relative) for folder in folders], ALGORITHMS)


def named_files(folders: list[Path], package: str) -> dict[str, str]:
    """The public modules under the package's folders, by stem, as "module:attribute".

    Raises UsageError if two modules have the same stem.
    """
    found: dict[str, Path] = {}
    table: dict[str, str] = {}
    for folder in folders:
        for path in factories.public_files(folder):
            place = path.relative_to(folder)
            if path.stem in found:
                raise UsageError(f"two algorithms are called {path.stem}: {found[path.stem]} and {place}; rename one")
            found[path.stem] = place
            table[path.stem] = f"{'.'.join((package, *place.with_suffix('').parts))}:{FACTORY}"
    return dict(sorted(table.items()))


@functools.cache
def _names() -> dict[str, str]:
    return {reference: name for name, reference in (algorithms() | factories.tasks()).items()}
