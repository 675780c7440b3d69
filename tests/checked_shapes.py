"""How the tests check shapes and types at every call: what `conftest.py` gives to jaxtyping's import hook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype

CHECKED = ("svgbench.nn", "svgbench.models", "svgbench.memory")

_check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int may stand for a float


def typechecker(function: Callable[..., Any]) -> Callable[..., Any]:
    """beartype, which passes over protocols: whether an object meets one is for mypy to say."""
    for name, hint in function.__annotations__.items():
        if getattr(hint, "_is_protocol", False):
            function.__annotations__[name] = object
    return _check(function)
