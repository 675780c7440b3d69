"""PETS and POPLIN-P: the order of their work, the laws of learners, and that they learn, on the point task."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
from learner_laws import (
    a_lost_seed_leaves_the_others_alone,
    agrees_alone_and_in_a_block,
    continues_from,
    counts_the_estimated_work,
    finish,
    trains_alike_whatever_happens_meanwhile,
    with_states,
)
from planned_kit import STEPS, Rewarded, learner, trained
from point import Point, random_return

from svgbench.baselines.planned import pets, poplin_p

WAYS = {
    "mean": (pets, {}),
    "particles": (pets, {"propagation": "particles", "particles": 6}),
    "average": (poplin_p, {"policy_hidden": (4,)}),
    "clone": (poplin_p, {"policy_hidden": (4,), "training": "clone", "policy_epochs": 7, "policy_batch": 6}),
}
ALL = pytest.mark.parametrize("way", WAYS)


def made(way, *args, **config):
    module, own = WAYS[way]
    known = module.Config.__dataclass_fields__
    return learner(
        module,
        *args,
        **{k: v for k, v in {**own, **config}.items() if k in known or k in ("seeds", "task", "total_steps")},
    )


@ALL
def test_a_model_is_fitted_after_the_random_steps_and_then_after_each_rollout_to_all_that_was_seen(way):
    one, log = made(way), []
    begin, act = one.agent.fit.begin, one.agent.act
    one.agent.fit.begin = lambda name, rows, size, active: (log.append((name, size)), begin(name, rows, size, active))
    one.agent.act = lambda x, noise: (log.append(one.step), act(x, noise))[1]
    finish(one)
    plans = [range(10, 20), range(20, 30), range(30, 35)]
    assert log == [
        entry for fit, steps in zip((10, 20, 30), plans, strict=True) for entry in ((f"fit-{fit}", fit), *steps)
    ]
    # two epochs of 10, 20 and 30 transitions, 8 at once
    assert one.agent.fit.adam.steps.unique().tolist() == [2 * (2 + 3 + 4)]


def test_a_fit_minimises_the_loss_of_the_code():
    """modeling/models/BNN.py: for each network the mean of squared errors over variances, and of log-variances; half of
    the squared weights by each layer's rate; the distance of the bounds. Inputs are normalised, changes are not."""
    rates, widths = (0.3, 0.7), {"members": 2, "model_hidden": (4,), "model_batch": 8}
    c = pets.Config(**widths, model_decay=rates, model_lr=0.0, dtype="float64")
    one, rows = pets.PETS(c, Rewarded(), [4], "cpu"), torch.randn(1, 20, 10, dtype=torch.float64)
    one.fit.begin("fit", rows, 20, None)
    order = one.fit._epoch_order(one.fit._now)[0, :, :8]
    one.fit.advance(rows, 1)  # at rate 0 the weights stay
    x, change = rows[0, :, :5], rows[0, :, 5:8] - rows[0, :, :3]
    x = (x - x.mean(0)) / x.std(0, correction=0)
    model = one.model
    learned = [p for layer in model.layers for p in (layer.weight, layer.bias)] + [model.log_var_min, model.log_var_max]
    copies = [p.detach().clone().requires_grad_() for p in learned]
    low, high = (bound[0, 0, 0] for bound in copies[-2:])
    total = 0.01 * (high - low).sum()
    for e in range(2):
        W, b, V, d = (p[0, e] for p in copies[:4])
        mean, raw = (torch.nn.functional.silu(x[order[e]] @ W + b) @ V + d).chunk(2, -1)
        log_var = high - torch.log1p((high - raw).exp())
        log_var = low + torch.log1p((log_var - low).exp())
        total = total + ((mean - change[order[e]]) ** 2 * (-log_var).exp()).mean() + log_var.mean()
        total = total + sum(0.5 * rate * (w**2).sum() for rate, w in zip(rates, (W, V), strict=True))
    total.backward()
    for mine, own in zip(learned, copies, strict=True):
        torch.testing.assert_close(mine.grad, own.grad, rtol=1e-8, atol=1e-10)


@ALL
def test_a_row_has_the_mean_of_the_last_planned_episodes(way):
    one, ends = made(way, seeds=[3, 5], total_steps=65), {3: [], 5: []}
    store = one._store

    def noted(obs, action, outcome):
        began = one.step
        store(obs, action, outcome)
        for place, seed in enumerate(one.seeds):
            if (outcome.terminated | outcome.truncated)[place]:
                ends[seed].append((began + 1, one.train_return[place]))

    one._store = noted
    rows = finish(one)
    for row in rows:
        past = [(at, value) for at, value in ends[row["seed"]] if at <= row["step"]]
        starts = [0, *(at for at, _ in past)]
        planned = [value for (_, value), start in zip(past, starts, strict=False) if start >= 10][-2:]
        if not planned:
            assert row["step"] == 65
            assert math.isnan(row["eval_return"])
            continue
        assert row["eval_return"] == pytest.approx(np.mean(planned), rel=1e-12)
        assert math.isnan(row["eval_return_sd"]) == (len(planned) == 1)
        assert row["train_return"] == past[-1][1]
        assert math.isfinite(row["model_loss"])
        assert all(math.isnan(row[name]) for name in ("alpha", "entropy", "critic_loss", "reward_loss"))
    assert {row["step"] for row in rows} >= {30, 40, 50, 60, 65}


def test_a_block_too_short_for_a_planned_episode_still_ends_in_a_row():
    rows = finish(made("mean", seeds=[3], total_steps=13))
    assert [row["step"] for row in rows] == [13]
    assert math.isnan(rows[0]["eval_return"])


@ALL
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
def test_a_seed_alone_and_in_a_block_of_five_agree(way, dtype, tolerance):
    how = {"dtype": dtype, "model_epochs": 6}  # of 10, 20 and 30 transitions, 8 at once
    agrees_alone_and_in_a_block(
        lambda seeds: made(way, seeds, **how), trained, lambda one: one.agent.fit.adam.steps.min(), tolerance,
        exactly=6 * (2 + 3 + 4),
    )  # fmt: skip


@ALL
def test_a_checkpoint_after_any_slice_continues_to_the_bit(way):
    whole = made(way)
    rows, states = with_states(whole)
    fitting = [i for i, state in enumerate(states) if "progress" in state["agent"]["parts"]["fit"]]
    planning = [i for i, state in enumerate(states) if state["step"] % 10]
    for i in {0, fitting[0], fitting[-1], planning[0], planning[len(planning) // 2], len(states) - 2}:
        continues_from(states[i], made(way), whole, rows, trained)


@ALL
def test_rows_and_slices_change_no_bit_of_training(way):
    change = {"eval_every": 9, "steps_per_slice": 1, "minibatches_per_slice": 1000}
    trains_alike_whatever_happens_meanwhile(partial(made, way), trained, change)


@ALL
def test_a_seed_that_diverges_does_not_affect_the_others(way):
    def lost(one):
        return one.agent.fit.adam.flat[1, 0, 0] if one.step >= 20 else None

    _, rows = a_lost_seed_leaves_the_others_alone(lambda: made(way, dtype="float64"), trained, lost)
    assert {r["seed"] for r in rows if r["step"] > 30} == {0, 2}


@ALL
def test_the_estimate_of_a_plan_is_the_work_that_progress_counts(way):
    work = WAYS[way][0].estimated_work
    estimated, more = (counts_the_estimated_work(made(way, plan_horizon=H), work, STEPS) for H in (3, 9))
    assert more > 1.5 * estimated  # the plans of three times as many steps; the rest is the same


@ALL
def test_a_search_begins_anew_with_each_episode_of_a_seed(way):
    one, seen = made(way, task=Rewarded(horizon=5)), []
    plan = one.agent.planner.plan

    def noted(*how):
        begins = torch.from_numpy(one.simulations.snapshot().elapsed == 0)
        seen.append((begins, one.agent.planner.last, one.agent.planner._fresh))
        return plan(*how)

    one.agent.planner.plan = noted
    finish(one)
    assert sum(bool(begins.any()) for begins, _, _ in seen) >= 5
    assert not seen[0][1]
    for begins, last, fresh in seen[1:]:
        assert last is not None
        assert torch.equal(begins, begins & False if fresh is None else fresh)


def test_policies_are_not_kept_and_a_task_without_a_known_reward_is_refused():
    one = made("average")
    assert one.policies() == {}
    with pytest.raises(ValueError, match="test/point states no reward_function"):
        made("mean", task=Point())


@pytest.mark.parametrize("way", ["mean", "particles", "average", "clone"])
def test_it_learns_to_push_the_point_to_the_origin(way):
    """100 random steps, then two planned episodes after each fit. Uniform actions make -9, the best about 18."""
    one = made(
        way, [0, 1], 180, model_hidden=(24, 24), model_epochs=40, model_batch=16, model_lr=5e-3, random_steps=100,
        rollout_steps=40, plan_horizon=4, plan_population=60, plan_elites=6, plan_iterations=3, eval_every=180,
        minibatches_per_slice=1000, steps_per_slice=100, reward_of="present", policy_epochs=20,
        init_variance=0.25, task=Rewarded(),
    )  # fmt: skip
    returns = [r["eval_return"] for r in finish(one)]
    assert random_return() < 0
    assert np.mean(returns) > 12
