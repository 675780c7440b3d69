"""TD3: its losses against a transcription, what rlkit and the authors do differently, and the laws of learners."""

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
from point import Point, random_return
from sac_kit import NoWaiting, updates
from torch import nn

from svgbench.baselines.actor_critic import td3
from svgbench.lab.source import declared
from svgbench.memory.replay import ReplayBatch

SMALL = {
    "actor_hidden": (7, 6),
    "critic_hidden": (9, 5),
    "step_batch": 16,
    "random_steps": 0,
    "learning_starts": 20,
    "eval_every": 20,
    "eval_episodes": 2,
    "steps_per_slice": 7,
}
WAITS = {"train_every": 10}
AT_ONCE = {"train_every": 1}
BOTH = pytest.mark.parametrize("how", [WAITS, AT_ONCE], ids=["waits", "at once"])


def learner(seeds=(0, 1, 2), total_steps=60, profile="rlkit", task=None, **config):
    known = declared("svgbench.baselines.actor_critic.td3:make")
    given = known.config({**SMALL, **config}, profile=profile)
    return td3.make(given, task or Point(), seeds, {"total_steps": total_steps}, "cpu")


def trained(one):
    """Everything that training changes, each [S, ...]."""
    agent = one.agent
    modules = (agent.actor, agent.critic, agent.target_actor, agent.target_critic)
    return [
        *(p for m in modules for p in m.parameters()),
        *(adam.flat for adam in agent.adams),
        one.experience.replay.rows,
    ]


# --- the losses ---------------------------------------------------------------------------------------------------


def plain(net, s, twin=None):
    """One seed's network of this package as torch's own layers."""
    layers = []
    for layer in net.layers:
        weight, bias = layer.weight[s], layer.bias[s]
        weight, bias = (weight, bias) if twin is None else (weight[twin], bias[twin])
        own = nn.Linear(*weight.shape, dtype=weight.dtype)
        own.weight.data.copy_(weight.T)
        own.bias.data.copy_(bias[0])
        layers += [own, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def batch_of(S=3, B=5, n=3, A=2):
    g = torch.Generator().manual_seed(3)
    x, u, next_x = (torch.randn(S, B, k, generator=g, dtype=torch.float64) for k in (n, A, n))
    reward = torch.randn(S, B, generator=g, dtype=torch.float64)
    terminal = (torch.rand(S, B, generator=g) < 0.4).double()
    noise = 4 * torch.randn(S, B, A, generator=g, dtype=torch.float64)
    return ReplayBatch(x, torch.cat([x, u], -1), reward, terminal, next_x), noise


@pytest.mark.parametrize("profile", ["rlkit", "authors"])
def test_an_update_is_the_transcription_of_each_seed_alone(profile):
    one = learner(profile=profile, dtype="float64", train_every=1, random_steps=0)
    agent, (batch, noise) = one.agent, batch_of()
    c = agent.config
    with torch.no_grad():
        for p in agent.target_critic.parameters():
            p.add_(0.3)
        for p in agent.actor.net.layers[-1].parameters():
            p.add_(0.2)
    pieces = []
    for s in range(3):
        actor, target_actor = plain(agent.actor.net, s), plain(agent.target_actor.net, s)
        critics = [plain(agent.critic.net, s, k) for k in (0, 1)]
        targets = [plain(agent.target_critic.net, s, k) for k in (0, 1)]
        smooth = torch.tanh(target_actor(batch.next_x[s])) + (0.2 * noise[s]).clip(-0.5, 0.5)
        if profile == "authors":
            smooth = smooth.clip(-1, 1)
        nearest = torch.min(*(q(torch.cat([batch.next_x[s], smooth], 1))[:, 0] for q in targets))
        y = (batch.reward[s] + 0.99 * (1 - batch.terminal[s]) * nearest).detach()
        loss = sum(nn.functional.mse_loss(q(batch.xu[s])[:, 0], y) for q in critics)
        optimiser = torch.optim.Adam([p for q in critics for p in q.parameters()], lr=c.critic_lr)
        loss.backward()
        optimiser.step()
        of_policy = torch.optim.Adam(actor.parameters(), lr=c.actor_lr)
        value = critics[0](torch.cat([batch.x[s], torch.tanh(actor(batch.x[s]))], 1)).mean()
        (-value).backward()
        of_policy.step()
        pieces.append((actor, critics, target_actor, targets, loss.detach()))
    before = [p.detach().clone() for p in agent.target_critic.parameters()]
    agent.update_once(batch, noise, None, delayed=True)
    for s, (actor, critics, target_actor, targets, loss) in enumerate(pieces):
        torch.testing.assert_close(agent.last["critic_loss"][s], loss, rtol=1e-10, atol=0)
        for own, k in ((actor, None), (critics[0], 0), (critics[1], 1)):
            net = agent.actor.net if k is None else agent.critic.net
            for mine, theirs in zip(plain(net, s, k).parameters(), own.parameters(), strict=True):
                torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-12)
        averaged = [(plain(agent.target_critic.net, s, k), critics[k], targets[k]) for k in (0, 1)]
        averaged += [(plain(agent.target_actor.net, s), actor, target_actor)]
        for triple in averaged:
            for mine, online, old in zip(*(net.parameters() for net in triple), strict=True):
                torch.testing.assert_close(mine, 0.005 * online + 0.995 * old, rtol=1e-9, atol=1e-12)
    assert not any(torch.equal(p, q) for p, q in zip(before, agent.target_critic.parameters(), strict=True))


def test_without_clipping_a_target_action_leaves_the_box():
    one, (batch, noise) = learner(dtype="float64"), batch_of()
    agent = one.agent
    seen = []
    agent.target_critic.smaller = lambda xu: (seen.append(xu[..., -2:]), xu[..., 0])[1]
    agent.target_actor.forward = lambda x: torch.full((*x.shape[:2], 2), 0.9, dtype=x.dtype)
    for clip in (False, True):
        td3.smoothed_target(agent.target_actor, agent.target_critic, batch, noise, td3.Config(clip_target_action=clip))
    assert seen[0].max() == pytest.approx(1.4)  # the noise is clipped at 0.5
    assert seen[1].max() == 1.0


# --- what the profiles say ----------------------------------------------------------------------------------------


def test_initial_weights_and_targets_are_rlkit_s():
    agent = td3.TD3(td3.Config(), Point(), [0, 1], "cpu")
    for net in (agent.actor.net, agent.critic.net, agent.target_actor.net, agent.target_critic.net):
        *hidden, last = net.layers
        for layer in hidden:
            bound = 1 / math.sqrt(layer.out_features)
            assert bound * 0.98 < layer.weight.abs().max() <= bound
            assert (layer.bias == 0.1).all()
        assert 2.9e-3 < last.weight.abs().max() <= 3e-3
        assert 0 < last.bias.abs().max() <= 3e-3
    assert not torch.equal(agent.critic.net.layers[0].weight, agent.target_critic.net.layers[0].weight)
    authors = td3.TD3(td3.Config(**td3.PROFILES["authors"]), Point(), [0, 1], "cpu")
    for online, target in ((authors.actor, authors.target_actor), (authors.critic, authors.target_critic)):
        assert all(torch.equal(p, q) for p, q in zip(online.parameters(), target.parameters(), strict=True))
    assert authors.actor.net.layers[1].weight.abs().max() <= 1 / 16
    assert authors.actor.net.layers[1].bias.unique().numel() > 256


def test_profiles_differ_from_the_default_everywhere_they_say():
    assert td3.PROFILES["rlkit"] == {}
    assert all(getattr(td3.Config(), name) != value for name, value in td3.PROFILES["authors"].items())


def test_exploration_noise_is_a_tenth_of_half_the_range_within_the_box():
    agent = learner().agent
    agent.actor.forward = lambda x: torch.full((*x.shape[:2], 2), 0.8)
    noise = torch.randn(3, 5000, 2, generator=torch.Generator().manual_seed(0))
    acted = agent.act(torch.zeros(3, 5000, 3), noise)
    assert acted.max() == 1.0
    torch.testing.assert_close(acted, (0.8 + 0.1 * noise).clip(max=1.0))


@BOTH
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("delay", [1, 2, 3])
def test_policy_and_targets_learn_in_every_dth_update_and_first_in_the_first_or_dth(how, delay, first):
    """rlkit counts updates from 0 (`_n_train_steps_total % period == 0`), the authors from 1 (`total_it`)."""
    one, log = learner(policy_delay=delay, policy_first=first, updates_per_step=1, **how), []
    update = one.agent.update_once
    one.agent.update_once = lambda *a, delayed, f=update: (log.append(delayed), f(*a, delayed=delayed))
    finish(one)
    assert len(log) == (50 if how is WAITS else 40)  # after steps 20, 30, ..., 60; or in steps 20 to 59
    assert log == [(u if first else u + 1) % delay == 0 for u in range(len(log))]
    assert one.agent.critic_adam.steps.min() == len(log)
    assert one.agent.actor_adam.steps.min() == (math.ceil(len(log) / delay) if first else len(log) // delay)


def test_the_authors_policy_waits_for_the_second_update_and_rlkit_s_does_not():
    assert [learner(profile=p, train_every=1).agent.prepare(20) for p in ("rlkit", "authors")] == [0, 1]


def test_updates_that_wait_come_after_their_steps_and_before_an_evaluation():
    one, log = learner(seeds=[4], **WAITS), []
    update, evaluate = one.agent.update_once, one._evaluate
    one.agent.update_once = lambda *a, delayed, f=update: (log.append(one.step), f(*a, delayed=delayed))
    one._evaluate = lambda f=evaluate: (log.append("evaluation"), f())[1]
    finish(one)
    between = [[step] * 10 for step in (20, 30, 40, 50, 60)]
    assert log == [
        *between[0],
        "evaluation",
        *between[1],
        *between[2],
        "evaluation",
        *between[3],
        *between[4],
        "evaluation",
    ]


def test_a_time_limit_is_a_termination_for_rlkit_only():
    for profile, counts in (("rlkit", True), ("authors", False)):
        one = learner(seeds=[0], profile=profile, random_steps=0, explore_std=0.0, total_steps=40, learning_starts=40)
        with torch.no_grad():
            for p in one.agent.actor.parameters():
                p.zero_()  # the point rests where it starts
        finish(one)
        rows, layout = one.experience.replay.rows, one.experience.layout
        ended = layout.terminal(rows)[0].bool()
        assert (layout.next_obs(rows)[0, :, 2] - 1).abs().max() < 1e-6
        assert ended.nonzero().flatten().tolist() == ([19, 39] if counts else [])


class AlwaysOver(Point):
    """Every step terminates."""

    termination_function = staticmethod(lambda obs, action, next_obs: next_obs[..., 2] >= 0)


@pytest.mark.parametrize(("profile", "horizon", "expected"), [("rlkit", 1, 1), ("authors", 1, 0), ("authors", 2, 1)])
def test_a_termination_in_the_last_step_counts_for_rlkit_only(profile, horizon, expected):
    """main.py: `done_bool = float(done) if episode_timesteps < env._max_episode_steps else 0`."""
    one = learner(seeds=[0], profile=profile, total_steps=5, learning_starts=5, task=AlwaysOver(horizon))
    finish(one)
    assert one.experience.layout.terminal(one.experience.replay.rows)[0].tolist() == [expected] * 5


# --- laws ---------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
def test_a_seed_alone_and_in_a_block_of_five_agree(how, dtype, tolerance):
    agrees_alone_and_in_a_block(lambda seeds: learner(seeds, 70, dtype=dtype, **how), trained, updates, tolerance)


@BOTH
def test_a_checkpoint_after_any_slice_continues_to_the_bit(how, monkeypatch):
    monkeypatch.setattr(td3, "UPDATES_AT_ONCE", 4)  # three slices between the steps
    whole = learner(**how)
    rows, states = with_states(whole)
    within = [i for i, state in enumerate(states) if state["agent"]["done"]]
    assert bool(within) == (how is WAITS)
    for i in {0, 2, len(states) - 2, *within[:2], *within[-1:]}:
        continues_from(states[i], learner(**how), whole, rows, trained)


@BOTH
def test_evaluations_and_slices_change_no_bit_of_training(how):
    trains_alike_whatever_happens_meanwhile(
        partial(learner, **how), trained, {"eval_every": 8}, {"steps_per_slice": 1, "eval_episodes": 1}
    )


@BOTH
def test_a_seed_that_diverges_does_not_affect_the_others(how):
    def lost(one):
        return next(one.agent.critic.parameters())[1, 0, 0, 0] if one.step >= 30 else None

    _, rows = a_lost_seed_leaves_the_others_alone(lambda: learner(dtype="float64", **how), trained, lost, 1e-9)
    assert {r["seed"] for r in rows if r["step"] > 50} == {0, 2}


@BOTH
def test_nothing_in_an_update_waits_for_a_device(how):
    one, calls = learner(total_steps=30, **how), []
    one.alive[1] = False  # the masked path as well
    one._set_active()
    original = one.agent.update_once

    def watched(*args, delayed):
        with NoWaiting():
            original(*args, delayed=delayed)
        calls.append(delayed)

    one.agent.update_once = watched
    finish(one)
    assert set(calls) == {True, False}


@BOTH
def test_the_estimate_of_a_plan_is_the_work_that_progress_counts(how):
    counts_the_estimated_work(learner(**how), td3.estimated_work, 60)


def test_columns_that_it_lacks_are_empty():
    rows = finish(learner())
    assert {(r["step"], r["seed"]) for r in rows} == {(t, s) for t in (20, 40, 60) for s in (0, 1, 2)}
    for r in rows:
        empty = {"alpha", "entropy", "reward_loss", "model_loss", "planned_return", "unplanned_return"}
        assert all(math.isnan(r[name]) for name in empty)
        assert all(math.isfinite(value) for name, value in r.items() if name not in empty)


@pytest.mark.parametrize(("profile", "how"), [("rlkit", {"train_every": 50}), ("authors", {"random_steps": 100})])
def test_it_learns_to_push_the_point_to_the_origin(profile, how):
    """Uniform actions make -9 on average, rest on the circle makes 0, the best about 18."""
    one = learner(
        [0, 1], 700, profile, actor_hidden=(32, 32), critic_hidden=(32, 32), step_batch=64, learning_starts=100,
        actor_lr=2e-3, critic_lr=3e-3, tau=0.05, gamma=0.9, explore_std=0.3, eval_every=700, eval_episodes=20,
        steps_per_slice=100, **how,
    )  # fmt: skip
    returns = [r["eval_return"] for r in finish(one)]
    assert random_return() < 0
    assert np.mean(returns) > 12
