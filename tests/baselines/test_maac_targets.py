"""The targets of MAAC's critics: against plain loops, and where they must be known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from maac_kit import SEEDS, TASK, B, Known, Plain, batch_of, beyond_the_wall, exact_members, untrained

from svgbench.baselines.actor_critic._model_paths import ExpandedValue, ModelSteps, PathFunctions, expanded_by_members
from svgbench.baselines.actor_critic._soft_actor_critic import soft_target
from svgbench.nn.streams import Streams
from svgbench.tasks.maac import linear_quadratic as lqr


def numbers(values):
    return torch.tensor([*map(float, values)], dtype=torch.float64)


def targets_by_hand(one, batch, streams):
    """Each seed's targets [S, B], the estimates' means and variances [S, D + 1, B], and how many steps ended."""
    c, E, n, m = one.agent.config, one.agent.config.members, 3, 2
    D = c.critic_steps
    unit = streams.normal(((D + 2) * B, m), dtype=torch.float64)
    shocks = streams.normal((D, B, n), dtype=torch.float64)
    coded = c.targets == "as coded"
    if coded:
        order = [streams.permutation(B).tolist() for _ in range(D)]
        count = int(c.target_members * E)
        chosen = [[row[:count] for row in streams.permutation(E).tolist()] for _ in range(D)]
    targets, ended = torch.zeros(len(SEEDS), B, dtype=torch.float64), 0
    mean, variance = torch.zeros(2, len(SEEDS), D + 1, B, dtype=torch.float64)
    for s, b in itertools.product(range(len(SEEDS)), range(B)):
        plain = Plain(one, s, beyond_the_wall, averaged=True)
        state, alpha = batch.next_x[s, b], plain.alpha

        def soft(t, obs, plain=plain, s=s, b=b, alpha=alpha):
            """The action at time t, its entropy bonus, and the critics' soft values."""
            action, log_prob = plain.act(obs, unit[s, t * B + b])
            return action, -alpha * log_prob, [q - alpha * log_prob for q in plain.values(obs, action)]

        first, bonus, twins = soft(0, state)
        candidates = [[twins]]  # of each depth: pairs
        if not coded:
            for j in range(1, D + 1):
                candidates.append([])
                for e in range(E):
                    obs, action, extra, total, alive = state, first, bonus, 0.0, True
                    for t in range(1, j + 1):
                        after = plain.step(e, obs, action, shocks[s, t - 1, b])
                        if alive:
                            own = extra if c.target_entropy_on_the_way else 0.0
                            total = total + c.gamma ** (t - 1) * (plain.reward(obs, action, after) + own)
                        alive = alive and not plain.ends(after)
                        obs, (action, extra, twins) = after, soft(t, after)
                    candidates[j].append([total + c.gamma**j * q if alive else total for q in twins])
                    ended += not alive
            variances = [np.var([float(q) for pair in each for q in pair]) for each in candidates]
            shares = [1 / v for v in variances]
        else:
            obs, action, sums = state, soft(1, state)[0], [0.0] * E
            for j in range(1, D + 1):
                candidates.append([])
                for e in range(E):
                    after = plain.step(e, obs, action, shocks[s, j - 1, b])
                    alive = not plain.ends(after)
                    ended += not alive
                    sums[e] = sums[e] + c.gamma ** (j - 1) * (plain.reward(obs, action, after) if alive else 0.0)
                    if e in chosen[j - 1][s]:
                        twins = soft(j + 1, after)[2]
                        candidates[j].append([sums[e] + (c.gamma**j * q if alive else 0.0) for q in twins])
                member = order[j - 1][s].index(b) // (B // E)
                obs = plain.step(member, obs, action, shocks[s, j - 1, b])
                action = soft(j + 1, obs)[0]
            variances = [np.var([float(min(pair)) for pair in each]) for each in candidates]
            shares = [1 / (v + 1e-8) for v in variances]
        means = [sum(min(pair) for pair in each) / len(each) for each in candidates]
        value = sum(w * x for w, x in zip(shares, means, strict=True)) / sum(shares)
        mean[s, :, b], variance[s, :, b] = numbers(means), numbers(variances)
        targets[s, b] = batch.reward[s, b] + c.gamma * (1 - batch.terminal[s, b]) * value
    return targets, mean, variance, ended


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize(
    "how",
    [
        {"targets": "weighted"},
        {"targets": "weighted", "target_entropy_on_the_way": False, "normalise_obs": True},
        {"targets": "weighted", "averaged_target_policy": True},
        {"targets": "as coded", "target_members": 0.5},
        {"targets": "as coded", "target_members": 1.0, "variance_as_deviation": True, "clip_obs": 0.65},
    ],
    ids=str,
)
def test_the_critics_targets_are_those_of_plain_loops(how, depth, monkeypatch):
    estimates, combined = [], ExpandedValue.combined
    monkeypatch.setattr(ExpandedValue, "combined", lambda x, **way: (estimates.append(x), combined(x, **way))[1])
    one = untrained(critic_steps=depth, **{"members": 4, **how})
    batch = batch_of(one)
    with torch.no_grad():
        expected, mean, variance, ended = targets_by_hand(one, batch, Streams(SEEDS, "u"))
    found = one.agent._target(batch, Streams(SEEDS, "u"), one.experience)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(estimates[0].mean, mean, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(estimates[0].variance, variance, rtol=1e-8, atol=1e-13)
    assert ended > 0
    assert torch.equal(found[:, 1], batch.reward[:, 1])  # nothing follows a real termination
    assert (variance[:, 0] == 0).all() == (how["targets"] == "as coded")


def test_without_depth_the_targets_are_sac_s():
    one, c = untrained(critic_steps=0), untrained().agent.config
    batch, noise = batch_of(one), Streams(SEEDS, "u").normal((B, 2), dtype=torch.float64)
    agent = one.agent
    wanted = soft_target(agent.target_critic, agent.actor, agent.temperature.alpha, batch, noise, c.gamma)
    assert torch.equal(agent._target(batch, Streams(SEEDS, "u"), one.experience), wanted)
    functions = PathFunctions(
        lambda t, obs: agent.actor.sample(obs, noise), one.task.reward_function, None,
        lambda obs, action: agent.target_critic(torch.cat([obs, action], -1)), c.gamma,
    )  # fmt: skip
    with torch.no_grad():
        value = expanded_by_members(functions, None, agent.temperature.alpha, batch.next_x, 2, 0, inner_entropy=True)
        combined = value.combined(as_coded=False)
    torch.testing.assert_close(batch.reward + c.gamma * (1 - batch.terminal) * combined, wanted)
    assert value.mean.shape == (2, 1, B)


@pytest.mark.parametrize("inner", [True, False])
def test_where_every_member_s_path_ends_at_once_the_target_is_two_rewards(inner):
    """The reward of a step does not depend on where it leads, so no estimate but the first has a variance."""
    task = Known(wall=-100.0)
    task.reward_function = lambda obs, action, after: obs[..., 0] - action.square().sum(-1)
    one = untrained(task, critic_steps=2, target_entropy_on_the_way=inner)
    batch, agent, c = batch_of(one), one.agent, one.agent.config
    unit = Streams(SEEDS, "u").normal((4 * B, 2), dtype=torch.float64)[:, :B]  # that of the first actions
    with torch.no_grad():
        action, log_prob = agent.actor.sample(batch.next_x, unit)
    bonus = -agent.temperature.alpha * log_prob if inner else 0.0
    reward = batch.next_x[..., 0] - action.square().sum(-1) + bonus
    wanted = batch.reward + c.gamma * (1 - batch.terminal) * reward
    found = agent._target(batch, Streams(SEEDS, "u"), one.experience)
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_with_an_exact_model_and_soft_value_all_depths_agree(depth):
    """A deterministic policy, whose every action is given an entropy of 1.5 nats. The second critic is 0.3 too high."""
    gain, alpha, entropy, gamma = TASK.gain, torch.tensor([[0.2], [0.7]], dtype=torch.float64), 1.5, TASK.gamma
    W = torch.from_numpy(lqr.action_value_matrix(TASK.lq, gain))
    later = (gamma / (1 - gamma) * alpha * entropy)[..., None]  # [S, 1, 1]

    def twins(s, a):
        x = torch.cat([s, a], -1)
        q = -0.5 * (x @ W * x).sum(-1)[:, None] + later
        return torch.cat([q, q + 0.3], 1)

    def act(t, s):
        return -s @ torch.tensor(gain).T, torch.full_like(s[..., 0], -entropy)

    steps, start = ModelSteps(exact_members([1, 2], 3), False, 0.0), torch.randn(2, 6, 2, dtype=torch.float64)
    zero = torch.zeros(2, 1, 6, 2, dtype=torch.float64)
    functions = PathFunctions(act, TASK.reward_function, None, twins, gamma)
    with torch.no_grad():
        value = expanded_by_members(
            functions, lambda j, s, a: steps.of_all(s, a, zero), alpha, start, 3, depth, inner_entropy=True
        )
    exact = value.mean[:, :1]
    torch.testing.assert_close(value.mean, exact.expand(-1, depth + 1, -1), rtol=1e-12, atol=1e-12)
    powers = gamma ** torch.arange(depth + 1, dtype=torch.float64)
    torch.testing.assert_close(value.variance, (0.15 * powers).square()[:, None].expand_as(value.variance))
    for as_coded in (False, True):
        torch.testing.assert_close(value.combined(as_coded=as_coded), exact[:, 0], rtol=1e-12, atol=1e-12)
