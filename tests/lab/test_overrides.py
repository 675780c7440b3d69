"""`-o key=value`: which cells it changes, which it leaves out, and what it refuses."""

from __future__ import annotations

import pytest
from svgbench_testkit.experiments import EXPERIMENTS

from svgbench import reproduce
from svgbench.lab.cells import Selection, expand, reach_of
from svgbench.lab.overrides import parse_overrides, reach
from svgbench.words.errors import UsageError

WALK = EXPERIMENTS[0]
KNOWN = {("a", "x"): {"lr", "gamma"}, ("a", "y"): {"lr", "gamma", "horizon"}, ("b", "x"): {"gamma"}, ("c", "x"): set()}


def test_a_setting_reaches_the_cells_that_have_it():
    reached = reach({"lr": "1"}, KNOWN, "toy")
    assert reached.changed == {"a": ["x", "y"]}
    assert reached.left_out == {"b": ["x"], "c": ["x"]}
    assert reached.sentence() == "-o lr=1 changes a; left out, without lr: b, c"


def test_two_settings_reach_the_cells_that_have_both():
    reached = reach({"lr": "1", "gamma": "2"}, KNOWN, "toy")
    assert reached.changed == {"a": ["x", "y"]}
    assert reached.sentence() == "-o lr=1 -o gamma=2 changes a; left out, without lr and gamma: b, c"


def test_a_variant_may_be_reached_on_some_tasks_only():
    sentence = reach({"horizon": "5"}, KNOWN, "toy").sentence()
    assert sentence == "-o horizon=5 changes a (on y); left out, without horizon: a (on x), b, c"


def test_without_overrides_all_take_part_and_nothing_is_said():
    reached = reach({}, KNOWN, "toy")
    assert list(reached.changed) == ["a", "b", "c"]
    assert reached.sentence() == ""


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"gama": "1"}, r"no setting of toy 'gama'; did you mean 'gamma'\?"),
        ({"lr": "1", "zeta": "1"}, "no setting of toy 'zeta'"),
    ],
)
def test_a_setting_that_none_has(overrides, words):
    with pytest.raises(UsageError, match=words):
        reach(overrides, KNOWN, "toy")


def test_settings_that_none_has_together():
    with pytest.raises(UsageError, match="no variant of toy has lr and tau: lr is of a; tau is of b"):
        reach({"lr": "1", "tau": "1"}, {("a", "x"): {"lr"}, ("b", "x"): {"tau"}}, "toy")


@pytest.mark.parametrize("text", ["gamma", "=1", " =1", "", "="])
def test_names_that_are_not_settings(text):
    with pytest.raises(UsageError, match="expected key=value"):
        parse_overrides([text])


def test_a_setting_given_twice():
    with pytest.raises(UsageError, match=r"-o gamma is given twice: 0\.9 and 0\.5; expected one value"):
        parse_overrides(["gamma=0.9", "tau=1", "gamma=0.5"])
    assert parse_overrides([" gamma=a=b"]) == {"gamma": "a=b"}, "a value may hold an equals sign"


def test_cells_of_several_algorithms():
    """Table 2 has SAC, which knows no model, SAC-SVG, which does, and a random policy, which trains nothing."""
    table2 = reproduce.experiments()["sac-svg/table2"]
    selection = Selection("smoke", 1, ("poplin/hopper",), overrides=("model_lr=0.002",))
    cells = expand(table2, selection)
    whole = expand(table2, Selection("smoke", 1, ("poplin/hopper",)))
    assert {cell.config["model_lr"] for cell in cells} == {0.002}
    having = [cell.variant.id for cell in whole if "model_lr" in cell.config]
    assert [cell.variant.id.partition("+")[0] for cell in cells] == having
    assert 0 < len(having) < len(whole)
    reached = reach_of(table2, selection)
    assert list(reached.changed) == having
    assert list(reached.left_out) == [cell.variant.id for cell in whole if cell.variant.id not in having]


def test_a_limit_is_a_setting_of_every_cell():
    fig3 = reproduce.experiments()["svg/fig3"]
    (name, *_) = expand(fig3, Selection("smoke"))[0].limits
    reached = reach_of(fig3, Selection("smoke", overrides=(f"{name}=1",)))
    assert reached.left_out == {}


def test_a_chosen_variant_that_lacks_the_setting():
    table2 = reproduce.experiments()["sac-svg/table2"]
    with pytest.raises(UsageError, match="no setting of sac, random 'model_lr'"):
        expand(table2, Selection("smoke", variants=("sac", "random"), overrides=("model_lr=0.1",)))


def test_a_value_names_its_field_and_type():
    with pytest.raises(UsageError, match="-o slices=many: expected a value of type int"):
        expand(WALK, Selection("smoke", overrides=("slices=many",)))
