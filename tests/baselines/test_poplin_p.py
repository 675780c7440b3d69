"""POPLIN-P: how its policy learns from what the search found, in both readings of AVG and in BC; PETS' settings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from learner_laws import finish
from planned_kit import Rewarded, learner

from svgbench.baselines.planned import pets, poplin_p
from svgbench.nn.streams import Streams

SEEDS, T, OBS, A = [4, 9], 30, 3, 2


def agent(seeds=SEEDS, **settings):
    own = {"members": 2, "model_hidden": (4,), "model_decay": (0.0, 0.0), "rollout_steps": T, "policy_hidden": (5,)}
    return poplin_p.PoplinP(poplin_p.Config(**{**own, **settings}, dtype="float64"), Rewarded(), seeds, "cpu")


def episode(size, seeds=SEEDS):
    streams = Streams(seeds, "episode")
    return 2 + 3 * streams.normal((T, OBS), torch.float64), 0.3 * streams.normal((T, size), torch.float64)


def whitened(obs):
    mean, std = obs.mean(0), obs.std(0)
    return (obs - mean) / np.maximum(std, 0.1)


def network(weights, x):
    """The policy of POPLIN-P before it is clipped, on one row."""
    hidden = np.tanh(x @ weights[:15].reshape(3, 5) + weights[15:20])
    return hidden @ weights[20:30].reshape(5, 2) + weights[30:]


def test_both_readings_of_avg():
    """As coded the mean of the deviations replaces the weights; in the text it is added to them."""
    for average, keeps in (("replaces", 0.0), ("is added", 1.0)):
        one = agent(average=average)
        obs, deviations = episode(one.policy.size)
        before = one.base.detach().clone()
        one.learn(60, obs, deviations, None)
        torch.testing.assert_close(one.base.detach(), keeps * before + deviations.mean(1))
        torch.testing.assert_close(one.seen.mean, obs.mean(1))


def test_bc_is_the_transcription_of_each_seed_alone():
    """With teachers that use the old weights and the old whitening."""
    settings = {"policy_epochs": 8, "policy_batch": 7}
    one = agent(training="clone", **settings)
    first, _ = episode(one.policy.size, [77, 78])
    one.seen.update(first)
    obs, deviations = episode(one.policy.size)
    start = one.base.detach().clone()
    one.learn(60, obs, deviations, None)
    streams = Streams(SEEDS, "clone-60")
    tested = streams.permutation(T)[:, :6]
    orders = [streams.permutation(24) for _ in range(8)]
    for s in range(2):
        old = first[s].numpy()
        x_old = (obs[s].numpy() - old.mean(0)) / old.std(0)
        both = np.concatenate([old, obs[s].numpy()])
        x = torch.from_numpy((obs[s].numpy() - both.mean(0)) / both.std(0))
        teacher = torch.from_numpy(
            np.stack([network((start[s] + deviations[s, t]).numpy(), x_old[t]) for t in range(T)])
        )
        w = start[s].clone().requires_grad_()
        optimiser = torch.optim.Adam([w], lr=3e-3)

        def error(rows, x=x, teacher=teacher, w=w):
            hidden = torch.tanh(x[rows] @ w[:15].view(3, 5) + w[15:20])
            return (hidden @ w[20:30].view(5, 2) + w[30:] - teacher[rows]).square().mean()

        before = np.inf
        for epoch in range(8):
            for batch in orders[epoch][s].split(7)[:3]:  # whole batches of the first 24 steps
                optimiser.zero_grad()
                error(batch).backward()
                optimiser.step()
            now = error(tested[s]).item()
            if now > before and epoch % 5 == 0:
                break
            before = now
        torch.testing.assert_close(one.base[s].detach(), w.detach(), rtol=1e-8, atol=1e-10)


def test_bc_may_end_early_for_one_seed_and_goes_on_for_another():
    one, steps = agent(training="clone", policy_epochs=12, policy_batch=8), []
    obs, deviations = episode(one.policy.size)
    errors = iter([torch.tensor([5.0 - e, 5.0 - e + 9 * (e == 5)], dtype=torch.float64) for e in range(12)])
    original = one._error
    one._error = lambda x, teacher: original(x, teacher) if torch.is_grad_enabled() else next(errors)
    one.adam.step = lambda on, f=one.adam.step: (steps.append(on.tolist()), f(on))
    one.learn(60, obs, deviations, None)
    per_epoch = [steps[i] for i in range(0, len(steps), 3)]
    assert per_epoch == [[True, True]] * 6 + [[True, False]] * 6


def test_a_policy_learns_after_planned_episodes_only_and_from_the_deviations_of_first_steps():
    one = learner(poplin_p, policy_hidden=(4,), total_steps=31)
    calls, base = [], one.agent.base.detach().clone()
    learn = one.agent.learn

    def noted(step, obs, deviations, active):
        rows = one.experience.layout.obs(one.experience.replay.rows)
        assert torch.equal(obs, rows[:, step - 10 : step])
        calls.append((step, deviations.clone()))
        learn(step, obs, deviations, active)

    one.agent.learn = noted
    while one.step < 20:
        one.advance()
        if one.step <= 20 and not calls:
            assert torch.equal(one.agent.base.detach(), base)
    finish(one)
    assert [step for step, _ in calls] == [20, 30]
    torch.testing.assert_close(one.agent.base.detach(), calls[-1][1].mean(1))
    assert one.agent.count == 1


def test_the_action_is_that_of_the_weights_found_for_the_first_step():
    one = agent()
    obs, _ = episode(one.policy.size)
    one.seen.update(obs)
    x = obs[:, :1]
    acted = one.act(x, None)
    first = one.planner.last[:, 0, 0]
    assert torch.equal(one.found[:, 0], first)
    for s in range(2):
        seen = (x[s, 0].numpy() - obs[s].numpy().mean(0)) / obs[s].numpy().std(0)
        expected = np.clip(network((one.base[s].detach() + first[s]).numpy(), seen), -1, 1)
        np.testing.assert_allclose(acted[s, 0], expected, rtol=1e-9)


def test_a_candidate_is_scored_with_its_own_weights_in_each_step_along_the_mean_of_the_networks():
    """The policy adds the step's deviation to its weights, and acts in the whitened state that is predicted."""
    one = agent(plan_horizon=3, plan_population=4, plan_elites=2)
    obs, _ = episode(one.policy.size)
    one.seen.update(obs)
    candidates = 0.5 * Streams(SEEDS, "candidates").normal((1, 4, 3, one.policy.size), torch.float64)
    found = []
    one.planner.plan = lambda mean, std, scored: (found.append(scored(candidates)), candidates[:, :, 0])[1]
    one.act(obs[:, :1], None)
    for s, k in np.ndindex(2, 4):
        state, total = obs[s, 0].numpy(), 0.0
        for t in range(3):
            seen = (state - obs[s].numpy().mean(0)) / obs[s].numpy().std(0)
            weights = (one.base[s].detach() + candidates[s, 0, k, t]).numpy()
            row = np.concatenate([state, np.clip(network(weights, seen), -1, 1)])
            changes = one.model.mean(torch.from_numpy(row).expand(2, 1, 1, -1))[s, :, 0].detach().numpy()
            state = state + changes.mean(0)
            total += 1 - state[2]
        assert found[0][s, 0, k].item() == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("module", [pets, poplin_p])
def test_defaults_are_the_sheet_s(module):
    """models.md 4 and sac_svg.md 3.2: as POPLIN's code ran both."""
    c = module.Config()
    assert (c.members, c.model_hidden, c.model_batch, c.model_epochs) == (5, (200,) * 4, 32, 5)
    assert (c.plan_population, c.plan_elites, c.plan_iterations, c.plan_alpha, c.plan_horizon) == (500, 50, 5, 0.1, 30)
    assert (c.random_steps, c.rollout_steps, c.gamma, c.reward_of) == (1000, 1000, 1.0, "next")
    assert c.model_decay == (2.5e-5, 5e-5, 7.5e-5, 7.5e-5, 1e-4)
    for name, values in module.PROFILES.items():
        assert all(getattr(c, key) != value for key, value in values.items()), name


def test_searches_are_those_of_the_codes():
    small = {"members": 2, "model_hidden": (4,), "model_decay": (0.0, 0.0)}
    particles = pets.PETS(pets.Config(**small, **pets.PROFILES["authors"]), Rewarded(), [0], "cpu").returns.settings
    assert (particles.propagation, particles.particles) == ("particles", 20)
    one = pets.PETS(pets.Config(**small), Rewarded(), [0], "cpu")
    how = one.planner.settings
    assert (how.variance_cut, how.sampling, how.solution, how.warm_start) == ("box", "truncated", "mean", True)
    assert (how.stop_variance, one.std.unique().item()) == (0.001, 0.5)
    assert (one.returns.settings.propagation, one.returns.settings.particles) == ("mean", 1)
    how = agent().planner.settings
    assert (how.variance_cut, how.sampling, how.solution, how.warm_start) == ("none", "truncated", "mean", True)
    assert how.stop_variance == 0
