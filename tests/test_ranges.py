"""Ranges of settings, over the whole registry: stated everywhere, read right, and held by what is declared."""

from __future__ import annotations

import importlib
import math
import pkgutil
import typing
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

import pytest

from svgbench import baselines, reproduce
from svgbench.lab import source
from svgbench.lab.cells import Selection, expand
from svgbench.lab.fields import Field
from svgbench.lab.store import Store
from svgbench.ranges import Range

EXPERIMENTS = reproduce.experiments().values()
RESULTS = Path(__file__).resolve().parents[1] / "results"
LEARNERS = sorted(
    {v.learner for e in EXPERIMENTS for v in e.variants}
    | {f"{baselines.__name__}.{m.name}:make" for m in pkgutil.iter_modules(baselines.__path__)}
)
OURS = [name for name in LEARNERS if name.startswith("svgbench.")]
FACTORIES = sorted({t.make for e in EXPERIMENTS for t in e.tasks if t.make.startswith("svgbench.")})


def numbers(kind):
    """The parts of a type that are numbers, each with the ranges around it."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated and parts[0] in (int, float):
        yield parts[0], [part for part in parts[1:] if isinstance(part, Range)]
    elif kind in (int, float):
        yield kind, []
    elif origin is not Literal:
        for part in parts:
            yield from numbers(part)


def outside(bounds: Range) -> list[float]:
    """A value beyond each end."""
    low = [] if bounds.at_least is None else [bounds.at_least - 1]
    high = [] if bounds.at_most is None else [bounds.at_most + 1]
    return low + high + [end for end in (bounds.above, bounds.below) if end is not None] or [math.nan]


def problems_of(field: Field):
    """What a field lacks of a range, in words."""
    if field.type is None:
        yield f"{field.name}: {field.written} is no type that svgbench can read"
    if field.type is str:
        yield f"{field.name} is any string; expected choices"
    for kind, ranges in numbers(field.type):
        if len(ranges) != 1:
            yield f"{field.name}: a number with {len(ranges)} ranges; expected 1"
        elif kind is float and str(ranges[0]) == "finite" and not ranges[0].reason:
            yield f"{field.name} has no end and no reason"


@pytest.mark.parametrize("learner", OURS)
def test_every_field_of_a_config_has_a_range(learner):
    assert [words for field in source.declared(learner).fields.values() for words in problems_of(field)] == []


@pytest.mark.parametrize("learner", OURS)
def test_every_range_refuses_what_is_beyond_it(learner):
    for field in source.declared(learner).fields.values():
        whole = get_origin(field.type) is tuple or "tuple" in field.text
        refused = [value for _, (bounds,) in numbers(field.type) for value in outside(bounds)]
        assert all(field.problem((value,) if whole else value) for value in [*refused, math.nan, math.inf, "x", None])
        assert field.type is bool or field.problem(True)


@pytest.mark.parametrize("learner", LEARNERS)
def test_what_is_read_from_the_source_is_what_the_module_has(learner):
    module = importlib.import_module(learner.partition(":")[0])
    declared = source.declared(learner)
    hints = typing.get_type_hints(module.Config, include_extras=True)
    assert {name: field.type for name, field in declared.fields.items()} == hints
    made = {f.name: source.REQUIRED if f.default is MISSING else f.default for f in fields(module.Config)}
    assert declared.defaults == made
    assert list(declared.defaults) == list(made), "in the same order"
    assert declared.profiles == getattr(module, "PROFILES", {})
    assert declared.version == module.VERSION


@pytest.mark.parametrize("learner", LEARNERS)
def test_defaults_and_profiles_are_in_range(learner):
    declared = source.declared(learner)
    for layer in (declared.defaults, *declared.profiles.values()):
        assert [declared.fields[name].problem(value) for name, value in layer.items()] == [None] * len(layer)


def test_identities_of_committed_results_are_what_they_were():
    """Ranges are no part of a config: nothing committed became stale, where the versions are those of today."""
    store, seen = Store(RESULTS), 0
    for experiment in EXPERIMENTS:
        for budget in experiment.budgets:
            for cell in expand(experiment, Selection(budget.name)):
                meta = store.meta(cell)
                if meta is not None and meta["versions"] == cell.versions:
                    assert meta["config_hash"] == cell.identity, cell.name
                    seen += 1
    assert seen > 100
