"""What a module declares, read without importing it."""

from __future__ import annotations

import sys

import pytest

from svgbench.lab.errors import UsageError
from svgbench.lab.source import REQUIRED, Declared, declared, parse_value, split_reference

SOURCE = '''
raise SystemExit("this module must not be imported")
VERSION: int = 3
PROFILES = {"text": {"lr": 0.1}, "code": {"lr": 0.2, "hidden": (8,)}}

class Config:
    """Fields."""
    lr: float = 1e-3
    hidden: tuple[int, ...] = (64, -1)
    name: str
    deep: bool = False
    NOT_A_FIELD = 7

    def method(self): ...
'''


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        return f"{name}:make"

    return write


def test_literals_are_read_and_nothing_is_imported(write):
    found = declared(write("declares_all", SOURCE))
    assert "declares_all" not in sys.modules
    assert found.version == 3
    assert found.types == {"lr": "float", "hidden": "tuple[int, ...]", "name": "str", "deep": "bool"}
    assert found.defaults == {"lr": 1e-3, "hidden": (64, -1), "name": REQUIRED, "deep": False}
    assert found.profiles["code"] == {"lr": 0.2, "hidden": (8,)}


def test_layers_of_a_config(write):
    found = declared(write("declares_layers", SOURCE))
    assert found.config({"name": "a"}) == {"lr": 1e-3, "hidden": (64, -1), "name": "a", "deep": False}
    layered = found.config({"name": "a", "deep": True}, {"lr": 9.0}, profile="code")
    assert layered == {"lr": 9.0, "hidden": (8,), "name": "a", "deep": True}
    with pytest.raises(UsageError, match="no value for config field 'name'"):
        found.config()
    with pytest.raises(UsageError, match="did you mean 'hidden'"):
        found.config({"name": "a", "hiden": 3})
    with pytest.raises(UsageError, match="did you mean 'code'"):
        found.config({"name": "a"}, profile="cod")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("no_version", "X = 1", "no_version states no VERSION"),
        ("odd_version", "VERSION = 1 + f()", "VERSION must be a literal"),
        ("odd_default", "VERSION = 1\nclass Config:\n    a: int = f()", "a must be a literal"),
        ("odd_profiles", "VERSION = 1\nPROFILES = dict(a=1)", "PROFILES must be a literal"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(write, name, text, message):
    with pytest.raises(UsageError, match=message):
        declared(write(name, text))


def test_a_module_that_is_not_there():
    for reference in ("nowhere:make", "nowhere.inside:make", "svgbench.nowhere:make"):
        with pytest.raises(UsageError, match="no module"):
            declared(reference)
    for reference in ("nowhere", ":make", "nowhere:"):
        with pytest.raises(UsageError, match="not of the form module:attribute"):
            split_reference(reference)


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        ("int", "3", 3),
        ("float", "1e-3", 1e-3),
        ("float", "3", 3.0),
        ("bool", "false", False),
        ("str", "3", "3"),
        ("tuple[int, ...]", "(64, 64)", (64, 64)),
        ("tuple[int, ...]", "64", (64,)),
        ("tuple[float, ...]", "1,2.5", (1.0, 2.5)),
        ("tuple[str, ...]", "a,b", ("a", "b")),
        ("Literal['learned', 'true']", "true", "true"),
    ],
)
def test_values_are_parsed_by_type(annotation, text, value):
    parsed = parse_value("x", text, annotation)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("annotation", "text", "message"),
    [
        ("int", "3.5", "expected a value of type int"),
        ("float", "fast", "-o x=fast: expected a value of type float"),
        ("bool", "maybe", "expected a value of type bool"),
        ("tuple[int, ...]", "1,x", r"expected a value of type tuple\[int, ...\]"),
        ("Literal['learned', 'true']", "leanred", "no value of x 'leanred'; did you mean 'learned'"),
    ],
)
def test_values_of_another_type_are_refused(annotation, text, message):
    with pytest.raises(UsageError, match=message):
        parse_value("x", text, annotation)


def test_an_unknown_field_is_refused():
    with pytest.raises(UsageError, match="no config field 'b'"):
        Declared("m", 1, {"a": "int"}).parse("b", "1")
