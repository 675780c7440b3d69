"""MAAC's learner: the order of its work, its trial with planning, and its settings, on the point task."""

from __future__ import annotations

import math
import re
from collections import Counter

import numpy as np
import pytest
import torch
from learner_laws import finish
from maac_kit import HORIZON, PLANNED, SMALL, STEPS, Known, learner, trained
from point import Point, random_return
from sac_kit import aims

from svgbench.baselines.actor_critic import maac
from svgbench.lab import rules
from svgbench.lab.source import declared
from svgbench.models.ensemble_fit import model_loss
from svgbench.words.errors import UsageError

WALL = 0.5


def watched(one):
    """A list that collects what the agent does, each with its environment step."""
    log, agent = [], one.agent
    begin, imagine, update = agent.fit.begin, agent._imagine, agent._update_once

    def noted(name, f):
        def call(*how, **more):
            log.append((name, one.step))
            return f(*how, **more)

        return call

    agent.fit.begin, agent._imagine = noted("fit", begin), noted("imagine", imagine)
    agent._update_once = noted("update", update)
    one._evaluate = noted("evaluate", one._evaluate)
    return log


# --- the order of the work ----------------------------------------------------------------------------------------


def test_an_iteration_is_a_fit_and_rounds_of_rollouts_and_updates():
    """10 environment steps, 2 updates a step, in two rounds of one rollout of 1, 2 and 3 steps."""
    one = learner([5])
    log = watched(one)
    rows = finish(one)
    expected = []
    for step, length in ((20, 1), (30, 2), (40, 3)):
        if step > 20:
            expected += [("evaluate", 15 * (step // 15))] * (step % 15 > 0 and step // 15 * 15 > step - 10)
        expected += [("fit", step), *[*[("imagine", step)] * length, *[("update", step)] * 10] * 2]
        expected += [("evaluate", step)] * (step % 15 == 0 or step == STEPS)
    assert log == [("evaluate", 15), *expected]
    assert [r["step"] for r in rows] == [15, 30, 40]
    assert one.agent.critic_adam.steps.min() == 2 * 10 * 3
    assert one.step == STEPS


@pytest.mark.parametrize(("updates_per_step", "rounds"), [(1, 1), (3, 5)])
def test_the_number_of_updates_per_step_does_not_depend_on_the_rounds(updates_per_step, rounds):
    one = learner([5], updates_per_step=updates_per_step, rounds=rounds, total_steps=30)
    log = watched(one)
    finish(one)
    assert Counter(log)["update", 30] == 10 * updates_per_step
    assert one.agent.actor_adam.steps.min() == 20 * updates_per_step
    assert Counter(log)["imagine", 30] == 2 * rounds


def test_a_round_with_more_updates_than_a_slice_takes_several_slices():
    one = learner([5], updates_per_step=5, rounds=1, total_steps=20)
    log, slices = watched(one), []
    while not one.finished:
        before = len(log)
        one.advance()
        slices.append(Counter(name for name, _ in log[before:])["update"])
    assert [count for count in slices if count] == [20, 20, 10]
    assert maac.UPDATES_AT_ONCE == 20


def test_the_last_rollout_is_learned_from_before_the_last_evaluation():
    one = learner([5], total_steps=30)
    rows = []
    while one.step < 30:
        rows += one.advance()
    assert not one.finished
    assert [r["step"] for r in rows] == [15]
    before = one.agent.actor_adam.flat.clone()
    rows = finish(one)
    assert [r["step"] for r in rows] == [30]
    assert not torch.equal(before, one.agent.actor_adam.flat)
    assert one.agent.fit.name == "fit-30"
    # a fifth of each part is held out: 16 + 8 of 30 rows are learned from, in epochs of 3 minibatches
    assert one.agent.fit.adam.steps.max() == 4 * 2 + 4 * 3


def test_a_batch_is_of_12_real_and_244_imagined_transitions():
    assert int(maac.Config().step_batch * maac.Config().real_share) == 12
    one, batches = learner(step_batch=40, real_share=0.2), []
    update = one.agent._update_once
    one.agent._update_once = lambda batch, *how: (batches.append(batch), update(batch, *how))
    while len(batches) < 20:
        one.advance()
    real = one.experience.replay
    for batch in batches[:3]:
        rows = torch.cat([batch.xu, batch.next_x], -1)
        for s in range(3):
            held = {tuple(r) for r in real.rows[s, :20, :-2].tolist()}
            imagined = {tuple(r) for r in one.agent.imagined.rows[s, :, :-2].tolist()}
            assert all(tuple(r) in held for r in rows[s, :8].tolist())
            assert all(tuple(r) in imagined and tuple(r) not in held for r in rows[s, 8:].tolist())
    assert not torch.equal(batches[0].xu, batches[1].xu)


def test_with_real_transitions_only_nothing_is_imagined():
    """STEVE's value expansion on SAC: batches of replayed transitions, as many updates, and targets of the model."""
    how = {"real_share": 1.0, "H": 0, "paths": 1}
    one, batches = learner(**how), []
    update = one.agent._update_once
    one.agent._update_once = lambda batch, *rest: (batches.append(batch), update(batch, *rest))
    rows = finish(one)
    assert len(batches) == 3 * 10 * 2  # iterations, environment steps, updates of each
    assert one.agent.imagined.added.tolist() == [0, 0, 0]
    real = one.experience.replay
    for batch in (batches[0], batches[-1]):
        for s in range(3):
            held = {tuple(r) for r in real.rows[s, :, :-2].tolist()}
            assert all(tuple(r) in held for r in torch.cat([batch.xu[s], batch.next_x[s]], -1).tolist())
    again = learner(**how)
    for _ in range(6):
        again.advance()
    other = learner(**how)
    other.load_state_dict(again.state_dict())
    assert repr(finish(other)[-3:]) == repr(rows[-3:])


def firsts(one):
    """For each call of `_imagine`: how many of its starting observations are replayed ones, and its rows."""
    found, add = [], one.agent.imagined.add
    layout = one.experience.layout

    def noted(rows, valid):
        real = {tuple(r) for r in layout.obs(one.experience.replay.rows[0, : one.experience.replay.size]).tolist()}
        found.append((sum(tuple(r) in real for r in layout.obs(rows[0]).tolist()), rows[0].clone()))
        add(rows, valid)

    one.agent.imagined.add = noted
    return found


def test_rollouts_continue_from_imagined_states_and_single_steps_start_from_replayed_ones():
    for imagined in ("rollouts", "single steps"):
        one = learner([5], imagined=imagined, rollout_length_init=3, total_steps=20)
        found, layout = firsts(one), one.experience.layout
        finish(one)
        assert len(found) == 2 * 3  # two rounds of three steps
        for i, (real, rows) in enumerate(found):
            begins = i % 3 == 0 or imagined == "single steps"
            assert real == (32 if begins else 0)
            if not begins:
                assert torch.equal(layout.obs(rows), layout.next_obs(found[i - 1][1]))
            torch.testing.assert_close(layout.reward(rows), 1 - layout.next_obs(rows)[:, 2])
        if imagined == "single steps":
            assert not torch.equal(layout.obs(found[0][1]), layout.obs(found[1][1]))
        assert one.agent.imagined.size == [2 * 3 * 32]


def test_imagined_rollouts_end_by_the_task_s_rule_and_are_not_continued():
    one = learner(task=Known(wall=WALL), rollout_length_init=3, total_steps=20)
    finish(one)
    layout, imagined = one.experience.layout, one.agent.imagined
    for s, size in enumerate(imagined.size):
        rows = imagined.rows[s, :size]
        assert torch.equal(layout.terminal(rows).bool(), layout.next_obs(rows)[:, 0] > WALL)
        assert 2 * 32 <= size <= 2 * 3 * 32 - layout.terminal(rows[:32]).sum()
    assert layout.terminal(imagined.rows[:, :32]).any()  # of the first steps


def test_with_lag_only_the_model_sees_the_newest_rollout():
    def oldest(one):
        """The largest index of a real row in any batch or rollout."""
        places, sample = [], one.experience.replay.sample
        one.experience.replay.sample = lambda u: (places.append((u * one.experience.replay.size).max()), sample(u))[1]
        sizes, begin = [], one.agent.fit.begin
        one.agent.fit.begin = lambda name, rows, size, active: (sizes.append(size), begin(name, rows, size, active))
        finish(one)
        return math.floor(max(places)), sizes

    for lag, newest in ((False, STEPS - 1), (True, STEPS - 11)):
        place, sizes = oldest(learner([5], lag=lag))
        assert newest - 1 <= place <= newest  # of hundreds of draws
        assert sizes == [20, 30, 40]


def test_d_model_keeps_all_imagined_transitions_up_to_its_capacity():
    # iterations of 1, 2 and 3 steps, two rounds of 32 rollouts each
    assert learner().agent.imagined.capacity == (1 + 2 + 3) * 2 * 32
    assert learner(total_steps=39).agent.imagined.capacity == (1 + 2) * 2 * 32
    one = learner(imagined_capacity=100)
    finish(one)
    assert one.agent.imagined.capacity == 100
    assert one.agent.imagined.size == [100] * 3
    assert min(one.agent.imagined.added.tolist()) > 300  # of 384, less what has ended
    assert learner(total_steps=10).agent.imagined.capacity == 1  # no iteration


# --- what the settings are handed to -----------------------------------------------------------------------------


def test_the_updates_of_an_iteration_aim_at_its_target_entropy():
    one = learner(target_entropy_init=-1.0, target_entropy_final=-3.0, target_entropy_decay=1.0)
    assert aims(one, "_update_once") == {step: [pytest.approx(-1.0 - 2.0 * step / 40)] for step in (20, 30, 40)}


def test_the_model_s_loss_is_that_of_the_code():
    """Of each member: the mean over rows and outputs of (error / deviation)^2 + log variance, and 0.01 times the mean
    distance between the bounds. No weight decay. A fit is validated by the first part."""
    one = learner([4], dtype="float64")
    while not one.agent.fit.minibatches:
        one.advance()
    fit, model, layout = one.agent.fit, one.agent.model, one.experience.layout
    rows = one.experience.replay.rows[:, None, :8].expand(-1, 4, -1, -1)
    x, change = layout.obs_action(rows), layout.next_obs(rows) - layout.obs(rows)
    s = fit.settings
    found = model_loss(model, *fit._pairs(rows), s.decay, s.bounds_penalty, s.learned_by)
    mean, log_var = model.scaled(x)
    target = (change - model.out_centre) / model.out_width
    own = ((target - mean) ** 2 / log_var.exp() + log_var).mean((2, 3))
    distance = (model.log_var_max - model.log_var_min).mean()
    assert found.item() == pytest.approx((own.sum() + 4 * 0.01 * distance).item(), rel=1e-12)
    held = torch.arange(8).expand(1, 4, -1)
    torch.testing.assert_close(fit._validate(held, one.experience.replay.rows), own, rtol=1e-12, atol=0)


@pytest.mark.parametrize("reading", ["text", "code"])
def test_the_planner_has_the_settings_of_the_config(reading, monkeypatch):
    handed = []
    monkeypatch.setattr(maac, "ways_with_and_without", lambda how, *rest: handed.append((how, *rest)))
    sizes = {"plan_population": 7, "plan_elites": 3, "plan_iterations": 4, "plan_horizon": 6}
    one = learner(task=Known(wall=WALL), plan_reading=reading, gamma=0.8, **sizes)
    one.agent.plan(one.experience)
    [(how, acts, model, seeds, reward, ends)] = handed
    assert (how.search.population, how.search.elites, how.search.iterations, how.returns.horizon) == (7, 3, 4, 6)
    assert (how.returns.gamma, how.init_std) == (0.8, {"text": "std", "code": "log_std"}[reading])
    assert (model, seeds, reward, ends) == (one.agent.model, [0, 1, 2], one.agent.rewards, one.agent.terminates)
    assert acts.policy is one.agent.actor
    xu = torch.randn(3, 5, 5)
    assert torch.equal(acts.action_value(xu), one.agent.critic.smaller(xu))


# --- planning at the end ------------------------------------------------------------------------------------------


def test_the_trial_with_planning_comes_last_and_its_returns_are_in_the_last_rows_only():
    one = learner(task=Known(horizon=HORIZON), **PLANNED)
    log, rows = watched(one), []
    while one.trial.t == 0 and not one.trial.done:
        rows += one.advance()
    rows += finish(one)
    assert log[-1] == ("evaluate", 30)
    assert log[-2] == ("update", 30)
    assert Counter(log)["evaluate", 30] == 1
    for row in rows:
        assert math.isnan(row["planned_return"]) == math.isnan(row["unplanned_return"]) == (row["step"] < 30)
    last = [row for row in rows if row["step"] == 30]
    assert [row["seed"] for row in last] == [0, 1, 2]
    returns = one.trial.returns.mean(2)
    assert [row["planned_return"] for row in last] == pytest.approx(returns[0].tolist())
    assert [row["unplanned_return"] for row in last] == pytest.approx(returns[1].tolist())
    assert all(row["planned_return"] != row["unplanned_return"] for row in last)


def test_the_trial_changes_nothing_of_training_and_no_other_column():
    with_trial, without = (learner(task=Known(horizon=HORIZON), total_steps=30, plan_episodes=n) for n in (1, 0))
    rows, others = finish(with_trial), finish(without)
    for p, q in zip(trained(with_trial), trained(without), strict=True):
        assert torch.equal(p, q)
    planned = {"planned_return", "unplanned_return"}
    for row, other in zip(rows, others, strict=True):
        assert repr({k: v for k, v in row.items() if k not in planned}) == repr(
            {k: v for k, v in other.items() if k not in planned}
        )


# --- settings -----------------------------------------------------------------------------------------------------


def test_the_profiles_differ_as_the_head_of_the_algorithm_s_file_says():
    known = declared("svgbench.baselines.actor_critic.maac:make")
    text, code = (known.config({}, profile=name) for name in ("text", "code"))
    assert {name: (text[name], code[name]) for name in text if text[name] != code[name]} == {
        "samples": ("paths", "last actions"),
        "smaller_of_means": (False, True),
        "targets": ("weighted", "as coded"),
        "target_members": (1.0, 0.5),
        "target_entropy_on_the_way": (True, False),
        "variance_as_deviation": (False, True),
        "imagined": ("rollouts", "single steps"),
        "lag": (False, True),
        "plan_reading": ("text", "code"),
    }
    head = maac.__doc__ or ""
    assert not [name for name in text if text[name] != code[name] and f"`{name}`" not in head]
    sizes = {"members": 8, "paths": 5, "H": 4, "critic_steps": 2, "updates_per_step": 8, "rounds": 4, "step_batch": 256}
    assert {name: text[name] for name in sizes} == sizes
    assert text["rollout_steps"] * text["updates_per_step"] == 8000


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"step_batch": 21}, "step_batch % members == 0"),
        ({"rollouts_per_fit": 33}, "rollouts_per_fit % members == 0"),
        ({"rounds": 3}, "rollout_steps * updates_per_step % rounds == 0"),
        ({"rollout_steps": 4}, "rollout_steps * model_holdout >= 1 and learning_starts * model_holdout >= 1"),
        (
            {"learning_starts": 4, "rollout_steps": 10},
            "rollout_steps * model_holdout >= 1 and learning_starts * model_holdout >= 1",
        ),
        ({"lag": True, "learning_starts": 10}, "not lag or learning_starts > rollout_steps"),
        ({"plan_elites": 7}, "plan_elites <= plan_population"),
        ({"targets": "as coded", "target_members": 0.2}, "targets != 'as coded' or target_members * members >= 1"),
        ({"critic_first": True}, "not critic_first"),
        ({"log_var_min": 1.0}, "log_var_min < log_var_max"),
        ({"rollout_grows_until": 0}, "rollout_grows_from < rollout_grows_until"),
    ],
)
def test_settings_that_cannot_run_are_refused(settings, message):
    known = declared("svgbench.baselines.actor_critic.maac:make")
    rules.check(known.rules, known.config(SMALL, profile="text"), "the small one")
    with pytest.raises(UsageError, match=f"expected {re.escape(message)}"):
        rules.check(known.rules, known.config({**SMALL, **settings}, profile="text"), "it")


def test_a_search_of_one_candidate_and_a_mean_that_never_moves_are_refused():
    """With one candidate there is nothing to choose. With persistence 1 and no cap, a fit would never end."""
    fields = declared("svgbench.baselines.actor_critic.maac:make").fields
    assert fields["plan_population"].problem(2) is fields["persistence"].problem(0.99) is None
    assert fields["plan_population"].problem(1) == "plan_population is 1, expected a value of type int, at least 2"
    assert fields["persistence"].problem(1.0).startswith("persistence is 1.0, expected a value of type float")


def test_tasks_that_cannot_be_imagined_are_refused():
    class Silent(Known):
        termination_function = None

    class ForArrays(Known):
        reward_function = staticmethod(lambda obs, action, next_obs: 1 - np.asarray(next_obs)[..., 2].clip(0, 1))

    with pytest.raises(ValueError, match="test/point states no termination_function"):
        learner(task=Silent())
    with pytest.raises(ValueError, match="test/point states no reward_function"):
        learner(task=Point())
    with pytest.raises(ValueError, match="test/point has a reward_function that takes no tensors"):
        learner(task=ForArrays())


def test_the_estimate_of_a_plan_is_the_work_that_progress_counts():
    trial = {"plan_episodes": 2, "plan_population": 8, "plan_elites": 2}
    for settings in ({}, {"max_minibatches": 4}, {"learning_starts": 60}, {"profile": "code"}, trial):
        one = learner(**settings)
        given = {f: getattr(one.agent.config, f) for f in one.agent.config.__dataclass_fields__}
        estimated = maac.estimated_work(given, one.task, one.seeds, {"total_steps": STEPS})
        assert 0 < one.progress[1] == pytest.approx(estimated, abs=1)
    one, shares = learner(**trial), []
    while not one.finished:
        one.advance()
        shares.append(one.progress[0])
    assert shares == sorted(shares)
    assert shares[-1] == one.progress[1]
    assert learner(paths=4, H=4).progress[1] > learner().progress[1]
    assert learner(**trial).progress[1] > learner().progress[1]


# --- learning -----------------------------------------------------------------------------------------------------

LEARNS = {
    "actor_hidden": (32, 32), "critic_hidden": (32, 32), "step_batch": 32, "updates_per_step": 4,
    "actor_lr": 3e-3, "critic_lr": 3e-3, "alpha_lr": 3e-3, "alpha_init": 0.1, "gamma": 0.9, "tau": 0.02,
    "random_steps": 100, "learning_starts": 100, "rollout_steps": 50, "eval_every": 250, "eval_episodes": 10,
    "model_hidden": (32, 32), "model_batch": 32, "max_epochs": 80, "model_lr": 3e-3, "rollouts_per_fit": 200,
    "rounds": 1, "rollout_length_final": 2, "minibatches_per_slice": 100, "real_share": 0.05,
    "H": 1, "paths": 1, "critic_steps": 1,
}  # fmt: skip


def test_it_learns_to_push_the_point_to_the_origin():
    """150 steps with updates. Mean returns: uniform actions -9, rest on the circle 0, the best policy about 19."""
    rows = finish(learner([0, 1], total_steps=250, **LEARNS))
    returns = [r["eval_return"] for r in rows if r["step"] == 250]
    assert random_return() < 0
    assert np.mean(returns) > 12
