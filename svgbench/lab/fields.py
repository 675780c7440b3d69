"""A setting's type and range: what it accepts, how it is read from the command line, and how it is described."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from svgbench import ranges
from svgbench.ranges import Constraint
from svgbench.words.errors import UsageError, unknown

PLAIN = (int, float, bool, str)
UNIONS = (Union, types.UnionType)
LARGEST = 2**63 - 1  # the largest int64, the integer of torch and numpy


@dataclass(frozen=True)
class Field:
    """One field of a config, one limit of a budget, or one option of a task.

    `type` is a `typing` type with its ranges (`svgbench.ranges`). `written` is the annotation's source text. If no type
    can be made of it, `type` is None, and a value only has to be finite.
    """

    name: str
    type: Any
    written: str = ""

    @property
    def text(self) -> str:
        """The type without its ranges."""
        return self.written if self.type is None else type_text(self.type)

    @property
    def range(self) -> str:
        """What the type requires in addition to the type itself; empty if nothing."""
        return "" if self.type is None else ", ".join(_range_words(self.type))

    @property
    def summary(self) -> str:
        """The type and the range, in short."""
        return ", ".join(word for word in (self.text, self.range) if word)

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        if self.type is None:
            return "finite numbers"
        options = self.choices
        if options is not None:
            return f"one of {', '.join(map(str, options))}"
        none = " or none" if accepts(self.type, None) else ""
        return ", ".join(word for word in (f"a value of type {self.text}{none}", self.range) if word)

    @property
    def choices(self) -> tuple[Any, ...] | None:
        """The values of a `Literal`; None for another type."""
        bare = get_args(self.type)[0] if get_origin(self.type) is Annotated else self.type
        return get_args(bare) if get_origin(bare) is Literal else None

    def problem(self, value: Any) -> str | None:
        """What is wrong with a value, in words; None if it is right."""
        fits = _finite(value) if self.type is None else accepts(self.type, value)
        return None if fits else f"{self.name} is {value!r}, expected {self._expected(value)}"

    def parse(self, text: str) -> Any:
        """The value of `-o name=text`. Raises UsageError for text that is not a value, or a value out of range."""
        choices = self.choices
        if choices is not None:
            known = {str(choice): choice for choice in choices}
            if text not in known:
                raise unknown(f"value of {self.name}", text, known)
            return known[text]
        value = _parsed(self, text)
        if self.problem(value) is not None:
            raise UsageError(f"-o {self.name}={text}: expected {self._expected(value)}")
        return value

    def _expected(self, value: Any) -> str:
        if self.type is None:
            return self.expected
        if not _finite(value):
            return f"{self.expected}, finite"
        usual = f"0 or of a magnitude from {ranges.SMALLEST:g} to {ranges.LARGEST:g}, integers at most {ranges.MOST:g}"
        return self.expected if all(map(ranges.usual, _numbers(value))) else f"{self.expected}, {usual}"


def of_value(name: str, value: Any) -> Field:
    """A field for which only a value is known: it accepts any finite value of the same type."""
    if isinstance(value, tuple):
        return Field(name, tuple[(type(value[0]) if value else str), ...])  # type: ignore[misc]  # made at run time
    return Field(name, type(value))


def check(fields: Mapping[str, Field], values: Mapping[str, Any], where: str) -> None:
    """Raise UsageError for the first value that its field refuses. A value without a field must be finite."""
    for name, value in values.items():
        problem = fields[name].problem(value) if name in fields else Field(name, None).problem(value)
        if problem is not None:
            raise UsageError(f"{where}: {problem}")


def accepts(kind: Any, value: Any) -> bool:
    """Whether a value is of a type and within its ranges. Integers are numbers, booleans are not."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        constraints = (part for part in parts[1:] if isinstance(part, Constraint))
        return accepts(parts[0], value) and all(value in constraint for constraint in constraints)
    if origin in UNIONS:
        return any(accepts(part, value) for part in parts)
    if origin is Literal:
        return any(value == part and type(value) is type(part) for part in parts)
    if origin is tuple:
        if not isinstance(value, tuple | list):
            return False
        if parts[-1] is not Ellipsis:
            return len(parts) == len(value) and all(map(accepts, parts, value))
        return all(accepts(parts[0], part) for part in value)
    if kind in (None, type(None)):
        return value is None
    if kind is int:
        return type(value) is int and abs(value) <= LARGEST
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)
    return isinstance(value, kind) if kind in (bool, str) else _finite(value)


def type_text(kind: Any) -> str:
    """A type as source text, without ranges: "tuple[int, ...]"."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return type_text(parts[0])
    if origin in UNIONS:
        return " | ".join(type_text(part) for part in parts if part is not type(None))
    if origin is tuple:
        return f"tuple[{', '.join('...' if part is Ellipsis else type_text(part) for part in parts)}]"
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, parts))}]"
    return getattr(kind, "__name__", str(kind))


def _range_words(kind: Any) -> list[str]:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        words = [str(part) for part in parts[1:] if isinstance(part, Constraint)]
        return [*_range_words(parts[0]), *(word for word in words if word != "finite")]
    if origin is tuple:
        return [f"each {word}" for part in dict.fromkeys(parts) for word in _range_words(part)]
    return [word for part in parts for word in _range_words(part)] if origin in UNIONS else []


def _parsed(field: Field, text: str) -> Any:
    """Read a value by pydantic's rules for strings. The elements of a tuple are separated by commas."""
    import pydantic

    if field.type is None:
        raise UsageError(f"-o {field.name}={text}: a field of type {field.text} cannot be set on the command line")
    if text.strip().lower() == "none" and accepts(field.type, None):
        return None
    raw: Any = text
    if "tuple" in field.text:
        raw = [part for part in text.strip("()[] ").split(",") if part.strip()]
    try:
        return pydantic.TypeAdapter(_bare(field.type)).validate_python(raw)
    except pydantic.ValidationError:
        raise UsageError(f"-o {field.name}={text}: expected {field.expected}") from None


def _bare(kind: Any) -> Any:
    """The type without its ranges, which say more than pydantic's message would."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _bare(parts[0])
    if origin in UNIONS:
        return Union[tuple(map(_bare, parts))]  # noqa: UP007  # made at run time
    if origin is tuple:
        return tuple[tuple(part if part is Ellipsis else _bare(part) for part in parts)]  # type: ignore[misc]  # likewise
    return kind


def _numbers(value: Any) -> list[float]:
    if isinstance(value, tuple | list):
        return [number for part in value for number in _numbers(part)]
    return [value] if isinstance(value, int | float) else []


def _finite(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_finite, value.values()))
    if isinstance(value, tuple | list):
        return all(map(_finite, value))
    try:
        return not isinstance(value, int | float) or math.isfinite(value)
    except OverflowError:  # an integer larger than any float
        return False


KNOWN: dict[str, Any] = {kind.__name__: kind for kind in (*PLAIN, tuple)}
"""The names of built-in types."""

TYPING: dict[str, Any] = {
    name: getattr(typing, name) for name in ("Annotated", "Literal", "Optional", "Union", "Tuple", "ClassVar")
}
"""What may stand around them."""
