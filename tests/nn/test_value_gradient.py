"""The recursions (9) and (10): finite differences, unrolled graphs, noise, ends, and the linear-quadratic answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from svg_world import A, Bowl, D, S, model, policy, statistics

from svgbench.baselines.value_gradients import _recursion as value_gradient
from svgbench.baselines.value_gradients._policy import FixedStdPolicy
from svgbench.baselines.value_gradients._recursion import Derivatives, backward, derivatives_at, reward_slopes
from svgbench.memory.statistics import StateStatistics
from svgbench.nn.streams import Streams
from svgbench.tasks.maac.double_integrator import DoubleIntegrator
from svgbench.tasks.maac.linear_quadratic import return_gradient

N, T, GAMMA = 2, 12, 0.95


def noises(seed=0):
    """Start, action noise and state noise of N paths."""
    torch.manual_seed(seed)
    shapes = [(S, N, D), (S, T, N, A), (S, T, N, D)]
    return [scale * torch.randn(shape, dtype=torch.float64) for scale, shape in zip((1, 1, 0.1), shapes, strict=True)]


def path(pi, f, start, eta, xi, theta=None):
    """s [S, T + 1, N, D] and a [S, T, N, A] in the model f, with noises that are given."""
    theta = pi.theta if theta is None else theta
    s, states, actions = start, [start], []
    for t in range(T):
        a = pi.net(theta, pi.statistics.normalise(s)) + pi.std * eta[:, t]
        s = s + f.mean_change(s, a) + xi[:, t]
        states.append(s)
        actions.append(a)
    return torch.stack(states, 1), torch.stack(actions, 1)


def returns(s, a):
    """The discounted return of each seed's paths, summed, [S]."""
    reward = Bowl().reward_function(s[:, :T], a)
    return (reward * GAMMA ** torch.arange(T, dtype=torch.float64)[:, None]).sum((1, 2))


def slope(pi, at, s, a, valid=None, tail=None):
    """v_theta at time 0, summed over paths, [S, P]."""
    s = s[:, :T]
    valid = torch.ones(S, T, N, dtype=torch.bool) if valid is None else valid
    u = backward(at, s, a, valid, torch.zeros_like(s) if tail is None else tail, GAMMA)
    return pi.net.vjp(pi.record(s.flatten(1, 2)), u.flatten(1, 2))


@pytest.fixture
def world():
    known = statistics()
    return policy(known), model(known)


def test_it_is_the_finite_difference_of_the_realised_return_at_frozen_noise(world):
    """The model is the environment, and neither is linear."""
    pi, f = world
    frozen = noises()
    v_theta = slope(pi, derivatives_at(Bowl(), pi, f), *path(pi, f, *frozen))
    for seed in range(5):
        way = torch.randn(pi.theta.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        up, down = (returns(*path(pi, f, *frozen, pi.theta + h * way)) for h in (1e-5, -1e-5))
        torch.testing.assert_close((v_theta * way).sum(1), (up - down) / 2e-5, rtol=1e-6, atol=1e-6)


def real_path(pi, f):
    """A path of another environment, with its own noise."""
    return path(pi, model(statistics(), seeds=[4, 9], hidden=(7,)), *noises(1))


def test_noise_inferred_reproduces_the_path_and_the_gradient_is_that_of_the_unrolled_graph(world):
    """Algorithm 1, line 11; and with the model's noise put to zero the gradient is another one."""
    pi, f = world
    s, a = real_path(pi, f)
    flat_s, flat_a = s[:, :T].flatten(1, 2), a.flatten(1, 2)
    eta = pi.noise(pi.mean(flat_s), flat_a).view(a.shape)
    xi = s.diff(dim=1) - f.mean_change(flat_s, flat_a).view(S, T, N, D)
    assert xi.abs().mean() > 0.1, "the model is wrong"
    theta = pi.theta.clone().requires_grad_(True)
    again_s, again_a = path(pi, f, s[:, 0], eta, xi, theta)
    torch.testing.assert_close(again_s, s, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(again_a, a, rtol=1e-13, atol=1e-13)
    (unrolled,) = torch.autograd.grad(returns(again_s, again_a).sum(), theta)
    at = derivatives_at(Bowl(), pi, f)
    torch.testing.assert_close(slope(pi, at, s, a), unrolled, rtol=1e-10, atol=1e-10)
    silent = slope(pi, at, *path(pi, f, s[:, 0], eta, 0 * xi))
    assert ((silent - unrolled).norm(dim=1) > 0.1 * unrolled.norm(dim=1)).all()


def test_noise_matters_to_the_slopes_where_its_spread_depends_on_the_state(world):
    """pi_s = mu_s + spread_s eta, of a policy that only this test has."""
    pi, f = world
    s, a = real_path(pi, f)
    way = torch.tensor([[1.0, -0.5], [0.3, 1.0], [-1.0, 0.5]], dtype=torch.float64)

    def spread(s):
        return 0.2 + torch.sigmoid(s @ way)

    flat_s, flat_a = s[:, :T].flatten(1, 2), a.flatten(1, 2)
    eta = (flat_a - pi.mean(flat_s)) / spread(flat_s)

    def at_with(eta):
        def at(s, a):
            (by_s,) = torch.func.jacrev(lambda s: (pi.mean(s) + spread(s) * eta).sum(1), argnums=(0,))(s)
            pi_s = by_s.diagonal(dim1=0, dim2=2).permute(3, 1, 0, 2)  # [S, B, A, D]
            return Derivatives(*reward_slopes(Bowl(), s, a), pi_s, *f.jacobians(s, a))

        return at

    theta = pi.theta.clone().requires_grad_(True)
    xi = s.diff(dim=1) - f.mean_change(flat_s, flat_a).view(S, T, N, D)
    now, states, actions = s[:, 0], [], []
    for t in range(T):
        states.append(now)
        here = eta.view(a.shape)[:, t]
        actions.append(pi.net(theta, pi.statistics.normalise(now)) + spread(now) * here)
        now = now + f.mean_change(now, actions[-1]) + xi[:, t]
    (unrolled,) = torch.autograd.grad(returns(torch.stack(states, 1), torch.stack(actions, 1)).sum(), theta)
    torch.testing.assert_close(slope(pi, at_with(eta), s, a), unrolled, rtol=1e-9, atol=1e-9)
    without = slope(pi, at_with(0 * eta), s, a)
    assert ((without - unrolled).norm(dim=1) > 1e-4 * unrolled.norm(dim=1)).all(), "the agreement above is to 1e-9"


def test_a_path_that_ends_early_counts_up_to_its_end(world):
    """Numbers after the end do not matter; a value after the end enters at the path's last step."""
    pi, f = world
    at = derivatives_at(Bowl(), pi, f)
    s, a = real_path(pi, f)
    valid = torch.ones(S, T, N, dtype=torch.bool)
    valid[0, 5:, 1] = False
    broken_s, broken_a = (torch.where(valid[..., None], x[:, :T], torch.nan) for x in (s, a))
    u = backward(at, broken_s, broken_a, valid, torch.zeros_like(broken_s), GAMMA)
    assert not u[0, 5:, 1].any()
    whole = backward(at, s[:, :T], a, torch.ones_like(valid), torch.zeros_like(broken_s), GAMMA)
    torch.testing.assert_close(u[1], whole[1], rtol=1e-12, atol=1e-14)
    short = backward(at, s[:, :5], a[:, :5], valid[:, :5], torch.zeros_like(s[:, :5]), GAMMA)
    torch.testing.assert_close(u[0, :5, 1], short[0, :, 1], rtol=1e-12, atol=1e-14)
    r_a = reward_slopes(Bowl(), s[:, 4], a[:, 4])[1]
    torch.testing.assert_close(u[0, 4, 1], GAMMA**4 * r_a[0, 1])  # footnote 3
    tail = torch.zeros_like(broken_s)
    tail[0, 4, 1] = 1.0
    with_tail = backward(at, broken_s, broken_a, valid, tail, GAMMA)
    f_a = f.jacobians(s[:, 4], a[:, 4])[1][0, 1]
    torch.testing.assert_close(with_tail[0, 4, 1], GAMMA**4 * (r_a[0, 1] + GAMMA * f_a.sum(0)))
    assert (with_tail[0, :5, 1] != u[0, :5, 1]).all()


def test_pieces_of_time_make_no_difference(world, monkeypatch):
    pi, f = world
    at, (s, a) = derivatives_at(Bowl(), pi, f), real_path(pi, f)
    valid = torch.ones(S, T, N, dtype=torch.bool)
    whole = backward(at, s[:, :T], a, valid, torch.zeros_like(s[:, :T]), GAMMA)
    monkeypatch.setattr(value_gradient, "PIECE", 5 * S * N * D * D)
    torch.testing.assert_close(
        backward(at, s[:, :T], a, valid, torch.zeros_like(s[:, :T]), GAMMA), whole, rtol=1e-12, atol=1e-14
    )


class Exact:
    """The jacobians of a linear system."""

    def __init__(self, lq):
        self.A, self.B = torch.from_numpy(lq.A), torch.from_numpy(lq.B)

    def jacobians(self, s, a):
        return self.A.expand(*s.shape[:2], -1, -1), self.B.expand(*s.shape[:2], -1, -1)


def linear_paths(task, T, N):
    """Paths s [1, T, N, 2] and a [1, T, N, 1] of the task's policy in pairs of opposite noise, and that policy."""
    torch.manual_seed(0)
    noise = torch.randn(T, N // 2, 1, dtype=torch.float64)
    noise = torch.cat([noise, -noise], 1)
    s, states, actions = torch.from_numpy(task.start).expand(N, 2), [], []
    for t in range(T):
        states.append(s)
        actions.append(task.act(s, noise[t]))
        s = task.step(s, actions[-1])
    known = StateStatistics(1, 2, 1, torch.float64, "cpu")
    pi = FixedStdPolicy(Streams([0], "policy"), known, [2, 1], 1.0, 1e-3, 1e9, torch.float64, "cpu")
    pi.theta[0, :2] = -torch.from_numpy(task.gain[0])
    return torch.stack(states)[None], torch.stack(actions)[None], pi


def gain_slopes(task, s, a, pi):
    """Derivatives of the discounted return by the gain, path by path, [N, 2]."""

    class Rewards:
        reward_function = staticmethod(task.reward_function)

    at = derivatives_at(Rewards, pi, Exact(task.lq))
    u = backward(at, s, a, torch.ones(s.shape[:3], dtype=torch.bool), torch.zeros_like(s), task.gamma)
    return -(u * s).sum(1)[0]  # pi = -k s


@pytest.mark.parametrize(
    ("gamma", "gain", "printed"),
    [
        (0.99, (0.5, 0.5), (25.3917, 41.2920)),
        (0.99, (0.95, 1.66), (-5.4179, -0.4736)),
        (0.9, (0.0, 0.0), (14.1744, 9.46125)),
        (0.9, (0.5, 0.5), (-5.4409, -2.2901)),
    ],
)
def test_it_is_the_analytic_gradient_of_the_double_integrator(gamma, gain, printed):
    task = DoubleIntegrator(gamma, gain, 0.0, 1)
    s, a, pi = linear_paths(task, 2500, 2)
    found = gain_slopes(task, s, a, pi)[0].numpy()
    exact = return_gradient(task.lq, task.gain, 0.0, np.outer(task.start, task.start))[0]
    np.testing.assert_allclose(found, exact, rtol=1e-8)
    np.testing.assert_allclose(found, printed, rtol=0, atol=1e-4)


def test_and_with_noise_it_is_so_on_average():
    """Within four standard errors. A discount that is off by one step would shift it by fifteen."""
    task = DoubleIntegrator(0.9, (0.5, 0.5), 0.5, 1)
    s, a, pi = linear_paths(task, 150, 600)
    found = gain_slopes(task, s, a, pi).unflatten(0, (2, -1)).mean(0)  # pairs
    error = found.std(0) / len(found) ** 0.5
    exact = torch.from_numpy(return_gradient(task.lq, task.gain, 0.5, np.outer(task.start, task.start))[0])
    assert ((found.mean(0) - exact).abs() < 4 * error).all()
    assert (0.1 * exact.abs() > 15 * error).all()
