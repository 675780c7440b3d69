"""What the benchmark of model-based learning rests on: its counts of the least arithmetic, and how a step adds up."""

from __future__ import annotations

import pytest
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import model_based


def flops(turn) -> int:
    with FlopCounterMode(display=False) as counter:
        turn()
    return counter.get_total_flops()


@pytest.fixture(scope="module")
def step():
    return model_based.Step(model_based.cell_of("smoke"), [0, 1], at=400)


@pytest.mark.parametrize("part", ["updates", "epoch", "imagined"])
def test_a_part_that_is_timed_does_the_least_arithmetic(step, part):
    assert flops(step.turns[part]) == 2 * step.least[part]


@pytest.mark.parametrize("variant", ["maac", "h0", "single"])
def test_an_update_of_maac_that_is_timed_does_the_least_arithmetic(variant):
    updates = model_based.Updates(model_based.cell_of("smoke", variant), [0, 1])
    assert updates.count > 1
    assert flops(updates.turn) == 2 * updates.count * updates.least


def test_an_epoch_is_one_of_a_fit_to_the_transitions_at_that_step(step):
    assert step.rows.shape[1] == 400
    assert step.minibatches == 5, "320 transitions in batches of 64; 80 are held out"
    step.turns["epoch"]()
    assert step.agent.fit.epochs.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("aten::baddbmm", "products"),
        ("aten::silu_backward", "elementwise"),
        ("aten::index_select", "rows"),
        ("aten::expand", "calls"),
        ("autograd::engine::evaluate_function: BmmBackward0", "calls"),
        ("BmmBackward0", "calls"),
    ],
)
def test_operations_have_their_kinds(operation, kind):
    assert model_based.kind_of(operation) == kind


def test_all_products_of_a_turn_count_as_products_and_kinds_add_up(step, monkeypatch):
    seen, kind_of = set(), model_based.kind_of
    monkeypatch.setattr(model_based, "AT", {"short": 400})
    monkeypatch.setattr(model_based, "kind_of", lambda name: (seen.add(name), kind_of(name))[1])
    updates = model_based.Updates(model_based.cell_of("smoke", "maac"), [0])
    seconds = {"short/updates": 2.0, "short/epoch": 4.0, "short/imagined": 8.0, "maac_short": 3.0}
    found = model_based.by_kind({"short": step}, {"short": updates}, seconds)
    products = {name for name in seen if name.startswith("aten::") and name.endswith("mm")}
    assert products
    assert {kind_of(name) for name in products} == {"products"}
    whole = step.of_step({"updates": 2.0, "epoch": 4.0, "imagined": 8.0})
    for name, expected in (("short/step", whole), ("maac_short", 3.0)):
        kinds = [found[f"{name}/{kind}"] for kind in model_based.KINDS]
        assert min(kinds) > 0
        assert sum(kinds) == pytest.approx(expected)


def test_a_step_has_its_share_of_the_fit_and_of_the_rollouts(step):
    """Fits every 100 steps have ten epochs, and rollouts two steps at step 400."""
    assert (step.epochs, step.length, step.config.fit_every) == (10, 2, 100)
    parts = {"updates": 3.0, "epoch": 5.0, "imagined": 7.0}
    assert step.of_step(parts) == pytest.approx(3.0 + (10 * 5.0 + 2 * 7.0) / 100)


def test_the_sizes_that_are_timed_are_those_of_the_budgets():
    short, paper = (model_based.cell_of(budget).config for budget in ("short", "paper"))
    assert (short["members"], short["model_hidden"], short["updates_per_step"]) == (5, (128, 128, 128), 10)
    assert (paper["members"], paper["model_hidden"], paper["updates_per_step"]) == (7, (200,) * 4, 20)


def test_all_ways_of_rows_through_an_ensemble_have_its_products():
    turns = model_based.rows_through(members=3, hidden=(8, 9), rows=3000)
    each = 14 * 8 + 8 * 9 + 9 * 24
    assert flops(turns["one_member"]) == flops(turns["one_member/products"]) == 2 * 3000 * each
    assert flops(turns["all_members"]) == flops(turns["all_members/naive"]) == 3 * 2 * 3000 * each
    assert flops(turns["all_members/products"]) == pytest.approx(3 * 2 * 3000 * each, rel=0.05)


def test_the_least_of_a_turns_times_leaves_out_the_first():
    calls = []
    found = model_based.least_seconds({"one": lambda: calls.append(1), "two": lambda: calls.append(2)}, 2)
    assert calls == [1, 2] * 3
    assert set(found) == {"one", "two"}
    assert all(seconds >= 0 for seconds in found.values())
