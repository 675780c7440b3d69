"""The names of our own algorithms and tasks, found by walking their folders: nothing is imported and no list is kept.

An algorithm is called by the stem of its file anywhere under `svgbench/baselines`: "svg_one" is what
`svgbench.baselines.value_gradients.svg_one:make` makes. Files and folders whose name begins with an underscore are
parts of algorithms. Tasks are named in `svgbench.factories`. What another package brings has no name here; it is
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
"""What makes a learner in each of our algorithms' modules."""


def reference_of(name: str) -> str:
    """The "module:attribute" that a name of ours stands for; a reference is itself, an old one of ours what it is now.

    Raises UsageError, with the nearest name, for a name that there is not.
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
    """The name of what "module:attribute" stands for; the reference itself if it is not ours.

    References to where a module of ours once was have the name that they have today. A name is its own name.
    """
    return _names().get(moved.current(reference), reference)


@functools.cache
def algorithms() -> dict[str, str]:
    """Each of our algorithms by its name, as "module:attribute", in alphabetical order."""
    _, folders = locations(OURS)
    relative = ALGORITHMS.split(".")[1:]
    return named_files([folder.joinpath(*relative) for folder in folders], ALGORITHMS)


def named_files(folders: list[Path], package: str) -> dict[str, str]:
    """The public modules under folders that are the package, by stem, as "module:attribute".

    Raises UsageError if two of them have one stem.
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
