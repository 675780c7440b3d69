"""How the tests check shapes and types: what `conftest.py` gives to jaxtyping's import hook.

In each test the first `CALLS` calls of a function are checked. A training loop repeats the same shapes thousands of
times, and a check takes as long as a small layer: with all of them such a test takes twice as long.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype

CHECKED = ("svgbench.nn", "svgbench.models", "svgbench.memory")

CALLS = 100

_check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int may stand for a float
_calls: Counter[Callable[..., Any]] = Counter()
_passed: list[Any] = []  # functions that are not checked again in this test


def typechecker(function: Callable[..., Any]) -> Callable[..., Any]:
    """beartype, which passes over protocols: whether an object meets one is for mypy to say."""
    for name, hint in function.__annotations__.items():
        if getattr(hint, "_is_protocol", False):
            function.__annotations__[name] = object
    check = _check(function)

    @functools.wraps(check)
    def counted(*args: Any, **kwargs: Any) -> Any:
        _calls[check] += 1
        if _calls[check] == CALLS:
            _pass(function)
        return check(*args, **kwargs)

    return counted


def check_all_again() -> None:
    """A new test begins."""
    _calls.clear()
    while _passed:
        del _passed.pop().__no_type_check__


def _pass(stub: Callable[..., Any]) -> None:
    """Let jaxtyping pass over the function that the stub, which it made for a check, is named after."""
    try:
        wrapper = operator.attrgetter(stub.__qualname__)(sys.modules[stub.__module__])
        function = wrapper.__wrapped__
    except (AttributeError, KeyError):  # a property, or defined in a function: it is checked at every call
        return
    if function not in _passed:  # jaxtyping makes two stubs for a function: of its parameters, and of its result too
        function.__no_type_check__ = True
        _passed.append(function)
