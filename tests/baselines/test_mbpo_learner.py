"""MBPO: its numbers, the order of its work, and the laws of learners, on the point task."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from learner_laws import (
    a_lost_seed_leaves_the_others_alone,
    agrees_alone_and_in_a_block,
    continues_from,
    counts_the_estimated_work,
    finish,
    leaves_the_global_generators_alone,
    trains_alike_whatever_happens_meanwhile,
    with_states,
)
from point import Point, random_return
from sac_kit import aims, updates

from svgbench.baselines.actor_critic import mbpo, sac
from svgbench.lab.source import declared
from svgbench.models import branched, ensemble_fit

SMALL = {
    "actor_hidden": (8,),
    "critic_hidden": (8,),
    "step_batch": 20,
    "updates_per_step": 2,
    "random_steps": 20,
    "learning_starts": 20,
    "eval_every": 15,
    "eval_episodes": 1,
    "steps_per_slice": 4,
    "epoch_length": 20,
    "fit_every": 10,
    "members": 3,
    "elites": 2,
    "model_hidden": (6, 5),
    "model_decay": (1e-4, 2e-4, 3e-4),
    "model_batch": 8,
    "max_epochs": 5,
    "rollouts_per_fit": 30,
    "rollout_length_final": 3,
    "rollout_grows_from": 0,
    "rollout_grows_until": 2,
    "real_share": 0.1,
    "minibatches_per_slice": 3,
    "target_entropy_init": -2.0,
    "target_entropy_final": -2.0,
}
STEPS = 50  # three fits


def config(**settings):
    return mbpo.Config(**{**SMALL, **settings})


def learner(seeds=(0, 1, 2), task=None, total_steps=STEPS, **settings):
    known = declared("svgbench.baselines.actor_critic.mbpo:make")
    given = known.config({**SMALL, **settings}, profile="code")
    return mbpo.make(given, task or Point(), seeds, {"total_steps": total_steps}, "cpu")


def trained(one):
    """Everything that training changes, each [S, ...]."""
    agent = one.agent
    own = [agent.fit.loss, agent.fit.elites, agent.fit.epochs, agent.model.centre, agent.imagined.rows]
    return [*(adam.flat for adam in agent.adams), agent.target_critic.net.layers[0].weight, *own]


# --- the sheet's numbers ------------------------------------------------------------------------------------------


def test_a_batch_is_of_12_real_and_244_imagined_transitions(monkeypatch):
    code = mbpo.Config()
    agent = mbpo.MBPO(code, Point(), [0], 10_000, "cpu")
    assert agent.draws["steps"].shape == (20, 12)
    assert agent.draws["imagined"].shape == (20, 244)
    batches = []
    monkeypatch.setattr(
        sac,
        "update",
        lambda agent, batch, *rest, f=sac.update, **how: (batches.append(batch), f(agent, batch, *rest, **how)),
    )
    one = learner(step_batch=40, real_share=0.2)
    while not batches:
        one.advance()
    layout, real = one.experience.layout, one.experience.replay
    rows = torch.cat([batches[0].xu, batches[0].next_x], -1)
    for s in range(3):
        held = {tuple(r) for r in real.rows[s, : real.size, :-2].tolist()}
        imagined = {tuple(r) for r in one.agent.imagined.rows[s, :, :-2].tolist()}
        assert all(tuple(r) in held for r in rows[s, :8].tolist())
        assert all(tuple(r) in imagined and tuple(r) not in held for r in rows[s, 8:].tolist())
    assert layout.width == 10


def test_rollouts_grow_as_the_schedule_says_and_the_pool_with_them():
    """Hopper's: 1 until epoch 20, 2 at 30, 5 at 58, 15 at 150. An epoch has four fits of 100,000 rollouts."""
    hopper = mbpo.Config()
    lengths = {
        epoch: mbpo.rollout_length(hopper, 5000 + 1000 * epoch) for epoch in (0, 20, 29, 30, 57, 58, 149, 150, 999)
    }
    assert lengths == {0: 1, 20: 1, 29: 1, 30: 2, 57: 4, 58: 5, 149: 14, 150: 15, 999: 15}
    assert mbpo.rollout_length(hopper, 5000 + 30_000 - 1) == 1
    assert mbpo.imagined_capacity(hopper, 1) == 400_000
    assert mbpo.imagined_capacity(hopper, 15) == 6_000_000
    ant = mbpo.Config(rollout_grows_until=100, rollout_length_final=25)
    assert [mbpo.rollout_length(ant, 5000 + 1000 * e) for e in (20, 60, 100)] == [1, 13, 25]
    cheetah = mbpo.Config(rollout_length_final=1)
    assert mbpo.rollout_length(cheetah, 400_000) == 1


def test_a_fifth_is_held_out_and_5000_at_most():
    assert [mbpo.held_out(mbpo.Config(), n) for n in (5000, 10_004, 25_000, 30_000)] == [1000, 2000, 5000, 5000]


# --- the order of the work ----------------------------------------------------------------------------------------


def test_a_fit_and_its_rollouts_come_before_the_step_and_use_all_that_was_seen(monkeypatch):
    log = []
    monkeypatch.setattr(
        ensemble_fit.EnsembleFit,
        "begin",
        lambda self, name, rows, size, active, f=ensemble_fit.EnsembleFit.begin: (
            log.append((name, size)),
            f(self, name, rows, size, active),
        ),
    )
    one = learner(seeds=[5], total_steps=70)
    update, imagine = one.agent.update, one.agent._imagine
    one.agent.update = lambda *how: (log.append(("update", one.step)), update(*how))
    one.agent._imagine = lambda rollouts, *how: (log.append(("imagine", rollouts.length)), imagine(rollouts, *how))
    finish(one)
    firsts = [log.index((f"fit-{step}", step)) for step in (20, 30, 40, 50, 60)]
    assert firsts == sorted(firsts)
    assert [x for x in log if x[0] == "update"] == [("update", step) for step in range(20, 70)]
    for first, step, length in zip(firsts, (20, 30, 40, 50, 60), (1, 1, 2, 2, 3), strict=True):
        assert log[first + 1 : first + 2 + length] == [*(("imagine", k) for k in range(length)), ("update", step)]
    # D_model has room for two fits' rollouts at the last length; those before are kept while they fit
    assert one.agent.imagined.capacity == 2 * 3 * 30
    assert one.agent.imagined.size == [180]
    assert one.agent.critic_adam.steps.min() == 2 * 50


def test_a_fit_goes_on_from_the_last_and_its_moments():
    one, steps = learner(seeds=[5]), []
    while not one.finished:
        one.advance()
        steps.append(one.agent.fit.adam.steps.max().item())
    # of 20, 30 and 40 transitions 16, 24 and 32 are learned from: 2, 3 and 4 minibatches an epoch
    assert steps[-1] == 5 * (2 + 3 + 4)
    assert steps == sorted(steps)


def test_imagined_transitions_are_the_model_s_and_end_as_the_task_s():
    class Walled(Point):
        termination_function = staticmethod(lambda obs, action, next_obs: next_obs[..., 0] > 0)

        def simulate(self, *how, **more):
            return Point().simulate(*how, **more)

    one = learner(task=Walled(), rollout_length_init=3, total_steps=30)
    finish(one)
    layout, imagined = one.experience.layout, one.agent.imagined
    for s, size in enumerate(imagined.size):
        rows = imagined.rows[s, :size]
        assert torch.equal(layout.terminal(rows).bool(), layout.next_obs(rows)[:, 0] > 0)
        assert 30 <= size < 90
        # the first 30 start from replayed states; the rest from what the model made of those
        real = {tuple(r) for r in layout.obs(one.experience.replay.rows[s, :20]).tolist()}
        assert all(tuple(r) in real for r in layout.obs(rows[:30]).tolist())
        made = {tuple(r) for r in layout.next_obs(rows).tolist()}
        assert all(tuple(r) in made for r in layout.obs(rows[30:]).tolist())


def test_rollouts_are_made_by_the_elites_alone():
    """Two of three members, others for other seeds and fits; in each step both make rows."""
    one, made = learner(seeds=list(range(5)), rollout_length_init=3), []
    step = branched.BranchedRollouts.step

    def noted(self, model, action, member, *how):
        made.append((one.agent.fit.elites.clone(), member.clone()))
        return step(self, model, action, member, *how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(branched.BranchedRollouts, "step", noted)
        finish(one)
    assert len(made) == 3 * 3
    for elites, member in made:
        for own, drawn in zip(elites.tolist(), member, strict=True):
            assert sorted(own) == drawn.unique().tolist()
    assert len({tuple(sorted(own)) for elites, _ in made for own in elites.tolist()}) > 1


def test_the_updates_aim_at_the_step_s_target_entropy():
    one = learner(target_entropy_init=-1.0, target_entropy_final=-3.0, target_entropy_decay=1.0)
    assert aims(one, "update") == {step: [pytest.approx(-1.0 - 2.0 * step / STEPS)] for step in range(20, STEPS)}


def test_the_model_s_loss_is_that_of_the_code():
    """The sum over members of the mean over rows and outputs of (error / deviation)^2 + log variance, of half of each
    layer's squared weights times its decay; and 0.01 times the distance between the bounds, summed over outputs. A fit
    is validated by the squared error of the means."""
    one = learner([4], dtype="float64", model_decay=(0.1, 0.2, 0.3))
    while not one.agent.fit.minibatches:
        one.advance()
    fit, model, layout = one.agent.fit, one.agent.model, one.experience.layout
    rows = one.experience.replay.rows[:, None, :8].expand(-1, 3, -1, -1)
    s = fit.settings
    found = ensemble_fit.model_loss(model, *fit._pairs(rows), s.decay, s.bounds_penalty, s.learned_by)
    x = layout.obs_action(rows)
    target = torch.cat([layout.reward(rows)[..., None], layout.next_obs(rows) - layout.obs(rows)], -1)
    mean, log_var = model(x)
    expected = ((target - mean) ** 2 / log_var.exp() + log_var).mean((2, 3)).sum()
    expected += sum(
        rate / 2 * layer.weight.square().sum() for rate, layer in zip((0.1, 0.2, 0.3), model.layers, strict=True)
    )
    expected += 0.01 * (model.log_var_max - model.log_var_min).sum()
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)
    error = (target - mean).square().mean((2, 3))
    held = torch.arange(8).expand(1, 1, -1)
    torch.testing.assert_close(fit._validate(held, one.experience.replay.rows), error, rtol=1e-12, atol=0)


def test_slices_are_bounded():
    one, minibatches, steps, imagined = learner(rollout_length_init=3), 0, 0, 0
    learn, imagine = one.agent.fit._learn, one.agent._imagine
    counts = {"learn": 0, "imagine": 0}

    def counted(name, f):
        def call(*how):
            counts[name] += 1
            return f(*how)

        return call

    one.agent.fit._learn, one.agent._imagine = counted("learn", learn), counted("imagine", imagine)
    while not one.finished:
        counts.update(learn=0, imagine=0)
        before = one.step
        one.advance()
        minibatches, imagined = max(minibatches, counts["learn"]), max(imagined, counts["imagine"])
        steps = max(steps, one.step - before if before >= 20 else 0)
        assert (counts["learn"] > 0) + (counts["imagine"] > 0) + (one.step > before) == 1
    assert (minibatches, imagined, steps) == (3, 1, 4)


# --- laws ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
def test_a_seed_alone_and_in_a_block_of_five_agree(dtype, tolerance):
    agrees_alone_and_in_a_block(lambda seeds: learner(seeds, dtype=dtype), trained, updates, tolerance, exactly=60)


def test_a_checkpoint_after_any_slice_continues_to_the_bit():
    """Also within a fit, and between the steps of rollouts."""
    whole = learner(rollout_length_init=2)
    rows, states = with_states(whole)
    within = [s["agent"] for s in states]
    fits = [i for i, agent in enumerate(within) if "progress" in agent["parts"]["fit"]]
    rollouts = [i for i, agent in enumerate(within) if agent["rollouts"] and agent["rollouts"]["length"] > 0]
    assert fits
    assert rollouts
    for i in {0, fits[0], fits[1], fits[-1], rollouts[0], rollouts[-1], len(states) - 3}:
        continues_from(states[i], learner(rollout_length_init=2), whole, rows, trained)


def test_evaluations_and_slices_change_no_bit_of_training():
    seldom = {"eval_every": 8, "minibatches_per_slice": 1000}
    short = {"steps_per_slice": 1, "minibatches_per_slice": 1}
    trains_alike_whatever_happens_meanwhile(learner, trained, seldom, short)


@pytest.mark.parametrize("what", ["critic", "model"])
def test_a_seed_that_diverges_does_not_affect_the_others(what):
    def lost(one):
        module = one.agent.critic if what == "critic" else one.agent.model.net
        return next(module.parameters())[1].select(-1, 0).select(-1, 0) if one.step == 30 else None

    hurt, rows = a_lost_seed_leaves_the_others_alone(lambda: learner(dtype="float64"), trained, lost)
    assert hurt.diverged[1].startswith(
        "step 3" if what == "critic" else "step 30: a parameter or an error of the model"
    )
    assert {r["seed"] for r in rows if r["step"] > 35} == {0, 2}


def test_the_global_generators_are_neither_read_nor_moved():
    leaves_the_global_generators_alone(lambda: learner(total_steps=35), trained)


def test_the_estimate_of_a_plan_is_the_work_that_progress_counts():
    for settings in ({}, {"max_minibatches": 4}, {"learning_starts": 60}):
        counts_the_estimated_work(learner(**settings), mbpo.estimated_work, STEPS)
    sizes = [{"fit_every": 10}, {"fit_every": 20}]
    often, seldom = (learner(**how).progress[1] for how in sizes)
    assert often > seldom


def test_settings_and_tasks_that_cannot_run_are_refused():
    class Silent(Point):
        termination_function = None

    with pytest.raises(ValueError, match="test/point states no termination_function"):
        learner(task=Silent())
    with pytest.raises(ValueError, match="weight decay has 2 rates, expected 3, one a layer"):
        learner(model_decay=(0.1, 0.2))


# --- learning -----------------------------------------------------------------------------------------------------

LEARNS = {
    "actor_hidden": (32, 32), "critic_hidden": (32, 32), "step_batch": 64, "updates_per_step": 6,
    "actor_lr": 3e-3, "critic_lr": 3e-3, "alpha_lr": 3e-3, "alpha_init": 0.1, "gamma": 0.9, "tau": 0.02,
    "random_steps": 100, "learning_starts": 100, "eval_every": 250, "eval_episodes": 10,
    "epoch_length": 100, "fit_every": 50, "members": 3, "elites": 2, "model_hidden": (32, 32), "model_batch": 32,
    "max_epochs": 20, "rollouts_per_fit": 300, "rollout_length_final": 2, "minibatches_per_slice": 100,
    "real_share": 0.05,
}  # fmt: skip


def test_it_learns_to_push_the_point_to_the_origin():
    """250 steps with updates. Uniform actions make -9 on average, rest on the circle makes 0, the best about 18."""
    rows = finish(learner(total_steps=350, **LEARNS))
    returns = [r["eval_return"] for r in rows if r["step"] == 350]
    assert random_return() < 0
    assert np.mean(returns) > 10
