"""The source of a module, and the meaning of its names, found without importing it.

A name is followed through the module's own assignments and imports, into other modules' sources. So a config may
inherit fields from a class in another file, and a type may have an alias.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import sys
import zipimport
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union

from svgbench import ranges
from svgbench.lab.fields import KNOWN, TYPING
from svgbench.moved import MOVED
from svgbench.words.errors import UsageError


class UnreadableError(Exception):
    """A name or an expression that the source alone does not explain."""


@dataclass(frozen=True)
class ImportedName:
    """What an imported name refers to: a module, or its `attribute`."""

    module: str
    attribute: str | None = None


STAR = ":*"
"""Follows a module's name where an import binds all of its public names."""

Binding = ast.expr | ast.ClassDef | ast.FunctionDef | ImportedName


@dataclass(frozen=True, eq=False)
class Module:
    """A module's top-level statements, by the name that they bind. The last one counts."""

    name: str
    names: dict[str, Binding]
    stars: tuple[str, ...] = ()  # modules that it imports with `*`

    def find(self, name: str) -> tuple[Module, Binding]:
        """The module that binds a name, found through imports, and what the name is. Raises UnreadableError."""
        found: Module = self
        for _ in range(20):  # ends circular imports
            bound = found.bound(name)
            if not isinstance(bound, ImportedName):
                if bound is None:
                    raise UnreadableError(name)
                return found, bound
            if bound.attribute is None:
                raise UnreadableError(name)
            found, name = _module_of(bound.module), bound.attribute
        raise UnreadableError(name)

    def bound(self, name: str, asked: frozenset[str] = frozenset()) -> Binding | None:
        """What the name is bound to here; None if it is not bound. A name from a `*` import counts as imported.

        Raises UnreadableError if this cannot be known. `asked` are the modules that import from this one.
        """
        if name in self.names or name.startswith("_"):
            return self.names.get(name)
        asked |= {self.name}
        for star in (star for star in reversed(self.stars) if star not in asked):
            try:
                if _module_of(star).bound(name, asked) is not None:
                    return ImportedName(star, name)
            except UnreadableError:
                if star.partition(".")[0] not in sys.stdlib_module_names:  # `math` has no source, and no ranges
                    raise
        return None

    def class_of(self, node: ast.expr) -> tuple[Module, ast.ClassDef]:
        """The class that an expression names, found through assignments and imports, and its module.

        Raises UnreadableError.
        """
        module, bound = self, node
        for _ in range(20):  # ends circular assignments
            if isinstance(bound, ast.Subscript):  # Base[T]
                bound = bound.value
            if isinstance(bound, ast.Name):
                module, found = module.find(bound.id)
            elif isinstance(bound, ast.Attribute):
                module, found = _module_of(module.module_named(bound.value)).find(bound.attr)
            else:
                break
            if isinstance(found, ast.ClassDef):
                return module, found
            if not isinstance(found, ast.expr):
                break
            bound = found
        raise UnreadableError(ast.unparse(node))

    def module_named(self, node: ast.expr) -> str:
        """The full name of the module that `a` or `a.b` refers to. Raises UnreadableError."""
        if isinstance(node, ast.Attribute):
            return f"{self.module_named(node.value)}.{node.attr}"
        bound = self.bound(node.id) if isinstance(node, ast.Name) else None
        if not isinstance(bound, ImportedName):
            raise UnreadableError(ast.unparse(node))
        return bound.module if bound.attribute is None else f"{bound.module}.{bound.attribute}"

    def type_of(self, node: ast.expr) -> Any:
        """The type that an annotation writes, with its ranges. Raises UnreadableError; UsageError for a bad range."""
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                return self.type_of(ast.parse(node.value, mode="eval").body)
            return node.value
        if isinstance(node, ast.Name | ast.Attribute):
            return self._named(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return Union[self.type_of(node.left), self.type_of(node.right)]  # noqa: UP007  # made at run time
        if isinstance(node, ast.Subscript):
            return self._parametrised(node)
        raise UnreadableError(ast.unparse(node))

    def _named(self, node: ast.Name | ast.Attribute) -> Any:
        """What a name means in an annotation: a type, or a name of `typing` or `svgbench.ranges`."""
        if isinstance(node, ast.Name):
            module, name = self, node.id
            if name in KNOWN and self.bound(name) is None:
                return KNOWN[name]
            bound = self.bound(name)
        else:
            module, name = self, node.attr
            bound = ImportedName(self.module_named(node.value), name)
        if isinstance(bound, ImportedName) and bound.attribute is not None:
            light = _light(bound)
            if light is not None:
                return light
            module, name = _module_of(bound.module), bound.attribute
        module, bound = module.find(name)
        if isinstance(bound, ast.expr):
            return module.type_of(bound)
        raise UnreadableError(name)

    def _parametrised(self, node: ast.Subscript) -> Any:
        outer = self.type_of(node.value)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if outer is Literal:
            return Literal[tuple(map(self.value_of, parts))]
        if outer is Annotated:
            constraints = tuple(filter(None, map(self._constraint, parts[1:])))
            kind = self.type_of(parts[0])
            return Annotated[(kind, *constraints)] if constraints else kind
        try:
            return outer[tuple(map(self.type_of, parts))] if len(parts) > 1 else outer[self.type_of(parts[0])]
        except TypeError:
            raise UnreadableError(ast.unparse(node)) from None

    def _constraint(self, node: ast.expr) -> ranges.Constraint | None:
        """The range that an expression makes; None if it is not one of svgbench's ranges."""
        if not isinstance(node, ast.Call):
            return None
        try:
            kind = self.type_of(node.func)
        except UnreadableError:
            return None
        if not (isinstance(kind, type) and issubclass(kind, ranges.Constraint)):
            return None
        try:
            words = {word.arg: self.value_of(word.value) for word in node.keywords if word.arg}
            made: ranges.Constraint = kind(*map(self.value_of, node.args), **words)
        except (UnreadableError, TypeError, ValueError) as error:
            raise UsageError(f"{self.name}: {ast.unparse(node)} cannot be read as a range: {error}") from None
        return made

    def value_of(self, node: ast.expr) -> Any:
        """The value of a literal, or of a name assigned to one, here or in another module. Dicts may contain others.

        Raises UnreadableError.
        """
        if isinstance(node, ast.Name):
            module, bound = self.find(node.id)
            if isinstance(bound, ast.expr):
                return module.value_of(bound)
        if isinstance(node, ast.Attribute):
            module, bound = _module_of(self.module_named(node.value)).find(node.attr)
            if isinstance(bound, ast.expr):
                return module.value_of(bound)
        if isinstance(node, ast.Dict):
            whole: dict[Any, Any] = {}
            for key, value in zip(node.keys, node.values, strict=True):
                whole |= self.value_of(value) if key is None else {self.value_of(key): self.value_of(value)}
            return whole
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError):
            raise UnreadableError(ast.unparse(node)) from None


@functools.cache
def module(name: str) -> Module:
    """The module of that name. Raises UsageError if it cannot be found or read."""
    path = path_of(name)
    if path is None:
        raise UsageError(f"no module '{name}' can be found")
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (OSError, SyntaxError, ValueError) as error:
        raise UsageError(f"the source of module '{name}' cannot be read: {error}") from None
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    names: dict[str, Binding] = {}
    for node in _statements(tree.body):
        names.update(_bindings(node, package))
    stars = [key for key in names if key.endswith(STAR)]
    return Module(name, {key: names[key] for key in names if key not in stars}, tuple(s[: -len(STAR)] for s in stars))


def locations(top: str) -> tuple[Path | None, list[Path]]:
    """The file of a top-level module, and the folders that hold its submodules.

    Empty if the module does not exist; a namespace has no file. Raises UsageError for a module in an archive.
    """
    try:
        spec = importlib.util.find_spec(top)
    except (ModuleNotFoundError, ValueError):
        return None, []
    if spec is None:
        return None, []
    loader: object = spec.loader
    if isinstance(loader, zipimport.zipimporter):
        where = loader.archive
        raise UsageError(f"module '{top}' is in the archive {where}; expected source in a folder, which can be read")
    return Path(spec.origin) if spec.origin else None, list(map(Path, spec.submodule_search_locations or ()))


def path_of(name: str) -> Path | None:
    """The file of a module. Only its top package is looked up, because `find_spec` would import the parent packages."""
    top, *rest = MOVED.get(name, name).split(".")
    file, folders = locations(top)
    if not rest:
        return file
    for folder in folders:
        base = folder.joinpath(*rest)
        for path in (base / "__init__.py", base.with_suffix(".py")):
            if path.is_file():
                return path
    return None


def _module_of(name: str) -> Module:
    try:
        return module(name)
    except UsageError as error:
        raise UnreadableError(str(error)) from None


def _light(name: ImportedName) -> Any:
    """The names that may be looked up by importing: those of `typing` and of `svgbench.ranges`."""
    if name.module in ("typing", "typing_extensions"):
        return TYPING.get(name.attribute or "")
    return getattr(ranges, name.attribute or "", None) if name.module == ranges.__name__ else None


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, including those under `if` and `try`."""
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from _statements([*node.orelse, *node.body])
        elif isinstance(node, ast.Try):
            yield from _statements([*node.body, *node.orelse])


def _bindings(node: ast.stmt, package: str) -> dict[str, Binding]:
    """The names that a statement binds."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return {node.name: node}
    if isinstance(node, ast.Assign):
        bound: dict[str, Binding] = {}
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):  # a, b = 1, 2
                both = zip(target.elts, node.value.elts, strict=False)
                bound |= {one.id: value for one, value in both if isinstance(one, ast.Name)}
            elif isinstance(target, ast.Name):
                bound[target.id] = node.value
        return bound
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        return {node.target.id: node.value}
    if isinstance(node, ast.Import):
        pairs = [(a.asname, a.name) if a.asname else (a.name.partition(".")[0],) * 2 for a in node.names]
        return {bound: ImportedName(whole) for bound, whole in pairs}
    if isinstance(node, ast.ImportFrom):
        inside = "." * node.level + (node.module or "")
        source = importlib.util.resolve_name(inside, package) if node.level else inside
        named = (f"{source}{STAR}" if alias.name == "*" else alias.asname or alias.name for alias in node.names)
        return {bound: ImportedName(source, alias.name) for bound, alias in zip(named, node.names, strict=True)}
    return {}
