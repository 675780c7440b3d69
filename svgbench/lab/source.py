"""What a learner's or a task's module declares, read without importing it.

`list`, `status` and every usage error need versions, config fields and profiles, but must not import torch, which is
slow. So these are literals at module level, read from the source:

    VERSION = 3
    class Config: ...            # fields with simple types, ranges (`svgbench.ranges`) and literal defaults
    class Limits(TypedDict): ... # optional, of a learner: the limits that it reads from a budget, with ranges too
    RULES = {"tau <= gamma": "why"}    # between settings (`svgbench.lab.rules`)
    PROFILES = {"text": {...}, "code": {...}}
    ADDED = {"clip": None}    # fields that were added later: while they have this value, results stay valid
    def make(horizon: Count = 1000): ...    # of a task: its options are the parameters

A field in ADDED does not enter a cell's identity while it has the value given there. With that value the algorithm
behaves as it did before the field existed. So a new switch makes no stored result stale, and needs no new VERSION.

`Config` may inherit from classes in other files. It has their fields, and the RULES and ADDED of their modules. A rule
is skipped if it names a setting that this learner does not have. An entry of ADDED no longer counts if a class defines
the field again. VERSION and PROFILES belong to one algorithm and are not inherited.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, get_origin

from svgbench.lab import registry
from svgbench.lab.fields import Field, check
from svgbench.lab.modules import ImportedName, Module, UnreadableError, module
from svgbench.lab.rules import OTHER_NAMES, names_in
from svgbench.words.errors import UsageError, unknown

REQUIRED = object()

FIELDLESS = ("object", "ABC", "Generic", "Protocol", "NamedTuple", "TypedDict", "BaseModel")
"""Base classes without fields that a config may have, if they come from one of these packages."""
LIBRARIES = ("abc", "builtins", "pydantic", "typing", "typing_extensions")


@dataclass(frozen=True)
class Declared:
    """The literals of one module. `fields` and `defaults` have one entry per config field.

    `limits` are the limits that a learner reads from a budget; `needed` are those that it requires. `added` has, for
    fields that were added later, the value that changes nothing. `options` are the parameters of a task's factory, None
    if the source does not show them. `option_defaults` are their default values, if the source shows them.
    """

    module: str
    version: int
    fields: Mapping[str, Field] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    limits: Mapping[str, Field] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    rules: Mapping[str, str] = field(default_factory=dict)
    added: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Field] | None = None
    option_defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def types(self) -> dict[str, str]:
        """The type of each config field, as text and without its range."""
        return {name: one.text for name, one in self.fields.items()}

    def config(self, *layers: Mapping[str, Any], profile: str | None = None) -> dict[str, Any]:
        """The whole config: defaults, then the profile, then each layer in turn.

        Raises UsageError for a field that the config does not have, or a field without a value.
        """
        if profile is not None and profile not in self.profiles:
            raise unknown(f"profile of {self.module}", profile, self.profiles)
        resolved = dict(self.defaults)
        for layer in (self.profiles[profile] if profile else {}, *layers):
            for name, value in layer.items():
                if name not in self.fields:
                    raise unknown(f"config field of {self.module}", name, self.fields)
                resolved[name] = value
        empty = [name for name, value in resolved.items() if value is REQUIRED]
        if empty:
            raise UsageError(f"{self.module}: no value for config field {empty[0]!r}")
        return resolved

    def identifying(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The part of a config in a cell's identity: without added fields whose value changes nothing."""
        return {name: value for name, value in config.items() if not self.is_as_before(name, value)}

    def is_as_before(self, name: str, value: Any) -> bool:
        """Whether the field was added later and changes nothing with this value."""
        return name in self.added and _same(self.added[name], value)

    def parse(self, name: str, text: str) -> Any:
        """`text` read as the type of field `name`. Raises UsageError that says what was expected."""
        if name not in self.fields:
            raise unknown("config field", name, self.fields)
        return self.fields[name].parse(text)

    def check_limits(self, limits: Mapping[str, Any], where: str) -> None:
        """Raise UsageError for a limit out of its range, or a missing limit that the learner needs."""
        lacking = [name for name in self.needed if name not in limits]
        if lacking:
            given = ", ".join(limits) or "nothing"
            raise UsageError(f"{where}: no {lacking[0]}, which {self.module} needs of a budget (there are: {given})")
        check(self.limits, limits, where)

    def check_options(self, options: Mapping[str, Any], where: str) -> None:
        """Raise UsageError for an unknown option, a missing option that the factory needs, or a value out of range."""
        if self.options is None:
            return check({}, options, where)
        for name in options:
            if name not in self.options:
                raise unknown(f"option of {where}", name, self.options)
        given = {*self.option_defaults, *options}
        lacking = [name for name in self.options if name not in given]
        if lacking:
            raise UsageError(f"{where}: no option {lacking[0]}, which {self.module} needs")
        return check(self.options, options, where)


def split_reference(reference: str) -> tuple[str, str]:
    """The module and the attribute that one of our names, or "module:attribute", refers to.

    Raises UsageError for an unknown name, or a reference that is not of that form.
    """
    name, _, attribute = registry.reference_of(reference).partition(":")
    if not name or not attribute:
        raise UsageError(f"'{reference}' is not of the form module:attribute")
    return name, attribute


@functools.cache
def declared(reference: str) -> Declared:
    """What the module of one of our names, or of "module:attribute", declares.

    Raises UsageError if it cannot be found or read.
    """
    name, attribute = split_reference(reference)
    source = module(name)
    version = _constant(source, "VERSION")
    if version is None:
        raise UsageError(f"{name} states no VERSION")
    (config, inherited), (limits, _) = (_class(source, word) for word in ("Config", "Limits"))
    for rule, names in ((rule, names_in(rule)) for rule in _constant(source, "RULES") or () if limits):
        for one in names - config.keys() - limits.keys() - OTHER_NAMES:
            raise UsageError(f"{name}: the rule '{rule}' names {one}, which is not a setting")
    options = _options(source, attribute)
    return Declared(
        module=name,
        version=int(version),
        fields={one: kind for one, (kind, _) in config.items()},
        defaults={one: default for one, (_, default) in config.items()},
        profiles=_constant(source, "PROFILES") or {},
        limits={one: kind for one, (kind, _) in limits.items()},
        needed=tuple(one for one, (_, default) in limits.items() if default is REQUIRED),
        rules={rule: why for one, _ in inherited for rule, why in (_constant(one, "RULES") or {}).items()}
        | (_constant(source, "RULES") or {}),
        added=_added(source, config, inherited),
        options=None if options is None else {one: kind for one, (kind, _) in options.items()},
        option_defaults={one: value for one, (_, value) in (options or {}).items() if value is not REQUIRED},
    )


Fields = dict[str, tuple[Field, Any]]
Lineage = list[tuple[Module, frozenset[str]]]
"""The modules of a class's bases and its own module, the most distant first, each with the fields defined there."""


def _constant(source: Module, name: str) -> Any:
    """The literal that a module has under a name, defined there or imported; None if it has none."""
    try:
        if source.bound(name) is None:
            return None
        found, node = source.find(name)
    except UnreadableError as error:
        raise UsageError(f"{source.name}: {name} cannot be read: {error}") from None
    if not isinstance(node, ast.expr):
        raise UsageError(f"{source.name}: {name} must be a literal")
    return _literal(found, name, node)


def _class(source: Module, name: str) -> tuple[Fields, Lineage]:
    """The fields of a class that a module defines or imports; empty if there is no such class."""
    try:
        return _fields(*source.class_of(ast.Name(name))) if source.bound(name) is not None else ({}, [])
    except UnreadableError as error:
        raise UsageError(f"{source.name}: {name} cannot be read: {error}") from None


def _fields(source: Module, of: ast.ClassDef) -> tuple[Fields, Lineage]:
    """Type and default of each field of a class, in a dataclass's order: inherited fields first."""
    found: Fields = {}
    lineage: Lineage = []
    partial = any(word.arg == "total" for word in of.keywords)  # a TypedDict whose keys are optional
    without = None if partial else REQUIRED
    for base in reversed(of.bases):
        if _brings_no_fields(source, base):
            continue
        where, inherited = source.class_of(base)
        fields, before = _fields(where, inherited)
        if fields and _is_dataclass(of) and not inherited.decorator_list:
            raise UsageError(
                f"{where.name}: {inherited.name} is not a dataclass, so {of.name} would not have its fields"
            )
        found |= fields
        lineage += before
    own = set()
    for node in of.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
            kind = _field(source, name, node.annotation)
            if kind is not None:
                own.add(name)
                found[name] = kind, _literal(source, name, node.value) if node.value else without
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id in found:
                    written = ast.unparse(node)
                    raise UsageError(f"{source.name}: '{written}' is not a default of a field: write its type too")
    return found, [*lineage, (source, frozenset(own))]


def _brings_no_fields(source: Module, base: ast.expr) -> bool:
    """Whether a base is a known class without fields, of Python or a library, that a config may have."""
    written = ast.unparse(base).partition("[")[0]
    first, _, rest = written.partition(".")
    if (rest or first).rpartition(".")[2] not in FIELDLESS:
        return False
    bound = source.names.get(first)
    return bound is None or (isinstance(bound, ImportedName) and bound.module.partition(".")[0] in LIBRARIES)


def _is_dataclass(of: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(decorator) for decorator in of.decorator_list)


def _added(source: Module, config: Fields, lineage: Lineage) -> dict[str, Any]:
    """The fields that were added later, with the value that changes nothing. Raises UsageError for a wrong entry."""
    found: dict[str, Any] = {}
    for one, stated in [*lineage, (source, frozenset[str]())]:
        found = {name: value for name, value in found.items() if name not in stated}
        for name, value in (_constant(one, "ADDED") or {}).items():
            if name in config:
                found[name] = value
            elif one is source:
                raise UsageError(f"{source.name}: ADDED names {name}, which is not a field of Config")
    for name, value in found.items():
        problem = config[name][0].problem(value)
        if problem is not None:
            raise UsageError(f"{source.name}: in ADDED {problem}")
    return found


def _same(one: Any, other: Any) -> bool:
    """Whether two settings are equal: 1 equals 1.0, a list equals a tuple of the same items, 1 does not equal True."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _field(source: Module, name: str, annotation: ast.expr) -> Field | None:
    """The field of an annotation; None for a ClassVar."""
    written = ast.unparse(annotation)
    try:
        kind = source.type_of(annotation)
    except UnreadableError:
        kind = None
    if kind is ClassVar or get_origin(kind) is ClassVar:
        return None
    return Field(name, kind, written)


def _options(source: Module, attribute: str) -> dict[str, tuple[Field, Any]] | None:
    """Type and default of each parameter of a factory; None if the source shows no function.

    The default is REQUIRED if there is none, and None if the source alone does not show its value.
    """
    try:
        found, bound = source.find(attribute)
    except UnreadableError:
        return None
    if not isinstance(bound, ast.FunctionDef) or bound.args.kwarg:
        return None
    given = bound.args
    places = [*given.posonlyargs, *given.args]
    without: list[ast.expr | None] = [None] * (len(places) - len(given.defaults))
    options = {}
    for one, node in zip((*places, *given.kwonlyargs), (*without, *given.defaults, *given.kw_defaults), strict=True):
        kind = _field(found, one.arg, one.annotation) if one.annotation else None
        options[one.arg] = kind or Field(one.arg, None), _default(found, node)
    return options


def _default(source: Module, node: ast.expr | None) -> Any:
    if node is None:
        return REQUIRED
    try:
        return source.value_of(node)
    except UnreadableError:
        return None


def _literal(source: Module, name: str, node: ast.expr) -> Any:
    try:
        return source.value_of(node)
    except (UnreadableError, TypeError):
        raise UsageError(f"{source.name}: {name} must be a literal") from None
