"""How the tests check shapes and types at every call: what `conftest.py` gives to jaxtyping's import hook."""

from __future__ import annotations

from beartype import BeartypeConf, FrozenDict, beartype

from svgbench.words.task import Task

CHECKED = ("svgbench.nn", "svgbench.models", "svgbench.memory")

typechecker = beartype(conf=BeartypeConf(is_pep484_tower=True, hint_overrides=FrozenDict({Task: object})))
"""An int may stand for a float. A task passes unchecked: it is a protocol, and mypy says whether an object meets it."""
