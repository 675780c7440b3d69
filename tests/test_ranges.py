"""Ranges of settings, over the whole registry: stated everywhere, read right, and held by what is declared."""

from __future__ import annotations

import importlib
import inspect
import math
import re
import typing
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

import pytest

from svgbench import factories, reproduce
from svgbench.describe import parts_of
from svgbench.lab import source
from svgbench.lab.block import resolve
from svgbench.lab.cells import Selection, expand
from svgbench.lab.fields import Field
from svgbench.lab.registry import algorithms
from svgbench.lab.rules import OTHER_NAMES, names_in
from svgbench.lab.store import Store
from svgbench.ranges import NonNegative, Range, Widths
from svgbench.words.errors import UsageError

EXPERIMENTS = reproduce.experiments().values()
RESULTS = Path(__file__).resolve().parents[1] / "results"
OURS = list(algorithms())
LEARNERS = sorted({*OURS, *(v.learner for e in EXPERIMENTS for v in e.variants)})
FACTORIES = list(factories.tasks())


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
        yield f"{field.name}: {field.written} is not a type that svgbench can read"
    if field.type is str:
        yield f"{field.name} is any string; expected choices"
    for kind, ranges in numbers(field.type):
        if len(ranges) != 1:
            yield f"{field.name}: a number with {len(ranges)} ranges; expected 1"
        elif kind is float and str(ranges[0]) == "finite" and not ranges[0].reason:
            yield f"{field.name} has no end and no reason"


def fields_of(reference):
    """The config fields and limits of a learner; the options of a task."""
    declared = source.declared(reference)
    if reference in FACTORIES:
        assert declared.options is not None
        return declared.options.values()
    assert declared.limits, "a learner says what it reads of a budget"
    return [*declared.fields.values(), *declared.limits.values()]


@pytest.mark.parametrize("reference", [*OURS, *FACTORIES])
def test_every_field_has_a_range(reference):
    assert [words for field in fields_of(reference) for words in problems_of(field)] == []


@pytest.mark.parametrize("reference", [*OURS, *FACTORIES])
def test_every_range_refuses_what_is_beyond_it(reference):
    for field in fields_of(reference):
        whole = get_origin(field.type) is tuple or "tuple" in field.text
        refused = [value for _, (bounds,) in numbers(field.type) for value in outside(bounds)]
        assert all(field.problem((value,) if whole else value) for value in [*refused, math.nan, math.inf, "x", None])
        assert field.type is bool or field.problem(True)


ABSURD = {float: (1e300, -1e300, 1e-300, 1.1e18, 0.9e-18), int: (10**30, 2**62, 10**12 + 1)}


@pytest.mark.parametrize("reference", [*OURS, *FACTORIES])
def test_every_number_of_an_absurd_magnitude_is_refused(reference):
    for field in fields_of(reference):
        whole = get_origin(field.type) is tuple or "tuple" in field.text
        absurd = [value for kind, _ in numbers(field.type) for value in ABSURD[kind]]
        assert all(field.problem((value,) if whole else value) for value in absurd)


def test_what_is_usual_is_said():
    lr = Field("lr", NonNegative)
    usual = "0 or of a magnitude from 1e-18 to 1e+18, integers at most 1e+12"
    for text in ("1e300", "1e-300"):
        with pytest.raises(
            UsageError, match=re.escape(f"-o lr={text}: expected a value of type float, at least 0, {usual}")
        ):
            lr.parse(text)
    with pytest.raises(UsageError, match=re.escape(usual)):
        Field("hidden", Widths).parse(f"64,{10**30}")
    assert [lr.problem(value) for value in (0, 0.0, 1e-18, 1e18, 10**12)] == [None] * 5


def test_an_end_of_unusual_magnitude_extends_the_range():
    small, large = Range(1e-30, 1), Range(0, 1e20)
    assert [value in small for value in (1e-30, 1e-25, 1e-31, 1)] == [True, True, False, True]
    assert [value in large for value in (1e19, 1e20, 1e21, 1e-20)] == [True, True, False, False]


def test_a_device_that_a_learner_does_not_run_on_is_refused_before_anything_runs():
    with pytest.raises(UsageError, match=re.escape("device is 'cuda', expected device == 'cpu'")):
        expand(reproduce.experiments()["maac/fig3"], Selection("smoke", device="cuda"))


@pytest.mark.parametrize("learner", LEARNERS)
def test_what_is_read_from_the_source_is_what_the_module_has(learner):
    module = importlib.import_module(source.split_reference(learner)[0])
    declared = source.declared(learner)
    hints = typing.get_type_hints(module.Config, include_extras=True)
    assert {name: field.type for name, field in declared.fields.items()} == hints
    made = {f.name: source.REQUIRED if f.default is MISSING else f.default for f in fields(module.Config)}
    assert declared.defaults == made
    assert list(declared.defaults) == list(made), "in the same order"
    assert declared.profiles == getattr(module, "PROFILES", {})
    assert declared.version == module.VERSION
    assert declared.rules == getattr(module, "RULES", {})
    if hasattr(module, "Limits"):
        hints = typing.get_type_hints(module.Limits, include_extras=True)
        assert {name: field.type for name, field in declared.limits.items()} == hints
        assert set(declared.needed) == module.Limits.__required_keys__


@pytest.mark.parametrize("factory", FACTORIES)
def test_the_options_read_from_the_source_are_the_factorys_parameters(factory):
    function = resolve(factory)
    declared = source.declared(factory)
    parameters = inspect.signature(function).parameters
    hints = typing.get_type_hints(function, include_extras=True)
    assert {name: field.type for name, field in declared.options.items()} == {name: hints[name] for name in parameters}
    for name, parameter in parameters.items():
        assert (name in declared.option_defaults) == (parameter.default is not inspect.Parameter.empty)
        if declared.option_defaults.get(name) is not None:
            assert declared.option_defaults[name] == parameter.default
    assert "horizon" not in parameters or declared.option_defaults.get("horizon", 1) is not None


VIOLATED = [
    (
        "sac-svg/table2",
        "sac-svg-3",
        "learning_starts=4",
        "H is 3 and learning_starts is 4, expected learning_starts > H + 1",
    ),
    ("sac-svg/table2", "sac-svg-3", "total_steps=3", "expected replay_capacity > H + (not whole_episodes) and"),
    (
        "sac-svg/table2",
        "sac-svg-3",
        "H=999",
        "H is 999, horizon is 1000 and whole_episodes is False, expected H == 0",
    ),
    ("sac-svg/fig4", "mve-sac", "learning_starts=3", "expected learning_starts > critic_steps + 1: a window must fit"),
    ("sac-svg/fig4", "mve-sac", "critic_steps=999", "critic_steps is 999, horizon is 1000 and whole_episodes is False"),
    ("sac-svg/table2", "sac", "std_max=0.01", "std_max is 0.01 and std_min is 0.1, expected std_min <= std_max"),
    ("sac-svg/table2", "sac", "log_std_max=-6", "expected log_std_min < log_std_max"),
    ("maac/fig3", "learned-f-learned-q", "members=7", "expected paths % (members * start_states) == 0"),
    ("maac/fig3", "learned-f-learned-q", "total_steps=99", "expected stages[0] <= total_steps"),
    (
        "maac/fig3",
        "learned-f-learned-q",
        "stages=100,150,400",
        "expected all(stage % horizon == 0 for stage in stages)",
    ),
    ("maac/fig3", "learned-f-learned-q", "horizons=0", "horizons is (0,), expected horizons[-1] > 0"),
    ("maac/fig3", "learned-f-learned-q", "log_var_max=-11", "expected log_var_min < log_var_max"),
    ("maac/fig3", "learned-f-learned-q", "held_out=0.001", "some transitions must train, and some must be held out"),
    ("maac/fig3", "learned-f-learned-q", "held_out=0.999", "some transitions must train, and some must be held out"),
    (
        "maac/fig2",
        "mbpo",
        "model_hidden=64",
        "expected len(model_decay) == len(model_hidden) + 1: each layer needs one rate",
    ),
    ("sac-svg/table2", "metrpo", "real_path_length=1001", "a path ends with the task's episode"),
    ("sac-svg/table2", "metrpo", "real_path_length=170", "expected total_steps % real_path_length == 0"),
    ("sac-svg/table2", "metrpo", "real_paths=10", "the first collection only trains the first model"),
    ("sac-svg/table2", "metrpo", "model_patience=7", "networks stop after a validation"),
    ("trpo/fig4", "cem", "elite_fraction=0.01", "expected elite_fraction * simulations > 0.5"),
    ("trpo/fig4", "cem", "path_length=1001", "expected path_length <= horizon"),
    ("trpo/fig4", "vine", "timesteps=1000", "expected sampling != 'vine' or timesteps == 0"),
    ("trpo/fig4", "vine", "damping=gradient", "vines have no others"),
    ("trpo/fig4", "vine", "branch_length=1001", "a branch ends with the task's episode"),
    ("trpo/fig4", "single-path", "timesteps=3", "timesteps is 3, expected timesteps == 0 or timesteps >= simulations"),
    ("gae/fig10", "gamma-0.995-lambda-0.96", "value_fit=adam", "expected value_fit != 'adam' or batch == 'steps'"),
    ("trpo/crosscheck", "ours", "fisher_fraction=5e-4", "expected batch != 'steps' or timesteps * fisher_fraction"),
    ("trpo/fig4", "single-path", "fisher_fraction=0.7", "every k-th step of a path is used, k = 1 / fisher_fraction"),
    ("trpo/fig4", "natural-gradient", "fisher_fraction=0.4", "every k-th step of a path is used"),
    ("gae/fig10", "gamma-0.995-lambda-0.96", "fisher_fraction=0.15", "every k-th step of a path is used"),
    ("gae/fig10", "gamma-0.995-lambda-0.96", "value_fraction=0.7", "k = 1 / value_fraction"),
    ("svg/fig4", "svg-1-er", "simulations=7", "expected episodes % simulations == 0"),
]


@pytest.mark.parametrize(("experiment", "variant", "override", "said"), VIOLATED)
def test_rules_between_settings_are_held(experiment, variant, override, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        expand(reproduce.experiments()[experiment], Selection("smoke", variants=(variant,), overrides=(override,)))


@pytest.mark.parametrize("k", [1, 2, 3, 7, 10, 49, 2000])
def test_a_share_that_is_one_of_so_many_steps_is_accepted(k):
    overrides = (f"fisher_fraction={1 / k!r}",)
    chosen = Selection("smoke", variants=("single-path",), overrides=overrides)
    assert {cell.config["fisher_fraction"] for cell in expand(reproduce.experiments()["trpo/fig4"], chosen)} == {1 / k}


@pytest.mark.parametrize("learner", OURS)
def test_every_rule_can_be_judged_somewhere(learner):
    """Its names are settings, and of a task that has a horizon all of them have a value."""
    declared = source.declared(learner)
    for rule, reason in declared.rules.items():
        assert names_in(rule) <= {*declared.fields, *declared.limits, *OTHER_NAMES}
        assert reason


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


def test_show_says_the_range_of_a_setting():
    shown = {
        row["id"]: row["detail"] for row in parts_of(reproduce.experiments()["trpo/fig4"]) if row["kind"] == "setting"
    }
    assert shown["gamma"] == "float, from 0 to 1"
    assert shown["hidden"] == "tuple[int, ...], each at least 1"
    assert shown["standardise"] == "bool"
