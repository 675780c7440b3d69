"""Returns, eq. (26) and the baseline in time, against loops and closed forms, with ends in the middle."""

from __future__ import annotations

import pytest
import torch

from svgbench.baselines.on_policy import reward_weighted_regression
from svgbench.nn.returns import discounted_sums, divided_by_deviation, generalized_advantages, time_means

S, T, N = 2, 9, 3


def paths(seed=0):
    """Rewards, values, ends (one of them in the middle, by a time limit) and tails [S, T, N]."""
    torch.manual_seed(seed)
    reward, value = torch.randn(2, S, T, N, dtype=torch.float64)
    ended = torch.zeros(S, T, N, dtype=torch.bool)
    ended[:, -1] = True
    ended[0, 3, 1] = ended[1, 5, 0] = ended[1, 6, 0] = True
    terminated = torch.zeros_like(ended)
    terminated[1, 5, 0] = True
    tail = torch.where(ended & ~terminated, torch.randn(S, T, N, dtype=torch.float64), 0.0)
    return reward, value, ended, tail


def pieces(ended):
    """(s, n, first step, last step) of every path."""
    for s in range(S):
        for n in range(N):
            first = 0
            for t in range(T):
                if ended[s, t, n]:
                    yield s, n, first, t
                    first = t + 1


@pytest.mark.parametrize(("gamma", "lam"), [(0.9, 0.7), (1.0, 1.0), (0.95, 0.0), (0.9, 1.0)])
def test_advantages_are_the_sums_of_eq_26(gamma, lam):
    reward, value, ended, tail = paths()
    found = generalized_advantages(reward, value, ended, tail, gamma, lam)
    for s, n, first, last in pieces(ended):
        v = [*value[s, first : last + 1, n].tolist(), float(tail[s, last, n])]
        r = reward[s, first : last + 1, n].tolist()
        delta = [r[i] + gamma * v[i + 1] - v[i] for i in range(len(r))]
        for i in range(len(r)):
            expected = sum((gamma * lam) ** k * delta[i + k] for k in range(len(r) - i))
            assert float(found[s, first + i, n]) == pytest.approx(expected, abs=1e-12)


def test_lambda_zero_is_the_residual_and_lambda_one_the_return_less_the_value():
    """Eq. (27) and (28), across a truncation and a termination in the middle."""
    reward, value, ended, tail = paths()
    following = torch.cat([value[:, 1:], value[:, :1]], 1)
    residual = reward + 0.9 * torch.where(ended, tail, following) - value
    torch.testing.assert_close(generalized_advantages(reward, value, ended, tail, 0.9, 0.0), residual)
    returns = discounted_sums(reward, ended, tail, 0.9)
    torch.testing.assert_close(generalized_advantages(reward, value, ended, tail, 0.9, 1.0), returns - value)
    assert returns[0, 3, 1] == reward[0, 3, 1] + 0.9 * tail[0, 3, 1]  # the truncation
    assert returns[1, 5, 0] == reward[1, 5, 0]  # the termination
    assert returns[0, 2, 1] == pytest.approx(float(reward[0, 2, 1] + 0.9 * returns[0, 3, 1]))


def test_a_constant_reward_has_the_geometric_sum():
    reward = torch.ones(1, 50, 1, dtype=torch.float64)
    ended = torch.zeros(1, 50, 1, dtype=torch.bool)
    ended[0, -1] = True
    infinite = torch.full((1, 50, 1), 1 / (1 - 0.9), dtype=torch.float64)
    torch.testing.assert_close(discounted_sums(reward, ended, infinite, 0.9), infinite)
    zero = discounted_sums(reward, ended, torch.zeros_like(reward), 0.9)
    assert float(zero[0, 0, 0]) == pytest.approx((1 - 0.9**50) / 0.1)


def test_a_time_s_mean_is_over_the_paths_that_reach_it_while_there_are_enough():
    """Seven paths of 2, 3, 4, 4, 6, 6 and 7 steps: from step 4 on fewer than five are left."""
    lengths = [2, 3, 4, 4, 6, 6, 7]
    torch.manual_seed(1)
    x = torch.randn(1, 7, 7, dtype=torch.float64)
    used = torch.arange(7)[:, None] < torch.tensor(lengths)[None]
    elapsed = torch.arange(7, dtype=torch.int32)[:, None].expand(7, 7)
    found = time_means(x, elapsed[None], used[None])
    mean = [x[0, t, used[t]].mean() for t in range(7)]
    expected = [*mean[:4], mean[3], mean[3], mean[3]]
    for t in range(7):
        torch.testing.assert_close(found[0, t], expected[t].expand(7))


def test_few_paths_are_enough_if_there_are_no_more_and_each_seed_counts_its_own():
    x = torch.tensor([[[1.0, 3.0], [5.0, 9.0]], [[2.0, 2.0], [8.0, 6.0]]])  # [S, T, N]
    elapsed = torch.tensor([[0, 0], [1, 1]]).expand(2, 2, 2)
    used = torch.ones(2, 2, 2, dtype=torch.bool)
    used[1, 1, 1] = False
    found = time_means(x, elapsed, used)
    assert found[0].tolist() == [[2.0, 2.0], [7.0, 7.0]]
    assert found[1].tolist() == [[2.0, 2.0], [2.0, 2.0]]  # one path of two is left


def test_paths_that_follow_one_another_share_their_times():
    x = torch.tensor([1.0, 2.0, 5.0, 6.0]).view(1, 4, 1)
    elapsed = torch.tensor([0, 1, 0, 1]).view(1, 4, 1)
    found = time_means(x, elapsed, torch.ones(1, 4, 1, dtype=torch.bool))
    assert found.flatten().tolist() == [3.0, 4.0, 3.0, 4.0]


def test_division_by_the_deviation_of_what_is_used():
    torch.manual_seed(2)
    x = 7 + 3 * torch.randn(2, 50, 4, dtype=torch.float64)
    used = torch.rand(2, 50, 4) < 0.5
    x[~used] = 1e9
    found = divided_by_deviation(x, used)
    for s in range(2):
        torch.testing.assert_close(found[s][used[s]], x[s][used[s]] / x[s][used[s]].std(correction=0))
    constant = torch.ones(1, 5, 2)
    assert torch.equal(divided_by_deviation(constant, constant > 0), constant)


def test_what_varies_by_rounding_only_is_not_divided():
    """Otherwise equal advantages, or returns of equal paths, would become noise of size one."""
    noise = 1e-9 * torch.randn(1, 5, 2, dtype=torch.float64)
    alike = 3.0 + noise
    assert torch.equal(divided_by_deviation(alike, alike > 0), alike)
    returns = torch.stack([7.0 + 1e-9 * torch.randn(6, dtype=torch.float64), torch.arange(6.0).double()])
    config = reward_weighted_regression.Config(weighting="exponential")
    found = reward_weighted_regression.weights(config, returns)
    torch.testing.assert_close(found[0], torch.ones(6, dtype=torch.float64), rtol=1e-8, atol=0)
    assert found[1, 0] < 0.1 < found[1, -1] == 1
