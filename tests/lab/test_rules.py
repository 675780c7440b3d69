"""Rules between settings, judged without importing the module that states them."""

from __future__ import annotations

import pytest

from svgbench.lab.rules import check, names_in
from svgbench.words.errors import UsageError

VALUES = {"a": 3, "b": 2.0, "word": "yes", "many": (1, 5), "flag": False}


@pytest.mark.parametrize(
    "rule",
    [
        "a > b",
        "1 < b < a <= 3",
        "a % 2 == 1 and not flag",
        "flag or word == 'yes'",
        "word in ('yes', 'no') and word not in ('maybe', 'never')",
        "many[0] * 3 == a and many[1] / 5 != a - b * 2",
        "-a < 0",
        "absent > a",
        "all(one % 4 == 1 for one in many) and all(one < a for one in (1, b))",
        "all(one > 9 for one in ())",
        "len(many) == a - 1",
    ],
)
def test_rules_that_hold(rule):
    check({rule: "why"}, VALUES, "here")


@pytest.mark.parametrize(
    "rule",
    [
        "a < b",
        "1 < b < a < 3",
        "flag",
        "word == 'no'",
        "many[1] < a",
        "a + b < 5 and True",
        "all(one < a for one in many)",
    ],
)
def test_rules_that_do_not(rule):
    with pytest.raises(UsageError, match=r"expected .*: why"):
        check({rule: "why"}, VALUES, "here")


def test_the_error_names_the_settings_their_values_and_the_reason():
    with pytest.raises(UsageError) as error:
        check({"a * 2 < b": "twice must fit"}, VALUES, "x on y")
    assert str(error.value) == "x on y: a is 3 and b is 2.0, expected a * 2 < b: twice must fit"


UNREADABLE = [
    "a <",
    "open('x')",
    "a.b > 1",
    "a > word",
    "a / 0 > 1",
    "many[7] > 1",
    "a ** 99 > 1",
    "[a]",
    "all(one < 9 for one in many if one)",
    "all([one for one in many])",
    "all(many)",
    "len(a) > 1",
    "max(1, 2) > 1",
]


@pytest.mark.parametrize("rule", UNREADABLE)
def test_an_expression_that_is_not_a_rule_is_refused(rule):
    with pytest.raises(UsageError, match="not a rule that svgbench can judge"):
        check({rule: "why"}, {**VALUES, "open": 1, "max": 1}, "here")


def test_names():
    assert names_in("a * 2 < b or word == 'c'") == {"a", "b", "word"}
    assert names_in("all(one < a for one in many)") == {"a", "many"}
