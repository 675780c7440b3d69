"""Expansion, identity, blocks, seeds, plan and the estimate of its cost."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from harness import cell_of
from hypothesis import given
from hypothesis import strategies as st
from svgbench_testkit.experiments import EXPERIMENTS

from svgbench.lab import source
from svgbench.lab.calibration import Cost, estimate, kind
from svgbench.lab.cells import Selection, block_from_job, blocks, describe_job, expand, identity, parse_seeds
from svgbench.lab.fields import of_value
from svgbench.lab.plan import make_plan
from svgbench.lab.store import Store
from svgbench.words.errors import UsageError
from svgbench.words.experiment import Variant
from svgbench.words.values import PerTask

WALK = EXPERIMENTS[0]


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("1", 1),
        ("10", 10),
        (" 3 ", 3),
        ("0-0", [0]),
        ("3-5", [3, 4, 5]),
        ("0,4,7", [0, 4, 7]),
        ("9, 0-2", [0, 1, 2, 9]),
        ("7,3", [3, 7]),
    ],
)
def test_seeds(text, seeds):
    assert parse_seeds(text) == (seeds if isinstance(seeds, int) else tuple(seeds))


def test_a_count_of_seeds_starts_at_the_experiments_first():
    later = replace(WALK, first_seed=600)
    for experiment, first in ((WALK, 0), (later, 600)):
        for asked, count in ((None, 4), (2, 2)):
            cells_ = expand(experiment, Selection(budget="smoke", seeds=asked))
            assert {cell.seeds for cell in cells_} == {tuple(range(first, first + count))}
    assert expand(later, Selection(budget="smoke", seeds=(601,)))[0].seeds == (601,)
    with pytest.raises(UsageError, match=r"--seeds 3: the seeds of testkit/walk start at 600; 600-602\?"):
        expand(later, Selection(budget="smoke", seeds=(3, 601)))


def test_a_task_or_a_variant_may_have_another_number_of_seeds():
    smoke = replace(WALK.budget("smoke"), seeds_of={"field/windy": 6, "still": 2, "field/calm--still": 1})
    budgets = tuple(smoke if b.name == "smoke" else b for b in WALK.budgets)
    changed = replace(WALK, budgets=budgets)
    counts = {cell.key: len(cell.seeds) for cell in expand(changed, Selection(budget="smoke"))}
    assert counts == {
        ("field/calm", "drift"): 4,
        ("field/calm", "still"): 1,
        ("field/windy", "drift"): 6,
        ("field/windy", "still"): 2,
    }
    assert {len(cell.seeds) for cell in expand(changed, Selection(budget="smoke", seeds=3))} == {3}


def test_a_task_or_a_variant_may_have_another_size_of_blocks():
    smoke = replace(WALK.budget("smoke"), block_size_of={"field/windy": 2, "still": 3, "field/calm--still": 1})
    changed = replace(WALK, budgets=(smoke,))
    sizes = {cell.key: cell.block_size for cell in expand(changed, Selection(budget="smoke"))}
    assert sizes == {
        ("field/calm", "drift"): WALK.block_size,
        ("field/calm", "still"): 1,
        ("field/windy", "drift"): 2,
        ("field/windy", "still"): 3,
    }
    with pytest.raises(UsageError, match="block_size"):
        expand(replace(WALK, budgets=(replace(smoke, block_size_of={"still": 0}),)), Selection(budget="smoke"))


def test_a_task_or_a_variant_may_have_another_number_of_threads():
    smoke = replace(WALK.budget("smoke"), threads_of={"field/windy": 2, "still": 3, "field/calm--still": 4})
    changed = replace(WALK, budgets=(smoke,))
    found = {cell.key: cell for cell in expand(changed, Selection(budget="smoke"))}
    assert {key: cell.threads for key, cell in found.items()} == {
        ("field/calm", "drift"): WALK.threads,
        ("field/calm", "still"): 4,
        ("field/windy", "drift"): 2,
        ("field/windy", "still"): 3,
    }
    usual = {cell.key: cell.identity for cell in expand(WALK, Selection(budget="smoke"))}
    same = {key for key, cell in found.items() if cell.identity == usual[key]}
    assert same == {("field/calm", "drift")}, "threads change how sums round"
    with pytest.raises(UsageError, match="threads"):
        expand(replace(WALK, budgets=(replace(smoke, threads_of={"still": 0}),)), Selection(budget="smoke"))


def test_a_budget_may_have_settings_for_a_task_a_variant_and_a_cell():
    """The narrowest wins, setting by setting; a setting that the learner lacks is left out."""
    own = {
        "field/windy": {"slices": 7, "drift": 1.0},
        "drift": {"slices": 8, "no_such_field": 1},
        "field/windy--drift": {"drift": 2.0},
    }
    smoke = replace(WALK.budget("smoke"), config={"slices": 6}, config_of=own)
    cells_ = {cell.key: cell.config for cell in expand(replace(WALK, budgets=(smoke,)), Selection(budget="smoke"))}
    slices = {key: config["slices"] for key, config in cells_.items()}
    assert slices == {
        ("field/calm", "drift"): 8,
        ("field/calm", "still"): 6,
        ("field/windy", "drift"): 8,
        ("field/windy", "still"): 7,
    }
    assert cells_["field/windy", "drift"]["drift"] == 2.0
    assert "no_such_field" not in cells_["field/calm", "drift"]


def test_a_budget_may_have_limits_of_a_variant_and_of_a_cell():
    """They override the task's; `last_step` says where such a cell ends."""
    calm, windy = WALK.tasks
    tasks = (calm, replace(windy, limits={"smoke": {"total_steps": 50}}))
    own = {"drift": {"total_steps": 30}, "field/calm--drift": {"total_steps": 20}}
    smoke = replace(WALK.budget("smoke"), limits={"total_steps": 100}, limits_of=own)
    changed = replace(WALK, tasks=tasks, budgets=(smoke,), step_unit="environment steps")
    ends = {cell.key: cell.limits["total_steps"] for cell in expand(changed, Selection(budget="smoke"))}
    expected = {
        ("field/calm", "drift"): 20,
        ("field/calm", "still"): 100,
        ("field/windy", "drift"): 30,
        ("field/windy", "still"): 50,
    }
    assert ends == expected
    assert {key: changed.last_step("smoke", *key) for key in expected} == expected
    assert changed.last_step("smoke", "field/windy", "drift+0123abcd") == 30
    assert [changed.last_step("smoke", task) for task in ("field/calm", "field/windy")] == [100, 50]


def test_a_variants_setting_may_differ_between_tasks():
    """Tasks that a value per task leaves out use the layers below: here the task's own setting, then the default."""
    calm, windy = WALK.tasks
    drift = replace(WALK.variants[0], config={"drift": PerTask({"field/windy": 0.75}), "steps": 2})
    changed = replace(WALK, tasks=(replace(calm, config={"drift": 7.5}), windy), variants=(drift,))
    on_calm, on_windy = expand(changed, Selection(budget="smoke"))
    assert (on_calm.config["drift"], on_windy.config["drift"]) == (7.5, 0.75)
    assert on_calm.config["steps"] == on_windy.config["steps"] == 2
    (block,) = blocks(on_windy, [0])
    again = block_from_job(json.loads(json.dumps(describe_job(block)))).cell
    assert identity(again) == on_windy.identity
    assert again.variant.config == {"drift": 0.75, "steps": 2}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1",
        "-",
        "1-",
        "5-3",
        "a",
        "1.5",
        "1,,2",
        "1,a",
        "0,0",
        "0-3,2",
        "1e3",
        "²",
        "99999999999",
        "0-99999999999",
    ],
)
def test_bad_seeds_are_refused_by_name(text):
    with pytest.raises(UsageError, match="--seeds"):
        parse_seeds(text)


@given(st.sets(st.integers(0, 50), min_size=1), st.integers(1, 7))
def test_a_seed_is_in_the_same_block_whatever_else_is_asked(wanted, size):
    cell = replace(cell_of(), block_size=size)
    made = blocks(cell, wanted)
    assert sorted(seed for block in made for seed in block.wanted) == sorted(wanted)
    for block in made:
        assert block.seeds == tuple(range(block.index * size, (block.index + 1) * size))
        assert all(seed // size == block.index for seed in block.wanted)
        assert block.name == f"block-{block.index:03d}-{cell.identity}"


def test_expansion_is_tasks_times_variants_in_declared_order():
    found = expand(WALK, Selection(budget="smoke"))
    assert [cell.key for cell in found] == [(t, v) for t in ("field/calm", "field/windy") for v in ("drift", "still")]
    assert found[0].name == "field-calm--drift"
    assert {cell.seeds for cell in found} == {(0, 1, 2, 3)}
    chosen = expand(WALK, Selection("smoke", (1,), ("field/windy",), ("still", "drift")))
    assert [cell.key for cell in chosen] == [("field/windy", "drift"), ("field/windy", "still")]


def test_budgets_override_the_config():
    paper, smoke = cell_of(budget="paper"), cell_of(budget="smoke")
    assert (paper.config["slices"], smoke.config["slices"]) == (40, 6)
    assert paper.config["drift"] == 0.5


def test_a_task_has_settings_and_limits_of_its_own():
    """A variant's own settings and a budget's cuts win over a task's; limits are the task's where it has any."""
    calm, *others = WALK.tasks
    drift, *_ = [v for v in WALK.variants if v.id == "drift"]
    free = replace(drift, config={})
    own = replace(calm, config={"drift": 7.5, "no-such-field": 1}, limits={"smoke": {"total_steps": 3}})
    changed = replace(WALK, tasks=(own, *others), variants=(drift, replace(free, id="free")))
    by_key = {cell.key: cell for cell in expand(changed, Selection(budget="smoke"))}
    ours, theirs = by_key[calm.id, "free"], by_key[calm.id, "drift"]
    assert ours.config["drift"] == 7.5
    assert theirs.config["drift"] == drift.config["drift"]
    assert "no-such-field" not in ours.config
    assert ours.limits["total_steps"] == theirs.limits["total_steps"] == 3
    assert all(cell.limits.get("total_steps") != 3 for key, cell in by_key.items() if key[0] != calm.id)
    assert all(cell.config["drift"] != 7.5 for key, cell in by_key.items() if key[0] != calm.id)
    (overridden,) = expand(changed, Selection("smoke", tasks=(calm.id,), variants=("free",), overrides=("drift=2",)))
    assert overridden.config["drift"] == 2.0
    (block,) = blocks(overridden, [0])
    assert identity(block_from_job(json.loads(json.dumps(describe_job(block)))).cell) == overridden.identity


def test_the_identity_depends_on():
    cell = cell_of()
    different = [
        replace(cell, config=dict(cell.config) | {"drift": 0.25}),
        replace(cell, limits={"total_steps": 3}),
        replace(cell, versions={"algorithm": 2, "task": 1}),
        replace(cell, versions={"algorithm": 1, "task": 2}),
        replace(cell, task=replace(cell.task, options={"scale": 0.2})),
        replace(cell, task=replace(cell.task, make="elsewhere:make")),
        replace(cell, variant=replace(cell.variant, learner="sac")),
        replace(cell, columns=("position",)),
        replace(cell, block_size=3),
        replace(cell, threads=2),
    ]
    same = [
        replace(cell, seeds=(7,)),
        replace(cell, device="cuda:1"),
        replace(cell, variant=replace(cell.variant, label="another name")),
        replace(cell, task=replace(cell.task, label="another name")),
    ]
    assert len({identity(c) for c in (cell, *different)}) == 1 + len(different)
    assert {identity(c) for c in same} == {cell.identity}


@pytest.mark.parametrize("added", [{"drift": 0.5}, {"drift": 0.5, "slices": 2}])
def test_a_setting_that_came_later_and_is_as_before_changes_no_identity(monkeypatch, added):
    """A cell of today and one from before the setting are the same; with another value the cell is another one."""
    cell = cell_of("drift=0.5", "slices=3")
    before = replace(cell, config={name: value for name, value in cell.config.items() if name != "drift"})
    assert identity(cell) != identity(before)
    declared = source.declared(cell.variant.learner)
    monkeypatch.setattr(source, "declared", lambda _: replace(declared, added=added))
    assert identity(cell) == identity(before)
    assert identity(replace(cell, config=dict(cell.config) | {"drift": 0.25})) != identity(before)


def test_an_override_makes_another_cell():
    plain, fast, again = cell_of(), cell_of("drift=2"), cell_of("drift=2.0")
    assert fast.variant.id == again.variant.id != plain.variant.id
    assert fast.variant.id.startswith("drift+")
    assert fast.variant.label == "drift (drift=2.0)"
    assert fast.identity == again.identity != plain.identity
    assert fast.config["drift"] == 2.0
    assert cell_of("drift=2", "slices=3").variant.id == cell_of("slices=3", "drift=2").variant.id


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(budget="smok"), "no budget of testkit/walk 'smok'; did you mean 'smoke'"),
        (Selection("smoke", tasks=("field/clam",)), "no task 'field/clam'; did you mean 'field/calm'"),
        (Selection("smoke", variants=("drfit",)), "no variant 'drfit'; did you mean 'drift'"),
        (Selection("smoke", overrides=("drfit=1",)), "no setting of testkit/walk 'drfit'; did you mean 'drift'"),
        (Selection("smoke", overrides=("drift",)), "-o drift: expected key=value"),
        (Selection("smoke", overrides=("drift=much",)), "-o drift=much: expected a value of type float"),
        (Selection("smoke", overrides=("slices=1.5",)), "-o slices=1.5: expected a value of type int"),
    ],
)
def test_unknown_words_are_refused_by_name(selection, message):
    with pytest.raises(UsageError) as caught:
        expand(WALK, selection)
    assert message in str(caught.value)


def test_a_foreign_learner_takes_part_when_it_is_named():
    extra = {"foreign-walk": Variant("foreign-walk", "foreign", "svgbench_testkit.walk:make")}
    assert "foreign-walk" not in {c.variant.id for c in expand(WALK, Selection("smoke"), extra)}
    found = expand(WALK, Selection("smoke", variants=("foreign-walk",)), extra)
    assert {c.variant.id for c in found} == {"foreign-walk"}


@given(drift=st.floats(allow_nan=False, allow_infinity=False), slices=st.integers(1, 9))
def test_a_job_survives_its_journey_as_json(drift, slices):
    (block, *_) = blocks(cell_of(f"drift={drift!r}", f"slices={slices}"), (0, 3))
    back = block_from_job(json.loads(json.dumps(describe_job(block))))
    assert describe_job(back) == describe_job(block)
    assert identity(back.cell) == block.cell.identity
    assert (back.seeds, back.wanted, back.name) == (block.seeds, block.wanted, block.name)


def test_tuples_survive_the_journey():
    (block,) = blocks(replace(cell_of(), config={"hidden": (64, 64)}), (0,))
    assert block_from_job(json.loads(json.dumps(describe_job(block)))).cell.config == {"hidden": (64, 64)}


def test_a_plan_lists_the_missing_runs(tmp_path):
    store = Store(tmp_path / "results")
    made = make_plan(store, WALK, Selection("smoke"))
    assert (made.runs_total, made.runs_missing, len(made.blocks)) == (16, 16, 8)
    assert made.statuses() == {"missing": 4}
    cell = made.cells[0].cell
    from svgbench.lab import platform

    done = {"rows": 0, "seconds": 1.0, "platform": platform.compared("cpu")}
    store.merge(cell, {0: "", 1: ""}, {0: done | {"status": "done"}, 1: done | {"status": "diverged", "reason": ""}})
    store.record_failure(blocks(cell, (2,))[0], "it fell", 2, tmp_path / "log")
    made = make_plan(store, WALK, Selection("smoke"))
    assert made.runs_missing == 14
    assert [b.wanted for b in made.cells[0].blocks] == [(2, 3)], "a diverged seed is done, a failed one is tried again"
    assert made.statuses() == {"missing": 3, "failed": 1}


def test_an_estimate_adds_up():
    cell = cell_of(seeds=10)  # five blocks
    five = blocks(cell, cell.seeds)
    known = {kind(cell): Cost(100.0, 2.0, 1000, 500)}
    assert estimate(five, known, 1).seconds == pytest.approx(510.0)
    assert estimate(five, known, 2).seconds == pytest.approx(255.0)
    assert estimate(five, known, 8).seconds == pytest.approx(102.0), "no quicker than its longest block"
    assert estimate(five, known, 2).disk_bytes == 5 * 500 + 2 * 1000
    assert estimate(five, {}, 2).errors == ("field-calm--drift: not calibrated",)
    assert estimate([], known, 2).seconds == 0.0
    unknown_csv = estimate(five, {kind(cell): Cost(1.0, 0.0, 10, None)}, 1)
    assert not unknown_csv.disk_exact


def test_cells_of_one_kind_share_a_calibration():
    assert kind(cell_of(seeds=2)) == kind(cell_of(seeds=9))
    assert kind(cell_of()) != kind(cell_of("slices=7"))
    assert kind(cell_of()) != kind(cell_of(variant="still"))


def test_a_limit_that_no_learner_declares_is_known_by_its_value():
    assert of_value("x", (1, 2)).text == "tuple[int, ...]"
    assert of_value("x", False).parse("true") is True


def test_a_variant_may_be_run_on_some_tasks_only():
    first, second = (replace(WALK.tasks[0], id=name) for name in ("kit/first", "kit/second"))
    here = replace(WALK.variants[0], id="here", tasks=("kit/second",))
    experiment = replace(WALK, tasks=(first, second), variants=(WALK.variants[0], here), claims=())

    assert [cell.key for cell in expand(experiment, Selection("smoke"))] == [
        ("kit/first", WALK.variants[0].id),
        ("kit/second", WALK.variants[0].id),
        ("kit/second", "here"),
    ]
    with pytest.raises(UsageError, match="here runs on kit/second"):
        expand(experiment, Selection("smoke", tasks=("kit/first",), variants=("here",)))
