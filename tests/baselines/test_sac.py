"""Laws of the online learners: seeds, resumption, divergence, order of a step; and that they learn."""

from __future__ import annotations

import math

import pytest
from learner_laws import a_lost_seed_leaves_the_others_alone, continues_from, finish, through_a_file
from point import Point, random_return
from sac_kit import (
    SMALL,
    STEPS,
    UPDATES,
    NoWaiting,
    follows_the_seed_law,
    learner,
    parameters,
)

from svgbench.baselines.actor_critic import random_policy, sac, sac_svg


@pytest.mark.parametrize("profile", ["text", "code"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
@pytest.mark.parametrize("module", [sac, sac_svg])
def test_a_seed_alone_and_in_a_block_of_five_agree(module, dtype, tolerance, profile):
    follows_the_seed_law(tolerance, module=module, dtype=dtype, profile=profile)


@pytest.mark.usefixtures("short_chunks")
@pytest.mark.parametrize("module", [sac, sac_svg])
def test_resuming_at_any_slice_is_exact(module):
    whole, first = (learner(module=module, steps_per_slice=5) for _ in range(2))
    rows = finish(whole)
    for slices in (2, 1, 3):  # in the random phase, in SAC's, after an evaluation
        for _ in range(slices):
            first.advance()
        state = through_a_file(first.state_dict())
        continues_from(state, learner(module=module), whole, rows, parameters)


@pytest.mark.parametrize("module", [sac, sac_svg])
def test_a_seed_that_diverges_does_not_affect_the_others(module):
    def lost(one):
        return next(one.agent.critic.parameters())[1, 0, 0, 0] if one.step == 27 else None

    hurt, rows = a_lost_seed_leaves_the_others_alone(
        lambda: learner(module=module, dtype="float64"), parameters, lost, 1e-9
    )
    assert hurt.diverged[1].startswith("step ")
    assert {r["seed"] for r in rows if r["step"] > 27} == {0, 2}


def test_a_reward_that_is_not_finite_is_a_divergence():
    one = learner([13, 1], task=Point(broken_after=25))
    rows = finish(one)
    assert one.diverged == {13: "step 25: an observation or a reward is not finite"}
    assert [(r["seed"], r["step"]) for r in rows] == [(13, 20), (1, 20), (1, 39)]
    alone = learner([13], task=Point(broken_after=25))
    finish(alone)
    assert alone.step == 26  # nobody is left to train


def test_the_policy_learns_as_sacs_before_its_model_based_phase_and_the_model_from_the_start(monkeypatch):
    lengths = []

    def record(original, parts):
        lengths.append(parts[-1].shape[1] if original.__name__ == "expanded_loss" else 1)
        return original(*parts)

    for loss in (sac_svg.expanded_loss, sac_svg.policy_loss):
        monkeypatch.setattr(sac_svg, loss.__name__, lambda *parts, loss=loss: record(loss, parts))
    one = learner(H=3)
    finish(one)
    assert lengths == [1] * 5 + [4] * 21  # steps 13 to 17, and 18 to 38
    assert one.agent.world.adam.steps.min() == UPDATES * SMALL["model_updates"]


def test_the_order_of_a_step_follows_the_profile():
    """With the code's order a step's own transition cannot be drawn; with the text's it can."""
    for profile, size in (("code", 13), ("text", 14)):
        seen = []
        one = learner(profile=profile)
        original = one.agent.update
        one.agent.update = lambda phase, e, *rest, f=original, s=seen: (s.append(e.replay.size), f(phase, e, *rest))
        finish(one)
        assert seen[0] == size


def test_terminations_are_learned_from_and_time_limits_are_not():
    one = learner(total_steps=200, random_steps=200, learning_starts=199, eval_every=200)
    finish(one)
    rows = one.experience.replay.rows
    next_r2, terminal = one.experience.layout.next_obs(rows)[..., 2], one.experience.layout.terminal(rows)
    over = next_r2 > 2.2**2
    assert terminal.bool()[over].float().mean() > 0.8  # all but those in an episode's last step
    assert not terminal[~over].any()


def test_progress_counts_work_and_ends_at_its_total():
    one, last = learner(), -1
    while not one.finished:
        done, total = one.progress
        assert last < done < total
        last = done
        one.advance()
    assert one.progress == (total, total)


@pytest.mark.parametrize("module", [sac, sac_svg])
def test_the_estimate_of_a_plan_is_the_work_that_progress_counts(module):
    for config in ({}, {"model_free_steps": 1000}, {"eval_every": 30}):
        one = learner(module=module, **config)
        settings = {f: getattr(one.agent.config, f) for f in one.agent.config.__dataclass_fields__}
        estimated = module.estimated_work(settings, one.task, one.seeds, {"total_steps": STEPS})
        assert one.progress[1] == round(estimated) > 0


def test_final_policies_can_be_kept_and_rows_are_complete():
    one = learner()
    rows = finish(one)
    assert [(r["step"], r["seed"]) for r in rows] == [(t, s) for t in (20, STEPS) for s in (0, 1, 2)]
    assert all(math.isfinite(v) for r in rows for name, v in r.items() if not name.endswith("planned_return"))


def test_settings_that_cannot_run_are_refused():
    with pytest.raises(ValueError, match="learning_starts is 3"):
        learner(learning_starts=3)


@pytest.mark.parametrize(("module", "H"), [(sac, 0), (sac_svg, 2)])
def test_it_learns(module, H):
    """Best possible is near 18 of 20; the chance that a random policy reaches 14 in the mean of 30 episodes is nil:
    400 random episodes never did."""
    one = learner(
        [0, 1], total_steps=700, module=module, H=H, eval_every=700, eval_episodes=30, actor_lr=3e-3, critic_lr=3e-3,
        alpha_lr=3e-3, actor_hidden=(32, 32), critic_hidden=(32, 32), step_batch=64, window_batch=32,
        random_steps=100, learning_starts=99, model_free_steps=150, tau=0.05, gamma=0.9, steps_per_slice=100,
    )  # fmt: skip
    returns = [r["eval_return"] for r in finish(one)]
    assert random_return() < 5
    assert min(returns) > 14


def test_profiles_name_fields_and_differ_from_the_text_everywhere_they_say():
    assert sac_svg.PROFILES["text"] == {}
    for module in (sac, sac_svg):
        default = module.Config()
        for name, value in module.PROFILES["code"].items():
            assert getattr(default, name) != value
    shared = sac.Config.__dataclass_fields__.keys() & sac_svg.Config.__dataclass_fields__.keys()
    assert all(getattr(sac.Config(), name) == getattr(sac_svg.Config(), name) for name in shared)
    assert all(sac.PROFILES["code"].get(name) == sac_svg.PROFILES["code"].get(name) for name in shared)


def test_the_random_policy_has_one_row_a_seed_and_the_level_of_random_actions():
    one = random_policy.make({"eval_episodes": 60}, Point(), [4, 9], {"total_steps": 500}, "cpu")
    rows = one.advance()
    assert one.finished
    assert [(r["seed"], r["step"]) for r in rows] == [(4, 500), (9, 500)]
    for r in rows:
        # 60 episodes with the spread that the row states
        assert abs(r["eval_return"] - random_return()) < 4 * r["eval_return_sd"] / 60**0.5
    alone = random_policy.make({"eval_episodes": 60}, Point(), [9], {"total_steps": 500}, "cpu").advance()
    assert repr(alone) == repr(rows[1:])
    assert rows[0].keys() == finish(learner())[0].keys()


@pytest.mark.parametrize("module", [sac, sac_svg])
@pytest.mark.parametrize("profile", ["text", "code"])
def test_nothing_in_an_update_waits_for_a_device(module, profile):
    one = learner(module=module, profile=profile, total_steps=23)
    one.alive[1] = False  # the masked path as well
    one._set_active()
    original = one.agent.update
    calls = []

    def watched(*args):
        with NoWaiting():
            original(*args)
        calls.append(one.step)

    one.agent.update = watched
    finish(one)
    assert calls == list(range(13, 23))
