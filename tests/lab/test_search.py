"""A search as data: the settings of its grids, the experiment it expands to, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from svgbench_testkit.experiments import EXPERIMENTS, SEARCHES

from svgbench import reproduce
from svgbench.lab.cells import Selection, expand
from svgbench.words.errors import UsageError
from svgbench.words.experiment import Budget
from svgbench.words.search import Axis, Grid, as_experiment, tasks_of, tried

WALK, SEARCH = EXPERIMENTS[0], SEARCHES[0]


def with_grid(*axes, **how):
    return replace(SEARCH, grids=(Grid("drift", axes, **how),))


def test_a_grid_is_every_combination_in_declared_order():
    search = with_grid(Axis("drift", (0.5, 2.0)), Axis("until", ("now", "then"), name="u", label="υ"))
    found = tried(search)
    assert [s.values for s in found] == [{"drift": d, "until": u} for d in (0.5, 2.0) for u in ("now", "then")]
    assert [s.variant.id for s in found] == [f"drift-{d}.u-{u}" for d in ("0.5", "2") for u in ("now", "then")]
    assert found[0].variant.label == "drift = 0.5, υ = now"
    assert [s.variant.id for s in tried(SEARCH)] == [
        "drift.drift-0.25",
        "drift.drift-0.5",
        "still.pace-5",
        "still.pace-6",
    ]


def test_it_expands_to_an_experiment_with_the_settings_as_variants():
    made = as_experiment(SEARCH)
    assert reproduce.experiments()["testkit/walk-search"] == made
    assert (made.columns, made.block_size, made.threads) == (WALK.columns, WALK.block_size, WALK.threads)
    cells = {cell.key: cell for cell in expand(made, Selection(budget="smoke"))}
    assert len(cells) == 2 * 4
    assert cells["field/calm", "drift.drift-0.25"].config["drift"] == 0.25
    assert cells["field/calm", "still.pace-6"].config | {"steps": 5} == cells["field/calm", "still.pace-5"].config
    assert {cell.seeds for cell in cells.values()} == {(600, 601)}


def test_a_deviation_of_some_variants_is_about_the_settings_tried_for_them():
    (one,) = WALK.deviations
    found = {}
    for name in ("drift", "still", "other"):
        walk = replace(WALK, deviations=(replace(one, variants=(name,)),))
        found[name] = as_experiment(replace(SEARCH, experiment=walk)).deviations
    ids = [[v.id for v in as_experiment(SEARCH).variants if v.id.startswith(name)] for name in ("drift", "still")]
    assert [found[name][0].variants for name in ("drift", "still")] == [tuple(own) for own in ids]
    assert found["other"] == ()


def test_a_searched_field_is_not_read_from_the_variant():
    """Writing a winner into the experiment leaves the search's cells what they were."""
    drift, still = WALK.variants
    written = replace(WALK, variants=(replace(drift, config={"drift": 0.125}), still))
    before, after = (
        [cell.identity for cell in expand(as_experiment(s), Selection(budget="smoke"))]
        for s in (SEARCH, replace(SEARCH, experiment=written))
    )
    assert before == after


def test_what_a_later_search_chose_does_not_change_an_earlier_ones_cells():
    """Its config stands in the variant's place, whatever is written there, and in the task's."""
    drift, still = WALK.variants
    earlier = replace(SEARCH, grids=SEARCH.grids[:1], config={"steps": 3})
    for changed in (replace(drift, config={"steps": 7}), drift):
        search = replace(earlier, experiment=replace(WALK, variants=(changed, still)))
        cells = expand(as_experiment(search), Selection(budget="smoke", variants=("drift-0.25",)))
        assert {(cell.config["drift"], cell.config["steps"]) for cell in cells} == {(0.25, 3)}


def test_a_grids_own_config_concerns_its_own_variant_only():
    drift, still = SEARCH.grids
    search = replace(SEARCH, grids=(replace(drift, config={"steps": 3}), still))
    steps = {cell.key: cell.config["steps"] for cell in expand(as_experiment(search), Selection(budget="smoke"))}
    before = {cell.key: cell.config["steps"] for cell in expand(as_experiment(SEARCH), Selection(budget="smoke"))}
    assert {key for key in steps if steps[key] != before[key]} == {key for key in steps if key[1].startswith("drift")}
    assert {steps[key] for key in steps if key[1].startswith("drift")} == {3}
    with pytest.raises(ValueError, match="config sets steps"):
        as_experiment(replace(SEARCH, grids=(drift, replace(still, config={"steps": 5}))))


def test_limits_of_a_search_stand_in_the_place_of_the_tasks():
    calm, windy = (replace(t, limits={"smoke": {"total_steps": 9}}) for t in WALK.tasks)
    smoke = Budget("smoke", 2, "cut", limits={"total_steps": 5})
    search = replace(SEARCH, experiment=replace(WALK, tasks=(calm, windy)), budgets=(smoke,))
    its_own = replace(search, limits={"field/windy": {"smoke": {"total_steps": 3}}})
    for one, steps in ((search, {9}), (replace(search, limits={}), {5}), (its_own, {5, 3})):
        assert {c.limits["total_steps"] for c in expand(as_experiment(one), Selection(budget="smoke"))} == steps


def test_tasks_are_those_of_the_search_the_grid_and_the_variant():
    (grid,) = with_grid(Axis("drift", (0.0, 1.0))).grids
    assert tasks_of(SEARCH, grid) == ("field/calm", "field/windy")
    assert tasks_of(SEARCH, replace(grid, tasks=("field/windy",))) == ("field/windy",)
    assert tasks_of(replace(SEARCH, tasks=("field/calm",)), grid) == ("field/calm",)


CALM_GRID = Grid("drift", (Axis("drift", (0.25, 0.5)),), tasks=("field/calm",))
WINDY_GRID = Grid("drift", (Axis("drift", (2.0, 0.25, 0.5)),), tasks=("field/windy",))


def test_a_variant_may_have_more_values_on_some_tasks():
    """A setting of both grids is one variant; more values on a task change no cell that there was."""
    one = as_experiment(with_grid(Axis("drift", (0.25, 0.5))))
    two = as_experiment(replace(SEARCH, grids=(WINDY_GRID, CALM_GRID)))
    assert [(v.id, v.tasks) for v in two.variants] == [
        ("drift-2", ("field/windy",)),
        ("drift-0.25", ("field/calm", "field/windy")),
        ("drift-0.5", ("field/calm", "field/windy")),
    ]
    before, after = ({c.key: c.identity for c in expand(e, Selection(budget="smoke"))} for e in (one, two))
    assert set(after) - set(before) == {("field/windy", "drift-2")}
    assert after == before | {key: after[key] for key in set(after) - set(before)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"grids": (WINDY_GRID, replace(WINDY_GRID, tasks=None))}, "two grids are for drift on field/windy"),
        ({"grids": (CALM_GRID, CALM_GRID)}, "two grids are for drift on field/calm; expected different tasks"),
        ({"grids": (CALM_GRID, replace(WINDY_GRID, config={"slices": 3}))}, "two settings have the name drift-0.25"),
        ({"grids": (Grid("drift", (Axis("drift", (0.12345671, 0.12345672)),)),)}, "two settings have the name"),
        ({"grids": ()}, "expected one grid or more"),
        ({"grids": (Grid("drfit", (Axis("drift", (0.0, 1.0)),)),)}, "no variant 'drfit'"),
        ({"grids": (Grid("drift", (Axis("drift", (0.0, 1.0)),), chosen_for=("stil",)),)}, "no variant 'stil'"),
        ({"grids": (Grid("drift", (Axis("drift", (1.0,)),)),)}, "two values or more"),
        ({"grids": (Grid("drift", (Axis("slices", (1, 2)),)),)}, "budget short sets slices"),
        ({"grids": (Grid("drift", (Axis("drift", (0.0, 1.0)),), tasks=("field/clam",)),)}, "not there"),
        ({"config": {"drift": 0.5}}, "config sets drift"),
        ({"tasks": ("field/clam",)}, "no task 'field/clam'"),
        ({"limits": {"field/clam": {}}}, "no task 'field/clam'"),
        ({"first_seed": 0}, "first seed is 0"),
        ({"first_seed": 601}, "expected a multiple of 3"),
    ],
)
def test_a_search_that_cannot_be_what_it_says_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        as_experiment(replace(SEARCH, **changes))


def test_a_name_means_a_search_or_those_of_an_experiment():
    for name in ("testkit/walk-search", "walk-search", "testkit/walk"):
        assert reproduce.resolve_searches(name) == [SEARCH]
    with pytest.raises(UsageError, match="nothing is searched for maac/fig3"):
        reproduce.resolve_searches("maac/fig3")
    with pytest.raises(UsageError, match="no search 'testkit/walk-serch'; did you mean 'testkit/walk-search'"):
        reproduce.resolve_searches("testkit/walk-serch")
