"""What a module declares, read without importing it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import pytest

from svgbench.lab.source import REQUIRED, declared, split_reference
from svgbench.ranges import Range
from svgbench.words.errors import UsageError

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
    with pytest.raises(UsageError, match="no algorithm 'nowhere'"):
        declared("nowhere")
    for reference in (":make", "nowhere:"):
        with pytest.raises(UsageError, match="not of the form module:attribute"):
            split_reference(reference)


Positive = Annotated[float, Range(above=0)]
Counts = tuple[Annotated[int, Range(1)], ...]


ELSEWHERE = """
from typing import Annotated, ClassVar
import svgbench.ranges as r

TOP = 2
Rate = Annotated[float, r.Range(above=0, at_most=TOP)]

class Shared:
    first: Rate = 0.5
    second: r.Count
    CONSTANT: ClassVar[int] = 3
"""

INHERITS = """
raise SystemExit("this module must not be imported")
import typing as t
from svgbench.ranges import Range, Natural
from inherits_base import Shared as Base, Rate
VERSION = 1

class Config(Base):
    second: Natural = 4
    third: "Rate | None" = None
    fourth: t.Literal["a", "b"] = "a"
    fifth: SomethingElse = 1
    first: Rate = 0.25
"""


def test_types_and_inherited_fields_are_followed_through_other_files(write):
    write("inherits_base", ELSEWHERE)
    found = declared(write("inherits", INHERITS))
    assert list(found.fields) == ["first", "second", "third", "fourth", "fifth"]
    assert found.defaults == {"first": 0.25, "second": 4, "third": None, "fourth": "a", "fifth": 1}
    assert found.fields["first"].type == Annotated[float, Range(above=0, at_most=2)]
    assert found.fields["second"].type == Annotated[int, Range(0)]
    assert found.fields["third"].type == Annotated[float, Range(above=0, at_most=2)] | None
    assert found.types["fifth"] == "SomethingElse"
    assert "inherits_base" not in sys.modules


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("bad_range", "a: Annotated[int, Range(1, 0)] = 1", r"Range\(1, 0\) cannot be read as a range"),
        ("open_range", "a: Annotated[int, Range(limit())] = 1", "cannot be read as a range"),
    ],
)
def test_a_range_that_cannot_be_read_is_refused(write, name, text, message):
    start = "from typing import Annotated\nfrom svgbench.ranges import Range\nVERSION = 1\nclass Config:\n    "
    with pytest.raises(UsageError, match=message):
        declared(write(name, start + text))


def test_a_base_that_cannot_be_read_is_refused(write):
    with pytest.raises(UsageError, match="base_gone: Config cannot be read: Base"):
        declared(write("base_gone", "VERSION = 1\nclass Config(Base):\n    a: int = 1"))


LEARNER = """
from typing import TypedDict
from svgbench.ranges import Count, Positive
VERSION = 1
class Optional_(TypedDict, total=False):
    extra: Positive
class Limits(Optional_):
    total: Count
class Config:
    size: Count = 2
RULES = {"size <= total": "it must fit"}
"""


def test_limits_that_a_learner_needs_and_their_ranges(write):
    found = declared(write("with_limits", LEARNER))
    found.check_limits({"total": 3, "of_somebody_else": 0.5}, "here")
    for limits, said in (
        ({"extra": 1.0}, "here: no total, which with_limits needs of a budget (there are: extra)"),
        ({"total": 0}, "here: total is 0, expected a value of type int, at least 1"),
        ({"total": 1, "extra": 0.0}, "here: extra is 0.0, expected a value of type float, above 0"),
        ({"total": 1, "of_somebody_else": float("nan")}, "here: of_somebody_else is nan, expected finite numbers"),
    ):
        with pytest.raises(UsageError) as error:
            found.check_limits(limits, "here")
        assert str(error.value) == said


def test_a_rule_names_settings(write):
    with pytest.raises(UsageError, match="the rule 'sise <= total' names sise, which is not a setting"):
        declared(write("rule_of_nothing", LEARNER.replace('"size <=', '"sise <=')))


TASK = """
from svgbench.ranges import Count
VERSION = 1
STEPS, LONGEST = 3, 7
def make(gain: float, horizon: Count = LONGEST, *, springs=True): ...
def make_any(**options): ...
class Make: ...
"""


def test_options_are_the_parameters_of_a_factory(write):
    reference = write("with_options", TASK)
    found = declared(reference)
    assert found.option_defaults == {"horizon": 7, "springs": True}
    found.check_options({"gain": -1, "springs": 0}, "task t")
    for options, said in (
        ({}, "task t: no option gain, which with_options needs"),
        ({"gain": 1.0, "horizn": 2}, "no option of task t 'horizn'; did you mean 'horizon'?"),
        ({"gain": 1.0, "horizon": 0}, "task t: horizon is 0, expected a value of type int, at least 1"),
        ({"gain": float("inf")}, "task t: gain is inf, expected a value of type float, finite"),
    ):
        with pytest.raises(UsageError) as error:
            found.check_options(options, "task t")
        assert str(error.value).startswith(said)
    for attribute in ("make_any", "Make"):
        other = declared(reference.replace("make", attribute))
        other.check_options({"whatever": 1}, "task t")
        with pytest.raises(UsageError, match="finite"):
            other.check_options({"whatever": float("nan")}, "task t")


def test_the_module_of_the_documentation_is_read(write):
    text = (Path(__file__).parents[2] / "docs" / "adding-an-algorithm.md").read_text(encoding="utf-8")
    example = next(part for part in re.findall(r"```python\n(.*?)```", text, re.S) if "ADDED = " in part)
    found = declared(write("as_documented", example))
    assert {name: (field.text, field.range) for name, field in found.fields.items()} == {
        "lr": ("float", "above 0"),
        "hidden": ("tuple[int, ...]", "each at least 1"),
        "warm_up": ("int", ""),
    }
    assert found.config(profile="code") == {"lr": 1e-3, "hidden": (256, 256), "warm_up": 0}
    assert found.needed == ("total_steps",)
    assert list(found.rules) == ["warm_up < total_steps"]
    assert found.added == {"warm_up": 0}


BASE = """
VERSION = 7
from dataclasses import dataclass
from svgbench.ranges import Count, Share

@dataclass(frozen=True)
class Config:
    gamma: Share = 0.9
    size: Count = 2
    clip: float | None = None
    twice: bool = False

RULES = {"size > 1": "one is none", "size <= total": "it must fit"}
PROFILES = {"code": {"size": 3}}
ADDED = {"clip": None, "twice": False}
"""

DERIVED = """
from dataclasses import dataclass
import base_of_added as base
VERSION = 1
ADDED = {"size": 2}

@dataclass(frozen=True)
class Config(base.Config):
    gamma: base.Share = 0.5
    twice: bool = True
    own: int = 1
"""


def test_a_config_inherits_rules_and_added_settings_but_no_profiles(write):
    write("base_of_added", BASE)
    found = declared(write("derived_from_added", DERIVED))
    assert found.defaults == {"gamma": 0.5, "size": 2, "clip": None, "twice": True, "own": 1}
    assert list(found.rules) == ["size > 1", "size <= total"]
    assert found.added == {"clip": None, "size": 2}, "what is stated anew is the class's own"
    assert (found.version, found.profiles) == (1, {})


@pytest.mark.parametrize(
    "text",
    [
        "from base_of_added import Config, PROFILES",
        "from base_of_added import *",
        "import base_of_added\nConfig = base_of_added.Config\nPROFILES = base_of_added.PROFILES",
    ],
)
def test_a_config_of_another_file_is_whole(write, text):
    write("base_of_added", BASE)
    base, found = declared("base_of_added:make"), declared(write(f"whole_{len(text)}", f"{text}\nVERSION = 1"))
    assert (found.fields, found.defaults, found.rules) == (base.fields, base.defaults, base.rules)
    assert (found.added, found.profiles) == (base.added, base.profiles)
    assert found.added == {"clip": None, "twice": False}


ADDS = (
    "VERSION = 1\nfrom svgbench.ranges import Count\nclass Config:\n    a: Count = 1\n    b: tuple[float, ...] = ()\n"
)


def test_an_added_setting_with_its_old_value_is_not_part_of_the_identity(write):
    found = declared(write("adds", ADDS + "ADDED = {'a': 1, 'b': (1, 2.0)}"))
    for config, rest in (
        ({"a": 1, "b": [1.0, 2]}, {}),
        ({"a": 2, "b": (1.0, 2.0)}, {"a": 2}),
        ({"a": True, "b": (1.0,)}, {"a": True, "b": (1.0,)}),
        ({"c": 1}, {"c": 1}),
    ):
        assert found.identifying(config) == rest


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("adds_nothing", "ADDED = {'c': 1}", "adds_nothing: ADDED names c, which is not a field of Config"),
        ("adds_wrong", "ADDED = {'a': 0}", "adds_wrong: in ADDED a is 0, expected a value of type int, at least 1"),
        ("adds_sum", "ADDED = dict(a=1)", "adds_sum: ADDED must be a literal"),
    ],
)
def test_added_settings_are_checked(write, name, text, message):
    with pytest.raises(UsageError, match=message):
        declared(write(name, ADDS + text))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("base_missing", "from gone import Base\nclass Config(Base):\n    a: int = 1", "no module 'gone'"),
        ("base_whole_missing", "from gone import Config", "Config cannot be read: no module 'gone'"),
        ("base_star", "from gone import *", "cannot be read: no module 'gone'"),
        ("base_circle", "A = B\nB = A\nclass Config(A): ...", "Config cannot be read: A"),
        ("base_call", "class Config(make(1)): ...", r"Config cannot be read: make\(1\)"),
        ("base_named_so", "from gone import BaseModel\nclass Config(BaseModel): ...", "no module 'gone'"),
        (
            "base_untyped",
            "class B:\n    a: int = 1\nclass Config(B):\n    a = 2",
            "'a = 2' is not a default of a field",
        ),
        (
            "base_plain",
            "from dataclasses import dataclass\nclass B:\n    a: int = 1\n@dataclass\nclass Config(B): ...",
            "B is not a dataclass, so Config would not have its fields",
        ),
    ],
)
def test_nothing_inherited_is_lost_in_silence(write, name, text, message):
    with pytest.raises(UsageError, match=message):
        declared(write(name, f"{text}\nVERSION = 1"))


def test_a_star_of_the_standard_library_hides_nothing(write):
    found = declared(write("starred", "from math import *\nfrom typing import *\n" + ADDS))
    assert list(found.fields) == ["a", "b"]
