"""SAC-SVG with expanded critics' targets as a learner: where it is SAC, its laws, and that it learns."""

from __future__ import annotations

import pytest
import torch
from learner_laws import a_lost_seed_leaves_the_others_alone, continues_from, finish, through_a_file
from point import Point
from sac_kit import (
    SMALL,
    STEPS,
    UPDATES,
    follows_the_seed_law,
    learner,
    parameters,
)

from svgbench.baselines.actor_critic import sac, sac_svg

KINDS = pytest.mark.parametrize(
    "kind",
    [
        {"expansion": "td-k"},
        {"expansion": "plain"},
        {"expansion": "td-k", "expansion_reading": "code"},
        {"expansion": "td-k", "H": 0},
    ],
    ids=lambda kind: "-".join(map(str, kind.values())),
)


@pytest.mark.parametrize("profile", ["text", "code"])
def test_the_target_s_switches_change_nothing_at_depth_0(profile):
    one, other = (learner(profile=profile, **how) for how in ({}, {"expansion": "plain", "expansion_reading": "code"}))
    assert repr(finish(one)) == repr(finish(other))


@pytest.mark.parametrize("expansion", ["plain", "td-k"])
def test_without_a_policy_s_model_it_is_sac_until_the_model_based_phase(expansion):
    """To the bit: the first action's noise is SAC's, and the model draws from streams of its own."""
    ends = {}
    for steps in (18, 22):
        one = learner(H=0, critic_steps=2, expansion=expansion)
        other = learner(module=sac)
        for each in (one, other):
            while each.step < steps:
                each._one_step()
        ends[steps] = [
            torch.equal(p, q)
            for p, q in zip(one.agent.critic.parameters(), other.agent.critic.parameters(), strict=True)
        ]
    assert all(ends[18])
    assert not any(ends[22])


@pytest.mark.parametrize("profile", ["text", "code"])
def test_in_the_learner_the_plain_target_is_the_first_td_k_target_unless_as_coded(profile, monkeypatch):
    """So rows of Figure 4 differ in what the critics learn, not in how the policy's loss weighs terminations."""
    first = {}
    for name, how in {
        "td-k": {},
        "plain": {"expansion": "plain"},
        "coded": {"expansion": "plain", "expansion_reading": "code"},
    }.items():
        found = []
        one = learner(profile=profile, H=0, critic_steps=2, dtype="float64", **how)
        fit = one.agent.fit_critic
        monkeypatch.setattr(
            one.agent,
            "fit_critic",
            lambda xu, target, *how, fit=fit, found=found: (found.append(target), fit(xu, target, *how))[1],
        )
        while one.step <= one.agent.config.model_free_steps:
            one._one_step()
        first[name] = found[-1]  # of the first update with an expansion; everything before it is the same
    B = first["plain"].shape[1]
    torch.testing.assert_close(first["td-k"][:, :B], first["plain"], rtol=1e-12, atol=1e-12)
    assert not torch.allclose(first["coded"], first["plain"])


def test_model_and_windows_follow_the_longer_of_both_horizons(monkeypatch):
    seen = []
    original = sac_svg.model_loss
    monkeypatch.setattr(sac_svg, "model_loss", lambda *a, **k: (seen.append(a[2].shape[1]), original(*a, **k))[1])
    for H, K, expected in ((0, 2, 2), (3, 1, 3), (1, 4, 4)):
        seen.clear()
        one = learner(H=H, critic_steps=K)
        finish(one)
        assert set(seen) == {expected}
        assert one.agent.world.adam.steps.min() == UPDATES * SMALL["model_updates"]
        assert one.experience.replay.window == expected


def test_targets_expand_after_the_model_free_phase_and_td_k_as_coded_from_the_first_update(monkeypatch):
    counts = {}
    for name in ("plain_target", "td_k_targets"):
        original = getattr(sac_svg, name)
        monkeypatch.setattr(
            sac_svg,
            name,
            lambda *a, original=original, name=name, **k: (
                counts.update({name: counts.get(name, 0) + 1}),
                original(*a, **k),
            )[1],
        )
    for expansion, as_coded, expected in (
        ("plain", False, 21),
        ("plain", True, 21),
        ("td-k", False, 21),
        ("td-k", True, UPDATES),
    ):
        counts.clear()
        finish(learner(critic_steps=1, expansion=expansion, expansion_reading="code" if as_coded else "text"))
        assert counts == {"plain_target" if expansion == "plain" else "td_k_targets": expected}


@KINDS
@pytest.mark.parametrize(("profile", "dtype", "tolerance"), [("text", "float64", 1e-10), ("code", "float32", 1e-4)])
def test_a_seed_alone_and_in_a_block_of_five_agree(kind, dtype, tolerance, profile):
    follows_the_seed_law(tolerance, critic_steps=2, dtype=dtype, profile=profile, **kind)


@pytest.mark.usefixtures("short_chunks")
@KINDS
def test_resuming_at_any_slice_is_exact(kind):
    how = {"critic_steps": 2, "steps_per_slice": 5, **kind}
    whole, first = learner(**how), learner(**how)
    rows = finish(whole)
    for slices in (3, 1, 1):  # in SAC's phase, after an evaluation, in the model-based phase
        for _ in range(slices):
            first.advance()
        continues_from(through_a_file(first.state_dict()), learner(**how), whole, rows, parameters)


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("critic", {}),
        ("dynamics", {"H": 0}),
        ("heads", {"expansion": "plain"}),
        ("dynamics", {"expansion": "plain", "H": 0}),
        ("heads", {"expansion_reading": "code", "H": 0}),
    ],
)
def test_a_seed_that_diverges_does_not_affect_the_others(kind, part):
    def lost(one):
        broken = one.agent.critic if part == "critic" else getattr(one.agent.world, part)
        return next(broken.parameters())[1] if one.step == 27 else None

    a_lost_seed_leaves_the_others_alone(
        lambda: learner(dtype="float64", critic_steps=2, **kind), parameters, lost, 1e-9
    )


def test_a_seed_whose_model_never_learns_is_stuck_also_where_only_its_critics_need_it():
    """Episodes of two steps hold no window of three: its critics would learn from a model without training."""
    one = learner(H=0, critic_steps=3, task=Point(horizon=5), total_steps=30)
    finish(one)
    assert not one.diverged
    with pytest.raises(
        ValueError, match="critic_steps is 4, expected at most 3: an episode of test/point has 5 steps, and"
    ):
        learner(H=0, critic_steps=4, task=Point(horizon=5))
    lacking, agent = torch.tensor([True, False, True]), learner(H=0, critic_steps=2).agent
    assert agent.stuck(17, lacking).tolist() == [False] * 3  # SAC's targets
    assert agent.stuck(18, lacking).tolist() == [True, False, True]


def test_settings_that_cannot_run_are_refused():
    with pytest.raises(ValueError, match=r"learning_starts is 4, expected above critic_steps \+ 1 = 6"):
        learner(learning_starts=4, critic_steps=5)


@pytest.mark.parametrize("expansion", ["plain", "td-k"])
def test_the_estimate_of_work_counts_the_expansion(expansion):
    def work(**how):
        one = learner(**how)
        known = {f: getattr(one.agent.config, f) for f in one.agent.config.__dataclass_fields__}
        estimated = sac_svg.estimated_work(known, one.task, one.seeds, {"total_steps": STEPS})
        assert one.progress[1] == round(estimated)
        return estimated

    assert work() < work(critic_steps=1, expansion=expansion) < work(critic_steps=2, expansion=expansion)
    assert work(H=0) < work(H=0, critic_steps=2, expansion=expansion) < work(critic_steps=2, expansion=expansion)
    assert work(critic_steps=2, expansion="plain") < work(critic_steps=2, expansion="td-k")


@pytest.mark.slow
@pytest.mark.parametrize("H", [0, 2])
@pytest.mark.parametrize("expansion", ["plain", "td-k"])
def test_it_learns(H, expansion):
    """The same bar as for SAC-SVG: best possible is near 18 of 20, and 400 random episodes never reached 14."""
    one = learner(
        [0, 1], total_steps=700, H=H, critic_steps=2, expansion=expansion, eval_every=700, eval_episodes=30,
        actor_lr=3e-3, critic_lr=3e-3, alpha_lr=3e-3, actor_hidden=(32, 32), critic_hidden=(32, 32), step_batch=64,
        window_batch=32, random_steps=100, learning_starts=99, model_free_steps=150, tau=0.05, gamma=0.9,
        steps_per_slice=100,
    )  # fmt: skip
    assert min(r["eval_return"] for r in finish(one)) > 14
