"""The closed forms against numbers computed elsewhere, finite differences, simulation and autodiff."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from svgbench.tasks.maac import double_integrator
from svgbench.tasks.maac import linear_quadratic as lqr

START = np.ones((2, 2))  # E s0 s0' at s0 = (1, 1)
POLICIES = [(0.99, (0.5, 0.5)), (0.99, (0.95, 1.66)), (0.9, (0.0, 0.0)), (0.9, (0.5, 0.5))]
SIGMA = 0.7


def problem(gamma, gain=(0.5, 0.5), sigma=SIGMA, horizon=25):
    task = double_integrator.make_double_integrator(gamma=gamma, gain=gain, sigma=sigma, horizon=horizon)
    return task, task.lq, task.gain


@pytest.mark.parametrize(
    ("gamma", "P", "gain", "J"),
    [
        (1.0, [[35.65184, 20.88505], [20.88505, 36.18527]], (0.957623, 1.707051), -56.80360),
        (0.99, [[30.17561, 17.54161], [17.54161, 32.24128]], (0.804142, 1.518210), -48.75006),
        (0.9, [[9.74497, 3.59243], [3.59243, 10.98792]], (0.157759, 0.490415), -13.95888),
    ],
)
def test_the_best_gain_is_the_reference(gamma, P, gain, J):
    _, lq, _ = problem(gamma)
    best, best_P = lqr.optimal_gain(lq)
    np.testing.assert_allclose(best_P, P, atol=6e-6)
    np.testing.assert_allclose(best[0], gain, atol=6e-7)
    np.testing.assert_allclose(lqr.value_matrix(lq, best), best_P, rtol=1e-9)
    assert lqr.expected_return(lq, best, 0.0, START) == pytest.approx(J, abs=6e-6)
    np.testing.assert_allclose(lqr.return_gradient(lq, best, 0.0, START), 0, atol=1e-8)


@pytest.mark.parametrize(
    ("gamma", "gain", "J", "gradient"),
    [
        (0.99, (0.5, 0.5), -63.1300, (25.3917, 41.2920)),
        (0.99, (0.95, 1.66), -49.2105, (-5.4179, -0.4736)),
        (0.9, (0.0, 0.0), -16.6375, (14.1744, 9.46125)),
        (0.9, (0.5, 0.5), -14.9597, (-5.4409, -2.2901)),
    ],
)
def test_return_and_gradient_without_noise_are_the_references(gamma, gain, J, gradient):
    _, lq, k = problem(gamma, gain)
    for sigma in (0.0, 1e-6):
        assert lqr.expected_return(lq, k, sigma, START) == pytest.approx(J, abs=6e-5)
        np.testing.assert_allclose(lqr.return_gradient(lq, k, sigma, START)[0], gradient, atol=6e-5)


@pytest.mark.parametrize(("gamma", "gain"), POLICIES)
def test_return_gradient_is_the_finite_difference(gamma, gain):
    _, lq, k = problem(gamma, gain)
    rng = np.random.default_rng(0)
    states = rng.normal(size=(9, 2))
    moments = np.stack([START, states.T @ states / 9])
    gradient = lqr.return_gradient(lq, k, SIGMA, moments)
    for i in range(2):
        h = 1e-5 * np.eye(2)[i]
        up = lqr.expected_return(lq, k + h, SIGMA, moments)
        down = lqr.expected_return(lq, k - h, SIGMA, moments)
        np.testing.assert_allclose(gradient[:, 0, i], (up - down) / 2e-5, rtol=1e-6, atol=1e-6)
    assert np.abs(gradient - lqr.return_gradient(lq, k, 0.0, moments)).max() > 0.005  # sigma is part of it


def h_step_objective(lq, rolled, held, sigma, horizon):
    """E of H rewards under the gain `rolled`, then the action value of the gain `held`; by moments of (s, a)."""
    W, constant = lqr.action_value_matrix(lq, held), lqr.value_constant(lq, held, sigma)
    to_xa = np.vstack([np.eye(2), -rolled])
    step = np.hstack([lq.A, lq.B])
    cost = np.diag([1.0, 1.0, 1.0])
    moment, total = START, 0.0
    for t in range(horizon + 1):
        joint = to_xa @ moment @ to_xa.T + np.diag([0, 0, sigma**2])
        weight = cost if t < horizon else W
        total -= 0.5 * lq.gamma**t * np.trace(weight @ joint)
        moment = step @ joint @ step.T
    return total - 0.5 * lq.gamma ** (horizon + 1) * constant


@pytest.mark.parametrize(("gamma", "gain"), POLICIES)
@pytest.mark.parametrize("horizon", [0, 1, 3, 20])
def test_objective_gradient_is_the_finite_difference_with_q_held(gamma, gain, horizon):
    _, lq, k = problem(gamma, gain)
    # under its own Q the objective is the return, at any horizon
    assert h_step_objective(lq, k, k, SIGMA, horizon) == pytest.approx(
        lqr.expected_return(lq, k, SIGMA, START), rel=1e-12
    )
    gradient = lqr.objective_gradient(lq, k, SIGMA, START, horizon)
    for i in range(2):
        h = 1e-5 * np.eye(2)[i]
        up = h_step_objective(lq, k + h, k, SIGMA, horizon)
        down = h_step_objective(lq, k - h, k, SIGMA, horizon)
        assert gradient[0, i] == pytest.approx((up - down) / 2e-5, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("gamma", "gain"), POLICIES)
def test_objective_gradient_becomes_the_return_gradient(gamma, gain):
    _, lq, k = problem(gamma, gain)
    exact = lqr.return_gradient(lq, k, SIGMA, START)
    gaps = [np.abs(lqr.objective_gradient(lq, k, SIGMA, START, H) - exact).sum() for H in (20, 200, 3000)]
    assert gaps[0] > 10 * gaps[1] > 10 * gaps[2]
    assert gaps[2] < 1e-8


def test_value_and_action_value_agree_with_simulation():
    task, lq, k = problem(0.9)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(5_000, 200, 1, generator=generator, dtype=torch.float64)
    s = torch.ones(5_000, 2, dtype=torch.float64)
    first = torch.full((5_000, 1), 0.4, dtype=torch.float64)
    returns = torch.zeros(2, 5_000, dtype=torch.float64)  # on policy; with the first action 0.4
    for row, forced in enumerate((None, first)):
        state = s
        for t in range(200):
            a = task.act(state, noise[:, t]) if t or forced is None else forced
            returns[row] += 0.9**t * task.reward_function(state, a)
            state = task.step(state, a)
    error = returns.std(1) / 5_000**0.5
    x = np.array([1.0, 1.0, 0.4])
    constant = lqr.value_constant(lq, k, SIGMA)
    exact = [
        lqr.expected_return(lq, k, SIGMA, START),
        -0.5 * (x @ lqr.action_value_matrix(lq, k) @ x + 0.9 * constant),
    ]
    assert error.max() < 0.06
    for row in range(2):
        assert abs(float(returns[row].mean()) - exact[row]) < 4 * float(error[row])


@pytest.mark.parametrize(("gamma", "gain"), POLICIES)
def test_autodiff_through_a_long_rollout_gives_the_return_gradient(gamma, gain):
    task, lq, k = problem(gamma, gain, sigma=0.0)
    gain_tensor = torch.tensor(k, requires_grad=True)
    s = torch.ones(2, dtype=torch.float64)
    total = torch.zeros((), dtype=torch.float64)
    for t in range(4000 if gamma > 0.9 else 700):
        a = -gain_tensor @ s
        total = total + gamma**t * task.reward_function(s, a)
        s = task.step(s, a)
    total.backward()
    np.testing.assert_allclose(gain_tensor.grad, lqr.return_gradient(lq, k, 0.0, START), rtol=1e-9)


def test_an_infinite_cost_is_refused():
    _, lq, k = problem(0.99)
    with pytest.raises(ValueError, match="infinite"):
        lqr.value_matrix(replace(lq, gamma=1.0), 0 * k)
    with pytest.raises(ValueError, match="expected 2"):
        double_integrator.make_double_integrator(gamma=0.9, gain=(1.0,), sigma=0.1, horizon=25)
