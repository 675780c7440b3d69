"""What somebody else's code was when a number was measured: a hash of its package's source.

Our own algorithms and tasks state a VERSION that is raised when a number may change. Of other packages we cannot know
that they keep to this, so the identity of their cells also contains a hash of their `.py` files: what was mended is run
anew, and a checkpoint of the old code is not resumed. Code that lies beside them in a folder of one's own, and that
they import, counts as theirs. Nothing is imported.
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
"""Folders in which somebody else's packages lie beside each other."""


def sources(*references: str) -> dict[str, str]:
    """The hash of the source of each package, not ours, that references name; by the package's name.

    Raises UsageError for source that cannot be found or read.
    """
    modules = (split_reference(reference)[0] for reference in references)
    return dict(sorted(source_hash(module) for module in modules if module.partition(".")[0] != OURS))


@functools.cache
def source_hash(module: str) -> tuple[str, str]:
    """The package that a module is in, or itself where it is in none, and 12 hexadecimal digits for its source.

    Of a package every `.py` file counts, by its place and its lines, whatever ends these; hidden files do not count.
    What is above it in a namespace is not of it. Data files do not count: they may be large, and may be caches.
    Of the modules and packages beside it, those that it imports by name count too, and what these import; but none in a
    folder of installed packages.
    """
    name, path = _outermost(module)
    return name, _hashed(path)


@functools.cache
def _hashed(path: Path) -> str:
    """Of a file, or of every file under a folder."""
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
    """Each `.py` file with its place under `path`, in the order of the places."""
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
    """Each `.py` file of the modules and packages beside `path` that its `own` files import, directly or not."""
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
    """The first part of every absolute name that a file imports, anywhere in it."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # a template, say: nothing can import it
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]


def _outermost(module: str) -> tuple[str, Path]:
    """The first package or module on the way down to `module` that is no namespace: its name, its folder or file."""
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
