"""Conjugate gradients, step lengths and line searches, seed by seed."""

from __future__ import annotations

import math

import pytest
import torch

from svgbench.nn.trust_region import conjugate_gradients, line_search, max_step, whole_step

S, P = 4, 6


def problems(seed=0):
    """Positive definite A [S, P, P], of condition up to 1e3, and b [S, P]."""
    torch.manual_seed(seed)
    q = torch.linalg.qr(torch.randn(S, P, P, dtype=torch.float64)).Q
    spectrum = torch.logspace(0, 3, P, dtype=torch.float64) / torch.logspace(0, 2, S, dtype=torch.float64)[:, None]
    return q @ torch.diag_embed(spectrum) @ q.mT, torch.randn(S, P, dtype=torch.float64)


def product(A):
    return lambda v: (A @ v.unsqueeze(-1)).squeeze(-1)


def test_as_many_steps_as_parameters_solve_the_system():
    A, b = problems()
    x = conjugate_gradients(product(A), b, P, tolerance=0.0)
    torch.testing.assert_close(x, torch.linalg.solve(A, b), rtol=1e-7, atol=1e-9)


def test_fewer_steps_give_what_each_seed_gets_alone():
    A, b = problems()
    for k in (1, 3, 20):
        x = conjugate_gradients(product(A), b, k)
        for s in range(S):
            alone = conjugate_gradients(product(A[s : s + 1]), b[s : s + 1], k)
            torch.testing.assert_close(x[s : s + 1], alone, rtol=1e-9, atol=1e-12)
    first = (b * b).sum(1) / (b * product(A)(b)).sum(1)  # steepest descent
    torch.testing.assert_close(conjugate_gradients(product(A), b, 1), first[:, None] * b)


def test_a_seed_that_has_arrived_waits_and_one_without_curvature_stops():
    A, b = problems()
    b[0] = 0.0
    A[1] = torch.eye(P)  # one step does it, and the next would divide by zero
    A[2] = 0.0
    x = conjugate_gradients(product(A), b, 30)
    assert not x[0].any()
    torch.testing.assert_close(x[1], b[1])
    assert not x[2].any()
    torch.testing.assert_close(x[3], torch.linalg.solve(A[3], b[3]), rtol=1e-6, atol=1e-8)


def test_one_seed_s_nan_stays_its_own():
    A, b = problems()
    x = conjugate_gradients(product(A), b, 5)
    A[1, 2, 3] = math.nan
    hurt = conjugate_gradients(product(A), b, 5)
    assert torch.equal(hurt[[0, 2, 3]], x[[0, 2, 3]])


def test_the_longest_step_ends_on_the_edge_unless_its_multiplier_has_a_floor():
    A, b = problems()
    s = torch.linalg.solve(A, b)
    beta = max_step(s, b, 0.01)
    torch.testing.assert_close(0.5 * beta[:, 0] ** 2 * (s * b).sum(1), torch.full((S,), 0.01, dtype=torch.float64))
    floor = float(1 / beta.median())
    floored = max_step(s, b, 0.01, floor)
    torch.testing.assert_close(floored, beta.clamp(max=1 / floor))
    assert (floored < beta).any()
    assert not max_step(torch.zeros(S, P), torch.zeros(S, P), 0.01).any()


def quadratic(curvature):
    """Gain 3 t - curvature t^2 and divergence t^2 of theta = t, in one dimension."""
    return lambda theta: (3 * theta[:, 0] - curvature * theta[:, 0] ** 2, theta[:, 0] ** 2)


def test_each_seed_shrinks_its_step_until_it_gains_within_the_bound():
    theta, step = torch.zeros(4, 1, dtype=torch.float64), torch.ones(4, 1, dtype=torch.float64)
    curvature = torch.tensor([0.0, 4.0, 10.0, 1e9], dtype=torch.float64)  # the first gains at once, the last never
    found = line_search(theta, step, quadratic(curvature), 1.0, tries=5)
    assert found.accepted.tolist() == [True, True, True, False]
    assert found.fraction.tolist() == [1.0, 0.5, 0.25, 0.0]
    assert found.theta[:, 0].tolist() == [1.0, 0.5, 0.25, 0.0]
    assert found.divergence.tolist() == [1.0, 0.25, 0.0625, 0.0]
    tight = line_search(theta, step, quadratic(curvature), 0.2, tries=5)
    assert tight.fraction.tolist() == [0.25, 0.25, 0.25, 0.0]


def test_a_gain_must_be_a_share_of_what_a_line_would_give():
    theta, step = torch.zeros(1, 1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
    expected = torch.full((1,), 3.0, dtype=torch.float64)
    curvature = torch.tensor([2.8], dtype=torch.float64)  # at the full step 0.2 of 3, at half of it 0.8 of 1.5
    assert line_search(theta, step, quadratic(curvature), 9.0, expected=expected).fraction.tolist() == [1.0]
    found = line_search(theta, step, quadratic(curvature), 9.0, expected=expected, accept_ratio=0.1)
    assert found.fraction.tolist() == [0.5]


@pytest.mark.parametrize("value", [math.nan, -1.0])
def test_a_search_that_fails_restores_the_parameters_bit_for_bit(value):
    torch.manual_seed(1)
    theta = torch.randn(2, 5)
    theta[0, 0], theta[1, 1] = -0.0, 1e-40
    bits = theta.view(torch.int32).clone()

    def evaluate(_):
        return torch.full((2,), value), torch.zeros(2)

    found = line_search(theta, torch.randn(2, 5, dtype=torch.float64), evaluate, 1.0)
    assert not found.accepted.any()
    assert torch.equal(found.theta.view(torch.int32), bits)
    assert torch.equal(theta.view(torch.int32), bits)


def test_a_step_that_is_not_finite_is_not_tried():
    step = torch.ones(2, 3, dtype=torch.float64)
    step[1, 0] = math.inf
    found = line_search(torch.zeros(2, 3), step, lambda theta: (torch.ones(2), torch.zeros(2)), 1.0)
    assert found.accepted.tolist() == [True, False]
    assert found.theta[1].tolist() == [0, 0, 0]


def test_a_whole_step_is_taken_whatever_it_does_unless_it_is_not_finite():
    """The first seed's step loses and the second's is far beyond any bound; a search takes neither."""
    theta, step = torch.zeros(3, 1), torch.tensor([[-1.0], [100.0], [math.nan]])

    def evaluate(candidate):
        return candidate[:, 0] - 0.02 * candidate[:, 0].square(), candidate[:, 0].square()

    taken = whole_step(theta, step, evaluate)
    assert taken.theta[:, 0].tolist() == [-1.0, 100.0, 0.0]
    assert taken.fraction.tolist() == [1.0, 1.0, 0.0]
    assert taken.gain.tolist() == pytest.approx([-1.02, -100.0, 0.0])
    assert taken.divergence.tolist() == [1.0, 10_000.0, 0.0]
    assert not line_search(theta, step, evaluate, 0.01, tries=1).accepted.any()
