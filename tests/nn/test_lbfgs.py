"""L-BFGS for many seeds, against what is known and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize, rosen, rosen_der

from svgbench.nn.lbfgs import minimise


def rosenbrock(theta):
    values = torch.tensor([rosen(row) for row in theta.numpy()], dtype=torch.float64)
    return values, torch.from_numpy(np.stack([rosen_der(row) for row in theta.numpy()]))


def test_it_finds_the_minima_that_scipy_finds_in_at_most_twice_its_evaluations():
    """One of the three is Rosenbrock's local minimum, of value 3.93."""
    torch.manual_seed(0)
    start = torch.randn(3, 5, dtype=torch.float64)
    how = {"jac": rosen_der, "method": "L-BFGS-B", "options": {"ftol": 0, "gtol": 1e-8}}
    theirs = [minimize(rosen, row, **how) for row in start.numpy()]
    found = minimise(rosenbrock, start, 2 * max(result.nfev for result in theirs))
    np.testing.assert_allclose(found, np.stack([result.x for result in theirs]), atol=1e-6)
    assert rosenbrock(found)[0].tolist() == pytest.approx([0, 3.930839, 0], abs=1e-6)


def test_each_seed_gets_what_it_gets_alone():
    torch.manual_seed(0)
    start = torch.randn(4, 5, dtype=torch.float64)
    start[2] = 1.0  # already there
    for evaluations in (1, 2, 9, 40):
        block = minimise(rosenbrock, start, evaluations)
        for s in range(4):
            alone = minimise(rosenbrock, start[s : s + 1], evaluations)
            torch.testing.assert_close(block[s : s + 1], alone, rtol=1e-12, atol=0)
    assert torch.equal(block[2], start[2])


def test_it_never_ends_above_its_start_and_counts_its_evaluations():
    torch.manual_seed(0)
    start, calls = 3 * torch.randn(6, 8, dtype=torch.float64), []

    def counted(theta):
        calls.append(1)
        return rosenbrock(theta)

    last = rosenbrock(start)[0]
    for evaluations in (2, 5, 20):
        calls.clear()
        value = rosenbrock(minimise(counted, start, evaluations))[0]
        assert len(calls) == evaluations
        assert (value <= last).all()
        last = value


def test_a_step_that_overshoots_is_halved():
    """1e3 x^4 from x = 0.1, 0.3 and 1: the first step is of length one, so two of the three go uphill."""

    def steep(theta):
        return 1e3 * theta.pow(4).sum(1), 4e3 * theta.pow(3)

    start = torch.tensor([[0.1], [0.3], [1.0]], dtype=torch.float64)
    tried = minimise(steep, start, 2)
    assert torch.equal(tried[:2], start[:2])
    assert tried[2] == 0
    last = start.abs()
    for evaluations in range(3, 12):
        now = minimise(steep, start, evaluations).abs()
        assert (now <= last).all()
        last = now
    assert last.max() < 0.1


def test_a_seed_that_is_not_finite_leaves_the_others_alone():
    start = torch.zeros(2, 3, dtype=torch.float64)
    start[1] = torch.nan
    found = minimise(rosenbrock, start, 60)
    torch.testing.assert_close(found[0], torch.ones(3, dtype=torch.float64), atol=1e-3, rtol=0)
    assert torch.equal(found[:1], minimise(rosenbrock, start[:1], 60))
