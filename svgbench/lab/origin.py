"""The state of another package's code when a number was measured: a hash of its source.

svgbench's own algorithms and tasks have a VERSION that is raised when a number may change. Other packages may forget
this. The identity of their cells therefore also contains a hash of their `.py` files. After a change their cells are
run again, and a checkpoint of the old code is not resumed. Code that they import from the same folder counts as theirs,
except in a folder of installed packages. Nothing is imported.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from svgbench.lab.modules import locations
from svgbench.lab.registry import OURS
from svgbench.lab.source import split_reference
from svgbench.words.errors import UsageError

INSTALLED = ("site-packages", "dist-packages")
"""Folders of installed packages, where neighbours are unrelated."""


def sources(*references: str) -> dict[str, str]:
    """The source hash of each package outside svgbench that the references name, by the package's name.

    Raises UsageError for source that cannot be found or read.
    """
    modules = (split_reference(reference)[0] for reference in references)
    return dict(sorted(source_hash(module) for module in modules if module.partition(".")[0] != OURS))


@functools.cache
def source_hash(module: str) -> tuple[str, str]:
    """The package of a module (or the module itself if it has none), and 12 hexadecimal digits for its source.

    Every `.py` file of a package counts, by its path and its lines, with any line endings. Hidden files do not count,
    nor does the namespace above a package. Data files do not count: they may be large, and may be caches.
    Modules and packages in the same folder count too if the package imports them by name, directly or indirectly. In a
    folder of installed packages they do not.
    """
    name, path = _outermost(module)
    return name, _hashed(path)


@functools.cache
def _hashed(path: Path) -> str:
    """The hash of a file, or of every file under a folder."""
    digest = hashlib.sha256()
    try:
        own = _files(path)
        for place, file in [*own, *_beside(path, own)]:
            text = file.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            digest.update(b"%d %s %d\n%s" % (len(place), place.encode(), len(text), text))
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}: svgbench reads the source of {path.name}") from None
    return digest.hexdigest()[:12]


def _files(path: Path) -> list[tuple[str, Path]]:
    """Each `.py` file with its relative path under `path`, sorted by that path."""
    if path.is_file():
        return [("", path)]

    def refuse(error: OSError) -> None:
        raise error

    found = []
    for folder, folders, names in os.walk(path, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files = (Path(folder, name) for name in names if name.endswith(".py") and not name.startswith("."))
        found += [(file.relative_to(path).as_posix(), file) for file in files]
    return sorted(found)


def _beside(path: Path, own: list[tuple[str, Path]]) -> list[tuple[str, Path]]:
    """Each `.py` file of the modules and packages beside `path` that its `own` files import, directly or indirectly."""
    home, known = path.parent, {OURS, path.name.removesuffix(".py")}
    found: list[tuple[str, Path]] = []
    left = [] if home.name in INSTALLED else [file for _, file in own]
    while left:
        for name in _imported(left.pop()):
            if name in known:
                continue
            known.add(name)
            if (home / name / "__init__.py").is_file():
                new = [(f"../{name}/{place}", file) for place, file in _files(home / name)]
            else:
                new = [(f"../{file.name}", file) for file in [home / f"{name}.py"] if file.is_file()]
            found += new
            left += [file for _, file in new]
    return sorted(found)


def _imported(file: Path) -> Iterator[str]:
    """The first part of every absolute module name that a file imports."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # for example a template: nothing can import it
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]


def _outermost(module: str) -> tuple[str, Path]:
    """The first parent of `module` (or itself) that is not a namespace: its name, and its folder or file."""
    parts = module.split(".")
    file, folders = locations(parts[0])
    for depth in range(1, len(parts) + 1):
        name = ".".join(parts[:depth])
        if file is not None:
            return name, file.parent if file.name == "__init__.py" else file
        if depth < len(parts):
            below = [folder / parts[depth] for folder in folders]
            candidates = [path for base in below for path in (base / "__init__.py", base.with_suffix(".py"))]
            file = next((path for path in candidates if path.is_file()), None)
            folders = [base for base in below if base.is_dir()]
    raise UsageError(f"no module '{module}' can be found")
