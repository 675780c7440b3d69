"""REINFORCE: its gradient on the linear-quadratic problem, against autograd, and its baseline by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from regulator import Regulator
from svg_kit import SmoothRegulator, learner

from svgbench.baselines.value_gradients.reinforce import Comparison
from svgbench.simulate.episodes import Episodes
from svgbench.tasks.maac.linear_quadratic import return_gradient

GAIN, SIGMA, GAMMA = np.array([[0.8, 1.0]]), 0.5, 0.8
LQ = Regulator(gamma=GAMMA).lq


def tensor(array):
    return torch.from_numpy(np.asarray(array, dtype=np.float64))


def rollouts(T, N):
    """Episodes [1, T, N] of the policy a = -k s + sigma eta on the regulator; the start's covariance is I exactly."""
    draw = torch.Generator().manual_seed(0)
    axes = 2**0.5 * torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]], dtype=torch.float64)
    s, steps = axes.repeat(N // 4, 1), []
    for _ in range(T):
        a = -s @ tensor(GAIN.T) + SIGMA * torch.randn(N, 1, dtype=torch.float64, generator=draw)
        next_s = s @ tensor(LQ.A.T) + a @ tensor(LQ.B.T)
        r = -0.5 * (s.square().sum(-1) + a.square().sum(-1))
        steps.append((s, a, r, next_s - s))
        s = next_s
    s, a, r, change = (torch.stack(x)[None] for x in zip(*steps, strict=True))
    on = torch.ones(1, T, N, dtype=torch.bool)
    last = (torch.arange(T) == T - 1)[None, :, None].expand(1, T, N)
    return Episodes(s=s, a=a, r=r, change=change, next_a=a, valid=on, ended=last, terminated=~on)


@pytest.mark.parametrize("baseline", [0.0, -3.0])
def test_the_gradient_is_the_analytic_one_on_average_whatever_the_baseline(baseline):
    """Within four standard errors; with the score of a sigma twice as large it would be off by ten."""
    T, N = 40, 20_000
    episodes = rollouts(T, N)
    agent = learner("reinforce", [0], task=SmoothRegulator(), gamma=GAMMA, dtype="float64", policy_std=SIGMA).agent
    agent.comparison = Comparison(1, T, 0.1, "cpu")
    agent.comparison.value += baseline
    agent.comparison.known[:] = True
    mean = -(episodes.s @ tensor(GAIN.T)).flatten(1, 2)
    u = N * agent.direction(episodes, mean)  # per episode
    samples = -(u * episodes.s).sum(1)[0].unflatten(0, (-1, 4)).mean(1)  # d(-k s)/dk; four starts are one sample
    error = samples.std(0) / len(samples) ** 0.5
    exact = tensor(return_gradient(LQ, GAIN, SIGMA, np.eye(2))[0])
    assert ((samples.mean(0) - exact).abs() < 4 * error).all()
    assert ((samples.mean(0) / 4 - exact).abs() > 10 * error).any()


def test_an_update_is_the_slope_of_the_log_probabilities_times_advantages():
    one = learner("reinforce", dtype="float64", episodes=80, max_grad_norm=1e9)
    while one.episode < 4 or one.latest is None or one.latest.valid.all():  # until an episode ends early
        one.advance()
    agent, policy, episodes = one.agent, one.agent.policy, one.latest
    A = agent.comparison.advantages(agent.returns(episodes), episodes.valid)
    discount = 0.9 ** torch.arange(A.shape[1], dtype=torch.float64)[:, None]
    theta, seen = policy.theta.clone().requires_grad_(True), []
    mean = policy.net(theta, policy.statistics.normalise(episodes.s.flatten(1, 2)))
    log_p = policy.log_prob(mean, episodes.a.flatten(1, 2)).view_as(A)
    gain = torch.where(episodes.valid, log_p * A * discount, 0.0)
    (expected,) = torch.autograd.grad(gain.sum() / A.shape[2], theta)
    step = policy.adam.step
    policy.adam.step = lambda active: (seen.append(policy.adam.grad.clone()), step(active))
    one.advance()
    torch.testing.assert_close(-seen[0], expected, rtol=1e-9, atol=1e-11)
    assert expected.abs().amax(1).min() > 0


def test_the_baseline_averages_earlier_returns_and_new_times_teach_nothing():
    """By hand: two rounds of two episodes; in the first one episode has a second step, in the next both have."""
    b = Comparison(1, 3, 0.25, "cpu")
    first, on = torch.tensor([[[4.0, 8.0], [2.0, 0.0]]]), torch.tensor([[[True, True], [True, False]]])
    assert not b.advantages(first, on).any()
    b.update(first, on)
    assert b.value.tolist() == [[6.0, 2.0, 0.0]]
    assert b.known.tolist() == [[True, True, False]]
    longer = torch.tensor([[[10.0, 2.0], [6.0, 6.0], [1.0, 1.0]]])
    every = torch.ones(1, 3, 2, dtype=torch.bool)
    assert b.advantages(longer, every).tolist() == [[[4.0, -4.0], [4.0, 4.0], [0.0, 0.0]]]
    b.update(longer, every)
    assert b.value.tolist() == [[6.0, 3.0, 1.0]]
    kept = Comparison(1, 3, 0.25, "cpu")
    kept.load_state_dict(b.state_dict())
    assert kept.advantages(longer, every).equal(b.advantages(longer, every))


def test_a_return_ends_with_its_episode():
    """A time limit cut it or it terminated: nothing follows."""
    one = learner("reinforce", gamma=0.5, dtype="float64", episodes=4)
    while one.latest is None:
        one.advance()
    G, r = one.agent.returns(one.latest), one.latest.r
    last = one.latest.ended
    assert torch.equal(G[last], r[last])
    before = ~last[:, :-1] & one.latest.valid[:, :-1]
    torch.testing.assert_close(G[:, :-1][before], (r[:, :-1] + 0.5 * G[:, 1:])[before])
