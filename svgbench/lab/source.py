"""What a learner's or a task's module declares, read without importing it.

`list`, `status` and every usage error must know versions, config fields and profiles, and must not pay for
importing torch. So those are literals at module level, and are read from the source:

    VERSION = 3
    class Config: ...            # fields with simple types and literal defaults
    PROFILES = {"text": {...}, "code": {...}}
"""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from svgbench.lab.errors import UsageError, unknown

TYPES: dict[str, Any] = {
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "tuple[int, ...]": tuple[int, ...],
    "tuple[float, ...]": tuple[float, ...],
    "tuple[str, ...]": tuple[str, ...],
}

REQUIRED = object()


@dataclass(frozen=True)
class Declared:
    """The literals of one module. `types` and `defaults` have one entry per config field."""

    module: str
    version: int
    types: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def config(self, *layers: Mapping[str, Any], profile: str | None = None) -> dict[str, Any]:
        """The whole config: defaults, then the profile, then each layer in turn.

        Raises UsageError for a field that the config does not have, or one left without a value.
        """
        if profile is not None and profile not in self.profiles:
            raise unknown(f"profile of {self.module}", profile, self.profiles)
        resolved = dict(self.defaults)
        for layer in (self.profiles[profile] if profile else {}, *layers):
            for name, value in layer.items():
                if name not in self.types:
                    raise unknown(f"config field of {self.module}", name, self.types)
                resolved[name] = value
        empty = [name for name, value in resolved.items() if value is REQUIRED]
        if empty:
            raise UsageError(f"{self.module}: no value for config field {empty[0]!r}")
        return resolved

    def parse(self, name: str, text: str) -> Any:
        """`text` as the type of field `name`; UsageError says what was expected."""
        if name not in self.types:
            raise unknown("config field", name, self.types)
        return parse_value(name, text, self.types[name])


def parse_value(name: str, text: str, annotation: str) -> Any:
    """The value that `text` writes for a field of that type, by pydantic's rules for strings."""
    import pydantic

    if annotation.startswith("Literal["):
        return _one_of(name, text, annotation)
    if annotation not in TYPES:
        raise UsageError(f"-o {name}={text}: a field of type {annotation} cannot be set on the command line")
    raw: Any = text
    if annotation.startswith("tuple"):
        raw = [part for part in text.strip("()[] ").split(",") if part.strip()]
    try:
        return pydantic.TypeAdapter(TYPES[annotation]).validate_python(raw)
    except pydantic.ValidationError:
        raise UsageError(f"-o {name}={text}: expected a value of type {annotation}") from None


def _one_of(name: str, text: str, annotation: str) -> str:
    """`text` if it is one of the strings of `Literal["a", "b"]`."""
    node = ast.parse(annotation, mode="eval").body
    assert isinstance(node, ast.Subscript)
    choices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    words = [str(ast.literal_eval(choice)) for choice in choices]
    if text not in words:
        raise unknown(f"value of {name}", text, words)
    return text


def split_reference(reference: str) -> tuple[str, str]:
    """ "module:attribute" in its two parts; UsageError if it is not of that form."""
    module, _, attribute = reference.partition(":")
    if not module or not attribute:
        raise UsageError(f"'{reference}' is not of the form module:attribute")
    return module, attribute


@functools.cache
def declared(reference: str) -> Declared:
    """What the module of "module:attribute" declares. Raises UsageError if it cannot be found or read."""
    module, _ = split_reference(reference)
    tree = ast.parse(_source_of(module))
    constants: dict[str, ast.expr] = {}
    config: ast.ClassDef | None = None
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            constants[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            constants[node.target.id] = node.value
        elif isinstance(node, ast.ClassDef) and node.name == "Config":
            config = node
    if "VERSION" not in constants:
        raise UsageError(f"{module} states no VERSION")
    types, defaults = _fields(module, config)
    profiles = _literal(module, "PROFILES", constants["PROFILES"]) if "PROFILES" in constants else {}
    return Declared(module, int(_literal(module, "VERSION", constants["VERSION"])), types, defaults, profiles)


def _source_of(module: str) -> str:
    path = _path_of(module)
    if path is None:
        raise UsageError(f"no module '{module}' can be found")
    return path.read_text(encoding="utf-8")


def _path_of(module: str) -> Path | None:
    """The file of a module. Only its top package is looked up: `find_spec` would import every package above it."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ModuleNotFoundError, ValueError):
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin else None
    for folder in spec.submodule_search_locations or ():
        base = Path(folder, *rest)
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                return path
    return None


def _fields(module: str, config: ast.ClassDef | None) -> tuple[dict[str, str], dict[str, Any]]:
    types: dict[str, str] = {}
    defaults: dict[str, Any] = {}
    for node in config.body if config else ():
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
            types[name] = ast.unparse(node.annotation)
            defaults[name] = _literal(module, name, node.value) if node.value else REQUIRED
    return types, defaults


def _literal(module: str, name: str, node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise UsageError(f"{module}: {name} must be a literal") from None
