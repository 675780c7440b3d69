"""Expanded targets of SAC-SVG's critics: against transcriptions, by hand, and with an exact model."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from point import Point
from sac_equations import DOUBLE, dense, model_step, networks, policy_step, random

from svgbench.baselines.actor_critic._expansion import ExpansionNetworks, Weighting, plain_target, td_k_targets
from svgbench.baselines.actor_critic._soft_actor_critic import critic_loss, soft_target
from svgbench.memory.replay import ReplayBatch

READINGS = {"text": (False, True), "code": (True, False)}
"""survival_extra_factor, survival_weighs_entropy of both profiles."""


def weighting(profile="text", gamma=0.9):
    return Weighting(gamma, *READINGS[profile])


def made_batch(S=2, B=4):
    x, u = random(S, B, 3), random(S, B, 2, seed=1)
    terminal = torch.tensor([[0, 1, 0, 0]] * S, dtype=DOUBLE)
    return ReplayBatch(x, torch.cat([x, u], -1), random(S, B, seed=2), terminal, random(S, B, 3, seed=3))


# --- against transcriptions ---------------------------------------------------------------------------------------


def walk(nets, s, x, noise):
    """Rewards, survivals, log-probabilities and pairs at x_1 to x_{K+1}, and the smaller critic's value of the last."""
    actor, critic, model, heads = nets
    hidden, rewards, alive, log_probs, pairs = [torch.zeros(12, dtype=DOUBLE)] * 2, [], [], [], []
    for unit in noise:
        u, log_prob = policy_step(actor, s, x, unit)
        pairs.append(torch.cat([x, u]))
        log_probs.append(log_prob)
        rewards.append(dense(heads, s, 0, pairs[-1])[0])
        alive.append(1 - torch.sigmoid(dense(heads, s, 1, pairs[-1])[0]))
        x, hidden = model_step(model, s, x, u, hidden)
    return rewards, alive, log_probs, pairs, min(dense(critic.net, s, k, pairs[-1])[0] for k in (0, 1))


@pytest.mark.parametrize("as_coded", [False, True])
@pytest.mark.parametrize("profile", ["text", "code"])
@pytest.mark.parametrize("K", [1, 3])
def test_the_plain_target_is_that_of_the_equations(K, profile, as_coded):
    nets, batch, gamma = networks(), made_batch(), 0.9
    noise, alpha = random(2, K + 1, 4, 2, seed=4), torch.tensor([[0.3], [0.7]], dtype=DOUBLE)
    found = plain_target(ExpansionNetworks(*nets), batch, noise, alpha, weighting(profile), as_coded=as_coded)
    extra, weighs = READINGS[profile]
    for s in range(2):
        for b in range(4):
            rewards, alive, log_probs, _, last = walk(nets, s, batch.next_x[s, b], noise[s, :, b])
            value = 0.0
            for t in range(K + 1):  # t model steps after x_1
                w = math.prod(n.item() for n in alive[:t]) * (alive[0].item() if extra else 1.0)
                gain, bonus = (rewards[t] if t < K else last), -alpha[s, 0] * log_probs[t]
                value = value + gamma**t * (w * gain + (w if weighs else 1.0) * bonus)
            value = value - alpha[s, 0] * log_probs[0] * as_coded
            y = batch.reward[s, b] + gamma * (1 - batch.terminal[s, b]) * value
            torch.testing.assert_close(found[s, b], y, rtol=1e-10, atol=1e-10)
    assert not found.requires_grad


@pytest.mark.parametrize("as_coded", [False, True])
@pytest.mark.parametrize("K", [1, 3])
def test_td_k_targets_weights_and_loss_are_those_of_the_equations(K, as_coded):
    """By sums over later times, where the code goes backwards; the loss row by row."""
    nets, batch, gamma, B = networks(), made_batch(), 0.9, 4
    noise, alpha = random(2, K + 1, B, 2, seed=4), torch.tensor([[0.3], [0.7]], dtype=DOUBLE)
    found = td_k_targets(ExpansionNetworks(*nets), batch, noise, alpha, gamma, as_coded=as_coded)
    loss = critic_loss(nets[1], found.xu, found.target, found.weight)
    target, weight = (x.unflatten(1, (K + 1, B)) for x in (found.target, found.weight))
    for s in range(2):
        total = 0.0
        for b in range(B):
            rewards, alive, log_probs, pairs, last = walk(nets, s, batch.next_x[s, b], noise[s, :, b])
            onward = [1 - batch.terminal[s, b], *(alive[1:] if as_coded else alive[:-1])]  # x_t to x_{t+1}
            gains = [batch.reward[s, b], *rewards[:K], last]
            bonuses = [0.0, *(-alpha[s, 0] * log_prob for log_prob in log_probs)]
            for t in range(K + 1):
                y = gains[t]
                for j in range(t + 1, K + 2):
                    y = y + gamma ** (j - t) * math.prod(onward[t:j]) * (gains[j] + bonuses[j])
                y = y * onward[t - 1] if as_coded and t > 0 else y  # the step into x_t
                torch.testing.assert_close(target[s, t, b], y.detach(), rtol=1e-10, atol=1e-10)
                w = torch.as_tensor(math.prod(onward[:t]), dtype=DOUBLE)
                torch.testing.assert_close(weight[s, t, b], w.detach(), rtol=1e-10, atol=1e-10)
                xu = [batch.xu[s, b], *pairs][t]
                for k in (0, 1):
                    total = total + w * (dense(nets[1].net, s, k, xu.detach())[0] - y.detach()) ** 2
        torch.testing.assert_close(loss[s], total.detach() / (B * (K + 1)), rtol=1e-10, atol=1e-10)
    assert not any(x.requires_grad for x in found)


@pytest.mark.parametrize("K", [1, 2, 4])
def test_the_first_td_k_target_is_the_plain_one_and_the_others_are_more(K):
    nets, batch, noise, alpha = networks(), made_batch(), random(2, K + 1, 4, 2, seed=4), torch.full((2, 1), 0.4)
    plain = plain_target(ExpansionNetworks(*nets), batch, noise, alpha.double(), weighting(), as_coded=False)
    found = td_k_targets(ExpansionNetworks(*nets), batch, noise, alpha.double(), 0.9, as_coded=False)
    torch.testing.assert_close(found.target[:, :4], plain, rtol=1e-12, atol=1e-12)
    assert torch.equal(found.xu[:, :4], batch.xu)
    assert found.xu.shape == (2, 4 * (K + 1), 5)
    assert torch.equal(found.xu[:, 4:8, :3], batch.next_x)


# --- by hand, and with an exact model -----------------------------------------------------------------------------


class ByHand:
    """x counts: u = 0, log pi = -1, -2, -3 at x = 1, 2, 3; rewards 2 and 4, survival 0.5 and 0.25, Q = 10."""

    def sample(self, x, noise):
        return torch.zeros_like(x), -x[..., 0]

    def smaller(self, xu):
        return torch.full_like(xu[..., 0], 10.0)

    def model(self, x, xu, h):
        return x + 1, h

    def heads(self, xu):
        x = xu[..., 0]
        alive = 0.5**x
        return torch.stack([2 * x, torch.log((1 - alive) / alive)], 1)[..., None]

    def targets(self, reward=1.0, terminal=0.0, as_coded=False):
        zero, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
        batch = ReplayBatch(zero, torch.zeros(1, 1, 2), torch.full((1, 1), reward), torch.full((1, 1), terminal), one)
        nets, noise = ExpansionNetworks(self, self, self.model, self.heads), torch.zeros(1, 3, 1, 1)
        found = td_k_targets(nets, batch, noise, torch.full((1, 1), 0.1), 0.9, as_coded=as_coded)
        return found.target[0].tolist(), found.weight[0].tolist(), found.xu[0, :, 0].tolist()


def test_targets_made_by_hand():
    y2 = 4 + 0.9 * 0.25 * (10 + 0.3)
    y1 = 2 + 0.9 * 0.5 * (y2 + 0.2)
    y0 = 1 + 0.9 * (y1 + 0.1)
    target, weight, x = ByHand().targets()
    assert target == pytest.approx([y0, y1, y2], rel=1e-6)
    assert weight == pytest.approx([1, 1, 0.5])
    assert x == [0, 1, 2]


def test_targets_as_coded_made_by_hand():
    """The survival of a state belongs to the step into it: 0.25 into x = 2, 0.125 into x = 3, and 0.5 nowhere.
    The last target is multiplied by that of the step into its own state. The others follow it without that factor."""
    y2 = 4 + 0.9 * 0.125 * (10 + 0.3)
    y1 = 2 + 0.9 * 0.25 * (y2 + 0.2)
    target, weight, _ = ByHand().targets(as_coded=True)
    assert target == pytest.approx([1 + 0.9 * (y1 + 0.1), y1, 0.25 * y2], rel=1e-6)
    assert weight == pytest.approx([1, 1, 0.25])


def test_nothing_follows_a_real_termination():
    target, weight, _ = ByHand().targets(reward=7.0, terminal=1.0)
    assert target[0] == 7
    assert weight == [1, 0, 0]


class Exact:
    """The point task as model and heads, an upright policy without noise, and a critic that is linear in the state."""

    gain = -0.7

    def sample(self, x, noise):
        return (self.gain * x[..., :2]).clamp(-1, 1) + noise, torch.zeros_like(x[..., 0])

    def model(self, x, xu, h):
        p = x[..., :2] + 0.3 * xu[..., 3:]
        return torch.cat([p, p.square().sum(-1, keepdim=True)], -1), h

    def heads(self, xu):
        after, _ = self.model(xu[..., :3], xu, None)
        over = after[..., 2] > 2.2**2
        return torch.stack([1 - after[..., 2], torch.where(over, 60.0, -60.0)], 1)[..., None]

    def smaller(self, xu):
        return 3 + 2 * xu[..., 0] - xu[..., 3]


def stepped(start, first, steps, gain):
    """Observations, actions, rewards and terminations of the task itself, from `start` with the action `first`."""
    simulations = Point(horizon=50).simulate([0], autoreset=False)
    simulations.p[:] = start
    simulations._observations = None
    rows, action, obs = [], np.asarray([first]), simulations._observe(simulations.p)
    for _ in range(steps):
        outcome = simulations.step(action)
        rows.append((obs[0], action[0], outcome.reward[0], outcome.terminated[0]))
        obs = outcome.final_observation
        action = np.clip(gain * obs[:, :2], -1, 1)
        if outcome.terminated[0]:
            break
    return rows, obs[0], action[0]


@pytest.mark.parametrize("K", [1, 2, 5])
@pytest.mark.parametrize("gain", [-0.7, 2.0])
def test_with_an_exact_model_and_no_noise_the_targets_are_the_returns_of_the_task(K, gain):
    """The sum of K + 1 rewards and the critic, from each state on; with gain 2 the point leaves and episodes end."""
    exact, gamma = Exact(), 0.9
    exact.gain = gain
    nets = ExpansionNetworks(exact, exact, exact.model, exact.heads)
    ended = 0
    for start, first in (((1.2, 0.3), (0.5, -1.0)), ((-0.4, 1.6), (0.0, 0.9)), ((1.9, 1.0), (1.0, 1.0))):
        rows, last_obs, last_action = stepped(start, first, K + 1, gain)
        obs, action, reward, terminal = rows[0]
        next_obs = rows[1][0] if len(rows) > 1 else last_obs
        x, u, after = (torch.as_tensor(v)[None, None] for v in (obs, np.asarray(action, float), next_obs))
        r, d = (torch.full((1, 1), float(v), dtype=DOUBLE) for v in (reward, terminal))
        batch = ReplayBatch(x, torch.cat([x, u], -1), r, d, after)
        no_noise, no_alpha = torch.zeros(1, K + 1, 1, 2, dtype=DOUBLE), torch.zeros(1, 1, dtype=DOUBLE)
        found = td_k_targets(nets, batch, no_noise, no_alpha, gamma, as_coded=False)
        over = rows[-1][3]
        ended += over
        tail = 0.0 if over else 3 + 2 * last_obs[0] - last_action[0]
        assert over or len(rows) == K + 1
        for t in range(len(rows)):
            y = sum(gamma**j * row[2] for j, row in enumerate(rows[t:])) + gamma ** (len(rows) - t) * tail
            assert found.target[0, t].item() == pytest.approx(y, rel=1e-9)
            assert found.weight[0, t].item() == pytest.approx(1)
        assert found.weight[0, len(rows) :].tolist() == pytest.approx([0] * (K + 1 - len(rows)), abs=1e-12)
        plain = plain_target(nets, batch, no_noise, no_alpha, Weighting(gamma, False, True), as_coded=False)
        assert plain.item() == pytest.approx(found.target[0, 0].item(), rel=1e-12)
    assert ended >= (1 if gain < 0 else 2)


def test_a_shorter_expansion_is_the_start_of_a_longer_one():
    """Where the critic is exact, the depth does not matter: here it knows the reward to come, 5, and nothing else."""

    class Certain(ByHand):
        def heads(self, xu):
            return torch.stack([torch.full_like(xu[..., 0], 1.0), torch.full_like(xu[..., 0], -60.0)], 1)[..., None]

    certain, batch = (
        Certain(),
        ReplayBatch(*(torch.zeros(1, 1, 1), torch.zeros(1, 1, 2)), *[torch.ones(1, 1)] * 2, torch.ones(1, 1, 1)),
    )
    batch = batch._replace(terminal=torch.zeros(1, 1))
    nets = ExpansionNetworks(certain, certain, certain.model, certain.heads)  # Q = 10 = 1 / (1 - 0.9)
    for K in (1, 2, 6):
        found = td_k_targets(nets, batch, torch.zeros(1, K + 1, 1, 1), torch.zeros(1, 1), 0.9, as_coded=False)
        assert found.target[0].tolist() == pytest.approx([10.0] * (K + 1), rel=1e-6)
    sacs = soft_target(certain, certain, torch.zeros(1, 1), batch, torch.zeros(1, 1, 1), 0.9)
    assert sacs.item() == pytest.approx(10.0)
