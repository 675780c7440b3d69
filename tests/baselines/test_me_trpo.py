"""TRPO in a learned ensemble: its model's loss, when networks and policies stop, and the laws of every learner."""

from __future__ import annotations

from dataclasses import replace

import glide
import me_trpo_kit as kit
import numpy as np
import pytest
import torch
from learner_laws import agrees_alone_and_in_a_block, continued, finish

from svgbench.baselines.on_policy import me_trpo
from svgbench.baselines.on_policy.me_trpo import METRPO, Validation
from svgbench.learners.inside_model import returns_on_members
from svgbench.learners.on_policy import OnPolicyLearner
from svgbench.learners.settings import settings
from svgbench.models.ensemble_fit import model_loss
from svgbench.models.stopping import NoNewBest
from svgbench.nn.scaling import ObservationScaling
from svgbench.nn.streams import Streams
from svgbench.simulate.paths import Rollouts
from svgbench.simulate.transitions import RealSteps

PROFILES = pytest.mark.parametrize("profile", ["code", "text"])
SEEDS = list(kit.SEEDS)


def agent(seeds=SEEDS, task=None, **how):
    """Networks, and policies whose noise rarely leaves the task's range."""
    how = {"dtype": "float64", "init_std": 0.5, **how}
    return METRPO(settings(me_trpo.Config, kit.config(**how)), task or kit.Clipped(), seeds, "cpu")


def exact(one):
    """The same agent, but each of its networks knows the task."""
    (layer,) = one.model.layers
    change = np.concatenate([glide.A - np.eye(2), 3 * glide.B], 1)  # the action is 1 + 3 u for u in [-1, 1]
    with torch.no_grad():
        layer.weight[..., :2] = torch.from_numpy(change.T)
        layer.bias[..., :2] = torch.from_numpy(glide.B[:, 0])
    return one


def improved(one, task, iterations=4):
    rollouts = Rollouts(task, SEEDS, me_trpo.sampling(one.config), ObservationScaling("none", task, SEEDS, 0.0),
                        torch.float64, "cpu")  # fmt: skip
    rows = finish(OnPolicyLearner(one, rollouts, task, SEEDS, iterations))
    return rows, one.theta


def test_inside_an_exact_model_trpo_does_what_it_does_outside_to_rounding():
    how = {"model_hidden": (), "simulations": 20}
    inside, outside = exact(agent(**how)), agent(**how)
    rows, theta = improved(inside, inside.inside())
    expected_rows, expected = improved(outside, kit.Clipped())
    assert rows[-1]["accepted"] > 0
    assert not torch.allclose(expected, agent(**how).theta)
    torch.testing.assert_close(theta, expected, rtol=1e-9, atol=1e-9)
    for mine, its in zip(rows, expected_rows, strict=True):
        np.testing.assert_allclose(list(mine.values()), list(its.values()), rtol=1e-8, atol=1e-8)


def test_the_models_loss_is_a_transcription_of_the_codes():
    """model/dynamics.py, `_get_loss` and `fit`: squared errors of normalised changes, and the decay of hidden layers,
    over the number of training rows. Statistics are of the rows trained on, which precede those held out."""
    one, rows = agent(seeds=[3], members=2, model_holdout=0.34), torch.randn(1, 54, 7, dtype=torch.float64)
    one.fit.begin("fit", rows, 54, None)
    held = [n for first in (0, 27) for n in range(first + 18, first + 27)]  # of 3 paths of 9 steps, the last
    kept = [n for n in range(54) if n not in held]
    split = one.fit.settings.split(Streams([3], "split"), 54, 2)
    assert split.held[0, 0].tolist() == held
    assert split.train[0, 1].tolist() == split.base[0, 0].tolist() == kept
    data = rows[0].numpy()
    x, change = data[:, :3], data[:, 3:5] - data[:, :2]
    x_n, change_n = ((v - v[kept].mean(0)) / v[kept].std(0) for v in (x, change))
    batch = [5, 1, 40, 7]
    expected = 0.0
    for e in range(2):
        first, last = ((layer.weight[0, e].detach().numpy(), layer.bias[0, e, 0].detach().numpy())
                       for layer in one.model.layers)  # fmt: skip
        prediction = np.maximum(x_n[batch] @ first[0] + first[1], 0) @ last[0][:, :2] + last[1][:2]
        expected += ((prediction - change_n[batch]) ** 2).mean() + 0.5 * (first[0] ** 2).sum() / len(kept)
    inputs, target = one.fit._pairs(rows[:, batch])
    decay = [rate / one.fit.rows_learned for rate in one.fit.settings.decay]
    assert decay == [1 / 36, 0.0]
    inputs, target = (part[:, None].expand(-1, 2, -1, -1) for part in (inputs, target))
    loss = model_loss(one.model, inputs, target, decay, 0.0, "error")
    assert loss.item() == pytest.approx(expected, rel=1e-12)


def test_a_fit_minimises_that_loss_with_its_decay():
    """With the learning rate 0 a step changes nothing; the gradient that Adam received is that of the loss above."""
    one, rows = agent(seeds=[3], model_lr=0.0), torch.randn(1, 54, 7, dtype=torch.float64)
    one.fit.begin("fit", rows, 54, None)
    order = one.fit._epoch_order(one.fit._now)[..., :20]
    one.fit.advance(rows, 1)
    inputs, target = one.fit._pairs(rows[0][order[0]][None])
    decay = (1 / one.fit.rows_learned, 0.0)
    (expected,) = torch.autograd.grad(
        model_loss(one.model, inputs, target, decay, 0.0, "error").sum(), [one.model.layers[0].weight]
    )
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(one.model.layers[0].weight.grad, expected, rtol=1e-10, atol=1e-12)


def test_a_network_stops_alone_after_four_validations_without_a_new_best():
    rule = NoNewBest(torch.tensor([True, False]), 3, patience=4)
    losses = [[5, 5, 5], [4, 6, 5], [3, 5, 5], [2, 5, 4], [3, 5, 5], [3, 1, 5], [3, 1, 5], [3, 1, 5]]
    active = []
    for loss in losses:
        keep = rule.update(torch.tensor([loss, loss], dtype=torch.float64))
        assert torch.equal(keep[1], torch.zeros(3, dtype=torch.bool))
        active.append(rule.active[0].tolist())
    assert [row[1] for row in active] == [True] * 4 + [False] * 4  # the first loss was its best
    assert [row[2] for row in active] == [True] * 7 + [False]
    assert [row[0] for row in active] == [True] * 7 + [False]
    assert rule.loss[0].tolist() == [3, 5, 5]  # the last ones of its training, not the best


def test_validations_come_every_few_epochs_and_last_weights_are_kept():
    one, rows = agent(seeds=[3], max_epochs=0), torch.randn(1, 54, 7, dtype=torch.float64)
    table, weights = iter([5.0, 4.0, 6.0, 6.0, 6.0]), []

    def validate(held, data):
        weights.append(one.fit.adam.flat.clone())
        return torch.full((1, 4), next(table), dtype=torch.float64)

    one.fit._validate = validate
    one.fit.begin("fit", rows, 54, None)
    while not one.fit.advance(rows, 5):
        pass
    assert one.fit.epochs.tolist() == [7]  # validated after epochs 0, 2, 4, 6; the best was that of epoch 2
    assert next(table) == 6.0
    assert torch.equal(one.fit.adam.flat, weights[-1])


@pytest.mark.parametrize("cap", [{"max_epochs": 4}, {"max_epochs": 3}, {"max_epochs": 0, "max_minibatches": 7}])
def test_a_limit_that_ends_a_fit_between_two_validations_drops_nothing_that_was_learned(cap):
    """Every network still learns when a limit ends the fit: it has learned what it has without a validation rule."""
    how = {"seeds": [3], "model_batch": 18, "validate_every": 4, "model_patience": 20, **cap}
    one, every, rows = agent(**how), agent(**{**how, "validate_every": 1}), torch.randn(1, 54, 7, dtype=torch.float64)
    for each in (one, every):
        each.fit.begin("fit", rows, 54, None)
        while not each.fit.advance(rows, 4):
            pass
    assert one.fit.epochs.tolist() == every.fit.epochs.tolist() == [cap["max_epochs"] or 4]  # of two minibatches
    assert torch.equal(one.fit.adam.flat, every.fit.adam.flat)
    assert torch.equal(one.fit.loss, every.fit.loss)


def test_the_originals_rule_keeps_a_policy_that_at_most_30_percent_of_the_networks_find_worse():
    """Three seeds, ten networks. Seed 0: 3 of 10 worse, so kept, and then 4 of 10 worse than *that* policy. Seed 1:
    always worse. Seed 2: not better anywhere, but worse nowhere; and not a number on 4 networks."""
    first = torch.zeros(3, 10)
    rule = Validation(0.3, 10, torch.arange(3.0)[:, None], first, torch.zeros(3, dtype=torch.int64))
    at_5 = torch.stack([torch.tensor([-1.0] * 3 + [1.0] * 7), torch.full((10,), -1.0), first[2]])
    assert rule.update(5, 10 + torch.arange(3.0)[:, None], at_5).tolist() == [True, True, True]
    assert rule.theta.flatten().tolist() == [10, 1, 12]
    at_10 = torch.stack(
        [torch.tensor([0.0] * 6 + [0.5] * 4), -first[1] - 0.1, torch.tensor([1.0] * 6 + [torch.nan] * 4)]
    )
    assert rule.update(10, 20 + torch.arange(3.0)[:, None], at_10).tolist() == [True, False, True]
    assert rule.theta.flatten().tolist() == [10, 1, 12]
    assert torch.equal(rule.returns[0], at_5[0])
    assert rule.update(15, 30 + torch.arange(3.0)[:, None], at_10).tolist() == [False, False, False]
    assert rule.at.tolist() == [5, 0, 5]


def test_returns_on_every_network_are_those_of_single_paths():
    """Glide ends beyond |s[0]| = 2: some of the paths do."""
    one = agent(members=3, init_std=0.3)
    one.model.out_width.fill_(0.7)
    one.theta *= 3
    starts = np.random.default_rng(0).normal(size=(3, 5, 2))
    found = returns_on_members(one.snapshot(), one.model, one.task, starts, 6, 3.0)
    ended = 0
    for s, e in np.ndindex(3, 3):
        total = 0.0
        for start in starts[s]:
            obs = start
            for _ in range(6):
                action = one.snapshot().mean(np.stack([obs] * 3)[:, None])[s, 0].clip(-1, 1)
                x = torch.from_numpy(np.concatenate([obs, action])).expand(3, 3, 1, 3)
                following = (obs + one.model.mean(x)[s, e, 0].detach().numpy()).clip(-3, 3)
                total += one.task.reward_function(obs, 1 + 3 * action, following)
                if one.task.termination_function(obs, action, following):
                    ended += 1
                    break
                obs = following
        assert found[s, e].item() == pytest.approx(total / 5, rel=1e-9)
    assert ended


@PROFILES
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
def test_a_seed_alone_and_in_a_block_of_five_agree(profile, dtype, tolerance):
    """With damping 1e-5, as in the text, conjugate gradients enlarge rounding, of other seeds far more than of 8."""
    how: dict = {"dtype": dtype, "check_every": 2, "iterations": 12}
    how |= {"cg_damping": 0.1} if dtype == "float32" else {}
    rows = agrees_alone_and_in_a_block(
        lambda seeds: kit.learner(profile, seeds, **how), lambda one: [one.agent.theta, one.agent.fit.adam.flat],
        lambda one: one.agent.fit.adam.steps.min(), tolerance, seed=8, abs=100 * tolerance,
    )  # fmt: skip
    assert len(rows) == 4


def test_seeds_end_their_phases_at_different_iterations():
    """The law above would say little if all seeds of a block stopped together."""
    one, seen = kit.learner("text", iterations=30), set()
    while not one.finished:
        one.advance()
        seen.add(tuple(one.agent.learns.tolist()))
    assert len(seen) > 2


@PROFILES
def test_it_continues_byte_for_byte(profile):
    whole = kit.learner(profile)
    rows = finish(whole)
    slices, phases = 0, set()
    one = kit.learner(profile)
    again = []
    while not one.finished:
        again += one.advance()
        slices += 1
        phases.add(one.doing)
        if slices % 4 == 1:
            one = continued(kit.learner(profile), one)
    assert phases == {"collect", "fit", "improve", "end"}
    assert repr(rows) == repr(again)
    assert [row["step"] for row in rows if row["seed"] == 8] == [54, 81, 108, 135]


def test_a_seed_that_diverges_leaves_its_companions_alone():
    expected = finish(kit.learner(dtype="float64"))
    one, rows = kit.learner(dtype="float64"), []
    while not one.finished:
        rows += one.advance()
        if one.doing == "fit" and one.size == 54:
            with torch.no_grad():
                one.agent.model.layers[0].weight[1] = torch.nan
    assert one.diverged == {8: "step 54: an error of the model is not finite"}
    assert [row["step"] for row in rows if row["seed"] == 8] == [54]
    others = [row for row in expected if row["seed"] != 8]
    for mine, its in zip([row for row in rows if row["seed"] != 8], others, strict=True):
        np.testing.assert_allclose(list(mine.values()), list(its.values()), rtol=1e-9, atol=1e-9)
    assert one.policies().keys() == {3, 5}


@PROFILES
def test_it_learns(profile):
    """Three seeds, 40 episodes each before and after, whose mean return varies by 0.3. A rise of 1.5 is not chance."""
    how = {"iterations": 8, "simulations": 40, "max_kl": 0.08, "hidden": (8,), "eval_episodes": 40, "max_epochs": 40}
    one = kit.learner(profile, total_steps=162, **how, model_lr=1e-2, check_every=2, policy_patience=4)
    before = one._evaluate(RealSteps(torch.zeros(3, 0, 7), torch.zeros(3), torch.ones(3)))
    rows = finish(one)
    for first in before:
        last = rows[-3 + SEEDS.index(first["seed"])]
        assert last["seed"] == first["seed"]
        assert last["eval_return"] > first["eval_return"] + 1.5


def test_a_task_without_a_reward_function_is_refused():
    class Silent(kit.Clipped):
        reward_function = None

    with pytest.raises(ValueError, match="states no reward_function"):
        kit.learner(task=Silent())


def test_progress_rises_to_its_end_and_the_estimate_grows_with_the_steps():
    one, seen = kit.learner(), []
    while not one.finished:
        one.advance()
        seen.append(one.progress)
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]
    work = [me_trpo.estimated_work(kit.config(), kit.Clipped(), SEEDS, {"total_steps": n}) for n in (54, 135)]
    assert 3 < work[1] / work[0] < 6
    assert replace(one.plan, total_steps=136).rounds == 5
