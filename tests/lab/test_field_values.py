"""Values of settings: parsed from text, checked by type and range."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest

from svgbench.lab.fields import Field
from svgbench.lab.source import Declared
from svgbench.ranges import Increasing, Length, Range
from svgbench.words.errors import UsageError

Positive = Annotated[float, Range(above=0)]
Counts = tuple[Annotated[int, Range(1)], ...]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (int, "3", 3),
        (float, "1e-3", 1e-3),
        (float, "3", 3.0),
        (bool, "false", False),
        (str, "3", "3"),
        (str, "none", "none"),
        (tuple[int, ...], "(64, 64)", (64, 64)),
        (tuple[int, ...], "64", (64,)),
        (tuple[int, ...], "()", ()),
        (tuple[float, ...], "1,2.5", (1.0, 2.5)),
        (tuple[str, ...], "a,b", ("a", "b")),
        (Literal["learned", "true"], "true", "true"),
        (Literal[1, 2], "2", 2),
        (Positive, "1e-18", 1e-18),
        (Positive | None, "none", None),
        (Positive | None, "2", 2.0),
        (Counts, "1,2", (1, 2)),
        (Annotated[Counts, Length(1), Increasing()], "1,2", (1, 2)),
    ],
)
def test_values_are_parsed_by_type(kind, text, value):
    parsed = Field("x", kind).parse(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (int, "3.5", "expected a value of type int"),
        (int, "1e3", "expected a value of type int"),
        (int, "99999999999999999999", "expected a value of type int"),
        (float, "fast", "-o x=fast: expected a value of type float"),
        (float, "nan", "-o x=nan: expected a value of type float, finite"),
        (float, "1e400", "-o x=1e400: expected a value of type float"),
        (float, "-inf", "expected a value of type float"),
        (bool, "maybe", "expected a value of type bool"),
        (tuple[int, ...], "1,x", r"expected a value of type tuple\[int, ...\]"),
        (tuple[float, ...], "1,nan", r"expected a value of type tuple\[float, ...\]"),
        (Literal["learned", "true"], "leanred", "no value of x 'leanred'; did you mean 'learned'"),
        (Positive, "0", "-o x=0: expected a value of type float, above 0"),
        (Positive, "none", "expected a value of type float, above 0"),
        (Positive | None, "0", "expected a value of type float or none, above 0"),
        (Annotated[float, Range(0, 1)], "1.5", "expected a value of type float, from 0 to 1"),
        (Annotated[float, Range(above=0, below=1)], "1", "float, above 0 and below 1"),
        (Annotated[int, Range(at_most=3)], "4", "int, at most 3"),
        (Counts, "1,0", r"tuple\[int, ...\], each at least 1"),
        (Annotated[Counts, Length(1)], "()", r"tuple\[int, ...\], each at least 1, of 1 or more elements"),
        (Annotated[Counts, Increasing()], "2,2", "each at least 1, increasing"),
        (None, "1", "a field of type Any cannot be set on the command line"),
    ],
)
def test_values_of_another_type_or_out_of_range_are_refused(kind, text, message):
    with pytest.raises(UsageError, match=message):
        Field("x", kind, "Any").parse(text)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (int, True),
        (int, 1000.0),
        (float, True),
        (float, 10**400),
        (float, float("nan")),
        (float, "1"),
        (bool, 1),
        (str, 1),
        (Literal[1, 2], True),
        (tuple[int, ...], 3),
        (tuple[int, float], (1, 2, 3)),
        (None, float("inf")),
        (None, (1.0, float("nan"))),
        (None, {"a": [float("nan")]}),
        (Annotated[str, Range(1)], "x"),
        (Positive, None),
    ],
)
def test_values_of_another_type_are_a_problem(kind, value):
    assert Field("x", kind).problem(value)


@pytest.mark.parametrize(("kind", "value"), [(float, 1), (tuple[int, ...], [1, 2]), (None, object()), (None, None)])
def test_values_that_fit(kind, value):
    assert Field("x", kind).problem(value) is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "a reason for no end"),
        ({"at_least": 0, "above": 0}, "one finite low end"),
        ({"above": 1, "below": 1}, "is empty"),
    ],
)
def test_a_range_that_is_none(words, message):
    with pytest.raises(ValueError, match=message):
        Range(**words)


def test_an_unknown_field_is_refused():
    with pytest.raises(UsageError, match="no config field 'b'"):
        Declared("m", 1, {"a": Field("a", int)}).parse("b", "1")
